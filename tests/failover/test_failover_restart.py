"""What is known of sites outlives the daemon, and what nobody has looked at is not "down"."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from typing import TYPE_CHECKING

import pytest
from failsites import AU, INTERVAL_S, UP, US, Sampler, order, standings
from running import wait_until

if TYPE_CHECKING:
    from failsites import Ground
    from running import Daemon

PAUSE_S = 10.0
"""Seconds for which the daemon stands still."""
DISK_S = 0.2
"""Seconds that the disk may take."""
ONE_ROUND = "checks: {interval: 1h, timeout: 20s}\n"
"""Times by which a check is made once while a test runs."""


def kill_daemon(ground: Ground) -> None:
    """Kill the process that knows, and wait until another has read and published everything."""
    before = ground.find_daemon()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: ground.find_daemon() not in (None, before))


def verdict(daemon: Daemon) -> str:
    """Give what the one check of au says."""
    (row,) = next(each["checks"] for each in daemon.status()["sites"] if each["name"] == "au")
    return str(row["verdict"])


def await_memory(ground: Ground, site: str) -> None:
    """Wait until it is on disk that a site is down."""
    path = ground.state_dir / "health.json"

    def is_there() -> bool:
        return path.exists() and not json.loads(path.read_text())["sites"][site]["v4"]["up"]

    wait_until(is_there)


def fail_au(ground: Ground, client: Sampler) -> None:
    """Have au's web server end, and wait until its clients are elsewhere."""
    failed_s = time.monotonic()
    ground.webs["au"].kill()
    client.await_answer(US, since_s=failed_s)
    await_memory(ground, "au")


def test_a_failed_site_stays_failed_while_the_daemon_is_killed_and_replaced(
    ground: Ground,
) -> None:
    daemon = ground.watch_web("au").home.serve()
    with Sampler(daemon.port) as client:
        fail_au(ground, client)
        for _ in range(3):
            kill_daemon(ground)
            assert "failed" == standings(daemon)["au"]
        client.await_more(1000)
    assert [AU, US] == client.addresses()
    assert 0 == client.lost
    assert [("au", "serving", "failed")] == ground.moves()
    assert 3 == ground.daemon_post()["restarts"]


def test_a_failed_site_stays_failed_when_the_daemon_is_killed_right_after_its_verdict(
    ground: Ground,
) -> None:
    daemon = ground.watch_web("au").home.serve()
    with Sampler(daemon.port) as client:
        failed_s = time.monotonic()
        ground.webs["au"].kill()
        client.await_answer(US, since_s=failed_s)
        time.sleep(DISK_S)
        kill_daemon(ground)
        client.await_more(1000)
    assert [AU, US] == client.addresses()


@pytest.mark.parametrize("is_rebooted", [False, True], ids=["run directory kept", "lost"])
def test_a_failed_site_is_still_failed_when_the_server_starts_again(
    ground: Ground, *, is_rebooted: bool
) -> None:
    daemon = ground.watch_web("au").home.serve()
    with Sampler(daemon.port) as client:
        fail_au(ground, client)
        ended_s = time.monotonic()
        assert 0 == daemon.stop()
        if is_rebooted:
            shutil.rmtree(ground.home.run_dir)
        daemon = ground.home.serve()
        assert US == client.last.addresses
        ground.webs["au"].revive()
        returned_s = time.monotonic()
        back_s = client.await_answer(AU, since_s=returned_s) - returned_s
        assert {None, US, AU} >= set(client.addresses(ended_s))
    assert [AU, US, AU] == client.answers
    assert back_s >= (UP - 1.5) * INTERVAL_S  # no sooner than after so many successes
    assert [("au", "serving", "failed"), ("au", "failed", "serving")] == ground.moves()


def test_a_site_that_was_never_looked_at_is_not_down(ground: Ground) -> None:
    ground.checks = ONE_ROUND
    ground.watch_web("au")
    ground.webs["au"].stop()  # its check will be waiting for an answer
    daemon = ground.home.serve()
    with Sampler(daemon.port) as client:
        client.await_more(1000)
        assert "unknown" == verdict(daemon)
        ground.webs["au"].resume()
        wait_until(lambda: verdict(daemon) == "up")
        client.await_more(500)
    assert [AU] == client.addresses()
    assert [] == ground.moves()


