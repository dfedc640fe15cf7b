"""Sockets that listen, opened apart from serving so that privileges can be dropped between.

Law: a refusal says which address it was, why, and what to do, and leaves nothing
open. Who opens a socket here closes it. Start from `open_udp` and `open_tcp`.
"""

from __future__ import annotations

import errno
import os
import resource
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from sparrow.errors import FatalError

if TYPE_CHECKING:
    from sparrow.config.fields import Endpoint

# Numbers of <linux/in.h>, <linux/in6.h> and <asm-generic/socket.h> without a name in Python 3.11.
IP_PKTINFO = 8
_IP_MTU_DISCOVER = 10
_IPV6_MTU_DISCOVER = 23
_PMTUDISC_OMIT = 5
_SO_RCVBUFFORCE = 33

RECEIVE_BUFFER = 4 << 20
"""Octets of queries that wait while the process is busy: some 5,000 of the usual size."""
_BACKLOG = 1024
"""Connections that wait for accept(); the kernel cuts it to net.core.somaxconn."""

SPARE_FILES = 64
"""File descriptors beside those of clients: listeners, the log, the control socket, a reload."""


class ListenError(FatalError):
    """An address cannot be listened on; the text has one line for each that cannot."""


def allow_files(count: int) -> int:
    """Let this process open `count` files if its hard limit does; give the limit now in force.

    A login shell and systemd start processes with 1024, for the sake of programs
    that use select(2); the hard limit is what the machine's owner means.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        soft = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return count if soft == resource.RLIM_INFINITY else soft


def has_address(host: bytes) -> bool:
    """Tell whether this machine has a packed address, or at least does not say that it has none."""
    family = socket.AF_INET if len(host) == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((socket.inet_ntop(family, host), 0))
    except OSError as error:
        return error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
    return True


def open_udp(endpoint: Endpoint, *, is_shared: bool = False) -> socket.socket:
    """Bind a non-blocking UDP socket; `is_shared` lets others of ours be bound beside it.

    Raises `ListenError`.
    """
    return _open(endpoint, socket.SOCK_DGRAM, is_shared=is_shared)


def open_tcp(endpoint: Endpoint) -> socket.socket:
    """Bind a non-blocking TCP socket and listen on it. Raises `ListenError`."""
    return _open(endpoint, socket.SOCK_STREAM)


def _open(endpoint: Endpoint, kind: socket.SocketKind, *, is_shared: bool = False) -> socket.socket:
    is_udp = kind == socket.SOCK_DGRAM
    try:
        sock = socket.socket(_family(endpoint), kind)
        try:
            if is_udp:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, is_shared)
                set_udp_options(sock, endpoint)
            else:
                # Connections of a predecessor that linger in TIME_WAIT do not matter.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _bind(sock, endpoint)
            if not is_udp:
                sock.listen(_BACKLOG)
        except OSError:
            sock.close()
            raise
    except OSError as error:
        raise ListenError(explain_refusal(endpoint, "UDP" if is_udp else "TCP", error)) from error
    return sock


def _family(endpoint: Endpoint) -> socket.AddressFamily:
    return socket.AF_INET if len(endpoint.host) == 4 else socket.AF_INET6


def _bind(sock: socket.socket, endpoint: Endpoint) -> None:
    sock.setblocking(False)
    if sock.family == socket.AF_INET6:
        # [::] beside 0.0.0.0, and no IPv4 addresses in IPv6 dress.
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((socket.inet_ntop(sock.family, endpoint.host), endpoint.port))


def set_udp_options(sock: socket.socket, endpoint: Endpoint) -> None:
    """Set what a UDP socket of DNS has, on one of ours or one that systemd opened."""
    is_wildcard = not any(endpoint.host)
    # OMIT: an ICMP "packet too big", which anybody can forge, must not make us send
    # fragments, which can be poisoned. Answers fit every path (1232 octets).
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_OMIT)
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, is_wildcard)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_OMIT)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, is_wildcard)
    # The kernel takes any size here and cuts it to net.core.rmem_max; past that
    # limit it lets only root go.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    with suppress(PermissionError):
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)


def explain_refusal(endpoint: Endpoint, transport: str, error: OSError) -> str:
    """Say which address could not be opened, why, and what to do; `transport` is UDP or TCP."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    advice = _ADVICE.get(error.errno or 0)
    text = advice.format(port=endpoint.port, flag=transport[0].lower()) if advice else reason
    return f"cannot listen on {endpoint} ({transport}): {text}"


_ADVICE = {
    errno.EADDRINUSE: (
        "the address is already in use: another name server runs there; "
        "`ss -l{flag}np 'sport = :{port}'` shows it"
    ),
    errno.EACCES: (
        "permission denied: ports below 1024 need root or CAP_NET_BIND_SERVICE; "
        "start as root and set server.user"
    ),
    errno.EADDRNOTAVAIL: (
        "the address is not on this machine: `ip address` lists those that are; "
        "0.0.0.0 and [::] stand for all of them"
    ),
    errno.EAFNOSUPPORT: (
        "this machine has no such addresses: IPv6 is switched off in its kernel; "
        "leave the IPv6 listeners out, or switch it on"
    ),
    errno.EINVAL: (
        "a link-local address needs its interface, which cannot be written here; "
        "[::] listens on link-local addresses too"
    ),
}
"""What to do about the errors that operators meet; others are told in the system's words."""
