"""PowerDNS itself, with sparrow behind it: its answers beside sparrow's own."""

from __future__ import annotations

import os
import random
import signal
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from pdnsserver import records, serving
from running import NAME, NEAREST, TABLE, Home, scope_of, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pdnsserver import PowerDns
    from running import Daemon

PLAIN = "cache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0"
CACHED = "cache-ttl=60\nquery-cache-ttl=60\nnegquery-cache-ttl=60"
OTHER_TABLE = TABLE.replace("20.0.0.0/8 64600", "20.0.0.0/8 64602")


@pytest.fixture(scope="module")
def program(needs: Callable[[str], str]) -> str:
    return needs("pdns_server")


@pytest.fixture(scope="module")
def pdns(
    shared: Home,
    program: str,
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
) -> Iterator[PowerDns]:
    """PowerDNS before the shared server, without caches."""
    folder = tmp_path_factory.mktemp("p") / "pdns"
    with serving(program, folder, shared.path / "pdns.sock", free_port(), PLAIN) as server:
        yield server


@pytest.fixture
def front(
    home: Home, program: str, tmp_path: Path, free_port: Callable[[], int]
) -> Iterator[Callable[[str], PowerDns]]:
    """Give what starts PowerDNS before a server that runs by now."""
    with ExitStack() as stack:

        def start(more: str) -> PowerDns:
            folder = tmp_path / "pdns"
            socket = home.path / "pdns.sock"
            return stack.enter_context(serving(program, folder, socket, free_port(), more))

        yield start


def sections(response: dns.message.Message) -> tuple[object, ...]:
    """Give what a resolver takes of an answer, in no order of records."""

    def texts(section: list[dns.rrset.RRset]) -> set[tuple[str, int, int, str]]:
        return {
            (rrset.name.to_text().lower(), rrset.rdtype, rrset.ttl, rdata.to_text())
            for rrset in section
            for rdata in rrset
        }

    is_authoritative = bool(response.flags & dns.flags.AA)
    return response.rcode(), is_authoritative, texts(response.answer), texts(response.authority)


QUESTIONS = [
    (NAME, "A"),
    (NAME, "AAAA"),
    (NAME, "TXT"),
    (NAME, "SOA"),
    (NAME, "NS"),
    (NAME, "MX"),
    ("WWW.eXample.org", "A"),
    (f"x.cdn.{NAME}", "A"),
    (f"x.y.cdn.{NAME}", "AAAA"),
    (f"x.cdn.{NAME}", "TXT"),
    (f"cdn.{NAME}", "A"),
    (f"alias.{NAME}", "A"),
    (f"alias.{NAME}", "CNAME"),
    (f"chain.{NAME}", "A"),
    (f"out.{NAME}", "A"),
    (f"static.{NAME}", "A"),
    (f"static.{NAME}", "AAAA"),
    (f"b.{NAME}", "A"),
    (f"c.b.{NAME}", "TXT"),
    (f"nx.{NAME}", "A"),
    (f"nx.c.b.{NAME}", "A"),
    (f"a.wild.{NAME}", "TXT"),
    (f"a.wild.{NAME}", "A"),
    (f"x.sub.{NAME}", "A"),
    (f"sub.{NAME}", "NS"),
    ("api.example.org", "A"),
    ("x.api.example.org", "A"),
    *(
        (f"{owner}.{NAME}", rtype)
        for owner, rtype in (
            ("mail", "MX"),
            ("caa", "CAA"),
            ("tls", "TLSA"),
            ("web", "HTTPS"),
            ("srv", "SRV"),
            ("naptr", "NAPTR"),
            ("sshfp", "SSHFP"),
            ("loc", "LOC"),
            ("text", "TXT"),
            ("own", "TYPE65280"),
            ("uri", "URI"),
        )
    ),
]


@pytest.mark.parametrize(("name", "rtype"), QUESTIONS)
def test_an_answer_is_that_of_sparrow(shared: Home, pdns: PowerDns, name: str, rtype: str) -> None:
    ours = shared.daemons[0].ask(name, rtype, "20.1.2.0/24")
    theirs = pdns.ask(name, rtype, "20.1.2.0/24")
    assert sections(ours) == sections(theirs)
    if ours.answer:
        # Referrals and negative answers have no record with a scope.
        assert scope_of(ours) == scope_of(theirs)


