"""Where tables of countries are kept: one comes with the program, a newer one in the state.

Law: what is read is a whole table or an error, of bounded size. Start from `load_present`.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.errors import InputError, Problem
from sparrow.geo.countries import parse_tree
from sparrow.sources.octets import load_octets

if TYPE_CHECKING:
    from sparrow.geo.countries import CountryTable

BUILTIN = Path(__file__).with_name("countries.json.gz")
"""The table that comes with the program."""
STATE_FILE = "countries.json"
"""Name in a state directory of the table that `sparrow geo update` makes."""
_MAX_OCTETS = 128 * 2**20
"""Of a file, and of what is packed in it: real lists have 13 million octets."""
_GZIP_MAGIC = b"\x1f\x8b"


def load_present(state_dir: str) -> CountryTable:
    """Read the table of a state directory, or where it has none the one of the program.

    Raises `InputError` where a table cannot be read.
    """
    path = Path(state_dir, STATE_FILE)
    return load_countries(path if path.exists() else BUILTIN)


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
    """Read a file of text, unpacked if it is gzip. Raises `InputError`."""
    try:
        return _unpack(load_octets(path, _MAX_OCTETS)).decode("ascii")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        what = f"the gzip file is damaged, fetch it anew: {error}"
    except UnicodeDecodeError:
        what = "this is not a text file"
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        what = f"the file cannot be read: {why}"
    raise InputError([Problem(what, path)])


def _unpack(octets: bytes) -> bytes:
    """Unpack octets that are gzip; raises `ValueError` where too many come of it."""
    if not octets.startswith(_GZIP_MAGIC):
        return octets
    with gzip.GzipFile(fileobj=io.BytesIO(octets)) as packed:
        unpacked = packed.read(_MAX_OCTETS + 1)
    if len(unpacked) > _MAX_OCTETS:
        raise ValueError(f"it is over {_MAX_OCTETS} octets long, unpacked")
    return unpacked
