"""The one place that chooses a twin: native, or pure where SPARROW_PURE is 1.

Law: both twins answer and count alike; who serves imports from here and asks no
further. Start from `Responder` and `UdpLoop`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

IS_PURE = os.environ.get("SPARROW_PURE") == "1"
"""Whether the pure twin was chosen."""

# To a type checker both are the pure ones, which define what they do.
if TYPE_CHECKING or IS_PURE:
    from sparrow.plan.pureloop import Responder, UdpLoop
else:
    from sparrow.plan.native import Responder, UdpLoop

__all__ = ["IS_PURE", "Responder", "UdpLoop"]
