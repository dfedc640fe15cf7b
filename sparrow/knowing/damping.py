"""Hysteresis over time: what is held back, kept over restarts, and let go when it is due.

Law: a configuration, lore or a decision of an operator that differs from before lets
everything go; only routes that change by themselves are damped. Start from `Damper.apply`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sparrow.errors import InputError
from sparrow.keeping.statefile import load_json, store_json
from sparrow.policy.damping import MINUTE_S, Ground, Held, Wish, damp
from sparrow.policy.staying import Damping
from sparrow.values.address import BITS, FAMILIES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from sparrow.view import View

_log = logging.getLogger(__name__)

HELD = "held.json"
"""File in the state directory."""
_MOST = 50_000
"""Stretches that are remembered; a restart lets the others go."""
_LEAST_S = 1.0
"""Seconds between two times that what is held is looked through."""
LOOK_S = 60.0
"""Seconds between two looks at the clock, which may be set."""


class Damper:
    """Holds back and lets go. `apply` runs in the thread that reads, the rest in one loop."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float],
        renew: Callable[[], Awaitable[Any]],
        look_s: float = LOOK_S,
    ) -> None:
        """Remember in `path`; await `renew` when something is due, which may raise `InputError`.

        The clock is looked at after `look_s` seconds at the latest.
        """
        self._look_s = look_s
        self._path = path
        self._clock = clock
        self._renew = renew
        self._stored: Mapping[tuple[str, int], tuple[Wish, ...]] | None = None
        self._due_s: float | None = None
        self._told_s = 0.0
        self._found_s: float | None = None
        self._stretches = 0
        self._has_changed = asyncio.Event()

    def apply(self, old: View | None, new: View, *, is_asked: bool) -> View:
        """Give what is to serve behind `old`; None for the first one since the start.

        Where it `is_asked` for, everything goes.
        """
        config, steering = new.config.hysteresis, new.authority.steering
        if config is None or steering is None:
            if old is None:
                self.store(Held())  # or a later start with hysteresis would hold it again
            return new
        if old is not None and (is_asked or not _is_comparable(old, new)):
            return new
        damping = Damping(
            margin_ms=config.margin_ms,
            margin_km=config.margin_km,
            margin_hops=config.margin_hops,
            hold_s=config.hold_s,
            budget=config.budget,
        )
        ground = Ground(damping, steering, new.tables.snapshot, self._clock())
        before = old.authority.steering if old else None
        found = damp(before, ground, old.held if old else self._load())
        self._found_s = found.held.next_s
        authority = replace(new.authority, steering=found.steering)
        return replace(new, authority=authority, held=found.held)

    def take_up(self, view: View) -> None:
        """Take notice of a view that is served."""
        self._due_s, self._told_s = view.held.next_s, self._clock()
        stretches = sum(map(len, view.held.wishes.values()))
        if stretches != self._stretches:
            _log.info("hysteresis holds %d stretches of addresses", stretches)
        self._stretches = stretches
        self._has_changed.set()

    async def run(self) -> None:
        """Remember what is held, and look it through when something is due, until cancelled."""
        while True:
            now_s = self._clock()
            ahead_s = self._look_s if self._due_s is None else self._due_s - now_s
            wait_s = min(max(ahead_s, _LEAST_S), self._look_s)
            try:
                async with asyncio.timeout(wait_s):
                    await self._has_changed.wait()
                self._has_changed.clear()
            except TimeoutError:
                await self._let_go()

    async def _let_go(self) -> None:
        # Before the time at which it was told what is due, the clock was set back: that time
        # says nothing any more.
        if self._due_s is None or self._told_s <= self._clock() < self._due_s:
            return
        # Whatever comes of it, what is held is looked through again: a view that is
        # taken says when, and one that is not leaves what is held as it is.
        self._told_s = self._clock()
        again_s = self._due_s = self._told_s + MINUTE_S
        try:
            await self._renew()
        except InputError:
            return  # said in the log where it was decided
        if self._due_s == again_s and self._found_s is not None:
            self._due_s = min(again_s, self._found_s)

    def store(self, held: Held) -> None:
        """Write down what is held, where that has changed."""
        if held.wishes == self._stored:
            return
        if not held.wishes and not self._path.exists():
            self._stored = held.wishes
            return
        try:
            store_json(self._path, render_held(held))
        except OSError as error:
            _log.error("what hysteresis holds is not remembered for the next start: %s", error)
        else:
            self._stored = held.wishes

    def _load(self) -> Held:
        try:
            held = parse_held(load_json(self._path))
        except (InputError, ValueError) as error:
            _log.error("what hysteresis held before cannot be read, so it is let go: %s", error)
            return Held()
        self._stored = held.wishes
        return held


def _is_comparable(old: View, new: View) -> bool:
    """Tell whether two views differ in nothing but routes."""
    return old.config == new.config and old.lore.lore == new.lore.lore


def render_held(held: Held) -> dict[str, Any]:
    """Give what is held as a tree for JSON; numbers of IPv6 are text, as they are large."""
    rows = [
        [*key, wish.family, str(wish.start), str(wish.end), wish.order, wish.target, wish.since_s]
        for key, wishes in held.wishes.items()
        for wish in wishes
    ]
    return {"version": 1, "wishes": rows[:_MOST]}


def parse_held(tree: Any) -> Held:
    """Read a tree back; None is nothing. Raises `ValueError` where none was rendered here."""
    if tree is None:
        return Held()
    found: dict[tuple[str, int], list[Wish]] = {}
    try:
        if tree["version"] != 1:
            raise ValueError(f"its version is {tree['version']!r}")
        for service, of, family, start, end, order, target, since_s in tree["wishes"]:
            names = tuple(map(str, order))
            wish = Wish(int(family), int(start), int(end), names, str(target), float(since_s))
            _check_wish(wish, found.setdefault((str(service), int(of)), []))
            found[str(service), int(of)].append(wish)
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is no record of what is held: {error!r}") from None
    return Held({key: tuple(wishes) for key, wishes in found.items()})


def _check_wish(wish: Wish, before: list[Wish]) -> None:
    last = before[-1] if before else None
    is_behind = last is None or (last.family, last.end) <= (wish.family, wish.start)
    is_within = wish.family in FAMILIES and 0 <= wish.start < wish.end <= 1 << BITS[wish.family]
    if not (is_within and (is_behind or (last is not None and last.family < wish.family))):
        raise ValueError("its stretches are not in order")
