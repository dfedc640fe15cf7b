"""What pydantic found wrong, in words for an operator.

Law: a message names the key, what stands there, and what would be right; the
line is found through the tree, so the order of the models' tuples is that of
the document's mappings. Start from `word_error`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from sparrow.config.fields import shown, suggest
from sparrow.config.model import Config
from sparrow.config.shape import NAME
from sparrow.config.tree import key_line_at, line_at, render_path, resolve

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from sparrow.config.tree import Node, Path


def word_error(error: ErrorDetails, root: Node) -> tuple[Path, int, str]:
    """Give the path that pydantic refuses as the document has it, its line and a message.

    Where a key is missing the path is that of the mapping that lacks it.
    """
    path = resolve(root, error["loc"])
    place = render_path(path)
    if error["type"] == "extra_forbidden":
        parent = render_path(path[:-1])
        what = unknown_key(str(path[-1]), allowed_keys(error["loc"][:-1]))
        return path, key_line_at(root, path), f"{parent}: {what}" if parent else what
    what = _what(error)
    return path, line_at(root, path), f"{place}: {what}" if place else what


def _what(error: ErrorDetails) -> str:
    value = error["input"]
    what = error["msg"]
    match error["type"]:
        case "missing":
            what = _missing_key(error["loc"])
        case "tuple_type" if isinstance(value, dict) or value is None:
            what = f"must be a list, not {shown(value)}: write its items as [a, b]"
        case "tuple_type":
            what = f"must be a list: write [{value}]"
        case "model_type":
            what = f"must hold keys with values, not {shown(value)}"
    return what


def _missing_key(loc: Path) -> str:
    key = str(loc[-1])
    model = _model_at(loc[:-1])
    examples = _fields(model)[key].examples if model else None
    return f"the key {key!r} is missing: write it, such as {key}: {(examples or ['...'])[0]}"


def unknown_key(key: str, allowed: Collection[str]) -> str:
    """Say that a key means nothing, what may have been meant, and what there is."""
    return f"unknown key {key!r}: {suggest(key, allowed)}the keys here are {', '.join(allowed)}"


def allowed_keys(loc: Path) -> list[str]:
    """Give the keys of the model at a place of the configuration, in documented order."""
    model = _model_at(loc)
    return [key for key in _fields(model) if key != NAME] if model else []


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Give the fields of a model by the key under which they are written."""
    return {
        str(field.validation_alias or name): field for name, field in model.model_fields.items()
    }


def _model_at(loc: Path) -> type[BaseModel] | None:
    models: list[type[BaseModel]] = [Config]
    for step in loc:
        if isinstance(step, str):
            of_kind = [model for model in models if step in _kinds(model)]
            models = of_kind or [
                inner
                for model in models
                if (field := _fields(model).get(step)) is not None
                for inner in _models_in(field.annotation)
            ]
    return models[0] if models else None


def _kinds(model: type[BaseModel]) -> tuple[object, ...]:
    """Give the word that chooses a model among others; () for one that needs none."""
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field else ()


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Find the models inside `Model`, `Model | None`, `tuple[Model, ...]` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
