"""Metrics: read by Prometheus's own parser, true to the status, documented, and few."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from running import Home

from sparrow.control.measures import METRICS
from sparrow.control.metrics import render_metrics
from sparrow.control.sites import CheckState, Failover, FamilyState, SiteState
from sparrow.control.status import Process, build_status
from sparrow.policy.orders import Order, Orders
from sparrow.policy.outcome import Action, Standing

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
WORKER = {
    "name": "udp-0",
    "pid": 3,
    "ready": True,
    "restarts": 1,
    "twin": "native",
    "generation": 9,
    "refused_plans": 0,
    "queries": 70,
    "misses": 7,
    "ring_drops": 0,
    "sockets": [
        {"endpoint": "127.0.0.1:53", "receive_buffer": 1, "drops": 2},
        {"endpoint": "[::1]:53", "receive_buffer": 1, "drops": 3},
    ],
}
COUNTERS: dict[str, Any] = {
    "queries": {"udp": 70, "tcp": 5},
    "silent": 1,
    "responses": {"NOERROR": 60, "NXDOMAIN": 14},
    "truncated": 2,
    "ecs": 30,
    "misses": 7,
    "ring_drops": 0,
    "socket_drops": 5,
    "exceptions": 0,
    "sites": {"au": 20, "nl": 30},
    "services": {"default": 50},
    "receive_errors": 0,
    "send_errors": 0,
    "pdns_requests": 6,
    "connections": {"open": 1, "accepted": 5, "refused": 0},
}
FAILED = FamilyState(Standing.FAILED, is_up=False, why="refused", transitions=3)
FAILOVER = Failover(
    sites=(
        SiteState(
            "au",
            FamilyState(is_degraded=True),
            FAILED,
            (
                CheckState('tcp "80"\\', "down", is_degraded=False, words="refused", took_s=0.25),
                CheckState("http /", "up", is_degraded=True, words="12 days", took_s=None),
            ),
        ),
        SiteState("nl", FamilyState()),
    ),
    orders=Orders(
        (
            Order("nl", Action.DRAIN, "alice", "works", 100, 100),
            Order("nl", Action.DOWN, "alice", "works", 100, 5000.5),
        )
    ),
    now_s=1000.0,
    mode="au+nl",
    held={"reasons": ["it shrinks"]},
    journal={"failures": 4, "problem": "No space left on device"},
    notify={"told": 8, "dropped": 1, "failed": 2, "waiting": 3, "problem": "it failed"},
)


def make_status(*workers: dict[str, Any]) -> dict[str, Any]:
    process = Process(
        version="1.2",
        pid=1,
        daemon_pid=2,
        keeper_pid=1,
        started_at_s=100.5,
        config_path="/c.yaml",
        listen=("127.0.0.1:53",),
        route_port=None,
        route_port_counters={"open": 1, "logins": 6},
        last_reload=None,
        plan=(9, 200.25),
        workers=workers or (WORKER,),
    )
    return build_status(process, None, COUNTERS, FAILOVER)


def samples(status: dict[str, Any]) -> dict[str, float]:
    """Give values by how a sample is written, as Prometheus's parser reads it."""
    text = render_metrics(status).decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            key = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert key not in found
            found[key] = sample.value
    return found


EXPECTED = {
    "sparrow_info{version=1.2}": 1,
    "sparrow_start_time_seconds": 100.5,
    "sparrow_keeper_up": 1,
    "sparrow_stale": 1,
    "sparrow_plan_generation": 9,
    "sparrow_plan_made_time_seconds": 200.25,
    "sparrow_queries_total{transport=udp}": 70,
    "sparrow_responses_total{rcode=NXDOMAIN}": 14,
    "sparrow_misses_total": 7,
    "sparrow_socket_drops_total": 5,
    "sparrow_site_answers_total{site=nl}": 30,
    "sparrow_service_answers_total{service=default}": 50,
    "sparrow_tcp_connections": 1,
    "sparrow_tcp_connections_total{event=accepted}": 5,
    "sparrow_route_port_sessions": 1,
    "sparrow_route_port_total{event=logins}": 6,
    "sparrow_worker_ready{worker=udp-0}": 1,
    "sparrow_worker_restarts_total{worker=udp-0}": 1,
    "sparrow_worker_socket_drops_total{worker=udp-0}": 5,
    "sparrow_site_up{family=v4,site=au}": 1,
    "sparrow_site_up{family=v6,site=au}": 0,
    "sparrow_site_degraded{family=v4,site=au}": 1,
    "sparrow_site_standing{family=v6,site=au,standing=failed}": 1,
    "sparrow_site_standing{family=v6,site=au,standing=serving}": 0,
    "sparrow_site_transitions_total{family=v6,site=au}": 3,
    "sparrow_site_order{action=drain,site=nl}": 1,
    "sparrow_site_order{action=auto,site=nl}": 0,
    "sparrow_site_order{action=auto,site=au}": 1,
    "sparrow_site_planned_time_seconds{site=nl}": 5000.5,
    'sparrow_check_up{check=tcp "80"\\,site=au}': 0,
    'sparrow_check_duration_seconds{check=tcp "80"\\,site=au}': 0.25,
    "sparrow_check_degraded{check=http /,site=au}": 1,
    "sparrow_failover_mode{mode=au+nl}": 1,
    "sparrow_table_held": 1,
    "sparrow_orders_readable": 1,
    "sparrow_journal_failures_total": 4,
    "sparrow_journal_writable": 0,
    "sparrow_notices_total{event=dropped}": 1,
    "sparrow_notices_waiting": 3,
}


