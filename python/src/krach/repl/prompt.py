"""IPython, set up: errors in three lines, events between prompts, completion of names."""

from __future__ import annotations

import queue
import re
import threading
import time
from typing import Any, cast

from IPython.core import completer
from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from traitlets.config import Config

from krach.error import KrachError
from krach.run import names, told
from krach.session import Session
from krach.session.whole import is_of_one_node
from krach.unquoted import unquoted

from .sending import Receiver

_SLOW = 0.3
# What stands within quotes so far: names have signs in them at which Python's words end.
_QUOTED = re.compile(r"""["']([^"']*)$""")
_TOPICS = ("errors", "compiles")


class News:
    """Tells events between prompts: what does not compile, what compiles long, the plugin that goes and comes back."""

    def __init__(self, session: Session) -> None:
        """Listen to the plugin."""
        self._session = session
        self._events: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
        session.listen(lambda topic, event: self._events.put((topic, event)), *_TOPICS)
        threading.Thread(target=self._run, name="krach news", daemon=True).start()

    def _run(self) -> None:
        while True:
            topic, event = self._events.get()
            try:
                line = self.line(topic, event)
            except KrachError:
                continue  # The plugin has gone meanwhile, and says so itself.
            if line is not None:
                print(line, flush=True)

    def line(self, topic: str, event: dict[str, Any]) -> str | None:
        """Return what is said of an event."""
        match topic:
            case "errors":
                after = "\nwhat played plays on" if event.get("still_playing") else ""
                return f"{self._session.compile_error(event)}{after}"
            case "compiles":
                self._session.note_what_was_awaited()
                spent = sum(event["ms"].values())
                is_long = spent > 1000 * _SLOW and event.get("tier") == "quick"
                return f"{self._called(event['type'])} is compiled ({spent / 1000:.1f} s)" if is_long else None
            case "gone":
                return "the plugin has gone; it is looked for"
            case "back":
                return f"the plugin is back: {self._session!r}"
            case _:
                return None

    def _called(self, kind: str) -> str:
        """Return what a musician calls a type: that of one node alone goes by the node."""
        names = [each.name for each in self._session.describe() if each.type == kind] if is_of_one_node(kind) else []
        return ", ".join(names) or ("a sound" if is_of_one_node(kind) else kind)

    def after_cell(self, *_: object) -> None:
        """Tell once what is still being compiled a while after a line."""
        threading.Thread(target=self._slow, name="krach progress", daemon=True).start()

    def _slow(self) -> None:
        time.sleep(_SLOW)
        try:
            self._session.note_what_was_awaited()
            waits = [each.name for each in self._session.describe() if each.state == "pending"]
        except KrachError:
            return
        if waits:
            print(f"compiling {', '.join(waits)} …", flush=True)


def completions(session: Session, text: str) -> list[str]:
    """Return the types, nodes, control paths, scenes and sessions that begin with a text within quotes.

    >>> krach.repl.prompt.completions(kr, "faust:ki")
    ['faust:kick']
    """
    try:
        nodes = session.describe()
        known = [each.type for each in session.types()] + [each.name for each in nodes]
        known += [each["path"] for node in nodes for each in node.controls or ()]
        known += session.scenes
        known += session.session_files() if session.has("session_files") else []
    except KrachError:
        return []
    return [each for each in known if text and each.startswith(text)]


def unknown_name(session: Session, error: NameError, source: str) -> KrachError | None:
    """Return what is said of a name that nobody has: a word of mini-notation without quotes, or a node.

    >>> kick = kr.node("kick", "faust:kick")
    >>> print(krach.repl.prompt.unknown_name(kr, NameError("…", name="kick"), "kick.mute()"))
    there is no name kick
    the node is kr["kick"]
    """
    name = error.name or ""
    found = unquoted(error, source)
    if found is not None:
        return found
    try:
        if name not in session.nodes:
            return None
    except KrachError:
        return None
    hint = f'the node is kr["{name}"]'
    return KrachError(f"there is no name {name}\n{hint}", place=name, hint=hint)


def start(session: Session) -> None:
    """Run the prompt until it is left; the music plays on."""
    config = Config()
    config.TerminalInteractiveShell.confirm_exit = False
    config.TerminalInteractiveShell.banner1 = ""
    config.TerminalInteractiveShell.enable_tip = False
    space: dict[str, Any] = names(session)
    shell: Any = TerminalInteractiveShell.instance(config=config, user_ns=space)

    def show(_shell: Any, _kind: Any, error: BaseException, _trace: Any, tb_offset: Any = None) -> None:
        del tb_offset
        print(told(error))

    def show_either(shell: Any, kind: Any, error: BaseException, trace: Any, tb_offset: Any = None) -> None:
        if not isinstance(error, NameError) or isinstance(error, KrachError):
            show(shell, kind, error, trace)
            return
        unknown = unknown_name(session, error, shell.user_ns["In"][-1])
        if unknown is None:
            shell.InteractiveTB(kind, error, trace, tb_offset=tb_offset)
        else:
            print(told(unknown))

    shell.set_custom_exc((KrachError, NameError), show_either)

    named: Any = cast("Any", completer).context_matcher(identifier="krach.names")

    def matches(context: CompletionContext) -> SimpleMatcherResult:
        quoted = _QUOTED.search(context.full_text[: context.cursor_position])
        text = "" if quoted is None else quoted[1]
        found = [SimpleCompletion(each, type="name") for each in completions(session, text)]
        return SimpleMatcherResult(completions=found, matched_fragment=text, suppress=bool(found))

    shell.Completer.custom_matchers.append(named(matches))
    news = News(session)
    shell.events.register("post_run_cell", news.after_cell)
    receiver = Receiver(shell.user_ns)
    _magics(session, shell)
    print(f"{session!r}\nkr is the session, krs makes sounds, krp patterns; %undo, %history")
    try:
        shell.mainloop()
    finally:
        receiver.close()
        session.close()


def _magics(session: Session, shell: Any) -> None:
    def undo(_line: str) -> None:
        """Take the last step of the session back."""
        step = session.undo().undone
        print("there is nothing to undo" if step is None else f"undone: {step}")

    def redo(_line: str) -> None:
        """Do again what was undone last."""
        step = session.redo().redone
        print("there is nothing to redo" if step is None else f"redone: {step}")

    def history(_line: str) -> None:
        """List the steps of the session."""
        print("\n".join(session.history()))

    def scene(line: str) -> None:
        """Play a scene, by its name or number."""
        meant = line.strip().strip("\"'")
        session.recall(int(meant) if meant.isdecimal() and meant not in session.scenes else meant)

    for name, magic in {"undo": undo, "redo": redo, "history": history, "scene": scene}.items():
        shell.register_magic_function(magic, "line", name)
