"""The answer algorithm, case by case."""

from __future__ import annotations

import dns.rdata
import dns.rdatatype
import pytest
from dnspackets import SOA, build_authority, build_zone, build_zones, encode_query, lines
from dnspackets import ask as ask_with

from sparrow.dns.answer import Answer, find_answer
from sparrow.dns.rrset import Rcode, RRset, RRType
from sparrow.dns.zone import Steer, ZoneSet
from sparrow.values.name import Name, parse_name

WEB = Steer("web", 30)

ZONE = build_zone(
    "example.",
    SOA
    + r"""
@           A      192.0.2.1
@           TXT    "apex"
mail        MX     10 mx
mx          A      192.0.2.2
            AAAA   2001:db8::2
a.b.c       TXT    "deep"
mixed       TXT    "steered too"
; a delegation with glue, a server elsewhere in the zone, one outside, and what it hides
sub         NS     ns.sub
            NS     mx
            NS     ns.example.net.
            NS     steered
sub         DS     1 8 2 0000000000000000000000000000000000000000000000000000000000000000
ns.sub      A      192.0.2.3
            AAAA   2001:db8::3
hidden.sub  TXT    "occluded"
deep.er.sub NS     ns.example.net.
; aliases
alias       CNAME  mx
alias2      CNAME  alias
out         CNAME  www.example.net.
self        CNAME  self
loop1       CNAME  loop2
loop2       CNAME  loop1
into-sub    CNAME  x.sub
into-cut    CNAME  sub
nowhere     CNAME  missing
no-type     CNAME  mail
to-steered  CNAME  steered
to-wild     CNAME  any.wild
to-dname    CNAME  x.moved
to-root     CNAME  .
; redirections
moved       DNAME  mx-home
moved       TXT    "beside"
under.moved A      192.0.2.9
cut.moved   NS     ns.example.net.
more.moved  DNAME  away
x.mx-home   A      192.0.2.4
y.mx-home   CNAME  mx
again       DNAME  again2
again2      DNAME  mx-home
away        DNAME  example.net.
bounce      DNAME  hop
z.hop       CNAME  x.bounce
x.hop       TXT    "end"
grow        DNAME  a.grow
big         DNAME  """
    + ".".join(["b" * 60] * 3)
    + """
; wildcards
*.wild      TXT    "wild"
*.alias-to  CNAME  mx
*.ent-only.wild2 TXT "below"
b.*.wild3   TXT    "star in the middle"
""",
    {"steered": WEB, "*.cdn": WEB, "mixed": WEB},
)
ZONES = build_zones(ZONE)
NEGATIVE = "example. 300 IN SOA ns.example. hostmaster.example. 1 28800 7200 604800 300"


def ask(name: str, rtype: str = "A", zones: ZoneSet = ZONES) -> Answer:
    number = int(dns.rdatatype.from_text(rtype))
    return find_answer(zones, parse_name(name), number)


def show(answer: Answer) -> tuple[str, list[str], list[str]]:
    """Give rcode with AA, the answer section, and the authority section, as texts."""
    flags = answer.rcode.name + (" aa" if answer.is_authoritative else "")
    return flags, [*map(render, answer.answer)], [*map(render, answer.authority)]


def render(rrset: RRset) -> str:
    """Give an RRset on one line, rdata parted by commas."""
    number = dns.rdatatype.RdataType.make(rrset.rtype)
    texts = [
        dns.rdata.from_wire("IN", number, rdata, 0, len(rdata)).to_text() for rdata in rrset.rdatas
    ]
    owner = ".".join(label.decode() for label in rrset.owner) + "."
    return f"{owner} {rrset.ttl} IN {dns.rdatatype.to_text(number)} {', '.join(texts)}"


