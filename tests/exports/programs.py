"""The programs that exports are for, each with a configuration that holds one."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dns.edns
import dns.exception
import dns.message
import dns.query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

LOOPBACK = "127.0.0.1"
NAME = "www.example.org"
PATIENCE_S = 120
"""Seconds after which a test gives up; nothing is measured with it."""
SITES = {"au": "192.0.2.1", "nl": "192.0.2.2", "us": "192.0.2.3"}
"""Where a program has its own addresses for sites."""

NAMED = """\
include "{file}";
options {{
    directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    pid-file none; lock-file none; recursion no; dnssec-validation no; empty-zones-enable no;
}};
controls {{ }};
"""
NAMED_VIEW = """\
view "{site}" {{
    match-clients {{ "sparrow-{site}"; }};
    zone "{name}" {{ type primary; file "{site}.zone"; }};
}};
"""
ZONE = (
    "$TTL 60\n@ SOA ns.example.org. h.example.org. 1 7200 1800 259200 900\n@ NS ns.example.org.\n"
)
GDNSD = """\
options => {{ listen => 127.0.0.1:{port}, run_dir => {folder}/run, state_dir => {folder}/state }}
plugins => {{ geoip => {{
  maps => {{ m => {{ datacenters => [{order}], nets => {file} }} }}
  resources => {{ www => {{ map => m, service_types => up, dcmap => {{ {vips} }} }} }}
}} }}
"""
KNOT = """\
server:
    rundir: {folder}/run
    listen: 127.0.0.1@{port}
    edns-client-subnet: on
    udp-workers: 1
    tcp-workers: 1
database:
    storage: {folder}
mod-geoip:
  - id: geo
    config-file: {file}
    ttl: 7
    mode: subnet
zone:
  - domain: {name}
    file: {folder}/zone
    module: mod-geoip/geo
    journal-content: none
    zonefile-load: whole
"""
PDNS = """\
launch=geoip
local-address=127.0.0.1
local-port={port}
socket-dir={folder}
geoip-zones-file={file}
geoip-database-files=
edns-subnet-processing=yes
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
security-poll-suffix=
zone-cache-refresh-interval=0
consistent-backends=no
receiver-threads=1
disable-syslog=yes
guardian=no
daemon=no
"""
NGINX = """\
daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    include {file};
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 "$sparrow_site"; }} }}
}}
"""


@contextmanager
def running(command: Sequence[str], folder: Path, is_ready: Callable[[], bool]) -> Iterator[None]:
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder
        )
    try:
        end = time.monotonic() + PATIENCE_S
        while not is_ready():
            assert process.poll() is None, log.read_text(errors="replace")[-4000:]
            assert time.monotonic() < end, log.read_text(errors="replace")[-4000:]
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        finally:
            process.kill()


def answers(port: int, name: str = NAME) -> Callable[[], bool]:
    """Tell whether a name server answers."""

    def ask() -> bool:
        try:
            dns.query.udp(dns.message.make_query(name, "SOA"), LOOPBACK, timeout=0.2, port=port)
        except (OSError, dns.exception.DNSException):
            return False
        return True

    return ask


def ask(port: int, rtype: str, subnet: str | None = None, source: str = LOOPBACK) -> set[str]:
    """Give the rdata of the answer, as text."""
    options = []
    if subnet:
        address, _, length = subnet.partition("/")
        options.append(dns.edns.ECSOption(address, int(length)))
    query = dns.message.make_query(NAME, rtype, use_edns=0, options=options)
    response = dns.query.udp(query, LOOPBACK, timeout=PATIENCE_S, port=port, source=source)
    return {rdata.to_text() for rrset in response.answer for rdata in rrset}


def write_named(folder: Path, file: Path, port: int, order: Sequence[str]) -> Path:
    """Write named's configuration with a view for each site, in an order."""
    views = "".join(NAMED_VIEW.format(site=site, name=NAME) for site in order)
    for site in order:
        (folder / f"{site}.zone").write_text(f"{ZONE}@ TXT {site}\n")
    conf = folder / "named.conf"
    conf.write_text(NAMED.format(file=file, folder=folder, port=port) + views)
    return conf


def write_gdnsd(folder: Path, file: Path, port: int, order: str) -> Path:
    (folder / "zones").mkdir()
    (folder / "zones" / "example.org").write_text(f"{ZONE}www 60 DYNA geoip!www\n")
    vips = ", ".join(f"{site} => {vip}" for site, vip in SITES.items())
    text = GDNSD.format(file=file, folder=folder, port=port, order=order, vips=vips)
    (folder / "config").write_text(text)
    return folder


def write_conf(folder: Path, text: str, values: Mapping[str, object]) -> Path:
    conf = folder / "conf"
    conf.write_text(text.format(folder=folder, name=NAME, **values))
    return conf
