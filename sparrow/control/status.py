"""What a server says of its state, and whether that is worth waking somebody for.

Law: a status is what the daemon counted and published, nothing computed from
the outside. Start from `build_status`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from sparrow.control.lookup import DEFAULT_SERVICE
from sparrow.control.lore import build_lore_row
from sparrow.control.protocol import problem_to_json
from sparrow.control.sites import (
    Failover,
    FamilyState,
    SiteState,
    build_site_rows,
    find_absent,
    site_families,
)
from sparrow.dns.rrset import soa_serial
from sparrow.policy.sanity import describe_refused
from sparrow.values.address import FAMILIES
from sparrow.values.name import render_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sparrow.dns.zone import Zone
    from sparrow.errors import Problem
    from sparrow.sources.files import LoadedFile
    from sparrow.view import View


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """How the last attempt to reload ended."""

    at_s: float
    """Unix time."""
    problems: tuple[Problem, ...]
    """Why it was refused; empty where it was taken."""


@dataclass(frozen=True, slots=True)
class Process:
    """The server's processes beside what they serve."""

    version: str
    """Version of the program."""
    pid: int
    """The process to send signals to: the keeper, or the daemon where that is dead."""
    daemon_pid: int
    """The daemon."""
    keeper_pid: int | None
    """The keeper; None where it is dead."""
    started_at_s: float
    """Unix time at which the keeper started."""
    config_path: str
    """The configuration."""
    listen: tuple[str, ...]
    """Addresses and ports of DNS."""
    route_port: str | None
    """Address and port of the route port; None where there is none."""
    route_port_counters: Mapping[str, int]
    """What happened at the route port since the start; empty where there is none."""
    last_reload: ReloadReport | None
    """The last attempt; None before the first."""
    plan: tuple[int, float] | None
    """Number of the present generation, and Unix time at which it was made; None without one."""
    workers: tuple[Mapping[str, Any], ...]
    """The workers, as `docs/control.md` has them."""
    state_dir: str | None = None
    """The state directory, where it is known."""
    feeds: tuple[Mapping[str, Any], ...] = ()
    """The live sources of routes, as `docs/control.md` has them."""


_NOTHING_KNOWN = Failover()
"""What is known of the sites before the first view."""


def build_status(
    process: Process,
    view: View | None,
    counters: Mapping[str, Any],
    failover: Failover = _NOTHING_KNOWN,
) -> dict[str, Any]:
    """Give the object that `docs/control.md` describes.

    Without a view nothing has been read yet since the daemon started, and the workers
    serve the plan that was there.
    """
    answers = counters.get("sites", {})
    return {
        "version": process.version,
        "pid": process.pid,
        "keeper_pid": process.keeper_pid,
        "daemon_pid": process.daemon_pid,
        "started_at": process.started_at_s,
        "config": process.config_path,
        "state_dir": process.state_dir,
        "stale": view is None,
        "serial": view.serial if view else 0,
        "published_at": view.published_at_s if view else None,
        "plan": _plan_row(process.plan),
        "reload": _reload_row(process.last_reload),
        "tables": _table_rows(view) if view else None,
        "feeds": [dict(row) for row in process.feeds],
        "lore": build_lore_row(view) if view else None,
        "map": _map_row(view) if view else None,
        "zones": [_zone_row(zone) for zone in view.authority.zones.zones.values()] if view else [],
        "sites": build_site_rows(_with_sites(failover, view), answers),
        "failover": {
            "mode": failover.mode,
            "table": dict(failover.table) if failover.table else None,
            "held": dict(failover.held) if failover.held else None,
            "orders_problem": failover.orders_problem,
            "health_problem": failover.health_problem,
        },
        "journal": dict(failover.journal),
        "notify": dict(failover.notify),
        "listen": list(process.listen),
        "route_port": process.route_port,
        "workers": [dict(row) for row in process.workers],
        "counters": {**counters, "route_port": dict(process.route_port_counters)},
    }


def _plan_row(plan: tuple[int, float] | None) -> dict[str, Any] | None:
    return {"generation": plan[0], "made_at": plan[1]} if plan else None


def _reload_row(report: ReloadReport | None) -> dict[str, Any] | None:
    if report is None:
        return None
    problems = [problem_to_json(problem) for problem in report.problems]
    return {"at": report.at_s, "ok": not problems, "problems": problems}


def _table_rows(view: View) -> dict[str, Any]:
    snapshot = view.tables.snapshot
    return {
        "v4": len(snapshot.v4),
        "v6": len(snapshot.v6),
        "routes": len(snapshot.routes),
        "loaded_at": view.loaded_at_s,
        # Not as configured: while a table is held others may serve.
        "files": [_file_row(file) for file in view.tables.files],
    }


def _file_row(file: LoadedFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "format": file.format.value,
        "view": file.view,
        "v4": file.prefixes_v4,
        "v6": file.prefixes_v6,
        "bytes": file.size,
        "modified_at": file.mtime_s,
        "refused": describe_refused(file.refused),
    }


def _map_row(view: View) -> dict[str, int] | None:
    """Count the intervals of the finest map that the default service has."""
    steering = view.authority.steering
    if steering is None or DEFAULT_SERVICE not in steering.services:
        return None
    maps = [steering.policies[DEFAULT_SERVICE, family].address_map for family in FAMILIES]
    found = [address_map for address_map in maps if address_map]
    if not found:
        return None
    return {
        f"v{family}": max(len(each.of_family(family).starts) for each in found)
        for family in FAMILIES
    }


