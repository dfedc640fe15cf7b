"""The whole server, its processes killed and replaced while clients ask."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from keptserver import Load, is_alive, wait_for
from running import NAME, NEAREST, TABLE, Home, Talk, make_query, run, wait_until

from sparrow.client import Connection
from sparrow.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon

WIRE = make_query(NAME, "A", "20.5.0.0/24").to_wire()
OTHER_TABLE = TABLE.replace("20.0.0.0/8 64600", "20.0.0.0/8 64602")


@pytest.fixture
def site(home: Path, free_port: Callable[[], int]) -> Iterator[Home]:
    """A configuration with two workers; whoever serves it at the end is stopped."""
    site = Home(home, free_port(), server=", workers: 2")
    yield site
    site.end()


def load(site: Home, rate: int = 1000) -> Load:
    return Load(site.port, lambda number: number.to_bytes(2, "big")[-2:] + WIRE[2:], rate)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not is_alive(pid), "a death")


def worker(daemon: Daemon, name: str) -> dict[str, Any]:
    return next(row for row in daemon.status()["workers"] if row["name"] == name)


def find_status(daemon: Daemon) -> dict[str, Any] | None:
    """Give the status; None while there is no daemon to ask."""
    try:
        with Connection(str(daemon.home.run_dir)) as connection:
            return dict(connection.ask("status"))
    except UnavailableError:
        return None


def test_status_tells_of_every_process(site: Home) -> None:
    daemon = site.serve()
    assert NEAREST == daemon.nearest()
    status = daemon.status()
    assert (daemon.pid, daemon.pid, False) == (
        status["pid"],
        status["keeper_pid"],
        status["stale"],
    )
    assert (
        len({status["pid"], status["daemon_pid"], *(row["pid"] for row in status["workers"])}) == 5
    )
    assert [("udp-0", 0, 1), ("udp-1", 0, 1), ("tcp", 0, 1)] == [
        (row["name"], row["restarts"], row["generation"]) for row in status["workers"]
    ]
    assert 1 == status["plan"]["generation"]
    sockets = [socket for row in status["workers"] for socket in row["sockets"]]
    assert [f"127.0.0.1:{site.port}"] * 2 == [socket["endpoint"] for socket in sockets]
    assert [0, 0] == [socket["drops"] for socket in sockets]
    assert all(socket["receive_buffer"] >= 2**16 for socket in sockets)
    assert 7 == sum(row["queries"] for row in status["workers"])
    shown = run("status", "-c", site.config).out
    assert "plan generation 1, made " in shown
    assert "udp-1" in shown


def test_an_odd_query_is_a_miss_and_answered_by_the_full_algorithm(site: Home) -> None:
    daemon = site.serve()
    query = make_query("version.bind", "TXT")
    query.question[0].rdclass = 3
    with daemon.counting() as moved:
        assert "REFUSED" == daemon.query(query).rcode().name
    assert {"queries.udp": 1, "misses": 1, "responses.REFUSED": 1} == moved


def test_a_dead_daemon_is_missed_by_no_client_and_its_successor_publishes(site: Home) -> None:
    daemon = site.serve()
    with load(site) as clients:
        for times in range(1, 4):
            before = daemon.status()
            kill(before["daemon_pid"])
            after = wait_for(
                lambda before=before: (
                    (found := find_status(daemon))
                    and found["daemon_pid"] != before["daemon_pid"]
                    and not found["stale"]
                    and found
                ),
                "a daemon that has published",
            )
            assert times + 1 == after["plan"]["generation"]
    assert 0 == clients.lost
    assert 1 == len(clients.answers)
    assert clients.sent == daemon.status()["counters"]["queries"]["udp"]


def test_counters_go_on_over_deaths_and_reloads(site: Home) -> None:
    daemon = site.serve()
    daemon.nearest()
    site.write("table.routes", OTHER_TABLE)
    assert daemon.command("reload")["ok"]
    daemon.nearest()
    for name in ("udp-0", "udp-1"):
        kill(worker(daemon, name)["pid"])
        wait_for(lambda name=name: worker(daemon, name)["generation"], f"{name} again")
    daemon.nearest()
    counters = daemon.status()["counters"]
    assert (21, {"default": 21}) == (counters["queries"]["udp"], counters["services"])
    assert 21 == sum(counters["sites"].values())
    daemon.stop()
    assert 21 == site.serve().status()["counters"]["queries"]["udp"]


def test_a_dead_worker_is_replaced_and_loses_no_more_than_it_held(site: Home) -> None:
    daemon = site.serve()
    before = worker(daemon, "udp-0")
    with load(site) as clients:
        kill(before["pid"])
        after = wait_for(
            lambda: (
                (row := worker(daemon, "udp-0"))["pid"] != before["pid"] and row["ready"] and row
            ),
            "another worker",
        )
    assert (1, "native") == (after["restarts"], after["twin"])
    assert clients.lost <= 64
    assert 1 == len(clients.answers)


def test_a_worker_that_dies_three_times_serves_the_same_on_the_pure_twin(site: Home) -> None:
    site.configure(server=", workers: 1")
    daemon = site.serve()
    for restarts in range(1, 4):
        kill(worker(daemon, "udp-0")["pid"])
        wait_for(
            lambda restarts=restarts: (
                (row := worker(daemon, "udp-0"))["ready"] and row["restarts"] == restarts
            ),
            "another worker",
        )
    assert NEAREST == daemon.nearest()
    assert "pure" == worker(daemon, "udp-0")["twin"]
    assert (1, True) == (
        (outcome := run("status", "--check", "-c", site.config)).code,
        "on the slow twin after crashes: udp-0" in outcome.out,
    )


def test_replacing_under_load_loses_nothing_five_times(site: Home) -> None:
    daemon = site.serve()
    with load(site) as clients:
        for _ in range(5):
            successor = site.serve("--replace")
            assert 0 == daemon.process.wait(60)
            daemon = successor
    assert 0 == clients.lost
    assert 1 == len(clients.answers)
    status = daemon.status()
    assert (daemon.pid, 3) == (status["pid"], len(status["workers"]))
    assert clients.sent == status["counters"]["queries"]["udp"]
    assert "serving serial 1" in run("status", "-c", site.config).out


def test_a_successor_takes_up_what_needs_a_restart(site: Home, free_port: Any) -> None:
    first = site.serve()
    port = free_port()
    site.configure(server=", workers: 3", ssrs=f'ssrs: {{listen: "127.0.0.1:{port}"}}\n')
    second = site.serve("--replace")
    assert 0 == first.process.wait(60)
    status = second.status()
    assert (4, f"127.0.0.1:{port}") == (len(status["workers"]), status["route_port"])
    assert NEAREST == second.nearest()


def test_a_successor_with_a_bad_table_leaves_the_old_server_whole(site: Home) -> None:
    daemon = site.serve()
    site.write("table.routes", "x 1\n")
    with load(site) as clients:
        failed = site.begin("--replace")
        assert 2 == failed.process.wait(60)
    assert f"{site.path}/table.routes:1: " in failed.log()
    assert 0 == clients.lost
    assert (daemon.pid, 1) == (daemon.status()["pid"], daemon.status()["plan"]["generation"])
    site.write("table.routes", OTHER_TABLE)
    assert daemon.command("reload")["ok"]


def test_a_signal_upgrades_too(site: Home) -> None:
    daemon = site.serve()
    with load(site) as clients:
        daemon.send(signal.SIGUSR2)
        assert 0 == daemon.process.wait(60)
    assert 0 == clients.lost
    pid = wait_for(lambda: (found := find_status(daemon)) and found["keeper_pid"], "a status")
    assert daemon.pid != pid
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not site.pids(), "the end of the successor")


def test_without_keeper_and_daemon_the_workers_go_on_and_hand_over(site: Home) -> None:
    first = site.serve()
    status = first.status()
    with load(site) as clients:
        kill(status["daemon_pid"])
        first.kill()
        wait_for(lambda: len(site.pids()) in (3, 4), "the death of the keeper")
        assert ["210.18.215.100"] == first.addresses()
        second = site.serve("--replace")
        wait_for(lambda: len(site.pids()) == 5, "the end of the old workers")
    assert 0 == clients.lost
    assert 1 == len(clients.answers)
    assert second.pid == second.status()["keeper_pid"]


def was_in_reserve(pid: int) -> bool:
    """Tell whether a process was started before there was a charge for it."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[-3].isdigit()


