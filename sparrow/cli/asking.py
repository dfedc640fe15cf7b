"""`sparrow lookup` and `explain`: what happens to an address, and why.

Both ask the running daemon where there is one, and read the files otherwise;
stderr says which.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from sparrow.cli.options import config_option, connect_daemon, json_option, locate_config
from sparrow.cli.progress import progress_bar
from sparrow.cli.terminal import ending, say, say_problems
from sparrow.config.locate import VARIABLE
from sparrow.control.explain import explain as explain_case
from sparrow.control.explain import explanation_facts, render_explanation
from sparrow.control.lookup import Found, look_up
from sparrow.control.requests import parse_case
from sparrow.errors import InputError, Problem, UnavailableError
from sparrow.rib.table import build_rib
from sparrow.sources.files import RouteFile, load_snapshot
from sparrow.sources.line import RouteFormat
from sparrow.staging import Staging, stage
from sparrow.values.address import parse_address, render_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from io import BufferedReader

    from sparrow.policy.steering import Steering
    from sparrow.rib.table import Rib

DEFAULT_ROUTES = "/etc/ssrs.routes"
"""The route file of those who have no configuration."""
_PIECE = 2048
"""Octets of stdin read at once; they hold fewer addresses than a request may."""


@click.command()
@config_option
@click.option("--routes", "routes_path", metavar="FILE", help="Ask this route file alone.")
@click.option(
    "--format",
    "route_format",
    type=click.Choice([str(each) for each in RouteFormat]),
    help="Format of the --routes file; ssrs unless given.",
)
@json_option
@click.argument("addresses", nargs=-1, required=True)
def lookup(
    config_path: str | None,
    routes_path: str | None,
    route_format: str | None,
    addresses: tuple[str, ...],
    *,
    is_json: bool,
) -> None:
    """Print the route of each ADDRESS, and its site; `-` reads addresses from stdin.

    One line per address, in order: PREFIX AS, then behind tabs SITE and VIPS where
    a configuration is given. Without a match `ADDRESS -`, and where something else
    tells a site (distance, time, an override) SITE, VIPS and what it rests on behind
    tabs. Exits with 1 if of any address nothing was known.
    """
    if route_format and not routes_path:
        raise click.UsageError("--format is that of the --routes file: name the file too")
    with ending():
        if routes_path:
            chosen = RouteFormat(route_format) if route_format else RouteFormat.SSRS
            find = _finder_of_file(RouteFile(routes_path, chosen))
        else:
            find = _open_finder(config_path)
        is_complete = True
        for batch in _read_batches(addresses):
            for found in find(batch):
                print(json.dumps(asdict(found)) if is_json else found.render())
                is_complete = is_complete and found.is_known
            sys.stdout.flush()
    sys.exit(0 if is_complete else 1)


def _read_batches(words: Iterable[str]) -> Iterator[list[bytes]]:
    """Pack the addresses of the command line, at most `MAX_ADDRESSES` at once.

    `-` stands for the lines of stdin, which are answered as they come.
    """
    for word in words:
        if word == "-":
            yield from _read_stdin()
        else:
            yield [parse_address(word)]


def _read_stdin() -> Iterator[list[bytes]]:
    if sys.stdin is None:
        raise InputError([Problem("stdin is closed: `-` reads addresses from it")])
    stream = cast("BufferedReader", sys.stdin.buffer)
    number, rest = 0, b""
    while piece := stream.read1(_PIECE):
        *lines, rest = (rest + piece).split(b"\n")
        yield [_parse_line(line, at) for at, line in enumerate(lines, number + 1)]
        number += len(lines)
    if rest:
        yield [_parse_line(rest, number + 1)]


def _parse_line(line: bytes, number: int) -> bytes:
    try:
        return parse_address(line.decode("utf-8", "backslashreplace").strip())
    except InputError as error:
        raise InputError([Problem(error.problems[0].what, "stdin", number)]) from None


def _open_finder(config_option_value: str | None) -> Callable[[list[bytes]], list[Found]]:
    """Find out whom to ask: the daemon of the configuration, its files, or the default table."""
    try:
        config_path = locate_config(config_option_value)
    except InputError as error:
        if config_option_value is not None or os.environ.get(VARIABLE):
            raise
        if not Path(DEFAULT_ROUTES).exists():
            what = "nor is there this route file; --routes names another"
            raise InputError([*error.problems, Problem(what, DEFAULT_ROUTES)]) from None
        return _finder_of_file(RouteFile(DEFAULT_ROUTES))
    try:
        connection = connect_daemon(config_path)
        click.get_current_context().with_resource(connection)
    except UnavailableError as error:
        say(f"{error}; reading the files of {config_path}")
        with progress_bar("reading route tables") as progress:
            view = stage(Staging(config_path, progress=progress)).view
        return _finder_of(build_rib(view.tables.snapshot), view.authority.steering)
    say(f"asking the daemon of {config_path}")
    return lambda batch: [
        Found(**row)
        for row in connection.ask("lookup", addresses=list(map(render_address, batch)))["rows"]
    ]


def _finder_of_file(file: RouteFile) -> Callable[[list[bytes]], list[Found]]:
    say(f"reading {file.path}")
    with progress_bar("reading route table") as progress:
        loaded = load_snapshot([file], progress)
    say_problems("warning", loaded.warnings)
    return _finder_of(build_rib(loaded.snapshot), None)


def _finder_of(rib: Rib, steering: Steering | None) -> Callable[[list[bytes]], list[Found]]:
    return lambda batch: [look_up(address, rib, steering) for address in batch]


@click.command()
@config_option
@click.option("--from", "source", metavar="ADDRESS", required=True, help="Who sends the query.")
@click.option("--subnet", metavar="PREFIX", help="Client subnet that the query carries.")
@json_option
@click.argument("name")
@click.argument("rtype", metavar="[TYPE]", default="A")
def explain(
    config_path: str | None,
    source: str,
    subnet: str | None,
    name: str,
    rtype: str,
    *,
    is_json: bool,
) -> None:
    """Say why a query for NAME is answered as it is, from the address to the records.

    TYPE is A unless given.
    """
    arguments = {"name": name, "type": rtype, "from": source, "subnet": subnet}
    with ending():
        result = _explain(locate_config(config_path), arguments)
    print(json.dumps(result["facts"]) if is_json else "\n".join(result["lines"]))


def _explain(config_path: str, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        with connect_daemon(config_path) as connection:
            say(f"asking the daemon of {config_path}")
            return dict(connection.ask("explain", **arguments))
    except UnavailableError as error:
        say(f"{error}; reading the files of {config_path}")
    case = parse_case(arguments)
    with progress_bar("reading route tables") as progress:
        view = stage(Staging(config_path, progress=progress)).view
    rib = build_rib(view.tables.snapshot)
    found = explain_case(view.authority, rib, case, view=view)
    return {"lines": render_explanation(found), "facts": explanation_facts(found)}
