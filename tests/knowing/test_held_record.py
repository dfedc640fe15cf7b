"""What hysteresis remembers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sparrow.knowing.damping import parse_held, render_held
from sparrow.policy.damping import Held, Wish

HELD = Held(
    {
        ("default", 4): (
            Wish(4, 20 << 24, 21 << 24, ("nl", "us"), "us", 1000.5),
            Wish(4, 22 << 24, 23 << 24, ("nl", "us"), "us", 1000.5),
            Wish(6, 1 << 125, 1 << 126, ("us",), "nl", 7.0),
        ),
        ("default", 6): (Wish(6, 0, 1 << 128, ("us",), "nl", 7.0),),
    }
)


def test_what_is_written_is_read_back() -> None:
    assert HELD == parse_held(json.loads(json.dumps(render_held(HELD))))
    assert Held() == parse_held(None)


def row(**changes: Any) -> list[Any]:
    keys = ("service", "of", "family", "start", "end", "order", "target", "since_s")
    values = ("default", 4, 4, "0", "256", ["nl"], "us", 1.0)
    return [*(dict(zip(keys, values, strict=True)) | changes).values()]


@pytest.mark.parametrize(
    "tree",
    [
        [],
        {"version": 2, "wishes": []},
        {"version": 1},
        {"version": 1, "wishes": [["default"]]},
        {"version": 1, "wishes": [row(family=5)]},
        {"version": 1, "wishes": [row(end="0")]},
        {"version": 1, "wishes": [row(end=str(2**33))]},
        {"version": 1, "wishes": [row(start="-1")]},
        {"version": 1, "wishes": [row(start="x")]},
        {"version": 1, "wishes": [row(), row(start="128", end="300")]},
        {"version": 1, "wishes": [row(family=6), row()]},
        {"version": 1, "wishes": [row(order=None)]},
    ],
)
def test_what_is_no_record_is_refused(tree: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_held(tree)
