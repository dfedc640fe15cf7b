"""`sparrow check` and `config print`: what a configuration comes to."""

from __future__ import annotations

import os
import sys

import click

from sparrow.cli.options import config_option, locate_config, read_secrets
from sparrow.cli.progress import progress_bar
from sparrow.cli.terminal import ending, say, say_problems
from sparrow.config.load import load_config
from sparrow.config.locate import find_folders, settle
from sparrow.config.render import render_config
from sparrow.staging import Staging, stage


@click.command()
@config_option
def check(config_path: str | None) -> None:
    """Read the configuration, tables and zones as `serve` would; exit 0, or 2 with the list."""
    with ending():
        path = locate_config(config_path)
        with progress_bar("reading route tables") as progress:
            staged = stage(Staging(path, read_secrets(path), progress))
        say_problems("warning", staged.warnings)
        snapshot = staged.view.tables.snapshot
        count = len(staged.warnings)
        say(
            f"{path}: good. {len(staged.view.authority.zones.zones)} zones, "
            f"{len(snapshot.v4)} IPv4 and {len(snapshot.v6)} IPv6 prefixes, "
            f"{count} warning{'s' * (count != 1)}."
        )


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command("print")
@config_option
def config_print(config_path: str | None) -> None:
    """Print the whole effective configuration, every default filled in."""
    with ending():
        path = locate_config(config_path)
        loaded = load_config(path)
        folders = find_folders(loaded.config.server, path, os.environ, os.getuid())
        sys.stdout.write(render_config(settle(loaded.config, folders)))
