from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from peers import check_of, eventually, is_gone, plugin, process_stat

from sparrow.health.kinds import find_probe
from sparrow.health.probes.attempt import Attempt
from sparrow.health.spawning import Programs, Ran
from sparrow.health.verdict import Finding, Result

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HANGING_FAMILY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if child:
    open(sys.argv[1], "w").write(f"{os.getpid()} {child}")
    print("both of us hang", flush=True)
time.sleep(60)
"""


@asynccontextmanager
async def programs() -> AsyncIterator[Programs]:
    running = Programs()
    try:
        yield running
    finally:
        running.close()


def run(*argv: str, timeout_s: float = 10, env: dict[str, str] | None = None) -> Ran:
    async def work() -> Ran:
        async with programs() as running:
            return await running.run(argv, env or {}, timeout_s)

    return asyncio.run(work())


async def pids_in(path: Path, count: int) -> list[int]:
    """Wait for as many process numbers in a file."""
    pids: list[int] = []

    def are_there() -> bool:
        pids[:] = [int(word) for word in path.read_text().split()] if path.exists() else []
        return len(pids) >= count

    await eventually(are_there)
    return pids


async def ended(*pids: int) -> bool:
    """Wait for the end of processes."""
    await eventually(lambda: all(is_gone(pid) for pid in pids))
    return True


def spawner_pids() -> list[int]:
    """Give the spawners that this process has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            parent = int(process_stat(int(folder.name))[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"sparrow.health.spawner" in command and parent == os.getpid():
            found.append(int(folder.name))
    return found


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo fine; echo more", Ran(0, "fine", was_killed=False)),
        ("echo; echo '  late  '; exit 1", Ran(1, "late", was_killed=False)),
        ("echo wrong >&2; exit 2", Ran(2, "wrong", was_killed=False)),
        ("echo wrong >&2; echo right; exit 2", Ran(2, "right", was_killed=False)),
        ("exit 77", Ran(77, "", was_killed=False)),
        ("kill -SEGV $$", Ran(-11, "", was_killed=False)),
        ("printf 'a\\033[2Jb\\tc\\377'", Ran(0, "a [2Jb c\ufffd", was_killed=False)),
        ("cat", Ran(0, "", was_killed=False)),  # standard input is empty
        ("echo $GREETING $HOME", Ran(0, "hello /nowhere", was_killed=False)),
    ],
)
def test_a_program_is_told_of_by_its_exit_code_and_first_line(script: str, expected: Ran) -> None:
    env = {"GREETING": "hello", "HOME": "/nowhere"}
    assert expected == run("sh", "-c", script, env=env)


def test_the_environment_of_the_daemon_is_below_the_one_that_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GREETING", "hello")
    assert "hello" == run("sh", "-c", "echo $GREETING").first_line


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("/missing/program", "No such file or directory"),
        ("/etc/passwd", "Permission denied"),
        ("/", "Permission denied"),
    ],
)
def test_a_program_that_cannot_be_run_says_why(program: str, why: str) -> None:
    assert Ran(None, why, was_killed=False) == run(program)


def test_a_program_that_writes_much_is_not_held_up_and_little_of_it_is_kept() -> None:
    ran = run("sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; echo; exit 1")
    assert (1, 512, {"x"}) == (ran.exit_code, len(ran.first_line), set(ran.first_line))


MEETING = "touch $0/$$; while [ $(ls $0 | wc -l) -lt 8 ]; do sleep 0.02; done"
"""Ends when eight run at once."""


def test_programs_run_side_by_side_in_one_spawner(tmp_path: Path) -> None:
    async def work() -> tuple[list[Ran], int]:
        async with programs() as running:
            argv = ["sh", "-c", MEETING, str(tmp_path)]
            ran = await asyncio.gather(*(running.run(argv, {}, 60) for _ in range(8)))
            return ran, len(spawner_pids())

    assert ([Ran(0, "", was_killed=False)] * 8, 1) == asyncio.run(work())


def test_a_program_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    async def work() -> tuple[Ran, bool]:
        argv = [*plugin(tmp_path, HANGING_FAMILY).split(), str(tmp_path / "pids")]
        async with programs() as running:
            ran = await running.run(argv, {}, 1.0)
            return ran, await ended(*await pids_in(tmp_path / "pids", 2))

    assert (Ran(-9, "both of us hang", was_killed=True), True) == asyncio.run(work())


def test_what_a_program_leaves_behind_in_its_group_dies_with_it() -> None:
    async def work() -> tuple[Ran, bool]:
        async with programs() as running:
            ran = await running.run(["sh", "-c", "sleep 60 & echo $!"], {}, 10)
            return ran, await ended(int(ran.first_line))

    ran, is_child_gone = asyncio.run(work())
    assert (0, True) == (ran.exit_code, is_child_gone)


