"""YAML itself: what the core schema reads, and what is no YAML at all."""

from decimal import Decimal

import pytest

from sparrow.config.reader import read_document
from sparrow.config.tree import line_at, plain
from sparrow.errors import InputError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("No", "No"),
        ("true", True),
        ("TRUE", True),
        ("tRue", "tRue"),
        ("False", False),
        ("01:30", "01:30"),
        ("190:20:30", "190:20:30"),
        ("2024-01-01", "2024-01-01"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("017", 17),
        ("1_000", "1_000"),
        ("-5", -5),
        ("+5", 5),
        ("1.10", Decimal("1.10")),
        ("1e3", Decimal("1e3")),
        ("-.inf", Decimal("-inf")),
        ("~", None),
        ("null", None),
        ("", None),
        ('"5"', "5"),
        ("'yes'", "yes"),
        ("!!str 5", "5"),
        ("<<", "<<"),
        ("=", "="),
        ("{a: [1, b]}", {"a": (1, "b")}),
    ],
)
def test_a_value_is_read_by_the_core_schema(text: str, value: object) -> None:
    assert {"key": value} == plain(read_document(f"key: {text}\n", "f").root)
    assert type(value) is type(plain(read_document(f"key: {text}\n", "f").root)["key"])


def test_a_number_of_any_length_is_read_without_an_exception() -> None:
    value = plain(read_document(f"key: {'9' * 10000}\n", "f").root)["key"]
    assert isinstance(value, Decimal)


def test_a_key_is_text_whatever_it_looks_like() -> None:
    assert {"64": 1, "1.10": 2, "on": 3, "null": 4} == plain(
        read_document("64: 1\n1.10: 2\non: 3\nnull: 4\n", "f").root
    )


def test_an_alias_stands_for_its_anchor() -> None:
    assert {"a": (1,), "b": (1,)} == plain(read_document("a: &x [1]\nb: *x\n", "f").root)


def test_many_aliases_may_stand_for_much() -> None:
    rows = "".join(f"k{number}: *x\n" for number in range(10_000))
    root = read_document(f"a: &x [{'1, ' * 90}]\n{rows}", "f").root
    assert (1,) * 90 == plain(root)["k9999"]


LAUGHS = "a: &a0 [ha]\n" + "".join(
    f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]\n" for number in range(1, 16)
)
"""Every list holds the one above it ten times."""
DEEP_ALIASES = "".join(
    f"a{number}: &a{number} {'[' * 90}{f'*a{number - 1}' if number else 'x'}{']' * 90}\n"
    for number in range(20)
)
"""Every list holds the one above it once, and deep inside."""


def test_lines_are_those_of_values_and_of_the_keys_above_collections() -> None:
    root = read_document("# c\na:\n  b:\n    - 1\n    -\n      2\n  c:\n    'x'\n", "f").root
    assert 2 == line_at(root, ())
    assert 2 == line_at(root, ("a",))
    assert 3 == line_at(root, ("a", "b"))
    assert 4 == line_at(root, ("a", "b", 0))
    assert 6 == line_at(root, ("a", "b", 1))
    assert 8 == line_at(root, ("a", "c"))
    assert 8 == line_at(root, ("a", 1))
    assert 2 == line_at(root, ("a", "nothing", "b"))


@pytest.mark.parametrize(
    ("text", "line", "fragment"),
    [
        ("", 1, "the file is empty"),
        ("# only a comment\n\n", 1, "the file is empty"),
        ("- a\n- b\n", 1, "must hold keys such as"),
        ("just text\n", 1, "must hold keys such as"),
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "in what began on line 2"),
        ("a: 1\n b: 2\n", 2, "check the indentation"),
        ("a:\n\tb: 1\n", 2, "indent with spaces"),
        ("a: 1\nsteer: [@]\n", 2, 'write "@"'),
        ("a: 1\nsteer: [*.cdn]\n", 2, 'write "@" or "*.cdn"'),
        ("a: 1\nvips: [::1]\n", 2, 'write "::1"'),
        ("a: 1\nsteer: *cdn\n", 2, 'write "@" or "*.cdn"'),
        ("a: 1\nb: 'x\n", 3, "not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "one document"),
        ("a: 1\nb: \x07\n", 2, "U+0007"),
        ("a: 1\nb: !!binary aGk=\n", 2, "binary"),
        ("a: 1\nb: !!python/object:os.system {}\n", 2, "has no meaning here"),
        ("a: 1\nb: !!int x\n", 2, "has no meaning here"),
        ("a: 1\nb: !!set {x}\n", 2, "has no meaning here"),
        ("a: 1\nb: &x [1, *x]\n", 2, "a part of"),
        ('a: 1\nb: "\\ud800"\n', 2, "surrogate"),
        ('a: 1\nb: "\\U99999999"\n', 2, "no valid number"),
        ('a: 1\nb: "\\UFFFFFFFF"\n', 2, "no valid number"),
        ("a: 1\n[b]: 1\n", 2, "a key must be a name"),
        ("a: 1\n? {b: 1}\n: 1\n", 2, "a key must be a name"),
        ("a: 1\n: 1\n", 2, "not YAML"),
        ("a: 1\n' ': 1\n", 2, "a key must be a name"),
        ("[" * 5000, None, "nested too deeply"),
        (DEEP_ALIASES, None, "nested too deeply"),
        (LAUGHS, 7, "aliases stand for over 1000000 values"),
        (f"a: &a [{'1, ' * 50}]\nx:\n  y: [{'*a, ' * 20_000}]\n", 3, "over 1000000 values"),
    ],
)
def test_what_is_not_a_configuration_in_yaml_is_refused_with_its_line(
    text: str, line: int | None, fragment: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_document(text, "f")
    (problem,) = caught.value.problems
    assert ("f", line) == (problem.file, problem.line)
    assert fragment in problem.what


def test_keys_that_stand_twice_are_all_reported_with_both_lines() -> None:
    document = read_document("a: 1\nb: {x: 1, x: 2}\na: 3\n", "f")
    assert {"a": 1, "b": {"x": 1}} == plain(document.root)
    assert [(2, "first on line 2"), (3, "first on line 1")] == [
        (problem.line, problem.what.partition("again, ")[2].partition(":")[0])
        for problem in document.problems
    ]
