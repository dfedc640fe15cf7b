"""Which configuration a command is about; this imports little. Start from `config_option`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sparrow.config.locate import find_config

if TYPE_CHECKING:
    from collections.abc import Callable

config_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "-c",
    "--config",
    "config_path",
    metavar="FILE",
    help="The configuration; without it $SPARROW_CONFIG, ./sparrow.yaml, "
    "/etc/sparrow/sparrow.yaml.",
)


def locate_config(option: str | None) -> str:
    """Give the absolute path of the configuration. Raises `InputError` where there is none."""
    return str(Path(find_config(option, os.environ, os.path.exists)).absolute())
