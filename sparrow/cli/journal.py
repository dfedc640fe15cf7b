"""`sparrow journal`: what happened to sites, orders and tables, as the daemon wrote it down."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sparrow.cli.options import (
    config_option,
    connect_daemon,
    find_config_folders,
    json_option,
    locate_config,
)
from sparrow.cli.terminal import ending
from sparrow.cli.times import parse_since
from sparrow.errors import UnavailableError
from sparrow.keeping.journal import JOURNAL, read_journal
from sparrow.keeping.telling import render_fields
from sparrow.values.moment import render_moment

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command()
@config_option
@json_option
@click.option(
    "--since",
    metavar="TIME",
    help="Leave out what is older: a time with its zone, or a span such as 2h.",
)
def journal(config_path: str | None, since: str | None, *, is_json: bool) -> None:
    """Print what happened, the oldest first: transitions of sites, orders, tables.

    It is read from the state directory, whether a daemon runs or not.
    """
    with ending():
        since_s = parse_since("--since", since, time.time()) if since else 0.0
        state_dir = _find_state_dir(locate_config(config_path))
        for row in read_journal(Path(state_dir, JOURNAL), since_s):
            print(json.dumps(row) if is_json else _render(row))


def _find_state_dir(path: str) -> str:
    """Give the folder that the daemon writes to; it knows best, as systemd may have named it."""
    folders = find_config_folders(path)
    try:
        with connect_daemon(path) as connection:
            return str(connection.ask("status")["state_dir"] or folders.state_dir)
    except UnavailableError:
        return folders.state_dir


def _render(row: Mapping[str, Any]) -> str:
    fields = {key: value for key, value in row.items() if key not in {"at", "event"}}
    return f"{render_moment(row['at'])} {render_fields(row['event'], fields)}"
