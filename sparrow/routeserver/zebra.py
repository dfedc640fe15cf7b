"""The vty of Zebra's `bgpd`, and of Quagga's and FRR's, which differ in few words."""

from __future__ import annotations

from sparrow.routeserver.dialect import PAGING_OFF, Dialect
from sparrow.routeserver.entry import EntryReading

ZEBRA = Dialect(
    port=2605,
    questions={4: "show ip bgp {}", 6: "show bgp ipv6 {}"},
    begin=EntryReading,
    preparation=(PAGING_OFF,),
)
"""All of them understand these words, and page where `line vty` or the service says so."""