@pytest.mark.parametrize(
    ("name", "rtype", "expected"),
    [
        ("example.", "A", "example. 3600 IN A 192.0.2.1"),
        ("example.", "NS", "example. 3600 IN NS ns.example.net."),
        ("example.", "SOA", NEGATIVE.replace("300 IN", "3600 IN")),
        ("mx.example.", "AAAA", "mx.example. 3600 IN AAAA 2001:db8::2"),
        ("mail.example.", "MX", "mail.example. 3600 IN MX 10 mx.example."),
        ("a.b.c.example.", "TXT", 'a.b.c.example. 3600 IN TXT "deep"'),
        ("moved.example.", "TXT", 'moved.example. 3600 IN TXT "beside"'),
        ("moved.example.", "DNAME", "moved.example. 3600 IN DNAME mx-home.example."),
        ("mixed.example.", "TXT", 'mixed.example. 3600 IN TXT "steered too"'),
        ("alias.example.", "CNAME", "alias.example. 3600 IN CNAME mx.example."),
        ("x.wild.example.", "TXT", 'x.wild.example. 3600 IN TXT "wild"'),
        ("y.x.wild.example.", "TXT", 'y.x.wild.example. 3600 IN TXT "wild"'),
        ("*.wild.example.", "TXT", '*.wild.example. 3600 IN TXT "wild"'),
        ("x.alias-to.example.", "CNAME", "x.alias-to.example. 3600 IN CNAME mx.example."),
    ],
)
def test_records_asked_for_are_given_alone(name: str, rtype: str, expected: str) -> None:
    assert ("NOERROR aa", [expected], []) == show(ask(name, rtype))


@pytest.mark.parametrize(
    ("name", "rtype"),
    [
        ("example.", "MX"),
        ("example.", "DS"),  # no parent is served
        ("mx.example.", "TXT"),
        ("mail.example.", "A"),
        ("b.c.example.", "TXT"),  # empty non-terminals
        ("c.example.", "ANY"),
        ("wild.example.", "TXT"),
        ("x.wild.example.", "A"),
        ("mx-home.example.", "A"),
        ("moved.example.", "A"),  # a DNAME does not redirect its owner
        ("steered.example.", "TXT"),
        ("steered.example.", "HTTPS"),
        ("ent-only.wild2.example.", "A"),
        ("*.wild3.example.", "TXT"),
        ("x.wild3.example.", "TXT"),  # its source of synthesis exists and is empty
        ("cdn.example.", "A"),
        ("mx.example.", "TYPE0"),
        ("mx.example.", "RRSIG"),
    ],
)
def test_a_name_without_such_records_is_nodata(name: str, rtype: str) -> None:
    assert ("NOERROR aa", [], [NEGATIVE]) == show(ask(name, rtype))


@pytest.mark.parametrize(
    "name",
    [
        *("missing.example.", "x.mx.example.", "x.c.example.", "x.b.c.example."),
        *("x.b.*.wild3.example.", "y.*.wild.example.", "x.alias.example.", "wild2x.example."),
        "x.steered.example.",
    ],
)
@pytest.mark.parametrize("rtype", ["A", "ANY", "SOA", "DS"])
def test_a_name_that_does_not_exist_is_nxdomain(name: str, rtype: str) -> None:
    assert ("NXDOMAIN aa", [], [NEGATIVE]) == show(ask(name, rtype))


@pytest.mark.parametrize("name", ["example.net.", "examplex.", ".", "xexample.", "com."])
@pytest.mark.parametrize("rtype", ["A", "ANY", "SOA", "TYPE41", "AXFR"])
def test_outside_the_zones_is_refused(name: str, rtype: str) -> None:
    assert ("REFUSED", [], []) == show(ask(name, rtype))


SUB_NS = "sub.example. 3600 IN NS ns.sub.example., mx.example., ns.example.net., steered.example."


@pytest.mark.parametrize(
    ("name", "rtype"),
    [
        ("sub.example.", "A"),
        ("sub.example.", "NS"),
        ("sub.example.", "ANY"),
        ("sub.example.", "SOA"),
        ("x.sub.example.", "A"),
        ("x.sub.example.", "DS"),
        ("ns.sub.example.", "A"),  # glue is no answer
        ("hidden.sub.example.", "TXT"),
        ("er.sub.example.", "A"),
        ("deep.er.sub.example.", "A"),  # the topmost cut counts
        ("deep.er.sub.example.", "DS"),
    ],
)
def test_below_a_delegation_is_a_referral_with_glue(name: str, rtype: str) -> None:
    answer = ask(name, rtype)
    assert ("NOERROR", [], [SUB_NS]) == show(answer)
    assert [
        "ns.sub.example. 3600 IN A 192.0.2.3",
        "ns.sub.example. 3600 IN AAAA 2001:db8::3",
    ] == [*map(render, answer.glue)]
    assert [
        "mx.example. 3600 IN A 192.0.2.2",
        "mx.example. 3600 IN AAAA 2001:db8::2",
    ] == [*map(render, answer.additional)]


