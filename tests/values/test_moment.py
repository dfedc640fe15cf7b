"""Moments as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.errors import InputError
from sparrow.values.moment import parse_moment, render_exact_moment, render_moment


@pytest.mark.parametrize(
    ("text", "at_s"),
    [
        ("1970-01-01T00:00Z", 0.0),
        ("2026-01-31T22:00Z", 1769896800.0),
        ("2026-01-31T23:00+01:00", 1769896800.0),
        ("2026-01-31T22:00:00.25Z", 1769896800.25),
    ],
)
def test_a_time_with_its_zone_is_read(text: str, at_s: float) -> None:
    assert at_s == parse_moment(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [("2026-01-31", "has no zone"), ("2026-01-31T22:00", "has no zone"), ("soon", "is not a time")],
)
def test_anything_else_is_refused(text: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        parse_moment(text)


def test_people_are_shown_seconds() -> None:
    assert "2026-01-31T22:00:00Z" == render_moment(1769896800.75)


@given(st.datetimes(timezones=st.timezones()))
def test_an_exact_moment_reads_back_equal(moment: object) -> None:
    at_s = parse_moment(str(moment))
    if 0 <= at_s < 253_370_764_800:
        assert at_s == parse_moment(render_exact_moment(at_s))