def test_the_questions_are_of_every_kind(shared: Home) -> None:
    found = [shared.daemons[0].ask(*each, "20.1.2.0/24") for each in QUESTIONS]
    assert {"NOERROR", "NXDOMAIN"} == {dns.rcode.to_text(each.rcode()) for each in found}
    assert 10 < sum(bool(each.answer) for each in found) < len(found)


def test_everything_at_a_name_is_given_to_who_asks_for_any(pdns: PowerDns) -> None:
    response = pdns.ask(NAME, "ANY", "20.1.2.0/24")
    found = records(response)
    assert {"198.51.100.1", "198.51.100.2", "2001:db8:c::1", '"hello"'} < found
    assert 7 == len(found)


def test_clients_get_their_sites_by_subnet_and_by_source(pdns: PowerDns) -> None:
    assert {net: set(vips) for net, vips in NEAREST.items()} == {
        net: pdns.addresses(net) for net in NEAREST
    }
    assert {"193.173.27.8"} == records(pdns.ask(NAME, "A", source="127.0.0.9"))
    assert {"210.18.215.100"} == records(pdns.ask(NAME, "A", source="127.1.0.9"))
    assert {"210.18.215.100"} == records(pdns.ask(NAME, "A", "0.0.0.0/0", source="127.1.0.9"))
    assert 0 == scope_of(pdns.ask(NAME, "A", "0.0.0.0/0", source="127.1.0.9"))
    # Private space says nothing of where a client is: the resolver decides.
    assert {"210.18.215.100"} == records(pdns.ask(NAME, "A", "192.168.7.0/24", source="127.1.0.9"))


