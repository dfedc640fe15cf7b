"""What `show ip bgp ADDRESS` prints, and what is learnt of it."""

from __future__ import annotations

import pytest

from sparrow.rib.route import parse_route
from sparrow.routeserver.entry import EntryReading
from sparrow.routeserver.reading import Nonsense, Outcome
from sparrow.routeserver.server import Learnt
from sparrow.values.address import parse_address, parse_prefix

HEAD = """show ip bgp 10.1.2.3
BGP routing table entry for 10.1.0.0/16{version}
Paths: ({paths})
"""
PATH = """  {path}
    192.0.2.1 from 192.0.2.1 (192.0.2.1)
      Origin IGP, metric 0, localpref 100, valid, external{best}
      Last update: Fri Oct  6 15:47:28 2000

"""


def read(text: str, address: str = "10.1.2.3") -> Outcome:
    reading = EntryReading(parse_address(address))
    for line in text.splitlines():
        reading.take(line)
    return reading.finish()


def entry(*paths: str, best: int | None = 1, lists: str = "", version: str = "") -> str:
    """Give an entry of some paths, of which one is best."""
    which = "no best path" if best is None else f"best #{best}, table default"
    text = HEAD.format(version=version, paths=f"{len(paths)} available, {which}") + lists
    for number, path in enumerate(paths, 1):
        text += PATH.format(path=path, best=", best" if number == best else "")
    return text


def learnt(path: str | None) -> Learnt:
    return Learnt(parse_prefix("10.1.0.0/16"), parse_route(path) if path else None)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("64600", "64600"),
        ("64600 64601 64602", "64600 64601 64602"),
        ("64600 {1,2}", "64600 1,2"),
        ("(65001 65002) 64600", "65001 65002 64600"),
        ("[65001,65002] 64600", "65001,65002 64600"),
        ("1.10 64600", "65546 64600"),
        ("Local", None),
        ("Local, (aggregated by 7 192.0.2.1)", None),
        ("Local, (Received from a RR-client)", None),
        ("64600 {1,2}, (aggregated by 7 192.0.2.1)", "64600 1,2"),
        ("64600 64601 (aggregated by 7 192.0.2.1)", "64600 64601"),
        ("64600, (aggregated by 7 192.0.2.1), (Received from a RR-client)", "64600"),
        ("64600, (history entry)", "64600"),
        ("64600, (suppressed due to dampening)", "64600"),
        ("64600, (stale)", "64600"),
        ("64600, (received & used)", "64600"),
        ("64600, imported path from 1:2:10.0.0.0/8 (global)", "64600"),
        ("64600 (ROA Validation: INVALID_ASN)", "64600"),
    ],
)
def test_the_path_ends_where_remarks_begin(line: str, expected: str | None) -> None:
    assert learnt(expected) == read(entry(line))


@pytest.mark.parametrize("best", [1, 2, 3])
def test_the_best_path_is_the_one_that_the_head_numbers(best: int) -> None:
    assert learnt(f"6460{best}") == read(entry("64601", "64602", "64603", best=best))


def test_a_best_path_may_be_unmarked() -> None:
    assert learnt("64702") == read(entry("64600", "64702", best=2).replace(", best\n", "\n"))


@pytest.mark.parametrize(
    "reason",
    [
        " (First path received)",
        " (AS Path)",
        ", rpki validation-state: valid",
        " (Weight)",
        ", multipath",
    ],
)
def test_a_reason_may_stand_behind_the_mark(reason: str) -> None:
    text = entry("64600", "64702", best=2).replace(", best\n", f", best{reason}\n")
    assert learnt("64702") == read(text)


def test_a_best_path_of_an_as_is_not_the_best_path() -> None:
    text = entry("64600", "64702", best=2)
    text = text.replace("external\n", "external, multipath, bestpath-from-AS 64600\n", 1)
    assert learnt("64702") == read(text.replace(", best\n", ", bestpath-from-AS 64702, best\n"))


