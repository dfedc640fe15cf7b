"""A daemon that is started before there is a charge for it.

Law: until it has a charge it does nothing but import; one that gets none ends, and
nothing has come of it. Start from `Reserve`.

At a first start the configuration decides what a daemon is told, and to read it takes
as long as half of what a daemon imports. So both are done at once.

    keeper to be                            daemon
    starts it, and reads the configuration  imports
    opens sockets, sends charge and files   takes its charge, and is a daemon as any other
"""

from __future__ import annotations

import socket
import subprocess
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from sparrow.errors import UnavailableError
from sparrow.keeping.charge import decode_charge, encode_charge
from sparrow.keeping.children import PROGRAMS, child_environ, held_signals
from sparrow.keeping.descriptors import receive_message, send_message
from sparrow.keeping.supervision import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.keeping.charge import Charge


class Reserve:
    """At most one daemon without a charge; on leaving the context it is gone, or has one."""

    def __init__(self, program: Sequence[str] = PROGRAMS[Kind.DAEMON]) -> None:
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


def take_charge(argument: str) -> Charge | None:
    """Give the charge of a daemon, from the first argument of its program.

    That is the charge, or the descriptor of the tether on which it will come. None where
    none comes.
    """
    if not argument.isdecimal():
        return decode_charge(argument)
    tether = socket.socket(fileno=int(argument))
    try:
        message, descriptors = receive_message(tether)
    except UnavailableError:
        tether.close()
        return None
    charge = decode_charge(message["charge"])
    estate = charge.estate.renumber(descriptors)
    return replace(charge, estate=estate, tether_fd=tether.detach())
