"""`sparrow explain`: every step from an address to the answer, of the daemon and of the files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from running import NAME, addresses_of, run, scope_of

if TYPE_CHECKING:
    from running import Daemon, Home


def explain(home: Home, *arguments: str) -> dict[str, list[str]]:
    """Give what is said, by topic."""
    outcome = run("explain", "-c", home.config, *arguments)
    assert 0 == outcome.code, outcome.err
    topics: dict[str, list[str]] = {}
    for line in outcome.out.splitlines():
        topic, _, text = line.partition(":")
        topics.setdefault(topic, []).append(text.strip())
    return topics


def facts(home: Home, *arguments: str) -> dict[str, Any]:
    outcome = run("explain", "-c", home.config, "--json", *arguments)
    assert 0 == outcome.code, outcome.err
    return dict(json.loads(outcome.out))


def test_the_way_from_a_client_subnet_to_its_site_is_told(asked: Home) -> None:
    plan = {"plan": ["generation 1, which the workers serve"]} if asked.daemons else {}
    assert plan | {
        "query": ["www.example.org. A from 127.0.0.1, client subnet 20.1.2.0/24"],
        "zone": ["www.example.org."],
        "service": ["default"],
        "client": ["20.1.2.0, from the client subnet"],
        "route": ["20.1.2.0/24, AS path 64602 64600"],
        "class": ["us (AS64602); order: us nl au"],
        "site": [
            "us: taken, AS64602 of the route belongs to it",
            "nl: not needed: us comes before it",
            "au: not needed: us comes before it",
        ],
        "scope": [
            "/24: 20.1.2.0/24 is the largest block inside 20.1.2.0 - 20.1.2.255, answered alike"
        ],
        "ttl": ["7 s"],
        "rcode": ["NOERROR"],
        "answer": [
            "www.example.org. 7 IN A 198.51.100.1",
            "www.example.org. 7 IN A 198.51.100.2",
        ],
    } == explain(asked, NAME, "--from", "127.0.0.1", "--subnet", "20.1.2.0/24")


def test_stderr_says_who_was_asked(asked: Home) -> None:
    outcome = run("explain", "-c", asked.config, NAME, "--from", "::1")
    source = "asking the daemon of" if asked.daemons else "; reading the files of"
    assert f"{source} {asked.config}\n" in outcome.err


def test_the_facts_are_those_of_the_answer_that_is_given(daemon: Daemon) -> None:
    found = facts(daemon.home, NAME, "--from", "127.0.0.1", "--subnet", "20.1.2.0/24")
    response = daemon.ask(NAME, "A", "20.1.2.0/24")
    assert (scope_of(response), response.answer[0].ttl) == (found["scope"], found["ttl"])
    assert addresses_of(response) == [line.split()[-1] for line in found["answer"]]
    assert {
        "name": "www.example.org.",
        "type": "A",
        "rcode": "NOERROR",
        "generation": 1,
        "agrees": True,
        "reason": "serving",
        "unknown": False,
        "zone": "www.example.org.",
        "service": "default",
        "decided_by": "20.1.2.0",
        "prefix": "20.1.2.0/24",
        "route": "64602 64600",
        "home": "us",
        "ground": "common",
        "override": None,
        "held": None,
        "known": [],
        "site": "us",
        "block": ["20.1.2.0", "20.1.2.255"],
    } == {key: found[key] for key in found if key not in {"candidates", "scope", "ttl", "answer"}}
    assert [("us", True), ("nl", False), ("au", False)] == [
        (candidate["site"], candidate["taken"]) for candidate in found["candidates"]
    ]


def test_an_explanation_is_not_counted_as_a_query(daemon: Daemon) -> None:
    with daemon.counting() as moved:
        explain(daemon.home, NAME, "--from", "20.1.2.3")
    assert {} == moved


def test_without_a_subnet_the_resolver_decides_and_there_is_no_scope(asked: Home) -> None:
    told = explain(asked, NAME, "--from", "20.1.2.3")
    assert (["20.1.2.3, the resolver"], ["none: the query has no client subnet"]) == (
        told["client"],
        told["scope"],
    )


def test_a_subnet_of_length_0_asks_not_to_be_used(asked: Home) -> None:
    told = explain(asked, NAME, "--from", "20.1.2.3", "--subnet", "0.0.0.0/0")
    assert (
        ["20.1.2.3, the resolver: the client asks that its subnet is not used"],
        ["/0: no client subnet was used"],
    ) == (told["client"], told["scope"])


def test_a_special_subnet_lets_the_resolver_decide(asked: Home) -> None:
    told = explain(asked, NAME, "--from", "20.1.2.3", "--subnet", "10.1.2.0/24")
    assert (
        ["20.1.2.3, the resolver: the client subnet is special-purpose"],
        ["/8: 10.0.0.0/8 is special-purpose, the resolver's own address decides there"],
        ["20.1.2.0/24, AS path 64602 64600"],
    ) == (told["client"], told["scope"], told["route"])


def test_an_address_that_wraps_another_is_unwrapped(asked: Home) -> None:
    told = explain(asked, NAME, "--from", "::1", "--subnet", "64:ff9b::1401:203/128")
    assert ["64:ff9b::1401:203, which wraps 20.1.2.3, from the client subnet"] == told["client"]
    assert told["answer"][0].endswith(" 198.51.100.1")


def test_a_site_without_the_family_is_nodata_and_says_so(asked: Home) -> None:
    told = explain(asked, NAME, "AAAA", "--from", "::1", "--subnet", "2a00:1::/48")
    assert [
        "nl: the client's site, but it has no AAAA address: the answer is NODATA",
        "au: not needed: nl comes before it",
        "us: not needed: nl comes before it",
    ] == told["site"]
    assert (["nl (AS64601); order: none has such an address"], False) == (
        told["class"],
        "answer" in told,
    )
    assert told["authority"][0].startswith("www.example.org. 7 IN SOA ")
    found = facts(asked, NAME, "aaaa", "--from", "::1", "--subnet", "2a00:1::/48")
    assert (None, None, "nl") == (found["site"], found["ttl"], found["home"])


def test_the_default_site_and_a_service_of_few_sites_are_explained(asked: Home) -> None:
    told = explain(asked, NAME, "--from", "50.0.0.1")
    assert ["none covers the address"] == told["route"]
    assert ["nl (self, by default); order: nl au us"] == told["class"]
    told = explain(asked, "api.example.org", "--from", "::1", "--subnet", "20.5.0.0/24")
    assert [
        "au: service api is not there",
        "nl: taken, first in the fallback order of au",
        "us: service api is not there",
    ] == told["site"]
    assert ["/0: every client gets the same answer"] == told["scope"]


def test_aliases_and_wildcards_lead_to_the_same_explanation(asked: Home) -> None:
    for name in ("alias.www.example.org", "X.cdn.WWW.example.org."):
        told = explain(asked, name, "--from", "20.1.2.3")
        assert ["us: taken, AS64602 of the route belongs to it"] == told["site"][:1]
        assert told["answer"][-1].endswith(" 7 IN A 198.51.100.2")


@pytest.mark.parametrize(
    ("name", "rtype", "rcode", "zone"),
    [
        ("static.www.example.org", "A", "NOERROR", "www.example.org."),
        (NAME, "TXT", "NOERROR", "www.example.org."),
        ("no.www.example.org", "A", "NXDOMAIN", "www.example.org."),
        ("example.net", "A", "REFUSED", None),
        (NAME, "AXFR", "REFUSED", "www.example.org."),
    ],
)
def test_what_no_client_changes_is_said_to_be_so(
    asked: Home, name: str, rtype: str, rcode: str, zone: str | None
) -> None:
    told = explain(asked, name, rtype, "--from", "20.1.2.3")
    assert (["none: the answer is the same for every client"], [rcode]) == (
        told["steering"],
        told["rcode"],
    )
    found = facts(asked, name, rtype, "--from", "20.1.2.3")
    assert (zone, None, None, []) == tuple(
        found[key] for key in ("zone", "site", "scope", "candidates")
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([NAME, "--from", "x"], "'x' is not an IPv4 or IPv6 address"),
        ([NAME, "--from", "::1", "--subnet", "1.2.3.4/40"], "0 to 32"),
        ([NAME, "NOPE", "--from", "::1"], "NOPE"),
        (["a..b", "--from", "::1"], "'a..b' is not a domain name: it has an empty label"),
        ([f"{'x' * 64}.org", "--from", "::1"], "a label is over 63 octets long"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_2(
    asked: Home, arguments: list[str], message: str
) -> None:
    outcome = run("explain", "-c", asked.config, *arguments)
    assert (2, "", True) == (outcome.code, outcome.out, message in outcome.err), outcome.err


def test_from_is_required(home: Home) -> None:
    outcome = run("explain", "-c", home.config, NAME)
    assert (2, True) == (outcome.code, "--from" in outcome.err)
