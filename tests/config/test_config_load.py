"""Files, warnings, and the lines that later stages ask for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sparrow.config.load import LoadedConfig, load_config
from sparrow.errors import InputError, Problem

Load = Callable[[str], LoadedConfig]


def test_a_file_is_read_and_named_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minimal: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sparrow.yaml").write_text(minimal.replace("[192.0.2.2]", '["::1"]'), encoding="utf-8")
    loaded = load_config("sparrow.yaml")
    assert str(tmp_path / "t.routes") == loaded.config.routes[0].file
    assert ["sparrow.yaml:6", "sparrow.yaml:4"] == [
        f"{warning.file}:{warning.line}" for warning in reversed(loaded.warnings)
    ]


@pytest.mark.parametrize(
    "change", [lambda b: b"\xef\xbb\xbf" + b, lambda b: b.replace(b"\n", b"\r\n")]
)
def test_byte_order_marks_and_carriage_returns_do_no_harm(
    tmp_path: Path, minimal: str, change: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "sparrow.yaml"
    path.write_bytes(change(minimal.encode()))
    loaded = load_config(str(path))
    assert 9 == loaded.lines.find(("zones", 0))


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    missing, folder, latin, fifo = (
        str(tmp_path / name) for name in ("missing", "folder", "latin", "fifo")
    )
    os.mkfifo(fifo)
    Path(folder).mkdir()
    Path(latin).write_bytes("ssrs: {}\n# Gruß\n".encode("latin-1"))
    found = []
    for path in (missing, folder, latin, fifo, "a\0b"):
        with pytest.raises(InputError) as caught:
            load_config(path)
        found += caught.value.problems
    assert [
        Problem("there is no such file", missing),
        Problem("this is a folder: name the file in it", folder),
        Problem("the octet 0xdf is not UTF-8: save the file as UTF-8", latin, 2),
        Problem("cannot be read: it is a named pipe, not a regular file", fifo),
        Problem("cannot be read: embedded null byte", "a\0b"),
    ] == found


def test_lines_are_found_by_key_and_by_position(load: Load) -> None:
    lines = load(
        """\
sites:
  au:
    vips:
      - 192.0.2.1
      - 192.0.2.2
services:
  api:
    sites: [au]
zones:
  a.org:
    file: a
    steer:
      - "@"
      - www
  B.Org.:
    file: b
    steer:
      "@": api
      www: default
routes: [{file: t}]
"""
    ).lines
    assert 5 == lines.find(("sites", "au", "vips", 1))
    assert 8 == lines.find(("services", "api", "sites", 0))
    assert 14 == lines.find(("zones", "a.org", "steer", 1))
    assert 14 == lines.find(("zones", 0, "steer", 1))
    assert 19 == lines.find(("zones", 1, "steer", 1))
    assert 18 == lines.find(("zones", "B.Org.", "steer", "@"))
    assert 15 == lines.find(("zones", 1, "ttl"))
    assert 6 == lines.find(("services", "default", "sites"))
    assert 1 == lines.find(())
    assert Problem('zones."B.Org.".steer.www: x', "/etc/x/sparrow.yaml", 19) == lines.problem(
        ("zones", 1, "steer", 1), "x"
    )


def test_a_site_without_a_family_that_others_have_is_a_warning(load: Load) -> None:
    loaded = load(
        """\
sites:
  au: {vips: [192.0.2.1, "2001:db8::1"]}
  nl: {vips: [192.0.2.2]}
services:
  api:
    vips:
      nl: ["2001:db8::2"]
  four: {sites: [nl]}
ssrs: {}
"""
    )
    site, service = loaded.warnings
    assert 3 == site.line
    assert "sites.nl.vips: site 'nl' has no IPv6 address while 'au' has one" in site.what
    assert "its clients get NODATA for AAAA" in site.what
    assert 7 == service.line
    assert "service 'api' at site 'nl' has no IPv4 address while 'au' has one" in service.what
    assert "its clients get NODATA for A" in service.what


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (
            "sites: {au: {vips: [192.0.2.1]}}\nzones:\n  a.org: {file: a}\n",
            2,
            "zones: there are no 'routes': every client is sent to site 'au'",
        ),
        (
            "ssrs: {}\nroutes:\n- file: a\n- file: ./a\n",
            4,
            "routes: this file is listed twice: keep one (the other stands on line 3)",
        ),
        (
            """\
routes: [{file: a}]
sites: {au: {vips: [192.0.2.1]}}
zones:
  a.org:
    file: a
    steer: [www.a.org]
""",
            6,
            "this steers www.a.org.a.org., with the zone's name in it twice: write '@' for the",
        ),
    ],
)
def test_what_is_doubtful_is_a_warning(load: Load, text: str, line: int, what: str) -> None:
    (found,) = load(text).warnings
    assert line == found.line
    assert what in found.what


def test_thousands_of_zones_and_names_are_no_trouble(load: Load) -> None:
    names = "".join(f"      n{number}: default\n" for number in range(2000))
    zones = "".join(f"  z{number}.org: {{file: a}}\n" for number in range(500))
    config = load(
        "routes: [{file: a}]\nsites: {au: {vips: [192.0.2.1]}}\nzones:\n"
        f"  a.org:\n    file: a\n    steer:\n{names}{zones}"
    ).config
    assert (501, 2000) == (len(config.zones), len(config.zones[0].steer))
