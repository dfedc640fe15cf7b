"""An explanation holds the plan that is served against the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from running import NAME, TABLE

from sparrow.control.explain import (
    Case,
    Served,
    explain,
    explanation_facts,
    render_explanation,
)
from sparrow.dns.rrset import RRType
from sparrow.rib.table import build_rib
from sparrow.staging import Staging, stage
from sparrow.values.address import parse_address, parse_prefix
from sparrow.values.name import parse_name

if TYPE_CHECKING:
    from running import Home

CASE = Case(parse_name(NAME), RRType.A, parse_address("127.0.0.1"), parse_prefix("20.5.0.0/16"))


def test_a_plan_that_agrees_with_the_tables_is_explained_without_alarm(home: Home) -> None:
    view = stage(Staging(str(home.config))).view
    rib = build_rib(view.tables.snapshot)
    found = explain(view.authority, rib, CASE, Served(3, view.authority))
    assert "plan:       generation 3, which the workers serve" in render_explanation(found)
    assert not any("ALARM" in line for line in render_explanation(found))
    facts = explanation_facts(found)
    assert (3, True, "au") == (facts["generation"], facts["agrees"], facts["site"])


def test_a_plan_that_contradicts_the_tables_is_said_loudly(home: Home) -> None:
    served = stage(Staging(str(home.config))).view
    home.write("table.routes", TABLE.replace("20.0.0.0/8 64600", "20.0.0.0/8 64602"))
    view = stage(Staging(str(home.config))).view
    rib = build_rib(view.tables.snapshot)
    found = explain(view.authority, rib, CASE, Served(3, served.authority))
    alarms = [line for line in render_explanation(found) if line.startswith("ALARM")]
    assert ["ALARM:      the route leads to another order than is served: us nl au"] == alarms[:1]
    facts = explanation_facts(found)
    assert (False, "au") == (facts["agrees"], facts["site"])
