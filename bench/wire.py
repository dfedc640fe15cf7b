"""Queries and responses of the bench, as octets.

Law: shares no code with sparrow. Start from `encode_query` and `exchange`.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import dns.message
import dns.rdatatype
from ground import ZONE, Client, packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LOOPBACK = "127.0.0.1"
A, AAAA, TXT = 1, 28, 16
IN, CHAOS = 1, 3
NOERROR, NXDOMAIN = 0, 3
_WINDOW = 32
"""Queries under way at once: few enough for every server's receive buffer."""
_PATIENCE_S = 2.0
"""Seconds after which a query counts as lost."""


def encode_query(
    name: str = ZONE, rtype: int = A, client: Client | None = None, rclass: int = IN
) -> bytes:
    """Give a query with id 0; with a client, it has EDNS and tells the subnet (RFC 7871)."""
    labels = [label.encode() for label in name.split(".") if label]
    question = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    question += struct.pack("!HH", rtype, rclass)
    option = b""
    if client:
        address = packed(client)[: (client.length + 7) // 8]
        option = struct.pack("!HBB", 1 if client.family == 4 else 2, client.length, 0) + address
        option = struct.pack("!HH", 8, len(option)) + option
        option = b"\0" + struct.pack("!HHIH", 41, 1232, 0, len(option)) + option
    return struct.pack("!6H", 0, 0, 1, 0, 0, 1 if client else 0) + question + option


def exchange(port: int, queries: Sequence[bytes]) -> Iterator[bytes | None]:
    """Ask over UDP and give the responses in the order of the queries; None for a lost one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(_PATIENCE_S)
        peer.connect((LOOPBACK, port))
        for start in range(0, len(queries), _WINDOW):
            batch = {
                number.to_bytes(2, "big"): query
                for number, query in enumerate(queries[start : start + _WINDOW], start % 2**15)
            }
            for number, query in batch.items():
                peer.send(number + query[2:])
            responses = _receive(peer, set(batch))
            yield from map(responses.get, batch)


def _receive(peer: socket.socket, waiting: set[bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    try:
        while len(found) < len(waiting):
            wire = peer.recv(65535)
            if wire[:2] in waiting:
                found[wire[:2]] = wire
    except TimeoutError:
        pass  # what is not there by now is lost
    return found


def read_outcome(wire: bytes) -> tuple[int, tuple[str, ...]]:
    """Give the rcode and the addresses of a response."""
    message = dns.message.from_wire(wire, ignore_trailing=True)
    addresses = (
        str(rdata.address)
        for rrset in message.answer
        if rrset.rdtype in {dns.rdatatype.A, dns.rdatatype.AAAA}
        for rdata in rrset
    )
    return int(message.rcode()), tuple(addresses)