def test_ds_at_the_cut_is_the_parent_s() -> None:
    flags, answer, authority = show(ask("sub.example.", "DS"))
    assert ("NOERROR aa", []) == (flags, authority)
    assert answer[0].startswith("sub.example. 3600 IN DS 1 8 2 ")


def test_a_cut_without_ds_says_so_with_the_parent_s_soa() -> None:
    zones = build_zones(build_zone("p.", SOA + "c NS ns.example.net.\n"))
    flags, answer, authority = show(ask("c.p.", "DS", zones))
    assert ("NOERROR aa", []) == (flags, answer)
    assert authority[0].startswith("p. 300 IN SOA ")


ALIAS = "alias.example. 3600 IN CNAME mx.example."
MX_A = "mx.example. 3600 IN A 192.0.2.2"


@pytest.mark.parametrize(
    ("name", "rtype", "flags", "answer", "authority"),
    [
        ("alias", "A", "NOERROR aa", [ALIAS, MX_A], []),
        (
            *("alias2", "A", "NOERROR aa"),
            ["alias2.example. 3600 IN CNAME alias.example.", ALIAS, MX_A],
            [],
        ),
        (
            *("out", "A", "NOERROR aa"),
            ["out.example. 3600 IN CNAME www.example.net."],
            [],
        ),
        ("to-root", "A", "NOERROR aa", ["to-root.example. 3600 IN CNAME ."], []),
        ("self", "A", "NOERROR aa", ["self.example. 3600 IN CNAME self.example."], []),
        (
            *("loop1", "A", "NOERROR aa"),
            [
                "loop1.example. 3600 IN CNAME loop2.example.",
                "loop2.example. 3600 IN CNAME loop1.example.",
            ],
            [],
        ),
        (
            *("into-sub", "A", "NOERROR aa"),
            ["into-sub.example. 3600 IN CNAME x.sub.example."],
            [SUB_NS],
        ),
        (
            *("into-cut", "A", "NOERROR aa"),
            ["into-cut.example. 3600 IN CNAME sub.example."],
            [SUB_NS],
        ),
        (  # RFC 6604: the code is that of the end of the chain
            *("nowhere", "A", "NXDOMAIN aa"),
            ["nowhere.example. 3600 IN CNAME missing.example."],
            [NEGATIVE],
        ),
        (
            *("no-type", "A", "NOERROR aa"),
            ["no-type.example. 3600 IN CNAME mail.example."],
            [NEGATIVE],
        ),
        (
            *("to-wild", "TXT", "NOERROR aa"),
            [
                "to-wild.example. 3600 IN CNAME any.wild.example.",
                'any.wild.example. 3600 IN TXT "wild"',
            ],
            [],
        ),
        (
            *("x.alias-to", "A", "NOERROR aa"),
            ["x.alias-to.example. 3600 IN CNAME mx.example.", MX_A],
            [],
        ),
        (
            *("to-dname", "A", "NOERROR aa"),
            [
                "to-dname.example. 3600 IN CNAME x.moved.example.",
                "moved.example. 3600 IN DNAME mx-home.example.",
                "x.moved.example. 3600 IN CNAME x.mx-home.example.",
                "x.mx-home.example. 3600 IN A 192.0.2.4",
            ],
            [],
        ),
    ],
)
def test_an_alias_is_followed_inside_the_zone(
    name: str, rtype: str, flags: str, answer: list[str], authority: list[str]
) -> None:
    assert (flags, answer, authority) == show(ask(f"{name}.example.", rtype))


def test_a_referral_behind_an_alias_has_its_glue() -> None:
    assert ask("sub.example.").glue == ask("into-sub.example.").glue


def test_a_chain_without_end_is_sent_as_far_as_it_is_followed() -> None:
    text = "".join(f"n{i} CNAME n{i + 1}\n" for i in range(40)) + "n40 A 192.0.2.1\n"
    answer = ask("n0.example.", "A", build_zones(build_zone("example.", SOA + text)))
    assert Rcode.NOERROR == answer.rcode
    owners = [(f"n{i}".encode(), b"example") for i in range(len(answer.answer))]
    assert owners == [rrset.owner for rrset in answer.answer]
    assert 10 <= len(answer.answer) <= 20


