"""Address blocks that name no place on the Internet, and those that wrap IPv4.

Law: a client subnet in a special-purpose block says nothing of where the client
is, so the resolver's own address decides (RFC 7871 sections 10 and 11.3); an
IPv6 address that wraps an IPv4 address is that IPv4 address. Start from
`SPECIAL_BLOCKS` and `unwrap`.

The blocks are those of IANA's special-purpose address registries (RFC 6890)
that are not globally reachable, multicast, and 240.0.0.0/4. `ORDINARY_BLOCKS`
are the globally reachable ones inside them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sparrow.values.address import IPV4, IPV6, Prefix, parse_prefix


def _blocks(*texts: str) -> tuple[Prefix, ...]:
    return tuple(sorted(parse_prefix(text) for text in texts))


SPECIAL_BLOCKS = {
    IPV4: _blocks(
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.2/32",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ),
    IPV6: _blocks(
        "::/128",
        "::1/128",
        "64:ff9b:1::/48",
        "100::/64",
        "100:0:0:1::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "ff00::/8",
    ),
}
"""By family, ascending; not globally reachable."""

ORDINARY_BLOCKS = {
    IPV4: _blocks("192.0.0.9/32", "192.0.0.10/32"),
    IPV6: _blocks(
        "2001:1::1/128",
        "2001:1::2/128",
        "2001:1::3/128",
        "2001:3::/32",
        "2001:4:112::/48",
        "2001:20::/28",
        "2001:30::/28",
    ),
}
"""By family, ascending; globally reachable although inside a special block."""


@dataclass(frozen=True, slots=True)
class Wrapping:
    """A way to write an IPv4 address inside an IPv6 address."""

    block: Prefix
    """IPv6 addresses of this form."""
    offset: int
    """Bits before the wrapped address."""
    is_inverted: bool = False
    """Whether every bit of the wrapped address is flipped (Teredo)."""


WRAPPINGS = (
    Wrapping(parse_prefix("::ffff:0:0/96"), 96),  # v4-mapped, RFC 4291 section 2.5.5.2
    Wrapping(parse_prefix("64:ff9b::/96"), 96),  # NAT64, RFC 6052 section 2.1
    Wrapping(parse_prefix("2002::/16"), 16),  # 6to4, RFC 3056 section 2
    Wrapping(parse_prefix("2001::/32"), 96, is_inverted=True),  # Teredo, RFC 4380 section 4
)


def unwrap(address: bytes) -> tuple[bytes, int]:
    """Give the IPv4 address inside an IPv6 one, and the bits before it.

    An address that wraps none is given back as it is, with 0 bits.
    """
    if len(address) == 16:
        for wrapping in WRAPPINGS:
            if wrapping.block.contains(address):
                start = wrapping.offset // 8
                inner = address[start : start + 4]
                if wrapping.is_inverted:
                    inner = bytes(octet ^ 0xFF for octet in inner)
                return inner, wrapping.offset
    return address, 0
