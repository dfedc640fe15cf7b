"""The special-purpose blocks against IANA's registries as Python's ipaddress knows them."""

from __future__ import annotations

import ipaddress
from random import Random

import pytest

from sparrow.policy.special import ORDINARY_BLOCKS, SPECIAL_BLOCKS, WRAPPINGS, unwrap
from sparrow.values.address import FAMILIES, IPV4, IPV6, Prefix, parse_address, parse_prefix

# Where the module goes another way than `is_global`, and why.
DIFFERENCES = {
    "100:0:0:1::/64": "RFC 9780, younger than Python's list",
    "192.88.99.2/32": "6a44 relay, RFC 6751, entered late",
    "3fff::/20": "RFC 9637, younger than the list of Python 3.11",
    "5f00::/16": "SRv6 SIDs, RFC 9602, younger",
    "224.0.0.0/4": "multicast is no unicast client; Python looks at reachability alone",
    "ff00::/8": "multicast",
    "64:ff9b:1::/48": "RFC 8215, not in older lists",
    "192.0.0.0/24": "Python 3.11 knew smaller blocks of it",
    "2001::/23": "Python 3.11 knew smaller blocks of it, or none of the ordinary ones",
}


def is_special(address: bytes) -> bool:
    family = 4 if len(address) == 4 else 6
    inside = any(block.contains(address) for block in SPECIAL_BLOCKS[family])
    return inside and not any(block.contains(address) for block in ORDINARY_BLOCKS[family])


def is_explained(address: bytes) -> bool:
    return any(parse_prefix(text).contains(address) for text in DIFFERENCES)


def addresses_of(rng: Random, family: int) -> list[bytes]:
    """Give the ends of every block, the addresses beside them, and some anywhere."""
    size = 4 if family == IPV4 else 16
    top = (1 << size * 8) - 1
    numbers = [rng.randint(0, top) for _ in range(2000)]
    for block in (*SPECIAL_BLOCKS[family], *ORDINARY_BLOCKS[family]):
        first = int.from_bytes(block.network, "big")
        end = first + (1 << size * 8 - block.length)
        numbers += [first - 1, first, end - 1, end]
    return [number.to_bytes(size, "big") for number in numbers if 0 <= number <= top]


@pytest.mark.parametrize("family", FAMILIES)
def test_special_is_what_is_not_globally_reachable(family: int) -> None:
    for address in addresses_of(Random(1), family):
        if unwrap(address)[1] or is_explained(address):
            continue
        assert is_special(address) != ipaddress.ip_address(address).is_global, address.hex(":")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.0.0.0", True),
        ("9.255.255.255", False),
        ("10.0.0.0", True),
        ("100.63.255.255", False),
        ("100.64.0.0", True),
        ("100.128.0.0", False),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("192.0.0.8", True),
        ("192.0.0.9", False),  # port control protocol anycast, RFC 7723
        ("192.0.0.10", False),  # TURN anycast, RFC 8155
        ("192.0.0.170", True),
        ("192.0.1.0", False),
        ("192.31.196.1", False),  # AS112, RFC 7535
        ("192.52.193.1", False),  # AMT, RFC 7450
        ("192.88.99.1", False),  # deprecated, without a word on reachability
        ("192.88.99.2", True),
        ("192.175.48.1", False),
        ("198.17.255.255", False),
        ("198.19.255.255", True),
        ("223.255.255.255", False),
        ("224.0.0.0", True),
        ("255.255.255.255", True),
        ("::", True),
        ("::1", True),
        ("::2", False),
        ("64:ff9b:1::", True),
        ("100::1", True),
        ("100:0:0:1::", True),
        ("100:0:0:2::", False),
        ("2001:1::1", False),
        ("2001:1::4", True),
        ("2001:2::", True),  # benchmarking
        ("2001:3::", False),
        ("2001:4:112::", False),
        ("2001:10::", True),  # ORCHID, deprecated
        ("2001:20::", False),
        ("2001:3f:ffff::", False),
        ("2001:40::", True),
        ("2001:200::", False),
        ("2001:db8::", True),
        ("2620:4f:8000::", False),
        ("3fff:fff::", True),
        ("3fff:1000::", False),
        ("5f00::", True),
        ("fdff::", True),
        ("fe00::", False),
        ("fe80::1", True),
        ("ff02::1", True),
    ],
)
def test_every_block_of_the_registries_is_taken_as_they_have_it(
    text: str, *, expected: bool
) -> None:
    assert expected == is_special(parse_address(text))


def test_ordinary_blocks_are_inside_special_ones_and_none_wraps() -> None:
    for family in FAMILIES:
        for block in ORDINARY_BLOCKS[family]:
            parents = [s for s in SPECIAL_BLOCKS[family] if s.contains(block.network)]
            assert 1 == len(parents)
            assert parents[0].length < block.length
    for wrapping in WRAPPINGS:
        inner = (*ORDINARY_BLOCKS[IPV6], *SPECIAL_BLOCKS[IPV6])
        assert [] == [b for b in inner if wrapping.block.contains(b.network) and b.length > 32]


@pytest.mark.parametrize("family", FAMILIES)
def test_blocks_ascend_and_are_aligned(family: int) -> None:
    for blocks in (SPECIAL_BLOCKS[family], ORDINARY_BLOCKS[family]):
        assert sorted(set(blocks)) == list(blocks)
        assert list(blocks) == [parse_prefix(str(block)) for block in blocks]


@pytest.mark.parametrize(
    ("text", "inner", "offset"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1", 96),
        ("64:ff9b::192.0.2.1", "192.0.2.1", 96),
        ("2002:c000:201:1::5", "192.0.2.1", 16),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45", 96),  # RFC 4380's own example
        ("2001:0::", "255.255.255.255", 96),
        ("::192.0.2.1", "::192.0.2.1", 0),  # v4-compatible, long deprecated
        ("64:ff9b:1::1", "64:ff9b:1::1", 0),
        ("2001:1::", "2001:1::", 0),
        ("2003::", "2003::", 0),
        ("192.0.2.1", "192.0.2.1", 0),
    ],
)
def test_a_wrapped_address_is_taken_out(text: str, inner: str, offset: int) -> None:
    assert (parse_address(inner), offset) == unwrap(parse_address(text))


def test_no_block_wraps_more_than_once() -> None:
    blocks: list[Prefix] = [wrapping.block for wrapping in WRAPPINGS]
    for block in blocks:
        assert [block] == [other for other in blocks if other.contains(block.network)]