@pytest.mark.parametrize(
    ("name", "rtype", "flags", "answer", "authority"),
    [
        (
            *("x.moved", "A", "NOERROR aa"),
            [
                "moved.example. 3600 IN DNAME mx-home.example.",
                "x.moved.example. 3600 IN CNAME x.mx-home.example.",
                "x.mx-home.example. 3600 IN A 192.0.2.4",
            ],
            [],
        ),
        (  # what lies below a DNAME is hidden
            *("under.moved", "A", "NXDOMAIN aa"),
            [
                "moved.example. 3600 IN DNAME mx-home.example.",
                "under.moved.example. 3600 IN CNAME under.mx-home.example.",
            ],
            [NEGATIVE],
        ),
        (  # ... delegations too
            *("x.cut.moved", "A", "NXDOMAIN aa"),
            [
                "moved.example. 3600 IN DNAME mx-home.example.",
                "x.cut.moved.example. 3600 IN CNAME x.cut.mx-home.example.",
            ],
            [NEGATIVE],
        ),
        (  # ... and other redirections
            *("x.more.moved", "A", "NXDOMAIN aa"),
            [
                "moved.example. 3600 IN DNAME mx-home.example.",
                "x.more.moved.example. 3600 IN CNAME x.more.mx-home.example.",
            ],
            [NEGATIVE],
        ),
        (
            *("y.moved", "A", "NOERROR aa"),
            [
                "moved.example. 3600 IN DNAME mx-home.example.",
                "y.moved.example. 3600 IN CNAME y.mx-home.example.",
                "y.mx-home.example. 3600 IN CNAME mx.example.",
                MX_A,
            ],
            [],
        ),
        (
            *("x.moved", "CNAME", "NOERROR aa"),
            [
                "moved.example. 3600 IN DNAME mx-home.example.",
                "x.moved.example. 3600 IN CNAME x.mx-home.example.",
            ],
            [],
        ),
        (
            *("x.again", "DNAME", "NOERROR aa"),
            [
                "again.example. 3600 IN DNAME again2.example.",
                "x.again.example. 3600 IN CNAME x.again2.example.",
                "again2.example. 3600 IN DNAME mx-home.example.",
                "x.again2.example. 3600 IN CNAME x.mx-home.example.",
            ],
            [NEGATIVE],
        ),
        (
            *("a.b.away", "A", "NOERROR aa"),
            [
                "away.example. 3600 IN DNAME example.net.",
                "a.b.away.example. 3600 IN CNAME a.b.example.net.",
            ],
            [],
        ),
        (  # the DNAME that redirects twice is sent once
            *("z.bounce", "TXT", "NOERROR aa"),
            [
                "bounce.example. 3600 IN DNAME hop.example.",
                "z.bounce.example. 3600 IN CNAME z.hop.example.",
                "z.hop.example. 3600 IN CNAME x.bounce.example.",
                "x.bounce.example. 3600 IN CNAME x.hop.example.",
                'x.hop.example. 3600 IN TXT "end"',
            ],
            [],
        ),
    ],
)
def test_a_name_below_a_dname_is_redirected(
    name: str, rtype: str, flags: str, answer: list[str], authority: list[str]
) -> None:
    assert (flags, answer, authority) == show(ask(f"{name}.example.", rtype))


def test_a_redirected_name_that_grows_too_long_is_yxdomain() -> None:
    name = ".".join(["a" * 60, "a" * 20, "big.example."])
    dname = "big.example. 3600 IN DNAME " + ".".join(["b" * 60] * 3) + ".example."
    assert ("YXDOMAIN aa", [dname], []) == show(ask(name))


def test_a_redirection_into_itself_comes_to_an_end() -> None:
    answer = ask("x.grow.example.")
    assert Rcode.NOERROR == answer.rcode
    assert 1 == sum(rrset.rtype == RRType.DNAME for rrset in answer.answer)
    assert len(answer.answer) <= 20


