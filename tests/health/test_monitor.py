from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from peers import (
    LOOPBACK,
    answer_http,
    black_hole,
    eventually,
    http,
    plugin,
    refusing_port,
    serving,
)

from sparrow.config.load import parse_config
from sparrow.health.aims import SiteAims, aim_sites
from sparrow.health.once import run_once
from sparrow.health.prober import boot_clock
from sparrow.health.schedule import Monitor
from sparrow.health.site import FamilyHealth
from sparrow.health.verdict import Result, Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from sparrow.health.report import ProbeRow, Transition

FAST = "{interval: 200ms, timeout: 100ms, up_thresh: 3, ok_thresh: 2, down_thresh: 3}"


def aims(sites: Mapping[str, str], defaults: str = FAST) -> tuple[SiteAims, ...]:
    """Give sites at 127.0.0.1, each from its settings."""
    rows = [
        f"  {name}: {{asn: [{number}], vips: [{LOOPBACK}], {settings}}}"
        for number, (name, settings) in enumerate(sites.items(), 1)
    ]
    text = "\n".join([f"checks: {defaults}", "ssrs: {}", "sites:", *rows])
    return aim_sites(parse_config(text, "test").config)


def tcp(port: int, rest: str = "") -> str:
    return f"checks: [{{tcp: {{port: {port}}}}}], {rest}"


@dataclass
class Watcher:
    """What a monitor tells and stores."""

    told: list[Sequence[Transition]] = field(default_factory=list)
    trees: list[Mapping[str, Any]] = field(default_factory=list)
    skew_s: float = 0.0
    """Seconds that the machine is made to have slept."""

    @property
    def moves(self) -> list[tuple[str, int, bool]]:
        return [(each.site, each.family, each.is_up) for told in self.told for each in told]

    def clock(self) -> float:
        return boot_clock() + self.skew_s

    @asynccontextmanager
    async def monitoring(
        self, sites: Sequence[SiteAims], kept: object = None
    ) -> AsyncIterator[Monitor]:
        monitor = Monitor(self.told.append, self.trees.append, kept, clock=self.clock)
        monitor.configure(sites)
        try:
            yield monitor
        finally:
            await monitor.stop()


def row(monitor: Monitor, place: int = 0) -> ProbeRow:
    return monitor.rows()[place]


async def rounds(monitor: Monitor, verdict: Verdict) -> None:
    """Wait until the first probe says something."""
    await eventually(lambda: row(monitor).verdict is verdict)


def is_up(monitor: Monitor, site: str) -> bool:
    return monitor.states()[site].v4.is_up


# From the first round on


def test_a_site_is_up_until_its_first_round_and_the_first_round_decides() -> None:
    async def work() -> list[tuple[str, int, bool]]:
        watcher = Watcher()
        sites = aims({"dead": tcp(refusing_port()), "plain": ""})
        async with watcher.monitoring(sites) as monitor:
            states = monitor.states()
            assert ["dead", "plain"] == list(states)
            assert (True, 0.2) == (states["dead"].v4.is_up, states["dead"].v4.change_in_s)
            assert (
                f"tcp :{row(monitor).check.split(':')[1]}: no result yet" == states["dead"].v4.why
            )
            assert FamilyHealth() == states["plain"].v4
            await rounds(monitor, Verdict.DOWN)
            states = monitor.states()
            assert (False, True) == (states["dead"].v4.is_up, states["plain"].v4.is_up)
            assert states["dead"].v4.why.endswith(": connection refused")
        return watcher.moves

    # The site has no address of IPv6, so nobody is told of that.
    assert [("dead", 4, False)] == asyncio.run(work())


def test_a_site_goes_down_and_comes_back_by_the_thresholds() -> None:
    async def work() -> list[tuple[str, int, bool]]:
        watcher = Watcher()
        async with (
            serving() as listener,
            watcher.monitoring(aims({"us": tcp(listener.port)})) as monitor,
        ):
            await rounds(monitor, Verdict.UP)
            assert FamilyHealth() == monitor.states()["us"].v4
            listener.refuse()
            await eventually(lambda: row(monitor).failures == 1)
            danger = monitor.states()["us"].v4
            assert (True, 0.4) == (danger.is_up, danger.change_in_s)
            await eventually(lambda: not is_up(monitor, "us"))
            assert pytest.approx(0.6) == monitor.states()["us"].v4.change_in_s
            await listener.open()
            await eventually(lambda: row(monitor).successes == 1)
            assert not is_up(monitor, "us")
            await eventually(lambda: is_up(monitor, "us"))
            assert (0, 0, Verdict.UP) == (
                row(monitor).failures,
                row(monitor).successes,
                row(monitor).verdict,
            )
        return watcher.moves

    assert [("us", 4, False), ("us", 4, True)] == asyncio.run(work())


