"""The present plan of a directory, followed as generations come.

Law: who serves always has a whole plan; one that is refused changes nothing, and is
counted with the reason. Start from `PlanSource`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from sparrow.plan.format import GENERATION, GENERATION_MAGIC, PlanError
from sparrow.plan.reader import map_octets, open_file, open_plan, rest_file

if TYPE_CHECKING:
    from pathlib import Path

    from sparrow.plan.plan import Plan

GENERATION_FILE = "generation"
"""The file that holds the number of the present generation, where readers look for news."""


class PlanSource:
    """Follows a plan directory. One thread polls it; the plan it gives may go to others."""

    def __init__(self, directory: Path) -> None:
        """Open the directory and its present plan. Raises `PlanError`."""
        self._directory = directory
        self._file = _identify(directory / GENERATION_FILE)
        self._number = _map_generation(directory / GENERATION_FILE)
        self._seen = self._number[0]
        self._before: tuple[Plan, ...] = ()
        self.plan: Plan = open_plan(directory)
        """The plan to answer from."""
        self.refused = 0
        """Generations that were not taken."""
        self.last_refusal: str | None = None
        """Why the last of them was not; None where none was."""

    def poll(self) -> Plan:
        """Give the present plan, having looked whether there is another. Never raises."""
        self._find_number()
        number = self._number[0]
        if number == self._seen:
            return self.plan
        self._seen = number
        if number == self.plan.generation:
            return self.plan  # `current` was there before its number was
        try:
            self._before, self.plan = (self.plan,), self._open(number)
            self._rest_maps()
        except PlanError as error:
            self.refused += 1
            self.last_refusal = f"generation {number}: {error}"
        return self.plan

    def _find_number(self) -> None:
        """Map the number anew where its file is another: somebody has cleared the first away."""
        path = self._directory / GENERATION_FILE
        file = _identify(path)
        if file is not None and file != self._file:
            with suppress(PlanError):  # it is looked at again, and served on meanwhile
                self._number, self._file = _map_generation(path), file

    def _rest_maps(self) -> None:
        """Keep the maps that went at hand, but not in memory: at a reload they are gone for good.

        Loops that still answer from them read a few pages anew.
        """
        present = {each.file.name for each in self.plan.maps}
        for each in self._before[0].maps:
            if each.file.name not in present:
                with suppress(OSError):  # memory that is locked stays
                    rest_file(each.file)

    def _open(self, number: int) -> Plan:
        # Maps go and come back: those of the generation before are still at hand.
        plan = open_plan(self._directory, self.plan, *self._before)
        if plan.generation < number:
            raise PlanError(f"current still has generation {plan.generation}")
        return plan


def _identify(path: Path) -> tuple[int, int] | None:
    """Give device and inode of a file; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _map_generation(path: Path) -> memoryview:
    """Map the file and give its number as a view of one item, read with one load."""
    try:
        fd = open_file(path)
        try:
            size = os.fstat(fd).st_size
            octets = map_octets(fd, size) if size == GENERATION.size else memoryview(b"")
        finally:
            os.close(fd)
    except (OSError, PlanError) as error:
        raise PlanError(f"{path}: {error}") from None
    if bytes(octets[:8]) != GENERATION_MAGIC:
        raise PlanError(f"{path} does not hold the number of a generation")
    return octets[8:].cast("Q")
