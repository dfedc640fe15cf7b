"""`sparrow routes picture`: the IPv4 space by site, as a PNG file."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from running import run

if TYPE_CHECKING:
    from pathlib import Path

    from running import Home


def side_of(path: Path) -> int:
    """Give the longest side that a square in a picture can have: its height less its margins."""
    octets = path.read_bytes()
    assert b"\x89PNG" == octets[:4]
    _, height = struct.unpack_from("!II", octets, 16)
    return 1 << height.bit_length() - 1


@pytest.mark.parametrize("size", [512, 1024])
def test_the_table_of_the_configuration_is_drawn(home: Home, size: int) -> None:
    target = home.path / "map.png"
    outcome = run("routes", "picture", "-c", home.config, "-o", str(target), "--size", str(size))
    assert (0, "") == (outcome.code, outcome.out)
    assert size == side_of(target)
    assert f"{target}: {target.stat().st_size:,} octets" in outcome.err


def test_without_routes_sites_are_drawn_by_what_else_is_known(home: Home) -> None:
    sites = home.sites
    home.configure(files=(), sites=f"overrides: [{{prefix: 20.0.0.0/8, site: us}}]\n{sites}")
    target = home.path / "map.png"
    arguments = ("-c", home.config, "-o", str(target), "--size", "512")
    outcome = run("routes", "picture", *arguments)
    assert (0, 512) == (outcome.code, side_of(target))
    home.configure(files=(), sites=sites)
    assert "the configuration has no route files" in run("routes", "picture", *arguments).err


def test_files_are_drawn_in_place_of_it(home: Home) -> None:
    pictures = []
    for number, text in enumerate(("20.0.0.0/8 64600\n", "20.0.0.0/8 64601\n30.0.0.0/8 64600\n")):
        target = home.path / f"map{number}.png"
        file = str(home.write("some", text))
        arguments = ("-c", home.config, "-o", str(target), "--size", "512", file)
        assert 0 == run("routes", "picture", *arguments).code
        pictures.append(target.read_bytes())
    assert pictures[0] != pictures[1]


def test_a_difference_is_drawn(home: Home) -> None:
    files = [
        str(home.write(name, f"20.0.0.0/8 {asn}\n")) for name, asn in (("a", 64600), ("b", 64601))
    ]
    pictures = []
    for pair in (files, files[::-1], [files[0]] * 2):
        target = home.path / "moves.png"
        arguments = ("-c", home.config, "-o", str(target), "--size", "512", "--title", "same")
        assert 0 == run("routes", "picture", *arguments, "--diff", *pair).code
        pictures.append(target.read_bytes())
    assert 3 == len({*pictures})


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--diff", "table.routes", "table.routes", "more"), "give no other FILE"),
        (("/nonexistent",), "/nonexistent: the file cannot be read"),
        (("--diff", "table.routes", "/nonexistent"), "/nonexistent: the file cannot be read"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    home: Home, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], what: str
) -> None:
    monkeypatch.chdir(home.path)
    outcome = run("routes", "picture", "-c", home.config, "-o", "map.png", *arguments)
    assert (2, True) == (outcome.code, what in outcome.err)
    assert not (home.path / "map.png").exists()


def test_without_sites_there_are_no_colours(home: Home) -> None:
    home.configure(sites="", zones="", ssrs="ssrs: {}\n")
    outcome = run("routes", "picture", "-c", home.config, "-o", str(home.path / "map.png"))
    assert (2, True) == (outcome.code, "the configuration has no sites" in outcome.err)
