"""What named.conf consists of."""

from __future__ import annotations

import pytest

from sparrow.bindimport.statements import Source, Statement, Word, parse_statements
from sparrow.errors import InputError, Problem

FILES = {
    "more.conf": 'zone "b" { type primary; };\n',
    "keys/a.conf": "key a;\n",
    "itself.conf": 'include "itself.conf";\n',
}


def include(pattern: str, directory: str) -> list[Source]:
    name = f"{directory}/{pattern}" if directory else pattern
    return [Source(name, FILES[name])]


def parse(text: str) -> tuple[Statement, ...]:
    return parse_statements(Source("named.conf", text), include)


def words(statements: tuple[Statement, ...]) -> list[object]:
    """Give the texts of statements, a list for each, with those of its block behind."""
    return [
        [*(word.text for word in each.words), *([words(each.block)] if each.block else [])]
        for each in statements
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a;", [["a"]]),
        ("a b;c;", [["a", "b"], ["c"]]),
        ("a { b; c d; } ;", [["a", [["b"], ["c", "d"]]]]),
        ("a { b { c; }; };", [["a", [["b", [["c"]]]]]]),
        ("a // x; {\nb # y }\nc /* z; \n } */ d;", [["a", "b", "c", "d"]]),
        ('a "b // c; { # /* \\" d";', [["a", 'b // c; { # /* " d']]),
        ('a "b \\\n c";', [["a", "b \\\n c"]]),
        ("file /etc/bind/x;", [["file", "/etc/bind/x"]]),
        (";;", []),
        ('include "more.conf"; z;', [["zone", "b", [["type", "primary"]]], ["z"]]),
        (
            'options { directory "keys"; }; include "a.conf";',
            [["options", [["directory", "keys"]]], ["key", "a"]],
        ),
    ],
)
def test_statements_are_words_and_blocks(text: str, expected: list[object]) -> None:
    assert expected == words(parse(text))


def test_a_word_knows_its_file_and_line() -> None:
    statements = parse('\n/* \n */ a\n"b\nc" d;\ninclude "more.conf";')
    assert [
        (Word("a", "named.conf", 3), Word("b\nc", "named.conf", 4), Word("d", "named.conf", 5)),
        (Word("zone", "more.conf", 1), Word("b", "more.conf", 1)),
    ] == [each.words for each in statements]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a {\nb;", "named.conf:1: the block that begins here does not end"),
        ("a;\n}", "named.conf:2: there is a '}' too many"),
        ("a;\nb c", "named.conf:2: there is no ';' behind this"),
        ("a;\nb { c };", "named.conf:2: there is no ';' behind this"),
        ('a;\n"b;\n', "named.conf:2: a quote or a comment that begins here does not end"),
        ("a;\n/* b;\n", "named.conf:2: a quote or a comment that begins here does not end"),
        ('include "itself.conf";', "itself.conf:1: this is more than 100 blocks or files deep"),
        ("a {" * 200, "named.conf:1: this is more than 100 blocks or files deep"),
    ],
)
def test_what_is_not_whole_is_an_error_with_its_place(text: str, expected: str) -> None:
    with pytest.raises(InputError) as raised:
        parse(text)
    assert expected == str(raised.value)


def test_an_include_that_cannot_be_read_is_an_error_where_it_stands() -> None:
    def refuse(pattern: str, _: str) -> list[Source]:
        raise InputError([Problem("there is no such file", pattern)])

    with pytest.raises(InputError) as raised:
        parse_statements(Source("named.conf", 'a;\ninclude "x";'), refuse)
    expected = "named.conf:2: what is included here cannot be read: x: there is no such file"
    assert expected == str(raised.value)
