"""Records as text, for people (RFC 1035 section 5.1). Start from `render_rrset`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.dns.rdatatext import render_rdata
from sparrow.dns.rrset import RRset, render_rtype
from sparrow.values.name import render_name

if TYPE_CHECKING:
    from collections.abc import Iterator


def render_rrset(rrset: RRset) -> Iterator[str]:
    """Give each record as a line `owner TTL IN TYPE rdata`."""
    for rdata in rrset.rdatas:
        text = render_rdata(rrset.rtype, rdata)
        yield f"{render_name(rrset.owner)} {rrset.ttl} IN {render_rtype(rrset.rtype)} {text}"
