"""An order as it is asked for, and as people read it.

Law: what is asked for is checked whole before anything is done. Start from
`parse_draft` and `build_order`.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from sparrow.errors import InputError, Problem
from sparrow.policy.orders import Order, order_row
from sparrow.policy.outcome import Action
from sparrow.values.moment import render_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sparrow.policy.orders import Orders

MAX_REASON = 300
"""Characters of a reason: a line or two of a table."""
MAX_AHEAD_S = 10 * 366 * 86400.0
"""Seconds from now to a start, and from there to an end: beyond it a year was mistyped."""
MAX_NAME = 64
"""Characters of the name of a site or of who gives an order; a DNS label has 63."""


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """What somebody wants to be ordered."""

    action: Action
    """What is to be in force."""
    site: str
    """Name of the site, as it was written."""
    reason: str
    """Why; empty for an AUTO that needs none."""
    by: str
    """The name that who asks goes by; empty where none was said."""
    for_s: float | None = None
    """Seconds until it ends by itself; None for never."""
    at_s: float | None = None
    """Unix time of its start; None for at once."""
    is_dry: bool = False
    """Whether it is only to be checked."""


def parse_draft(arguments: Mapping[str, Any]) -> OrderDraft:
    """Read the arguments of the command `site`. Raises `InputError` with all that is wrong."""
    problems: list[str] = []

    def take(problem: str | None) -> None:
        problems.extend([problem] if problem else [])

    action, site = arguments.get("action"), arguments.get("site")
    reason, by = arguments.get("reason", ""), arguments.get("by", "")
    known = [each.value for each in Action]
    take(None if action in known else f"action is one of {', '.join(known)}")
    take(_check_text("site", site, MAX_NAME, is_needed=True))
    take(_check_text("reason", reason, MAX_REASON, is_needed=action != Action.AUTO.value))
    take(_check_text("by", by, MAX_NAME, is_needed=False))
    for key in ("for_s", "at_s"):
        take(_check_seconds(key, arguments.get(key)))
    if not isinstance(arguments.get("dry_run", False), bool):
        problems.append("dry_run is true or false")
    if action == Action.AUTO.value and arguments.get("for_s") is not None:
        problems.append("auto has no end: health decides until the next order")
    if problems:
        raise InputError(map(Problem, problems))
    return OrderDraft(
        action=Action(action),
        site=str(site),
        reason=reason.strip(),
        by=by.strip(),
        for_s=arguments.get("for_s"),
        at_s=arguments.get("at_s"),
        is_dry=arguments.get("dry_run", False),
    )


def _check_text(key: str, value: object, most: int, *, is_needed: bool) -> str | None:
    if not isinstance(value, str) or (is_needed and not value.strip()):
        return f"{key} must be given, as text"
    if len(value) > most:
        return f"{key} is over {most} characters long"
    if not value.isprintable():
        return f"{key} is one line of characters that can be shown"
    return None


def _check_seconds(key: str, value: object) -> str | None:
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Of an integer too large for a float no float need be made to compare it.
    if is_number and 0 < value < 1e11:  # type: ignore[operator]
        return None
    return f"{key} is a number of seconds above 0"


def build_order(draft: OrderDraft, giver: str, now_s: float) -> Order:
    """Give the order of a draft. Raises `InputError` where its times make no sense."""
    if draft.at_s is not None and draft.at_s <= now_s:
        what = f"the start {render_moment(draft.at_s)} has passed: leave it out to begin at once"
        raise InputError([Problem(what)])
    starts_at_s = now_s if draft.at_s is None else draft.at_s
    if starts_at_s - now_s > MAX_AHEAD_S:
        what = "the order starts more than ten years from now: is that meant?"
        raise InputError([Problem(what)])
    if (draft.for_s or 0.0) > MAX_AHEAD_S:
        raise InputError([Problem("the order lasts more than ten years: is that meant?")])
    return Order(
        site=draft.site,
        action=draft.action,
        by=giver,
        reason=draft.reason,
        given_at_s=now_s,
        starts_at_s=starts_at_s,
        ends_at_s=None if draft.for_s is None else starts_at_s + draft.for_s,
    )


def plan_order(
    orders: Orders, draft: OrderDraft, giver: str, now_s: float
) -> tuple[Order, dict[str, Any]]:
    """Give the order of a draft, and the result of the command `site`.

    Raises `InputError` where its times make no sense.
    """
    order = build_order(draft, giver, now_s)
    before = orders.settle(now_s)[0]
    after = before.give(order)
    replaced = [order_row(each) for each in before.all if each not in after.all]
    return order, {"order": order_row(order), "replaced": replaced, "dry_run": draft.is_dry}


def name_giver(claim: str, uid: int | None) -> str:
    """Name who gives an order: as they call themselves, and as the kernel says."""
    parts = (claim, "" if uid is None else f"uid {uid}")
    return ", ".join(part for part in parts if part) or "unknown"


def check_site(name: str, known: Iterable[str]) -> None:
    """Raise `InputError`, which names near ones, for a name that no site has."""
    names = tuple(known)
    if name in names:
        return
    by_folded = {each.casefold(): each for each in names}
    near = get_close_matches(name.casefold(), by_folded, n=2, cutoff=0.5)
    meant = " or ".join(repr(by_folded[folded]) for folded in near)
    hint = f"did you mean {meant}? " if meant else ""
    there = f"the sites are {', '.join(names)}" if names else "no sites are configured"
    raise InputError([Problem(f"there is no site {name!r}: {hint}{there}")])


def parse_supposed(arguments: Mapping[str, Any], known: Iterable[str]) -> dict[str, Action]:
    """Read the arguments of `simulate`: what is supposed to be ordered, by site.

    Raises `InputError` with all that is wrong.
    """
    names = tuple(known)
    problems: list[Problem] = []
    supposed: dict[str, Action] = {}
    for action in (Action.DOWN, Action.DRAIN, Action.UP):
        sites = arguments.get(action.value, [])
        if not isinstance(sites, list) or not all(isinstance(site, str) for site in sites):
            problems.append(Problem(f"{action.value} is a list of sites"))
            continue
        for site in sites:
            if supposed.setdefault(site, action) is not action:
                what = f"{site} is to be {supposed[site].value} and {action.value}: name it once"
                problems.append(Problem(what))
            try:
                check_site(site, names)
            except InputError as error:
                problems.extend(error.problems)
    if not problems and not supposed:
        problems.append(Problem("name a site that is to be down, drain or up"))
    if problems:
        raise InputError(dict.fromkeys(problems))
    return supposed


def describe_order(row: Mapping[str, Any]) -> str:
    """Say what an order is, from its row: what, from when, until when, by whom, and why."""
    start, end = row["starts_at_s"], row["ends_at_s"]
    until = " until it is changed" if end is None else f" until {render_moment(end)}"
    if row["action"] == Action.AUTO.value:
        until = ""  # there is nothing left to be changed
    is_planned = start > row["given_at_s"]
    since = f"from {render_moment(start)}" if is_planned else f"since {render_moment(start)}"
    why = f": {row['reason']}" if row["reason"] else ""
    return f"{row['action']} {since}{until}, by {row['by']}{why}"


def order_fields(order: Order) -> dict[str, Any]:
    """Give what is told of an order."""
    end = None if order.ends_at_s is None else render_moment(order.ends_at_s)
    return {
        "site": order.site,
        "to": order.action.value,
        "start": render_moment(order.starts_at_s),
        "end": end,
        "by": order.by,
        "reason": order.reason,
    }
