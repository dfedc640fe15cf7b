"""What a keeper holds and every process under it inherits: sockets, lock, and the way out.

Law: each child has all of it, so any of them that outlives the keeper can hand
everything to a successor, and no socket is ever closed by the death of one process.
Start from `Estate`.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sparrow.config.fields import Endpoint, parse_endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Holding:
    """A socket, and what it is bound to."""

    endpoint: Endpoint
    """Address and port."""
    fd: int
    """Descriptor, in the process that asks."""


@dataclass(frozen=True, slots=True)
class UnixHolding:
    """A listening Unix socket."""

    path: str
    """Where it is."""
    inode: int
    """Number of the file there, which tells it from another server's."""
    fd: int
    """Descriptor, the same number in every process of a keeper."""


@dataclass(frozen=True, slots=True)
class Estate:
    """All that outlives a process."""

    udp: tuple[Holding, ...]
    """Sockets of DNS over UDP: for each endpoint one a worker, or fewer where they are shared."""
    tcp: tuple[Holding, ...]
    """Listening sockets of DNS over TCP."""
    route_port: Holding | None
    """Listening socket of the route port; None where there is none."""
    lock_fd: int
    """The lock of the run directory; held by who holds this file."""
    handover_fd: int
    """Listening Unix socket at which a successor gets all of this."""
    finish_read_fd: int
    """A pipe that stays readable once all are to finish, as a successor serves."""
    finish_write_fd: int
    """Its other end."""
    pdns: UnixHolding | None = None
    """The socket at which PowerDNS asks; None where there is none."""

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All open files, in a fixed order."""
        sockets = (*self.udp, *self.tcp, *((self.route_port,) if self.route_port else ()))
        ends = (self.lock_fd, self.handover_fd, self.finish_read_fd, self.finish_write_fd)
        return (*(each.fd for each in sockets), *ends, *((self.pdns.fd,) if self.pdns else ()))

    def renumber(self, numbers: Iterable[int]) -> Estate:
        """Give the same with other descriptors, in the order of `descriptors`."""
        found = iter(numbers)
        return replace(
            self,
            udp=tuple(Holding(each.endpoint, next(found)) for each in self.udp),
            tcp=tuple(Holding(each.endpoint, next(found)) for each in self.tcp),
            route_port=Holding(self.route_port.endpoint, next(found)) if self.route_port else None,
            lock_fd=next(found),
            handover_fd=next(found),
            finish_read_fd=next(found),
            finish_write_fd=next(found),
            pdns=replace(self.pdns, fd=next(found)) if self.pdns else None,
        )

    def udp_of(self, number: int, workers: int) -> list[Holding]:
        """Give the sockets of one of `workers` UDP workers.

        Of each endpoint's sockets, those whose turn it is; where an endpoint has fewer
        sockets than there are workers, several workers read the same one.
        """
        found: list[Holding] = []
        for endpoint in dict.fromkeys(each.endpoint for each in self.udp):
            sockets = [each for each in self.udp if each.endpoint == endpoint]
            if len(sockets) < workers:
                found.append(sockets[number % len(sockets)])
            else:
                found += sockets[number::workers]
        return found

    def announce_end(self) -> None:
        """Tell every process that holds this that a successor serves."""
        os.write(self.finish_write_fd, b".")


def encode_estate(estate: Estate) -> dict[str, Any]:
    """Give an estate as JSON has it."""
    port = estate.route_port
    return {
        "udp": [_encode_holding(each) for each in estate.udp],
        "tcp": [_encode_holding(each) for each in estate.tcp],
        "route_port": _encode_holding(port) if port else None,
        "lock": estate.lock_fd,
        "handover": estate.handover_fd,
        "finish": [estate.finish_read_fd, estate.finish_write_fd],
        "pdns": asdict(estate.pdns) if estate.pdns else None,
    }


def decode_estate(row: Mapping[str, Any]) -> Estate:
    """Read an estate back."""
    port = row["route_port"]
    read_fd, write_fd = row["finish"]
    pdns = row.get("pdns")  # a predecessor may know of none
    return Estate(
        udp=tuple(_decode_holding(each) for each in row["udp"]),
        tcp=tuple(_decode_holding(each) for each in row["tcp"]),
        route_port=_decode_holding(port) if port else None,
        lock_fd=row["lock"],
        handover_fd=row["handover"],
        finish_read_fd=read_fd,
        finish_write_fd=write_fd,
        pdns=UnixHolding(**pdns) if pdns else None,
    )


def _encode_holding(holding: Holding) -> list[Any]:
    return [str(holding.endpoint), holding.fd]


def _decode_holding(row: list[Any]) -> Holding:
    return Holding(parse_endpoint(row[0]), row[1])
