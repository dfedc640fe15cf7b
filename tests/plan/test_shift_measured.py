"""A simulated shift is the shift that a twin shows when the words are really changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from built_tables import build_snapshot
from statesites import NAMES, build_state_authority, encode_query

from sparrow.plan import native
from sparrow.plan.board import OutcomeBoard
from sparrow.plan.compile import compile_plan
from sparrow.plan.publish import publish_plan
from sparrow.plan.pure import Answered
from sparrow.plan.reader import open_plan
from sparrow.policy.outcome import ALL_SERVING, Condition, Standing
from sparrow.policy.shift import simulate_shift
from sparrow.policy.special import SPECIAL_BLOCKS
from sparrow.rib.route import parse_route
from sparrow.values.address import Prefix, parse_prefix

if TYPE_CHECKING:
    from pathlib import Path

    from sparrow.policy.outcome import Conditions

ADDRESSES = 10_000
UDP, NOW_S = 1232, 1_800_000_000
STATES: dict[str, tuple[Conditions, Conditions]] = {
    "drained": (ALL_SERVING, {"au": (Condition(Standing.DRAINED),) * 2}),
    "two are down": (ALL_SERVING, dict.fromkeys(("de", "us"), (Condition(Standing.BARRED),) * 2)),
    "one comes back, one fails": (
        {"jp": (Condition(Standing.FAILED),) * 2},
        {"za": (Condition(Standing.FAILED),) * 2},
    ),
    "all fail": (ALL_SERVING, dict.fromkeys(NAMES, (Condition(Standing.FAILED),) * 2)),
}
LAST = "(SERVFAIL)", "(no address)"


def random_addresses(rng: Random) -> list[bytes]:
    """Give different addresses that are not special-purpose."""
    found: set[bytes] = set()
    while len(found) < ADDRESSES:
        address = rng.randbytes(4)
        if not any(block.contains(address) for block in SPECIAL_BLOCKS[4]):
            found.add(address)
    return sorted(found)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("service", ["all-up", "static", "empty", "servfail", "half"])
def test_what_was_simulated_is_what_is_measured(tmp_path: Path, state: str, service: str) -> None:
    rng = Random(state)
    before, after = STATES[state]
    asked = random_addresses(rng)
    # Each address is a route of its own, so that the table covers those and no others.
    lines = [f"{Prefix(address, 32)} {rng.randint(1, 6)}" for address in asked]
    directory = tmp_path / "plan"
    authority = build_state_authority(lines)
    steering = authority.steering
    assert steering is not None
    publish_plan(directory, compile_plan(authority, 1, 1), 1)
    responder, board = native.Responder(open_plan(directory)), OutcomeBoard(directory)
    board.open()

    def measure(conditions: Conditions) -> list[str]:
        board.write(conditions)
        packet = encode_query(service, 4)
        answered = [responder.answer(packet, address, UDP, NOW_S) for address in asked]
        return [name_answer(each) for each in answered if isinstance(each, Answered)]

    def name_answer(answered: Answered) -> str:
        if answered.site is None:
            return LAST[answered.rcode == 0]
        return steering.site_names[answered.site]

    pairs = zip(measure(before), measure(after), strict=True)
    measured = Counter(pair for pair in pairs if pair[0] != pair[1])
    alone = replace(steering, services={service: steering.services[service]}, conditions=before)
    entries = [(parse_prefix(a), parse_route(b)) for a, b in map(str.split, lines)]
    v4, _ = simulate_shift(alone, build_snapshot(entries), after, {})
    assert ADDRESSES == v4.whole.addresses
    assert measured == {(m.source, m.target): m.amount.addresses for m in v4.moves}
    assert sum(measured.values()) == v4.moved.addresses == v4.moved.prefixes
    is_all_up = service in ("all-up", "half") and state == "all fail"
    assert is_all_up != bool(measured)
