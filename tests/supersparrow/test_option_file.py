"""Options in a file, and its quotes."""

from __future__ import annotations

import random

import pytest

from sparrow.errors import InputError
from sparrow.supersparrow.conf import parse_conf

# That of the site X of the original's example.
ORIGINAL = """\
peer 64700=www.x.apache-test.supersparrow,64702=www.y.apache-test.supersparrow
batch
password frub
route_server zebra
self www.x.apache-test.supersparrow
"""


def read(text: str) -> list[tuple[str, str | None, int | None]]:
    given = parse_conf(text, "conf")
    return [(each.option.name, each.text, each.place.line) for each in given]


def password(text: str) -> str | None:
    """Give the value of the one line of a file."""
    [(name, value, _)] = read(text)
    assert "password" == name
    return value


def refuse(text: str) -> list[str]:
    with pytest.raises(InputError) as refused:
        parse_conf(text, "conf")
    return [str(problem) for problem in refused.value.problems]


def test_the_file_of_the_original_example_is_read() -> None:
    assert [
        ("peer", "64700=www.x.apache-test.supersparrow,64702=www.y.apache-test.supersparrow", 1),
        ("batch", None, 2),
        ("password", "frub", 3),
        ("route_server", "zebra", 4),
        ("self", "www.x.apache-test.supersparrow", 5),
    ] == read(ORIGINAL)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("password a", "a"),
        ("  \tpassword\t  a b  \t", "a b"),
        ("password a\r\n", "a"),
        ("password a\n\n\n", "a"),
        ("\r\rpassword a\r", "a"),
        ("# all of it\n  # more\npassword a", "a"),
        ("password a#b", "a"),
        ("password a # b", "a"),
        ("password a\\#b", "a#b"),
        ("password 'a#b'", "a#b"),
        ('password "a#b"', "a#b"),
        ("password a\\ ", "a "),
        ("password \\ a", " a"),
        ("password ' a '", " a "),
        ("password a' 'b", "a b"),
        ("password a  b", "a  b"),
        ("password \\'", "'"),
        ('password \\"', '"'),
        ("password \\\\", "\\"),
        ("password '\\'", "\\"),
        ('password "\\n"', "\\n"),
        ("password 'it is \"it\"'", 'it is "it"'),
        ('password "it\'s"', "it's"),
        ("password \\a", "a"),
        ("password a\\\nb", "ab"),
        ("password a\\\r\nb", "ab"),
        ("password a \\\n  b", "a   b"),
        ("pass\\\nword a", "a"),
        ("password \\\n\\\n a", "a"),
        ("'password' a", "a"),
        ('pass"wor"d a', "a"),
        ("password ''", ""),
        ("# a comment \\\n that goes on\npassword a", "a"),
        ("password a # a comment \\\n that goes on", "a"),
        ("password ä", "ä"),
    ],
)
def test_a_value_is_quoted_as_in_a_shell(text: str, value: str) -> None:
    assert value == password(text)


def test_a_file_of_nothing_has_no_options() -> None:
    assert [] == read("")
    assert [] == read("\n  \n\t# a\n#\\\nb\n")


def test_lines_are_counted_whatever_joins_them() -> None:
    text = "# a\n\nhost \\\n a\n'self' b\\\n\n\nbatch"
    assert [("host", "a", 3), ("self", "b", 5), ("batch", None, 8)] == read(text)


def test_a_flag_may_have_a_value() -> None:
    assert [("no_lookup", "0", 1), ("debug", "1", 2)] == read("no_lookup 0\ndebug 1")


def test_everything_that_is_wrong_is_said_at_once_with_its_line() -> None:
    assert [
        "conf:1: there is no option '--peer': write peer",
        "conf:2: there is no option 'd': see --help",
        "conf:3: there is no option 'result-count': did you mean 'result_count'? see --help",
        "conf:4: host needs a value: write host HOST",
        "conf:5: the quote ' is not closed on its line: close it, or write \\'",
        "conf:6: config_file can be given on the command line only",
        "conf:7: there is no option '': see --help",
        'conf:8: the quote " is not closed on its line: close it, or write \\"',
        "conf:10: the file ends behind a \\: write what it stands before",
    ] == refuse(
        "--peer 1=a\nd\nresult-count 2\nhost # a\nself it's\nconfig_file a\n''\n"
        '"self a\nbatch\nself a\\'
    )


@pytest.mark.parametrize("seed", range(50))
def test_any_text_is_read_or_refused_with_lines_that_it_has(seed: int) -> None:
    chance = random.Random(seed)
    text = "".join(chance.choices(["\n", " ", "\\", "'", '"', "#", "batch", "host a"], k=60))
    lines = range(1, text.count("\n") + 2)
    try:
        places = [line for _, _, line in read(text)]
    except InputError as error:
        places = [problem.line for problem in error.problems]
    assert places == sorted(places, key=lambda line: line or 0)
    assert set(places) <= set(lines)


@pytest.mark.parametrize("seed", range(50))
def test_what_is_escaped_sign_by_sign_is_read_back_equal(seed: int) -> None:
    chance = random.Random(seed)
    value = "".join(chance.choices(" \t\\'\"#ab=,", k=12))
    assert value == password("password " + "".join(f"\\{sign}" for sign in value))
