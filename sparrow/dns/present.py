"""Records as text, for people (RFC 1035 section 5.1). Start from `render_rrset`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dnslib import QTYPE, RD, RDMAP, DNSError
from dnslib.label import DNSBuffer

from sparrow.dns.rrset import RRset, render_rtype
from sparrow.values.name import render_name

if TYPE_CHECKING:
    from collections.abc import Iterator


def render_rrset(rrset: RRset) -> Iterator[str]:
    """Give each record as a line `owner TTL IN TYPE rdata`."""
    for rdata in rrset.rdatas:
        text = render_rdata(rrset.rtype, rdata)
        yield f"{render_name(rrset.owner)} {rrset.ttl} IN {render_rtype(rrset.rtype)} {text}"


def render_rdata(rtype: int, rdata: bytes) -> str:
    """Give the text of rdata; that of RFC 3597 section 5 where dnslib knows no other."""
    try:
        shape = RDMAP.get(QTYPE.get(rtype), RD)
        return str(shape.parse(DNSBuffer(rdata), len(rdata)).toZone())
    except (DNSError, ValueError):
        return str(RD(rdata))
