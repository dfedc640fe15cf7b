"""Which dialect each kind of route server speaks. Start from `DIALECTS`."""

from __future__ import annotations

from sparrow.routeserver.cisco import CISCO
from sparrow.routeserver.gated import GATED
from sparrow.routeserver.server import Kind
from sparrow.routeserver.ssrs import SSRS
from sparrow.routeserver.zebra import ZEBRA

DIALECTS = {Kind.ZEBRA: ZEBRA, Kind.GATED: GATED, Kind.SSRS: SSRS, Kind.CISCO: CISCO}
"""All of them."""