def test_what_the_first_answer_depends_on_is_started_before_there_is_a_charge(site: Home) -> None:
    daemon = site.serve()
    assert was_in_reserve(daemon.status()["daemon_pid"])
    assert [False] * 3 == [was_in_reserve(row["pid"]) for row in daemon.status()["workers"]]
    assert 0 == daemon.stop()
    daemon = site.serve()
    assert NEAREST == daemon.nearest()
    assert not was_in_reserve(daemon.status()["daemon_pid"])
    found = {row["name"]: was_in_reserve(row["pid"]) for row in daemon.status()["workers"]}
    assert {"udp-0": True, "udp-1": False, "tcp": False} == found


def test_a_worker_that_nobody_wants_is_not_kept_in_reserve(
    site: Home, free_port: Callable[[], int]
) -> None:
    site.configure(zones="", ssrs=f'ssrs: {{listen: "127.0.0.1:{free_port()}"}}\n')
    for _ in range(2):
        daemon = site.serve()
        assert {daemon.pid, daemon.status()["daemon_pid"]} == set(site.pids())
        assert 0 == daemon.stop()


def test_the_last_plan_is_served_at_once_and_is_stale_until_all_is_read(site: Home) -> None:
    assert 0 == site.serve().stop()
    site.write("www.zone", "$TTL 600\n$GENERATE 1-20000 h$ A 192.0.2.1\n")  # takes some seconds
    site.write("table.routes", OTHER_TABLE)
    daemon = site.begin().wait_for("listening on")
    assert ["210.18.215.100"] == daemon.addresses()
    status = wait_for(lambda: find_status(daemon), "a status")
    assert (True, 0, None) == (status["stale"], status["serial"], status["tables"])
    assert 1 == status["plan"]["generation"]
    daemon.wait_for("ready, serial 1")
    status = daemon.status()
    assert (False, 1, 2) == (status["stale"], status["serial"], status["plan"]["generation"])
    assert ["198.51.100.1", "198.51.100.2"] == daemon.addresses()


