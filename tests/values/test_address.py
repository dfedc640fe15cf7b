"""Text forms of addresses and prefixes."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.errors import InputError
from sparrow.values.address import (
    Prefix,
    family_of,
    parse_address,
    parse_network,
    parse_prefix,
    render_address,
    truncate,
)

ADDRESSES = st.one_of(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16))


@given(ADDRESSES)
def test_address_text_is_read_back_equal_and_is_what_ipaddress_writes(address: bytes) -> None:
    text = render_address(address)
    assert address == parse_address(text)
    assert ipaddress.ip_address(address) == ipaddress.ip_address(text)


@given(ADDRESSES, st.integers(0, 128))
def test_truncate_is_what_ipaddress_masks(address: bytes, length: int) -> None:
    length = min(length, len(address) * 8)
    network = ipaddress.ip_network((address, length), strict=False)
    prefix = Prefix(truncate(address, length), length)
    assert network.network_address.packed == prefix.network
    assert prefix == parse_prefix(str(prefix))
    assert prefix.contains(address)


@pytest.mark.parametrize(
    "text",
    ["", "10.1", "010.0.0.1", "1.2.3.4.5", "256.0.0.1", ":::", "fe80::1%eth0", "1.2.3.4 ", "x"],
)
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match=r"is not an IPv4 or IPv6 address, such as 192\.0\.2\.1"):
        parse_address(text)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "::/+1"])
def test_a_length_out_of_range_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(InputError, match=r"must be 0 to (32|128)"):
        parse_prefix(text)


def test_host_bits_are_refused_with_the_block_that_is_meant() -> None:
    with pytest.raises(InputError, match=r"the block is 10\.1\.0\.0/16"):
        parse_prefix("10.1.2.3/16")


def test_a_network_is_read_as_written() -> None:
    assert (bytes((10, 1, 2, 3)), 16) == parse_network("10.1.2.3/16")


def test_a_bare_address_is_its_host_route() -> None:
    assert Prefix(bytes((192, 0, 2, 1)), 32) == parse_prefix("192.0.2.1")
    assert Prefix(bytes(15) + b"\1", 128) == parse_prefix("::1")


@pytest.mark.parametrize(
    ("prefix", "address", "is_inside"),
    [
        ("10.0.0.0/8", "10.255.255.255", True),
        ("10.0.0.0/8", "11.0.0.0", False),
        ("0.0.0.0/0", "255.255.255.255", True),
        ("0.0.0.0/0", "::", False),
        ("::/0", "10.0.0.1", False),
        ("2001:db8::/33", "2001:db8:8000::", False),
    ],
)
def test_a_prefix_contains_addresses_of_its_own_family(
    prefix: str, address: str, *, is_inside: bool
) -> None:
    assert is_inside == parse_prefix(prefix).contains(parse_address(address))


def test_the_family_is_the_length() -> None:
    assert (4, 6) == (family_of(bytes(4)), family_of(bytes(16)))
    assert (4, 6) == (parse_prefix("1.2.3.4").family, parse_prefix("::/0").family)


def test_prefixes_sort_by_network_then_length() -> None:
    texts = ["9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/9", "10.64.0.0/10"]
    assert texts == [str(prefix) for prefix in sorted(map(parse_prefix, reversed(texts)))]
