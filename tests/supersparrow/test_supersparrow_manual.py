"""What the manual and the README say of the program is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from listed_routes import ListedRoutes, read_routes
from served_routes import serving

from sparrow.routeserver.kinds import DIALECTS
from sparrow.routeserver.server import Kind
from sparrow.server.ssrs import RoutePortSettings
from sparrow.supersparrow.vocabulary import VOCABULARY, Reach

if TYPE_CHECKING:
    from sparrowprogram import Program

CHECKOUT = Path(__file__).resolve().parent.parent.parent
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
MANUAL = (CHECKOUT / "docs" / "supersparrow.md").read_text(encoding="utf-8")

ROUTES = """
210.18.215.0/24 64600
212.124.87.0/24 7 64601
"""


def test_the_manual_has_a_row_for_every_option_with_its_default() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ([^|]+) \|([^|]*)\|", MANUAL, re.MULTILINE)
    told = {name: (takes, default) for names, takes, default in rows for name in _names(names)}
    options = {name: each for name, each in VOCABULARY.items() if each.reach is not Reach.DNS}
    assert set(options) == set(told)
    for name, option in options.items():
        takes, default = told[name]
        assert option.is_flag == (takes == "flag")
        if option.default is not None and not option.is_flag:
            assert option.default == default.strip(" `")
    ports = ", ".join(str(DIALECTS[kind].port) for kind in Kind)
    assert f"that of its kind: {ports}" == told["port"][1].strip()


def _names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def test_the_manual_names_the_options_without_effect() -> None:
    [line] = [line for line in MANUAL.splitlines() if "are for the name servers" in line]
    idle = [name for name, each in VOCABULARY.items() if each.reach is Reach.DNS]
    assert idle == _names(line)[: len(idle)]


def test_the_example_of_the_readme_answers_as_it_is_printed(program: Program) -> None:
    [conf] = re.findall(r"```conf\n(.*?)```", README, flags=re.DOTALL)
    [(address, answer)] = re.findall(
        r"^    \$ supersparrow (\S+)\n    (\S+)$", README, re.MULTILINE
    )
    program.configure(conf)
    with serving(ListedRoutes(read_routes(ROUTES)), RoutePortSettings("ns1")) as running:
        port = f"--port={running.address[1]}"
        assert (0, f"{answer}\n", "") == program.run(port, address)
        assert (0, "www.nl.example.org\n", "") == program.run(port, "203.0.113.1")


def test_the_example_of_the_manual_answers_as_it_is_printed(program: Program) -> None:
    words, answer = re.findall(
        r"^    \$ supersparrow (.*?\\\n.*)\n    (\S+)$", MANUAL, re.MULTILINE
    )[0]
    with serving(ListedRoutes(read_routes(ROUTES)), RoutePortSettings("ns1")) as running:
        port = f"--port={running.address[1]}"
        asked = words.replace("\\\n", " ").split()
        assert (0, f"{answer}\n", "") == program.run("--host=127.0.0.1", port, *asked)
