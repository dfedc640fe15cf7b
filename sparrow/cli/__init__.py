"""The command `sparrow`: each command builds values and calls one operation."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

import sparrow
from sparrow.cli.terminal import delivering

_PLACES = {
    "serve": ("serving", "serve"),
    "check": ("checking", "check"),
    "compile": ("compiling", "compile_"),
    "config": ("checking", "config"),
    "lookup": ("asking", "lookup"),
    "explain": ("asking", "explain"),
    "export": ("exporting", "export"),
    "status": ("running", "status"),
    "reload": ("running", "reload"),
    "site": ("sites", "site"),
    "simulate": ("simulating", "simulate"),
    "journal": ("journal", "journal"),
    "failover": ("failover", "failover"),
    "routes": ("routes", "routes"),
    "geo": ("geo", "geo"),
    "import-bind": ("bindimporting", "import_bind"),
    "supersparrow": ("supersparrow", "supersparrow"),
}
"""Module and name of each command."""


class _Commands(click.Group):
    """Imports a command when it is asked for: the start of a server waits for no other's."""

    def main(self, *arguments: Any, **settings: Any) -> Any:
        with delivering():
            return super().main(*arguments, **settings)

    def list_commands(self, _: click.Context) -> list[str]:
        return sorted(_PLACES)

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _PLACES:
            return None
        module, name = _PLACES[cmd_name]
        command: Any = getattr(import_module(f"sparrow.cli.{module}"), name)
        return command if isinstance(command, click.Command) else None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(sparrow.__version__, prog_name="sparrow")
def main() -> None:
    """Answer DNS with the address of the site that is nearest to each user."""