def test_the_first_look_decides_where_nothing_was_known(ground: Ground) -> None:
    ground.checks = ONE_ROUND
    ground.watch_web("au")
    ground.webs["au"].kill()
    daemon = ground.home.serve()
    with Sampler(daemon.port) as client:
        client.await_answer(US)
        client.await_more(500)
    assert US == client.last.addresses
    assert "failed" == standings(daemon)["au"]
    assert [("au", "serving", "failed")] == ground.moves()


def test_a_damaged_memory_is_no_reason_to_leave_a_site_out(ground: Ground) -> None:
    ground.checks = ONE_ROUND
    ground.watch_web("au")
    ground.state_dir.mkdir()
    ground.state_dir.joinpath("health.json").write_text('{"version": 1, "sites": {"au": {"v4": {')
    ground.webs["au"].stop()
    daemon = ground.home.serve()
    with Sampler(daemon.port) as client:
        client.await_more(500)
    assert [AU] == client.addresses()
    assert {"au": "serving", "nl": "serving", "us": "serving"} == standings(daemon)


def test_a_daemon_that_stood_still_takes_nobody_for_down(ground: Ground) -> None:
    daemon = ground.watch_web("au", "us").home.serve()
    before = daemon.status()
    with Sampler(daemon.port) as client:
        ground.webs["au"].await_request()
        os.kill(before["daemon_pid"], signal.SIGSTOP)
        stopped_s = time.monotonic()
        time.sleep(PAUSE_S)
        asked = client.count
        os.kill(before["daemon_pid"], signal.SIGCONT)
        ground.webs["au"].await_request()
        wait_until(lambda: "stood still" in daemon.log(), daemon.log)
        for _ in range(3):
            ground.webs["au"].await_request()
        after = daemon.status()
    assert [AU] == client.addresses()
    assert 0 == client.lost
    assert asked >= 100 * PAUSE_S  # answers went on, many a second
    assert client.last.first_s < stopped_s
    keys = ("pid", "daemon_pid", "keeper_pid")
    assert [before[key] for key in keys] == [after[key] for key in keys]
    assert [row["pid"] for row in before["workers"]] == [row["pid"] for row in after["workers"]]
    assert [] == ground.moves()


def test_a_site_that_ended_while_the_daemon_stood_still_is_found_out_at_once(
    ground: Ground,
) -> None:
    ground.checks = "checks: {interval: 1s, timeout: 400ms, down_thresh: 255}\n"
    daemon = ground.watch_web("au").home.serve()
    with Sampler(daemon.port) as client:
        ground.webs["au"].await_request()
        pid = daemon.status()["daemon_pid"]
        os.kill(pid, signal.SIGSTOP)
        ground.webs["au"].kill()
        time.sleep(PAUSE_S / 2)
        os.kill(pid, signal.SIGCONT)
        client.await_answer(US)
    assert [AU, US] == client.addresses()
    assert [("au", "serving", "failed")] == ground.moves()


def test_orders_outlive_the_daemon_and_the_server(ground: Ground) -> None:
    daemon = ground.watch_files("au").home.serve()
    with Sampler(daemon.port) as client:
        order(daemon, "down", "au")
        client.await_answer(US)
        ordered_s = time.monotonic()
        kill_daemon(ground)
        assert "down by order" == standings(daemon)["au"]
        for pid in ground.home.pids():
            os.kill(pid, signal.SIGKILL)
        daemon.process.wait()
        daemon = ground.home.serve()
        client.await_more(500)
        assert {US, None} >= set(client.addresses(ordered_s))
        assert US == client.last.addresses
        order(daemon, "auto", "au")
        client.await_answer(AU, since_s=ordered_s)
    assert [("au", "serving", "down by order"), ("au", "down by order", "serving")] == (
        ground.moves()
    )
