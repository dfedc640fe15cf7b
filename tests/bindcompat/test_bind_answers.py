"""BIND with the driver answers each client with the site that sparrow gives it."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import dns.edns
import dns.message
import dns.query
import dns.rcode
import pytest
from bindground import (
    CONF,
    LOWER,
    NAME,
    WORDS,
    Bind,
    build_home,
    compile_plan,
    random_clients,
    random_table,
    send_from,
    serving_bind,
)
from running import LOOPBACK, PATIENCE_S, addresses_of, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from running import Home


@pytest.fixture(scope="module")
def ground(
    driver: Path,
    needs: Callable[[str], str],
    free_port: Callable[[], int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Home, Bind]]:
    program = needs("named")
    folder, port = tmp_path_factory.mktemp("answers"), free_port()
    home = build_home(folder / "home", free_port(), random_table(seed=7))
    words = f"{WORDS} --plan {compile_plan(home)}"
    conf = CONF.format(folder=folder, port=port, driver=driver, words=words)
    with serving_bind(program, folder, port, conf) as bind:
        yield home, bind
    home.end()


def ask_all(port: int, clients: list[str]) -> list[list[str]]:
    """Ask once from each address; give the addresses of each answer."""
    wire = dns.message.make_query(NAME, "A").to_wire()
    found = []
    for client in clients:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            send_from(sock, client, port, wire)
            found.append(addresses_of(dns.message.from_wire(sock.recv(65535))))
    return found


def test_a_thousand_clients_are_given_what_lookup_says_and_what_sparrow_answers(
    ground: tuple[Home, Bind],
) -> None:
    home, bind = ground
    clients = random_clients(seed=1, count=1000)
    looked_up = run("lookup", "-c", home.config, "--json", "-", stdin="\n".join(clients).encode())
    expected = [json.loads(line)["vips"] for line in looked_up.out.splitlines()]
    home.serve()
    assert 3 == len({vips[0] for vips in expected})
    assert expected == ask_all(bind.port, clients)
    assert expected == ask_all(home.port, clients)


def rrsets_of(bind: Bind, rtype: str, name: str = NAME) -> list[str]:
    response = bind.ask(LOWER, rtype, name)
    text = "\n".join(each.to_text() for each in (*response.answer, *response.authority))
    return [dns.rcode.to_text(response.rcode()), *sorted(text.splitlines())]


SOA = f"{NAME}. 300 IN SOA ns.example.org. hostmaster.example.org. 1 28800 7200 604800 300"


@pytest.mark.parametrize(
    ("rtype", "name", "expected"),
    [
        ("SOA", NAME, ["NOERROR", SOA]),
        ("NS", NAME, ["NOERROR", *(f"{NAME}. 60 IN NS {ns}.example.org." for ns in ("ns", "ns2"))]),
        ("AAAA", NAME, ["NOERROR", SOA]),
        ("A", f"x.{NAME}", ["NXDOMAIN", SOA]),
        ("A", "example.org", ["REFUSED"]),
    ],
)
def test_the_zone_has_its_own_name_alone_and_the_records_of_sparrows_zone(
    ground: tuple[Home, Bind], rtype: str, name: str, expected: list[str]
) -> None:
    assert expected == rrsets_of(ground[1], rtype, name)


def test_an_address_is_kept_as_long_as_ttl_says(ground: tuple[Home, Bind]) -> None:
    assert [7] == [rrset.ttl for rrset in ground[1].ask(LOWER).answer]


@pytest.mark.parametrize("words", [f"--zone {NAME}. --zone WWW.example.net", ""])
def test_without_zone_statements_the_option_zone_or_the_plan_names_what_is_answered(
    ground: tuple[Home, Bind],
    driver: Path,
    needs: Callable[[str], str],
    free_port: Callable[[], int],
    words: str,
) -> None:
    home, other = ground
    port, folder = free_port(), home.path / f"searched{len(words)}"
    words = f"{WORDS} {words} --plan {home.path / 'plan'}"
    conf = CONF.format(folder=folder, port=port, driver=driver, words=words)
    conf = conf.replace("search no;", "").partition("\nzone ")[0]
    client = random_clients(seed=1, count=1)[0]
    with serving_bind(needs("named"), folder, port, conf) as bind:
        assert other.addresses(client) == bind.addresses(client)
        also = bind.ask(client, "A", "www.example.net")
        assert (bind.addresses(client) if "--zone" in words else []) == addresses_of(also)
        assert dns.rcode.REFUSED == bind.ask(client, "A", "example.net").rcode()
        assert dns.rcode.NXDOMAIN == bind.ask(client, "A", f"x.{NAME}").rcode()


def test_a_client_subnet_counts_for_nothing(ground: tuple[Home, Bind]) -> None:
    # BIND answers every subnet with scope 0, as if the answer were the same for all.
    _, bind = ground
    clients = {tuple(bind.addresses(each)): each for each in random_clients(seed=2, count=50)}
    one, other, *_ = clients.values()
    query = dns.message.make_query(NAME, "A", options=[dns.edns.ECSOption(other, 32)])
    response = dns.query.udp(query, LOOPBACK, PATIENCE_S, bind.port, source=one)
    assert bind.addresses(one) == addresses_of(response)
