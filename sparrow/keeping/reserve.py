"""A daemon that is started before there is a charge for it.

Law: until it has a charge it imports, reads, and writes nothing; one that gets none ends,
and nothing has come of it. Start from `Reserve`, or from `Call`, the daemon's end.

At a first start the configuration decides what a daemon is told, and a keeper shall not
read it, as the libraries for that are larger than itself. So the daemon does, first of all.

    keeper to be                            daemon
    starts it                               reads the configuration, tells the layout
    opens sockets, sends charge and files   goes on importing
                                            takes its charge, and is a daemon as any other
"""

from __future__ import annotations

import socket
import subprocess
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from sparrow.errors import FatalError, UnavailableError
from sparrow.keeping.charge import decode_charge, encode_charge
from sparrow.keeping.children import PROGRAMS, child_environ, held_signals
from sparrow.keeping.descriptors import receive_message, send_message
from sparrow.keeping.supervision import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.keeping.charge import Charge


PROGRAM = (*PROGRAMS[Kind.DAEMON][:-1], "firstdaemon")
"""What is started; its arguments are the descriptor of a tether, and the configuration."""


class Reserve:
    """At most one daemon without a charge; on leaving the context it is gone, or has one."""

    def __init__(self, program: Sequence[str] = PROGRAM) -> None:
        """Start nothing yet."""
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._tether: socket.socket | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the daemon go that got no charge."""
        self.dismiss()

    def start(self, config_path: str) -> None:
        """Start a daemon; where that fails there is none, and it is tried again when it is due.

        The configuration is named for whoever looks at the list of processes.
        """
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
        """Wait for the layout of the configuration, as JSON.

        None where there is no daemon, or it is gone. Raises `FatalError` with the words in
        which the configuration is refused; there is no daemon then, either.
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

    def send(self, charge: Charge) -> tuple[subprocess.Popen[bytes], socket.socket] | None:
        """Give the daemon its charge, and give it with our end of its tether.

        From then on it is the caller's. None where there is no daemon, or it is gone.
        """
        process, tether = self._process, self._tether
        if process is None or tether is None:
            return None
        try:
            message = {"charge": encode_charge(charge)}
            send_message(tether, message, charge.estate.descriptors)
        except OSError:
            self.dismiss()
            return None
        self._process = self._tether = None
        return process, tether

    def dismiss(self) -> None:
        """End the daemon, if there is one."""
        process, tether = self._process, self._tether
        self._process = self._tether = None
        if tether:
            tether.close()
        if process:
            process.kill()
            process.wait()


class Call:
    """The end of the daemon that a reserve has started."""

    def __init__(self, fileno: int) -> None:
        """Take the descriptor of the tether."""
        self._tether = socket.socket(fileno=fileno)

    def tell_layout(self, layout: str) -> None:
        """Tell the layout of the configuration, as JSON."""
        self._tell(layout, None)

    def refuse(self, words: str) -> None:
        """Say what is wrong with the configuration."""
        self._tell(None, words)

    def _tell(self, layout: str | None, refusal: str | None) -> None:
        with suppress(OSError):  # who wanted us is gone; there will be no charge
            send_message(self._tether, {"layout": layout, "refusal": refusal}, ())

    def take_charge(self) -> Charge | None:
        """Wait for a charge, with its files; None where none comes."""
        try:
            message, descriptors = receive_message(self._tether)
        except UnavailableError:
            self._tether.close()
            return None
        charge = decode_charge(message["charge"])
        estate = charge.estate.renumber(descriptors)
        return replace(charge, estate=estate, tether_fd=self._tether.detach())
