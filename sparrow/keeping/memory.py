"""What a process gives back to the system after work that took much memory."""

from __future__ import annotations

import ctypes
import gc


def give_back() -> None:
    """Collect what is garbage, and return to the system what the C library holds in reserve.

    Takes a tenth of a second. Other C libraries than glibc have no such call, and keep it.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
