"""What the driver reads from a plan: addresses of all kinds, outcome words, plans gone wrong."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import random
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from bindground import HALVES, LOWER, SELF, ZONE_WORDS, Harness, build_driver, compile_plan
from running import run, wait_until

from sparrow.plan.format import (
    ANSWERS_MAGIC,
    HEADER,
    MAP_MAGIC,
    OUTCOMES_MAGIC,
    OutcomeFlag,
    OutcomesSection,
    PlanError,
    decode_file,
)
from sparrow.plan.reader import open_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from running import Home

SITES = """\
self: nl
sites:
  au: {asn: [64600], vips: [192.0.2.10, 192.0.2.11, "2001:db8::a"], fallback: [us]}
  nl: {asn: [64601], vips: [192.0.2.1, "2001:db8::1"]}
  us: {asn: ["64602-64609"], vips: [192.0.2.30, "2001:db8::b"], fallback: [nl]}
"""
BROAD_SITES = (
    SITES.replace("[64600]", '["1-10000", 64600]')
    .replace("[64601]", '["10001-30000", 64601]')
    .replace('"64602-64609"', '"30001-64599", "64602-64609"')
)
"""The same sites, with AS numbers of the Internet."""
WORDS = (
    "ss --peer 64600=192.0.2.10,64600=192.0.2.11 --peer=64600=2001:db8::a,64601=192.0.2.1 "
    "--peer AS64601=2001:db8::1,64605=192.0.2.30,0.64602=2001:db8::b --self 192.0.2.1,2001:db8::1 "
    f"--result_count=8 {ZONE_WORDS}"
)


def random_tables(seed: int) -> str:
    """Give a table of both families, with blocks that wrap others and special ones in it."""
    chance = random.Random(seed)
    lines = {"0.0.0.0/1 64602", "2000::/3 64602", "10.0.0.0/8 64600", "fc00::/7 64600"}
    for _ in range(600):
        asn = chance.choice((64600, 64601, 64604, 7))
        v4 = ipaddress.ip_network((chance.getrandbits(32), chance.randint(4, 30)), strict=False)
        high = chance.choice((0x20010DB8, 0x2A000000 | chance.getrandbits(20)))
        v6 = ipaddress.ip_network(
            (high << 96 | chance.getrandbits(96), chance.randint(20, 64)), strict=False
        )
        lines |= {f"{v4} {asn}", f"{v6} {asn}"}
    prefixes = {line.split()[0]: line for line in sorted(lines)}
    return "".join(f"{line}\n" for line in prefixes.values())


def random_addresses(seed: int, table: str) -> list[str]:
    """Give addresses near the edges of a table's prefixes, wrapped ones, and any others."""
    chance = random.Random(seed)
    prefixes = [ipaddress.ip_network(line.split()[0]) for line in table.splitlines()]
    edges = [each[place] for each in chance.sample(prefixes, 150) for place in (0, -1)]
    found: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = [*edges]
    for _ in range(60):
        v4 = chance.getrandbits(32)
        wrapped = (
            0xFFFF << 32 | v4,
            0x64FF9B << 96 | v4,
            0x2002 << 112 | v4 << 80 | 5,
            0x20010000 << 96 | v4 ^ 0xFFFFFFFF,
            chance.getrandbits(128),
            0x2A00 << 112 | chance.getrandbits(112),
        )
        found += [ipaddress.IPv4Address(v4), *map(ipaddress.IPv6Address, wrapped)]
    return [str(each) for each in found]


@pytest.fixture
def ground(home: Home) -> Path:
    """The plan of three sites with addresses of both families."""
    home.configure(sites=SITES)
    return compile_plan(home)


def given(driver: Harness, client: str) -> set[str]:
    lines = [line.split() for line in driver.order(f"ask {client}")]
    return {words[2] for words in lines if words[0] in {"A", "AAAA"}}