@pytest.mark.parametrize("way", ["refused", "swallowed", "silent"])
def test_a_site_that_dies_is_down_in_time(way: str) -> None:
    """By `down_thresh` x `interval` + 2 x `timeout` + 0.2 s; the best of three counts."""
    interval_s, timeout_s, down = 0.4, 0.2, 3
    timing = f"{{interval: {interval_s}, timeout: {timeout_s}, down_thresh: {down}}}"

    async def work() -> float:
        watcher = Watcher()
        is_dead = False

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(10 if is_dead else 0)
            await answer_http(http())(reader, writer)

        async with serving(serve) as server:
            sites = aims({"us": f"checks: [{{http: {{port: {server.port}}}}}]"}, timing)
            async with watcher.monitoring(sites) as monitor:
                await rounds(monitor, Verdict.UP)
                {"refused": server.refuse, "swallowed": server.swallow}.get(way, bool)()
                is_dead, died = True, time.monotonic()
                await eventually(lambda: watcher.moves == [("us", 4, False)])
                return time.monotonic() - died

    limit = down * interval_s + 2 * timeout_s + 0.2
    assert min(asyncio.run(work()) for _ in range(3)) <= limit


# Probes among each other


def test_checks_that_are_equal_run_once_for_all_their_sites() -> None:
    async def work() -> None:
        watcher = Watcher()
        async with serving() as listener:
            sites = {name: tcp(listener.port) for name in ("a", "b", "c")}
            async with watcher.monitoring(aims(sites)) as monitor:
                await rounds(monitor, Verdict.UP)
                assert [("a", "b", "c")] == [each.sites for each in monitor.rows()]
                assert 1 == listener.accepted
                listener.refuse()
                await eventually(lambda: not is_up(monitor, "a"))
                # Of one probe, all sites are told in one call.
                down = [(name, 4, False) for name in "abc"]
                assert down == [(each.site, 4, each.is_up) for each in watcher.told[-1]]

    asyncio.run(work())


def test_a_probe_that_hangs_or_breaks_holds_up_no_other(tmp_path: Path) -> None:
    async def work() -> None:
        watcher = Watcher()
        hang = plugin(tmp_path, "import time\ntime.sleep(60)")
        with black_hole() as hole:
            async with serving() as listener:
                sites = aims(
                    {
                        "hangs": f"checks: [{{external: {{command: '{hang}'}}}}]",
                        "swallows": tcp(hole),
                        "works": tcp(listener.port),
                        "is-missing": "checks: [{external: {command: /missing}}]",
                    }
                )
                async with watcher.monitoring(sites) as monitor:
                    await eventually(lambda: row(monitor, 2).verdict is Verdict.UP)
                    await eventually(lambda: listener.accepted > 5)
                    await eventually(lambda: not is_up(monitor, "hangs"))
                    await eventually(lambda: not is_up(monitor, "swallows"))
                    assert is_up(monitor, "works")
                    missing = monitor.states()["is-missing"].v4
                    assert (True, False) == (missing.is_up, missing.is_degraded)
                    assert missing.why.endswith("/missing cannot be run: No such file or directory")
                    assert (Verdict.UNKNOWN, Result.UNKNOWN) == (
                        row(monitor, 3).verdict,
                        row(monitor, 3).result,
                    )

    asyncio.run(work())


def test_a_round_that_fails_is_tried_again_at_once() -> None:
    async def work() -> tuple[int, Verdict]:
        tries = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal tries
            tries += 1
            await answer_http(http("503 Hiccup" if tries == 1 else "200 OK"))(reader, writer)

        async with serving(serve) as server:
            sites = aims({"us": f"checks: [{{http: {{port: {server.port}}}}}]"}, "{interval: 60}")
            async with Watcher().monitoring(sites) as monitor:
                await eventually(lambda: row(monitor).result is not None)
                return tries, row(monitor).verdict

    assert (2, Verdict.UP) == asyncio.run(work())


# Reloads and restarts


