"""Options that several commands have in common, and what they lead to.

Start from `config_option` and `open_folders`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sparrow.config.load import load_config
from sparrow.config.locate import find_config, find_folders

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.config.locate import Folders

config_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "-c",
    "--config",
    "config_path",
    metavar="FILE",
    help="The configuration; without it $SPARROW_CONFIG, ./sparrow.yaml, "
    "/etc/sparrow/sparrow.yaml.",
)

json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "is_json", is_flag=True, help="Print JSON, for programs."
)


def locate_config(option: str | None) -> str:
    """Give the absolute path of the configuration. Raises `InputError` where there is none."""
    return str(Path(find_config(option, os.environ, os.path.exists)).absolute())


def find_config_folders(config_path: str) -> Folders:
    """Give the folders of the configuration at an absolute path. Raises `InputError`."""
    server = load_config(config_path).config.server
    return find_folders(server, config_path, os.environ, os.getuid())
