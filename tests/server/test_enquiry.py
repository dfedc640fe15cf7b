"""What workers tell the daemon of clients of whom nothing is known."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sparrow.control.enquiry import (
    MAX_DATAGRAM,
    Enquired,
    decode_enquiry,
    encode_enquiry,
)
from sparrow.server.enquiry import Enquiry
from sparrow.values.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as found:
        found.bind(str(tmp_path / "asked"))
        found.setblocking(False)
        yield found


@pytest.fixture
def enquiry(tmp_path: Path) -> Iterator[Enquiry]:
    with closing(Enquiry(tmp_path / "asked")) as found:
        yield found


def hear(listener: socket.socket) -> list[Enquired | None]:
    """Give all datagrams that are there."""
    found = []
    while True:
        try:
            found.append(decode_enquiry(listener.recv(MAX_DATAGRAM)))
        except BlockingIOError:
            return found


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
@pytest.mark.parametrize("dropped", [0, 7, 2**32 - 1])
def test_a_datagram_reads_back(address: str, dropped: int) -> None:
    packed = parse_address(address)
    octets = encode_enquiry(packed, dropped)
    assert Enquired(packed, dropped) == decode_enquiry(octets)
    assert MAX_DATAGRAM >= len(octets)


def test_a_count_that_is_too_high_is_the_highest() -> None:
    found = decode_enquiry(encode_enquiry(bytes(4), 2**40))
    assert Enquired(bytes(4), 2**32 - 1) == found


@pytest.mark.parametrize("size", [0, 1, 4, 7, 9, 19, 21])
def test_what_is_no_datagram_is_none(size: int) -> None:
    assert decode_enquiry(bytes(size)) is None


def test_a_client_is_told_of(enquiry: Enquiry, listener: socket.socket) -> None:
    addresses = [parse_address(each) for each in ("192.0.2.1", "2001:db8::1", "198.51.100.9")]
    for address in addresses:
        enquiry.tell(address)
    assert [Enquired(address, 0) for address in addresses] == hear(listener)


def test_a_block_is_told_of_once_in_a_while(enquiry: Enquiry, listener: socket.socket) -> None:
    for last in range(200):
        enquiry.tell(bytes((192, 0, 2, last)))
    # One a second; a slow machine may take several for all of it.
    assert 1 <= len(hear(listener)) < 50


def test_what_nobody_hears_is_counted_for_who_comes(tmp_path: Path, enquiry: Enquiry) -> None:
    for number in range(5):
        enquiry.tell(bytes((10, 0, number, 1)))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "asked"))
        listener.setblocking(False)
        enquiry.tell(bytes((10, 0, 5, 1)))
        enquiry.tell(bytes((10, 0, 6, 1)))
        found = hear(listener)
    assert [Enquired(bytes((10, 0, 5, 1)), 5), Enquired(bytes((10, 0, 6, 1)), 0)] == found


def test_a_listener_that_does_not_keep_up_holds_nobody_up(
    enquiry: Enquiry, listener: socket.socket
) -> None:
    for number in range(20_000):
        enquiry.tell(bytes((10, number >> 8, number & 255, 1)))
    heard = len(hear(listener))
    enquiry.tell(bytes((11, 0, 0, 1)))
    (last,) = hear(listener)
    assert last is not None
    assert 20_000 == heard + last.dropped
    assert 0 < last.dropped
