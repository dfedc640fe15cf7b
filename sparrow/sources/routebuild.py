"""A route file made of what dumps say.

Law: the file stands whole under its name or not at all, and `sources.files` reads it back
to what was chosen. Start from `write_routes`.
"""

from __future__ import annotations

import gzip
import io
from contextlib import contextmanager
from enum import StrEnum
from typing import IO, TYPE_CHECKING, BinaryIO

from sparrow.policy.preference import build_finder
from sparrow.sources.aside import open_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sparrow.policy.site import SiteSet
    from sparrow.rib.route import Route
    from sparrow.values.address import Prefix

_COMPRESSION = 6
"""Of gzip: its own default; 9 takes three times as long for 2 % less."""


class Output(StrEnum):
    """What stands behind each prefix."""

    ORIGIN = "origin"
    """The AS that announces it."""
    SITE = "site"
    """The AS number of the path that belongs to a site; the origin where none does."""
    PATH = "path"
    """The whole AS path."""


def renderer(output: Output, site_set: SiteSet | None) -> Callable[[Route], str]:
    """Give what renders a route; `site_set` must be there for `Output.SITE`."""
    if output is Output.PATH:
        return str
    if output is Output.ORIGIN or site_set is None:
        return _render_origin
    finder = build_finder(site_set)

    def render_site(route: Route) -> str:
        asn = finder.home(route).asn
        # Left out, the prefix would go where the one around it goes; its origin is of no
        # site, so that it goes to `self`, as its path would.
        return _render_origin(route) if asn is None else str(asn)

    return render_site


def _render_origin(route: Route) -> str:
    return str(route.hops[-1])


def write_routes(
    path: str, choices: Iterable[tuple[Prefix, Route]], render: Callable[[Route], str]
) -> int:
    """Write a route file of format `ssrs`, packed where its name ends in `.gz`.

    It is written aside and takes the place of what had its name. Gives the lines. Raises
    `FatalError` where it cannot be written; then the old file stands.
    """
    lines = 0
    with open_aside(path) as raw, _text_into(raw, is_packed=path.endswith(".gz")) as stream:
        for prefix, route in choices:
            stream.write(f"{prefix} {render(route)}\n")
            lines += 1
    return lines


@contextmanager
def _text_into(raw: BinaryIO, *, is_packed: bool) -> Iterator[IO[str]]:
    """Give a stream for text that ends up in `raw`, which stays open."""
    if is_packed:
        # Without a time and a name, equal routes give equal files.
        packed = gzip.GzipFile("", "wb", _COMPRESSION, raw, mtime=0)
        with packed, io.TextIOWrapper(packed, "ascii", newline="\n") as stream:
            yield stream
        return
    text = io.TextIOWrapper(raw, "ascii", newline="\n")
    yield text
    text.detach()
