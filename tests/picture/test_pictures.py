"""Pictures of tables: what is seen at an address, and what the legend says."""

from __future__ import annotations

from itertools import combinations
from string import printable
from typing import TYPE_CHECKING

import pytest
from pngreading import read_png
from threesites import SITE_SET, table

from sparrow.picture.canvas import Canvas, Pen
from sparrow.picture.colours import PAPER, SHADES, SITE_COLOURS, build_palette, luminance
from sparrow.picture.hilbert import trace
from sparrow.picture.layout import Entry, Sheet, compose
from sparrow.picture.letters import draw_letter, measure_text
from sparrow.picture.png import encode_png
from sparrow.picture.routemap import picture_diff, picture_table
from sparrow.policy.site import SiteSet
from sparrow.policy.steering import build_base_map
from sparrow.policy.tablediff import diff_tables
from sparrow.values.address import parse_prefix
from sparrow.values.asn import AsnRange

if TYPE_CHECKING:
    from pngreading import Seen

    from sparrow.picture.colours import Colour

ORDER = 9
LEFT, TOP = 20, 75
"""Where the square begins in pictures of this order."""
TABLE = "20.0.0.0/7 1; 22.0.0.0/8 2; 23.0.0.0/8 3; 24.0.0.0/8 99"


def seen_at(seen: Seen, text: str) -> tuple[int, ...]:
    """Give the colour of a block, where neither its number nor the grid is drawn upon it."""
    block = parse_prefix(text)
    side = 1 << ORDER - 4
    first = int.from_bytes(block.network, "big") >> 32 - 2 * ORDER
    cells = trace(ORDER)[first : first + (1 << 2 * ORDER - block.length)]
    found = {
        seen.rows[TOP + y][LEFT + x]
        for x, y, _ in cells
        if side - 3 > y % side > side // 2 - 3 and side - 3 > x % side > 3
    }
    assert 1 == len(found)
    return found.pop()


def test_a_picture_is_read_back_as_it_was_encoded() -> None:
    rows = [bytes([0, 1, 2]), bytes([2, 2, 0])]
    colours: list[Colour] = [(1, 2, 3), (255, 0, 9), (7, 7, 7)]
    seen = read_png(encode_png(rows, colours))
    assert (3, 2) == (seen.width, seen.height)
    assert [[colours[pixel] for pixel in row] for row in rows] == seen.rows


def test_each_address_has_the_colour_of_its_site() -> None:
    seen = read_png(picture_table(table(TABLE), SITE_SET, ORDER, "sites"))
    # By share: au has 20/7 and what names no site, then nl and us.
    found = [seen_at(seen, f"{first}.0.0.0/8") for first in (20, 21, 24, 22, 23)]
    assert [SITE_COLOURS[place] for place in (0, 0, 0, 1, 2)] == found
    assert 2 == len(
        {seen_at(seen, address) for address in ("10.0.0.0/8", "250.0.0.0/8", "9.0.0.0/8")}
    )


def test_a_map_of_sites_is_drawn_where_there_are_routes_or_everywhere_without_any() -> None:
    sites = build_base_map(SITE_SET, table("20.0.0.0/8 3; 21.0.0.0/8 2; 30.0.0.0/8 2")).v4
    routed = read_png(picture_table(table(TABLE), SITE_SET, ORDER, "sites", sites))
    # By share: au has 22/7 and 24/8, then nl and us.
    found = [seen_at(routed, f"{first}.0.0.0/8") for first in (22, 24, 21, 20)]
    assert [SITE_COLOURS[place] for place in (0, 0, 1, 2)] == found
    assert seen_at(routed, "30.0.0.0/8") not in SITE_COLOURS
    whole = read_png(picture_table(table(""), SITE_SET, ORDER, "sites", sites))
    found = [seen_at(whole, f"{first}.0.0.0/8") for first in (9, 30, 20)]
    assert [SITE_COLOURS[place] for place in (0, 1, 2)] == found
    assert seen_at(whole, "10.0.0.0/8") not in SITE_COLOURS


def test_a_picture_of_moves_has_a_colour_for_each_pair_and_none_for_what_stays() -> None:
    old = table(TABLE)
    new = table("20.0.0.0/7 2; 22.0.0.0/8 2; 23.0.0.0/8 1")
    found, _ = diff_tables(old, new, SITE_SET)
    seen = read_png(picture_diff((old, new), SITE_SET, found, ORDER, "moves"))
    assert [SITE_COLOURS[0]] * 2 == [seen_at(seen, f"{first}.0.0.0/8") for first in (20, 21)]
    assert SITE_COLOURS[1] == seen_at(seen, "23.0.0.0/8")
    still = [seen_at(seen, f"{first}.0.0.0/8") for first in (22, 24)]
    assert still[0] == still[1]
    assert still[0] not in {*SITE_COLOURS, seen_at(seen, "9.0.0.0/8"), seen_at(seen, "10.0.0.0/8")}


