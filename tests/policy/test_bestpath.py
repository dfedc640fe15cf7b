from __future__ import annotations

from itertools import permutations
from random import Random

import pytest

from sparrow.policy.bestpath import PathChooser
from sparrow.policy.sanity import Limits, Reason, Sieve
from sparrow.rib.route import parse_route
from sparrow.sources.entry import Entry, Peer, PeerPath
from sparrow.values.address import parse_address, parse_prefix
from sparrow.values.peer import parse_peer

PREFIX = "1.0.0.0/8"


def path(text: str, peer: str | None = "192.0.2.1", best: bool | None = None) -> PeerPath:  # noqa: FBT001
    route = parse_route(text)
    neighbour = Peer(parse_address(peer), route.path[0]) if peer else None
    return PeerPath(route, neighbour, None, best)


def choose(
    *entries: tuple[str, list[PeerPath]], peer: str | None = None, limits: Limits | None = None
) -> tuple[dict[str, str], dict[Reason, int]]:
    sieve = Sieve(limits or Limits())
    chooser = PathChooser(sieve, parse_peer(peer) if peer else None)
    for prefix, paths in entries:
        chooser.take(Entry(parse_prefix(prefix), tuple(paths)))
    return {str(prefix): str(route) for prefix, route in chooser.choices()}, sieve.refused


@pytest.mark.parametrize(
    ("paths", "chosen"),
    [
        # The origin that most paths lead to, though another path is shorter.
        ([path("1 9"), path("2 3 8"), path("4 5 8")], "2 3 8"),
        # Origins alike: the shortest of all.
        ([path("1 2 9"), path("2 8")], "2 8"),
        # Prepends count once, and a set is one.
        ([path("1 9 9 9 9"), path("1 2 9")], "1 9 9 9 9"),
        ([path("1 2 3 9,10"), path("1 2 9,10")], "1 2 9,10"),
        # The lowest address, IPv4 before IPv6, an address before none.
        ([path("1 9", "192.0.2.9"), path("2 9", "192.0.2.10")], "1 9"),
        ([path("1 9", "2001:db8::1"), path("2 9", "203.0.113.1")], "2 9"),
        ([path("1 9", None), path("2 9", "203.0.113.1")], "2 9"),
        # One neighbour with two paths: the lowest.
        ([path("10 9"), path("2 9")], "2 9"),
        # The router's own choice, though all else speaks against it.
        ([path("1 2 3 9", best=True), path("8", best=False), path("4 8", best=False)], "1 2 3 9"),
        ([path("1 2 9", best=True), path("1 9", best=True), path("9", best=False)], "1 9"),
        # A router that marks none: all count.
        ([path("1 2 9", best=False), path("1 9", best=False)], "1 9"),
    ],
)
def test_the_choice_is_the_same_in_any_order_and_however_split(
    paths: list[PeerPath], chosen: str
) -> None:
    for order in permutations(paths):
        assert {PREFIX: chosen} == choose((PREFIX, list(order)))[0]
        assert {PREFIX: chosen} == choose(*((PREFIX, [each]) for each in order))[0]


@pytest.mark.parametrize(
    ("peer", "chosen"),
    [
        ("192.0.2.1", {PREFIX: "1 2 3 9"}),
        ("AS4", {PREFIX: "4 8", "2.0.0.0/8": "4 7"}),
        ("5", {}),
        ("192.0.2.77", {}),
    ],
)
def test_of_one_neighbour_its_own_paths_count_whatever_the_router_chose(
    peer: str, chosen: dict[str, str]
) -> None:
    first = [path("1 2 3 9", best=False), path("4 8", "192.0.2.4", best=True)]
    second = [path("4 7", "192.0.2.4"), path("7", None)]
    assert chosen == choose((PREFIX, first), ("2.0.0.0/8", second), peer=peer)[0]


def test_prefixes_come_in_order_with_ipv4_first() -> None:
    prefixes = ["2a00::/12", "2.0.0.0/8", "1.0.0.0/9", "2001:db9::/32", "1.0.0.0/8", "200.0.0.0/8"]
    found, _ = choose(*((prefix, [path("7 8")]) for prefix in prefixes))
    expected = ["1.0.0.0/8", "1.0.0.0/9", "2.0.0.0/8", "200.0.0.0/8", "2001:db9::/32", "2a00::/12"]
    assert expected == list(found)


def test_insane_routes_are_counted_path_by_path_and_never_chosen() -> None:
    entries = [
        (PREFIX, [path("1 0 9"), path("1 2 3 9"), path("23456 9"), path("0")]),
        ("10.0.0.0/8", [path("7"), path("8")]),
        ("2.0.0.0/8", [path("0")]),
    ]
    refused = {Reason.ZERO_ASN: 3, Reason.RESERVED_ASN: 1, Reason.MARTIAN: 2}
    assert ({PREFIX: "1 2 3 9"}, refused) == choose(*entries)


def test_a_neighbour_that_is_not_meant_is_not_judged() -> None:
    entries = [(PREFIX, [path("0 9", "192.0.2.7"), path("1 9")])]
    assert ({PREFIX: "1 9"}, {}) == choose(*entries, peer="192.0.2.1")


def test_a_source_with_too_many_prefixes_keeps_the_first_ones() -> None:
    entries = [(f"{n}.0.0.0/8", [path("7")]) for n in (1, 2, 3, 1, 4)]
    found, refused = choose(*entries, limits=Limits(max_prefixes=2))
    assert (["1.0.0.0/8", "2.0.0.0/8"], {Reason.MAX_PREFIXES: 2}) == (list(found), refused)


def order_of(each: PeerPath) -> tuple[object, ...]:
    assert each.peer is not None
    assert each.peer.address is not None
    hops = [
        hop
        for hop, before in zip(each.route.hops, (None, *each.route.hops), strict=False)
        if hop != before
    ]
    return len(hops), len(each.peer.address), each.peer.address, each.route.path


@pytest.mark.parametrize("seed", range(20))
def test_random_paths_are_chosen_as_the_rule_says(seed: int) -> None:
    random = Random(seed)
    paths = [
        path(
            " ".join(str(random.randint(1, 4)) for _ in range(random.randint(1, 5))),
            f"192.0.2.{random.randint(1, 4)}",
        )
        for _ in range(random.randint(1, 12))
    ]
    origins = [each.route.origins for each in paths]
    most = max(map(origins.count, origins))
    chosen = min(
        (each for each in paths if origins.count(each.route.origins) == most), key=order_of
    )
    # Repeated paths of one neighbour count as often as they come.
    assert {PREFIX: str(chosen.route)} == choose((PREFIX, paths))[0]
