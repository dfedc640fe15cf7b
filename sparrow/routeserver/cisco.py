"""Cisco IOS over telnet: Zebra's dialogue is modelled on it, its answers have more lines."""

from __future__ import annotations

from sparrow.routeserver.dialect import PAGING_OFF, Dialect
from sparrow.routeserver.entry import EntryReading

CISCO = Dialect(
    port=23,
    questions={4: "show ip bgp {}", 6: "show bgp ipv6 unicast {}"},
    begin=EntryReading,
    # A line that is longer than the terminal is wide is echoed in pieces.
    preparation=(PAGING_OFF, "terminal width 0"),
)
"""IOS pages by 24 lines unless it is told not to; both words are for unprivileged users."""
