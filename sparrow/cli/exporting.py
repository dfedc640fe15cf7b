"""`sparrow export`: the map in the formats of other programs."""

from __future__ import annotations

import os
import secrets
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

import click

from sparrow.cli.options import (
    config_option,
    connect_daemon,
    find_config_folders,
    locate_config,
)
from sparrow.cli.progress import progress_bar
from sparrow.cli.terminal import ending, say, say_problems
from sparrow.errors import FatalError, InputError, Problem, UnavailableError
from sparrow.exports.formats import FORMATS, MMDB, OF_NAMES, Wanted, render
from sparrow.folders import is_run_dir_taken
from sparrow.keeping.charge import PLAN
from sparrow.plan.compile import compile_plan
from sparrow.plan.format import PlanError
from sparrow.plan.publish import publish_plan
from sparrow.plan.reader import open_plan
from sparrow.staging import Staging, stage
from sparrow.values.name import parse_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from sparrow.exports.rendition import Rendition
    from sparrow.plan.plan import Plan

_MODE = 0o644
_LOOKS = 1024
"""Pieces between two looks at how far it is."""


@click.command()
@config_option
@click.option(
    "--format", "form", type=click.Choice(FORMATS), required=True, help="Who is to read it."
)
@click.option("--service", default="default", show_default=True, help="The service that counts.")
@click.option(
    "--name",
    "name_text",
    metavar="NAME",
    help=f"The steered name, for {' and '.join(OF_NAMES)}; may be left out where there is one.",
)
@click.option(
    "-o", "--output", "target", metavar="FILE", help="The file to be written; else stdout."
)
def export(
    config_path: str | None, form: str, service: str, name_text: str | None, target: str | None
) -> None:
    """Write which site each client address is sent to, for another program to read.

    It is what the server that runs answers at this moment, or what it would answer if
    all sites served where none runs. `docs/exports.md` describes the formats.
    """
    if name_text and form not in OF_NAMES:
        raise click.UsageError(f"--name is for {' and '.join(OF_NAMES)}: leave it out")
    if form == MMDB and target is None:
        raise click.UsageError(f"{MMDB} is no text: name the file with -o")
    with ending():
        wanted = Wanted(form, service, parse_name(name_text) if name_text else None)
        rendition = render(_open_present(locate_config(config_path)), wanted, int(time.time()))
        with progress_bar("writing", unit="blocks") as progress:
            if target is None:
                for piece in _watched(rendition, progress):
                    sys.stdout.write(cast("str", piece))
            else:
                _store(target, _watched(rendition, progress))


def _open_present(config_path: str) -> Plan:
    """Give the plan that is served, or that would be. Raises `InputError`, `FatalError`."""
    directory = _find_plan(config_path)
    try:
        if directory:
            say(f"reading the plan in {directory}")
            return open_plan(directory)
        say(f"no server runs; reading the files of {config_path}")
        return _compile(config_path)
    except PlanError as error:
        raise FatalError(f"the plan cannot be read: {error}") from None


def _find_plan(config_path: str) -> Path | None:
    """Give the plan's directory of the server that runs, also where its daemon does not."""
    try:
        with connect_daemon(config_path) as connection:
            run_dir = connection.run_dir
    except UnavailableError:
        run_dir = find_config_folders(config_path).run_dir
    directory = Path(run_dir, PLAN)
    return directory if is_run_dir_taken(run_dir) and directory.is_dir() else None


def _compile(config_path: str) -> Plan:
    """Give the plan of a configuration where all sites serve. Raises `InputError`, `PlanError`."""
    with progress_bar("reading route tables") as progress:
        staged = stage(Staging(config_path, progress=progress))
    say_problems("warning", staged.warnings)
    if staged.view.authority.steering is None:
        raise InputError([Problem("the configuration has no sites to export", config_path)])
    files = compile_plan(staged.view.authority, 1, secrets.randbits(64))
    with TemporaryDirectory(prefix="sparrow-export-") as folder:
        publish_plan(Path(folder, PLAN), files, 1)
        return open_plan(Path(folder, PLAN))  # mapped: it outlives its files


def _watched(
    rendition: Rendition, progress: Callable[[int, int], None] | None
) -> Iterator[str | bytes]:
    """Give the pieces, and tell how far it is."""
    for number, piece in enumerate(rendition.pieces):
        if progress and number % _LOOKS == 0:
            progress(number, rendition.size)
        yield piece
    if progress:
        progress(rendition.size, rendition.size)


def _store(path: str, pieces: Iterator[str | bytes]) -> None:
    """Write a file aside, which then takes the place of what had its name.

    Raises `FatalError` where it cannot be written; then the old file stands.
    """
    try:
        with _open_aside(Path(path)) as stream:
            for piece in pieces:
                stream.write(piece.encode("ascii") if isinstance(piece, str) else piece)
    except OSError as error:
        raise FatalError(f"{path}: cannot be written: {error.strerror or error}") from None


@contextmanager
def _open_aside(place: Path) -> Iterator[BinaryIO]:
    aside = place.with_name(f".{place.name}.{os.getpid()}.aside")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(descriptor)
        aside.rename(place)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise
