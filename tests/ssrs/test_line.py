import random

import pytest

from sparrow.ssrs.keys import META, control
from sparrow.ssrs.line import MAX_HISTORY, MAX_LINE, Line, LineEditor

EDITING_KEYS = [ord("a"), ord(" "), 0x7F, 0x1B, 0, *map(control, "ABDEFHKNPTUW")]
EDITING_KEYS += [META + ord(letter) for letter in "bdfx\x7f\x08"]


def press(editor: LineEditor, keys: str) -> str:
    return b"".join(editor.press(ord(key)) for key in keys).decode()


def show(echo: str) -> str:
    """Give what a terminal shows that got these octets, up to its cursor marked with `|`."""
    cells: list[str] = []
    cursor = 0
    for octet in echo:
        if octet == "\b":
            cursor -= 1
        else:
            cells[cursor : cursor + 1] = [octet]
            cursor += 1
        assert cursor >= 0
    cells.insert(cursor, "|")
    return "".join(cells).rstrip()


@pytest.mark.parametrize(
    ("keys", "screen"),
    [
        ("abc", "abc|"),
        ("abc\x08", "ab|"),
        ("abc\x7f\x7f\x7f\x7f", "|"),
        ("abc\x02\x02X", "aX|bc"),
        ("abc\x01X\x05Y", "XabcY|"),
        ("abc\x02\x06\x06d", "abcd|"),
        ("abc\x01\x04", "|bc"),
        ("abc\x04", "abc|"),
        ("abc\x02\x08", "a|c"),
        ("abc\x15", "|"),
        ("abc def\x17", "abc |"),
        ("abc def  \x17\x17", "|"),
        ("abc def\x01\x0b", "|"),
        ("abc def\x02\x02\x0b", "abc d|"),
        ("abc\x14", "acb|"),
        ("abc\x02\x14", "acb|"),
        ("a\x14", "a|"),
        ("a\x00\x1b\x0c\x1fb", "ab|"),
    ],
)
def test_editing_keys_show_on_the_screen(keys: str, screen: str) -> None:
    assert screen == show(press(LineEditor(), keys))


def test_word_keys_behind_escape_move_and_delete_words() -> None:
    editor = LineEditor()
    screen = press(editor, "abc def ghi")
    for letter, expected in zip(
        "bbfd\x7f",
        ["abc def |ghi", "abc |def ghi", "abc def |ghi", "abc def |", "abc |"],
        strict=True,
    ):
        screen += editor.press(META + ord(letter)).decode()
        assert expected.rstrip() == show(screen).rstrip()


@pytest.mark.parametrize("seed", range(200))
def test_the_screen_shows_the_line_after_any_keys(seed: int) -> None:
    keys = random.Random(seed)
    editor = LineEditor()
    editor.remember("earlier line")
    screen = ""
    for _ in range(100):
        screen += editor.press(keys.choice(EDITING_KEYS)).decode()
        assert editor.text.rstrip() == show(screen).replace("|", "").rstrip()


def test_a_line_is_cut_at_its_limit_and_says_so() -> None:
    editor = LineEditor()
    assert "x" * MAX_LINE == press(editor, "x" * MAX_LINE)
    assert "" == press(editor, "yyy")
    assert Line("x" * MAX_LINE, is_overlong=True) == editor.take()
    assert Line("", is_overlong=False) == editor.take()


def test_history_goes_back_and_forth_and_ends_empty() -> None:
    editor = LineEditor()
    for line in ("one", "two", "two", "  ", "three"):
        editor.remember(line)
    seen = [press(editor, key) and editor.text for key in "\x10\x10\x10\x10\x0e\x0e\x0e\x0e"]
    assert ["three", "two", "one", "", "two", "three", "", ""] == [text or "" for text in seen]


def test_history_keeps_the_latest_lines_only() -> None:
    editor = LineEditor()
    for number in range(MAX_HISTORY + 5):
        editor.remember(str(number))
    press(editor, "\x10" * 100)
    assert "5" == editor.text
