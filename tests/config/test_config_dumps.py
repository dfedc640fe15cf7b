"""MRT files among the routes of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mrtmaking import peer_table, rib, rib_entry, sequence

from sparrow.config.load import parse_config
from sparrow.config.render import render_config
from sparrow.staging import Staging, load_tables

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
ssrs: {}
routes:
  - {file: /srv/rib.bz2, format: mrt, peer: PEER}
  - {file: /etc/ssrs.routes}
"""


@pytest.mark.parametrize(
    ("peer", "shown"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ('"2001:DB8::1"', "2001:db8::1"),
        ("64500", "AS64500"),
        ("AS64500", "AS64500"),
        ('"1.10"', "AS65546"),
        ("null", "None"),
    ],
)
def test_a_neighbour_is_read_in_every_form_and_printed_so_that_it_reads_back(
    peer: str, shown: str
) -> None:
    config = parse_config(TEXT.replace("PEER", peer), "sparrow.yaml").config
    assert ["mrt", "ssrs"] == [route.format for route in config.routes]
    assert shown == str(config.routes[0].peer)
    assert config == parse_config(render_config(config), "printed.yaml").config


def test_what_routes_must_keep_to_is_told_by_file(tmp_path: Path) -> None:
    entry = rib_entry(0, sequence(64600, 9))
    blocks = ("0.0.0.0/0", "1.0.0.0/25", "10.0.0.0/8")
    (tmp_path / "rib").write_bytes(peer_table() + b"".join(rib(2, b, entry) for b in blocks))
    for sanity, expected in (
        ("{max_length_v4: 25}", ["1.0.0.0/25"]),
        ("{default_routes: keep}", ["0.0.0.0/0"]),
        ("{martians: keep, max_prefixes: 7}", ["10.0.0.0/8"]),
    ):
        file = f"{{file: {tmp_path}/rib, format: mrt, sanity: {sanity}}}"
        config = parse_config(f"ssrs: {{}}\nroutes: [{file}]\n", "sparrow.yaml").config
        loaded = load_tables(config, Staging("sparrow.yaml"))
        assert expected == [str(prefix) for prefix, _ in loaded.snapshot.entries()]
        assert 2 == sum(loaded.files[0].refused.values())


def test_the_tables_of_a_configuration_are_read_with_its_neighbour(tmp_path: Path) -> None:
    paths = (sequence(64600, 9), sequence(64601, 7, 9))
    entries = [rib_entry(number, path) for number, path in enumerate(paths)]
    (tmp_path / "rib").write_bytes(peer_table() + rib(2, "1.0.0.0/8", *entries))
    (tmp_path / "lines").write_text("2.0.0.0/8 5\n")
    text = TEXT.replace("PEER", "AS64601").replace("/srv/rib.bz2", str(tmp_path / "rib"))
    text = text.replace("/etc/ssrs.routes", str(tmp_path / "lines"))
    loaded = load_tables(parse_config(text, "sparrow.yaml").config, Staging("sparrow.yaml"))
    found = [f"{prefix} {route}" for prefix, route in loaded.snapshot.entries()]
    assert ["1.0.0.0/8 64601 7 9", "2.0.0.0/8 5"] == found
