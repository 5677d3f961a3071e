"""Bytes to and from a plugin: a Unix socket, or a named pipe on Windows."""

from __future__ import annotations

import contextlib
import socket
import sys
from typing import Protocol

_CHUNK = 1 << 16


class Stream(Protocol):
    """Both ways at once: one thread may read while another writes."""

    def read(self) -> bytes:
        """Wait for bytes; none at the end."""
        ...

    def write(self, data: bytes) -> None:
        """Write all of it."""
        ...

    def close(self) -> None:
        """Close it; a read that waits ends."""
        ...


class _Socket:
    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(address)
        except BaseException:
            self._socket.close()
            raise

    def read(self) -> bytes:
        return self._socket.recv(_CHUNK)

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # The other side has closed it already.
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


if sys.platform == "win32":
    import _winapi

    # A handle that is not overlapped lets nobody write while a read waits.
    _OVERLAPPED = _winapi.FILE_FLAG_OVERLAPPED
    _BUSY_MS = 2000

    class _Pipe:
        def __init__(self, address: str) -> None:
            access = _winapi.GENERIC_READ | _winapi.GENERIC_WRITE
            while True:
                try:
                    existing = _winapi.OPEN_EXISTING
                    self._handle = _winapi.CreateFile(address, access, 0, 0, existing, _OVERLAPPED, 0)
                    return
                except OSError as error:
                    if error.winerror != _winapi.ERROR_PIPE_BUSY:
                        raise
                    _winapi.WaitNamedPipe(address, _BUSY_MS)

        def read(self) -> bytes:
            try:
                read, error = _winapi.ReadFile(self._handle, _CHUNK, overlapped=True)
                count, error = read.GetOverlappedResult(True)
            except BrokenPipeError:
                return b""
            if error not in (0, _winapi.ERROR_MORE_DATA):
                return b""
            return bytes(read.getbuffer() or b"")[:count]

        def write(self, data: bytes) -> None:
            rest = memoryview(data)
            while rest:
                written, _ = _winapi.WriteFile(self._handle, rest[:_CHUNK], overlapped=True)
                count, _ = written.GetOverlappedResult(True)
                rest = rest[count:]

        def close(self) -> None:
            _winapi.CloseHandle(self._handle)


def open_stream(address: str) -> Stream:
    """Connect to the socket or pipe at an address. Raises ``OSError``."""
    if sys.platform == "win32":
        return _Pipe(address)
    return _Socket(address)
