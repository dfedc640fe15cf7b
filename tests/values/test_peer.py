from __future__ import annotations

import pytest

from sparrow.errors import InputError
from sparrow.values.address import parse_address
from sparrow.values.peer import PeerChoice, parse_peer


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("64600", "AS64600"),
        ("AS64600", "AS64600"),
        ("1.10", "AS65546"),
    ],
)
def test_a_neighbour_is_an_address_or_an_as_number(text: str, rendered: str) -> None:
    choice = parse_peer(text)
    assert rendered == str(choice)
    assert choice == parse_peer(rendered)


@pytest.mark.parametrize("text", ["", "x", "192.0.2", "192.0.2.256", "AS4294967296", "::g"])
def test_anything_else_is_no_neighbour(text: str) -> None:
    with pytest.raises(InputError, match="is no neighbour"):
        parse_peer(text)


def test_an_address_means_one_neighbour_and_an_as_number_all_that_have_it() -> None:
    address, other = parse_address("192.0.2.1"), parse_address("192.0.2.2")
    by_address, by_asn = PeerChoice(address), PeerChoice(None, 7)
    neighbours = [(address, 7), (other, 7), (address, 8), (None, 7), (other, None), (None, None)]
    assert [0, 2] == [n for n, each in enumerate(neighbours) if by_address.matches(*each)]
    assert [0, 1, 3] == [n for n, each in enumerate(neighbours) if by_asn.matches(*each)]
