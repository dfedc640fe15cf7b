"""A step in a process of its own, for what shall leave nothing behind in the memory of ours.

Law: what the step refuses is refused here in the same words. Start from `run_apart`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn

from sparrow.errors import FatalError, SparrowError
from sparrow.keeping.programs import SIGNALS, held_signals

if TYPE_CHECKING:
    from collections.abc import Callable

_ENDS = (signal.SIGTERM, signal.SIGINT)
"""Signals that end a start, and with it the step."""


def run_apart(step: Callable[[], str]) -> str:
    """Give what `step` gives. For a process of one thread.

    It is forked, so that it starts at once with what is imported already. Raises
    `FatalError` with the words of a `SparrowError` that the step raised, and where the
    process ends in any other way.
    """
    read_fd, write_fd = os.pipe()
    with held_signals():
        pid = os.fork()
        if pid == 0:
            _do(step, write_fd)
        os.close(write_fd)
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
            with os.fdopen(read_fd, "rb") as pipe:
                octets = pipe.read()
        except BaseException:
            os.kill(pid, signal.SIGKILL)  # nobody waits for it any more
            raise
        finally:
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code != 0:
        raise FatalError(f"a part of the start has failed, with code {code}")
    row = json.loads(octets)
    if row["refusal"] is not None:
        raise FatalError(row["refusal"])
    return str(row["found"])


def _do(step: Callable[[], str], write_fd: int) -> NoReturn:
    """Be the other process, which ends here and runs nothing that stands behind its fork."""
    code = 1
    try:
        for number in _ENDS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        row: dict[str, str | None] = {"found": None, "refusal": None}
        try:
            row["found"] = step()
        except SparrowError as error:
            row["refusal"] = str(error)
        with os.fdopen(write_fd, "w", encoding="utf-8") as pipe:
            json.dump(row, pipe)
        code = 0
    except BaseException:  # noqa: BLE001  (the outermost place of a process)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
