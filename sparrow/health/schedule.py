"""All probes of all sites, and how every site stands at any time.

Law: a probe runs once however many sites it is for; a reload changes nothing for checks
that it leaves as they were; what a probe found reaches `on_change` in the same turn of
the event loop. Start from `Monitor`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparrow.health.aims import weigh_site
from sparrow.health.memory import (
    Remembered,
    RememberedProbe,
    RememberedSite,
    parse_memory,
    render_memory,
)
from sparrow.health.prober import Prober, boot_clock
from sparrow.health.report import ProbeRow, Transition
from sparrow.health.site import (
    ALL_UP,
    Evidence,
    FamilyHealth,
    Presence,
    Presences,
    SiteHealth,
    assess,
    describe_site,
    resume,
)
from sparrow.health.spawning import Programs
from sparrow.health.storing import Storing
from sparrow.values.address import FAMILIES, IPV4, IPV6

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sparrow.health.aims import Aim, SiteAims

_log = logging.getLogger(__name__)

_SPREAD_S = 0.02
"""Seconds between the first rounds of two probes: a thousand of them are not one burst."""
_LOOK_S = 1.0
"""Seconds between two looks whether the machine has slept."""


@dataclass(slots=True)
class _Site:
    """A site, what is remembered of it, and how it stands."""

    aims: SiteAims
    presences: Presences
    since: dict[int, float]
    """When it came to be up or down, by family, in Unix time."""
    was_up: dict[int, bool]
    """What was last told of it, by family."""
    evidence: tuple[Evidence, Evidence] = (Evidence(is_passed=True), Evidence(is_passed=True))
    told: object = None
    """What `on_change` was last told of; anything else is a change."""
    timer: asyncio.TimerHandle | None = None
    """Runs out when a hold-down does."""

    def presence(self, family: int) -> Presence:
        return self.presences.v4 if family == IPV4 else self.presences.v6

    def health(self, now_s: float) -> SiteHealth:
        return describe_site(self.presences, self.evidence, self.aims.rules, now_s)

    def return_times(self) -> list[float]:
        """Give when hold-downs that are running are over."""
        hold_down_s = self.aims.rules.returning.hold_down_s
        presences = (self.presence(family) for family in FAMILIES)
        return [
            each.passing_since_s + hold_down_s
            for each in presences
            if each.passing_since_s is not None and not each.is_latched
        ]


class Monitor:
    """The health of all sites. For one event loop, in which everything here is called.

    `on_change` is called when a site's health has changed in any way but its words, with
    the sites that came to be up or down; with none where only a warning or the time of
    the soonest change is another. `keep` stores what is to be remembered; it is called
    on a thread, and may raise `OSError`. `kept` is what it stored last, in whatever
    process. `programs` runs external programs, and is closed by who made it; None for one
    of our own. `clock` is in seconds and goes on while the machine sleeps.
    """

    def __init__(
        self,
        on_change: Callable[[Sequence[Transition]], None],
        keep: Callable[[Mapping[str, Any]], None],
        kept: object = None,
        *,
        programs: Programs | None = None,
        clock: Callable[[], float] = boot_clock,
    ) -> None:
        """Remember what was kept; `configure` begins the work, and `stop` ends it."""
        self._on_change = on_change
        self._clock = clock
        self._memory = parse_memory(kept)
        self._programs = programs or Programs()
        self._is_sharing = programs is not None
        self._probers: dict[Aim, Prober] = {}
        self._tasks: dict[Aim, asyncio.Task[None]] = {}
        self._sites: dict[str, _Site] = {}
        self._users: dict[Aim, list[str]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._storing = Storing(self._render_memory, keep)

    def recall(self, kept: object) -> None:
        """Take what was kept in the place of what was kept before; only before `configure`."""
        self._memory = parse_memory(kept)

    def configure(self, sites: Iterable[SiteAims]) -> None:
        """Judge these sites from now on, by these checks.

        What is known of checks and sites that stay is kept; so is what is known of a
        check of which only times or thresholds are other ones. `on_change` is called
        before this returns.
        """
        wanted = {site.name: site for site in sites}
        self._users = _users_of(wanted.values())
        self._replace_probers()
        for name in self._sites.keys() - wanted.keys():
            _cancel_timer(self._sites.pop(name))
        for name, aims in wanted.items():
            self._adopt(name, aims)
        self._sites = {name: self._sites[name] for name in wanted}
        self._memory = Remembered()
        if self._watch is None:
            self._watch = asyncio.create_task(self._notice_sleep())
        self._judge(wanted)

    def _replace_probers(self) -> None:
        before = {each.subject: each for each in self._probers.values()}
        for aim in self._probers.keys() - self._users.keys():
            del self._probers[aim]
            self._tasks.pop(aim).cancel()
        fresh = [aim for aim in self._users if aim not in self._probers]
        for place, aim in enumerate(fresh):
            prober = Prober(aim, self._programs, self._clock)
            predecessor = before.get(prober.subject)
            remembered = self._memory.probes.get(prober.subject)
            if predecessor:
                prober.take_over(predecessor.state, predecessor.finding, predecessor.since)
            elif remembered:
                prober.remember(remembered.state, remembered.since)
            self._probers[aim] = prober
            first_in_s = min(place * _SPREAD_S, aim.check.interval_s)
            self._tasks[aim] = asyncio.create_task(prober.run(first_in_s, self._heed))

    def _adopt(self, name: str, aims: SiteAims) -> None:
        if name not in self._sites:
            remembered = self._memory.sites.get(name) or RememberedSite()
            since = (moment or time.time() for moment in remembered.since)
            by_family = dict(zip(FAMILIES, since, strict=True))
            v4, v6 = remembered.presences.v4, remembered.presences.v6
            was_up = {IPV4: v4.is_up, IPV6: v6.is_up}
            self._sites[name] = _Site(aims, remembered.presences, by_family, was_up)
        self._sites[name].aims = aims
        if not aims.v4:
            # Without checks there is nothing to wait for.
            self._sites[name].presences = ALL_UP

    async def stop(self) -> None:
        """End all probes, and store what is to be remembered."""
        tasks = [*self._tasks.values(), *filter(None, [self._watch])]
        self._tasks, self._watch = {}, None
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        for site in self._sites.values():
            _cancel_timer(site)
        if not self._is_sharing:
            self._programs.close()
        await self._storing.finish()

    @property
    def is_configured(self) -> bool:
        """Tell whether sites are judged yet."""
        return self._watch is not None

    @property
    def has_looked(self) -> bool:
        """Tell whether of every check a round has ended, here or before we began."""
        return self.is_configured and all(each.finding for each in self._probers.values())

    @property
    def problem(self) -> str | None:
        """Why what checks found cannot be stored; None where it can."""
        return self._storing.problem

    def states(self) -> Mapping[str, SiteHealth]:
        """Give how every site stands now, by name, in configured order.

        Before anything is configured these are the sites that are remembered.
        """
        if not self.is_configured:
            return {name: _recall(each.presences) for name, each in self._memory.sites.items()}
        now_s = asyncio.get_running_loop().time()
        return {name: site.health(now_s) for name, site in self._sites.items()}

    def since(self, site: str, family: int) -> float:
        """Give when a configured site came to be up or down for family 4 or 6, in Unix time."""
        return self._sites[site].since[family]

    def rows(self) -> list[ProbeRow]:
        """Give every probe, in the order of sites and checks."""
        return [self._probers[aim].row(tuple(names)) for aim, names in self._users.items()]

    def resume(self, site: str) -> bool:
        """Take an operator's word that a configured site may return; see `site.resume`.

        Gives whether it waited for anything: the word, or the end of its hold-down.
        """
        found = self._sites[site]
        waiting = [found.presence(family) for family in FAMILIES]
        found.presences = Presences(*map(resume, waiting))
        self._judge([site])
        return any(each.is_latched or each.passing_since_s is not None for each in waiting)

    def _heed(self, prober: Prober) -> None:
        self._judge(self._users.get(prober.aim, ()))

    def _judge(self, names: Iterable[str]) -> None:
        """Assess sites anew, and tell what is other than before."""
        sites = [self._sites[name] for name in names]
        transitions = [each for site in sites for each in self._assess(site)]
        told = [site.told for site in sites]
        for site in sites:
            site.told = _essence(site)
        if told != [site.told for site in sites]:
            self._tell(transitions)
        self._storing.note_change()

    def _tell(self, transitions: Sequence[Transition]) -> None:
        try:
            self._on_change(transitions)
        except Exception:  # noqa: BLE001  (what goes wrong there must not end a probe)
            _log.exception("a change of health was not taken up")

    def _assess(self, site: _Site) -> list[Transition]:
        aims, now_s = site.aims, asyncio.get_running_loop().time()
        site.evidence = weigh_site(aims, lambda aim: self._probers[aim].target())
        site.presences = assess(site.presences, site.evidence, aims.rules, now_s)
        _cancel_timer(site)
        if ends := site.return_times():
            loop = asyncio.get_running_loop()
            site.timer = loop.call_at(min(ends), self._judge, [aims.name])
        moved = [each for each in FAMILIES if site.presence(each).is_up is not site.was_up[each]]
        transitions = [_note_transition(site, family) for family in moved]
        # Of a family that the site has no address of, nobody needs to be told.
        return [each for each in transitions if each.family in aims.families]

    async def _notice_sleep(self) -> None:
        """After the machine or we have stood still, let every probe look at once."""
        looked_s = self._clock()
        while True:
            await asyncio.sleep(_LOOK_S)
            before_s, looked_s = looked_s, self._clock()
            if looked_s - before_s > 2 * _LOOK_S:
                _log.warning("this process stood still for %.0f s", looked_s - before_s - _LOOK_S)
                for prober in self._probers.values():
                    prober.hurry()

    def _render_memory(self) -> dict[str, Any]:
        probers = self._probers.values()
        probes = {each.subject: RememberedProbe(each.state, each.since) for each in probers}
        sites = {
            name: RememberedSite(site.presences, (site.since[IPV4], site.since[IPV6]))
            for name, site in self._sites.items()
        }
        return render_memory(Remembered(probes, sites))


def _recall(presences: Presences) -> SiteHealth:
    v4, v6 = (
        FamilyHealth(is_up=each.is_up, why="" if each.is_up else "it was down when this was stored")
        for each in (presences.v4, presences.v6)
    )
    return SiteHealth(v4, v6)


def _note_transition(site: _Site, family: int) -> Transition:
    health = site.health(asyncio.get_running_loop().time()).of(family)
    site.was_up[family] = health.is_up
    site.since[family] = time.time()
    return Transition(site.aims.name, family, health.is_up, health.why, site.since[family])


def _essence(site: _Site) -> object:
    """Give what of a site's health is worth a call: not words, nor the passing of time."""
    return (
        site.presences,
        [(each.change_in_s, each.is_degraded) for each in site.evidence],
        site.aims.rules,
        site.aims.families,
    )


def _cancel_timer(site: _Site) -> None:
    if site.timer:
        site.timer.cancel()
        site.timer = None


def _users_of(sites: Iterable[SiteAims]) -> dict[Aim, list[str]]:
    """Give every distinct aim with the names of its sites, in the order of sites and checks."""
    users: dict[Aim, list[str]] = {}
    for site in sites:
        for check in (*site.v4, *site.v6):
            for aim in check:
                names = users.setdefault(aim, [])
                if site.name not in names:
                    names.append(site.name)
    return users
