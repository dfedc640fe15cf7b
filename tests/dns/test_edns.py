"""The OPT record of a query, octet by octet."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sparrow.dns.edns import (
    ClientSubnet,
    Edns,
    decode_opt,
    decode_options,
    subnet_octets,
)
from sparrow.values.address import parse_address, truncate

PLAIN = Edns(payload=1232, version=0, is_dnssec_ok=False)


def decode(rdata: str) -> Edns:
    return decode_options(PLAIN, bytes.fromhex(rdata))


def subnet_option(value: str) -> str:
    return f"0008 {len(bytes.fromhex(value)):04x} {value}"


@pytest.mark.parametrize(
    ("payload", "ttl", "expected"),
    [
        (4096, 0, Edns(4096, 0, is_dnssec_ok=False)),
        (4096, 0x00008000, Edns(4096, 0, is_dnssec_ok=True)),
        (512, 0x00007FFF, Edns(512, 0, is_dnssec_ok=False)),  # Z bits mean nothing
        (511, 0, Edns(512, 0, is_dnssec_ok=False)),
        (0, 0, Edns(512, 0, is_dnssec_ok=False)),
        (65535, 0x01000000, Edns(65535, 0, is_dnssec_ok=False)),  # extended rcode of a query
        (1232, 0x00018000, Edns(1232, 1, is_dnssec_ok=True)),
        (1232, 0x00FF0000, Edns(1232, 255, is_dnssec_ok=False)),
    ],
)
def test_size_version_and_do_are_read(payload: int, ttl: int, expected: Edns) -> None:
    assert expected == decode_opt(payload, ttl)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0001 18 00 c63364", ClientSubnet(1, 24, bytes((198, 51, 100)))),
        ("0001 20 00 c6336407", ClientSubnet(1, 32, bytes((198, 51, 100, 7)))),
        ("0001 19 00 c6336480", ClientSubnet(1, 25, bytes((198, 51, 100, 128)))),
        ("0001 01 00 80", ClientSubnet(1, 1, b"\x80")),
        ("0001 00 00", ClientSubnet(1, 0, b"")),
        ("0002 00 00", ClientSubnet(2, 0, b"")),
        ("0000 00 00", ClientSubnet(0, 0, b"")),  # "no address", as some stubs say it
        ("0002 38 00 20010db8000001", ClientSubnet(2, 56, bytes.fromhex("20010db8000001"))),
        ("0002 80 00 20010db8" + "00" * 12, ClientSubnet(2, 128, b"\x20\x01\x0d\xb8" + bytes(12))),
    ],
)
def test_a_well_formed_client_subnet_is_read(value: str, expected: ClientSubnet) -> None:
    assert expected == decode(subnet_option(value)).subnet


@pytest.mark.parametrize(
    "value",
    [
        "",
        "0001 18",
        "0001 1800",  # source 24 and no address
        "0001 1800 c633",  # too few octets
        "0001 1800 c6336400",  # too many
        "0001 0000 00",
        "0001 1818 c63364",  # a scope in a query
        "0001 2000 c63364",
        "0001 2100 c633640700",  # 33 bits of IPv4
        "0001 ff00 c6336407",
        "0002 8100" + "20010db8" + "00" * 13,
        "0001 1700 c63365",  # bits set behind the source length
        "0001 1900 c6336440",  # bits set behind the source length
        "0001 0100 c0",
        "0000 1800 c63364",  # no family, and an address
        "0000 0001",
        "0003 1800 c63364",  # unknown families
        "0003 0000",
        "ffff 0000",
        "0100 1800 c63364",  # the wrong byte order
    ],
)
def test_a_malformed_client_subnet_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="client subnet"):
        decode(subnet_option(value))


def test_two_client_subnets_are_refused() -> None:
    one = subnet_option("0001 1800 c63364")
    with pytest.raises(ValueError, match="two client subnet"):
        decode(one + one)


@pytest.mark.parametrize("rdata", ["00", "0008", "0008 00", "0003 0001", "fde9 0002 00"])
def test_a_cut_option_is_refused(rdata: str) -> None:
    with pytest.raises(ValueError, match="cut"):
        decode(rdata)


@pytest.mark.parametrize("size", [8, 16, 17, 24, 40])
def test_a_cookie_of_a_right_size_is_read(size: int) -> None:
    assert bytes(range(size)) == decode(f"000a {size:04x} {bytes(range(size)).hex()}").cookie


@pytest.mark.parametrize("size", [0, 1, 7, 9, 15, 41, 100])
def test_a_cookie_of_a_wrong_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="cookie"):
        decode(f"000a {size:04x} {'00' * size}")


def test_of_several_cookies_the_first_counts_whatever_the_others_are() -> None:
    first, second = "000a 0008 0102030405060708", "000a 0001 00"
    assert bytes(range(1, 9)) == decode(first + second).cookie


def test_nsid_and_keepalive_are_seen_and_unknown_options_are_not() -> None:
    edns = decode("fde9 0003 010203 0003 0000 000b 0000 000c 0004 00000000")
    assert Edns(1232, 0, is_dnssec_ok=False, wants_nsid=True, wants_keepalive=True) == edns


def test_the_options_of_another_version_are_not_read() -> None:
    edns = decode_opt(1232, 0x00010000)
    assert edns == decode_options(edns, bytes.fromhex(subnet_option("0001 18")))


@given(
    st.one_of(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16)),
    st.integers(0, 128),
)
@example(parse_address("198.51.100.7"), 25)
def test_the_option_of_a_query_is_read_back(address: bytes, length: int) -> None:
    length = min(length, len(address) * 8)
    made = subnet_octets(address, length)
    wire = made.encode(0)
    assert made == decode(subnet_option(wire.hex())).subnet
    assert truncate(address, length) == made.address


def test_the_option_of_a_response_is_that_of_the_query_with_a_scope() -> None:
    assert "0001181063c633" == ClientSubnet(1, 24, bytes.fromhex("63c633")).encode(16).hex()
