"""The daemon of a first start: it reads the configuration before there is a charge for it.

Law: it tells its keeper the layout, or why there is none, and writes nothing; with its
charge it is a daemon as any other. Start from `main`; who calls it is `keeping.reserve`.
"""

from __future__ import annotations

from sparrow.errors import SparrowError
from sparrow.keeping.call import Call
from sparrow.keeping.configured import read_layout
from sparrow.launch import import_program


def main(arguments: list[str]) -> int:
    """Be the daemon that a reserve has called, for a configuration; give the exit code."""
    fileno, config_path = arguments
    call = Call(int(fileno))
    try:
        call.tell_layout(read_layout(config_path))
    except SparrowError as error:
        call.refuse(str(error))
        return 0
    daemon = import_program("daemon")
    charge = call.take_charge()
    if charge is None:
        return 0  # who wanted us is gone
    code: int = daemon.run(charge)
    return code