def test_a_program_that_nobody_waits_for_any_more_is_killed(tmp_path: Path) -> None:
    async def work() -> bool:
        argv = [*plugin(tmp_path, HANGING_FAMILY).split(), str(tmp_path / "pids")]
        async with programs() as running:
            waiting = asyncio.create_task(running.run(argv, {}, 60))
            pids = await pids_in(tmp_path / "pids", 2)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            are_gone = await ended(*pids)
            assert 0 == (await running.run(["true"], {}, 10)).exit_code
            return are_gone

    assert True is asyncio.run(work())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_spawner_that_dies_takes_its_programs_along_and_is_replaced(
    tmp_path: Path, number: signal.Signals
) -> None:
    async def work() -> tuple[Ran, bool, Ran]:
        argv = [*plugin(tmp_path, HANGING_FAMILY).split(), str(tmp_path / "pids")]
        async with programs() as running:
            waiting = asyncio.create_task(running.run(argv, {}, 60))
            pids = await pids_in(tmp_path / "pids", 2)
            for pid in spawner_pids():
                os.kill(pid, number)
            ran = await waiting
            return ran, await ended(*pids), await running.run(["true"], {}, 10)

    ran, are_gone, after = asyncio.run(work())
    died = Ran(None, "the process that runs external programs has died", was_killed=False)
    assert (died, True) == (ran, are_gone)
    assert 0 == after.exit_code


def test_a_spawner_that_hangs_is_replaced() -> None:
    async def work() -> tuple[Ran, Ran]:
        async with programs() as running:
            await running.run(["true"], {}, 10)
            for pid in spawner_pids():
                os.kill(pid, signal.SIGSTOP)
            return await running.run(["true"], {}, 0.1), await running.run(["true"], {}, 10)

    hung, after = asyncio.run(work())
    assert Ran(None, "the process that runs external programs hangs", was_killed=False) == hung
    assert Ran(0, "", was_killed=False) == after


DAEMON = """
import asyncio, sys
from sparrow.health.spawning import Programs
asyncio.run(Programs().run(sys.argv[1:], {}, 60))
"""


def test_when_the_daemon_is_killed_its_spawner_and_programs_end(tmp_path: Path) -> None:
    argv = [*plugin(tmp_path, HANGING_FAMILY).split(), str(tmp_path / "pids")]
    daemon = subprocess.Popen([sys.executable, "-c", DAEMON, *argv])

    async def work() -> bool:
        pids = await pids_in(tmp_path / "pids", 2)
        spawner = int(process_stat(pids[0])[1])
        daemon.kill()
        daemon.wait()
        return await ended(spawner, *pids)

    assert True is asyncio.run(work())


def test_closing_ends_the_spawner() -> None:
    async def work() -> list[list[int]]:
        running = Programs()
        await running.run(["true"], {}, 10)
        before = spawner_pids()
        running.close()
        return [before, spawner_pids()]

    before, after = asyncio.run(work())
    assert (1, []) == (len(before), after)


# Monitoring plugins


def plug(command: str, address: str = "192.0.2.1", timeout_s: float = 5.0) -> Finding:
    async def work() -> Finding:
        check = check_of("external", command=command)
        async with programs() as running:
            return await find_probe(check)(check, Attempt(address, timeout_s, running))

    return asyncio.run(work())


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (0, Result.OK),
        (1, Result.DEGRADED),
        (2, Result.FAILED),
        (3, Result.UNKNOWN),
        (4, Result.UNKNOWN),
        (127, Result.UNKNOWN),
    ],
)
def test_exit_codes_mean_what_they_mean_to_monitoring_plugins(code: int, result: Result) -> None:
    assert Finding(result, "HTTP: something") == plug(f"sh -c 'echo HTTP: something; exit {code}'")
    assert Finding(result, f"exit code {code}") == plug(f"sh -c 'exit {code}'")


def test_a_plugin_that_is_ended_by_a_signal_is_no_evidence() -> None:
    assert Finding(Result.UNKNOWN, "ended by signal 15") == plug("sh -c 'kill $$'")


def test_a_plugin_that_is_not_there_is_no_evidence() -> None:
    words = "/missing/check_http cannot be run: No such file or directory"
    assert Finding(Result.UNKNOWN, words) == plug("/missing/check_http -H {address}")


def test_the_address_stands_where_the_command_wants_it() -> None:
    assert "-H 192.0.2.1 [192.0.2.1]" == plug("echo -H {address} [{address}]").words


def test_a_plugin_with_more_patience_than_we_have_is_killed(tmp_path: Path) -> None:
    """As `check_http -t 20` against a host that swallows packets."""
    found = plug(plugin(tmp_path, "import time\ntime.sleep(20)"), timeout_s=0.5)
    assert Finding(Result.FAILED, "killed, as it took longer than 0.5 s") == found
