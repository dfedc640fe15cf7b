"""`sparrow supersparrow`, also installed as `supersparrow`: Super Sparrow's own program."""

from __future__ import annotations

import sys
import time
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

import sparrow
from sparrow.cli.terminal import delivering, ending, say
from sparrow.errors import InputError, Problem
from sparrow.sources.octets import load_octets
from sparrow.supersparrow.conf import parse_conf
from sparrow.supersparrow.settings import (
    build_settings,
    describe_idle,
    describe_settings,
    read_values,
)
from sparrow.supersparrow.vocabulary import VOCABULARY, Reach
from sparrow.supersparrow.words import read_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

    from sparrow.supersparrow.asking import Answer
    from sparrow.supersparrow.settings import Settings
    from sparrow.supersparrow.words import Given, Words

NAME = "supersparrow"

_MAX_CONF = 2**20
"""Octets of a file with options: a thousand times what anybody needs."""
_MAX_LINE = 4096
"""Octets of a line of stdin; an address has 45 at most."""


class _Verbatim(click.Command):
    """A command whose words click leaves alone: the options are those of another program."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params = {"words": tuple(args)}
        return []


@click.command(NAME, cls=_Verbatim, add_help_option=False)
def supersparrow(words: tuple[str, ...]) -> None:
    """Tell which site is nearest to an address, as Super Sparrow's program does."""
    with ending(_tell):
        line = read_words(words)
        values = read_values(line.given)
        if values["help"]:
            print("\n".join(_describe_usage()))
        elif values["version"]:
            print(f"{NAME}, version {sparrow.__version__}")
        else:
            _run(line, _load_conf(values["config_file"], line.given))


def main() -> None:
    """Be the program `supersparrow`."""
    with delivering():
        supersparrow(prog_name=NAME)


def _tell(text: str) -> None:
    say(f"{NAME}: {text}")


def _load_conf(path: str, given: Sequence[Given]) -> tuple[Given, ...]:
    """Give the options of the file; none where the usual one is not there."""
    try:
        text = load_octets(path, _MAX_CONF).decode("utf-8-sig")
    except FileNotFoundError as error:
        if not any(each.option.name == "config_file" for each in given):
            return ()
        raise InputError([Problem(f"cannot be read: {error.strerror}", path)]) from None
    except OSError as error:
        raise InputError([Problem(f"cannot be read: {error.strerror}", path)]) from None
    except ValueError as error:
        raise InputError([Problem(f"cannot be read: {error}", path)]) from None
    return parse_conf(text, path)


def _run(line: Words, in_file: tuple[Given, ...]) -> None:
    values = read_values(line.given, in_file)
    settings = build_settings(values)
    if not line.rest and not settings.is_batch:
        what = "there is no address: give one, or batch to read them from stdin"
        raise InputError([Problem(what)])
    for problem in describe_idle(line.given, in_file):
        _tell(str(problem))
    if settings.is_debug:
        _tell("; ".join(describe_settings(values)))
    if not settings.peers:
        _tell("there is no peer, so every answer is self")
    texts = line.rest or (_read_lines(sys.stdin.buffer) if sys.stdin else ())
    with _open(settings) as answer:
        for text in texts:
            print(answer(text), flush=True)


@contextmanager
def _open(settings: Settings) -> Iterator[Callable[[str], Answer]]:
    """Give what answers a text; notes go to stderr meanwhile."""
    # These take as long to import as all of the rest, and help and mistakes need none of them.
    from sparrow.routeserver.client import RouteServerClient  # noqa: PLC0415
    from sparrow.supersparrow.asking import Asking, Source, build_server  # noqa: PLC0415
    from sparrow.supersparrow.background import BackgroundLoop  # noqa: PLC0415
    from sparrow.supersparrow.notes import Notes  # noqa: PLC0415

    with BackgroundLoop() as loop:
        client = RouteServerClient(build_server(settings), timeout_s=settings.timeout_s)
        asking = Asking(settings, client, time.monotonic)
        notes = Notes(settings, _tell, time.monotonic)

        def answer(text: str) -> Answer:
            began = time.monotonic()
            try:
                given = loop.wait_for(asking.answer(text))
            except Exception as error:  # noqa: BLE001  (a fault of ours: who asks goes on asking)
                _tell("".join(traceback.format_exception(error)))
                given = asking.give_own(Source.NO_ANSWER, f"a fault of the program: {error!r}")
            notes.take(text, given, time.monotonic() - began)
            return given

        try:
            yield answer
        finally:
            loop.wait_for(client.close())


def _read_lines(stream: BinaryIO) -> Iterator[str]:
    """Give the lines of a stream; of one that is too long its beginning."""
    while line := stream.readline(_MAX_LINE):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(_MAX_LINE)
        yield line.decode("utf-8", "replace")


def _describe_usage() -> Iterator[str]:
    yield f"Usage: {NAME} [OPTIONS] ADDRESS..."
    yield f"       {NAME} [OPTIONS] --batch < ADDRESSES"
    yield ""
    yield "Tell which site is nearest to an address, as Super Sparrow's program does:"
    yield "the peer whose AS number is in the best path to it, or else self."
    yield ""
    yield "Each option can stand in the file too, as a line `name value`; the command"
    yield "line wins. A route server's port is that of its kind, unless it is given."
    yield ""
    for option in VOCABULARY.values():
        default = "" if option.is_flag or option.default is None else f" [{option.default}]"
        value = f" {option.metavar}" if option.metavar else ""
        idle = "; no effect here" if option.reach is Reach.DNS else ""
        yield f"  --{option.name + value:<24} {option.about}{idle}{default}"
