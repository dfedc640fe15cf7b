"""The keeper with stand-ins for its children: what dies, what stays, who takes over."""

from __future__ import annotations

import os
import resource
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from keptserver import PATIENCE_S, Load, Run, is_alive, wait_for

if TYPE_CHECKING:
    from pathlib import Path

Start = Callable[..., Any]


def ask(port: int) -> tuple[int, str]:
    """Give the pid of who answers, and its twin."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.sendto(b"hello", ("127.0.0.1", port))
        _, pid, twin = sock.recv(512).decode().split()
    return int(pid), twin


def load(start: Start) -> Load:
    return Load(start.port, lambda number: b"%06d" % number)


def test_all_posts_are_filled_and_ready_before_the_server_says_so(start: Start) -> None:
    run: Run = start().await_ready()
    assert "ready, serial 1, pid" in run.text
    assert ["udp-0", "udp-1", "tcp", "daemon"] == list(run.posts())
    assert {True} == {row["ready"] for row in run.posts().values()}
    assert 4 == len(set(run.pids()))
    assert ask(start.port)[0] in run.pids()


def test_without_dns_there_is_a_daemon_alone(start: Start) -> None:
    run: Run = start(dns=()).await_ready()
    assert ["daemon"] == list(run.posts())


def test_sigterm_ends_everybody_with_exit_code_0_and_nothing_lost(start: Start) -> None:
    run: Run = start().await_ready()
    pids = run.pids()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(("127.0.0.1", start.port))
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        for _ in range(100):
            sock.send(b"hello")
        run.process.terminate()
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        assert 0 == run.process.wait(PATIENCE_S)
        assert 100 == sum(bool(sock.recv(512)) for _ in range(100))
    assert [] == list(filter(is_alive, pids))
    assert {"lock"} == {path.name for path in run.run_dir.iterdir()}


def test_a_dead_child_is_replaced_and_its_queue_waits(start: Start) -> None:
    run: Run = start().await_ready()
    with load(start) as clients:
        for name in ("udp-0", "daemon", "tcp", "udp-1"):
            dead = run.kill(name)
            assert dead != run.pid_of(name)
    # What a worker has read when it is killed is lost with it: one packet of each.
    assert clients.lost <= 2
    assert {1} == {row["restarts"] for row in run.posts().values()}


def test_a_worker_that_dies_three_times_comes_back_on_the_pure_twin(start: Start) -> None:
    run: Run = start(workers=1).await_ready()
    assert "0" == ask(start.port)[1]
    for _ in range(3):
        run.kill("udp-0")
    run.pid_of("udp-0")
    assert "1" == ask(start.port)[1]
    assert "pure" == run.posts()["udp-0"]["twin"]
    assert "native" == run.posts()["tcp"]["twin"]


def test_children_go_on_without_their_keeper_until_a_successor_comes(start: Start) -> None:
    first: Run = start().await_ready()
    pids = first.pids()
    with load(start) as clients:
        first.stop(signal.SIGKILL)
        refused: Run = start()
        assert 2 == refused.process.wait(PATIENCE_S)
        assert "sparrow serve --replace" in refused.text
        assert pids == list(filter(is_alive, pids))
        second: Run = start("--replace").await_ready()
        for pid in pids:
            wait_for(lambda pid=pid: not is_alive(pid), "the end of the old children")
    assert 0 == clients.lost
    assert second.pid == second.state()["pid"]


def test_replacing_five_times_loses_nothing(start: Start) -> None:
    runs = [start().await_ready()]
    with load(start) as clients:
        for _ in range(5):
            runs.append(start("--replace").await_ready())
            assert 0 == runs[-2].process.wait(PATIENCE_S)
    assert clients.sent > 100
    assert 0 == clients.lost
    assert runs[-1].pids() == list(filter(is_alive, runs[-1].pids()))
    assert str(runs[-1].pid) == (runs[-1].run_dir / "lock").read_text().strip()


def test_of_two_successors_at_once_one_takes_the_place(start: Start, home: Path) -> None:
    first: Run = start().await_ready()
    (home / "orders" / "daemon-waits").touch()
    with load(start) as clients:
        second: Run = start("--replace")
        wait_for(lambda: f"handed over to pid {second.pid}" in first.text, "the first handover")
        third: Run = start("--replace")
        assert 2 == third.process.wait(PATIENCE_S)
        assert "another process is taking the place of the server" in third.text
        (home / "orders" / "daemon-waits").unlink()
        second.await_ready()
        assert 0 == first.process.wait(PATIENCE_S)
        start("--replace").await_ready()
        assert 0 == second.process.wait(PATIENCE_S)
    assert 0 == clients.lost


def test_a_successor_may_have_more_or_fewer_workers(start: Start) -> None:
    start().await_ready()
    with load(start) as clients:
        for workers in (4, 1, 3):
            run = start("--replace", workers=workers).await_ready()
            assert workers + 2 == len(run.posts())
    assert 0 == clients.lost


def test_who_may_open_no_file_any_more_goes_on(start: Start) -> None:
    run: Run = start().await_ready()
    before, dead = run.pids(), run.pid_of("udp-0")
    limits = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in (run.pid, *before)}
    for pid, (_, hard) in limits.items():
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))  # none that is not open
    os.kill(dead, signal.SIGKILL)
    run.await_text("udp-0 cannot be started: [Errno 24] Too many open files", 2)
    assert run.process.poll() is None
    assert set(before) - {dead} == {pid for pid in before if is_alive(pid)}
    resource.prlimit(run.pid, resource.RLIMIT_NOFILE, limits[run.pid])
    assert dead != run.pid_of("udp-0")


def test_replacing_nobody_is_a_plain_start(start: Start) -> None:
    assert 1 == start("--replace").await_ready().text.count("ready, serial")


def test_a_successor_that_fails_leaves_the_predecessor_serving(start: Start, home: Path) -> None:
    first: Run = start().await_ready()
    pids = first.pids()
    (home / "orders" / "daemon").write_text("2")
    with load(start) as clients:
        second: Run = start("--replace")
        assert 2 == second.process.wait(PATIENCE_S)
    assert 0 == clients.lost
    assert pids == first.pids() == list(filter(is_alive, pids))
    (home / "orders" / "daemon").unlink()
    start("--replace").await_ready()
    assert 0 == first.process.wait(PATIENCE_S)


def test_a_child_that_refuses_to_start_ends_a_start_with_its_code(start: Start, home: Path) -> None:
    (home / "orders" / "daemon").write_text("2")
    run: Run = start()
    assert 2 == run.process.wait(PATIENCE_S)


def test_a_child_that_refuses_to_start_later_is_tried_again(start: Start, home: Path) -> None:
    run: Run = start().await_ready()
    (home / "orders" / "daemon").write_text("2")
    run.kill("daemon")
    wait_for(lambda: run.posts()["daemon"]["restarts"] >= 3, "several attempts")
    assert ask(start.port)[0] in run.pids()
    (home / "orders" / "daemon").unlink()
    run.pid_of("daemon")


def test_an_address_that_is_taken_is_said_and_ends_the_start(start: Start) -> None:
    with socket.create_server(("127.0.0.1", start.port)):
        run: Run = start()
        assert 2 == run.process.wait(PATIENCE_S)
    assert "already in use" in run.text
