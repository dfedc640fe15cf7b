"""Rows of sites, and what a monitoring system is told of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sparrow.control.sites import (
    CheckState,
    Failover,
    FamilyState,
    SiteState,
    build_site_rows,
    find_absent,
)
from sparrow.control.status import Process, Verdict, build_status, judge_status
from sparrow.policy.orders import Order, Orders, order_row
from sparrow.policy.outcome import Action, Standing

NOW = 1000.0
DRAIN = Order("au", Action.DRAIN, "alice, uid 0", "works", NOW, NOW)
LATER = Order("au", Action.DOWN, "alice, uid 0", "works", NOW, 2000.0)
SERVING = FamilyState()
FAILED = FamilyState(Standing.FAILED, is_up=False, why="tcp 80: refused", transitions=3)
DEGRADED = FamilyState(is_degraded=True, why="12 days left")
BARRED = FamilyState(Standing.BARRED)
DRAINED = FamilyState(Standing.DRAINED)
PROCESS = Process(
    version="1",
    pid=1,
    daemon_pid=2,
    keeper_pid=1,
    started_at_s=NOW,
    config_path="/c.yaml",
    listen=(),
    route_port=None,
    route_port_counters={},
    last_reload=None,
    plan=None,
    workers=(),
)


def failover(*sites: SiteState, **more: Any) -> Failover:
    return replace(Failover(sites=sites, now_s=NOW), **more)


def serving_status(found: Failover) -> dict[str, Any]:
    """Give the status of a server that is well but for what is found."""
    return build_status(PROCESS, None, {}, found) | {
        "stale": False,
        "tables": {"v4": 5, "v6": 2},
        "serial": 7,
    }


def test_a_row_has_the_state_of_each_family_the_orders_and_the_checks() -> None:
    check = CheckState("tcp 80 at 192.0.2.1", "down", is_degraded=False, words="refused", took_s=1)
    found = failover(SiteState("au", SERVING, FAILED, (check,)), orders=Orders((DRAIN, LATER)))
    serving = {"standing": "serving", "health": "up", "why": "", "transitions": 0}
    failed = {"standing": "failed", "health": "down", "why": "tcp 80: refused", "transitions": 3}
    assert [
        {
            "name": "au",
            "configured": True,
            "answers": 12,
            "v4": serving,
            "v6": failed,
            "order": order_row(DRAIN),
            "planned": order_row(LATER),
            "checks": [
                {
                    "label": "tcp 80 at 192.0.2.1",
                    "verdict": "down",
                    "degraded": False,
                    "words": "refused",
                    "took_s": 1,
                }
            ],
        }
    ] == build_site_rows(found, {"au": 12})


def test_an_order_of_a_site_that_is_not_configured_has_a_row() -> None:
    rows = build_site_rows(failover(SiteState("nl", SERVING), orders=Orders((DRAIN,))), {})
    assert [("nl", True, None), ("au", False, order_row(DRAIN))] == [
        (row["name"], row["configured"], row["order"]) for row in rows
    ]


@pytest.mark.parametrize(
    ("v4", "v6", "words"),
    [
        (SERVING, SERVING, []),
        (DEGRADED, None, []),
        (FAILED, None, ["au is failed"]),
        (FAILED, FAILED, ["au is failed"]),
        (FAILED, SERVING, ["au is failed (v4)"]),
        (SERVING, BARRED, ["au is down by order (v6)"]),
        (FAILED, DRAINED, ["au is failed (v4)", "au is drained (v6)"]),
    ],
)
def test_what_is_absent_is_named_by_family_where_they_differ(
    v4: FamilyState, v6: FamilyState | None, words: list[str]
) -> None:
    rows = build_site_rows(failover(SiteState("au", v4, v6), SiteState("nl", SERVING)), {})
    assert (words, False) == find_absent(rows)


JUDGED: dict[str, tuple[Failover, Verdict, str]] = {
    "all serve": (failover(SiteState("au", SERVING), SiteState("nl", DEGRADED)), Verdict.OK, ""),
    "one failed": (
        failover(SiteState("au", FAILED), SiteState("nl", SERVING)),
        Verdict.WARNING,
        "au is failed; ",
    ),
    "one drained": (
        failover(SiteState("au", DRAINED), SiteState("nl", SERVING)),
        Verdict.WARNING,
        "au is drained; ",
    ),
    "all are away": (
        failover(SiteState("au", FAILED), SiteState("nl", BARRED)),
        Verdict.CRITICAL,
        "no site serves: au is failed, nl is down by order; ",
    ),
    "one family serves": (
        failover(SiteState("au", FAILED, SERVING)),
        Verdict.WARNING,
        "au is failed (v4); ",
    ),
    "no sites": (failover(), Verdict.OK, ""),
    "a held table": (
        failover(held={"reasons": ["shrinks by 40%", "a canary moved"]}),
        Verdict.WARNING,
        "a table is held back: shrinks by 40%; a canary moved; ",
    ),
    "orders that cannot be read": (
        failover(orders_problem="orders.json: damaged"),
        Verdict.WARNING,
        "orders cannot be read: orders.json: damaged; ",
    ),
    "verdicts that cannot be stored": (
        failover(health_problem="No space left on device"),
        Verdict.WARNING,
        "what checks found cannot be stored: No space left on device; ",
    ),
    "a notice that failed": (
        failover(notify={"told": 7, "failed": 1, "problem": "/bin/tell ended with 2"}),
        Verdict.WARNING,
        "the last notice failed: /bin/tell ended with 2; ",
    ),
    "a notice that failed in the past": (
        failover(notify={"told": 7, "failed": 1, "problem": None}),
        Verdict.OK,
        "",
    ),
    "a full disk": (
        failover(journal={"failures": 2, "problem": "No space left on device"}),
        Verdict.WARNING,
        "the journal cannot be written: No space left on device; ",
    ),
    "entries lost in the past": (
        failover(journal={"failures": 2, "problem": None}),
        Verdict.OK,
        "",
    ),
    "much at once": (
        failover(SiteState("au", FAILED), held={"reasons": ["it shrinks"]}),
        Verdict.CRITICAL,
        "no site serves: au is failed; a table is held back: it shrinks; ",
    ),
}


@pytest.mark.parametrize("case", JUDGED)
def test_a_monitoring_system_is_told_of_the_worst_and_of_all(case: str) -> None:
    found, verdict, words = JUDGED[case]
    tail = ", serial 7" if verdict is Verdict.OK else ""
    assert (verdict, f"{words}serving 5 IPv4 and 2 IPv6 prefixes, 0 zones{tail}") == judge_status(
        serving_status(found), NOW
    )


def worker(name: str, generation: int = 9, *, ready: bool = True) -> dict[str, Any]:
    return {
        "name": name,
        "ready": ready,
        "generation": generation,
        "restarts": 0,
        "twin": "native",
    }


@pytest.mark.parametrize(
    ("plan", "served"),
    [(None, "serving nothing yet"), (7, "serving the last plan")],
)
def test_a_monitoring_system_is_told_what_serves_while_tables_are_read(
    plan: int | None, served: str
) -> None:
    status = build_status(PROCESS, None, {}, failover())
    status["plan"] = plan and {"generation": plan, "made_at": NOW}
    expected = Verdict.WARNING, f"{served}, as tables are being read"
    assert expected == judge_status(status, NOW)


LONG_AFTER = NOW + 3600
WORKERS = {
    "all serve the plan": ((worker("udp-0"), worker("tcp")), LONG_AFTER, Verdict.OK, ""),
    "one took up a later plan meanwhile": ((worker("udp-0", 10),), LONG_AFTER, Verdict.OK, ""),
    "one has no plan": (
        (worker("udp-0"), worker("udp-1", 0), worker("tcp")),
        LONG_AFTER,
        Verdict.WARNING,
        "not seen to answer: udp-1; ",
    ),
    "one is dead": (
        (worker("udp-0", 0, ready=False), worker("udp-1")),
        LONG_AFTER,
        Verdict.WARNING,
        "not seen to answer: udp-0; ",
    ),
    "none has a plan": (
        (worker("udp-0", 0), worker("tcp", 0)),
        LONG_AFTER,
        Verdict.CRITICAL,
        "not seen to answer: udp-0, tcp; ",
    ),
    "one stands still": (
        (worker("udp-0", 8), worker("udp-1"), worker("tcp")),
        LONG_AFTER,
        Verdict.WARNING,
        "answering from an old plan: udp-0; ",
    ),
    "the plan is of this moment": ((worker("udp-0", 8),), NOW + 1, Verdict.OK, ""),
}


@pytest.mark.parametrize("case", WORKERS)
def test_a_monitoring_system_is_told_of_workers_that_do_not_serve_the_plan(case: str) -> None:
    workers, now_s, verdict, words = WORKERS[case]
    status = serving_status(failover()) | {
        "workers": list(workers),
        "plan": {"generation": 9, "made_at": NOW},
    }
    tail = ", serial 7" if verdict is Verdict.OK else ""
    assert (verdict, f"{words}serving 5 IPv4 and 2 IPv6 prefixes, 0 zones{tail}") == judge_status(
        status, now_s
    )
