"""From messages of GoBGP to prefixes and routes.

Law: octets in, values out; what is damaged, or of another address family, is counted and
left out, and never ends a session. Start from `PathDecoder`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sparrow.errors import InputError
from sparrow.feeds.gobgpwire import ESTABLISHED, IP, IP6, MESSAGES, UNICAST, DecodeError
from sparrow.rib.twin import IS_PURE, native
from sparrow.sources.aspath import PathOctets
from sparrow.values.address import BITS, parse_address, truncate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.feeds.gobgpwire import Generation
    from sparrow.rib.route import Route
    from sparrow.rib.valued import ValuedRoutes

_AS_PATH = 2
"""Type of the attribute (RFC 4271 section 4.3)."""
_LOCAL_PREF = 5
"""Type of that attribute, which has 4 octets (the same section)."""
_EXTENDED_LENGTH = 0x10
_SIZES = {4: 4, 6: 16}
_FAMILIES = {IP: 4, IP6: 6}


Listed: TypeAlias = tuple[bytes, int, bytes]
"""A row of a listed table: packed network, length, and the value of AS_PATH."""


class Row(NamedTuple):
    """What is said of a prefix. A tuple, since it is made 30,000 times a second."""

    family: int
    """4 or 6."""
    network: bytes
    """First address, packed; bits behind the length are zero."""
    length: int
    """Leading bits that count."""
    route: Route | None
    """The way there; None where there is none any more."""


@dataclass(frozen=True, slots=True)
class Session:
    """How the session with a neighbour stands."""

    neighbor: bytes | None
    """Packed address; None in the event that ends those of the present state."""
    is_up: bool
    """Whether it is established."""


class PathDecoder:
    """Decodes the messages of one release of the interface. For one thread."""

    def __init__(
        self,
        generation: Generation,
        neighbor: bytes | None = None,
        valued: ValuedRoutes | None = None,
        *,
        is_pure: bool = IS_PURE,
    ) -> None:
        """Take the paths of one neighbour, or of all.

        `valued` gives routes their local preference; None where that plays no part.
        """
        self._valued = valued
        self._is_pure = is_pure
        self._event = MESSAGES[generation.event]
        self._response = MESSAGES["ListPathResponse"]
        self._is_typed = generation.event == "WatchEventResponse4"
        self._neighbor = neighbor
        self._paths = PathOctets(4)
        self.skipped = 0
        """Paths that were damaged or of no family of ours, and those without an AS number."""

    # A listed table.

    def decode_listed(self, octets: bytes, family: int) -> Listed | None:
        """Decode a row of a listed table; None for one without a path that counts."""
        if not self._is_pure:
            is_any = self._neighbor is not None
            found = native.find_listed(octets, _SIZES[family], is_any=is_any)
            if found is not None:
                return found
        try:
            return self._find_listed(octets, _SIZES[family])
        except (DecodeError, ValueError, IndexError):
            self.skipped += 1
            return None

    def _find_listed(self, octets: bytes, size: int) -> Listed:
        for path in self._response.FromString(octets).destination.paths:
            if path.best or self._neighbor is not None:
                as_path = _find_as_path(path.pattrs_binary)
                return (*_decode_nlri(path.nlri_binary, size), as_path)
        raise ValueError("no path that counts")

    def decode_valued(self, octets: bytes, family: int) -> Row | None:
        """Decode a row with its local preference; None for one without a path that counts."""
        try:
            for path in self._response.FromString(octets).destination.paths:
                if path.best or self._neighbor is not None:
                    attributes = path.pattrs_binary
                    network, length = _decode_nlri(path.nlri_binary, _SIZES[family])
                    route = self._paths.route(_find_as_path(attributes))
                    local_pref = _find_local_pref(attributes)
                    if route is not None:
                        return Row(family, network, length, self._value(route, local_pref))
                    break
        except (DecodeError, ValueError, IndexError, struct.error):
            pass
        self.skipped += 1
        return None

    def _value(self, route: Route, local_pref: int | None) -> Route:
        return self._valued.value(route, local_pref) if self._valued else route

    # Events.

    def decode_event(self, octets: bytes) -> tuple[list[Row], Session | None]:
        """Decode an event: what it says of prefixes, and of a session."""
        try:
            event = self._event.FromString(octets)
        except DecodeError:
            self.skipped += 1
            return [], None
        if event.HasField("peer"):
            return [], _session(event.peer)
        return list(self._rows(event.table.paths)), None

    def _rows(self, paths: Any) -> Iterator[Row]:
        for path in paths:
            family = _FAMILIES.get(path.family.afi)
            if family is None or path.family.safi != UNICAST:
                continue
            try:
                if self._neighbor is None or parse_address(path.neighbor_ip) == self._neighbor:
                    yield self._row(path, family)
            except (DecodeError, InputError, ValueError, OverflowError, struct.error):
                self.skipped += 1

    def _row(self, path: Any, family: int) -> Row:
        if self._is_typed:
            nlri = path.nlri.prefix
        else:
            nlri = MESSAGES["IPAddressPrefix"].FromString(path.nlri.value)
        address, length = parse_address(nlri.prefix), nlri.prefix_len
        if len(address) != _SIZES[family] or length > BITS[family]:
            raise ValueError("a prefix of another family")
        network = truncate(address, length)
        if path.is_withdraw:
            return Row(family, network, length, None)
        route = self._paths.route(self._as_path(path))
        if route is None:
            # It takes the place of one with a path, and leads to nobody's AS.
            self.skipped += 1
        elif self._valued:
            route = self._value(route, self._local_pref(path))
        return Row(family, network, length, route)

    def _local_pref(self, path: Any) -> int | None:
        """Give the value of LOCAL_PREF; None without one."""
        for attribute in path.pattrs:
            if self._is_typed:
                if attribute.HasField("local_pref"):
                    return int(attribute.local_pref.local_pref)
            elif attribute.type_url.endswith(".LocalPrefAttribute"):
                return int(MESSAGES["LocalPref"].FromString(attribute.value).local_pref)
        return None

    def _as_path(self, path: Any) -> bytes:
        """Give the value of AS_PATH, as it is on the wire."""
        found = b""
        for attribute in path.pattrs:
            if self._is_typed:
                if not attribute.HasField("as_path"):
                    continue
                segments = attribute.as_path.segments
            else:
                if not attribute.type_url.endswith(".AsPathAttribute"):
                    continue
                segments = MESSAGES["AsPath"].FromString(attribute.value).segments
            found = b"".join(
                struct.pack(f"!BB{len(each.numbers)}I", each.type, len(each.numbers), *each.numbers)
                for each in segments
            )
        return found


def _session(event: Any) -> Session:
    state = event.peer.state
    try:
        neighbor = parse_address(state.neighbor_address)
    except InputError:
        neighbor = None
    return Session(neighbor, state.session_state == ESTABLISHED)


def _find_as_path(attributes: list[bytes]) -> bytes:
    """Give the value of AS_PATH. Raises `ValueError` where there is none, and `IndexError`."""
    for octets in attributes:
        if octets[1] == _AS_PATH:
            return octets[4 if octets[0] & _EXTENDED_LENGTH else 3 :]
    raise ValueError("a path without AS_PATH")


def _find_local_pref(attributes: list[bytes]) -> int | None:
    """Give the value of LOCAL_PREF; None without one. Raises `struct.error`, and `IndexError`."""
    for octets in attributes:
        if octets[1] == _LOCAL_PREF:
            return int(struct.unpack("!I", octets[4 if octets[0] & _EXTENDED_LENGTH else 3 :])[0])
    return None


def _decode_nlri(octets: bytes, size: int) -> tuple[bytes, int]:
    """Give network and length (RFC 4271 section 4.3). Raises `ValueError`."""
    length = octets[0]
    if length > size * 8 or len(octets) != 1 + (length + 7) // 8:
        raise ValueError("an NLRI that is no prefix of this family")
    network = octets[1:] + bytes(size + 1 - len(octets))
    return (truncate(network, length) if length % 8 else network), length
