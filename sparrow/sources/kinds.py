"""How a table is written, told by what is in it.

Law: as for dumps, the content decides and not the name. Start from `find_format`.
"""

from __future__ import annotations

from sparrow.errors import InputError, Problem
from sparrow.sources.dumps import find_dump_format
from sparrow.sources.line import RouteFormat
from sparrow.sources.rawfile import Meter, open_table, read_failure, read_pieces


def find_format(path: str) -> RouteFormat:
    """Tell how the file at `path` is written.

    Raises `InputError` where it cannot be read, where that cannot be told, and for the
    output of routers, of which `sparrow routes build` makes a route file first.
    """
    try:
        with open_table(path) as raw:
            found = find_dump_format(path, read_pieces(raw, Meter((), None)))
    except OSError as error:
        raise InputError([read_failure(path, error)]) from None
    try:
        return RouteFormat(found.value)
    except ValueError:
        what = (
            f"this is a dump of kind {found}: make a route file of it with `sparrow routes build`"
        )
        raise InputError([Problem(what, path)]) from None
