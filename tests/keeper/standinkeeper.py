"""A keeper whose children are all `standin`: `standinkeeper.py [--replace] LAYOUT`."""

from __future__ import annotations

import sys
from pathlib import Path

from sparrow.errors import SparrowError
from sparrow.keeper import Keeper
from sparrow.keeping.layout import decode_layout
from sparrow.keeping.premises import enter
from sparrow.keeping.supervision import Kind
from sparrow.logs import start_log

STANDIN = (sys.executable, str(Path(__file__).with_name("standin.py")))


def main() -> int:
    start_log("text", "info")
    programs = dict.fromkeys(Kind, STANDIN)
    is_replacing = "--replace" in sys.argv
    try:
        layout = decode_layout(sys.argv[-1])
        return Keeper(layout, enter(layout, None, is_replacing=is_replacing), programs).run()
    except SparrowError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