@pytest.mark.parametrize(
    "lists",
    [
        "  Not advertised to any peer\n",
        "  Advertised to non peer-group peers:\n  192.0.2.7 192.0.2.8\n",
        "  Advertised to non peer-group peers:\n  192.0.2.7\n  192.0.2.8\n",
        "  Advertised to peers:\n  ns1(192.0.2.7) 192.0.2.8 eth0\n",
        "  Advertised to peers:\n  100\n",
        "  Advertised to peers:\n  2001:db8::1\n",
        "  Advertised to peer-groups:\n  64600 64601\n",
        "  Advertised to update-groups:\n     1          40\n        41\n",
        "  Advertised to update-groups (with more than one peer):\n    0.5 0.6\n",
        "",
    ],
)
@pytest.mark.parametrize("best", [1, 2])
def test_a_list_of_neighbours_is_no_path(lists: str, best: int) -> None:
    expected = learnt(("64600", "64702")[best - 1])
    assert expected == read(entry("64600", "64702", best=best, lists=lists))


@pytest.mark.parametrize("line", ["  Refresh Epoch 1\n", "  Path #1: Received by speaker 0\n"])
def test_lines_of_ios_above_a_path_are_none(line: str) -> None:
    text = entry("64600", "64702", best=2).replace("  64600\n", f"{line}  64600\n")
    assert learnt("64702") == read(text.replace("  64702\n", f"{line}  64702\n"))


@pytest.mark.parametrize(
    "hop",
    [
        "192.0.2.1 (inaccessible) from 192.0.2.1 (192.0.2.1)",
        "192.0.2.1 (metric 20) from 192.0.2.1 (192.0.2.1)",
        "0.0.0.0 from 0.0.0.0 (192.0.2.1)",
        ":: from :: (192.0.2.1)",
        "2001:DB8::1 (FE80::1) from 2001:DB8::1 (192.0.2.1)",
        "192.0.2.1(ns1) from ns1(192.0.2.1) (192.0.2.1)",
    ],
)
def test_next_hops_are_written_in_many_ways(hop: str) -> None:
    text = entry("64600", "64702", best=2)
    assert learnt("64702") == read(text.replace("192.0.2.1 from 192.0.2.1 (192.0.2.1)", hop))


def test_lines_that_nobody_knows_are_passed_over() -> None:
    text = entry("64600", "64702", best=2)
    text = text.replace("Paths:", "BGP Bestpath: deterministic-med\nFlag: 0x820\nPaths:")
    text = text.replace(
        "      Last", "      Community: 1:2\n      AddPath ID: RX 0, TX 5\n      Last"
    )
    assert learnt("64702") == read(text)


def test_a_version_may_stand_behind_the_prefix() -> None:
    assert learnt("64702") == read(entry("64702", version=", version 4"))


@pytest.mark.parametrize("best", ["no best path", "table default"])
def test_no_best_path_is_no_path(best: str) -> None:
    text = entry("64600", best=None).replace("no best path", best)
    assert learnt(None) == read(text)


@pytest.mark.parametrize("words", ["% Network not in table", "Network not in table"])
def test_a_miss_is_learnt(words: str) -> None:
    assert Learnt(None, None) == read(f"show ip bgp 10.1.2.3\n{words}\n")


def test_ipv6_is_read_in_capitals_too() -> None:
    text = entry("64600").replace("10.1.0.0/16", "2001:DB8::/32").replace("10.1.2.3", "2001:db8::1")
    expected = Learnt(parse_prefix("2001:db8::/32"), parse_route("64600"))
    assert expected == read(text, "2001:db8::1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not about the address"),
        ("show ip bgp 10.1.2.3\n", "not about the address"),
        ("% Network not in table\n", "not about the address"),
        (entry("64600").replace("10.1.0.0/16", "10.2.0.0/16"), "answers for 10.2.0.0/16"),
        (entry("64600").replace("10.1.0.0/16", "10.1.0.0/33"), "answers for 10.1.0.0/33"),
        (entry("64600").replace("10.1.0.0/16", "2001:db8::/32"), "answers for 2001:db8::/32"),
        (entry("64600").partition("Paths")[0], "ends before the paths"),
        (entry("64600", best=2), "number 2, and it lists 1"),
        (entry("64600", best=0), "number 0, and it lists 1"),
        (entry(best=1), "number 1, and it lists 0"),
        (entry("64600", "64702", best=2).replace("#2", "#1"), "number 1, and 2 is marked"),
        (entry("64600 x"), "cannot be read"),
        (entry("64600 {1,2"), "without a counterpart"),
        (entry("64600 1}"), "without a counterpart"),
        (entry(", (aggregated by 7 192.0.2.1)"), "empty line"),
        (entry("4294967296"), "cannot be read"),
    ],
)
def test_what_does_not_fit_together_is_nonsense(text: str, words: str) -> None:
    found = read(text)
    assert isinstance(found, Nonsense)
    assert words in found.why