def test_metrics_say_what_the_status_says() -> None:
    found = samples(make_status())
    assert EXPECTED == {key: found.get(key) for key in EXPECTED}


def test_what_is_not_known_or_not_there_has_no_sample() -> None:
    found = samples(make_status())
    absent = (
        "sparrow_table_routes",
        "sparrow_reload_success",
        "sparrow_site_up{family=v6,site=nl}",
        "sparrow_check_duration_seconds{check=http /,site=au}",
        "sparrow_site_planned_time_seconds{site=au}",
        "sparrow_notices_total{event=waiting}",
    )
    assert [] == [key for key in absent if key in found]


def test_views_overrides_and_what_is_held_are_measured() -> None:
    held = {"stretches": 2, "v4": 256, "v6": 1, "oldest": 7.0}
    lore = {"stale_views": ["nl"], "overrides": [{}, {}], "held": held}
    found = samples(make_status() | {"lore": lore})
    expected = {
        "sparrow_view_stale{site=nl}": 1,
        "sparrow_overrides": 2,
        "sparrow_held_stretches": 2,
        "sparrow_held_addresses{family=v4}": 256,
        "sparrow_held_addresses{family=v6}": 1,
    }
    assert expected == {key: found.get(key) for key in expected}
    without = samples(make_status() | {"lore": lore | {"held": None, "stale_views": []}})
    assert {"sparrow_overrides"} == without.keys() & {*expected, "sparrow_view_stale{site=nl}"}


def test_two_workers_of_a_name_are_one_while_a_server_takes_the_place_of_another() -> None:
    leaving = WORKER | {"generation": 8, "restarts": None, "queries": 1000}
    found = samples(make_status(WORKER, leaving))
    assert (9, 1070, 1) == (
        found["sparrow_worker_generation{worker=udp-0}"],
        found["sparrow_worker_queries_total{worker=udp-0}"],
        found["sparrow_worker_restarts_total{worker=udp-0}"],
    )


def test_the_metrics_of_a_real_server_are_read_and_have_all_that_is_declared(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    home = Home(tmp_path, free_port())
    daemon = home.serve()
    daemon.nearest()
    daemon.command("reload")
    try:
        status = daemon.status()
    finally:
        home.end()
    found = samples(status)
    names = {re.sub(r"\{.*", "", key) for key in found}
    assert status["counters"]["sites"]["au"] == found["sparrow_site_answers_total{site=au}"] > 0
    assert (5, 2) == tuple(found[f"sparrow_table_prefixes{{family={key}}}"] for key in ("v4", "v6"))
    words = "check|failover_mode|feed|held|notices|route_port|site_planned|table_file_refused|view"
    optional = re.compile(rf"sparrow_({words})")
    assert set() == {m.name for m in METRICS if not optional.match(m.name)} - names


def test_every_metric_is_documented_with_its_labels() -> None:
    rows = re.findall(r"^\| `(sparrow_\w+)` \| (.*?) \|", DOCS.read_text("utf-8"), re.MULTILINE)
    documented = {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    assert {metric.name: metric.labels for metric in METRICS} == documented


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_name_follows_the_rules_of_prometheus(metric: Any) -> None:
    assert re.fullmatch(r"sparrow_[a-z0-9_]+", metric.name)
    assert metric.text.endswith(".")