def test_a_dname_at_the_apex_redirects_all_below_and_not_the_apex() -> None:
    zones = build_zones(build_zone("old.", SOA + "@ DNAME new.\n@ A 192.0.2.1\nx A 192.0.2.2\n"))
    assert ["old. 3600 IN A 192.0.2.1"] == show(ask("old.", "A", zones))[1]
    assert [
        "old. 3600 IN DNAME new.",
        "x.old. 3600 IN CNAME x.new.",
    ] == show(ask("x.old.", "A", zones))[1]


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("steered.example.", "steered.example."),
        ("x.cdn.example.", "x.cdn.example."),
        ("y.x.cdn.example.", "y.x.cdn.example."),
        ("*.cdn.example.", "*.cdn.example."),
        ("to-steered.example.", "steered.example."),
    ],
)
@pytest.mark.parametrize("rtype", [RRType.A, RRType.AAAA])
def test_addresses_of_a_steered_name_are_left_to_the_choice(
    name: str, owner: str, rtype: RRType
) -> None:
    slot = ask(name, rtype.name).slot
    assert slot
    assert (parse_name(owner), rtype, WEB) == (slot.owner, slot.rtype, slot.steer)
    assert NEGATIVE == render(slot.soa)


def test_a_chain_into_a_steered_name_keeps_its_aliases() -> None:
    assert ("NOERROR aa", ["to-steered.example. 3600 IN CNAME steered.example."], []) == show(
        ask("to-steered.example.")
    )


@pytest.mark.parametrize(
    "name", ["example.", "mx.example.", "steered.example.", "x.wild.example.", "moved.example."]
)
def test_any_is_answered_with_one_small_set(name: str) -> None:
    assert ("NOERROR aa", [f'{name} 3600 IN HINFO "RFC8482" ""'], []) == show(ask(name, "ANY"))


def test_any_at_an_alias_is_the_alias() -> None:
    assert ("NOERROR aa", [ALIAS], []) == show(ask("alias.example.", "ANY"))


@pytest.mark.parametrize(
    ("rtype", "rcode"),
    [
        *(("AXFR", "REFUSED"), ("IXFR", "REFUSED"), ("OPT", "FORMERR")),
        *(("MAILA", "NOTIMP"), ("MAILB", "NOTIMP"), ("TKEY", "NOTIMP"), ("TSIG", "NOTIMP")),
        *(("TYPE128", "NOTIMP"), ("TYPE250", "NOTIMP")),
    ],
)
def test_types_that_are_no_data_are_not_answered(rtype: str, rcode: str) -> None:
    assert (rcode, [], []) == show(ask("mx.example.", rtype))


PARENT = build_zone(
    "example.",
    SOA
    + """
child       NS    ns.child
            DS    1 8 2 00
ns.child    A     192.0.2.7
into        CNAME www.child
plain       CNAME www.loose
""".replace("2 00", "2 " + "00" * 32),
)
CHILD = build_zone("child.example.", SOA + "www A 192.0.2.8\nup CNAME into.example.\n")
LOOSE = build_zone("loose.example.", SOA + "www A 192.0.2.9\n")
NESTED = build_zones(PARENT, CHILD, LOOSE)


@pytest.mark.parametrize(
    ("name", "rtype", "flags", "answer"),
    [
        (
            *("child.example.", "NS", "NOERROR aa"),
            ["child.example. 3600 IN NS ns.example.net."],
        ),
        ("www.child.example.", "A", "NOERROR aa", ["www.child.example. 3600 IN A 192.0.2.8"]),
        ("ns.child.example.", "A", "NXDOMAIN aa", []),  # glue in the parent, nothing in the child
        ("child.example.", "DS", "NOERROR aa", ["child.example. 3600 IN DS 1 8 2 " + "0" * 64]),
        ("www.child.example.", "DS", "NOERROR aa", []),
        # A chain ends where another zone begins, as in other servers.
        ("into.example.", "A", "NOERROR aa", ["into.example. 3600 IN CNAME www.child.example."]),
        ("plain.example.", "A", "NOERROR aa", ["plain.example. 3600 IN CNAME www.loose.example."]),
        (
            *("up.child.example.", "A", "NOERROR aa"),
            ["up.child.example. 3600 IN CNAME into.example."],
        ),
    ],
)
def test_of_parent_and_child_the_closest_zone_answers_and_ds_is_the_parent_s(
    name: str, rtype: str, flags: str, answer: list[str]
) -> None:
    assert (flags, answer) == show(ask(name, rtype, NESTED))[:2]


