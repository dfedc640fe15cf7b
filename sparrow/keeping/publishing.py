"""What the daemon tells the workers: outcomes, generations of the plan, and limits.

Law: one daemon at a time publishes in a run directory. Who starts takes the right,
and who lost it publishes no more, so a predecessor that is about to leave cannot undo
what its successor did. Start from `Publisher`.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sparrow.control.explain import Served
from sparrow.errors import InputError, Problem, UnwrittenError
from sparrow.keeping.charge import PLAN
from sparrow.keeping.settings import store_limits
from sparrow.plan.board import OutcomeBoard, Written
from sparrow.plan.compile import compile_plan, have_equal_answers, list_maps
from sparrow.plan.fallback import build_authority
from sparrow.plan.format import NOWHERE, PlanError, UnwrittenPlanError
from sparrow.plan.maps import encode_map, merge_map
from sparrow.plan.outcomes import Column, merge_classes
from sparrow.plan.publish import Remap, Ways, last_generation, load_current, publish_plan
from sparrow.plan.reader import CURRENT, open_plan
from sparrow.plan.watch import GENERATION_FILE
from sparrow.policy.outcome import ALL_SERVING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sparrow.dns.respond import Authority
    from sparrow.keeping.layout import TcpLimits
    from sparrow.plan.board import Table
    from sparrow.plan.compile import PlanFiles
    from sparrow.plan.reader import Current, FileEntry
    from sparrow.policy.outcome import Conditions
    from sparrow.policy.steering import AddressMap

_OWNER = "publisher"
"""File of the run directory that says who publishes."""


@dataclass(frozen=True, slots=True)
class _Published:
    """What this daemon made the present generation last."""

    authority: Authority
    """What it was compiled of."""
    current: Current
    """Its files, the maps with all their classes."""
    map_numbers: tuple[int, ...]
    """Number of the map by number of the policy."""
    is_coarse: bool = False
    """Whether maps with merged classes are in the place of these."""


class Publisher:
    """The right to publish in a run directory.

    `write` may be called from any thread at any time; all else is for one thread at a time,
    as it may take seconds.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._directory = run_dir / PLAN
        self._name = secrets.token_hex(8)
        self._has_claimed = False
        # A seed of its own for each daemon: nobody can make names that collide.
        self._seed = secrets.randbits(64)
        self._board = OutcomeBoard(self._directory)
        self._published: _Published | None = None
        self._last_generation = 0
        self._is_told = False

    # Outcomes.

    def write(self, conditions: Conditions) -> Written:
        """Have whoever answers do so as the sites stand, and tell what became of it.

        The words of a plan that was there before us are written as well. Where nothing
        differs, nothing is done. A daemon that lost the right writes nothing. Raises
        `InputError` where the right cannot be taken.
        """
        self._is_told = True
        return self._write(conditions)

    def _write(self, conditions: Conditions) -> Written:
        with _telling():
            if not self._has_claimed:
                with self._right():
                    self._board.open()
            elif not self._has_right():
                return Written(0, has_moved=False)
            return self._board.write(conditions)

    def list_sites(self) -> tuple[str, ...]:
        """Give the names of the sites that answers can follow; () before the first `write`."""
        return self._board.list_sites()

    # Generations.

    def publish(
        self, authority: Authority, limits: TcpLimits, conditions: Conditions = ALL_SERVING
    ) -> int:
        """Compile a plan and make it the present generation, whose number is given.

        Where nothing but routes differs from what was published last, only the maps are
        written. `conditions` count until `write` is called: from then on what it was told last
        does, as these may be older by now. Raises `InputError` where it cannot be written, or
        another daemon publishes here by now; then the generation before stays.
        """
        if not self._is_told:
            self._write(conditions)
        with _telling(), self._right():
            generation = self._next_generation()
            last = self._published
            if last and self._is_present(last) and have_equal_answers(last.authority, authority):
                maps, _ = list_maps(authority)
                files: PlanFiles | Remap = Remap(
                    tuple(encode_map(each, generation) for each in maps)
                )
            else:
                files = compile_plan(authority, generation, self._seed, conditions)
            self._publish_files(authority, files, generation)
            store_limits(self._run_dir, limits)
        return generation

    def _next_generation(self) -> int:
        """Give a number that is above those of the directory, and above all that we gave.

        The directory may have been cleared away, and workers take no notice of a plan whose
        number they have.
        """
        self._last_generation = max(last_generation(self._directory), self._last_generation) + 1
        return self._last_generation

    def _publish_files(
        self, authority: Authority, files: PlanFiles | Remap, generation: int
    ) -> None:
        """Make the files of an authority the present generation."""
        _, map_numbers = list_maps(authority)
        current = publish_plan(self._directory, files, generation, Ways(self._board.admit))
        self._take_up(_Published(authority, current, map_numbers))

    # Damage.

    def find_damage(self, *, is_thorough: bool) -> str | None:
        """Say what is wrong with the files that we published last; None for nothing.

        Workers answer from what they have mapped, but the next one could not begin. Every
        octet is read where it is to be thorough, else names and sizes are looked at. None
        as well where another daemon publishes.
        """
        last = self._published
        if last is None or not self._has_right():
            return None
        lack = self._find_lack(last)
        if lack is not None or not is_thorough:
            return lack
        try:
            open_plan(self._directory)
        except PlanError as error:
            return str(error)
        return None

    def mend(self) -> int | None:
        """Write what we published last anew, whole; give its generation. Raises `InputError`.

        None where nothing was published.
        """
        last = self._published
        if last is None:
            return None
        with _telling(), self._right():
            generation = self._next_generation()
            files = compile_plan(last.authority, generation, self._seed)
            self._publish_files(last.authority, files, generation)
        return generation

    def _find_lack(self, published: _Published) -> str | None:
        """Say which file is missing, or is cut; maps that may come back count as well."""
        current = load_current(self._directory)
        if current is None:
            return f"{CURRENT} is missing or damaged"
        if not (self._directory / GENERATION_FILE).is_file():
            return f"{GENERATION_FILE} is missing"
        maps = (*current.maps, *published.current.maps)
        for entry in (current.answers, *maps, current.outcomes):
            try:
                size = (self._directory / entry.name).stat().st_size
            except OSError as error:
                return f"{entry.name}: {error.strerror}"
            if size != entry.size:
                return f"{entry.name} has {size} octets instead of {entry.size}"
        return None

    @property
    def is_coarse(self) -> bool:
        """Tell whether scopes are as wide as the outcomes of a moment allowed."""
        return self._published is not None and self._published.is_coarse

    def coarsen(self) -> int | None:
        """Make scopes as wide as the present outcomes allow; give the generation that has them.

        None where they are, or where what is served is not ours. Answers go on as they
        are: maps are published in which classes of equal outcomes are one. Call `refine`
        when outcomes have moved. Raises `InputError`, and `refine` is as before.
        """
        last = self._published
        table = self._board.table(last.current.outcomes.name) if last else None
        if last is None or last.is_coarse or table is None:
            return None
        merged = _merge(last, table)
        coarse = _merge_maps(last, merged)
        if not any(coarse):
            return None
        with _telling(), self._right():
            if not self._is_present(last):
                return None
            # Their answers are kept no longer than those of any class that they will stand for.
            self._board.merge(table.name, _by_policy(last, merged))
            generation = self._next_generation()
            maps = tuple(
                encode_map(each, generation) if each else entry
                for each, entry in zip(coarse, last.current.maps, strict=True)
            )
            self._publish_maps(maps, generation, last.current.maps)
            self._published = replace(last, is_coarse=True)
        return generation

    def refine(self) -> int | None:
        """Take the maps with all their classes back; give the generation, None where it is there.

        Raises `InputError`.
        """
        last = self._published
        if last is None or not last.is_coarse:
            return None
        with _telling(), self._right():
            generation = self._next_generation()
            self._publish_maps(last.current.maps, generation, last.current.maps)
            self._published = replace(last, is_coarse=False)
            self._board.merge(last.current.outcomes.name, {})
        return generation

    def _publish_maps(
        self,
        maps: tuple[bytes | FileEntry, ...],
        generation: int,
        kept: tuple[FileEntry, ...],
    ) -> None:
        ways = Ways(self._board.admit, kept)
        publish_plan(self._directory, Remap(maps), generation, ways)

    def _take_up(self, published: _Published) -> None:
        """Remember what is present, and let go of the outcomes that nobody answers from."""
        before = self._published
        self._published = published
        outcomes = {each.current.outcomes.name for each in (before, published) if each}
        if before is not None and before.current.outcomes != published.current.outcomes:
            self._board.keep(outcomes)
        self._board.merge(published.current.outcomes.name, {})

    def _is_present(self, published: _Published) -> bool:
        """Tell whether the answers that we published last are those of the present generation."""
        current = load_current(self._directory)
        is_ours = current is not None and current.answers == published.current.answers
        return is_ours and self._find_lack(published) is None

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

    def _has_right(self) -> bool:
        """Tell whether nobody has taken the right since we did.

        Where somebody has cleared the run directory away, workers still answer from what
        they have mapped, and nobody but us can have them follow the sites.
        """
        try:
            return (self._run_dir / _OWNER).read_text("ascii") == self._name
        except FileNotFoundError:
            return True
        except (OSError, ValueError):
            return False

    @contextmanager
    def _right(self) -> Iterator[None]:
        """Publish alone. Raises `PlanError` where somebody else has taken the right.

        A file that is empty was cleared away, so that nobody has the right that we had.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self._run_dir / _OWNER, flags, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            owner = os.pread(fd, 64, 0)
            if not self._has_claimed or not owner:
                os.ftruncate(fd, 0)
                os.pwrite(fd, self._name.encode(), 0)
                self._has_claimed = True
            elif owner != self._name.encode():
                raise PlanError("another daemon has taken over this run directory")
            yield
        finally:
            os.close(fd)


@contextmanager
def _telling() -> Iterator[None]:
    """Say why nothing could be published. Raises `InputError`, or its `UnwrittenError`."""
    try:
        yield
    except UnwrittenPlanError as error:
        raise UnwrittenError([Problem(f"the plan cannot be published: {error}")]) from None
    except PlanError as error:
        raise InputError([Problem(f"the plan cannot be published: {error}")]) from None
    except OSError as error:
        what = f"the plan cannot be published: {error.filename}: {error.strerror}"
        raise UnwrittenError([Problem(what)]) from None


def _merge(last: _Published, table: Table) -> dict[int, tuple[int, ...]]:
    """Give for each map the class that stands for each of its classes, as outcomes are now."""
    columns: dict[int, list[Column]] = {}
    at = 0
    for number, policy in zip(last.map_numbers, table.meta.policies, strict=True):
        end = at + len(policy.classes)
        if number != NOWHERE:
            columns.setdefault(number, []).append(Column(policy.classes, table.words[at:end]))
        at = end
    return {number: merge_classes(found) for number, found in columns.items()}


def _merge_maps(
    last: _Published, merged: Mapping[int, tuple[int, ...]]
) -> tuple[AddressMap | None, ...]:
    """Give for each map the one with merged classes; None where nothing is won."""
    maps, _ = list_maps(last.authority)
    return tuple(merge_map(each, merged[number]) for number, each in enumerate(maps))


def _by_policy(
    last: _Published, merged: Mapping[int, tuple[int, ...]]
) -> dict[int, tuple[int, ...]]:
    return {
        policy: merged[number] for policy, number in enumerate(last.map_numbers) if number in merged
    }
