"""Options that several commands have in common, and what they lead to.

Start from `config_option` and `connect_daemon`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sparrow.cli.place import config_option as config_option
from sparrow.cli.place import locate_config as locate_config
from sparrow.client import ANSWER_S, Connection, connect
from sparrow.config.load import load_config
from sparrow.config.locate import MAX_OCTETS, find_folders, find_run_dirs
from sparrow.config.model import ServerConfig
from sparrow.config.reader import read_document
from sparrow.config.tree import plain
from sparrow.errors import InputError
from sparrow.folders import read_cookie_secrets
from sparrow.sources.octets import load_octets

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.config.locate import Folders
    from sparrow.config.model import Config

json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "is_json", is_flag=True, help="Print JSON, for programs."
)


def connect_daemon(config_path: str, timeout_s: float = ANSWER_S) -> Connection:
    """Connect to the daemon of the configuration at an absolute path.

    Raises `InputError` where it cannot be told where that is, and `UnavailableError`
    where no daemon is there.
    """
    run_dirs = find_run_dirs(_load_server(config_path), config_path, os.environ, os.getuid())
    return connect(run_dirs, config_path, timeout_s)


def find_config_folders(config_path: str) -> Folders:
    """Give the folders of the configuration at an absolute path. Raises `InputError`."""
    return find_folders(_load_server(config_path), config_path, os.environ, os.getuid())


def _load_server(config_path: str) -> ServerConfig:
    """Read what says where the folders are.

    A configuration that is refused has them too, as long as it can be told where
    they are: when a reload was refused the daemon must still be found. Raises
    `InputError`.
    """
    try:
        return load_config(config_path).config.server
    except InputError:
        salvaged = _salvage_server(config_path)
        if salvaged is None:
            raise
        return salvaged


def _salvage_server(config_path: str) -> ServerConfig | None:
    """Read `server.run_dir` alone; None where not even that can be read."""
    path = Path(config_path)
    try:
        text = load_octets(config_path, MAX_OCTETS).decode("utf-8-sig")
        root = plain(read_document(text, config_path).root)
    except (OSError, ValueError, InputError):
        return None
    server = root.get("server", {}) if isinstance(root, dict) else None
    run_dir = server.get("run_dir") if isinstance(server, dict) else 0
    if run_dir is None:
        return ServerConfig()
    if not isinstance(run_dir, str):
        return None
    return ServerConfig().model_copy(update={"run_dir": str(path.parent / run_dir)})


def read_secrets(config_path: str) -> Callable[[Config], tuple[bytes, ...]]:
    """Give what reads the cookie secrets of a configuration and makes none that is missing."""

    def read(config: Config) -> tuple[bytes, ...]:
        folders = find_folders(config.server, config_path, os.environ, os.getuid())
        return read_cookie_secrets(folders.cookie_secret)

    return read


def find_refusal(config_path: str) -> str | None:
    """Say why a daemon would not start with a configuration; None where nothing shows.

    Of the files that it names no more is looked at than whether they are there.
    """
    try:
        config = load_config(config_path).config
    except InputError:
        return "the configuration as it is now would be refused"
    places = [
        *(route.file for route in config.route_files),
        *(zone.file for zone in config.zones),
        config.ranking.rtt,
        config.geo.file if config.geo else None,
    ]
    missing = sorted({path for path in places if path is not None and _is_missing(path)})
    if not missing:
        return None
    more = f" and {len(missing) - 1} more are" if missing[1:] else " is"
    return f"{missing[0]}{more} not there, so that a start would be refused"


def _is_missing(path: str) -> bool:
    """Tell whether nothing is at a path; of one that may not be looked at it is not known."""
    try:
        return not Path(path).exists()
    except OSError:
        return False
