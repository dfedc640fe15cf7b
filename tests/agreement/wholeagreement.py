"""What differs between a sparrow and another server, header, glue and truncation included.

A server may leave out of a UDP response what it wants (RFC 2181 section 9), so what fits is
held against our own answer over TCP, and that against the peer's. Start from `compare_whole`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.name
from agreement import is_known
from wholeanswers import ask_over_udp, ask_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agreement import Pair
    from answers import Row
    from wholeanswers import Asked, Whole


TC = 0x0200
"""The flag of a response that was cut."""


def compare_whole(pair: Pair, queries: Sequence[Asked]) -> list[str]:
    """Ask both servers, and give what is wrong with any of our responses."""
    port = pair.sparrow.server.port
    wholes, fitting = ask_whole(port, queries), ask_over_udp(port, queries)
    theirs = ask_whole(pair.peer.port, queries)
    return [
        f"{query.question[0]} {query.question[1]}: {what}"
        for query, whole, part, their in zip(queries, wholes, fitting, theirs, strict=True)
        for what in (*find_faults(query, whole, part), *find_difference(pair, whole, their))
    ]


def find_faults(query: Asked, whole: Whole, part: Whole) -> Iterator[str]:
    """Hold our response over UDP against that over TCP, and both against the query."""
    if query.flags != whole.flags:
        yield f"flags {whole.flags:#x} over TCP"
    if query.flags != part.flags & ~TC:
        yield f"flags {part.flags:#x} over UDP"
    if part.size > query.limit:
        yield f"{part.size} octets of at most {query.limit}"
    if part.is_truncated:
        if whole.size <= query.limit:
            yield f"cut, though {whole.size} octets fit into {query.limit}"
        if not set(part.said.answer) <= set(whole.said.answer):
            yield "records in what was cut that are not in the whole"
    elif part.said != whole.said:
        yield f"over UDP\n{part.said}\nover TCP\n{whole.said}"
    elif missing := glue_of(whole) - glue_of(part):
        yield f"left out of what was not cut (RFC 9471): {missing}"


def glue_of(whole: Whole) -> set[Row]:
    """Give the addresses of servers whose names lie within what is delegated to them."""
    if not whole.is_referral:
        return set()
    cut = dns.name.from_text(whole.said.authority[0][0])
    rows = (row for row in whole.additional if row[1] in ("A", "AAAA"))
    return {row for row in rows if dns.name.from_text(row[0]).is_subdomain(cut)}


def find_difference(pair: Pair, ours: Whole, theirs: Whole) -> Iterator[str]:
    """Hold our answer against the peer's: it may have less glue than we, and no more."""
    if ours.said != theirs.said:
        if not is_known(pair, ours.said, theirs.said):
            yield f"\nsparrow {ours.said}\n{pair.peer_name} {theirs.said}"
    elif ours.is_referral and not set(theirs.additional) <= set(ours.additional):
        yield f"glue\nsparrow {ours.additional}\n{pair.peer_name} {theirs.additional}"
