"""The operator's reference has every key, and its examples are right."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from sparrow.config.health import Check
from sparrow.config.load import load_config, parse_config
from sparrow.config.model import Config, ServiceVips, SteerConfig

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL)


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Give the models in an annotation and in the fields of those."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for part in get_args(annotation):
        yield from models(part)


@pytest.mark.parametrize("model", sorted(set(models(Config)), key=lambda model: model.__name__))
def test_every_key_of_a_model_stands_in_the_reference(model: type[BaseModel]) -> None:
    # These two are written as mappings, without keys of their own.
    inner = model in (ServiceVips, SteerConfig)
    keys = [
        field.alias or name
        for name, field in model.model_fields.items()
        if field.validation_alias in (None, field.alias) and not inner
    ]
    heads = re.findall(r"^(?:\| `|#+ )([\w.]+)", REFERENCE, re.MULTILINE)
    assert [] == [key for key in keys if key not in heads]


@pytest.mark.parametrize("model", get_args(Check), ids=lambda model: model.__name__)
def test_every_key_of_a_kind_of_check_stands_at_that_kind(model: type[BaseModel]) -> None:
    (kind,) = get_args(model.model_fields["kind"].annotation)
    kinds = REFERENCE.partition("### The kinds of checks")[2].partition("```yaml")[0]
    of_all, *sections = re.split(r"^(?=\*\*`)", kinds, flags=re.MULTILINE)
    (section,) = [each for each in sections if f"**`{kind}`**" in each.partition(": ")[0]]
    text = section if kind == "off" else of_all + section
    written = set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE))
    if kind == "http":
        # It shares its table with `https`, which has some more.
        written -= {"sni", "verify", "cert_days"}
    keys = {field.alias or name for name, field in model.model_fields.items()} - {"kind"}
    assert (set() if kind == "off" else keys) == written


def test_the_complete_example_is_right_and_gives_no_warning() -> None:
    assert () == parse_config(EXAMPLES[0], "sparrow.yaml").warnings


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_right_in_place_of_that_part_of_the_complete_one(example: str) -> None:
    head = example.partition(":")[0]
    complete = re.sub(rf"^{head}:.*?\n(?=\S|\Z)", "", EXAMPLES[0], flags=re.DOTALL | re.MULTILINE)
    text = example if example == EXAMPLES[0] else complete + example
    text = text.replace("api: api", "api: default") if head == "sites" else text
    assert parse_config(text, "sparrow.yaml").config.zones


def test_the_demo_is_right() -> None:
    assert load_config(str(ROOT / "routes" / "demo" / "sparrow.yaml")).config.zones
