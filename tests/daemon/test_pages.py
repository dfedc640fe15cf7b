"""The pages of a real server: they tell what DNS does, and go on when orders move it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families
from running import LOOPBACK, PATIENCE_S, Home, run, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from running import Daemon


@pytest.fixture
def port(free_port: Callable[[], int]) -> int:
    return free_port()


@pytest.fixture
def daemon(tmp_path: Path, free_port: Callable[[], int], port: int) -> Iterator[Daemon]:
    home = Home(tmp_path, free_port(), ssrs=f'http: {{listen: "{LOOPBACK}:{port}"}}\n')
    yield home.serve().wait_for("answering HTTP on")
    home.end()


def fetch(port: int, path: str) -> tuple[int, str]:
    """Give code and body of a page."""
    try:
        with urllib.request.urlopen(
            f"http://{LOOPBACK}:{port}{path}", timeout=PATIENCE_S
        ) as response:
            return int(response.status), response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def sample(port: int, name: str, **labels: str) -> float:
    """Give the value of one sample of the metrics."""
    families = text_string_to_metric_families(fetch(port, "/metrics")[1])
    found = (each for family in families for each in family.samples)
    return next(each.value for each in found if (each.name, each.labels) == (name, labels))


def test_health_is_asked_of_the_workers_and_counted(daemon: Daemon, port: int) -> None:
    with daemon.counting() as moved:
        assert (200, "ok\n") == fetch(port, "/healthz")
    assert (1, 1) == (moved["queries.udp"], moved["responses.NOERROR"])


def test_an_order_shows_in_answers_metrics_and_status(daemon: Daemon, port: int) -> None:
    before = daemon.addresses(subnet="20.5.0.0/24")
    words = ("site", "drain", "au", "--reason", "works", "--yes", "-c", daemon.home.config)
    ordered = run(*words)
    assert (0, "") == (ordered.code, ordered.err)
    wait_until(lambda: daemon.addresses(subnet="20.5.0.0/24") != before)
    assert ["193.173.27.8"] == daemon.addresses(subnet="20.5.0.0/24")
    drained = {"site": "au", "family": "v4", "standing": "drained"}
    assert 1 == sample(port, "sparrow_site_standing", **drained)
    assert 1 == sample(port, "sparrow_site_order", site="au", action="drain")
    status = json.loads(fetch(port, "/status")[1])
    assert "drained" == status["sites"][0]["v4"]["standing"]
    check = run("status", "--check", "-c", daemon.home.config)
    assert (1, True) == (check.code, check.out.startswith("SPARROW WARNING - au is drained; "))
    assert (200, "ok\n") == fetch(port, "/healthz")
    run("site", "auto", "au", "-c", daemon.home.config)
    wait_until(lambda: daemon.addresses(subnet="20.5.0.0/24") == before)


def test_what_moves_is_what_was_simulated(daemon: Daemon) -> None:
    before = daemon.nearest()
    home = daemon.home
    found = json.loads(run("simulate", "--down", "au", "--json", "-c", home.config).out)
    moves = {(move["from"], move["to"]) for move in found["families"][0]["moves"]}
    assert {("au", "nl")} == moves
    assert found["families"][0]["answers"] >= len(before) - 1
    run("site", "down", "au", "--reason", "fire", "--yes", "-c", home.config)
    au, nl = ["210.18.215.100"], ["193.173.27.8"]
    expected = {subnet: nl if was == au else was for subnet, was in before.items()}
    wait_until(lambda: daemon.nearest() == expected, lambda: f"{daemon.nearest()}")
