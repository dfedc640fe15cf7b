"""A plan whose files were tampered with is refused, or harmless to whoever answers from it."""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from handmade import Draft
from mutations import mutate_files
from packets import NOW_S, names_of, random_client, random_packet
from plandirs import write_plan

from sparrow.dns.respond import Sender, respond
from sparrow.plan import native
from sparrow.plan.fallback import build_authority
from sparrow.plan.format import PlanError
from sparrow.plan.pure import answer
from sparrow.plan.reader import open_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from planreading import Compiled

    from sparrow.plan.compile import PlanFiles
    from sparrow.plan.plan import Plan

MUTATIONS = int(os.environ.get("SPARROW_MUTATIONS", "2000"))
MUTATED_PLANS = 8
PACKETS = 12
"""Asked of each mutated plan that is taken."""


def ask_all(plan: Plan, rng: Random, names: Any) -> None:
    """Ask a plan whatever its files say: both twins answer alike, and nothing is raised."""
    responder = native.Responder(plan)
    ground = take(lambda: build_authority(plan))
    for _ in range(PACKETS):
        packet, source = random_packet(rng, names), random_client(rng)
        limit = rng.choice((1232, 65535))
        found = answer(plan, packet, source, limit, NOW_S)
        assert found == responder.answer(packet, source, limit, NOW_S)
        if ground is not None:
            respond(ground, packet, Sender(source, limit == 65535), NOW_S)


def take(step: Callable[[], Any]) -> Any:
    """Do a step; None where it refuses the plan."""
    try:
        return step()
    except PlanError:
        return None


def mutated_plan(directory: Path, rng: Random, files: PlanFiles, sound_plan: Plan) -> Plan | None:
    changed_files = mutate_files(rng, files)
    write_plan(directory, changed_files)
    return take(lambda: open_plan(directory, sound_plan))


@pytest.mark.parametrize("number", range(MUTATED_PLANS))
def test_a_mutated_plan_is_refused_or_harmless(
    compiled: tuple[Compiled, ...], tmp_path: Path, number: int
) -> None:
    rng = Random(number)
    chosen = compiled[number]
    files = Draft().files() if number == 0 else chosen.files
    names = (
        names_of(chosen.authority.zones)
        if number
        else ((b"www", b"example"), (b"alias", b"example"))
    )
    write_plan(tmp_path, files)
    sound_plan = open_plan(tmp_path)
    taken = 0
    count = MUTATIONS // MUTATED_PLANS
    for _ in range(count):
        plan = mutated_plan(tmp_path, rng, files, sound_plan)
        if plan is not None:
            taken += 1
            ask_all(plan, rng, names)
    assert 0 < taken < count
