"""The native twin against the pure one, which defines it."""

from __future__ import annotations

import struct
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest
from handmade import Draft
from packets import NOW_S, names_of, random_client, random_packet, random_words
from plandirs import open_compiled, write_plan

from sparrow.plan import native, pureloop
from sparrow.plan.pure import MISS, Answered
from sparrow.plan.reader import open_plan
from sparrow.values.address import parse_address
from sparrow.values.name import encode_name, parse_name

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from conftest import Compiled
    from plandirs import Opened

    from sparrow.plan.plan import Plan

SOURCE = parse_address("30.0.0.1")
PACKETS_PER_PLAN = 2400
"""Of each of 42 plans: 100,800 in all."""
LIMITS = (1232, 1232, 1232, 512, 700, 65535)
SURVIVED = 1_000_000
"""Mutated packets; all that is asked of the answers is that they end."""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan written by hand."""
    directory = tmp_path_factory.mktemp("handmade")
    write_plan(directory, Draft().files())
    return open_plan(directory)


def query(name: str, rtype: int, opt: bytes = b"") -> bytes:
    head = struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, int(bool(opt)))
    return head + encode_name(parse_name(name)) + struct.pack("!HH", rtype, 1) + opt


def opt(*options: str, flags: int = 0) -> bytes:
    """Give an OPT record of options in hexadecimal."""
    rdata = bytes.fromhex("".join(options))
    return struct.pack("!BHHIH", 0, 41, 4096, flags, len(rdata)) + rdata


WWW_EAST = "c00c000100010000003c0004c0000201c00c000100010000003c0004c0000202"
WWW_WEST = "c00c000100010000003c0004c6336401"
ALIAS_WEST = "c00c000500010000003c000603777777c012c02b000100010000003c0004c6336401"


class Vector(NamedTuple):
    """A query and its answer, in which AA is set and RD is given back."""

    packet: bytes
    source: str
    said: tuple[int, int, int, int]
    """Response code, and the counts of the three sections."""
    rest: str
    """What stands behind the question, in hexadecimal."""


VECTORS = {
    "source": Vector(query("www.example.", 1), "30.0.0.1", (0, 2, 0, 0), WWW_EAST),
    "other site": Vector(query("www.example.", 1), "20.0.0.1", (0, 1, 0, 0), WWW_WEST),
    "IPv6": Vector(query("www.example.", 1), "2a00::1", (0, 1, 0, 0), WWW_WEST),
    "6to4": Vector(query("www.example.", 1), "2002:1400:1::", (0, 1, 0, 0), WWW_WEST),
    "Teredo": Vector(query("www.example.", 1), "2001::ebff:ffff", (0, 1, 0, 0), WWW_WEST),
    "client subnet": Vector(
        query("www.example.", 1, opt("0008 0007 0001 18 00 1400aa")),
        "30.0.0.1",
        (0, 1, 0, 1),
        WWW_WEST + "00002904d000000000000b" + "00080007000118081400aa",
    ),
    "special subnet, so the source decides": Vector(
        query("www.example.", 1, opt("0008 0005 0001 08 00 0a", flags=0x8000)),
        "20.0.0.1",
        (0, 1, 0, 1),
        WWW_WEST + "00002904d0000080000009" + "000800050001" + "08080a",
    ),
    "alias": Vector(query("alias.example.", 1), "20.0.0.1", (0, 2, 0, 0), ALIAS_WEST),
    "static, with an identifier": Vector(
        query("text.example.", 16, opt("0003 0000")),
        "30.0.0.1",
        (0, 1, 0, 1),
        "c00c001000010000003c0003026869" + "00002904d0000000000007" + "000300036e7331",
    ),
    "no such name": Vector(
        query("x.y.example.", 1), "30.0.0.1", (3, 0, 1, 0), "c010000200010000003c0002c010"
    ),
}


@pytest.mark.parametrize("twin", [native, pureloop], ids=["native", "pure"])
class TestBothTwins:
    @pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())
    def test_a_query_is_answered_to_the_octet(
        self, twin: ModuleType, plan: Plan, vector: Vector
    ) -> None:
        packet, source = vector.packet, parse_address(vector.source)
        end = packet.index(b"\0", 12) + 5
        head = struct.pack("!6H", 0x1234, 0x8500 | vector.said[0], 1, *vector.said[1:])
        found = twin.Responder(plan).answer(packet, source, 1232, NOW_S)
        assert (head + packet[12:end]).hex() + vector.rest == found.wire.hex()

    def test_a_response_is_met_with_silence(self, twin: ModuleType, plan: Plan) -> None:
        packet = bytearray(query("www.example.", 1))
        packet[2] |= 0x80
        assert twin.Responder(plan).answer(bytes(packet), SOURCE, 1232, NOW_S) is None
        assert twin.Responder(plan).answer(bytes(11), SOURCE, 1232, NOW_S) is None

    @pytest.mark.parametrize("packet", [query("other.example.", 1), query("www.example.", 252)])
    def test_what_is_for_others_is_a_miss(
        self, twin: ModuleType, plan: Plan, packet: bytes
    ) -> None:
        assert MISS is twin.Responder(plan).answer(packet, SOURCE, 1232, NOW_S)

    def test_what_is_counted_is_told(self, twin: ModuleType, plan: Plan) -> None:
        packet = query("www.example.", 1, opt("00080007000118001400aa"))
        found = twin.Responder(plan).answer(packet, SOURCE, 1232, NOW_S)
        assert Answered(found.wire, 0, 0, 1, 1, has_subnet=True) == found

    @pytest.mark.parametrize(("source", "limit"), [(b"", 1232), (SOURCE, 511), (SOURCE, 65536)])
    def test_what_is_no_address_or_no_limit_is_refused(
        self, twin: ModuleType, plan: Plan, source: bytes, limit: int
    ) -> None:
        with pytest.raises(ValueError, match="no address, or the limit"):
            twin.Responder(plan).answer(query("www.example.", 1), source, limit, NOW_S)


def change_words(opened: Opened, directory: Path, rng: Random) -> None:
    """Store outcome words of every kind in the file that the plan has mapped."""
    words = random_words(rng, opened.plan.words)
    file = opened.plan.outcomes
    with (directory / file.name).open("r+b") as outcomes:
        outcomes.seek(file.sections[1].offset)
        outcomes.write(struct.pack(f"<{len(words)}Q", *words))


def compare(opened: Opened, rng: Random, count: int) -> list[tuple[bytes, bytes, int]]:
    """Give the packets, with source and limit, that the twins answer differently."""
    names = names_of(opened.authority.zones)
    twins = pureloop.Responder(opened.plan), native.Responder(opened.plan)
    asked = [
        (
            random_packet(rng, names, opened.authority.identity.cookie_secrets),
            random_client(rng),
            rng.choice(LIMITS),
        )
        for _ in range(count)
    ]
    return [
        each for each in asked if twins[0].answer(*each, NOW_S) != twins[1].answer(*each, NOW_S)
    ]


def test_the_twins_agree_on_every_packet_of_every_plan(
    compiled: tuple[Compiled, ...], tmp_path: Path
) -> None:
    for number, each in enumerate(compiled):
        opened = open_compiled(each, tmp_path / str(number))
        rng = Random(number)
        assert [] == compare(opened, rng, PACKETS_PER_PLAN // 2)
        change_words(opened, tmp_path / str(number), rng)
        assert [] == compare(opened, rng, PACKETS_PER_PLAN // 2)


def test_the_native_twin_survives_mutated_packets(full_plan: Compiled, tmp_path: Path) -> None:
    opened = open_compiled(full_plan, tmp_path / "plan")
    responder = native.Responder(opened.plan)
    names = names_of(opened.authority.zones)
    rng = Random(1)
    outcomes = {True: 0, False: 0}
    for _ in range(SURVIVED // 1000):
        good = random_packet(rng, names)
        source, limit = random_client(rng), rng.choice(LIMITS)
        for word in struct.unpack("!1000I", rng.randbytes(4000)):
            octets = bytearray(good)
            if octets:
                octets[word % len(octets)] = word >> 24
            packet = bytes(octets[: word >> 12 & 0x3FF])
            found = responder.answer(packet, source, limit, NOW_S)
            outcomes[found is None or found is MISS] += 1
    assert SURVIVED == sum(outcomes.values())
    assert min(outcomes.values()) > SURVIVED // 20
