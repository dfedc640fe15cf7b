"""A process that is started before there is a charge for it.

Law: until it has a charge it imports, reads, and writes nothing; one that gets none ends,
and nothing has come of it. This imports little, as it is waited for at every start. Start
from `Reserve`; the other end is in `keeping.call`.

That on which the first answer depends begins while we are still importing ourselves.

    keeper to be                        UDP worker, where there is a last plan
    starts it                           imports
    imports, opens sockets              imports
    sends charge and files              takes its charge, and is a worker as any other

    keeper to be                        daemon, at a first start
    starts it, and imports              reads the configuration, tells the layout
    opens sockets                       goes on importing
    sends charge and files              takes its charge, and is a daemon as any other

The keeper does not read the configuration, as the libraries for that are larger than itself.
"""

from __future__ import annotations

import socket
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from sparrow.errors import FatalError, UnavailableError
from sparrow.keeping.descriptors import receive_message, send_message
from sparrow.keeping.programs import child_environ, held_signals

if TYPE_CHECKING:
    from collections.abc import Sequence


class Reserve:
    """At most one process without a charge; on leaving the context it is gone, or has one."""

    def __init__(self, program: Sequence[str]) -> None:
        """Start nothing yet."""
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._tether: socket.socket | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the process go that got no charge."""
        self.dismiss()

    def start(self, config_path: str) -> None:
        """Start the process, if there is none.

        Where that fails there is none, and it is tried again when it is due. Its arguments
        are the descriptor of its tether, and the configuration, which also names it for
        whoever looks at the list of processes.
        """
        if self._process:
            return
        ours, theirs = socket.socketpair()
        with theirs, suppress(OSError), held_signals():
            self._process = subprocess.Popen(  # noqa: S603  (a program of ours)
                [*self._program, str(theirs.fileno()), config_path],
                env=child_environ(),
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._tether = ours

    def receive_layout(self) -> str | None:
        """Wait for the layout of the configuration, as JSON; only a daemon tells it.

        None where there is no process, or it is gone. Raises `FatalError` with the words in
        which the configuration is refused; there is no process then, either.
        """
        if self._tether is None:
            return None
        try:
            message, _ = receive_message(self._tether)
        except UnavailableError:
            self.dismiss()
            return None
        if message["refusal"] is not None:
            self.dismiss()
            raise FatalError(message["refusal"])
        return str(message["layout"])

    def send(
        self, charge: str, descriptors: Sequence[int]
    ) -> tuple[subprocess.Popen[bytes], socket.socket] | None:
        """Give the process its charge, as JSON, and give it with our end of its tether.

        From then on it is the caller's. None where there is no process, or it is gone.
        """
        process, tether = self._process, self._tether
        if process is None or tether is None:
            return None
        try:
            send_message(tether, {"charge": charge}, descriptors)
        except OSError:
            self.dismiss()
            return None
        self._process = self._tether = None
        return process, tether

    def dismiss(self) -> None:
        """End the process, if there is one."""
        process, tether = self._process, self._tether
        self._process = self._tether = None
        if tether:
            tether.close()
        if process:
            process.kill()
            process.wait()
