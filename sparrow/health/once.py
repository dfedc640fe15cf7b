"""Every check of every site run once, for a command. Start from `run_once`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sparrow.health.aims import weigh_site
from sparrow.health.kinds import find_probe
from sparrow.health.prober import boot_clock
from sparrow.health.rounds import run_round
from sparrow.health.site import ALL_UP, SiteHealth, Target, assess, describe_site
from sparrow.health.spawning import Programs
from sparrow.health.verdict import ProbeState, Result, advance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sparrow.health.aims import Aim, SiteAims


async def run_once(sites: Iterable[SiteAims]) -> dict[str, SiteHealth]:
    """Give how every site stands by one round of each of its checks, by name.

    A round has its second try; what it finds counts at once, as no more will come.
    Nothing is remembered, so there is no hold-down, and no site waits to be resumed.
    """
    wanted = list(sites)
    aims = dict.fromkeys(
        aim for site in wanted for checks in (site.v4, site.v6) for check in checks for aim in check
    )
    programs = Programs()
    try:
        targets = await asyncio.gather(*(_try_once(aim, programs) for aim in aims))
    finally:
        programs.close()
    found = dict(zip(aims, targets, strict=True))
    return {site.name: _judge(site, found) for site in wanted}


async def _try_once(aim: Aim, programs: Programs) -> Target:
    finding = (await run_round(aim, find_probe(aim.check), programs, boot_clock)).finding
    state = advance(ProbeState(), finding.result, aim.thresholds)
    has_spoken = finding.result is not Result.UNKNOWN
    return Target(
        aim.label, state.verdict, state.is_degraded, has_spoken=has_spoken, words=finding.words
    )


def _judge(site: SiteAims, found: dict[Aim, Target]) -> SiteHealth:
    evidence = weigh_site(site, found.__getitem__)
    presences = assess(ALL_UP, evidence, site.rules, 0.0)
    return describe_site(presences, evidence, site.rules, 0.0)
