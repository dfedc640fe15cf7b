"""How the keeper's programs are imported."""

from __future__ import annotations

import json
import subprocess
import sys

STANDIN = """
import gc, json, sys
from types import ModuleType
from sparrow.launch import main
program = ModuleType("sparrow.standin")
def run(arguments):
    print(json.dumps([arguments, gc.isenabled(), gc.get_freeze_count() > 1000]))
    return 7
program.main = run
sys.modules["sparrow.standin"] = program
sys.exit(main(["standin", "charge"]))
"""


def test_a_program_runs_with_its_argument_and_with_the_collector_on_but_not_for_imports() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STANDIN], capture_output=True, text=True, check=False
    )
    assert (7, "") == (done.returncode, done.stderr)
    assert [["charge"], True, True] == json.loads(done.stdout)
