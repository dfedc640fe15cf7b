"""BIND with the driver follows the plan: what is published, and how the sites stand."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bindclients import Clients, load_of_dnsperf, number_in
from bindground import (
    ADDRESSES,
    HALVES,
    LOWER,
    SELF,
    UPPER,
    WORDS,
    compile_plan,
)
from running import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bindground import Bind
    from running import Home

    Serving = Callable[[str], AbstractContextManager[Bind]]

OF_LOWER = (ADDRESSES[64600], ADDRESSES[64602])
"""What a client of the lower half is given by each of the two tables."""


def test_plans_change_under_load_without_a_wrong_answer_or_a_lost_one(
    home: Home, plan: Path, serving: Serving, needs: Callable[[str], str], tmp_path: Path
) -> None:
    program, turn = needs("dnsperf"), 0
    with ExitStack() as stack:
        bind = stack.enter_context(serving(f"{WORDS} --plan {plan}"))
        process, said = stack.enter_context(load_of_dnsperf(program, bind.port, tmp_path))
        clients = stack.enter_context(Clients(bind.port))
        while process.poll() is None or turn < 2:
            turn += 1
            compile_plan(home, HALVES[turn % 2])
            bind.wait_for_answer([OF_LOWER[turn % 2]])
            asked = clients.count
            wait_until(lambda: clients.count > asked + 20, bind.log)  # noqa: B023
    assert {LOWER: set(OF_LOWER), UPPER: {SELF}} == clients.answers
    sent = number_in(said, "Queries sent")
    assert sent > 100, said
    assert 0 == number_in(said, "Queries lost"), said
    assert sent == number_in(said, "Queries completed"), said
    assert any(f"NOERROR {sent} (100.00%)" in line for line in said), said


def test_a_site_that_goes_down_and_comes_back_is_followed_without_a_new_generation(
    home: Home, serving: Serving
) -> None:
    daemon = home.serve()
    with serving(f"{WORDS} --plan {home.run_dir / 'plan'}") as bind:
        generation = daemon.status()["serial"]
        assert [ADDRESSES[64600]] == bind.addresses(LOWER)
        for order, expected in (("down --yes", ADDRESSES[64602]), ("auto", ADDRESSES[64600])):
            done = home.sparrow("site", *order.split(), "au", "--reason", "test")
            assert 0 == done.returncode, done.stderr
            bind.wait_for_answer([expected])
            assert [SELF] == bind.addresses(UPPER)
        assert generation == daemon.status()["serial"]


def test_a_reload_of_the_daemon_is_followed(home: Home, serving: Serving) -> None:
    daemon = home.serve()
    with serving(f"{WORDS} --plan {home.run_dir / 'plan'}") as bind:
        assert [OF_LOWER[0]] == bind.addresses(LOWER)
        home.write("table.routes", HALVES[1])
        daemon.command("reload")
        bind.wait_for_answer([OF_LOWER[1]])


def test_answers_go_on_while_the_server_is_dead_and_follow_the_next_one(
    home: Home, serving: Serving
) -> None:
    daemon = home.serve()
    with serving(f"{WORDS} --plan {home.run_dir / 'plan'}") as bind:
        assert 0 == daemon.stop()
        assert [OF_LOWER[0]] == bind.addresses(LOWER)
        home.write("table.routes", HALVES[1])
        home.serve()
        bind.wait_for_answer([OF_LOWER[1]])


def test_bind_that_reloads_its_configuration_takes_a_new_driver(
    plan: Path, serving: Serving
) -> None:
    with serving(f"{WORDS} --plan {plan}") as bind:
        text = (bind.log_path.parent / "named.conf").read_text()
        (bind.log_path.parent / "named.conf").write_text(text.replace("--ttl 7", "--ttl 9"))
        bind.process.send_signal(signal.SIGHUP)
        wait_until(lambda: [9] == [rrset.ttl for rrset in bind.ask(LOWER).answer], bind.log)
        assert [OF_LOWER[0]] == bind.addresses(LOWER)