@pytest.mark.parametrize("seed", [1, 2])
def test_addresses_of_every_kind_are_given_what_lookup_says(
    home: Home, ground: Path, harness: tuple[Path, Path], seed: int
) -> None:
    table = random_tables(seed)
    compile_plan(home, table)
    clients = random_addresses(seed, table)
    looked_up = run("lookup", "-c", home.config, "--json", "-", stdin="\n".join(clients).encode())
    expected = [set(json.loads(line)["vips"]) for line in looked_up.out.splitlines()]
    with Harness(harness, f"{WORDS} --plan {ground}") as driver:
        assert expected == [given(driver, client) for client in clients]
    assert 3 == len({frozenset(each) for each in expected})


def test_the_tables_of_the_internet_are_looked_up_as_sparrow_does(
    home: Home, harness: tuple[Path, Path], tables: Path
) -> None:
    home.configure(sites=BROAD_SITES, files=[])
    files = "".join(
        f"  - {{file: {path}, format: pfx2as}}\n" for path in sorted(tables.glob("*.pfx2as.gz"))
    )
    home.config.write_text(home.config.read_text().replace("zones:", f"routes:\n{files}zones:"))
    chance = random.Random(9)
    v6 = (0x2000 << 112 | chance.getrandbits(125) for _ in range(1000))
    clients = [
        *(str(ipaddress.IPv4Address(chance.getrandbits(32))) for _ in range(1000)),
        *map(str, map(ipaddress.IPv6Address, v6)),
    ]
    plan = compile_plan(home)
    looked_up = run("lookup", "-c", home.config, "--json", "-", stdin="\n".join(clients).encode())
    expected = [set(json.loads(line)["vips"]) for line in looked_up.out.splitlines()]
    with Harness(harness, f"{WORDS} --plan {plan}") as driver:
        assert expected == [given(driver, client) for client in clients]
    assert 3 == len({frozenset(each) for each in expected})


AU, NL, US = range(3)
NO_CAP = 2**32 - 1
AU_LINES = ["A {ttl} 192.0.2.10", "A {ttl} 192.0.2.11", "AAAA {ttl} 2001:db8::a"]
US_LINES = ["A {ttl} 192.0.2.30", "AAAA {ttl} 2001:db8::b"]


def word_of(site: int, flags: int = 0, cap: int = NO_CAP) -> int:
    return site | flags << 16 | cap << 32


def at_ttl(lines: list[str], ttl: int) -> list[str]:
    return [line.format(ttl=ttl) for line in lines]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (word_of(AU), at_ttl(AU_LINES, 7)),
        (word_of(US), at_ttl(US_LINES, 7)),
        (word_of(US, cap=5), at_ttl(US_LINES, 5)),
        (word_of(US, cap=0), at_ttl(US_LINES, 4)),  # ttl_min is half of 7, rounded up
        (word_of(US, OutcomeFlag.EXACT, cap=0), at_ttl(US_LINES, 0)),
        (word_of(AU, OutcomeFlag.EMPTY), []),
        (word_of(AU, OutcomeFlag.SERVFAIL), ["FAILURE 25"]),
        (word_of(AU, OutcomeFlag.SERVFAIL | OutcomeFlag.EMPTY), ["FAILURE 25"]),
        (word_of(3), ["FAILURE 25"]),
        (word_of(3, OutcomeFlag.EMPTY), []),
        (word_of(65535, 0x8), ["FAILURE 25"]),
        (word_of(US, 0x8), at_ttl(US_LINES, 7)),
    ],
)
def test_an_outcome_word_says_what_is_given_at_the_next_question(
    ground: Path, harness: tuple[Path, Path], word: int, expected: list[str]
) -> None:
    (outcomes,) = ground.glob("outcomes-*")
    content = outcomes.read_bytes()
    section = decode_file(OUTCOMES_MAGIC, memoryview(content))[OutcomesSection.WORDS]
    with Harness(harness, f"{WORDS} --plan {ground}") as driver:
        assert at_ttl(AU_LINES, 7) == driver.order(f"ask {LOWER}")[3:]
        with outcomes.open("r+b") as file:
            file.seek(section.offset)
            file.write(struct.pack("<Q", word) * section.count)
        lines = driver.order(f"ask {LOWER}")
        assert expected == [line for line in lines if line.split()[0] not in {"SOA", "NS"}]


