"""`sparrow import-bind`: from BIND with Super Sparrow's driver to a configuration of sparrow."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sparrow.bindimport.rendering import ROUTES, Wanted, render_import
from sparrow.bindimport.statements import Source, parse_statements
from sparrow.bindimport.words import find_zones
from sparrow.cli.terminal import ending, say, say_problems
from sparrow.config.load import parse_config
from sparrow.errors import InputError, Problem
from sparrow.sources.aside import open_aside
from sparrow.sources.octets import load_octets

if TYPE_CHECKING:
    from sparrow.bindimport.statements import Include

_MAX_OCTETS = 2**26
"""As much as a configuration of sparrow may have."""


@click.command("import-bind")
@click.option(
    "-o",
    "--output-file",
    "target",
    metavar="FILE",
    help="The configuration to be written; without it stdout.",
)
@click.option(
    "--listen",
    metavar="ADDRESS:PORT",
    multiple=True,
    default=Wanted().listen,
    show_default=True,
    help="Where sparrow is to answer; may be given several times.",
)
@click.option(
    "--routes",
    metavar="FILE",
    multiple=True,
    help=f"A route file to be read in place of {ROUTES}; may be given several times.",
)
@click.argument("named_conf", metavar="NAMED.CONF")
def import_bind(
    *, target: str | None, listen: tuple[str, ...], routes: tuple[str, ...], named_conf: str
) -> None:
    """Write the configuration that answers as the `database "ss ..."` zones of NAMED.CONF did.

    Files that NAMED.CONF includes are read, too. Everything else in it is passed over.
    """
    with ending():
        statements = parse_statements(_load_source(named_conf), _including(named_conf))
        zones = find_zones(statements)
        if not zones:
            what = 'no zone in it has a database "ss ...", which is Super Sparrow\'s driver'
            raise InputError([Problem(what, named_conf)])
        imported = render_import(zones, Wanted(listen, tuple(map(os.path.abspath, routes))))
        name = target or "sparrow.yaml"
        say_problems("note", imported.notes)
        say_problems("warning", parse_config(imported.text, name).warnings)
        if target is None:
            print(imported.text, end="")
        else:
            with open_aside(target) as raw:
                raw.write(imported.text.encode())
            say(f"{target}: zones: {len(zones)}; try it with `sparrow check -c {target}`")


def _load_source(path: str) -> Source:
    """Read a file; what is not UTF-8 in it can only be in a comment. Raises `InputError`."""
    try:
        return Source(path, load_octets(path, _MAX_OCTETS).decode(errors="replace"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise InputError([Problem(f"it cannot be read: {reason or error}", path)]) from None


def _including(named_conf: str) -> Include:
    """Give what reads included files: from `directory` on, else from the first file's folder."""

    def include(pattern: str, directory: str) -> list[Source]:
        place = Path(named_conf).parent / directory / pattern
        found = sorted(glob.glob(str(place)))  # noqa: PTH207 (a pattern may be a whole path)
        if not found:
            raise InputError([Problem("there is no such file", str(place))])
        return [_load_source(path) for path in found]

    return include
