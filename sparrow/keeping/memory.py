"""What a process gives back to the system after work that took much memory."""

from __future__ import annotations

import ctypes
import gc


def give_back() -> None:
    """Collect what is garbage, and return to the system what the C library holds in reserve.

    What is left is looked at no more until the next call: looking at a full table takes
    most of a second, and there is no garbage in it. Other C libraries than glibc have no call
    for the second part, and keep it.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
