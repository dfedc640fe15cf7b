from __future__ import annotations

import re
from pathlib import Path

from sparrow.config.health import KINDS
from sparrow.config.load import parse_config

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/health.md"


def test_the_example_is_read_without_a_warning() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text("utf-8"), flags=re.DOTALL)
    assert [()] == [parse_config(block, "health.md").warnings for block in blocks]


def test_every_kind_has_its_row() -> None:
    rows = re.findall(
        r"^\| (`[a-z`, ]+`) \|.*\|.*\|.*\|$", DOCUMENT.read_text("utf-8"), re.MULTILINE
    )
    named = {kind for row in rows for kind in re.findall(r"`(\w+)`", row)}
    assert set(KINDS) <= named


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", DOCUMENT.read_text("utf-8"))
    assert [] == [link for link in links if not DOCUMENT.parent.joinpath(link).exists()]
