"""The one place that chooses how tables are worked on: natively, or purely where SPARROW_PURE is 1.

Law: both ways give the same. The pure code defines it, and stands where it belongs; the
native code is one module. Who has a native way asks `IS_PURE`, and nobody else asks.
"""

from __future__ import annotations

import os

IS_PURE = os.environ.get("SPARROW_PURE") == "1"
"""Whether the pure code was chosen, which needs no extension to be built."""

try:
    from sparrow.rib import native
except ImportError:
    if not IS_PURE:
        raise
    native = None  # type: ignore[assignment]

__all__ = ["IS_PURE", "native"]
