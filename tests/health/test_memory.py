from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.health.memory import (
    Remembered,
    RememberedProbe,
    RememberedSite,
    parse_memory,
    render_memory,
)
from sparrow.health.site import Presence, Presences
from sparrow.health.verdict import ProbeState, Verdict

LATCHED = Presence(is_up=False, is_latched=True)
MEMORY = Remembered(
    {
        "tcp-1": RememberedProbe(ProbeState(Verdict.UP, is_degraded=True), 1.5),
        "tcp-2": RememberedProbe(ProbeState(Verdict.DOWN), 2.5),
    },
    {"us": RememberedSite(Presences(LATCHED, Presence()), (3.5, 4.5)), "au": RememberedSite()},
)


def test_what_is_stored_reads_back_equal() -> None:
    assert MEMORY == parse_memory(json.loads(json.dumps(render_memory(MEMORY))))


def test_counts_hold_downs_and_what_is_unknown_are_not_stored() -> None:
    running = Remembered(
        {
            "a": RememberedProbe(ProbeState(Verdict.UP, 2, 1), 1.0),
            "b": RememberedProbe(ProbeState(), 1.0),
        },
        {"us": RememberedSite(Presences(Presence(is_up=False, passing_since_s=9.0)))},
    )
    expected = Remembered(
        {"a": RememberedProbe(ProbeState(Verdict.UP), 1.0)},
        {"us": RememberedSite(Presences(Presence(is_up=False)))},
    )
    assert expected == parse_memory(render_memory(running))


@pytest.mark.parametrize(
    "tree", [None, [], "x", {}, {"version": 2}, {"version": 1}, {"version": 1, "probes": []}]
)
def test_what_is_no_memory_is_an_empty_one(tree: object) -> None:
    assert Remembered() == parse_memory(tree)


def test_what_cannot_be_read_of_a_memory_is_left_out() -> None:
    tree = render_memory(MEMORY)
    tree["probes"]["tcp-1"]["verdict"] = "sideways"
    tree["sites"]["us"]["v4"] = None
    found = parse_memory(tree)
    assert ({"tcp-2"}, {"au"}) == (set(found.probes), set(found.sites))


@pytest.mark.parametrize("since", [10**400, 1e999, float("nan"), -1, True, "1", None])
def test_a_time_that_is_none_is_left_out_with_what_it_is_of(since: object) -> None:
    tree = render_memory(MEMORY)
    tree["probes"]["tcp-1"]["since"] = tree["sites"]["us"]["v4"]["since"] = since
    found = parse_memory(tree)
    assert ({"tcp-2"}, {"au"}) == (set(found.probes), set(found.sites))


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda each: (
        st.lists(each, max_size=3)
        | st.dictionaries(st.sampled_from(["v4", "v6", "up", "latched", "since", "verdict"]), each)
    ),
)


@given(TREES, TREES)
def test_no_tree_is_an_error(probe: Any, site: Any) -> None:
    found = parse_memory({"version": 1, "probes": {"a": probe}, "sites": {"us": site}})
    assert (len(found.probes), len(found.sites)) <= (1, 1)
