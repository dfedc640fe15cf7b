"""What explain says while sites are drained or down, from a plan whose words say the same."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from built_tables import build_snapshot
from statesites import NAMES, ROUTES, build_state_authority

from sparrow.control.explain import Case, Served, explain, explanation_facts, render_explanation
from sparrow.dns.rrset import RRType
from sparrow.keeping.layout import TcpLimits
from sparrow.keeping.publishing import Publisher
from sparrow.policy.damping import Held, Wish
from sparrow.policy.outcome import Condition, Standing
from sparrow.rib.delta import diff
from sparrow.rib.route import parse_route
from sparrow.rib.snapshot import EMPTY
from sparrow.rib.table import Rib
from sparrow.values.address import parse_address, parse_prefix
from sparrow.values.name import parse_name

if TYPE_CHECKING:
    from pathlib import Path

    from sparrow.control.explain import Explanation
    from sparrow.policy.outcome import Conditions


def build_rib() -> Rib:
    entries = [(parse_prefix(a), parse_route(b)) for a, b in map(str.split, ROUTES)]
    rib = Rib()
    rib.apply(diff(EMPTY, build_snapshot(entries)))
    return rib


class Desk:
    """A published plan, and what explains it."""

    def __init__(self, run_dir: Path) -> None:
        self.authority = build_state_authority()
        self.publisher = Publisher(run_dir)
        self.publisher.publish(self.authority, TcpLimits(1, 1, 1))
        self.rib = build_rib()

    def explain(
        self, conditions: Conditions, service: str = "all-up", view: Any = None
    ) -> Explanation:
        """Explain the answer to a client of au, with its subnet."""
        self.publisher.write(conditions)
        assert self.authority.steering is not None
        steering = replace(self.authority.steering, conditions=conditions)
        served = self.publisher.open()
        assert isinstance(served, Served)
        case = Case(
            parse_name(f"{service}.example."),
            RRType.A,
            parse_address("20.1.1.1"),
            parse_prefix("20.1.1.0/24"),
        )
        return explain(replace(self.authority, steering=steering), self.rib, case, served, view)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def both(standing: Standing) -> tuple[Condition, Condition]:
    return Condition(standing), Condition(standing)


def whys(explanation: Explanation) -> dict[str, str]:
    assert explanation.steered is not None
    return {each.site: each.why for each in explanation.steered.candidates}


def test_sites_that_are_passed_over_say_why(desk: Desk) -> None:
    found = desk.explain({"au": both(Standing.FAILED), "jp": both(Standing.BARRED)})
    assert {
        "au": "down by its checks",
        "jp": "down by order",
        "za": "the first that serves in the fallback order of au",
        "de": "not needed: za comes before it",
        "nl": "not needed: za comes before it",
        "us": "not needed: za comes before it",
    } == whys(found)
    facts = explanation_facts(found)
    assert ("za", "serving", True) == (facts["site"], facts["reason"], facts["agrees"])


def test_a_drained_site_is_taken_where_no_other_serves(desk: Desk) -> None:
    conditions = dict.fromkeys(NAMES, both(Standing.FAILED)) | {"de": both(Standing.DRAINED)}
    found = desk.explain(conditions)
    assert "drained, but no other site serves" == whys(found)["de"]
    assert "outcome:    no site serves: the first that is only drained" in render_explanation(found)


@pytest.mark.parametrize(
    ("service", "site", "reason"),
    [
        ("all-up", "au", "all_up"),
        ("static", "static(192.0.2.99,2001:db8::99)", "static"),
        ("empty", None, "empty"),
        ("servfail", None, "servfail"),
    ],
)
def test_the_last_resort_is_named(desk: Desk, service: str, site: str | None, reason: str) -> None:
    facts = explanation_facts(desk.explain(dict.fromkeys(NAMES, both(Standing.FAILED)), service))
    assert (site, reason) == (facts["site"], facts["reason"])


def test_merged_classes_are_no_alarm_and_the_scope_is_said_to_be_wider(desk: Desk) -> None:
    conditions = dict.fromkeys(("au", "de", "nl"), both(Standing.FAILED))
    before = explanation_facts(desk.explain(conditions, "half"))
    assert desk.publisher.coarsen() == 2
    found = desk.explain(conditions, "half")
    facts = explanation_facts(found)
    assert (True, before["site"]) == (facts["agrees"], facts["site"])
    assert facts["scope"] < before["scope"]
    text = "\n".join(render_explanation(found))
    assert "ALARM" not in text
    assert "is answered alike while sites stand as they do" in text
    assert "order: au jp us" in text


@pytest.mark.parametrize("agrees", [True, False])
def test_a_plan_without_the_class_that_is_held_is_an_alarm(
    desk: Desk,
    agrees: bool,  # noqa: FBT001
) -> None:
    served = [each["site"] for each in explanation_facts(desk.explain({}))["candidates"]]
    order = tuple(served if agrees else reversed(served))
    wish = Wish(4, 20 << 24, 21 << 24, order, "nl", 1000)
    view = SimpleNamespace(tables=None, held=Held({("all-up", 4): (wish,)}))
    found = desk.explain({}, view=view)
    facts = explanation_facts(found)
    assert ("nl", agrees) == (facts["held"], facts["agrees"])
    assert agrees is ("ALARM" not in "\n".join(render_explanation(found)))
