"""The other end of the control socket: asks a running daemon.

Law: "no daemon there" is one error of its own, so that the caller can do the
work from files instead. Start from `ask`.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sparrow.control.protocol import decode_response, encode_request
from sparrow.errors import UnavailableError
from sparrow.folders import CONTROL_SOCKET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_ANSWER_S = 60.0
"""Seconds for a command to be done, unless the caller says otherwise."""


class Connection:
    """A connection to the daemon of a run directory, for several requests."""

    def __init__(self, run_dir: str, timeout_s: float = _ANSWER_S) -> None:
        """Connect. Raises `UnavailableError` where no daemon listens."""
        path = Path(run_dir, CONTROL_SOCKET)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise UnavailableError(_explain_refusal(path, error)) from None
        self._stream = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()
        self._socket.close()

    def ask(self, command: str, **arguments: object) -> Mapping[str, Any]:
        """Send one request and give its result.

        Raises `InputError` where the daemon refuses, `UnavailableError` where it
        does not answer.
        """
        try:
            self._socket.sendall(encode_request(command, arguments))
            line = self._stream.readline()
        except OSError as error:
            raise UnavailableError(f"the daemon did not answer: {error}") from None
        if not line:
            raise UnavailableError("the daemon closed the connection without an answer")
        return decode_response(line)


def _explain_refusal(path: Path, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"the daemon's socket {path} may not be opened by this user"
    if isinstance(error, BlockingIOError | TimeoutError):
        return f"the daemon at {path} is too busy to listen"
    return f"no daemon listens at {path}"
