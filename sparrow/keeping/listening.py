"""The sockets of a server: those that somebody has opened already, and the rest.

Law: a socket that fits is taken and never opened a second time; all endpoints are
open at the end, or none of those that were opened here. Start from `furnish`.
"""

from __future__ import annotations

import errno
import logging
import socket
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sparrow.keeping.estate import Holding
from sparrow.server.sockets import (
    ListenError,
    has_address,
    open_tcp,
    open_udp,
    set_udp_options,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sparrow.config.fields import Endpoint
    from sparrow.keeping.layout import Layout

_log = logging.getLogger(__name__)

_SHARING = frozenset({errno.EADDRINUSE, errno.EACCES, errno.EPERM})
"""Errors at a further socket of an endpoint after which its workers read the same one."""


@dataclass(slots=True)
class Furniture:
    """The sockets of a server; mutable while they are being opened."""

    udp: list[socket.socket] = field(default_factory=list)
    """DNS over UDP."""
    tcp: list[socket.socket] = field(default_factory=list)
    """DNS over TCP, listening."""
    route_port: socket.socket | None = None
    """The route port, listening."""
    opened: list[socket.socket] = field(default_factory=list)
    """Those of all these that were opened here."""


def leave_out_absent(layout: Layout) -> Layout:
    """Give the layout without the addresses that the machine lacks, where nobody asked for them.

    So a machine without IPv6 serves on 127.0.0.1 alone by default. Where it has none
    of them all stay, for `furnish` to say why.
    """
    if not layout.is_default_listen:
        return layout
    present = tuple(endpoint for endpoint in layout.dns if has_address(endpoint.host))
    if not present:
        return layout
    for endpoint in layout.dns:
        if endpoint not in present:
            _log.info(
                "not listening on %s, a default of server.listen: this machine has no such address",
                endpoint,
            )
    return replace(layout, dns=present)


def furnish(layout: Layout, pool: list[socket.socket]) -> Furniture:
    """Take what fits from `pool`, and open the rest.

    What is left in `pool` fits nothing. Raises `ListenError` with a line for each
    endpoint that cannot be opened.
    """
    furniture, refusals = Furniture(), []
    for endpoint in layout.dns:
        try:
            _add_dns(furniture, endpoint, layout.workers, pool)
        except ListenError as error:
            refusals.append(str(error))
    if layout.route_port:
        try:
            furniture.route_port = _add_tcp(furniture, layout.route_port, pool)
        except ListenError as error:
            refusals.append(str(error))
    if refusals:
        for sock in furniture.opened:
            sock.close()
        raise ListenError("\n".join(refusals))
    return furniture


def _add_dns(
    furniture: Furniture, endpoint: Endpoint, workers: int, pool: list[socket.socket]
) -> None:
    """Add the sockets of an endpoint.

    TCP goes first: where another server has the address, its TCP socket refuses us
    before ours joins its group of UDP sockets, and takes packets away from it.
    """
    furniture.tcp.append(_add_tcp(furniture, endpoint, pool))
    found = _take(pool, endpoint, socket.SOCK_DGRAM)
    for sock in found:
        set_udp_options(sock, endpoint)
    for _ in range(workers - len(found)):
        try:
            found.append(open_udp(endpoint, is_shared=True))
        except ListenError as error:
            cause = error.__cause__
            if not found or not isinstance(cause, OSError) or cause.errno not in _SHARING:
                raise
            _log.warning(
                "%s has %d UDP sockets for %d workers, who share them: "
                "with systemd, ReusePort=yes lets each have its own",
                *(endpoint, len(found), workers),
            )
            break
        furniture.opened.append(found[-1])
    furniture.udp += found


def _add_tcp(furniture: Furniture, endpoint: Endpoint, pool: list[socket.socket]) -> socket.socket:
    found = _take(pool, endpoint, socket.SOCK_STREAM)
    if found:
        return found[0]
    furniture.opened.append(open_tcp(endpoint))
    return furniture.opened[-1]


def _take(
    pool: list[socket.socket], endpoint: Endpoint, kind: socket.SocketKind
) -> list[socket.socket]:
    """Take the sockets that are bound to an endpoint out of the pool."""
    found = [sock for sock in pool if sock.type == kind and _is_bound(sock, endpoint)]
    for sock in found:
        pool.remove(sock)
    return found


def _is_bound(sock: socket.socket, endpoint: Endpoint) -> bool:
    family = socket.AF_INET if len(endpoint.host) == 4 else socket.AF_INET6
    if sock.family != family:
        return False
    host, port = sock.getsockname()[:2]
    return port == endpoint.port and socket.inet_pton(family, host) == endpoint.host


def holdings(
    sockets: Iterable[socket.socket], endpoints: Iterable[Endpoint]
) -> tuple[Holding, ...]:
    """Give descriptors of the sockets with their endpoints; the sockets are given up for them."""
    known = tuple(endpoints)
    return tuple(
        Holding(next(each for each in known if _is_bound(sock, each)), sock.detach())
        for sock in sockets
    )
