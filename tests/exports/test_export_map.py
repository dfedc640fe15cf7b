"""The exported map against look-ups: every format that a test can read by itself."""

from __future__ import annotations

import ipaddress
import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from atlas import SITES, export, look_up, make_home, pick_addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from running import Home

WRAPPED = ("::ffff:0:0/96", "64:ff9b::/96", "2001::/32", "2002::/16")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
READER = """\
import json, sys, maxminddb
reader = maxminddb.open_database(sys.argv[1])
found = {line: reader.get_with_prefix_len(line) for line in sys.stdin.read().split()}
print(json.dumps({"found": found, "nodes": reader.metadata().node_count}))
"""


def networks(lines: Iterable[tuple[str, str]]) -> dict[Network, str]:
    return {ipaddress.ip_network(net): value for net, value in lines}


def find(nets: Mapping[Network, str], address: str) -> list[str]:
    """Give what every block around an address says."""
    found = ipaddress.ip_address(address)
    return [value for net, value in nets.items() if net.version == found.version and found in net]


def load_csv(path: Path) -> dict[Network, str]:
    head, *rows = path.read_text().splitlines()
    assert "network,site" == head
    return networks((row.split(",")[0], row.split(",")[1]) for row in rows)


@pytest.mark.parametrize("version", [4, 6])
def test_every_address_has_one_block_with_the_site_of_the_look_up(home: Home, version: int) -> None:
    nets = load_csv(export(home, "csv"))
    addresses = pick_addresses(300, version)
    plain = [each for each in addresses if not is_wrapped(each)]
    assert len(plain) > 200
    found = look_up(home, plain)
    assert {address: [row["site"]] for address, row in found.items()} == {
        address: find(nets, address) for address in plain
    }


def is_wrapped(address: str) -> bool:
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(block) for block in WRAPPED)


def test_blocks_are_the_fewest_as_neighbours_that_could_be_one_differ(home: Home) -> None:
    nets = load_csv(export(home, "csv"))
    doubles = [
        net for net, site in nets.items() if net.prefixlen and nets.get(sibling(net)) == site
    ]
    assert [] == doubles
    assert len(nets) > 100


def sibling(net: Network) -> Network:
    first, second = net.supernet().subnets()
    return second if net == first else first


def test_addresses_that_wrap_ipv4_are_in_no_block(home: Home) -> None:
    nets = load_csv(export(home, "csv"))
    for block in WRAPPED:
        assert [] == find(nets, str(ipaddress.ip_network(block)[77]))


def test_the_scope_of_a_look_up_is_the_block(home: Home) -> None:
    nets = load_csv(export(home, "csv"))
    for address, row in look_up(home, ["20.1.2.3", "20.1.2.130", "30.1.1.1", "2600::1"]).items():
        net = next(net for net in nets if ipaddress.ip_address(address) in net)
        assert row["scope"] == net.prefixlen


def test_a_service_of_its_own_is_exported_by_its_name(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    home = make_home(tmp_path, free_port())
    services = "services: {api: {sites: [nl, us], vips: {nl: [193.173.27.9]}}}\n"
    home.configure(sites=SITES + services)
    nets = load_csv(export(home, "csv", "--service", "api"))
    assert {"nl", "us"} == set(nets.values())
    assert ["nl"] == find(nets, "20.5.5.5")
    assert ["us"] == find(nets, "20.1.2.3")


def test_families_that_differ_are_exported_as_the_look_up_has_them(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    home = make_home(tmp_path, free_port())
    home.configure(sites=SITES.replace('vips: [193.173.27.8, "2001', 'vips: ["2001'))
    nets = load_csv(export(home, "csv"))
    addresses = [each for each in pick_addresses(300, 4) if not is_wrapped(each)]
    sites = {address: [row["site"]] for address, row in look_up(home, addresses).items()}
    assert sites == {address: find(nets, address) for address in addresses}
    assert ["nl"] in sites.values()


@pytest.mark.parametrize("vips", ["", "vips: {us: [192.0.2.9]}"])
def test_one_site_is_one_block_for_each_family(
    tmp_path: Path, free_port: Callable[[], int], vips: str
) -> None:
    home = make_home(tmp_path, free_port())
    services = f"services: {{one: {{sites: [us], {vips}}}}}\n"
    home.configure(sites=SITES + services)
    nets = load_csv(export(home, "csv", "--service", "one"))
    assert networks([("0.0.0.0/0", "us"), ("::/0", "us")]) == nets
    found = read_mmdb(export(home, "mmdb", "--service", "one"), ["20.1.2.3", "2600::1", "2002::1"])
    assert {"us"} == {value["site"] for value, _ in found.values()}


def read_mmdb(path: Path, addresses: list[str]) -> dict[str, tuple[dict[str, object], int]]:
    """Ask MaxMind's own reader, that of Debian."""
    command = ["/usr/bin/python3", "-c", READER, str(path)]
    asked = subprocess.run(
        command, input="\n".join(addresses), capture_output=True, text=True, check=False
    )
    if "No module named 'maxminddb'" in asked.stderr:
        pytest.skip("python3-maxminddb is not installed")
    assert 0 == asked.returncode, asked.stderr
    return dict(json.loads(asked.stdout)["found"])


@pytest.mark.parametrize("version", [4, 6])
def test_maxminds_reader_finds_site_addresses_and_scope(home: Home, version: int) -> None:
    v4_root = ipaddress.ip_network("::/96")
    addresses = [
        each
        for each in pick_addresses(300, version)
        if not is_wrapped(each) and ipaddress.ip_address(each) not in v4_root
    ]
    found = read_mmdb(export(home, "mmdb"), addresses)
    for address, row in look_up(home, addresses).items():
        data, length = found[address]
        assert {"site": row["site"], "vips": row["vips"]} == data, address
        # Special-purpose blocks are no stretches of their own here.
        assert row["scope"] >= length, address


def test_maxminds_reader_finds_wrapped_addresses_but_teredo(home: Home) -> None:
    found = read_mmdb(
        export(home, "mmdb"),
        ["::ffff:20.1.2.3", "64:ff9b::20.1.2.3", "2002:1401:0203::1", "2001::1", "::20.1.2.3"],
    )
    sites = [value and value["site"] for value, _ in found.values()]
    assert ["us", "us", "us", None, "us"] == sites


def test_the_c_reader_finds_the_same(home: Home, needs: Callable[[str], str]) -> None:
    program = needs("mmdblookup")
    path = export(home, "mmdb")
    for address, row in look_up(home, ["20.1.2.3", "20.5.5.5", "2a00::1"]).items():
        command = [program, "-f", str(path), "-i", address, "site"]
        asked = subprocess.run(command, capture_output=True, text=True, check=True)
        assert f'"{row["site"]}"' in asked.stdout


def test_gdnsds_default_and_its_nets_make_the_map_with_fallbacks_in_order(home: Home) -> None:
    text = export(home, "gdnsd-nets").read_text()
    default = re.search(r"datacenters => \[ (.*) \]", text)
    assert default
    assert "nl, au, us" == default[1]
    nets = networks(
        (line.split(" => ")[0], line.split(" => ")[1]) for line in text.splitlines()[2:]
    )
    assert ["[ us, nl, au ]"] == find(nets, "20.1.2.3")
    assert ["[ au, nl, us ]"] == find(nets, "20.1.2.130")
    assert [] == find(nets, "99.1.2.3")
    assert "[ nl, au, us ]" not in nets.values()
