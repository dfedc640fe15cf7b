"""The rule of Super Sparrow."""

from __future__ import annotations

import random

import pytest

from sparrow.rib.route import parse_route
from sparrow.supersparrow.decision import NOBODY, Decision, decide
from sparrow.supersparrow.vocabulary import parse_peers

PEERS = parse_peers("64600=a,64602=c,64702=y,64702=z,64601=b")


@pytest.mark.parametrize(
    ("path", "count", "results", "asns"),
    [
        ("64702", 1, "y", (64702,)),  # the vector of the paper
        ("64702", 2, "y z", (64702,)),
        ("64702", 3, "y z", (64702,)),
        ("7 8 64600", 1, "a", (64600,)),
        ("7 64602 8", 1, "c", (64602,)),
        ("64600 64601 64602", 1, "a", (64600,)),
        ("64602 64601 64600", 1, "c", (64602,)),
        ("64602 64601 64600", 2, "c b", (64602, 64601)),
        ("64602 64601 64600", 9, "c b a", (64602, 64601, 64600)),
        ("64601 64702 64600", 3, "b y z", (64601, 64702)),
        ("64600 64600 7 64601 64600", 9, "a b", (64600, 64601)),
        ("7 {8,64601,64600} 9", 1, "b", (64601,)),
        ("7 8_64602", 1, "c", (64602,)),
    ],
)
def test_peers_in_the_path_count_leftmost_first(
    path: str, count: int, results: str, asns: tuple[int, ...]
) -> None:
    found = decide(parse_route(path).path, PEERS, count)
    assert Decision(tuple(results.split()), asns) == found


@pytest.mark.parametrize("path", [(), (7,), (7, 8, 646, 6460, 646020)])
def test_without_a_peer_in_the_path_it_is_nobodys(path: tuple[int, ...]) -> None:
    assert NOBODY == decide(path, PEERS, 3)


def test_a_value_of_several_peers_is_given_once() -> None:
    peers = parse_peers("1=a,2=a,3=b")
    assert Decision(("a", "b"), (1, 3)) == decide((1, 2, 3), peers, 3)


@pytest.mark.parametrize("seed", range(50))
def test_one_result_is_a_value_of_the_first_peer_that_is_met(seed: int) -> None:
    chance = random.Random(seed)
    path = chance.choices(range(20), k=chance.randrange(8))
    peers = parse_peers(",".join(f"{chance.randrange(20)}={n}" for n in range(6)))
    met = [peer.value for asn in path for peer in peers if peer.asn == asn]
    assert tuple(met[:1]) == decide(path, peers, 1).results
    assert tuple(dict.fromkeys(met)) == decide(path, peers, 64).results
