"""A child that writes to the disk, and is killed at a random moment. Start from `kill_one`."""

from __future__ import annotations

import os
import signal
import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

_STEP = struct.Struct("<qq")
"""Number of a write, and 1 once it is done."""
_AWAITED = 6
"""Fewer than so many steps are waited for, however slow the disk is."""


def tell_step(pipe: int, number: int, *, is_done: bool) -> None:
    """Say, in the child, that a write begins or is done."""
    os.write(pipe, _STEP.pack(number, is_done))


def kill_one(
    write: Callable[[int], None], chance: random.Random, longest_s: float
) -> list[tuple[int, int]]:
    """Give the steps of a child that was killed at random, during its first writes.

    It does `write` with a pipe for its steps, and lives for up to `longest_s` after the last
    that is waited for: as long as a write or two take.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            write(writer)
        finally:
            os._exit(1)
    os.close(writer)
    octets = b""
    for _ in range(chance.randrange(_AWAITED)):
        octets += os.read(reader, _STEP.size)
    time.sleep(chance.uniform(0, longest_s))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while piece := os.read(reader, 65536):
        octets += piece
    os.close(reader)
    size = _STEP.size
    return [_STEP.unpack_from(octets, at) for at in range(0, len(octets) - size + 1, size)]
