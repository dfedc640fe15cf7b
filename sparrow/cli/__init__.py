"""The command `sparrow`: each command builds values and calls one operation."""

from __future__ import annotations

import click

import sparrow
from sparrow.cli.asking import explain, lookup
from sparrow.cli.compiling import compile_
from sparrow.cli.running import reload, status
from sparrow.cli.serving import check, config, serve


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(sparrow.__version__, prog_name="sparrow")
def main() -> None:
    """Answer DNS with the address of the site that is nearest to each user."""


for command in (serve, check, compile_, config, lookup, explain, status, reload):
    main.add_command(command)
