"""The program beside `sparrow lookup` and DNS: with the same sites, the same answers."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from running import NAME, Home, run

from sparrow.values.address import parse_prefix, render_address, truncate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon
    from sparrowprogram import Program

PEERS = "64600=210.18.215.100,64601=193.173.27.8,64602=198.51.100.1"
OWN = "193.173.27.8"

# The prefixes of the table of `Home`, and others that it has no route for.
BLOCKS = "20.0.0.0/8 20.1.0.0/16 20.1.2.0/24 30.0.0.0/8 40.0.0.0/8 2600::/16 2a00::/16 50.0.0.0/8"
WRAPPED = "64:ff9b::1401:200/120"


@pytest.fixture
def daemon(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[tuple[Daemon, int]]:
    """A daemon with a route port, and the number of that."""
    port = free_port()
    home = Home(tmp_path_factory.mktemp("d"), free_port())
    home.configure(ssrs=f'ssrs: {{listen: "127.0.0.1:{port}"}}\n')
    yield home.serve(), port
    home.end()


def draw() -> list[str]:
    """Give a thousand addresses inside the blocks, both families."""
    chance = random.Random(6)
    blocks = [parse_prefix(text) for text in (*BLOCKS.split(), WRAPPED)]
    addresses = []
    for _ in range(1000):
        block = chance.choice(blocks)
        octets = chance.randbytes(len(block.network))
        low = int.from_bytes(octets, "big") ^ int.from_bytes(truncate(octets, block.length), "big")
        value = int.from_bytes(block.network, "big") | low
        addresses.append(render_address(value.to_bytes(len(octets), "big")))
    return addresses


def test_a_thousand_addresses_are_answered_alike_by_program_look_up_and_dns(
    program: Program, daemon: tuple[Daemon, int]
) -> None:
    server, port = daemon
    addresses = draw()
    lines = "".join(f"{address}\n" for address in addresses).encode()
    program.configure(f"peer {PEERS}", f"self {OWN}", "batch", "password x", f"port {port}")
    answers = {
        kind: program.run(f"--route_server={kind}", stdin=lines) for kind in ("ssrs", "zebra")
    }
    looked_up = run("lookup", "-c", server.home.config, "--json", "-", stdin=lines)
    vips = [json.loads(line)["vips"][0] for line in looked_up.out.splitlines()]
    by_dns = [
        server.addresses(NAME, f"{address}/{128 if ':' in address else 32}")[0]
        for address in addresses
    ]
    assert {"210.18.215.100", "193.173.27.8", "198.51.100.1"} == set(vips)
    assert vips == by_dns
    for code, out, err in answers.values():
        assert (0, "") == (code, err)
        assert vips == out.splitlines()
