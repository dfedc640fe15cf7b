"""Routing tables in MRT format: TABLE_DUMP and TABLE_DUMP_V2 (RFC 6396, RFC 8050).

Law: octets go in, entries come out; a record is read to its last octet or it is counted
as damaged, and lengths inside it never lead out of it. Start from `MrtReader`.

The loop over paths is plain and flat: a collector's table has 40 million of them. What
neighbours say repeats from prefix to prefix, so a path is mostly found by its octets.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from sparrow.rib.route import Route
from sparrow.sources.aspath import PathOctets, merge_as4
from sparrow.sources.attributes import Attributes, find_attributes
from sparrow.sources.entry import Entry, Peer, PeerPath, Skip
from sparrow.values.address import BITS, IPV4, IPV6, Prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparrow.sources.entry import Skipped

HEADER = struct.Struct("!IHHI")
"""Time, type, subtype, and octets that follow (RFC 6396 section 2)."""
MAX_RECORD = 16 * 2**20
"""Octets of a record. 64 neighbours with paths of 65,535 octets make 4 MiB; a length above
this is damage, behind which no record can be found."""
MAX_CACHED = 2**12
"""Paths of one neighbour held at once by their attributes, and as many by AS path."""

_TABLE_DUMP, _TABLE_DUMP_V2 = 12, 13
_UPDATES = frozenset({16, 17})
"""BGP4MP and BGP4MP_ET."""
_PEERS = 1
_RIBS = {2: IPV4, 3: IPV4, 4: IPV6, 5: IPV6, 8: IPV4, 9: IPV4, 10: IPV6, 11: IPV6}
"""Family of a RIB by subtype: unicast and multicast, plain and with path identifiers."""
_GENERIC = frozenset({6, 12})
_ADD_PATH = frozenset({8, 9, 10, 11, 12})
_AFIS = {1: IPV4, 2: IPV6}
"""Family by AFI, which is the subtype of TABLE_DUMP too."""
_SAFIS = frozenset({1, 2})
"""Unicast and multicast."""

_ENTRY = struct.Struct("!H4xH")
"""Number of the neighbour, a time that nobody needs, octets of attributes."""
_ENTRY_ADD_PATH = struct.Struct("!H8xH")
"""The same with a path identifier behind the time."""
_SHORT = struct.Struct("!H")
_GENERIC_HEAD = struct.Struct("!HB")
_PEER_IS_IPV6, _PEER_HAS_AS4 = 1, 2


class _DamageError(ValueError):
    """A record is not what its lengths promise."""


class _Neighbour(NamedTuple):
    """A neighbour, and what it was seen to say."""

    peer: Peer
    by_octets: dict[bytes, PeerPath]
    by_path: dict[tuple[bytes, int | None, bytes], PeerPath]


def looks_like_mrt(octets: bytes) -> bool:
    """Tell whether a file that begins with `octets` is MRT."""
    if len(octets) < HEADER.size:
        return False
    _, kind, subtype, length = HEADER.unpack_from(octets)
    is_known = kind in _UPDATES or kind in {_TABLE_DUMP, _TABLE_DUMP_V2}
    return is_known and subtype < 32 and length <= MAX_RECORD


class MrtReader:
    """The reader of one file: `read` its pieces once."""

    def __init__(self, skipped: Skipped) -> None:
        """Count what is passed over in `skipped`."""
        self._skipped = skipped
        self._neighbours: list[_Neighbour] | None = None
        self._v1_neighbours: dict[bytes, _Neighbour] = {}
        self._paths2 = PathOctets(2)
        self._paths4 = PathOctets(4)
        self._place = 0

    def read(self, pieces: Iterable[bytes]) -> Iterator[Entry]:
        """Give the entries of a file, whose octets come in pieces cut anywhere."""
        rest = b""
        for piece in pieces:
            octets, at = rest + piece, 0
            while len(octets) - at >= HEADER.size:
                _, kind, subtype, length = HEADER.unpack_from(octets, at)
                if length > MAX_RECORD:
                    self._skipped.cut_at = self._place
                    return
                start = at + HEADER.size
                if start + length > len(octets):
                    break
                at = start + length
                entry = self._read_record(kind, subtype, octets[start:at])
                self._place += HEADER.size + length
                if entry is not None:
                    yield entry
            rest = octets[at:]
        if rest:
            self._skipped.cut_at = self._place

    def _read_record(self, kind: int, subtype: int, record: bytes) -> Entry | None:
        try:
            if kind == _TABLE_DUMP_V2:
                return self._read_v2(subtype, record)
            if kind == _TABLE_DUMP and subtype in _AFIS:
                return self._read_v1(_AFIS[subtype], record)
        except (_DamageError, IndexError, struct.error):
            self._skip(Skip.BAD_RECORD)
            return None
        self._skip(Skip.UPDATE if kind in _UPDATES else Skip.UNKNOWN_RECORD)
        return None

    def _skip(self, reason: Skip) -> None:
        self._skipped.add(reason, self._place)

    def _read_v2(self, subtype: int, record: bytes) -> Entry | None:
        """Read a record of TABLE_DUMP_V2 (RFC 6396 section 4.3)."""
        if subtype == _PEERS:
            self._neighbours = None  # a damaged one would leave numbers of another
            self._neighbours = [_Neighbour(peer, {}, {}) for peer in decode_peers(record)]
            return None
        family = _RIBS.get(subtype)
        at = 4  # behind the sequence number
        if family is None:
            if subtype not in _GENERIC:
                self._skip(Skip.UNKNOWN_RECORD)
                return None
            afi, safi = _GENERIC_HEAD.unpack_from(record, at)
            if afi not in _AFIS or safi not in _SAFIS:
                self._skip(Skip.OTHER_FAMILY)
                return None
            family = _AFIS[afi]
            at += _GENERIC_HEAD.size
        if self._neighbours is None:
            self._skip(Skip.NO_PEERS)
            return None
        bits = record[at]
        behind = at + 1 + (bits + 7 >> 3)
        prefix = _make_prefix(record[at + 1 : behind], bits, family)
        head = _ENTRY_ADD_PATH if subtype in _ADD_PATH else _ENTRY
        # Only to IPv6 is the next hop an attribute that has prefixes behind it.
        repeated = record[at:behind] if family == IPV6 else b""
        paths = self._read_paths(record, behind, head, repeated)
        return Entry(prefix, tuple(paths)) if paths else None

    def _read_paths(
        self, record: bytes, at: int, head: struct.Struct, repeated: bytes
    ) -> list[PeerPath]:
        """Read the paths of a RIB record (RFC 6396 section 4.3.4, RFC 8050 section 4).

        Attributes may end with the prefix, `repeated`, which collectors write although the
        next hop alone is asked for; without it they are found again for other prefixes.
        """
        unpack, size, end = head.unpack_from, head.size, len(record)
        neighbours = self._neighbours or []
        peer_count = len(neighbours)
        (count,) = _SHORT.unpack_from(record, at)
        at += _SHORT.size
        paths = []
        for _ in range(count):
            number, length = unpack(record, at)
            start = at + size
            at = start + length
            if at > end:
                raise _DamageError
            if number >= peer_count:
                self._skip(Skip.BAD_PEER)
                continue
            neighbour = neighbours[number]
            # With the length before them, so that whole ones are never taken for shorter ones.
            if repeated and record.endswith(repeated, start, at):
                key = record[start - 2 : at - len(repeated)]
            else:
                key = record[start - 2 : at]
            path = neighbour[1].get(key)
            if path is None:
                path = self._learn(neighbour, record[start:at], key, self._paths4)
            if path is not None:
                paths.append(path)
        if at != end:
            raise _DamageError
        return paths

    def _learn(
        self, neighbour: _Neighbour, octets: bytes, key: bytes, paths: PathOctets
    ) -> PeerPath | None:
        """Decode attributes that are new, or of no use, to be found again by `key`."""
        _, by_octets, by_path = neighbour
        try:
            found = find_attributes(octets)
            said = found[:3]
            path = by_path.get(said)
            if path is None:
                route = self._decode_route(found, paths)
                if route is None:
                    self._skip(Skip.NO_PATH)
                    return None
                if len(by_path) >= MAX_CACHED:
                    by_path.clear()
                path = by_path[said] = PeerPath(route, neighbour.peer, found.local_pref)
        except ValueError:
            self._skip(Skip.BAD_ATTRIBUTES)
            return None
        # What the key leaves out must be inside of a value that does not count.
        if found.reach_at <= len(key) - _SHORT.size:
            if len(by_octets) >= MAX_CACHED:
                by_octets.clear()
            by_octets[key] = path
        return path

    def _decode_route(self, found: Attributes, paths: PathOctets) -> Route | None:
        if paths is self._paths4 or not found.path4:
            return paths.route(found.path)
        hops = merge_as4(paths.hops(found.path), self._paths4.hops(found.path4))
        return Route(hops) if hops else None

    def _read_v1(self, family: int, record: bytes) -> Entry | None:
        """Read a record of TABLE_DUMP: one path to one prefix (RFC 6396 section 4.2)."""
        size = BITS[family] // 8
        network = record[4 : 4 + size]  # behind view number and sequence number
        peer_at = 4 + size + 6  # behind length, status and time
        attributes_at = peer_at + size + 4
        peer = record[peer_at : attributes_at - 2]
        (octets,) = _SHORT.unpack_from(record, attributes_at - 2)
        if attributes_at + octets != len(record):
            raise _DamageError
        prefix = _make_prefix(network, record[4 + size], family)
        neighbour = self._v1_neighbours.get(peer)
        if neighbour is None:
            asn = int.from_bytes(peer[-2:], "big")
            neighbour = _Neighbour(Peer(peer[:-2], asn), {}, {})
            self._v1_neighbours[peer] = neighbour
        found = record[attributes_at - 2 :]
        path = neighbour.by_octets.get(found)
        if path is None:
            path = self._learn(neighbour, found[2:], found, self._paths2)
        return Entry(prefix, (path,)) if path else None


def decode_peers(record: bytes) -> list[Peer]:
    """Decode a PEER_INDEX_TABLE (RFC 6396 section 4.3.1). Raises `ValueError`."""
    try:
        (name,) = _SHORT.unpack_from(record, 4)
        at = 6 + name
        (count,) = _SHORT.unpack_from(record, at)
        at += _SHORT.size
        peers = []
        for _ in range(count):
            kind = record[at]
            address_at = at + 5  # behind the BGP identifier
            asn_at = address_at + (16 if kind & _PEER_IS_IPV6 else 4)
            at = asn_at + (4 if kind & _PEER_HAS_AS4 else 2)
            if at > len(record):
                raise _DamageError
            asn = int.from_bytes(record[asn_at:at], "big")
            peers.append(Peer(record[address_at:asn_at], asn))
    except (IndexError, struct.error):
        raise _DamageError from None
    if at != len(record):
        raise _DamageError
    return peers


def _make_prefix(network: bytes, length: int, family: int) -> Prefix:
    """Make a prefix of as many octets as there are; bits behind its length are cleared."""
    bits = BITS[family]
    if length > bits or len(network) < length + 7 >> 3:
        raise _DamageError
    spare = bits - length
    number = int.from_bytes(network.ljust(bits // 8, b"\0"), "big") >> spare << spare
    return Prefix(number.to_bytes(bits // 8, "big"), length)
