"""What the daemon tells the workers: generations of the plan, and limits.

Law: one daemon at a time publishes in a run directory. Who starts takes the right,
and who lost it publishes no more, so a predecessor that is about to leave cannot undo
what its successor did. Start from `Publisher`.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sparrow.control.explain import Served
from sparrow.errors import InputError, Problem
from sparrow.keeping.charge import PLAN
from sparrow.keeping.settings import store_limits
from sparrow.plan.compile import compile_plan
from sparrow.plan.fallback import build_authority
from sparrow.plan.format import PlanError
from sparrow.plan.publish import last_generation, load_current, publish_plan
from sparrow.plan.reader import CURRENT, open_plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sparrow.dns.respond import Authority
    from sparrow.keeping.layout import TcpLimits

_OWNER = "publisher"
"""File of the run directory that says who publishes."""


class Publisher:
    """The right to publish in a run directory. For one thread at a time."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._directory = run_dir / PLAN
        self._name = secrets.token_hex(8)
        self._has_claimed = False
        # A seed of its own for each daemon: nobody can make names that collide.
        self._seed = secrets.randbits(64)

    def publish(self, authority: Authority, limits: TcpLimits) -> int:
        """Compile a plan and make it the present generation, whose number is given.

        Raises `InputError` where it cannot be written, or another daemon publishes
        here by now; then the generation before stays.
        """
        try:
            with self._right():
                generation = last_generation(self._directory) + 1
                files = compile_plan(authority, generation, self._seed)
                publish_plan(self._directory, files, generation)
                store_limits(self._run_dir, limits)
        except PlanError as error:
            raise InputError([Problem(f"the plan cannot be published: {error}")]) from None
        except OSError as error:
            what = f"the plan cannot be published: {error.filename}: {error.strerror}"
            raise InputError([Problem(what)]) from None
        return generation

    def present(self) -> tuple[int, float] | None:
        """Give the number of the present generation and when it was made; None without one."""
        current = load_current(self._directory)
        try:
            made_at_s = (self._directory / CURRENT).stat().st_mtime
        except OSError:
            return None
        return (current.generation, made_at_s) if current else None

    def open(self) -> Served | None:
        """Open the present generation as the workers have it; None without one.

        Raises `InputError` where it is refused: then the workers refuse it as well.
        """
        try:
            if load_current(self._directory) is None:
                return None
            plan = open_plan(self._directory)
            return Served(plan.generation, build_authority(plan))
        except PlanError as error:
            raise InputError([Problem(f"the published plan is refused: {error}")]) from None

    @contextmanager
    def _right(self) -> Iterator[None]:
        """Publish alone. Raises `PlanError` where somebody else has taken the right."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self._run_dir / _OWNER, flags, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if not self._has_claimed:
                os.ftruncate(fd, 0)
                os.pwrite(fd, self._name.encode(), 0)
                self._has_claimed = True
            elif os.pread(fd, 64, 0) != self._name.encode():
                raise PlanError("another daemon has taken over this run directory")
            yield
        finally:
            os.close(fd)
