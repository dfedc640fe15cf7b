"""`sparrow routes aggregate`: the fewest lines that answer the same."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from running import run

if TYPE_CHECKING:
    from running import Home

TABLE = """\
20.0.0.0/9 7 64601
20.1.0.0/16 64601
20.2.0.0/16 64602
20.3.0.0/16 9
20.128.0.0/9 64601
21.0.0.0/8 8
"""


def test_every_address_keeps_its_route(home: Home) -> None:
    target = home.path / "out"
    outcome = run("routes", "aggregate", str(home.write("in", TABLE)), "-o", str(target))
    assert (0, "") == (outcome.code, outcome.out)
    assert f"{target}: 6 lines for 6 prefixes" in outcome.err
    # 20.1.0.0/16 lies in the half with the longer path, which 20.128.0.0/9 has not.
    assert TABLE == target.read_text()


def test_with_a_configuration_every_address_keeps_its_site(home: Home) -> None:
    target = home.path / "out.gz"
    file = str(home.write("in", TABLE))
    outcome = run("routes", "aggregate", file, "-o", str(target), "-c", home.config)
    assert 0 == outcome.code
    # 20.3.0.0/16 and 21.0.0.0/8 name no site, and nl is `self`.
    assert b"20.0.0.0/7 64601\n20.2.0.0/16 64602\n" == gzip.decompress(target.read_bytes())


def test_several_files_are_one_table(home: Home) -> None:
    files = [home.write("a", "20.0.0.0/9 7\n"), home.write("b", "20.128.0.0 9 7\n20.0.0.0 9 7\n")]
    target = home.path / "out"
    assert 0 == run("routes", "aggregate", *map(str, files), "-o", str(target)).code
    assert "20.0.0.0/8 7\n" == target.read_text()


def test_without_sites_there_is_nothing_to_keep(home: Home) -> None:
    home.configure(sites="", zones="", ssrs="ssrs: {}\n")
    file = str(home.write("in", TABLE))
    outcome = run("routes", "aggregate", file, "-o", str(home.path / "out"), "-c", home.config)
    assert (2, True) == (outcome.code, "the configuration has no sites" in outcome.err)
    assert not (home.path / "out").exists()
