"""Three sites, and tables for them written down line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from built_tables import build_snapshot

from sparrow.policy.site import Site, SiteSet
from sparrow.rib.route import parse_route
from sparrow.values.address import parse_address, parse_prefix
from sparrow.values.asn import AsnRange

if TYPE_CHECKING:
    from sparrow.rib.snapshot import Snapshot

SITE_SET = SiteSet(
    tuple(
        Site(name, (AsnRange(asn, asn),), (parse_address(f"203.0.113.{asn}"),))
        for asn, name in enumerate(("au", "nl", "us"), 1)
    )
)
"""au, nl and us own AS 1, 2 and 3; au is `self`."""


def table(text: str) -> Snapshot:
    """Build a table from lines of prefix and AS path; `;` ends a line, too."""
    lines = [
        line.split(maxsplit=1) for line in text.replace(";", "\n").splitlines() if line.split()
    ]
    return build_snapshot((parse_prefix(prefix), parse_route(path)) for prefix, path in lines)
