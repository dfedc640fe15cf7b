"""The programs of a keeper, and what every process that it starts begins with.

Law: this imports little, as it is waited for at every start. Start from `PROGRAMS`.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sparrow.keeping.notify import VARIABLE
from sparrow.keeping.supervision import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# -P: the folder we are started in is no place to import from.
_LAUNCH = (sys.executable, "-P", "-m", "sparrow.launch")

PROGRAMS: Mapping[Kind, tuple[str, ...]] = {
    Kind.UDP: (*_LAUNCH, "worker"),
    Kind.TCP: (*_LAUNCH, "tcpworker"),
    Kind.DAEMON: (*_LAUNCH, "daemon"),
}
"""What is started; the charge is the one argument."""

PROGRAMS_IN_RESERVE: Mapping[Kind, tuple[str, ...]] = {
    Kind.UDP: PROGRAMS[Kind.UDP],
    Kind.DAEMON: (*_LAUNCH, "firstdaemon"),
}
"""What is started before there is a charge; the arguments are those of `Reserve.start`."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2)
"""What a keeper listens to, and a child does not hear before it is able to."""


@contextmanager
def held_signals() -> Iterator[None]:
    """Let signals wait; a process started meanwhile begins with them waiting, too."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def child_environ() -> dict[str, str]:
    """Give the environment of what we start: ours, but who supervises us does not hear of it."""
    return {name: value for name, value in os.environ.items() if name != VARIABLE}


def as_root() -> int | None:
    """Give the user for a process that we start: root, where we only act as another."""
    return 0 if os.getuid() == 0 != os.geteuid() else None