def test_a_daemon_that_dies_into_a_bad_configuration_stays_and_says_so(site: Home) -> None:
    daemon = site.serve()
    good = (site.path / "table.routes").read_bytes()
    site.write("table.routes", "x 1\n")
    kill(daemon.status()["daemon_pid"])
    status = wait_for(
        lambda: (found := find_status(daemon)) and found["reload"] and found, "a refusal"
    )
    assert (True, False) == (status["stale"], status["reload"]["ok"])
    assert NEAREST == daemon.nearest()
    assert "STALE" in run("status", "-c", site.config).out
    outcome = run("status", "--check", "-c", site.config)
    what = "SPARROW WARNING - serving the last plan, as what is configured cannot be served\n"
    assert (1, what) == (outcome.code, outcome.out)
    with Talk(site.run_dir / "control.sock") as talk:
        refusal = talk.ask({"version": 1, "command": "lookup", "addresses": ["20.0.0.1"]})
    assert "the configuration is refused" in refusal["problems"][0]["what"]
    site.write("table.routes", good)
    assert 1 == daemon.command("reload")["result"]["serial"]
    assert not daemon.status()["stale"]


@pytest.fixture
def small_disk(site: Home) -> Iterator[Callable[[], Path]]:
    """A run directory of a few MiB; gives a function that fills it, and gives what to remove."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a small file system")
    site.run_dir.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(site.run_dir)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount")

    def fill() -> Path:
        filler = site.run_dir / "counters" / ".filler"
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(site.run_dir).free - 65536)
        return filler

    yield fill
    for pid in site.pids():
        os.kill(pid, signal.SIGKILL)
    subprocess.run(["umount", "-l", str(site.run_dir)], check=True)


def test_a_reload_that_cannot_be_written_changes_nothing(
    site: Home, small_disk: Callable[[], Path]
) -> None:
    daemon = site.serve()
    filler = small_disk()
    site.write("table.routes", OTHER_TABLE)
    refusal = daemon.command("reload")
    assert "No space left on device" in refusal["problems"][0]["what"]
    assert (NEAREST, 1) == (daemon.nearest(), daemon.status()["serial"])
    kill(worker(daemon, "udp-0")["pid"])
    assert NEAREST == daemon.nearest()
    filler.unlink()  # from now on the table that was refused is served without being asked for
    wait_until(lambda: daemon.status()["serial"] == 2, daemon.log)
    assert daemon.command("reload")["ok"]
    assert 0 == daemon.stop()


def test_a_start_without_room_serves_the_last_plan_until_there_is_some(
    site: Home, small_disk: Callable[[], Path]
) -> None:
    assert 0 == site.serve().stop()
    filler = small_disk()
    site.write("table.routes", OTHER_TABLE)
    daemon = site.begin().wait_for("ready, with the last plan")
    status = daemon.status()
    assert (True, False, NEAREST) == (status["stale"], status["reload"]["ok"], daemon.nearest())
    filler.unlink()
    wait_until(lambda: not daemon.status()["stale"], daemon.log)
    assert ["198.51.100.1", "198.51.100.2"] == daemon.addresses(subnet="20.200.0.0/16")
    assert 0 == daemon.stop()


def test_a_plan_that_cannot_be_read_is_replaced_by_the_daemon(site: Home) -> None:
    assert 0 == site.serve().stop()
    (site.run_dir / "plan" / "current").write_text('{"format": 2}')
    daemon = site.serve()
    assert "the last plan is not taken" in daemon.log()
    assert NEAREST == daemon.nearest()