def test_a_reload_keeps_what_is_known_of_checks_that_it_leaves() -> None:
    async def work() -> None:
        watcher = Watcher()
        async with serving() as listener:
            dead = refusing_port()
            first = {"us": tcp(dead), "au": tcp(listener.port)}
            async with watcher.monitoring(aims(first)) as monitor:
                await eventually(lambda: [each.result for each in monitor.rows()].count(None) == 0)
                before, told = monitor.rows(), len(watcher.moves)
                # Another order, another name, another site, other thresholds for one check.
                again = f"checks: [{{tcp: {{port: {listener.port}, down_thresh: 9, name: x}}}}]"
                monitor.configure(aims({"nl": "", "au": again, "us": tcp(dead)}))
                after = {each.sites: each for each in monitor.rows()}
                assert [each.since for each in before] == [
                    after[names].since for names in (("us",), ("au",))
                ]
                assert (Verdict.DOWN, Verdict.UP) == (after["us",].verdict, after["au",].verdict)
                assert [False, True, True] == [is_up(monitor, name) for name in ("us", "au", "nl")]
                assert told == len(watcher.moves)
                # What is known of its target is known for another site, too.
                monitor.configure(aims({"us": tcp(listener.port)}))
                assert (True, Verdict.UP) == (is_up(monitor, "us"), row(monitor).verdict)
                monitor.configure(aims({"us": tcp(refusing_port())}))
                assert (True, Verdict.UNKNOWN) == (is_up(monitor, "us"), row(monitor).verdict)
                assert ["us"] == list(monitor.states())
                await rounds(monitor, Verdict.DOWN)

    asyncio.run(work())


def test_a_restart_begins_with_what_was_stored() -> None:
    async def work() -> None:
        dead = refusing_port()
        watcher = Watcher()
        async with serving() as listener:
            settings = {"us": tcp(dead, "hold_down: 1h"), "au": tcp(listener.port)}
            async with watcher.monitoring(aims(settings)) as monitor:
                await eventually(lambda: not is_up(monitor, "us"))
                await eventually(lambda: row(monitor, 1).verdict is Verdict.UP)
                since = monitor.since("us", 4)
            # Before it is configured at all.
            states = Monitor(print, print, watcher.trees[-1]).states()
            assert [("us", False), ("au", True)] == [
                (name, health.v4.is_up) for name, health in states.items()
            ]
            later = Watcher()
            async with later.monitoring(aims(settings), watcher.trees[-1]) as monitor:
                # Before any round.
                assert [False, True] == [is_up(monitor, name) for name in settings]
                assert [Verdict.DOWN, Verdict.UP] == [each.verdict for each in monitor.rows()]
                assert since == monitor.since("us", 4)
                assert [] == later.moves
                why = monitor.states()["us"].v4.why
                assert why.endswith(": as it was when this process began")
            fresh = Watcher()
            async with fresh.monitoring(aims({"us": tcp(listener.port)})) as monitor:
                assert is_up(monitor, "us")

    asyncio.run(work())


def test_a_site_that_waits_for_an_operator_does_so_after_a_restart() -> None:
    async def work() -> None:
        watcher = Watcher()
        async with serving() as listener:
            sites = aims({"us": tcp(listener.port, "manual_resume: true")})
            async with watcher.monitoring(sites) as monitor:
                await rounds(monitor, Verdict.UP)
                listener.refuse()
                await eventually(lambda: not is_up(monitor, "us"))
            await listener.open()
            later = Watcher()
            async with later.monitoring(sites, watcher.trees[-1]) as monitor:
                await rounds(monitor, Verdict.UP)
                assert not is_up(monitor, "us")
                assert True is monitor.resume("us")
                assert is_up(monitor, "us")
                assert False is monitor.resume("us")
                assert [("us", 4, True)] == later.moves

    asyncio.run(work())


def test_a_hold_down_ends_by_itself() -> None:
    async def work() -> list[tuple[str, int, bool]]:
        watcher = Watcher()
        async with serving() as listener:
            listener.refuse()
            # One round a minute: nothing but the hold-down can bring the site back.
            slow = "{interval: 60, timeout: 100ms, up_thresh: 1}"
            sites = aims({"us": tcp(listener.port, "hold_down: 300ms")}, slow)
            async with watcher.monitoring(sites) as monitor:
                await rounds(monitor, Verdict.DOWN)
            await listener.open()
            async with watcher.monitoring(sites, watcher.trees[-1]) as monitor:
                await rounds(monitor, Verdict.UP)
                held = monitor.states()["us"].v4
                assert not held.is_up
                assert 0 < (held.change_in_s or 0) <= 0.3
                await eventually(lambda: watcher.moves[-1] == ("us", 4, True))
                assert is_up(monitor, "us")
        return watcher.moves

    assert [("us", 4, False), ("us", 4, True)] == asyncio.run(work())


