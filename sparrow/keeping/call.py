"""How a process comes to its charge. Start from `take_charge`, or from `Call`."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from sparrow.errors import UnavailableError
from sparrow.keeping.charge import decode_charge
from sparrow.keeping.descriptors import receive_message, send_message

if TYPE_CHECKING:
    from sparrow.keeping.charge import Charge


def take_charge(argument: str) -> Charge | None:
    """Give the charge of a process, from the first argument of its program.

    That is the charge, or the descriptor of the tether on which it will come to a process
    in reserve. None where none comes.
    """
    return Call(int(argument)).take_charge() if argument.isdecimal() else decode_charge(argument)


class Call:
    """The end of a process in reserve; that of who has started it is `Reserve`."""

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
