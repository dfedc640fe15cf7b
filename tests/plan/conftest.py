"""Authorities that every part of the plan is tested with, and their plans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from planreading import Compiled
from random_plans import full_authority, random_authority

from sparrow.plan.compile import compile_plan
from sparrow.staging import Staging, stage

if TYPE_CHECKING:
    from sparrow.dns.respond import Authority

DEMO = Path(__file__).parents[2] / "routes" / "demo" / "sparrow.yaml"
RANDOM_PLANS = 40


def compile_authority(authority: Authority, serial: int = 7, seed: int = 0x5EED) -> Compiled:
    return Compiled(authority, compile_plan(authority, serial, seed))


@pytest.fixture(scope="session")
def demo_plan() -> Compiled:
    """The plan of the configuration that `make run` serves."""
    return compile_authority(stage(Staging(str(DEMO))).view.authority)


@pytest.fixture(scope="session")
def full_plan() -> Compiled:
    """The plan of zones in which every case of an answer is met."""
    return compile_authority(full_authority())


@pytest.fixture(scope="session")
def random_plans() -> tuple[Compiled, ...]:
    """Plans of random authorities, always the same."""
    return tuple(
        compile_authority(random_authority(number), number + 1, number * 0x9E3779B97F4A7C15 % 2**64)
        for number in range(RANDOM_PLANS)
    )


@pytest.fixture(scope="session")
def compiled(
    demo_plan: Compiled, full_plan: Compiled, random_plans: tuple[Compiled, ...]
) -> tuple[Compiled, ...]:
    """All of the plans."""
    return (demo_plan, full_plan, *random_plans)
