from __future__ import annotations

import json
from typing import Any

import pytest
from entrylist import counts, read_all

from sparrow.sources.dumps import DumpFormat
from sparrow.sources.frrjson import MAX_VALUE


def path(text: str, **others: Any) -> dict[str, Any]:
    return {"valid": True, "path": text, "origin": "IGP", "peerId": "192.0.2.1", **others}


def dump(routes: dict[str, Any]) -> str:
    head = {"vrfId": 0, "vrfName": "default", "routerId": "192.0.2.9", "localAS": 65000}
    return json.dumps({**head, "routes": routes, "totalRoutes": len(routes)})


ROUTES = {
    "1.0.0.0/24": [
        path("64500 13335", bestpath=True, locPrf=120),
        path("64501 {13335,7}", peerId="2001:db8::1"),
    ],
    "2001:db8::/32": [path("64500", peerId="(unspec)", nexthops=[{"ip": '}]"', "used": True}])],
}
LINES = [
    "1.0.0.0/24 64500 13335 from 192.0.2.1 AS64500 lp=120 best",
    "1.0.0.0/24 64501 13335,7 from 2001:db8::1 AS64501",
    "2001:db8::/32 64500 from AS64500",
]


def test_all_paths_of_all_prefixes_are_read() -> None:
    lines, skipped = read_all(dump(ROUTES).encode())
    assert (LINES, {}, None) == (lines, counts(skipped), skipped.cut_at)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1000])
def test_the_text_may_come_in_pieces_of_any_size(size: int) -> None:
    octets = dump(ROUTES).encode()
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    lines, skipped = read_all(pieces, DumpFormat.FRR_JSON)
    assert (LINES, {}, None) == (lines, counts(skipped), skipped.cut_at)


def test_blanks_and_line_ends_may_stand_anywhere() -> None:
    text = (
        json.dumps(json.loads(dump(ROUTES)), indent=2)
        .replace(":", " : ")
        .replace("2001 : db8 :  : ", "2001:db8::")
    )
    assert 3 == len(read_all(dump(ROUTES).replace(", ", "\n ,\n").encode())[0])
    assert LINES[0].split(" from")[0] in read_all(text.encode())[0][0]


def test_several_address_families_are_several_objects_of_routes() -> None:
    both = {
        "ipv4Unicast": {"routes": {"1.0.0.0/24": ROUTES["1.0.0.0/24"]}},
        "ipv6Unicast": {"vrfId": 0, "routes": {"2001:db8::/32": ROUTES["2001:db8::/32"]}},
    }
    assert LINES == read_all(json.dumps(both).encode())[0]


def test_the_form_of_detail_is_read_too() -> None:
    detail = {
        "valid": True,
        "aspath": {"string": "64500 13335", "length": 2},
        "locPrf": 120,
        "bestpath": {"overall": True},
        "peer": {"peerId": "192.0.2.1"},
    }
    other = {**detail, "bestpath": {"selectionReason": "-"}, "aspath": {"string": "Local"}}
    heading = {"prefix": "1.0.0.0/24", "version": 3}
    for value in ([heading, detail, other], {"paths": [detail, other]}):
        lines, skipped = read_all(dump({"1.0.0.0/24": value}).encode())
        assert (LINES[:1], ["NO_PATH"]) == (lines, list(counts(skipped)))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (path(""), "NO_PATH"),
        (path("7", valid=False), "UNUSED"),
        ({"path": "7"}, "UNUSED"),
        (path("7", history=True), "UNUSED"),
        (path("7", damped=True), "UNUSED"),
        (path("7 x"), "BAD_ATTRIBUTES"),
        (path("7", peerId="1.2.3.444"), "BAD_ATTRIBUTES"),
        ({"valid": True, "path": 7}, "BAD_ATTRIBUTES"),
        ({"valid": True}, "BAD_ATTRIBUTES"),
        (7, "BAD_ATTRIBUTES"),
    ],
)
def test_a_path_of_no_use_is_counted_at_its_prefix(bad: object, reason: str) -> None:
    text = dump({"2.0.0.0/8": [bad], **ROUTES})
    lines, skipped = read_all(text.encode())
    place = text.index("[{") if bad != 7 else text.index("[7")
    assert (LINES, {reason: (1, [place])}) == (lines, counts(skipped))


@pytest.mark.parametrize(
    "value", ['{"paths": 7}', "[{]", '[{"path": tru}]', "[" * 20 + "]" * 20, '{"a": [}]']
)
def test_a_value_that_is_no_json_or_has_no_paths_is_passed_over_or_ends_the_reading(
    value: str,
) -> None:
    text = dump({**ROUTES, "2.0.0.0/8": "HERE"}).replace('"HERE"', value)
    lines, skipped = read_all(text.encode())
    assert LINES == lines
    assert counts(skipped) or skipped.cut_at is not None


@pytest.mark.parametrize("key", ["2.0.0.0/33", "rubbish", "2.0.0.0"])
def test_a_key_that_is_no_prefix_is_counted(key: str) -> None:
    lines, skipped = read_all(dump({key: [path("7")], **ROUTES}).encode())
    assert (LINES, ["BAD_RECORD"]) == (lines, list(counts(skipped)))


def test_a_cut_object_is_told_and_what_stood_before_it_is_read() -> None:
    text = dump(ROUTES)
    lines, skipped = read_all(text[: text.index('"2001:db8::/32"') + 30].encode())
    assert LINES[:2] == lines
    assert skipped.cut_at is not None


def test_a_value_without_an_end_is_not_held_for_ever() -> None:
    text = dump(ROUTES).replace('"2001:db8::/32": [', '"2001:db8::/32": [' + "[7]," * MAX_VALUE)
    lines, skipped = read_all(text[at : at + 65536].encode() for at in range(0, len(text), 65536))
    assert LINES[:2] == lines
    assert skipped.cut_at is not None
