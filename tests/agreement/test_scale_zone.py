"""A zone of a hundred thousand records loads, and is answered as any other."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import dns.name
import dns.rdata
import pytest
from answers import Said, ask
from nameservers import run_sparrow, serving_sparrow, static_zones, write_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from answers import Question, Row

ORIGIN = "large.example."
RECORDS = 100_000
SAMPLED, MISSING = 1_000, 100
"""Names that are asked, and those of them that do not exist."""
TTL = 300

SOA = f"ns.{ORIGIN} hostmaster.{ORIGIN} 1 7200 3600 1209600 {TTL}"
APEX = ((ORIGIN, "SOA", SOA), (ORIGIN, "NS", f"ns.{ORIGIN}"), (f"ns.{ORIGIN}", "A", "192.0.2.1"))
KINDS = 10
"""Entries come in tens that differ in kind, with twelve records."""
ENTRIES = RECORDS // 12 * KINDS - KINDS
"""Numbers below this have all their records in the zone."""

Record = tuple[str, str, str]
"""Owner, type, rdata, all names absolute."""


def records_of(number: int) -> tuple[Record, ...]:
    """Give the records of an entry; which kind it is depends on its last digit."""
    owner, target = host(number), host(number - number % KINDS)
    octets = f"{number >> 16}.{number >> 8 & 255}.{number & 255}"
    unusual: dict[int, tuple[Record, ...]] = {
        4: ((owner, "AAAA", f"2001:db8::{number >> 16:x}:{number & 0xFFFF:x}"),),
        5: ((owner, "MX", f"10 {target}"),),
        6: ((owner, "TXT", f'"text {number}" "and more"'),),
        7: ((owner, "CNAME", target),),
        8: (
            (owner, "NS", f"ns.{owner}"),
            (owner, "NS", f"ns.{ORIGIN}"),
            (f"ns.{owner}", "A", f"10.{octets}"),
        ),
        9: ((f"*.{owner}", "SRV", f"1 2 {number % 65536} {target}"),),
    }
    return unusual.get(number % KINDS, ((owner, "A", f"10.{octets}"),))


def host(number: int) -> str:
    return f"h{number}.{ORIGIN}"


def all_records() -> Iterator[Record]:
    yield from APEX
    count, number = len(APEX), 0
    while count < RECORDS:
        records = records_of(number)[: RECORDS - count]
        yield from records
        count, number = count + len(records), number + 1


def row(record: Record, owner: str | None = None) -> Row:
    name, rtype, text = record
    wire = dns.rdata.from_text("IN", rtype, text).to_digestable(dns.name.root)
    return (owner or name, rtype, TTL, wire.hex())


def case_of(number: int) -> tuple[Question, Said]:
    """Give a question that an entry answers, and the answer."""
    records = records_of(number)
    (owner, rtype, _), rows = records[0], tuple(map(row, records))
    if rtype == "NS":
        referral = tuple(sorted(rows[:2]))
        return question(f"www.{owner}", "A"), Said("NOERROR", False, (), referral)
    if rtype == "CNAME":
        end = row(records_of(number - number % KINDS)[0])
        return question(owner, "A"), Said("NOERROR", True, tuple(sorted((*rows, end))), ())
    asked = owner.replace("*", "x.y")
    return question(asked, rtype), Said("NOERROR", True, (row(records[0], asked),), ())


def missing_case(number: int) -> tuple[Question, Said]:
    """Give a question about a name beside an entry, which does not exist."""
    return question(f"no-{host(number)}", "A"), Said("NXDOMAIN", True, (), (row(APEX[0]),))


def question(name: str, rtype: str) -> Question:
    return dns.name.from_text(name), rtype


def names_in_zone() -> set[str]:
    """Give every owner, and the empty non-terminals between them and the apex."""
    found = {ORIGIN}
    for owner, _, _ in all_records():
        name = owner
        while name not in found:
            found.add(name)
            name = name.partition(".")[2]
    return found


@pytest.fixture
def zones(tmp_path: Path) -> dict[str, Path]:
    path = tmp_path / "large.zone"
    lines = (f"{owner} {TTL} IN {rtype} {text}\n" for owner, rtype, text in all_records())
    path.write_text("".join(lines))
    return {ORIGIN: path}


def test_a_hundred_thousand_records_are_checked(zones: dict[str, Path], tmp_path: Path) -> None:
    config = write_config(static_zones(zones), tmp_path, 5300)
    checked = run_sparrow(config, "check")
    assert (0, "") == (checked.returncode, checked.stdout), checked.stderr
    assert "good. 1 zones" in checked.stderr


def test_names_of_a_hundred_thousand_records_are_answered(
    zones: dict[str, Path], free_port: Callable[[], int], tmp_path: Path
) -> None:
    chance = random.Random(1035)
    numbers = chance.sample(range(ENTRIES), SAMPLED)
    cases = [*map(case_of, numbers[:-MISSING]), *map(missing_case, numbers[-MISSING:])]
    with serving_sparrow(static_zones(zones), tmp_path, free_port()) as sparrow:
        before = sparrow.status()["counters"]
        said = ask(sparrow.server.port, [asked for asked, _ in cases])
        status = sparrow.status()
    assert [answer for _, answer in cases] == said
    assert len(names_in_zone()) == status["zones"][0]["names"]
    assert SAMPLED == status["counters"]["queries"]["udp"] - before["queries"]["udp"]
    assert MISSING == status["counters"]["responses"]["NXDOMAIN"]
