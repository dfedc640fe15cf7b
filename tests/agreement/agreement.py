"""A sparrow beside another server: whether both say the same, and where they may not.

`DIFFERENCES` is the whole of what is let pass, each with what the RFCs say of
it. Neither server is asked for ANY (RFC 8482 lets each choose its answer), and
the additional section is not compared: what is put there is each server's own
choice (RFC 1034 section 3.7), but for glue, which other tests hold to RFC 9471.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import dns.name
from answers import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from answers import Question, Said
    from nameservers import NameServer, Sparrow

FOLDER = Path(__file__).parent


def find_zones(folder: str) -> dict[str, Path]:
    """Give the master files of a folder by the zone that each is named after."""
    files = sorted((FOLDER / folder).glob("*.zone"))
    return {"." if file.stem == "root" else file.stem: file for file in files}


@dataclass(frozen=True)
class Pair:
    """Two servers with the same zones."""

    zones: dict[str, Path]
    sparrow: Sparrow
    peer: NameServer
    peer_name: str


@dataclass(frozen=True)
class Difference:
    """An answer of a peer that is known to be other than ours."""

    peer: str
    why: str
    is_this: Callable[[Pair, Said, Said], bool]
    """Tells by our answer and the peer's whether they differ in this and in nothing else."""


def is_loop_refused(_pair: Pair, ours: Said, theirs: Said) -> bool:
    targets = [ending_of(row) for row in ours.answer if row[1] == "CNAME"]
    owners = {dns.name.from_text(row[0]) for row in ours.answer if row[1] == "CNAME"}
    return (
        owners.issuperset(targets)
        and ("NOERROR", "SERVFAIL") == (ours.rcode, theirs.rcode)
        and (ours.is_authoritative, ours.answer) == (theirs.is_authoritative, theirs.answer)
        and () == ours.authority == theirs.authority
    )


def is_followed_into_other_zone(pair: Pair, ours: Said, theirs: Said) -> bool:
    aliases = [row for row in ours.answer if row[1] == "CNAME"]
    crossings = [row for row in aliases if zone_of(pair, row[0]) != zone_of_target(pair, row)]
    rows = (Counter(ours.answer), Counter(theirs.answer))
    return (
        len(crossings) == 1
        and zone_of_target(pair, crossings[0]) is not None
        and ("NOERROR", ()) == (ours.rcode, ours.authority)
        and ours.is_authoritative == theirs.is_authoritative
        and rows[0] <= rows[1]
    )


def is_alias_to_apex_asked_for_ds(pair: Pair, ours: Said, theirs: Said) -> bool:
    aliases = [row for row in ours.answer if row[1] == "CNAME"]
    is_to_apex = any(ending_of(row) in map(dns.name.from_text, pair.zones) for row in aliases)
    return (
        is_to_apex
        and ours.authority == ()
        and all(row[1] == "SOA" for row in theirs.authority)
        and (ours.rcode, ours.is_authoritative, ours.answer)
        == (theirs.rcode, theirs.is_authoritative, theirs.answer)
    )


DIFFERENCES = (
    Difference(
        "named",
        "Asked for DS, it gives the SOA of the zone whose apex an alias leads to. RFC 4035 section "
        "3.1.4.1 has DS at an apex answered by the parent zone, so where that is served as well, "
        "the alias leads out of the zone, and sparrow stops at the border.",
        is_alias_to_apex_asked_for_ds,
    ),
    Difference(
        "named",
        "A loop of aliases is SERVFAIL, with the same records. RFC 1034 section 3.6.2 wants loops "
        "'signalled as an error' and names neither the code nor who is to signal; NSD and sparrow "
        "let the records say it, as section 4.3.2 step 3a knows no other end.",
        is_loop_refused,
    ),
    Difference(
        "nsd",
        "An alias is followed into another zone of the server, as RFC 1034 section 4.3.2 step 3a "
        "allows. A resolver takes nothing from there (RFC 2181 section 5.4.1, RFC 5452 section 6), "
        "so named and sparrow stop at the border.",
        is_followed_into_other_zone,
    ),
)
"""All that may differ; whatever else does is a fault of sparrow's."""


def zone_of(pair: Pair, owner: str | dns.name.Name) -> str | None:
    """Give the closest zone at or above a name; None outside all of them."""
    name = dns.name.from_text(owner) if isinstance(owner, str) else owner
    zones = {dns.name.from_text(origin): origin for origin in pair.zones}
    while name not in zones:
        if name == dns.name.root:
            return None
        name = name.parent()
    return zones[name]


def zone_of_target(pair: Pair, row: tuple[str, str, int, str]) -> str | None:
    return zone_of(pair, ending_of(row))


def ending_of(row: tuple[str, str, int, str]) -> dns.name.Name:
    """Give the target of a CNAME."""
    name, _ = dns.name.from_wire(bytes.fromhex(row[3]), 0)
    return name


def check_agreement(pair: Pair, questions: Sequence[Question]) -> None:
    """Ask both servers all questions, and want the same answers, the known differences apart.

    Sparrow's own counters must say what it answered.
    """
    before = pair.sparrow.status()["counters"]
    ours = ask(pair.sparrow.server.port, questions)
    after = pair.sparrow.status()["counters"]
    theirs = ask(pair.peer.port, questions)
    unknown = [
        f"{name} {rtype}\nsparrow {our}\n{pair.peer_name} {their}"
        for (name, rtype), our, their in zip(questions, ours, theirs, strict=True)
        if our != their and not is_known(pair, our, their)
    ]
    assert not unknown, f"{len(unknown)} of {len(questions)} differ:\n\n" + "\n\n".join(
        unknown[:10]
    )
    assert before["queries"]["udp"] + len(questions) == after["queries"]["udp"]
    answered = Counter(after["responses"]) - Counter(before["responses"])
    assert Counter(said.rcode for said in ours) == answered
    assert 0 == after["exceptions"]


def is_known(pair: Pair, ours: Said, theirs: Said) -> bool:
    rows = (difference for difference in DIFFERENCES if difference.peer == pair.peer_name)
    return any(difference.is_this(pair, ours, theirs) for difference in rows)
