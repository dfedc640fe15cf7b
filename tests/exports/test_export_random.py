"""The exported map of random tables, address by address."""

from __future__ import annotations

import ipaddress
import random
from typing import TYPE_CHECKING

import pytest
from atlas import SITES, ZONES

from sparrow.exports.blocks import Partition
from sparrow.exports.places import SiteMap
from sparrow.plan.compile import compile_plan
from sparrow.plan.lookup import classify, read_outcome
from sparrow.plan.publish import publish_plan
from sparrow.plan.reader import open_plan
from sparrow.staging import Staging, stage

if TYPE_CHECKING:
    from pathlib import Path

    from sparrow.plan.plan import Plan

ASNS = (64600, 64601, 64602, 7)
# Where special blocks, ordinary ones inside them and wrapped IPv4 are near.
LEADS = {4: [0x0A000000, 0xC0000000, 0xC6120000, 0x14000000], 6: [0, 0x2001 << 112, 0x2002 << 112]}


def write_table(path: Path, chance: random.Random) -> list[int]:
    """Write a table of both families, and give addresses at its edges, all as integers."""
    lines, edges = [], []
    for family, bits in ((4, 32), (6, 128)):
        kind = ipaddress.IPv4Network if family == 4 else ipaddress.IPv6Network
        for _ in range(40):
            length = chance.randint(0, bits)
            spread = chance.getrandbits(chance.choice([10, 20, bits - 8]))
            number = (
                chance.choice(LEADS[family]) + (spread << chance.choice([0, 8])) & (1 << bits) - 1
            )
            net = kind((number, length), strict=False)
            lines.append(f"{net} {chance.choice(ASNS)}\n")
            edges += [int(net[0]) - 1, int(net[0]), int(net[-1]), int(net[-1]) + 1]
    path.write_text("".join(lines))
    return edges


def open_random(folder: Path, seed: int) -> tuple[Plan, list[int]]:
    chance = random.Random(seed)
    edges = write_table(folder / "table", chance)
    sites = SITES if seed % 2 else SITES.replace('198.51.100.2, "2001:db8:c::1"', "198.51.100.2")
    (folder / "sparrow.yaml").write_text(f"{sites}routes: [{{file: table}}]\n{ZONES}")
    authority = stage(Staging(str(folder / "sparrow.yaml"))).view.authority
    publish_plan(folder / "plan", compile_plan(authority, 1, seed), 1)
    return open_plan(folder / "plan"), edges


def site_of(plan: Plan, address: bytes) -> str | None:
    """Give the site of A, else that of AAAA, for a query from an address."""
    for number in (0, 1):
        policy = plan.answers.policy(number)
        found = classify(plan, policy, address, None)
        site = read_outcome(plan, policy, found.class_number).site
        first_part = plan.answers.meta.policies[number].first_part
        if site is not None and plan.answers.part(first_part + site).address_count:
            return plan.answers.meta.sites[site]
    return None


def wraps(address: bytes) -> bool:
    found = ipaddress.ip_address(address)
    blocks = ("::ffff:0:0/96", "64:ff9b::/96", "2001::/32", "2002::/16")
    return any(found in ipaddress.ip_network(block) for block in blocks)


@pytest.mark.parametrize("seed", range(12))
def test_every_address_is_in_one_block_that_has_its_site(tmp_path: Path, seed: int) -> None:
    plan, edges = open_random(tmp_path, seed)
    parted = Partition(SiteMap(plan, "default"), lambda place: place.site)
    assert len(parted.labels) > 1
    for family, bits in ((4, 32), (6, 128)):
        blocks = list(parted.blocks(family))
        ends = [block.network + (1 << bits - block.length) for block in blocks]
        assert all(block.network >= end for block, end in zip(blocks[1:], ends, strict=False))
        for number in {each for each in (*edges, 0, (1 << bits) - 1) if 0 <= each < 1 << bits}:
            address = number.to_bytes(bits // 8, "big")
            around = [
                block.label
                for block, end in zip(blocks, ends, strict=True)
                if block.network <= number < end
            ]
            assert around == ([] if wraps(address) else [site_of(plan, address)]), address


@pytest.mark.parametrize("seed", range(4))
def test_blocks_are_counted_and_no_fewer_would_do(tmp_path: Path, seed: int) -> None:
    plan, _ = open_random(tmp_path, seed)
    parted = Partition(SiteMap(plan, "default"), lambda place: place.site)
    blocks = [(family, block) for family in (4, 6) for block in parted.blocks(family)]
    assert len(blocks) == parted.counts.total()
    known = {(family, block.network, block.length): block.label for family, block in blocks}
    for (family, network, length), label in known.items():
        if length:
            sibling = network ^ 1 << (32 if family == 4 else 128) - length
            assert known.get((family, sibling, length)) != label
