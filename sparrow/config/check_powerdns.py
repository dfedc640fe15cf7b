"""What the socket for PowerDNS asks of the other keys. Start from `CHECKS`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sparrow.config.findings import Check, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.config.model import Config

_MAX_FOLDER = 98
"""Octets: a path of a socket has 107 (unix(7)), and it gets its name after it is made."""


def _check_pdns(config: Config) -> Iterator[Finding]:
    if config.pdns is None:
        return
    folder, _, name = config.pdns.socket.rpartition("/")
    size, folder_size = (len(os.fsencode(each)) for each in (config.pdns.socket, folder))
    if size > 107 or folder_size > _MAX_FOLDER or not name:
        what = (
            f"the path of a Unix socket has at most 107 octets, and its folder at most "
            f"{_MAX_FOLDER}: use a shorter one, such as /run/sparrow-pdns/socket"
        )
        yield Finding(("pdns", "socket"), what)
    if not config.zones:
        what = "PowerDNS asks for zones, and there are none: configure 'zones', or leave 'pdns' out"
        yield Finding(("pdns",), what, needs=(("zones",),))


CHECKS: tuple[Check, ...] = (_check_pdns,)