def test_a_site_without_a_peer_is_given_self_and_one_without_the_family_nothing(
    ground: Path, harness: tuple[Path, Path]
) -> None:
    upper = "127.200.0.1"
    words = f"ss --peer 64600=2001:db8::a --self {SELF},2001:db8::1 {ZONE_WORDS} --plan {ground}"
    with Harness(harness, words) as driver:
        assert {"2001:db8::a"} == given(driver, LOWER)
        assert {SELF, "2001:db8::1"} == given(driver, upper)
        assert {SELF, "2001:db8::1"} == given(driver, "-")


def test_no_more_than_result_count_addresses_of_a_family_are_given(
    ground: Path, harness: tuple[Path, Path]
) -> None:
    with Harness(harness, f"{WORDS} --result_count 1 --plan {ground}") as driver:
        assert {"192.0.2.10", "2001:db8::a"} == given(driver, LOWER)


def test_a_peer_whose_site_goes_is_told_of_once_and_self_is_answered(
    home: Home, ground: Path, harness: tuple[Path, Path]
) -> None:
    with Harness(harness, f"{WORDS} --plan {ground}") as driver:
        home.configure(sites=SITES.replace("64600", "64700"))
        ours, theirs = {SELF, "2001:db8::1"}, {"192.0.2.30", "2001:db8::b"}
        for turn, expected in enumerate((ours, theirs, ours)):
            compile_plan(home, HALVES[turn % 2].replace("64600", "64700"))
            wait_until(lambda: expected == given(driver, LOWER), str)  # noqa: B023
        (line,) = driver.logged
        assert "--peer 64600=192.0.2.10: no site of the plan" in line


def test_the_zones_of_the_plan_that_the_service_answers_for_are_found(
    home: Home, harness: tuple[Path, Path]
) -> None:
    zone = "soa: {mname: ns., rname: h.}, ns: [ns.]"
    home.write("www.zone", "$TTL 60\nhost A 192.0.2.77\n@ TXT text\n")
    services = "services:\n  api: {sites: [nl], vips: {nl: [192.0.2.9]}}\n"
    zones = {
        "a.example": f"{{{zone}, file: www.zone}}",
        "b.example": f"{{{zone}, steer: [www]}}",
        "c.example": f'{{{zone}, steer: {{"@": api}}}}',
        "1.d.example": f'{{{zone}, steer: {{"@": default, api: api}}}}',
    }
    text = "".join(f"  {name}: {value}\n" for name, value in zones.items())
    home.configure(sites=SITES + services, zones=f"zones:\n{text}")
    words = f"{WORDS} --plan {compile_plan(home)}"
    found = {}
    for more in ("", "--service api --peer 64601=192.0.2.9", "--zone b.example."):
        with Harness(harness, f"{words} {more}") as driver:
            names = (*zones, "host.a.example", "example")
            found[more[:9]] = [name for name in names if driver.order(f"zone {name}")[0] == "yes"]
    assert {
        "": ["a.example", "1.d.example"],
        "--service"[:9]: ["c.example"],
        "--zone b.": ["b.example"],
    } == found


# Plans gone wrong, their digests right, so that only the checks of the driver are left.

KINDS = {"answers": ANSWERS_MAGIC, "maps": MAP_MAGIC, "outcomes": OUTCOMES_MAGIC}
EXTREMES = (0, 1, 2, 3, 0x7F, 0xFF, 0x100, 0xFFFE, 0xFFFF, 0x10000, 0x20000, 0x7FFFFFFF, 0xFFFFFFFF)