def subnets(count: int) -> list[str]:
    chance = random.Random(count)
    found = []
    for _ in range(count // 2):
        first = chance.choice([20, 20, 20, 30, 40, 127, chance.randrange(256)])
        low = chance.getrandbits(24) & chance.choice([0xFFFFFF, 0x103FF])
        found.append(f"{IPv4Address(first << 24 | low)}/32")
        lead = chance.choice([0x2600, 0x2A00, chance.getrandbits(16)])
        found.append(f"{IPv6Address(lead << 112 | chance.getrandbits(112))}/128")
    return found


@pytest.mark.parametrize("rtype", ["A", "AAAA"])
def test_for_a_thousand_subnets_the_answer_is_that_of_sparrow(
    shared: Home, pdns: PowerDns, rtype: str
) -> None:
    daemon = shared.daemons[0]
    for subnet in subnets(1000):
        ours, theirs = daemon.ask(NAME, rtype, subnet), pdns.ask(NAME, rtype, subnet)
        # The SOA of a negative answer has another TTL, and its scope is that of no record.
        assert sections(ours)[:3] == sections(theirs)[:3], subnet
        assert len(ours.authority) == len(theirs.authority), subnet
        if ours.answer:
            assert scope_of(ours) == scope_of(theirs), subnet


def test_caches_keep_no_answer_of_a_client_for_another(
    home: Home, front: Callable[[str], PowerDns]
) -> None:
    home.serve()
    cached = front(CACHED)
    for _ in range(3):
        assert {net: set(vips) for net, vips in NEAREST.items()} == {
            net: cached.addresses(net) for net in NEAREST
        }
        assert {"193.173.27.8"} == records(cached.ask(NAME, "A", source="127.0.0.9"))
        assert {"210.18.215.100"} == records(cached.ask(NAME, "A", source="127.1.0.9"))
        assert {"210.18.215.100"} == records(cached.ask(f"x.cdn.{NAME}", "A", "20.5.0.0/24"))
        assert {"193.173.27.8"} == records(cached.ask(f"x.cdn.{NAME}", "A", "20.1.9.0/24"))


def test_a_reload_and_an_order_are_followed(home: Home, front: Callable[[str], PowerDns]) -> None:
    daemon = home.serve()
    pdns = front(PLAIN)
    assert {"210.18.215.100"} == pdns.addresses("20.5.0.0/24")
    home.write("table.routes", OTHER_TABLE)
    assert daemon.command("reload")["ok"]
    assert {"198.51.100.1", "198.51.100.2"} == pdns.addresses("20.5.0.0/24")
    assert 0 == home.sparrow("site", "down", "us", "--reason", "test", "--yes").returncode
    wait_until(lambda: pdns.addresses("20.5.0.0/24") == {"193.173.27.8"})


CHECK = """
    checks:
    - file: {path: it, max_age: 1h, interval: 1s, timeout: 1s, down_thresh: 1, up_thresh: 1}"""


def test_where_no_site_may_be_given_it_is_servfail(
    home: Home, front: Callable[[str], PowerDns]
) -> None:
    sites = "".join(
        f"  {name}:\n    asn: [{asn}]{CHECK}\n    vips: [{vip}]\n"
        for name, asn, vip in (
            ("au", 64600, "210.18.215.100"),
            ("nl", 64601, "193.173.27.8"),
        )
    )
    services = "services: {api: {sites: [nl]}}\nfailover: {last_resort: servfail}\n"
    home.write("it", "up\n")
    home.configure(sites=f"self: nl\nsites:\n{sites}{services}")
    home.serve()
    pdns = front(PLAIN)
    assert {"210.18.215.100"} == pdns.addresses("20.5.0.0/24")
    home.write("it", "down\n")
    wait_until(lambda: pdns.ask(NAME, "A", "20.5.0.0/24").rcode() == dns.rcode.SERVFAIL)
    assert dns.rcode.SERVFAIL == home.daemons[0].ask(NAME, "A", "20.5.0.0/24").rcode()
    assert {"192.0.2.77"} == records(pdns.ask(f"static.{NAME}", "A"))
    home.write("it", "up\n")
    wait_until(lambda: recovers(pdns))


def test_where_every_site_is_down_by_order_there_are_no_addresses(
    home: Home, front: Callable[[str], PowerDns]
) -> None:
    daemon = home.serve()
    pdns = front(PLAIN)
    for site in ("au", "nl", "us"):
        assert 0 == home.sparrow("site", "down", site, "--reason", "test", "--yes").returncode
    wait_until(lambda: not pdns.addresses("20.5.0.0/24"))
    for name in (NAME, f"x.cdn.{NAME}"):
        ours, theirs = (each.ask(name, "A", "20.5.0.0/24") for each in (daemon, pdns))
        assert (dns.rcode.NOERROR, []) == (ours.rcode(), ours.answer)
        assert (dns.rcode.NOERROR, []) == (theirs.rcode(), theirs.answer)


def recovers(pdns: PowerDns) -> bool:
    """Tell whether a row of answers is right: every thread of PowerDNS has connected again."""
    return all(pdns.addresses("20.5.0.0/24") == {"210.18.215.100"} for _ in range(20))


def worker_pid(daemon: Daemon) -> int:
    return int(next(row for row in daemon.status()["workers"] if row["name"] == "tcp")["pid"])


def test_a_dead_daemon_is_missed_by_no_query(home: Home, front: Callable[[str], PowerDns]) -> None:
    daemon = home.serve()
    pdns = front(PLAIN)
    os.kill(daemon.pid, signal.SIGSTOP)  # the keeper, so that there is no other daemon
    try:
        os.kill(daemon.status()["daemon_pid"], signal.SIGKILL)
        assert recovers(pdns)
    finally:
        os.kill(daemon.pid, signal.SIGCONT)


def test_after_a_dead_worker_and_after_an_upgrade_it_answers_again(
    home: Home, front: Callable[[str], PowerDns]
) -> None:
    daemon = home.serve()
    pdns = front(PLAIN)
    assert recovers(pdns)
    os.kill(worker_pid(daemon), signal.SIGKILL)
    wait_until(lambda: recovers(pdns))
    home.begin("--replace").wait_for("ready, serial")
    assert 0 == daemon.process.wait(60)
    wait_until(lambda: recovers(pdns))


def test_after_a_stop_and_a_start_it_answers_again(
    home: Home, front: Callable[[str], PowerDns]
) -> None:
    first = home.serve()
    pdns = front(PLAIN)
    assert 0 == first.stop()
    assert dns.rcode.SERVFAIL == pdns.ask(NAME, "A").rcode()
    home.serve()
    wait_until(lambda: recovers(pdns))
