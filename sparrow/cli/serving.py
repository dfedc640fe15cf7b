"""`sparrow serve`, `check`, `config print`: from a configuration to a server."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

import click

from sparrow.cli.options import config_option, locate_config, read_secrets
from sparrow.cli.terminal import ending, progress_bar, say, say_problems
from sparrow.config.load import load_config
from sparrow.config.locate import find_folders, settle
from sparrow.config.render import render_config
from sparrow.daemon import Daemon, hold_signals
from sparrow.logs import start_log
from sparrow.staging import Staging, stage


@click.command()
@config_option
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the log on stderr is written.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="The least that is logged.",
)
def serve(config_path: str | None, log_format: str, log_level: str) -> None:
    """Answer DNS, and the route port, in the foreground until SIGTERM.

    SIGHUP reloads everything, as `sparrow reload` does.
    """
    start_log(log_format, log_level)
    hold_signals()
    with ending(logging.getLogger(__name__).error):
        with progress_bar("reading route tables") as progress:
            daemon = Daemon(locate_config(config_path), progress)
        asyncio.run(daemon.run())


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