def spoil(chance: random.Random, content: bytes, magic: bytes) -> bytes:
    """Change one to three words of a file: of its head, or of any of its sections."""
    octets = bytearray(content)
    spans = [(0, HEADER.size + 24 * 4)]
    for section in decode_file(magic, memoryview(content)).values():
        size = section.count * section.item_size
        spans += [(section.offset, min(size, 64)), (section.offset, size)]
    for _ in range(chance.randint(1, 3)):
        start, size = chance.choice([span for span in spans if span[1]])
        at = min(start + chance.randrange(size) // 4 * 4, len(octets) - 4)
        word = chance.choice((*EXTREMES, chance.getrandbits(32), octets[at] ^ 1))
        octets[at : at + 4] = struct.pack("<I", word)
    return bytes(octets)


def spoil_text(chance: random.Random, text: bytes) -> bytes:
    """Change, remove or repeat some octets."""
    octets = bytearray(text)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(octets))
        end = min(at + chance.randint(1, 6), len(octets))
        piece = chance.choice((b"", octets[at:end] * 2, b'{["', b"\\u", b"9" * 25, b"\xff", b"}]"))
        octets[at:end] = piece
        octets = octets or bytearray(b" ")
    return bytes(octets)


def spoiled_plans(plan: Path, aside: Path) -> Iterator[str]:
    """Write plans with something wrong in them into a directory; give what each is about."""
    chance = random.Random(aside.name)
    current = json.loads((plan / "current").read_text())
    for number in range(100):
        kind = chance.choice((*KINDS, *KINDS, "current"))
        for path in plan.iterdir():
            if not (aside / path.name).exists() or path.stat().st_size < 2**16:
                (aside / path.name).unlink(missing_ok=True)
                (aside / path.name).write_bytes(path.read_bytes())
        text = json.dumps(current).encode()
        if kind == "current":
            (aside / "current").write_bytes(spoil_text(chance, text))
        else:
            entry = current[kind][0] if kind == "maps" else current[kind]
            content = spoil(chance, (plan / entry["file"]).read_bytes(), KINDS[kind])
            (aside / entry["file"]).unlink()
            (aside / entry["file"]).write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            changed = text.replace(entry.get("sha256", "-").encode(), digest.encode())
            (aside / "current").write_bytes(changed)
        yield f"{kind} {number}"
        if kind == "maps":
            (aside / entry["file"]).unlink()


def is_taken_by_sparrow(plan: Path) -> bool:
    try:
        open_plan(plan)
    except PlanError:
        return False
    return True


@pytest.fixture(scope="module")
def sanitized(
    needs: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """The harness and the driver, built with the sanitizers of addresses and of behaviour."""
    needs("make")
    flags = "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"
    folder = tmp_path_factory.mktemp("sanitized")
    try:
        driver, harness = build_driver(folder, flags)
    except subprocess.CalledProcessError:
        pytest.skip("the compiler has no AddressSanitizer (-fsanitize=address)")
    return harness, driver


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(2))
def test_a_plan_that_sparrow_refuses_does_no_harm_and_one_that_it_takes_is_taken(
    home: Home, ground: Path, sanitized: tuple[Path, Path], tmp_path: Path, number: int
) -> None:
    table = random_tables(number)
    compile_plan(home, table)
    aside = tmp_path / f"aside{number}"
    aside.mkdir()
    clients = [*random_addresses(number, table)[::20], "-"]
    verdicts: set[tuple[str, bool]] = set()
    with Harness(sanitized, f"{WORDS} --plan {aside}") as driver:
        for what in spoiled_plans(ground, aside):
            driver.logged.clear()
            is_created = ["CREATED"] == driver.order("again")
            is_taken = is_created and not driver.logged
            if is_created:
                for client in clients:
                    driver.order(f"ask {client}")
            is_right = is_taken_by_sparrow(aside)
            kind = what.split()[0]
            verdicts.add((kind, is_right))
            if is_right or kind == "maps":
                assert is_right == is_taken, (what, driver.logged)
        assert (0, "") == driver.end()
    assert {("maps", False), ("answers", False), ("outcomes", False)} <= verdicts
