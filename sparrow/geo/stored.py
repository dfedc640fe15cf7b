"""Where it is kept which country or place addresses belong to.

One table of countries comes with the program, and a newer one is in the state; others are
files that an operator names. Law: what is read is a whole table or an error, of bounded
size. Start from `load_present`.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.errors import InputError, Problem
from sparrow.geo.countries import Provenance, parse_tree
from sparrow.geo.listing import CountryList
from sparrow.sources.octets import load_octets
from sparrow.sources.parse import UNENDED_MAX

if TYPE_CHECKING:
    from sparrow.geo.countries import CountryTable
    from sparrow.geo.places import PlaceTable

BUILTIN = Path(__file__).with_name("countries.json.gz")
"""The table that comes with the program."""
STATE_FILE = "countries.json"
"""Name in a state directory of the table that `sparrow geo update` makes."""
_MAX_OCTETS = 128 * 2**20
"""Of a file of text, and of what is packed in it: real lists have 13 million octets."""
_MAX_DATABASE_OCTETS = 512 * 2**20
"""Of a database, and of what is packed in it: those of cities have 60 to 300 million octets."""
_GZIP_MAGIC = b"\x1f\x8b"


def load_present(state_dir: str) -> CountryTable:
    """Read the table of a state directory, or where it has none the one of the program.

    Raises `InputError` where a table cannot be read.
    """
    return load_countries(find_table(state_dir))


def load_countries(path: Path = BUILTIN) -> CountryTable:
    """Read a table that is kept as JSON, packed or not. Raises `InputError`."""
    text = load_text(str(path))
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = f"this is no JSON ({error}): make one with `sparrow geo update`"
        raise InputError([Problem(what, str(path))]) from None
    return parse_tree(tree, str(path))


def load_text(path: str) -> str:
    """Read a file of text in UTF-8, unpacked if it is gzip. Raises `InputError`.

    A byte order mark at its start stands for nothing.
    """
    octets = _load(path, _MAX_OCTETS)
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError([Problem("this is not a text file in UTF-8", path)]) from None


def load_lines(path: str) -> list[str]:
    """Read a list, a line for each item, as `load_text` does.

    Raises `InputError` for a large one, too, whose last line has no end.
    """
    text = load_text(path)
    lines = text.splitlines()
    if len(text) > UNENDED_MAX and not text.endswith(("\n", "\r")):
        what = "the file ends in the middle of this line, so it was cut off: write it anew"
        raise InputError([Problem(what, path, len(lines))])
    return lines


def load_listed(path: str) -> CountryTable:
    """Read a list of prefixes and countries, packed or not. Raises `InputError`."""
    found = CountryList()
    found.extend(load_lines(path), path)
    try:
        day = datetime.fromtimestamp(Path(path).stat().st_mtime, UTC).date().isoformat()
        return found.build(Provenance(Path(path).name, day, ""))
    except InputError as error:
        raise InputError(replace(each, file=path) for each in error.problems) from None
    except OSError as error:
        what = f"the file has gone: {error.strerror}"
        raise InputError([Problem(what, path)]) from None


def load_mmdb(path: str) -> PlaceTable:
    """Read a database in MaxMind's format, packed or not. Raises `InputError`."""
    # 50 ms and 2 MiB, for those alone who have such a database.
    from sparrow.geo.mmdb import decode_mmdb  # noqa: PLC0415

    return decode_mmdb(_load(path, _MAX_DATABASE_OCTETS), path)


def find_table(state_dir: str) -> Path:
    """Give the table of a state directory, or where it has none the one of the program."""
    path = Path(state_dir, STATE_FILE)
    return path if path.exists() else BUILTIN


def _load(path: str, most: int) -> bytes:
    """Read a file, unpacked if it is gzip, of `most` octets. Raises `InputError`."""
    try:
        return _unpack(load_octets(path, most), most)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        what = f"the gzip file is damaged, fetch it anew: {error}"
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        what = f"the file cannot be read: {why}"
    raise InputError([Problem(what, path)])


def _unpack(octets: bytes, most: int) -> bytes:
    """Unpack octets that are gzip; raises `ValueError` where too many come of it."""
    if not octets.startswith(_GZIP_MAGIC):
        return octets
    with gzip.GzipFile(fileobj=io.BytesIO(octets)) as packed:
        unpacked = packed.read(most + 1)
    if len(unpacked) > most:
        raise ValueError(f"it is over {most} octets long, unpacked")
    return unpacked
