"""Every export that is for a program, loaded by it, and what it then answers."""

from __future__ import annotations

import http.client
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from atlas import export, is_like_ipv4, look_up, pick_addresses
from programs import (
    KNOT,
    LOOPBACK,
    NGINX,
    PDNS,
    SITES,
    ZONE,
    answers,
    ask,
    running,
    write_conf,
    write_gdnsd,
    write_named,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from running import Home

COUNT = 300


def sources() -> list[str]:
    """Give loopback addresses to ask from."""
    return [
        each
        for each in pick_addresses(COUNT, 4, "127.0.0.0/8")
        if each not in {"127.0.0.0", "127.255.255.255"}
    ]


def subnets() -> dict[str, str]:
    """Give client subnets of single addresses of both families, by their addresses."""
    v6 = [each for each in pick_addresses(COUNT, 6) if not is_like_ipv4(each)]
    v4 = pick_addresses(COUNT, 4)
    return {each: f"{each}/32" for each in v4} | {each: f"{each}/128" for each in v6}


def sites_of(found: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {address: row["site"] for address, row in found.items()}


@pytest.mark.parametrize("order", [("au", "nl", "us"), ("nl", "us", "au")])
def test_named_matches_clients_by_the_lists_in_any_order_of_views(
    home: Home,
    tmp_path: Path,
    free_port: Callable[[], int],
    needs: Callable[[str], str],
    order: tuple[str, ...],
) -> None:
    port, named = free_port(), needs("named")
    conf = write_named(tmp_path, export(home, "bind-acl"), port, order)
    subprocess.run([needs("named-checkconf"), "-z", str(conf)], check=True, capture_output=True)
    command = [named, "-4", "-g", "-n", "1", "-c", str(conf)]
    with running(command, tmp_path, answers(port)):
        found = {each: ask(port, "TXT", source=each) for each in sources()}
    assert {each: {f'"{site}"'} for each, site in sites_of(look_up(home, found)).items()} == found
    assert 3 == len({*map(tuple, found.values())})


def test_nginx_sets_the_site_of_a_client(
    home: Home, tmp_path: Path, free_port: Callable[[], int], needs: Callable[[str], str]
) -> None:
    port, nginx = free_port(), needs("nginx")
    conf = write_conf(tmp_path, NGINX, {"port": port, "file": export(home, "nginx-geo")})

    def get(source: str = LOOPBACK) -> str | None:
        client = http.client.HTTPConnection(LOOPBACK, port, source_address=(source, 0))
        try:
            client.request("GET", "/")
            return client.getresponse().read().decode()
        except OSError:
            return None
        finally:
            client.close()

    command = [nginx, "-p", str(tmp_path), "-c", str(conf)]
    with running(command, tmp_path, lambda: get() is not None):
        found = {each: get(each) for each in sources()}
    assert sites_of(look_up(home, found)) == found
    assert {"au", "nl", "us"} == set(found.values())


def test_gdnsd_gives_the_site_of_a_subnet(
    home: Home, tmp_path: Path, free_port: Callable[[], int], needs: Callable[[str], str]
) -> None:
    port, gdnsd, nets = free_port(), needs("gdnsd"), export(home, "gdnsd-nets")
    default = re.search(r"datacenters => \[ (.*) \]", nets.read_text())
    assert default
    folder = write_gdnsd(tmp_path, nets, port, default[1])
    with running([gdnsd, "-c", str(folder), "start"], folder, answers(port, "example.org")):
        found = {each: ask(port, "A", subnet) for each, subnet in subnets().items()}
    assert {each: {SITES[site]} for each, site in sites_of(look_up(home, found)).items()} == found


def answer_of(row: Mapping[str, Any], rtype: str) -> set[str]:
    return {vip for vip in row["vips"] if (":" in vip) == (rtype == "AAAA")}


def check_name_server(home: Home, port: int) -> None:
    """Hold the answers of a name server with the whole map against look-ups."""
    asked = subnets()
    rows = look_up(home, asked)
    for rtype in ("A", "AAAA"):
        found = {each: ask(port, rtype, subnet) for each, subnet in asked.items()}
        assert {each: answer_of(row, rtype) for each, row in rows.items()} == found
        assert 3 == len({*map(frozenset, found.values())})


def test_knot_gives_the_addresses_of_a_subnet(
    home: Home, tmp_path: Path, free_port: Callable[[], int], needs: Callable[[str], str]
) -> None:
    port, knot = free_port(), needs("knotd")
    conf = write_conf(tmp_path, KNOT, {"port": port, "file": export(home, "knot-geoip")})
    (tmp_path / "zone").write_text(ZONE)
    (tmp_path / "run").mkdir()
    with running([knot, "-c", str(conf)], tmp_path, answers(port)):
        check_name_server(home, port)
        assert ask(port, "A", "2002:1401:0203::/48") == {"193.173.27.8"}


def test_powerdns_gives_the_addresses_of_a_subnet(
    home: Home, tmp_path: Path, free_port: Callable[[], int], needs: Callable[[str], str]
) -> None:
    port, pdns = free_port(), needs("pdns_server")
    file = export(home, "pdns-geoip")
    write_conf(tmp_path, PDNS, {"port": port, "file": file}).rename(tmp_path / "pdns.conf")
    with running([pdns, f"--config-dir={tmp_path}"], tmp_path, answers(port)):
        check_name_server(home, port)
        assert ask(port, "NS") == {"ns.example.org.", "ns.au.example.org."}
        # A subnet wider than the blocks in it has the site of most.
        assert ask(port, "A", "20.1.0.0/15") == {"193.173.27.8"}
