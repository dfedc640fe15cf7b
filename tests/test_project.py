"""What the checkout promises to those who open it first."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import sparrow
from sparrow.config.load import load_config, parse_config
from sparrow.rib.route import parse_route
from sparrow.sources.files import RouteFile, load_snapshot
from sparrow.values.address import Prefix, parse_address, parse_prefix, render_address

ROOT = Path(__file__).resolve().parent.parent
TABLES = ("demo.routes", "ssrs.routes.normal", "ssrs.routes.AUonly", "ssrs.routes.NLonly")
EVERYTHING = {Prefix(bytes(4), 0), Prefix(bytes(16), 0)}

# Folders of somebody's machine, and of this project's making.
MACHINE_PATH = re.compile(r"/home/|/root/|/work/|\.\./shared/(?!data)|/Users/")
BUILT = re.compile(r"\.(pyc|so)$|^native\.c$|^\.git$")
"""What Python, the compiler and Git leave in the checkout."""
FOLDERS = (".ci", "bench", "bind-compat", "docs", "routes", "sparrow", "tests")


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def load_table(name: str) -> list[tuple[Prefix, int]]:
    """Give the lines of a shipped table, without anything that sparrow's own reader forgives."""
    lines = [line for line in read(f"routes/{name}").splitlines() if line and line[0] != "#"]
    pairs = [line.split(" ") for line in lines]
    return [(parse_prefix(prefix), parse_route(asn).origins[0]) for prefix, asn in pairs]


def project_files() -> list[Path]:
    folders = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    texts = [path for path in [*ROOT.glob("*"), *folders] if path.is_file()]
    return [path for path in texts if path != Path(__file__) and not BUILT.search(path.name)]


@pytest.mark.parametrize("name", TABLES)
def test_a_shipped_table_is_read_whole_and_without_a_warning(name: str) -> None:
    loaded = load_snapshot([RouteFile(str(ROOT / "routes" / name))])
    prefixes = [prefix for prefix, _ in load_table(name)]
    counts = [sum(prefix.family == family for prefix in prefixes) for family in (4, 6)]
    assert () == loaded.warnings
    assert 0 not in counts
    assert counts == [len(loaded.snapshot.v4), len(loaded.snapshot.v6)]


def test_the_demo_table_has_some_hundred_networks() -> None:
    assert 100 <= len(load_table("demo.routes")) <= 200


def test_failover_tables_send_everybody_to_the_one_site_that_is_left() -> None:
    assert {(prefix, 64600) for prefix in EVERYTHING} == set(load_table("ssrs.routes.AUonly"))
    assert {(prefix, 64601) for prefix in EVERYTHING} == set(load_table("ssrs.routes.NLonly"))


def test_the_normal_table_knows_both_sites_and_no_catch_all() -> None:
    routes = load_table("ssrs.routes.normal")
    assert {64600, 64601} == {asn for _, asn in routes}
    assert EVERYTHING.isdisjoint(prefix for prefix, _ in routes)


def demo_sites() -> list[tuple[list[int], list[str]]]:
    """Give for each site of the demo its AS numbers among those of the table, and its addresses."""
    table = sorted({asn for _, asn in load_table("demo.routes")})
    return [
        (
            [asn for asn in table if any(asn in block for block in site.asn)],
            [render_address(vip) for vip in site.vips],
        )
        for site in load_config(str(ROOT / "routes/demo/sparrow.yaml")).config.sites
    ]


def test_the_demo_configuration_is_read_without_a_warning() -> None:
    assert () == load_config(str(ROOT / "routes/demo/sparrow.yaml")).warnings


def test_every_network_of_the_demo_table_belongs_to_exactly_one_site() -> None:
    owned = sorted(asn for asns, _ in demo_sites() for asn in asns)
    assert sorted({asn for _, asn in load_table("demo.routes")}) == owned


def test_the_demo_hints_name_the_site_that_the_table_gives() -> None:
    routes = load_table("demo.routes")
    hints = re.findall(r"\+subnet=([0-9.]+)/24 +([0-9.]+),", read("routes/demo/try.txt"))
    sites = demo_sites()
    assert 3 == len({answer for _, answer in hints})
    for subnet, answer in hints:
        covering = [pair for pair in routes if pair[0].contains(parse_address(subnet))]
        origin = max(covering, key=lambda pair: pair[0].length)[1]
        assert [answer] == [vips[0] for asns, vips in sites if origin in asns]


def test_the_readme_shows_the_two_commands_and_the_answers_of_the_demo() -> None:
    readme = read("README.md")
    assert ["run", "test"] == re.findall(r"^    make (\w+)", readme, flags=re.MULTILINE)
    for subnet, answer in re.findall(
        r"\+subnet=([0-9./]+) +([0-9.]+),", read("routes/demo/try.txt")
    ):
        assert re.search(rf"subnet={subnet} .*\n    {re.escape(answer)}\n", readme)


@pytest.mark.parametrize("name", ["README.md", "routes/README.md"])
def test_a_configuration_shown_in_a_readme_is_read_without_a_warning(name: str) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", read(name), flags=re.DOTALL)
    assert {()} == {parse_config(block, name).warnings for block in blocks}


def test_the_changelog_opens_with_the_version_of_the_program() -> None:
    versions = re.findall(r"^## (\S+)", read("CHANGELOG.md"), flags=re.MULTILINE)
    assert sparrow.__version__ == versions[0]


def parts_of_the_program() -> set[str]:
    return {
        path.stem
        for path in (ROOT / "sparrow").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    } - {"__init__", "__main__"}


def test_the_map_of_the_program_names_every_part_of_it() -> None:
    named = set(re.findall(r"`(\w+)[.`]", sparrow.__doc__ or ""))
    assert set() == parts_of_the_program() - named


def test_every_part_of_the_program_has_its_layer() -> None:
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = " ".join(contracts[0]["layers"])
    assert set() == parts_of_the_program() - set(re.findall(r"sparrow\.(\w+)", layers))


def test_nothing_names_a_path_of_one_machine() -> None:
    named = {
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in project_files()
        if (found := MACHINE_PATH.search(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert set() == named


@pytest.mark.parametrize("name", ["README.md", "routes/README.md", "bind-compat/README.md"])
def test_links_between_documents_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", read(name))
    assert [] == [link for link in links if not (ROOT / name).parent.joinpath(link).exists()]
