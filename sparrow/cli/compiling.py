"""`sparrow compile`: from a configuration to a plan."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sparrow.cli.options import config_option, locate_config, read_secrets
from sparrow.cli.progress import progress_bar
from sparrow.cli.terminal import ending, say, say_problems
from sparrow.plan.compile import compile_plan
from sparrow.plan.publish import last_generation, publish_plan
from sparrow.staging import Staging, stage

if TYPE_CHECKING:
    from sparrow.staging import Staged


@click.command("compile")
@config_option
@click.option(
    "-o",
    "--output",
    "directory",
    metavar="DIR",
    required=True,
    help="The plan's directory; it is made where it is missing.",
)
def compile_(config_path: str | None, directory: str) -> None:
    """Write the plan that `serve` would answer from, as the next generation in DIR.

    Who reads DIR meanwhile goes on with the generation before until the new one is
    whole.
    """
    with ending():
        path = locate_config(config_path)
        with progress_bar("reading route tables") as progress:
            staged = stage(Staging(path, read_secrets(path), progress))
        write_plan(staged, directory)


def write_plan(staged: Staged, directory: str) -> None:
    """Write the plan of what was staged as the next generation of a directory, and say so.

    Raises `InputError`, and then the generation before stands.
    """
    say_problems("warning", staged.warnings)
    folder = Path(directory)
    generation = last_generation(folder) + 1
    files = compile_plan(staged.view.authority, generation, secrets.randbits(64))
    publish_plan(folder, files, generation)
    octets = sum(map(len, (files.answers, *files.maps, files.outcomes)))
    say(f"{directory}: generation {generation}, {len(files.maps)} maps, {octets} octets.")
