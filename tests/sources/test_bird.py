from __future__ import annotations

from entrylist import counts, read_all

from sparrow.sources.dumps import DumpFormat

BIRD2 = """\
BIRD 2.0.12 ready.
Table master4:
1.0.0.0/24           unicast [upstream1 2026-06-19 10:00:00.123] * (100) [AS13335i]
\tvia 192.0.2.1 on eth0
\tType: BGP univ
\tBGP.origin: IGP
\tBGP.as_path: 64500 13335
\tBGP.next_hop: 192.0.2.1
\tBGP.local_pref: 120
\tBGP.community: (64500,1) (64500,2)
                     unicast [upstream2 2026-06-19 from 198.51.100.2] (100) [AS13335i]
\tvia 192.0.2.2 on eth0
\tType: BGP univ
\tBGP.as_path: 64501 64501 {13335 7}
\tBGP.next_hop: 192.0.2.2
10.0.0.0/8           unicast [static1 2026-06-19] * (200)
\tvia 192.0.2.9 on eth0
\tType: static univ

Table master6:
2001:db8::/32        unreachable [upstream1 2026-06-19] * (100/-) [AS7i]
\tType: BGP univ
\tBGP.as_path: (65001 65002) 64500 7
\tBGP.next_hop: 2001:db8::1 fe80::1
"""

LINES = [
    "1.0.0.0/24 64500 13335 from 192.0.2.1 AS64500 lp=120 best",
    "1.0.0.0/24 64501 64501 13335,7 from 198.51.100.2 AS64501",
    "2001:db8::/32 64500 7 from 2001:db8::1 AS64500 best",
]


def test_routes_of_all_tables_are_read_and_those_of_other_protocols_counted() -> None:
    lines, skipped = read_all(BIRD2.encode())
    assert (LINES, {"NO_PATH": (1, [16])}) == (lines, counts(skipped))


def test_the_codes_of_the_control_socket_make_no_difference() -> None:
    codes = {"1": "1007-", "\t": "1012-", " ": "1007-", "2": "1007-", "T": "1007-", "B": "0001 "}
    coded = "".join(codes.get(line[:1], "") + line for line in BIRD2.splitlines(keepends=True))
    lines, skipped = read_all((coded + "0000 \n").encode())
    assert (LINES, {"NO_PATH": (1, [16])}) == (lines, counts(skipped))


def test_bird_1_has_the_next_hop_before_the_protocol() -> None:
    text = (
        "BIRD 1.6.8 ready.\n"
        "1.0.0.0/24         via 192.0.2.1 on eth0 [up1 10:00:00] * (100) [AS7i]\n"
        "\tType: BGP unicast univ\n\tBGP.as_path: 64500 7\n\tBGP.next_hop: 192.0.2.1\n"
        "                   via 192.0.2.2 on eth1 [up2 10:00:00] (100/?) [AS7?]\n"
        "\tType: BGP unicast univ\n\tBGP.as_path: 64501 7\n\tBGP.next_hop: 192.0.2.2\n"
    )
    expected = [
        "1.0.0.0/24 64500 7 from 192.0.2.1 AS64500 best",
        "1.0.0.0/24 64501 7 from 192.0.2.2 AS64501",
    ]
    assert expected == read_all(text.encode())[0]


def test_bird_3_names_its_attributes_in_another_way() -> None:
    text = BIRD2.replace("BGP.", "bgp_").replace("bgp_as_path", "bgp_path")
    assert LINES == read_all(text.encode())[0]


def test_a_route_below_an_unreadable_line_belongs_to_nothing() -> None:
    text = BIRD2.replace("10.0.0.0/8           unicast [static1 2026-06-19] * (200)", "rubbish")
    more = "                     unicast [up 1] (100) [AS7i]\n\tBGP.as_path: 7\n"
    lines, skipped = read_all(text.replace("\nTable master6", f"{more}\nTable master6").encode())
    assert (LINES, {"BAD_LINE": (2, [16, 19])}) == (lines, counts(skipped))


def test_a_bad_path_or_prefix_is_counted_and_the_next_route_read() -> None:
    text = BIRD2.replace("64501 64501 {13335 7}", "64501 {13335").replace("/32", "/132")
    lines, skipped = read_all(text.encode())
    assert (LINES[:1], {"BAD_LINE": (2, [11, 21]), "NO_PATH": (1, [16])}) == (
        lines,
        counts(skipped),
    )


def test_attributes_that_come_before_any_route_are_nobodys() -> None:
    text = "\tBGP.as_path: 9\n" + BIRD2
    assert LINES == read_all(text.encode(), DumpFormat.BIRD)[0]
