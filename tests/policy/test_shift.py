"""What would move if sites stood otherwise: counted, and the same as what is measured."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from built_tables import build_snapshot
from statesites import NAMES, build_state_authority

from sparrow.policy.outcome import ALL_SERVING, Condition, Standing
from sparrow.policy.shift import (
    NO_ADDRESS,
    NO_ANSWER,
    Amount,
    ClassKey,
    FamilyShift,
    Move,
    OriginMove,
    shift_row,
    simulate_shift,
)
from sparrow.rib.route import parse_route
from sparrow.values.address import Prefix, parse_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sparrow.policy.outcome import Conditions
    from sparrow.policy.steering import Steering
    from sparrow.rib.snapshot import Snapshot

BARRED = (Condition(Standing.BARRED), Condition(Standing.BARRED))
FAILED = (Condition(Standing.FAILED), Condition(Standing.FAILED))
LINES = (
    "20.0.0.0/8 1",
    "20.1.0.0/16 2",
    "20.1.2.0/24 7 1",  # by way of AS7 to a network of au
    "21.0.0.0/24 2",
    "10.0.0.0/8 1",  # special, but for routes inside it
    "2a00::/12 1",
    "2a01::/32 5_1",
)
SERVICES = ("all-up", "static", "empty", "servfail")
"""Each at every site, and named after its last resort."""
AU = ("au", "jp", "za", "de", "nl", "us")
"""Order of the clients of au; those of IPv6 have it without nl."""


def steering_of(lines: Iterable[str]) -> Steering:
    steering = build_state_authority(lines).steering
    assert steering is not None
    return steering


def snapshot_of(lines: Iterable[str]) -> Snapshot:
    pairs = (line.split(maxsplit=1) for line in lines)
    return build_snapshot((parse_prefix(prefix), parse_route(path)) for prefix, path in pairs)


def simulate(
    after: Conditions, counts: dict[ClassKey, int] | None = None, before: Conditions = ALL_SERVING
) -> tuple[FamilyShift, FamilyShift]:
    steering = replace(steering_of(LINES), conditions=before)
    services = {name: steering.services[name] for name in SERVICES}
    steering = replace(steering, services=services)
    return simulate_shift(steering, snapshot_of(LINES), after, counts or {})


def test_nothing_moves_where_nothing_changes() -> None:
    for family in simulate({"au": FAILED}, before={"au": FAILED}):
        assert (Amount(), (), ()) == (family.moved, family.moves, family.origins)


def test_the_clients_of_a_site_move_to_the_next_of_their_class() -> None:
    v4, v6 = simulate({"au": BARRED})
    covered = 2**24 + 256 + 2**24  # 10.0.0.0/8 has a route as long as the special block
    assert Amount(covered, 5) == v4.whole
    moved = Amount(2**24 - 2**16 + 256 + 2**24, 3)
    assert (moved, (Move("au", "jp", SERVICES, moved),)) == (v4.moved, v4.moves)
    assert Amount(2**116, 2) == v6.whole
    # The multi-origin belongs to us, as its first AS does.
    moved = Amount(2**116 - 2**96, 1)
    assert (moved, (Move("au", "jp", SERVICES, moved),)) == (v6.moved, v6.moves)


def test_origins_are_those_with_the_most_addresses_that_move() -> None:
    v4, v6 = simulate({"us": BARRED, "de": BARRED})
    assert (OriginMove("2", Amount(2**16 - 256 + 256, 2)),) == v4.origins
    assert (OriginMove("5_1", Amount(2**96, 1)),) == v6.origins
    steering = steering_of(LINES)
    after = dict.fromkeys(NAMES, BARRED)
    v4, _ = simulate_shift(steering, snapshot_of(LINES), after, {}, top=1)
    assert ["1"] == [each.asn for each in v4.origins]


@pytest.mark.parametrize(
    ("standing", "targets"),
    [
        (FAILED, {"static(192.0.2.99,2001:db8::99)", NO_ADDRESS, NO_ANSWER}),
        (BARRED, {NO_ADDRESS}),
    ],
)
def test_what_is_left_where_no_site_serves_has_a_name(
    standing: tuple[Condition, Condition], targets: set[str]
) -> None:
    v4, _ = simulate(dict.fromkeys(NAMES, standing))
    assert targets == {move.target for move in v4.moves}


def test_an_address_that_moves_in_several_services_counts_once() -> None:
    v4, _ = simulate(dict.fromkeys(NAMES, FAILED))
    assert v4.whole.addresses == v4.moved.addresses
    assert v4.whole.prefixes == v4.moved.prefixes
    assert sum(move.amount.addresses for move in v4.moves) > v4.moved.addresses


def test_answers_so_far_move_with_their_class() -> None:
    counts = {
        ClassKey("all-up", 4, AU): 100,
        ClassKey("empty", 4, AU): 10,
        ClassKey("all-up", 4, ("nl", "us", "za", "au", "de", "jp")): 1000,
        ClassKey("all-up", 6, ("au", "us")): 7,  # an order of a configuration before
        ClassKey("gone", 4, AU): 5000,
        ClassKey("all-up", 4, ("au", "gone")): 5000,
        ClassKey("all-up", 4, ()): 3,
    }
    v4, v6 = simulate({"au": BARRED}, counts)
    assert (1113, 110) == (v4.whole.answers, v4.moved.answers)
    assert (7, 7) == (v6.whole.answers, v6.moved.answers)
    assert [("au", "jp", 110)] == [(m.source, m.target, m.amount.answers) for m in v4.moves]
    assert {("au", "jp", 0), ("au", "us", 7)} == {
        (m.source, m.target, m.amount.answers) for m in v6.moves
    }


def test_the_result_is_an_object_of_json() -> None:
    v4, v6 = simulate({"au": BARRED}, {ClassKey("all-up", 4, ("au", "jp", "us")): 4})
    row = json.loads(json.dumps(shift_row((v4, v6))))
    assert [4, 6] == [each["family"] for each in row["families"]]
    first = row["families"][0]
    assert (v4.whole.addresses, 5, 4) == (first["addresses"], first["prefixes"], first["answers"])
    assert {"addresses": v4.moved.addresses, "prefixes": 3, "answers": 4} == first["moved"]
    assert ("au", "jp", 4) == tuple(first["moves"][0][key] for key in ("from", "to", "answers"))
    assert {"asn": "1", "addresses": v4.moved.addresses, "prefixes": 3} == first["origins"][0]


def test_an_empty_table_moves_no_address() -> None:
    steering = steering_of(())
    for family in simulate_shift(steering, build_snapshot(()), {"za": BARRED}, {}):
        assert (Amount(), Amount()) == (family.whole, family.moved)
        assert [("za", "de")] == [(move.source, move.target) for move in family.moves]


def test_more_origins_than_a_sweep_tells_apart_are_all_told_apart() -> None:
    rng = Random(1)
    count = 66_000
    asns = rng.sample(range(64_512, 4_000_000), count)
    entries = [
        (Prefix((0x14000000 + number).to_bytes(4, "big"), 32), parse_route(f"1 {asn}"))
        for number, asn in enumerate(asns)
    ]
    steering = steering_of(("20.0.0.0/8 1",))
    v4, _ = simulate_shift(steering, build_snapshot(entries), {"au": BARRED}, {}, top=count)
    assert Amount(count, count) == v4.whole == v4.moved
    assert Counter(map(str, asns)) == Counter(
        {each.asn: each.amount.addresses for each in v4.origins}
    )
