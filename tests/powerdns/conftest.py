"""A configuration with the socket for PowerDNS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from running import TABLE, Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MORE = r"""
c.b    TXT   below
sub    NS    ns.sub
ns.sub A     192.0.2.53
*.wild TXT   "any"
mail   MX    10 static
chain  CNAME alias
out    CNAME www.example.net.
caa    CAA   0 issue "ca.example; policy=\"ev\""
tls    TLSA  3 1 1 abababababababababababababababababababababababababababababababab
web    HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1
srv    SRV   1 2 3 static
naptr  NAPTR 100 50 "s" "z3950+I2L" "" static
sshfp  SSHFP 1 2 abababababababababababababababababababababababababababababababab
loc    LOC   52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
text   TXT   "a b" "q\"x\\ \200;\000"
own    TYPE65280 \# 2 abcd
uri    URI   10 1 "https://example.org/"
"""


def make_home(path: Path, port: int) -> Home:
    home = Home(path, port)
    home.write("table.routes", f"{TABLE}127.0.0.0/8 64601\n127.1.0.0/16 64600\n10.0.0.0/8 64602\n")
    home.write("www.zone", (path / "www.zone").read_text() + MORE)
    home.configure(server=", workers: 1", ssrs="pdns: {socket: pdns.sock}\n")
    return home


@pytest.fixture
def home(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Home]:
    """Nothing runs yet; what is started is stopped at the end."""
    home = make_home(tmp_path, free_port())
    yield home
    home.end()


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[Home]:
    """One server for all tests of a module: they leave it as it is."""
    home = make_home(tmp_path_factory.mktemp("s"), free_port())
    home.serve()
    yield home
    home.end()