def many_sites(count: int) -> SiteSet:
    return SiteSet(
        tuple(
            type(SITE_SET.sites[0])(f"site-{number}", (AsnRange(number, number),), ())
            for number in range(1, count + 1)
        )
    )


def test_the_seventeenth_site_by_share_has_the_first_ones_colour() -> None:
    lines = [f"{19 + number}.0.0.0/8 {number}" for number in range(1, 18)]
    lines.append("64.0.0.0/6 1")
    seen = read_png(picture_table(table("\n".join(lines)), many_sites(17), ORDER, "many"))
    found = [seen_at(seen, f"{19 + number}.0.0.0/8") for number in range(1, 18)]
    assert [*SITE_COLOURS, SITE_COLOURS[0]] == found


def test_moves_beyond_the_sixteen_largest_share_a_colour() -> None:
    old = table(
        "\n".join(f"{19 + number}.0.0.0/{8 + number // 12} {number}" for number in range(1, 19))
    )
    new = table(
        "\n".join(
            f"{19 + number}.0.0.0/{8 + number // 12} {number % 18 + 1}" for number in range(1, 19)
        )
    )
    sites = many_sites(18)
    found, _ = diff_tables(old, new, sites)
    seen = read_png(picture_diff((old, new), sites, found, ORDER, "moves"))
    colours = [seen_at(seen, f"{19 + number}.0.0.0/9") for number in range(1, 19)]
    assert {*SITE_COLOURS} < {*colours}
    assert colours[16] == colours[17] != colours[0]


@pytest.mark.parametrize("order", [9, 10])
def test_a_legend_that_does_not_fit_ends_with_how_many_there_are(order: int) -> None:
    def draw(entries: int) -> Seen:
        legend = [Entry(1, "x", "1 %")] * entries
        cells = bytes(1 << 2 * order)
        colours = (PAPER, SITE_COLOURS[0])
        return read_png(compose(Sheet("t", "s", order, cells, colours, "h", legend)))

    few, many, most = draw(5), draw(200), draw(900)
    assert few.height == many.height
    assert many.rows != most.rows


def lightness(colour: Colour) -> tuple[float, float, float]:
    """Give a colour in CIE L*a*b*, where distances are as people see them."""
    linear = [luminance((octet, octet, octet)) for octet in colour]
    x = 0.4124 * linear[0] + 0.3576 * linear[1] + 0.1805 * linear[2]
    z = 0.0193 * linear[0] + 0.1192 * linear[1] + 0.9505 * linear[2]
    fx, fy, fz = (
        part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116
        for part in (x / 0.9505, luminance(colour), z / 1.089)
    )
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def test_colours_of_sites_are_far_apart() -> None:
    places = [lightness(colour) for colour in (*SITE_COLOURS, PAPER)]
    assert 16 == len(SITE_COLOURS)
    for one, other in combinations(places, 2):
        assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 > 18


def test_ink_upon_any_colour_can_be_read() -> None:
    palette = build_palette(SITE_COLOURS)
    for number, colour in enumerate(SITE_COLOURS):
        ink = palette[number * SHADES + SHADES - 1]
        light, dark = sorted((luminance(colour), luminance(ink)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3  # WCAG 2 for large letters


@pytest.mark.parametrize("height", [7, 12, 40])
def test_every_letter_is_drawn_and_none_like_another(height: int) -> None:
    letters = [each for each in printable if each.isprintable() and each != " "] + ["\u2192"]
    drawn = {draw_letter(each, height).rows for each in letters}
    assert len(letters) == len(drawn)
    assert all(any(max(row) > 0.7 for row in rows) for rows in drawn)
    assert draw_letter("?", height) == draw_letter("\u20ac", height)


def test_text_is_as_wide_as_measured() -> None:
    canvas = Canvas(400, 60)
    canvas.write(10, 20, "Where am I?", Pen(16))
    inked = [x for row in canvas.rows for x, pixel in enumerate(row) if pixel]
    assert 9 <= min(inked)
    assert (
        10 + measure_text("Where am I?", 16) - 10
        < max(inked)
        < 10 + measure_text("Where am I?", 16)
    )


def test_a_halo_clears_what_lies_around_letters_and_nothing_more() -> None:
    canvas = Canvas(40, 40)
    canvas.fill(0, 0, 40, 40, colour=3)
    canvas.write(10, 10, "i", Pen(14, halo=2))
    assert {3 * SHADES} == {*canvas.rows[0], *canvas.rows[39]}
    assert {0, SHADES - 1} <= {pixel for row in canvas.rows for pixel in row}


def test_what_lies_outside_is_not_written() -> None:
    canvas = Canvas(10, 10)
    canvas.write(6, -3, "WWW", Pen(14))
    canvas.write(-4, 8, "W", Pen(14))
    assert [10] * 10 == [len(row) for row in canvas.rows]
    assert any(map(any, canvas.rows))
