"""What a keeper needs before it begins: the lock of its run directory, and its sockets.

Law: whatever keeps a server from starting is found here, while there is still a
terminal to say it on and the right to open things; a predecessor notices nothing.
Start from `enter`.
"""

from __future__ import annotations

import logging
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.folders import claim_run_dir, give_run_dir
from sparrow.keeping.activation import take_activated
from sparrow.keeping.estate import Estate, Holding, UnixHolding
from sparrow.keeping.handover import Predecessor, take_over
from sparrow.keeping.listening import furnish, holdings
from sparrow.server.sockets import SPARE_FILES, allow_files
from sparrow.server.unixsocket import UNIX_CONNECTIONS, give_unix, open_unix

if TYPE_CHECKING:
    import pwd

    from sparrow.keeping.layout import Layout

_log = logging.getLogger(__name__)

_NONE = -1
"""Stands for the descriptors of an estate that its keeper makes itself."""


@dataclass(frozen=True, slots=True)
class Premises:
    """Open files for a keeper that is about to begin."""

    estate: Estate
    """The sockets and the lock; the ways to a successor and to the end are still missing."""
    predecessor: Predecessor | None
    """Who serves from the same run directory until we are ready."""


def enter(layout: Layout, account: pwd.struct_passwd | None, *, is_replacing: bool) -> Premises:
    """Lock the run directory, or be handed it, and open the sockets.

    `account` is who will serve, None for who we are. Raises `FatalError`; what was
    opened goes with the process.
    """
    predecessor = take_over(Path(layout.run_dir)) if is_replacing else None
    owner = (account.pw_uid, account.pw_gid) if account else None
    if predecessor:
        lock_fd = predecessor.estate.lock_fd
        if owner:
            give_run_dir(Path(layout.run_dir), owner)
    else:
        lock_fd = claim_run_dir(layout.run_dir, owner).lock_fd
    _allow_connections(layout)
    pool = take_activated(os.environ, os.getpid())
    if predecessor:
        pool = _distinct([*pool, *_sockets_of(predecessor.estate)])
    furniture = furnish(layout, pool)
    for sock in pool:
        _log.info("a socket that was passed is not used: %s", sock.getsockname())
        sock.close()
    if layout.dns:
        _log.info("listening on %s", ", ".join(map(str, layout.dns)))
    port = furniture.route_port
    estate = Estate(
        udp=holdings(furniture.udp, layout.dns),
        tcp=holdings(furniture.tcp, layout.dns),
        route_port=holdings([port], [layout.route_port])[0] if port and layout.route_port else None,
        lock_fd=lock_fd,
        handover_fd=_NONE,
        finish_read_fd=_NONE,
        finish_write_fd=_NONE,
        pdns=_hold_pdns(layout, predecessor.estate.pdns if predecessor else None),
    )
    return Premises(estate, predecessor)


def _hold_pdns(layout: Layout, held: UnixHolding | None) -> UnixHolding | None:
    """Give the socket for PowerDNS: the predecessor's where the path is the same, or another.

    Raises `ListenError`.
    """
    place = layout.pdns
    if held and place and held.path == place.path and _inode_of(held.path) == held.inode:
        give_unix(held.path, place.group)
        return held
    if held:
        os.close(held.fd)
    if place is None:
        return None
    sock = open_unix(place.path, place.group)
    _log.info("listening for PowerDNS on %s", place.path)
    return UnixHolding(place.path, _inode_of(place.path), sock.detach())


def _inode_of(path: str) -> int:
    try:
        return os.lstat(path).st_ino
    except OSError:
        return 0


def _sockets_of(estate: Estate) -> list[socket.socket]:
    route_port: tuple[Holding, ...] = (estate.route_port,) if estate.route_port else ()
    found = [socket.socket(fileno=each.fd) for each in (*estate.udp, *estate.tcp, *route_port)]
    for sock in found:
        sock.setblocking(False)
    return found


def _distinct(sockets: list[socket.socket]) -> list[socket.socket]:
    """Give each socket once; both systemd and a predecessor may have passed it."""
    found: dict[int, socket.socket] = {}
    for sock in sockets:
        if found.setdefault(os.fstat(sock.fileno()).st_ino, sock) is not sock:
            sock.close()
    return list(found.values())


def _allow_connections(layout: Layout) -> None:
    """Have room for every connection that is allowed, or say that there is none."""
    needed = layout.tcp.connections + SPARE_FILES + (UNIX_CONNECTIONS if layout.pdns else 0)
    allowed = allow_files(needed)
    if allowed < needed:
        _log.warning(
            "this process may open %d files, and %d may be needed: raise the hard limit of open "
            "files (LimitNOFILE= in systemd), or lower server.tcp.connections",
            *(allowed, needed),
        )