def test_the_root_can_be_served() -> None:
    root = build_zones(
        build_zone(
            ".", "@ SOA a.nic. host. 1 2 3 4 60\n@ NS a.nic.\norg NS a.org.\na.org A 192.0.2.1\n"
        )
    )
    assert ["3600 IN NS a.nic."] == [line[2:] for line in show(ask(".", "NS", root))[1]]
    assert "NXDOMAIN aa" == show(ask("com.", "A", root))[0]
    assert ("NOERROR", [], ["org. 3600 IN NS a.org."]) == show(ask("www.org.", "A", root))
    assert ("NOERROR aa", []) == show(ask(".", "DS", root))[:2]


def test_the_soa_of_a_negative_answer_lives_no_longer_than_itself() -> None:
    zones = build_zones(build_zone("s.", "@ 60 SOA a. b. 1 2 3 4 300\n@ NS a.\n"))
    assert [60] == [rrset.ttl for rrset in ask("x.s.", "A", zones).authority]


# RFC 4592 section 2.2.1: the zone and every question of its text.
WILD = build_zones(
    build_zone(
        "example.",
        """
@                 3600 SOA  ns host 1 2 3 4 300
                  3600 NS   ns.example.com.
                  3600 NS   ns.example.net.
*                 3600 TXT  "this is a wildcard"
                  3600 MX   10 host1
sub.*             3600 TXT  "this is not a wildcard"
host1             3600 A    192.0.2.1
_ssh._tcp.host1   3600 SRV  0 0 22 host1
_ssh._tcp.host2   3600 SRV  0 0 22 host2
subdel            3600 NS   ns.example.com.
                  3600 NS   ns.example.net.
""",
    )
)


@pytest.mark.parametrize(
    ("name", "rtype", "flags", "answer"),
    [
        ("host3.example.", "MX", "NOERROR aa", ["host3.example. 3600 IN MX 10 host1.example."]),
        ("host3.example.", "A", "NOERROR aa", []),
        (
            *("foo.bar.example.", "TXT", "NOERROR aa"),
            ['foo.bar.example. 3600 IN TXT "this is a wildcard"'],
        ),
        ("host1.example.", "MX", "NOERROR aa", []),  # the name exists
        ("sub.*.example.", "MX", "NOERROR aa", []),  # so does this
        ("_telnet._tcp.host1.example.", "SRV", "NXDOMAIN aa", []),  # _tcp.host1 exists
        ("host.subdel.example.", "A", "NOERROR", []),  # a delegation
        ("ghost.*.example.", "MX", "NXDOMAIN aa", []),  # *.example exists
        # and what the section says of names in general
        ("*.example.", "TXT", "NOERROR aa", ['*.example. 3600 IN TXT "this is a wildcard"']),
        ("host2.example.", "TXT", "NOERROR aa", []),  # an empty non-terminal
        ("_tcp.host2.example.", "TXT", "NOERROR aa", []),
        ("x.host1.example.", "TXT", "NXDOMAIN aa", []),
    ],
)
def test_wildcards_are_those_of_rfc_4592(
    name: str, rtype: str, flags: str, answer: list[str]
) -> None:
    assert (flags, answer) == show(ask(name, rtype, WILD))[:2]


def test_a_synthesised_answer_is_read_back_with_the_question_s_case() -> None:
    message = ask_with(build_authority(ZONE), encode_query("FoO.WiLd.eXample.", "TXT"))
    assert ['FoO.WiLd.eXample. 3600 IN TXT "wild"'] == lines(message.answer)


@pytest.mark.parametrize("name", sorted(ZONE.nodes))
@pytest.mark.parametrize("rtype", [1, 2, 5, 6, 15, 16, 28, 39, 43, 255, 65280])
def test_every_name_of_a_zone_is_answered_with_something(name: Name, rtype: int) -> None:
    answer = find_answer(ZONES, name, rtype)
    assert answer.rcode in (Rcode.NOERROR, Rcode.NXDOMAIN)
    assert answer.answer or answer.authority or answer.slot
