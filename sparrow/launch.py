"""Starts a program of the keeper: `python -m sparrow.launch PROGRAM ARGUMENT`.

Law: it imports the program and runs its `main`, and what the process ends with is what
that gives. Start from `main`.

Nothing that is imported is garbage, and to look for some takes a tenth of the time that
importing takes; to look through all of it again at each later collection would go on for
as long as the process lives.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def import_program(name: str) -> ModuleType:
    """Import a program of this package by its name."""
    gc.disable()
    program = import_module(f"sparrow.{name}")
    gc.freeze()
    gc.enable()
    return program


def main(arguments: list[str]) -> int | None:
    """Import a program, and run it."""
    code: int | None = import_program(arguments[0]).main(arguments[1:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
