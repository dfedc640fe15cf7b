"""Lines of PowerDNS, and the lines that answer them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from asking import contents, encode, look_up
from hypothesis import example, given
from hypothesis import strategies as st
from running import SITES, Home

from sparrow.dns.zone import Zone, ZoneSet
from sparrow.policy.outcome import Condition, Standing
from sparrow.powerdns.answering import Backend, ZoneNumbers, answer_line
from sparrow.staging import Staging, stage
from sparrow.values.name import parse_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.dns.respond import Authority

WWW, API = "www.example.org.", "api.example.org."
DOWN = Condition(Standing.FAILED)
UP = Condition()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    home = Home(tmp_path_factory.mktemp("a"), 5300)
    home.write("www.zone", (home.path / "www.zone").read_text() + "a.ent TXT x\nwww A 192.0.2.1\n")
    home.configure(sites=f"{SITES}failover: {{last_resort: servfail}}\n")
    return stage(Staging(str(home.config))).view.authority


@pytest.fixture(scope="module")
def backend(authority: Authority) -> Backend:
    return Backend(authority, ZoneNumbers(authority.zones))


@pytest.fixture(scope="module")
def ask(backend: Backend) -> Callable[[object], dict[str, Any]]:
    def answer(request: object) -> dict[str, Any]:
        line = request if isinstance(request, bytes) else encode(request)
        found = answer_line(backend, line)
        assert b"\n" == found[-1:]
        assert 1 == found.count(b"\n")
        return dict(json.loads(found))

    return answer


Ask = "Callable[[object], dict[str, Any]]"


def test_everything_at_a_name_is_told_with_the_addresses_of_the_nearest_site(ask: Ask) -> None:
    rows = ask(look_up(WWW, real="20.1.2.0/24"))["result"]
    assert ["198.51.100.1", "198.51.100.2"] == contents(rows, "A")
    assert ["2001:db8:c::1"] == contents(rows, "AAAA")
    assert ['"hello"'] == contents(rows, "TXT")
    assert ["ns.example.org.", "ns.au.example.org."] == contents(rows, "NS")
    assert 1 == len(contents(rows, "SOA"))
    assert {("A", 24, 7), ("AAAA", 24, 7), ("TXT", 0, 600), ("NS", 0, 60), ("SOA", 0, 300)} == {
        (row["qtype"], row["scopeMask"], row["ttl"]) for row in rows
    }
    assert {WWW} == {row["qname"] for row in rows}


@pytest.mark.parametrize("qtype", ["A", "AAAA", "TXT", "NS", "SOA", "MX"])
def test_a_type_is_told_alone(ask: Ask, qtype: str) -> None:
    every = ask(look_up(WWW, real="20.1.2.0/24"))["result"]
    alone = ask(look_up(WWW, qtype, real="20.1.2.0/24"))["result"]
    assert [row for row in every if row["qtype"] == qtype] == alone


CLIENTS = [
    # remote, real-remote, address given, scope
    ("20.1.2.3", "20.1.2.3/32", "198.51.100.1", 24),  # no subnet: not to be kept for others
    ("20.1.2.3", None, "198.51.100.1", 24),
    ("30.0.0.1", "20.1.2.0/24", "198.51.100.1", 24),  # the subnet goes before the resolver
    ("20.1.2.3", "0.0.0.0/0", "198.51.100.1", 0),  # it asks not to be used
    ("20.1.2.3", "10.0.0.0/8", "198.51.100.1", 8),  # it is nowhere: the resolver decides
    ("20.1.2.3", "20.1.9.77/24", "193.173.27.8", 21),  # bits behind the length do not count
    ("20.1.2.3", "2600:1::/48", "210.18.215.100", 16),
    ("2600:1::1%eth0", "2600:1::1/128", "210.18.215.100", 16),
]


@pytest.mark.parametrize(("remote", "real", "address", "scope"), CLIENTS)
def test_the_client_is_who_powerdns_says(
    ask: Ask, remote: str, real: str | None, address: str, scope: int
) -> None:
    request = look_up(WWW, "A", remote=remote, real=real)
    if real is None:
        del request["parameters"]["real-remote"]
    rows = ask(request)["result"]
    assert (address, scope) == (rows[0]["content"], rows[0]["scopeMask"])


def test_names_are_told_as_they_are_and_nothing_is_made_up(ask: Ask) -> None:
    assert [] == ask(look_up(f"x.cdn.{WWW}"))["result"]
    assert ["193.173.27.8"] == contents(ask(look_up(f"*.cdn.{WWW}"))["result"], "A")
    assert [WWW] == contents(ask(look_up(f"ALIAS.{WWW}"))["result"], "CNAME")
    assert [] == ask(look_up(f"nx.{WWW}"))["result"]
    assert [] == ask(look_up("example.net."))["result"]


def test_a_name_without_records_exists_all_the_same(ask: Ask) -> None:
    (row,) = ask(look_up(f"ent.{WWW}"))["result"]
    assert ("", "", f"ent.{WWW}") == (row["qtype"], row["content"], row["qname"])
    assert [] == ask(look_up(f"ent.{WWW}", "A"))["result"]


def test_zones_are_known_by_numbers_that_other_zones_do_not_change(
    ask: Ask, authority: Authority
) -> None:
    zones = {row["zone"]: row["id"] for row in ask({"method": "getAllDomains"})["result"]}
    assert {WWW, API} == zones.keys()
    assert zones[WWW] == ask(look_up(WWW, zone=zones[WWW]))["result"][0]["domain_id"]
    assert [] == ask(look_up(WWW, zone=zones[API]))["result"]
    assert [] == ask(look_up(WWW, zone=12345))["result"]
    more = dict(authority.zones.zones)
    for number in range(200):
        name = parse_name(f"z{number}.example.net.")
        more[name] = Zone(name, {})
    numbers = ZoneNumbers(ZoneSet(more))
    assert zones == {each: numbers.number(parse_name(each)) for each in (WWW, API)}
    found = [numbers.number(name) for name in more]
    assert (len(more), True) == (len(set(found)), all(0 < each < 2**31 for each in found))


def test_a_zone_is_described(ask: Ask) -> None:
    found = ask({"method": "getDomainInfo", "parameters": {"name": WWW}})["result"]
    assert (WWW, "native", 1) == (found["zone"], found["kind"], found["serial"])
    assert {"result": False} == ask({"method": "getDomainInfo", "parameters": {"name": "x."}})


@pytest.mark.parametrize(
    ("method", "result"),
    [
        ("initialize", True),
        ("getAllDomainMetadata", {}),
        ("getDomainMetadata", []),
        ("getUpdatedMasters", []),
        ("getUnfreshSlaveInfos", []),
        ("startTransaction", False),
        ("list", False),
        ("getDomainKeys", False),
        ("anything", False),
    ],
)
def test_other_methods_have_nothing_to_tell(ask: Ask, method: str, result: object) -> None:
    assert {"result": result} == ask({"method": method, "parameters": {"name": WWW}})


@pytest.mark.parametrize(
    "request_",
    [
        b"\n",
        b"[]\n",
        b'"lookup"\n',
        b"{}\n",
        b'{"method": "lookup"}\n',
        b'{"method": [], "parameters": {}}\n',
        b'{"method": "lookup", "parameters": []}\n',
        b"[" * 60000 + b"\n",
        encode(look_up("a..b.")),
        encode(look_up(WWW, remote="nobody")),
        encode(look_up(WWW, real="20.0.0.0/33")),
    ],
)
def test_what_is_no_request_gets_no_result_which_powerdns_takes_for_a_failure(
    ask: Ask, request_: bytes
) -> None:
    assert ["failure"] == [*ask(request_)]


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=20) | st.sampled_from(["lookup", "method"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["method", "parameters", "qname", "qtype", "remote", "real-remote"]
                ),
                inner,
            )
        ),
    ).map(encode)
)
@example(b'{"method":"lookup","parameters":{"qname":".","qtype":"A","zone-id":true}}\n')
def test_no_line_raises(ask: Ask, line: bytes) -> None:
    assert ask(line).keys() <= {"result", "failure"}


def stand(authority: Authority, v4: Condition, v6: Condition) -> Backend:
    """Give what is answered from while all sites stand alike."""
    assert authority.steering
    conditions = dict.fromkeys(("au", "nl", "us"), (v4, v6))
    steering = replace(authority.steering, conditions=conditions)
    return Backend(replace(authority, steering=steering), ZoneNumbers(authority.zones))


def test_where_no_site_may_be_given_the_answer_fails(authority: Authority) -> None:
    failing = stand(authority, DOWN, DOWN)
    for qtype in ("ANY", "A", "AAAA"):
        request = look_up(WWW, qtype, real="20.1.2.0/24")
        assert b'{"failure"' == answer_line(failing, encode(request))[:10]
    # The site of this client has no IPv6 address at all.
    assert b'{"failure"' == answer_line(failing, encode(look_up(WWW)))[:10]
    assert b'{"result":[]}\n' == answer_line(failing, encode(look_up(WWW, "AAAA")))
    assert b'{"result":[{' == answer_line(failing, encode(look_up(WWW, "SOA")))[:12]


def test_one_family_that_fails_does_not_take_the_other_along(authority: Authority) -> None:
    half = stand(authority, UP, DOWN)
    request = look_up(WWW, real="20.1.2.0/24")
    rows = json.loads(answer_line(half, encode(request)))["result"]
    assert (2, 0) == (len(contents(rows, "A")), len(contents(rows, "AAAA")))
    assert b'{"failure"' == answer_line(half, encode(look_up(WWW, "AAAA", real="20.1.2.0/24")))[:10]
