"""From how the sites stand to the file behind the link."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sparrow.config.load import load_config
from sparrow.policy.outcome import Condition, Conditions, Standing
from sparrow.tables.switching import apply_mode, decide_mode

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "failover.md"
UP, FAILED, DRAINED = Condition(), Condition(Standing.FAILED), Condition(Standing.DRAINED)
CONFIG = """\
sites:
  au: {{asn: [1], vips: [192.0.2.1]}}
  nl: {{asn: [2]}}
services:
  default: {{sites: [au, nl], vips: {{nl: [192.0.2.2, "2001:db8::2"]}}}}
routes: [{{file: "{0}/link"}}]
failover:
  link: "{0}/link"
  modes: {{normal: "{0}/normal", au: "{0}/au", nl: "{0}/nl"}}
ssrs: {{}}
"""


@pytest.fixture
def config_path(tmp_path: Path) -> str:
    for name, text in {"normal": "N", "au": "A", "nl": "A"}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "sparrow.yaml").write_text(CONFIG.format(tmp_path))
    return str(tmp_path / "sparrow.yaml")


@pytest.mark.parametrize(
    ("conditions", "key"),
    [
        ({}, "normal"),
        ({"au": (FAILED, UP)}, "nl"),  # au never had an IPv6 address
        ({"nl": (FAILED, UP)}, "normal"),  # nl has one, from a service
        ({"nl": (FAILED, FAILED)}, "au"),
        ({"nl": (DRAINED, DRAINED)}, "au"),
        ({"au": (FAILED, FAILED), "nl": (FAILED, FAILED)}, "normal"),
    ],
)
def test_the_mode_follows_the_families_that_a_site_has(
    config_path: str, conditions: Conditions, key: str
) -> None:
    choice = decide_mode(load_config(config_path).config, conditions)
    assert choice
    assert key == choice.mode.key


def test_a_swap_says_whether_the_content_is_another(config_path: str) -> None:
    config = load_config(config_path).config
    link = config.failover.link
    assert link
    conditions: tuple[Conditions, ...] = (
        {},
        {},
        {"nl": (FAILED, FAILED)},
        {"au": (FAILED, FAILED)},  # another file with the same content
    )
    found = []
    for each in conditions:
        choice = decide_mode(config, each)
        assert choice
        applied = apply_mode(choice, link)
        found.append((applied.swap.is_needed, applied.has_changed))
    assert [(True, True), (False, False), (True, True), (True, False)] == found
    assert "nl" == Path(link).readlink().name


def test_without_modes_there_is_none(config_path: str) -> None:
    text = re.sub(r"failover:\n.*\n.*\n", "", Path(config_path).read_text())
    Path(config_path).write_text(text)
    assert None is decide_mode(load_config(config_path).config, {})


def test_the_example_of_the_document_is_a_configuration(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert example
    (tmp_path / "sparrow.yaml").write_text(example[1])
    config = load_config(str(tmp_path / "sparrow.yaml")).config
    assert ["normal", "au", "nl"] == [mode.key for mode in config.failover.modes]
