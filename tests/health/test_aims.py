from __future__ import annotations

from typing import Any

import pytest

from sparrow.config.load import parse_config
from sparrow.health.aims import SiteAims, aim_sites
from sparrow.health.site import ReturnRules, SiteRules

CONFIG = """
ssrs: {{}}
sites:
  us:
    asn: [64600]
    vips: [192.0.2.1, 192.0.2.2, "2001:db8::1"]
    checks: {checks}
    {rest}
"""


def aims_of(checks: str, rest: str = "") -> SiteAims:
    return aim_sites(parse_config(CONFIG.format(checks=checks, rest=rest), "test").config)[0]


def hosts(checks: str) -> tuple[list[list[str]], list[list[str]]]:
    """Give the addresses of each check, for IPv4 and for IPv6."""
    site = aims_of(checks)
    v4, v6 = ([[aim.host for aim in check] for check in part] for part in (site.v4, site.v6))
    return v4, v6


VIPS = (["192.0.2.1", "192.0.2.2"], ["2001:db8::1"])


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("tcp: {port: 80}", VIPS),
        ("external: {command: 'true {address}'}", VIPS),
        ("external: {command: 'true'}", ([""], [""])),
        ("file: {path: /state, max_age: 60}", ([""], [""])),
        ("tcp: {port: 80, address: 198.51.100.1}", (["198.51.100.1"], ["198.51.100.1"])),
        ("tcp: {port: 80, address: '2001:db8::9'}", (["2001:db8::9"], ["2001:db8::9"])),
        (
            "tcp: {port: 80, address: [198.51.100.1, '2001:db8::9']}",
            (["198.51.100.1"], ["2001:db8::9"]),
        ),
    ],
)
def test_a_check_is_aimed_at_addresses_that_count_for_a_family(
    check: str, expected: tuple[list[str], list[str]]
) -> None:
    assert ([expected[0]], [expected[1]]) == hosts(f"[{{{check}}}]")


def test_off_counts_for_both_families() -> None:
    assert ([[""]], [[""]]) == hosts("[off]")


def test_checks_that_do_the_same_are_one_aim_whatever_they_are_called() -> None:
    site = aims_of("[{tcp: {port: 80, name: a}}, {tcp: {port: 80, name: b}}, {tcp: {port: 81}}]")
    same, again, other = site.v4
    assert same == again
    assert set(same).isdisjoint(other)


@pytest.mark.parametrize(
    "setting", ["interval: 7s", "timeout: 1s", "up_thresh: 2", "down_thresh: 9"]
)
def test_a_subject_stays_when_times_and_thresholds_change(setting: str) -> None:
    before, after = (
        aims_of(f"[{{tcp: {{port: 80{more}}}}}]").v4[0][0] for more in ("", f", {setting}")
    )
    assert before != after
    assert before.subject == after.subject


def test_a_subject_is_another_where_something_else_is_found_out() -> None:
    checks = [
        "tcp: {port: 80}",
        "tcp: {port: 81}",
        "tcp: {port: 80, address: 192.0.2.9}",
        "http: {port: 80}",
        "http: {port: 80, path: /x}",
        "negotiate: {port: 80, expect: x}",
    ]
    subjects = [aim.subject for text in checks for aim in aims_of(f"[{{{text}}}]").v4[0]]
    assert len(subjects) == len(set(subjects))


def test_labels_name_the_check_and_its_address() -> None:
    def labels(check: str) -> list[str]:
        return [aim.label for aim in aims_of(f"[{{{check}}}]").v4[0]]

    assert ["web at 192.0.2.1", "web at 192.0.2.2"] == labels("tcp: {port: 80, name: web}")
    assert ["tcp 192.0.2.9:80"] == labels("tcp: {port: 80, address: 192.0.2.9}")
    assert ["file /state"] == labels("file: {path: /state, max_age: 60}")


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("", SiteRules()),
        ("require: any", SiteRules(need=1)),
        ("require: 2", SiteRules(need=2)),
        ("families: site", SiteRules(is_joint=True)),
        ("hold_down: 5min", SiteRules(returning=ReturnRules(300.0))),
        ("manual_resume: true", SiteRules(returning=ReturnRules(is_manual=True))),
    ],
)
def test_the_rules_are_those_of_the_site(rest: str, expected: SiteRules) -> None:
    checks = "[{tcp: {port: 1}}, {tcp: {port: 2}}, {tcp: {port: 3}}]"
    assert expected == aims_of(checks, rest).rules


def test_families_are_those_of_the_site_and_of_what_services_have_there() -> None:
    text = """
ssrs: {}
sites:
  au: {asn: [1], vips: [192.0.2.1]}
  nl: {asn: [2], vips: [192.0.2.2]}
services:
  web:
    sites: [au, nl]
    vips: {nl: ["2001:db8::2"]}
"""
    sites = aim_sites(parse_config(text, "test").config)
    assert [("au", {4}), ("nl", {4, 6})] == [(site.name, set(site.families)) for site in sites]


def test_thresholds_and_times_are_filled_in() -> None:
    text = "checks: {interval: 2s, timeout: 1s, up_thresh: 7, ok_thresh: 6, down_thresh: 5}\n"
    config = parse_config(text + CONFIG.format(checks="[{tcp: {port: 80}}]", rest=""), "test")
    aim = aim_sites(config.config)[0].v4[0][0]
    found: tuple[Any, ...] = (aim.check.interval_s, aim.check.timeout_s, aim.thresholds.up)
    assert (2.0, 1.0, 7) == found
    assert (6, 5) == (aim.thresholds.ok, aim.thresholds.down)
