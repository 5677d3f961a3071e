"""One connection: requests with ids, answers in any thread, events, and the way back after a restart."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from numbers import Real
from typing import Any, TypeAlias, cast

from krach.error import KrachError, NothingPlays

from .discovery import NoInstance, find, instances, is_live
from .refusal import refusal
from .stream import Stream, open_stream

Listener: TypeAlias = Callable[[str, dict[str, Any]], None]
"""Takes a topic and its event, in the connection's own thread. ``gone`` and ``back`` are topics of the client."""

_TRY_AGAIN = 0.2
_ANSWER = 60.0
_GREETING = 10.0


class Gone(NothingPlays):
    """The plugin has gone, or does not answer; whether a request in flight has been carried out is not known.

    >>> krach.client.Connection("/nowhere")
    Traceback (most recent call last):
    krach.client.connection.Gone: nobody listens at /nowhere: ...
    """


class Connection:
    """A connection to one instance. Any thread may call; one thread reads.

    If the plugin goes, calls raise ``Gone``, and the reader looks for it until it is back: at the same socket, under
    the same name, or as the only instance that was started since.

    >>> connection = krach.client.Connection(krach.client.find(None))
    >>> connection.greeting["protocol"]
    1
    >>> connection.close()
    """

    def __init__(self, address: str) -> None:
        """Connect. Raises ``Gone`` if nobody listens there."""
        self.greeting: dict[str, Any] = {}
        self.address = address
        self._listeners: list[Listener] = []
        self._topics: set[str] = set()
        self._waiting: dict[int, tuple[str, Mapping[str, Any], Future[Any]]] = {}
        self._last = 0
        self._state = threading.Lock()
        self._writing = threading.Lock()
        self._closed = threading.Event()
        self._there = threading.Event()
        self._stream: Stream | None = None
        self._rest = b""
        try:
            self._open(address)
        except OSError as error:
            raise Gone(f"nobody listens at {address}: {error}", place=address) from None
        self._reader = threading.Thread(target=self._run, name="krach", daemon=True)
        self._reader.start()

    # What is asked

    @property
    def connected(self) -> bool:
        """Whether the plugin is there now.

        >>> kr.connection.connected
        True
        """
        return self._there.is_set()

    @property
    def capabilities(self) -> list[str]:
        """What the plugin says that it can do.

        >>> "jsonrpc:play" in kr.connection.capabilities
        True
        """
        return list(self.greeting.get("capabilities") or [])

    def has(self, method: str) -> bool:
        """Whether the plugin has a method.

        >>> kr.connection.has("play"), kr.connection.has("dance")
        (True, False)
        """
        return f"jsonrpc:{method}" in self.capabilities

    def request(self, method: str, params: Mapping[str, Any] | None = None) -> Future[Any]:
        """Send a request; the future has its answer, or a ``Refusal``. Answers come in the order of the requests.

        >>> future = kr.connection.request("transport")
        >>> kr.connection.result(future)["tempo"]
        120.0
        """
        return self.requests([(method, params or {})])[0]

    def requests(self, several: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Future[Any]]:
        """Send several requests in one write.

        >>> futures = kr.connection.requests([("history", {}), ("transport", {})])
        >>> [sorted(each.result(10))[0] for each in futures]
        ['done', 'beats_per_cycle']
        """
        if threading.current_thread() is self._reader:
            raise RuntimeError("a listener cannot wait for an answer: the thread that it runs in reads them")
        if not self._there.wait(1.0):
            raise self._gone()
        several = list(several)
        futures: list[Future[Any]] = [Future() for _ in several]
        with self._writing:
            first = self._last + 1
            lines = [_line(first + index, method, params) for index, (method, params) in enumerate(several)]
            with self._state:
                stream = self._stream
                if stream is None:
                    raise self._gone()
                for (method, params), future in zip(several, futures, strict=True):
                    self._last += 1
                    self._waiting[self._last] = (method, params, future)
            try:
                stream.write("".join(lines).encode())
            except OSError:
                stream.close()  # The reader tells who waits.
        return futures

    def call(self, method: str, params: Mapping[str, Any] | None = None, timeout: float = _ANSWER) -> Any:
        """Send a request and wait for its answer. Raises ``Refusal``, ``Unsupported`` or ``Gone``.

        >>> kr.connection.call("transport", {"tempo": 99})["tempo"]
        99.0
        >>> kr.connection.call("gain", {"node": "nobody", "gain": 1})
        Traceback (most recent call last):
        krach.client.refusal.Refusal: there is no node nobody...
        """
        return self.result(self.request(method, params), timeout)

    @staticmethod
    def result(future: Future[Any], timeout: float = _ANSWER) -> Any:
        """Wait for an answer.

        >>> krach.client.Connection.result(kr.connection.request("transport"))["seed"]
        0
        """
        try:
            return future.result(timeout)
        except TimeoutError:
            raise Gone(f"no answer within {timeout:g} s", hint="is the host stopped in a debugger?") from None

    # Events

    def listen(self, listener: Listener, topics: Iterable[str] = ()) -> None:
        """Hand events to a listener from now on, and subscribe to topics, also after the plugin came back.

        >>> import queue
        >>> events = queue.Queue()
        >>> kr.connection.listen(lambda topic, event: events.put(topic), ["session"])
        >>> kr.tempo = 99
        >>> events.get(timeout=10)
        'session'
        """
        self._listeners.append(listener)
        self.subscribe(topics)

    def unlisten(self, listener: Listener) -> None:
        """Hand no more events to a listener.

        >>> import queue
        >>> events = queue.Queue()
        >>> def listener(topic, event):
        ...     events.put(topic)
        >>> kr.connection.listen(listener, ["session"])
        >>> kr.connection.unlisten(listener)
        >>> kr.tempo = 99
        >>> events.empty()
        True
        """
        if listener in self._listeners:
            self._listeners.remove(listener)

    def subscribe(self, topics: Iterable[str]) -> None:
        """Ask for topics that nobody has asked for yet.

        >>> kr.connection.subscribe(["session"])
        """
        fresh = sorted(set(topics) - self._topics)
        if fresh:
            self.call("subscribe", {"topics": fresh})
            self._topics.update(fresh)

    def _tell(self, topic: str, event: dict[str, Any]) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(topic, event)
            except Exception as error:
                # A listener's fault does not end the reader.
                sys.excepthook(type(error), error, error.__traceback__)

    # The reader

    def close(self) -> None:
        """Close the connection; the sound goes on.

        >>> connection = krach.client.Connection(krach.client.find(None))
        >>> connection.close()
        >>> connection.connected
        False
        """
        self._closed.set()
        with self._state:
            stream = self._stream
        if stream is not None:
            stream.close()
        if threading.current_thread() is not self._reader:
            self._reader.join(5)

    def _open(self, address: str) -> None:
        """Connect and read the greeting."""
        stream = open_stream(address)
        # A plugin that accepts and says nothing holds nobody up.
        guard = threading.Timer(_GREETING, stream.close)
        guard.daemon = True
        guard.start()
        rest = b""
        try:
            while b"\n" not in rest:
                data = stream.read()
                if not data:
                    raise ConnectionResetError("it closed the connection before its greeting")
                rest += data
            line, self._rest = rest.split(b"\n", 1)
            greeting = json.loads(line)
        except ValueError:
            stream.close()
            raise ConnectionRefusedError("this is no krach") from None
        except BaseException:
            stream.close()
            raise
        finally:
            guard.cancel()
        with self._state:
            self.address, self.greeting, self._stream = address, cast("dict[str, Any]", greeting), stream
        self._there.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._read()
            lost = time.time()
            self._drop()
            if self._closed.is_set():
                return
            self._tell("gone", {"instance": self.greeting.get("instance"), "name": self.greeting.get("name")})
            while not self._closed.wait(_TRY_AGAIN):
                address = self._whereabouts(lost)
                if address is None:
                    continue
                try:
                    self._open(address)
                except OSError:
                    continue
                if self._topics:
                    self._resubscribe()
                self._tell("back", {"instance": self.greeting.get("instance"), "name": self.greeting.get("name")})
                break

    def _read(self) -> None:
        """Hand out lines until the stream ends."""
        stream = self._stream
        assert stream is not None
        parts = [self._rest]
        while True:
            if b"\n" in parts[-1]:
                *lines, rest = b"".join(parts).split(b"\n")
                for line in lines:
                    self._take(line)
                parts = [rest]
            try:
                data = stream.read()
            except OSError:
                return
            if not data:
                return
            parts.append(data)

    def _take(self, line: bytes) -> None:
        message = cast("dict[str, Any]", json.loads(line))
        if message.get("method") == "event":
            event = cast("dict[str, Any]", message.get("params") or {})
            self._tell(str(event.get("topic")), event)
            return
        number = message.get("id")
        with self._state:
            if number is None:  # It could not read the id: answers keep the order of the requests.
                number = next(iter(self._waiting), 0)
            waits = self._waiting.pop(number, None)
        if waits is None:
            return  # The answer to a subscription after a return.
        method, params, future = waits
        if "error" in message:
            version = str(self.greeting.get("version", ""))
            future.set_exception(refusal(method, params, message["error"], version, self.capabilities))
        else:
            future.set_result(message.get("result"))

    def _drop(self) -> None:
        """Close what is left of a connection and tell who waits."""
        self._there.clear()
        with self._state:
            stream, self._stream = self._stream, None
            waiting, self._waiting = self._waiting, {}
        if stream is not None:
            stream.close()
        for method, _, future in waiting.values():
            future.set_exception(self._gone(f"; whether it has carried out `{method}` is not known"))

    def _resubscribe(self) -> None:
        stream = self._stream
        assert stream is not None
        with self._writing:
            try:
                stream.write(_line(0, "subscribe", {"topics": sorted(self._topics)}).encode())
            except OSError:
                stream.close()

    def _whereabouts(self, lost: float) -> str | None:
        """Return where the plugin answers again."""
        if is_live(self.address):
            return self.address
        live = instances()
        known = {str(self.greeting.get("instance")), str(self.greeting.get("name") or "")} - {""}
        same = [each for each in live if {each.id, each.name} & known]
        # The registry counts whole seconds.
        since = [each for each in live if each.started >= int(lost)]
        for fits in (same, since):
            if len(fits) == 1:
                return fits[0].socket
        return None

    def _gone(self, what: str = "") -> Gone:
        name = self.greeting.get("name") or self.greeting.get("instance")
        return Gone(
            f"the plugin {name} has gone{what}",
            place=self.address,
            hint="it is looked for; `kr.attach(NAME)` takes another one",
        )


def attach(name: str | None) -> Connection:
    """Connect to an instance, see ``find``."""
    address = find(name)
    try:
        return Connection(address)
    except Gone as error:
        raise NoInstance(str(error), place=address) from None


def _plain(value: object) -> float:
    """Return a number that JSON does not know, such as a fraction, as one that it knows."""
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"{type(value).__name__} is nothing that the plugin takes")


def _line(number: int, method: str, params: Mapping[str, Any]) -> str:
    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    try:
        line = json.dumps(request, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain) + "\n"
        line.encode()
    except (TypeError, ValueError) as error:
        raise KrachError(f"{method}: {error}", hint="numbers are finite, texts are Unicode") from None
    return line
