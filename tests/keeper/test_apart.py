"""A step in a process of its own, forked from one that has a single thread."""

from __future__ import annotations

import subprocess
import sys

PATIENCE_S = 60.0
LEAD = """
import os, signal, sys
from sparrow.errors import FatalError, InputError, Problem
from sparrow.keeping.apart import run_apart
def refuse():
    raise InputError([Problem("too odd", "file", 7), Problem("and too \u00e9ven")])
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LEAD + code],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_what_a_step_gives_is_given_and_what_it_imports_is_not_there() -> None:
    code = """
def step():
    import colorsys
    return f"{os.getppid()} " + "x" * 300_000
found = run_apart(step)
print(found == f"{os.getpid()} " + "x" * 300_000, "colorsys" in sys.modules)
"""
    assert ("True False\n", "") == (run(code).stdout, run(code).stderr)


def test_what_a_step_refuses_is_refused_in_its_words() -> None:
    code = """
try:
    run_apart(refuse)
except FatalError as error:
    print(ascii(str(error)))
"""
    done = run(code)
    assert ("'file:7: too odd\\nand too \\xe9ven'\n", "") == (done.stdout, done.stderr)


def test_a_step_that_fails_is_told_with_its_code() -> None:
    done = run("run_apart(lambda: 1 / 0)")
    assert "ZeroDivisionError" in done.stderr
    assert done.stderr.endswith("FatalError: a part of the start has failed, with code 1\n")
    done = run("run_apart(lambda: os.kill(os.getpid(), signal.SIGKILL))")
    assert done.stderr.endswith("FatalError: a part of the start has failed, with code -9\n")


def test_a_step_that_nobody_waits_for_any_more_is_ended() -> None:
    code = """
def leave(*_):
    raise SystemExit(5)
def step():
    os.kill(os.getppid(), signal.SIGTERM)
    signal.pause()
signal.signal(signal.SIGTERM, leave)
try:
    run_apart(step)
finally:
    try:
        os.waitpid(-1, 0)
    except ChildProcessError:
        print("no child")
"""
    done = run(code)
    assert (5, "no child\n", "") == (done.returncode, done.stdout, done.stderr)
