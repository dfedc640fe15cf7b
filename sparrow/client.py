"""The other end of the control socket: asks a running daemon.

Law: "no daemon there" is one error of its own, so that the caller can do the
work from files instead; a daemon that nobody meant is asked for its configuration,
and for nothing else. Start from `connect`.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sparrow.control.protocol import decode_response, encode_request
from sparrow.errors import InputError, UnavailableError
from sparrow.folders import CONTROL_SOCKET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

ANSWER_S = 60.0
"""Seconds for a command to be done, unless the caller says otherwise."""


class Connection:
    """A connection to the daemon of a run directory, for several requests."""

    def __init__(self, run_dir: str, timeout_s: float = ANSWER_S) -> None:
        """Connect. Raises `UnavailableError` where no daemon listens."""
        self.run_dir = run_dir
        """The folder of the daemon."""
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
        self.close()

    def close(self) -> None:
        """Hang up."""
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


def connect(run_dirs: Iterable[str], config_path: str, timeout_s: float = ANSWER_S) -> Connection:
    """Connect to the daemon of the configuration at a path, which may be in any of some folders.

    A daemon in the first one is taken for it; one in another folder has to say so. Raises
    `UnavailableError` with what is in each folder instead.
    """
    refusals: list[str] = []
    for run_dir in run_dirs:
        try:
            connection = Connection(run_dir, timeout_s)
            if not refusals or _has_config(connection, config_path):
                return connection
            refusals.append(f"the one in {run_dir} has another configuration")
        except (UnavailableError, InputError) as error:
            refusals.append(str(error))
    raise UnavailableError("; ".join(refusals))


def _has_config(connection: Connection, config_path: str) -> bool:
    """Tell whether a daemon was started with a configuration; hang up where it was not."""
    is_same = False
    try:
        served = str(connection.ask("status")["config"])
        is_same = os.path.realpath(served) == os.path.realpath(config_path)
    finally:
        if not is_same:
            connection.close()
    return is_same


def _explain_refusal(path: Path, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"the daemon's socket {path} may not be opened by this user"
    if isinstance(error, BlockingIOError | TimeoutError):
        return f"the daemon at {path} is too busy to listen"
    return f"no daemon listens at {path}"