def test_a_store_that_fails_and_a_listener_that_breaks_stop_nothing() -> None:
    async def work() -> None:
        def keep(_: object) -> None:
            raise OSError("no space left")

        def on_change(_: object) -> None:
            raise ValueError("broken")

        async with serving() as listener:
            monitor = Monitor(on_change, keep)
            monitor.configure(aims({"us": tcp(listener.port)}))
            await rounds(monitor, Verdict.UP)
            listener.refuse()
            await eventually(lambda: not is_up(monitor, "us"))
            await monitor.stop()

    asyncio.run(work())


# Pauses


def test_after_the_machine_slept_a_site_is_unknown_and_not_down() -> None:
    async def work() -> None:
        watcher = Watcher()
        async with serving() as listener:
            quick, slow = tcp(refusing_port()), tcp(listener.port)
            sites = aims({"dead": quick, "us": slow}, "{interval: 60, timeout: 1}")
            async with watcher.monitoring(sites) as monitor:
                await eventually(lambda: [each.result for each in monitor.rows()].count(None) == 0)
                assert not is_up(monitor, "dead")
                accepted = listener.accepted
                watcher.skew_s = 3600
                # Without waiting for its minute, every probe looks again, from the beginning.
                await eventually(lambda: listener.accepted > accepted)
                await eventually(lambda: len(watcher.moves) == 3)
                up_and_down = [("dead", 4, False), ("dead", 4, True), ("dead", 4, False)]
                assert up_and_down == watcher.moves

    asyncio.run(work())


STOPPED = """
import asyncio, os, signal, sys, threading, time
from sparrow.config.load import parse_config
from sparrow.health.aims import aim_sites
from sparrow.health.schedule import Monitor

async def main():
    told = []
    monitor = Monitor(told.extend, lambda tree: None)
    monitor.configure(aim_sites(parse_config(sys.argv[1], "test").config))
    while monitor.rows()[0].result is None:
        await asyncio.sleep(0.01)
    print(monitor.rows()[0].verdict.value, flush=True)
    count = 0
    while count < 200:
        await asyncio.sleep(0.005)
        count += 1
        found = monitor.rows()[0]
        if found.failures or not monitor.states()["us"].v4.is_up:
            print("failure counted:", found.words, flush=True)
            break
    await monitor.stop()
    print("moves", len(told), flush=True)
asyncio.run(main())
"""


def test_a_process_that_was_stopped_counts_no_failure_of_that_time() -> None:
    """The server takes 30 ms to answer, so that rounds are under way at all times."""

    async def work() -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.03)
            await answer_http(http())(reader, writer)

        async with serving(serve) as server:
            check = f"{{http: {{port: {server.port}}}}}"
            text = (
                "checks: {interval: 100ms, timeout: 100ms, down_thresh: 1}\nssrs: {}\nsites:\n"
                f"  us: {{asn: [1], vips: [{LOOPBACK}], checks: [{check}]}}"
            )
            command = [sys.executable, "-c", STOPPED, text]
            process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
            assert process.stdout
            said = await process.stdout.readline()
            for _ in range(3):
                await asyncio.sleep(0.13)
                process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(0.7)
                process.send_signal(signal.SIGCONT)
            said += await process.stdout.read()
            await process.wait()
            return said.decode()

    assert "up\nmoves 0\n" == asyncio.run(work())


# Once


def test_one_run_takes_each_result_as_it_is(tmp_path: Path) -> None:
    async def work() -> dict[str, bool]:
        (tmp_path / "stale").write_text("down")
        os.utime(tmp_path / "stale", (0, 0))
        dead = f"{{tcp: {{port: {refusing_port()}}}}}"
        async with serving() as listener:
            listed = {
                "works": tcp(listener.port, "hold_down: 1h"),
                "is-dead": f"checks: [{dead}]",
                "is-stale": f"checks: [{{file: {{path: {tmp_path}/stale, max_age: 60}}}}]",
                "warns": "checks: [{external: {command: 'sh -c \"exit 1\"'}}]",
                "one-of-two": f"require: any, checks: [{dead}, {{tcp: {{port: {listener.port}}}}}]",
                "is-off": "checks: ['off']",
                "plain": "",
            }
            found = await run_once(aims(listed, "{interval: 10, timeout: 5}"))
            assert [True, True] == [found[name].v4.is_degraded for name in ("warns", "one-of-two")]
            return {name: health.v4.is_up for name, health in found.items()}

    assert {
        "works": True,
        "is-dead": False,
        "is-stale": True,
        "warns": True,
        "one-of-two": True,
        "is-off": True,
        "plain": True,
    } == asyncio.run(work())
