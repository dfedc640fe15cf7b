r"""$GENERATE: one line of a master file that stands for many, in BIND's form.

Law: what BIND's named would read is read here, with the same result; the bounds
are ours. Start from `parse_range` and `parse_template`. No RFC describes the
directive; the BIND 9 Administrator Reference Manual does, in its chapter on
zone files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sparrow.errors import InputError, Problem

MAX_GENERATED = 100_000
"""Records that one directive may make: a slip of the pen should not fill the memory."""

_MAX_NUMBER = 2**31 - 1
"""BIND counts in a C int."""
_MAX_WIDTH = 127
"""BIND formats a number into 128 octets, the last of them a NUL."""

_RANGE = re.compile(r"([0-9]{1,10})-([0-9]{1,10})(?:/([0-9]{1,10}))?")
_STEP = re.compile(r"[^$\\]+|\\.?|\$\$|\$\{([^}]*)\}|\$", re.DOTALL)
_MODIFIER = re.compile(r"([+-]?[0-9]{1,10})(?:,([0-9]{1,3})(?:,([doxXnN]))?)?")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a template where the number stands."""

    offset: int = 0
    """Added to the number; may be negative."""
    width: int = 0
    """Fewest characters; zeros fill them up on the left (nibbles: on the right)."""
    base: str = "d"
    """d, o, x, X, or n and N for reversed nibbles with dots between."""

    def render(self, number: int) -> str:
        """Give the text that stands for `number`; `InputError` where there is none."""
        value = number + self.offset
        if value < 0 and self.base != "d":
            what = f"$GENERATE: {number} with offset {self.offset} is negative, and base"
            raise InputError([Problem(f"{what} {self.base!r} has no sign: raise the offset")])
        if self.base in "nN":
            return _render_nibbles(value, self.width, self.base)
        return format(value, self.base).zfill(self.width)


Template = tuple[str | Slot, ...]
"""Text with the places where the number goes."""


def parse_range(text: str) -> range:
    """Read `start-stop` or `start-stop/step`, stop included.

    Raises `InputError` for anything else, and for more than `MAX_GENERATED` numbers.
    """
    match = _RANGE.fullmatch(text)
    start, stop, step = (int(part or 1) for part in match.groups()) if match else (0, 0, 0)
    if step < 1 or stop < start or max(stop, step) > _MAX_NUMBER:
        what = f"$GENERATE: {text!r} is not a range: write start-stop or start-stop/step"
        raise InputError([Problem(f"{what}, such as 1-20 or 0-100/10")])
    numbers = range(start, stop + 1, step)
    if len(numbers) > MAX_GENERATED:
        what = f"$GENERATE: the range {text} makes {len(numbers)} records"
        raise InputError([Problem(f"{what}: at most {MAX_GENERATED} are made by one line")])
    return numbers


def parse_template(text: str) -> Template:
    r"""Read the text in which `$` and `${offset,width,base}` stand for the number.

    `$$` is a dollar sign; a backslash and what follows it are copied, so that
    `\$` is one too. A bare `$` behind a `${offset}` has its offset too: so does
    BIND it. Raises `InputError` for a modifier that is not one.
    """
    parts: list[str | Slot] = []
    offset = 0
    for match in _STEP.finditer(text):
        step = match[0]
        if step == "$$":
            parts.append("$")
        elif step == "$":
            if text.startswith("{", match.end()):
                raise _bad_modifier(text[match.end() :])
            parts.append(Slot(offset))
        elif match[1] is not None:
            slot = _parse_modifier(match[1])
            offset = slot.offset
            parts.append(slot)
        else:
            parts.append(step)
    return tuple(parts)


def expand(template: Template, number: int) -> str:
    """Give the text of a template with `number` in it."""
    return "".join(part if isinstance(part, str) else part.render(number) for part in template)


def _parse_modifier(text: str) -> Slot:
    match = _MODIFIER.fullmatch(text)
    if match is None or int(match[2] or 0) > _MAX_WIDTH:
        raise _bad_modifier(f"{{{text}}}")
    return Slot(int(match[1]), int(match[2] or 0), match[3] or "d")


def _bad_modifier(text: str) -> InputError:
    what = f"$GENERATE: ${text} is not understood: write ${{offset,width,base}}"
    return InputError([Problem(f"{what}, width at most {_MAX_WIDTH}, base one of d o x X n N")])


def _render_nibbles(value: int, width: int, base: str) -> str:
    """Give hexadecimal digits, lowest first, as ip6.arpa has them.

    Dots count as characters of the width, so an even width ends with a dot. So
    does BIND it.
    """
    text = ""
    while True:
        text += format(value & 0xF, "x")
        value >>= 4
        if value or width > len(text):
            text += "."
        if not value and width <= len(text):
            return text.upper() if base == "N" else text