def _zone_row(zone: Zone) -> dict[str, Any]:
    return {
        "name": render_name(zone.origin),
        "serial": soa_serial(zone.soa),
        "names": len(zone.nodes),
        "steered": sum(node.steer is not None for node in zone.nodes.values()),
    }


def _with_sites(failover: Failover, view: View | None) -> Failover:
    """Have the sites of the view stand as configured where nothing is known of them."""
    if failover.sites or view is None or view.site_set is None:
        return failover
    found = site_families(view.site_set, view.authority.steering)
    well = FamilyState()
    sites = (
        SiteState(name, v4=well if 4 in families else None, v6=well if 6 in families else None)
        for name, families in found.items()
    )
    return replace(failover, sites=tuple(sites))


_TAKE_UP_S = 15.0
"""Seconds after which a worker that has not taken up a plan is stuck, or refuses it. They look
twenty times a second; a reload waits for ten seconds before it says that they are late."""


class Verdict(IntEnum):
    """Exit codes of a monitoring plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def judge_status(status: Mapping[str, Any], now_s: float) -> tuple[Verdict, str]:
    """Give the verdict of a monitoring plugin on a server that answered, and one line.

    The line tells of everything that is wrong, and the verdict is that of the worst. `now_s`
    is Unix time in seconds.
    """
    found = [*_judge_workers(status, now_s)]
    found += [finding for judge in _JUDGES for finding in judge(status)]
    tables = status["tables"]
    if tables is not None:
        size = f"{tables['v4']} IPv4 and {tables['v6']} IPv6 prefixes"
        serving = [f"serving {size}, {len(status['zones'])} zones"]
    else:
        serving = []
    if not found:
        return Verdict.OK, f"{serving[0]}, serial {status['serial']}"
    return max(verdict for verdict, _ in found), "; ".join([*(what for _, what in found), *serving])


def _judge_workers(status: Mapping[str, Any], now_s: float) -> Iterator[tuple[Verdict, str]]:
    """Doubt the workers that answer nothing, and those that have not taken up the plan.

    worker                                          verdict
    none is ready and has a plan                    critical
    some are not ready, or have no plan             warning
    its plan is older than the one of a while ago   warning
    """
    workers, plan = status["workers"], status["plan"]
    silent = [row["name"] for row in workers if not (row["ready"] and row["generation"])]
    if silent:
        verdict = Verdict.CRITICAL if len(silent) == len(workers) else Verdict.WARNING
        yield verdict, f"not seen to answer: {', '.join(silent)}"
    if plan and now_s > plan["made_at"] + _TAKE_UP_S:
        late = [row for row in workers if 0 < row["generation"] < plan["generation"]]
        if late:
            names = ", ".join(row["name"] for row in late)
            yield Verdict.WARNING, f"answering from an old plan: {names}"


def _judge_reading(status: Mapping[str, Any]) -> Iterator[tuple[Verdict, str]]:
    reload = status["reload"]
    if status["stale"]:
        why = "what is configured cannot be served" if reload else "tables are being read"
        served = "serving the last plan" if status["plan"] else "serving nothing yet"
        yield Verdict.WARNING, f"{served}, as {why}"
    elif reload and not reload["ok"]:
        count = len(reload["problems"])
        yield Verdict.WARNING, f"the last reload was refused ({count} problems)"
    if held := status["failover"]["held"]:
        yield Verdict.WARNING, f"a table is held back: {'; '.join(held['reasons'])}"


def _judge_feeds(status: Mapping[str, Any]) -> Iterator[tuple[Verdict, str]]:
    for row in status["feeds"]:
        if row["frozen"]:
            yield (
                Verdict.WARNING,
                f"{row['name']} is frozen: it withdrew {row['withheld']} prefixes",
            )
        if row["stale_since"] is not None:
            why = f" ({row['problem']})" if row["problem"] else ""
            yield Verdict.WARNING, f"{row['name']} is {row['phase']}, its routes are old{why}"


def _judge_sites(status: Mapping[str, Any]) -> Iterator[tuple[Verdict, str]]:
    absent, is_none_left = find_absent(status["sites"])
    if absent:
        verdict = Verdict.CRITICAL if is_none_left else Verdict.WARNING
        yield verdict, ("no site serves: " if is_none_left else "") + ", ".join(absent)
    if problem := status["failover"]["orders_problem"]:
        yield Verdict.WARNING, f"orders cannot be read: {problem}"
    if problem := status["failover"]["health_problem"]:
        yield Verdict.WARNING, f"what checks found cannot be stored: {problem}"


def _judge_processes(status: Mapping[str, Any]) -> Iterator[tuple[Verdict, str]]:
    if status["keeper_pid"] is None:
        yield Verdict.WARNING, "the keeper is dead, `sparrow serve --replace`"
    pure = [row["name"] for row in status["workers"] if row["twin"] == "pure" and row["restarts"]]
    if pure:
        yield Verdict.WARNING, f"on the slow twin after crashes: {', '.join(pure)}"
    if count := status["counters"].get("exceptions"):
        yield Verdict.WARNING, f"{count} queries failed inside"
    if problem := status["journal"]["problem"]:
        yield Verdict.WARNING, f"the journal cannot be written: {problem}"
    if problem := status["notify"].get("problem"):
        yield Verdict.WARNING, f"the last notice failed: {problem}"


_JUDGES: tuple[Callable[[Mapping[str, Any]], Iterator[tuple[Verdict, str]]], ...] = (
    _judge_sites,
    _judge_reading,
    _judge_feeds,
    _judge_processes,
)
"""What is looked at, and in which order it is told."""
