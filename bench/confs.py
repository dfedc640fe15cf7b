"""The configurations of every server: the same sites, zone and tables in each one's words.

Each function writes its files to an empty folder and gives the command that serves
them on a port of 127.0.0.1, with one worker for UDP.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ground import BLOCKS, FALLBACK, SITES, TTL_S, VIPS, ZONE, Ground
from wire import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

SPARROW = (sys.executable, "-m", "sparrow")
_SOA = f"ns.{ZONE}. hostmaster.{ZONE}. 1 28800 7200 604800 300"
_ZONE_HEAD = f"@ 300 SOA {_SOA}\n@ 60 NS ns.{ZONE}.\nns 60 A 192.0.2.53\n"

_GDNSD = """\
options => {{
    listen => {{ {address}:{port} => {{ udp_threads = 1, tcp_threads = 1 }} }}
    run_dir = {folder}/run
    state_dir = {folder}/state
}}
plugins => {{ geoip => {{
    maps => {{ tables => {{ datacenters => [ {sites} ], nets = nets }} }}
    resources => {{ nearest => {{ map => tables, dcmap => {{
        {addresses}
    }} }} }}
}} }}
"""
# gdnsd says that these belong to IPv4, and refuses them under `nets`.
_NOT_FOR_GDNSD = ("2001::/32",)

_KNOT = """\
server:
    listen: {address}@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    edns-client-subnet: on
    rundir: {folder}
database:
    storage: {folder}
log:
  - target: stderr
    any: warning
mod-geoip:
  - id: tables
    config-file: {folder}/subnets
    ttl: {ttl_s}
    mode: subnet
template:
  - id: default
    storage: {folder}
    zonefile-load: whole
    journal-content: none
zone:
  - domain: {zone}
    file: {zone}.zone
    module: mod-geoip/tables
"""


def write_sparrow(folder: Path, port: int, ground: Ground, workers: int = 1) -> Path:
    """Write the configuration of sparrow; JSON is YAML."""
    path = folder / "sparrow.yaml"
    sites = {
        site: {
            "asn": ["-".join(map(str, BLOCKS[site]))] if site in BLOCKS else [],
            "vips": list(VIPS[site].values()),
        }
        for site in SITES
    }
    soa = {"mname": f"ns.{ZONE}.", "rname": f"hostmaster.{ZONE}."}
    config = {
        "server": {
            "listen": [f"{LOOPBACK}:{port}"],
            "workers": workers,
            "run_dir": f"{folder}/run",
            "state_dir": f"{folder}/state",
        },
        "self": FALLBACK,
        "sites": sites,
        "routes": [{"file": str(file), "format": "pfx2as"} for file in ground.files],
        "zones": {ZONE: {"soa": soa, "ns": [f"ns.{ZONE}."], "ttl": TTL_S}},
    }
    path.write_text(json.dumps(config))
    return path


def prepare_serve(folder: Path, port: int, ground: Ground) -> list[str]:
    """Sparrow as it is used: everything from the configuration and the text tables."""
    return [*SPARROW, "serve", "--config", str(write_sparrow(folder, port, ground))]


def prepare_loop(folder: Path, port: int, ground: Ground) -> list[str]:
    """One UDP loop of sparrow alone, on a plan that is compiled here."""
    plan = compile_plan(folder, port, ground)
    return [sys.executable, str(Path(__file__).with_name("loop.py")), str(plan), str(port)]


def compile_plan(folder: Path, port: int, ground: Ground) -> Path:
    """Have `sparrow compile` write the plan of the ground, and give its directory."""
    config, plan = write_sparrow(folder, port, ground), folder / "plan"
    command = [*SPARROW, "compile", "--config", config, "-o", plan]
    subprocess.run(command, check=True, capture_output=True)
    return plan


def prepare_gdnsd(folder: Path, port: int, ground: Ground) -> list[str]:
    """Write the tables as `nets` of its plugin geoip."""
    (folder / "zones").mkdir()
    (folder / "zones" / ZONE).write_text(f"{_ZONE_HEAD}@ {TTL_S} DYNA geoip!nearest\n")
    addresses = "\n        ".join(
        f"{site} => {{ addrs_v4 => {vips[4]}, addrs_v6 => {vips[6]} }}"
        for site, vips in VIPS.items()
    )
    config = _GDNSD.format(
        address=LOOPBACK,
        port=port,
        folder=folder,
        sites=", ".join(_ranking(FALLBACK)),
        addresses=addresses,
    )
    (folder / "config").write_text(config)
    (folder / "geoip").mkdir()
    rankings = {site: ", ".join(_ranking(site)) for site in SITES}
    with (folder / "geoip" / "nets").open("w") as nets:
        for row in ground.rows:
            prefix = f"{row.text}/{row.length}"
            if prefix not in _NOT_FOR_GDNSD:
                nets.write(f"{prefix} => [ {rankings[row.site]} ]\n")
    return ["gdnsd", "-c", str(folder), "start"]


def _ranking(site: str) -> Iterator[str]:
    """Give the sites in the order in which they stand in for one another, as in sparrow."""
    return iter(dict.fromkeys((site, FALLBACK, *SITES)))


def prepare_knot(folder: Path, port: int, ground: Ground) -> list[str]:
    """Write the tables as subnets of its module geoip; the zone has what no prefix places."""
    vips = VIPS[FALLBACK]
    addresses = f"@ {TTL_S} A {vips[4]}\n@ {TTL_S} AAAA {vips[6]}\n"
    (folder / f"{ZONE}.zone").write_text(f"$ORIGIN {ZONE}.\n{_ZONE_HEAD}{addresses}")
    (folder / "knot.conf").write_text(
        _KNOT.format(address=LOOPBACK, port=port, folder=folder, zone=ZONE, ttl_s=TTL_S)
    )
    records = {
        site: f"    A: [ {vips[4]} ]\n    AAAA: [ {vips[6]} ]\n" for site, vips in VIPS.items()
    }
    with (folder / "subnets").open("w") as subnets:
        subnets.write(f"{ZONE}:\n")
        for row in ground.rows:
            subnets.write(f"  - net: {row.text}/{row.length}\n{records[row.site]}")
    return ["knotd", "-c", str(folder / "knot.conf")]
