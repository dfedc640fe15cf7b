"""How sites stand, as status, `site list` and the metrics show it.

Law: a row is made of what decided the answers (standings, health, orders) and of nothing
else. Start from `SiteState` and `build_site_rows`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sparrow.policy.orders import Orders, order_row
from sparrow.policy.outcome import Standing
from sparrow.values.address import family_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sparrow.policy.site import SiteSet
    from sparrow.policy.steering import Steering

FAMILY_KEYS = {4: "v4", 6: "v6"}
"""Key of each family in a row."""


@dataclass(frozen=True, slots=True)
class FamilyState:
    """How a site stands for one address family."""

    standing: Standing = Standing.SERVING
    """What it may be given for."""
    is_up: bool = True
    """What its checks say; True without checks."""
    is_degraded: bool = False
    """Whether its checks have a warning."""
    why: str = ""
    """What is worth telling of its checks; empty where all is well."""
    transitions: int = 0
    """Times that its standing changed since the daemon started."""


@dataclass(frozen=True, slots=True)
class CheckState:
    """What a check of a site found last at one address."""

    label: str
    """Its name and its target, for people."""
    verdict: str
    """`up`, `down` or `unknown`."""
    is_degraded: bool
    """Whether it works with a warning."""
    words: str
    """What its last round found."""
    took_s: float | None = None
    """Seconds that its last round took; None before the first."""


@dataclass(frozen=True, slots=True)
class SiteState:
    """How a site stands."""

    name: str
    """Its name."""
    v4: FamilyState | None = None
    """For IPv4; None where it has no such address."""
    v6: FamilyState | None = None
    """For IPv6."""
    checks: tuple[CheckState, ...] = ()
    """Its checks; empty where it has none."""

    @property
    def families(self) -> dict[int, FamilyState | None]:
        """Its states by family."""
        return {4: self.v4, 6: self.v6}


@dataclass(frozen=True, slots=True)
class Failover:
    """All that moves answers at this moment, beside tables and zones."""

    sites: tuple[SiteState, ...] = ()
    """The sites, in configured order; () where nothing is known of them yet."""
    orders: Orders = field(default_factory=Orders)
    """What operators have ordered."""
    now_s: float = 0.0
    """Unix time of all this."""
    orders_problem: str | None = None
    """Why the orders on disk cannot be read; None where they can."""
    health_problem: str | None = None
    """Why what checks found cannot be stored; None where it can."""
    mode: str | None = None
    """The mode of `failover.modes` that is in force; None without any."""
    table: Mapping[str, Any] | None = None
    """The table that the gate let through, as `docs/control.md` has it; None for none yet."""
    held: Mapping[str, Any] | None = None
    """The table that a guard holds back, as `docs/control.md` has it; None for none."""
    journal: Mapping[str, Any] = field(default_factory=lambda: {"failures": 0, "problem": None})
    """`Journal.snapshot`."""
    notify: Mapping[str, Any] = field(default_factory=dict)
    """`Teller.snapshot`; empty without a command."""


def site_families(site_set: SiteSet, steering: Steering | None) -> dict[str, frozenset[int]]:
    """Give the families that each site has addresses of, its own or a service's, by name."""
    services = tuple(steering.services.values()) if steering else ()
    return {
        site.name: frozenset(
            family
            for family in FAMILY_KEYS
            if any(family_of(vip) == family for vip in site.vips)
            or any(service.has_family(number, family) for service in services)
        )
        for number, site in enumerate(site_set.sites)
    }


def build_site_rows(failover: Failover, answers: Mapping[str, int]) -> list[dict[str, Any]]:
    """Give the rows `sites`: each configured site, then those that only orders name.

    `answers` are counted answers by site.
    """
    rows = [
        {
            "name": site.name,
            "configured": True,
            "answers": answers.get(site.name, 0),
            **{FAMILY_KEYS[key]: _family_row(state) for key, state in site.families.items()},
            **_order_rows(failover, site.name),
            "checks": [_check_row(check) for check in site.checks],
        }
        for site in failover.sites
    ]
    known = {site.name for site in failover.sites}
    return rows + [
        {"name": name, "configured": False, "answers": answers.get(name, 0), "v4": None, "v6": None}
        | _order_rows(failover, name)
        | {"checks": []}
        for name in failover.orders.sites
        if name not in known
    ]


def _family_row(state: FamilyState | None) -> dict[str, Any] | None:
    if state is None:
        return None
    return {
        "standing": state.standing.value,
        "health": "down" if not state.is_up else "degraded" if state.is_degraded else "up",
        "why": state.why,
        "transitions": state.transitions,
    }


def _check_row(check: CheckState) -> dict[str, Any]:
    row = asdict(check)
    row["degraded"] = row.pop("is_degraded")
    return row


def _order_rows(failover: Failover, site: str) -> dict[str, Any]:
    in_force = failover.orders.in_force(site, failover.now_s)
    planned = failover.orders.planned(site, failover.now_s)
    return {
        "order": order_row(in_force) if in_force else None,
        "planned": order_row(planned) if planned else None,
    }


def find_absent(rows: Iterable[Mapping[str, Any]]) -> tuple[list[str], bool]:
    """Say in words which sites do not serve, and tell whether none serves.

    The words name a family where the other one serves: `au is failed (v4)`.
    """
    found: list[str] = []
    has_serving = False
    for row in rows:
        keys = [key for key in FAMILY_KEYS.values() if row[key]]
        by_standing: dict[str, list[str]] = {}
        for key in keys:
            by_standing.setdefault(row[key]["standing"], []).append(key)
        has_serving = has_serving or Standing.SERVING.value in by_standing
        for standing, where in by_standing.items():
            if standing != Standing.SERVING.value:
                part = "" if where == keys else f" ({', '.join(where)})"
                found.append(f"{row['name']} is {standing}{part}")
    return found, bool(found) and not has_serving
