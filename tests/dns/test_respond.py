"""From packet to packet: what every response must be, and 100,000 hostile ones."""

from __future__ import annotations

import struct
from random import Random
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.name
import dns.rcode
import pytest
from built_tables import build_snapshot
from dnspackets import (
    CLIENT,
    NOW_S,
    SECRET,
    SOA,
    ask,
    build_authority,
    build_zone,
    ecs,
    encode_opt,
    encode_query,
    header,
    lines,
    option,
    reply_to,
)

from sparrow.dns.cookie import refresh_cookie
from sparrow.dns.edns import ClientSubnet
from sparrow.dns.respond import Identity, Sender, respond
from sparrow.dns.rrset import Rcode
from sparrow.dns.zone import Steer
from sparrow.policy.site import Service, Site, SiteSet
from sparrow.policy.steering import Steering, build_base_map, build_steering
from sparrow.rib.route import parse_route
from sparrow.values.address import parse_address, parse_prefix
from sparrow.values.asn import AsnRange

if TYPE_CHECKING:
    from sparrow.dns.respond import Reply

ECS, COOKIE, KEEPALIVE, NSID = 8, 10, 11, 3
CLIENT_COOKIE = bytes(range(8))

AU_VIPS = tuple(map(parse_address, ("203.0.113.1", "203.0.113.2", "2001:db8::1", "203.0.113.3")))
NL_VIPS = (parse_address("203.0.113.9"),)
SITES = SiteSet(
    (Site("au", (AsnRange(1, 1),), AU_VIPS), Site("nl", (AsnRange(2, 2),), NL_VIPS)), self_site=1
)
SERVICES = {
    "web": Service("web", {0: AU_VIPS, 1: NL_VIPS}),
    "api": Service("api", {0: AU_VIPS}),
}
TABLE = [
    (parse_prefix(prefix), parse_route(route))
    for prefix, route in (("20.0.0.0/8", "1"), ("21.0.0.0/8", "2"), ("2400::/12", "1"))
]

ZONE = build_zone(
    "example.",
    SOA
    + """
static   A     192.0.2.1
alias    CNAME www
big      TXT   "{}"
         TXT   "{}"
         TXT   "{}"
huge     TXT   "{}" "{}" "{}" "{}" "{}"
sub      NS    ns.sub
         NS    www
ns.sub   A     192.0.2.2
""".format(*(letter * 250 for letter in "abcdefgh")),
    {
        "www": Steer("web", 30),
        "@": Steer("web", 30),
        "*.cdn": Steer("web", 30),
        "two": Steer("web", 30, result_count=2),
        "api": Steer("api", 5),
        "slow": Steer("web", 86400),
    },
)


def build_steering_of_table() -> Steering:
    return build_steering(SITES, SERVICES, build_base_map(SITES, build_snapshot(TABLE)))


STEERING = build_steering_of_table()
IDENTITY = Identity(nsid=b"ns1.au", version=b"sparrow 1", cookie_secrets=(SECRET,))
AUTHORITY = build_authority(ZONE, steering=STEERING, identity=IDENTITY)
AU_SUBNET, NL_SUBNET = "20.1.2.0/24", "21.1.2.0/24"


def query(name: str = "www.example.", rtype: str = "A", *options: tuple[int, bytes]) -> bytes:
    return encode_query(name, rtype, opt=encode_opt(*options))


def rcode_of(packet: bytes) -> str:
    return dns.rcode.to_text(ask(AUTHORITY, packet).rcode())


@pytest.mark.parametrize(
    ("subnet", "expected", "scope"),
    [
        (AU_SUBNET, ["203.0.113.1", "203.0.113.2", "203.0.113.3"], 8),
        (NL_SUBNET, ["203.0.113.9"], 8),
        ("0.0.0.0/0", ["203.0.113.9"], 0),
        ("2400:1::/48", ["203.0.113.1", "203.0.113.2", "203.0.113.3"], 12),
        ("10.0.0.0/8", ["203.0.113.9"], 8),
    ],
)
def test_a_steered_name_is_answered_with_the_addresses_of_the_client_s_site(
    subnet: str, expected: list[str], scope: int
) -> None:
    message = ask(AUTHORITY, query("www.example.", "A", ecs(subnet)))
    assert [f"www.example. 30 IN A {vip}" for vip in expected] == lines(message.answer)
    assert ecs(subnet, scope=scope)[1] == option(message, ECS)
    assert [] == [*message.authority, *message.additional]
    assert message.flags & dns.flags.AA


@pytest.mark.parametrize(
    ("client", "vip"),
    [("20.0.0.1", "203.0.113.1"), ("21.0.0.1", "203.0.113.9"), ("::1", "203.0.113.9")],
)
def test_without_a_subnet_the_source_decides(client: str, vip: str) -> None:
    message = ask(AUTHORITY, encode_query("www.example."), client=parse_address(client))
    assert f"www.example. 30 IN A {vip}" == lines(message.answer)[0]
    assert -1 == message.edns


def test_the_first_vips_are_given_in_configured_order() -> None:
    message = ask(AUTHORITY, query("two.example.", "A", ecs(AU_SUBNET)))
    assert ["203.0.113.1", "203.0.113.2"] == [str(rdata) for rdata in message.answer[0]]


def test_a_chain_into_a_steered_name_is_steered() -> None:
    message = ask(AUTHORITY, query("alias.example.", "AAAA", ecs("20.0.0.0/8")))
    assert [
        "alias.example. 3600 IN CNAME www.example.",
        "www.example. 30 IN AAAA 2001:db8::1",
    ] == lines(message.answer)
    assert ecs("20.0.0.0/8", scope=8)[1] == option(message, ECS)


@pytest.mark.parametrize(
    ("name", "ttl"), [("www.example.", 30), ("slow.example.", 300), ("x.cdn.example.", 30)]
)
def test_a_site_without_the_family_is_nodata_for_no_longer_than_the_answer(
    name: str, ttl: int
) -> None:
    message = ask(AUTHORITY, query(name, "AAAA", ecs(NL_SUBNET)))
    assert ([], [ttl]) == (message.answer, [rrset.ttl for rrset in message.authority])
    assert dns.rcode.NOERROR == message.rcode()
    assert ecs(NL_SUBNET, scope=8)[1] == option(message, ECS)


def test_a_chain_to_a_site_without_the_family_keeps_its_alias() -> None:
    message = ask(AUTHORITY, query("alias.example.", "AAAA", ecs(NL_SUBNET)))
    assert ["alias.example. 3600 IN CNAME www.example."] == lines(message.answer)
    assert [30] == [rrset.ttl for rrset in message.authority]


def test_with_one_eligible_site_the_scope_is_zero() -> None:
    message = ask(AUTHORITY, query("api.example.", "A", ecs(NL_SUBNET)))
    assert ecs(NL_SUBNET)[1] == option(message, ECS)
    assert "api.example. 5 IN A 203.0.113.1" == lines(message.answer)[0]


@pytest.mark.parametrize(
    ("packet", "rcode"),
    [
        (query("www.example.net.", "A", ecs(AU_SUBNET)), "REFUSED"),
        (query("www.example.", "AXFR", ecs(AU_SUBNET)), "REFUSED"),
        (query("missing.example.", "A", ecs(AU_SUBNET)), "NXDOMAIN"),
        (query("x.sub.example.", "A", ecs(AU_SUBNET)), "NOERROR"),  # a referral
        (query("static.example.", "A", ecs(AU_SUBNET)), "NOERROR"),
        (query("static.example.", "TXT", ecs(AU_SUBNET)), "NOERROR"),  # NODATA
        (query("www.example.", "TXT", ecs(AU_SUBNET)), "NOERROR"),
        (query("www.example.", "ANY", ecs(AU_SUBNET)), "NOERROR"),
        (query("big.example.", "TXT", ecs(AU_SUBNET)), "NOERROR"),
        (encode_query("www.example.", "MAILA", opt=encode_opt(ecs(AU_SUBNET))), "NOTIMP"),
        (encode_query("id.server.", "TXT", qclass=3, opt=encode_opt(ecs(AU_SUBNET))), "NOERROR"),
        (encode_query("www.example.", qclass=4, opt=encode_opt(ecs(AU_SUBNET))), "REFUSED"),
        (header(0, (0, 0, 0, 1)) + encode_opt(ecs(AU_SUBNET)), "FORMERR"),
        (header(0, (0, 0, 0, 1)) + encode_opt((10, bytes(8)), ecs(AU_SUBNET)), "NOERROR"),
        (header(0x2000, (0, 0, 0, 1)) + encode_opt(ecs(AU_SUBNET)), "NOTIMP"),
        (
            encode_query("big.example.", "TXT", opt=encode_opt(ecs(AU_SUBNET), payload=512)),
            "NOERROR",  # cut
        ),
    ],
)
def test_a_well_formed_subnet_is_echoed_in_every_response_with_scope_zero_where_not_steered(
    packet: bytes, rcode: str
) -> None:
    message = ask(AUTHORITY, packet)
    assert rcode == dns.rcode.to_text(message.rcode())
    assert ecs(AU_SUBNET)[1] == option(message, ECS)


@pytest.mark.parametrize("value", ["0001 0000", "0002 0000", "0000 0000", "0001 0900 1480"])
def test_a_subnet_is_echoed_octet_for_octet(value: str) -> None:
    sent = bytes.fromhex(value)
    wire = reply_to(AUTHORITY, query("static.example.", "A", (ECS, sent))).wire
    # The OPT ends the message, and dnspython knows no family 0.
    assert struct.pack("!HHH", 4 + len(sent), ECS, len(sent)) + sent == wire[-6 - len(sent) :]


def test_no_opt_in_no_opt_out_and_no_option_in_no_option_out() -> None:
    assert -1 == ask(AUTHORITY, encode_query("www.example.")).edns
    message = ask(AUTHORITY, query("www.example."), tcp=True)
    assert (0, ()) == (message.edns, tuple(message.options))


@pytest.mark.parametrize("do", [True, False])
@pytest.mark.parametrize("version", [0, 1])
def test_do_is_echoed_with_our_own_size(version: int, *, do: bool) -> None:
    packet = encode_query("www.example.", opt=encode_opt(version=version, do=do, payload=700))
    message = ask(AUTHORITY, packet)
    expected = dns.flags.DO if do else 0
    assert (0, expected, 1232) == (message.edns, message.ednsflags & 0xFFFF, message.payload)
    assert ("BADVERS" if version else "NOERROR") == dns.rcode.to_text(message.rcode())


@pytest.mark.parametrize("option_value", [(ECS, b"\0\1\x18\0"), (COOKIE, bytes(9))])
def test_a_format_error_in_an_option_is_told_in_edns(option_value: tuple[int, bytes]) -> None:
    message = ask(AUTHORITY, query("www.example.", "A", option_value))
    assert ("FORMERR", 0, ()) == (
        dns.rcode.to_text(message.rcode()),
        message.edns,
        tuple(message.options),
    )
    assert ["www.example. IN A"] == lines(message.question)


def test_the_name_server_identifier_is_given_to_who_asks() -> None:
    assert b"ns1.au" == option(ask(AUTHORITY, query("x.", "A", (NSID, b""))), NSID)
    assert option(ask(AUTHORITY, query("x.", "A", (COOKIE, bytes(8)))), NSID) is None
    unnamed = build_authority(ZONE, steering=STEERING)
    assert option(ask(unnamed, query("x.", "A", (NSID, b""))), NSID) is None


def test_the_idle_timeout_is_told_over_tcp_to_who_asks() -> None:
    packet = query("static.example.", "A", (KEEPALIVE, b""))
    assert (100).to_bytes(2, "big") == option(ask(AUTHORITY, packet, tcp=True), KEEPALIVE)
    assert option(ask(AUTHORITY, packet), KEEPALIVE) is None
    reply = respond(AUTHORITY, packet, Sender(CLIENT, is_tcp=True, idle_timeout_s=1e6), NOW_S)
    assert reply
    assert b"\xff\xff" == option(dns.message.from_wire(reply.wire), KEEPALIVE)


def test_a_cookie_is_answered_with_a_valid_one_and_never_required() -> None:
    message = ask(AUTHORITY, query("static.example.", "A", (COOKIE, CLIENT_COOKIE)))
    cookie = option(message, COOKIE)
    assert cookie
    assert cookie == refresh_cookie(cookie, CLIENT, (SECRET,), NOW_S)
    assert cookie == option(ask(AUTHORITY, query("x.", "A", (COOKIE, cookie))), COOKIE)
    wrong = CLIENT_COOKIE + bytes(16)
    message = ask(AUTHORITY, query("static.example.", "A", (COOKIE, wrong)))
    assert (dns.rcode.NOERROR, cookie) == (message.rcode(), option(message, COOKIE))
    assert option(ask(AUTHORITY, query("x.", "A")), COOKIE) is None


def test_without_a_secret_there_are_no_cookies() -> None:
    packet = query("static.example.", "A", (COOKIE, CLIENT_COOKIE))
    assert option(ask(build_authority(ZONE), packet), COOKIE) is None


def test_a_cookie_is_given_without_a_question() -> None:
    packet = header(0, (0, 0, 0, 1)) + encode_opt((COOKIE, CLIENT_COOKIE))
    message = ask(AUTHORITY, packet)
    assert (dns.rcode.NOERROR, []) == (message.rcode(), message.question)
    cookie = option(message, COOKIE)
    assert cookie
    assert cookie == refresh_cookie(cookie, CLIENT, (SECRET,), NOW_S)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("version.bind.", '"sparrow 1"'),
        ("VERSION.Server.", '"sparrow 1"'),
        ("hostname.bind.", '"ns1.au"'),
        ("id.server.", '"ns1.au"'),
    ],
)
def test_who_asks_in_chaos_is_told_who_answers(name: str, expected: str) -> None:
    message = ask(AUTHORITY, encode_query(name, "TXT", qclass=3))
    assert [f"{name} 0 CH TXT {expected}"] == lines(message.answer)


@pytest.mark.parametrize("name", ["version.bind.", "hostname.bind.", "id.server."])
def test_what_is_not_configured_is_refused_in_chaos(name: str) -> None:
    message = ask(build_authority(ZONE), encode_query(name, "TXT", qclass=3))
    assert dns.rcode.REFUSED == message.rcode()
    assert rcode_of(encode_query(name, "A", qclass=3)) == "REFUSED"
    assert rcode_of(encode_query("www.example.", "A", qclass=3)) == "REFUSED"


@pytest.mark.parametrize("qclass", [0, 2, 4, 254, 255])
def test_other_classes_are_refused(qclass: int) -> None:
    assert "REFUSED" == rcode_of(encode_query("www.example.", qclass=qclass))


@pytest.mark.parametrize(
    ("packet", "rcode"),
    [
        # In the order of the checks: each packet fails its own and all that come later.
        (header(0x2800, (2, 0, 0, 1)) + b"\x40", "NOTIMP"),
        (header(0, (2, 0, 0, 0)) + b"\0\0\1\0\4", "FORMERR"),
        (encode_query("www.example.net.", qclass=4, opt=encode_opt(version=1)), "BADVERS"),
        (encode_query("www.example.net.", qclass=4), "REFUSED"),
        (encode_query("www.example.net.", "OPT"), "REFUSED"),
        (encode_query("www.example.", "OPT"), "FORMERR"),
    ],
)
def test_the_first_fault_is_told(packet: bytes, rcode: str) -> None:
    assert rcode == rcode_of(packet)


@pytest.mark.parametrize(
    "packet", [b"", header()[:11], header(0x8000) + encode_query("www.example.")[12:]]
)
def test_nothing_is_sent_back_to_a_response_or_a_scrap(packet: bytes) -> None:
    assert respond(AUTHORITY, packet, Sender(CLIENT), NOW_S) is None


@pytest.mark.parametrize("name", ["WwW.ExAmPlE.", "STATIC.example.", "MISSING.example.", "X.Net."])
def test_id_rd_and_the_question_s_case_are_given_back(name: str) -> None:
    reply = reply_to(AUTHORITY, encode_query(name, rd=True))
    assert encode_query(name)[12:] == reply.wire[12 : len(encode_query(name))]
    assert (0x1234).to_bytes(2, "big") == reply.wire[:2]
    flags = int.from_bytes(reply.wire[2:4], "big")
    assert 0x8100 == flags & 0x81F0  # QR and RD; neither RA, Z, AD nor CD


@pytest.mark.parametrize(
    ("payload", "tcp", "limit"),
    [(None, False, 512), (100, False, 512), (700, False, 700), (4096, False, 1232)],
)
def test_a_response_is_no_longer_than_the_client_and_we_take(
    payload: int | None, limit: int, *, tcp: bool
) -> None:
    opt = encode_opt((NSID, b""), payload=payload) if payload is not None else b""
    reply = reply_to(AUTHORITY, encode_query("big.example.", "TXT", opt=opt), tcp=tcp)
    message = dns.message.from_wire(reply.wire)
    assert len(reply.wire) <= limit
    assert (limit < 900) == bool(message.flags & dns.flags.TC)
    assert (0 if limit < 900 else 1) == len(message.answer)
    assert bool(opt) == (option(message, NSID) is not None)


def test_however_much_a_client_takes_we_send_what_every_path_carries() -> None:
    packet = encode_query("huge.example.", "TXT", opt=encode_opt(payload=65535))
    assert ask(AUTHORITY, packet).flags & dns.flags.TC
    assert not ask(AUTHORITY, packet, tcp=True).flags & dns.flags.TC


def test_over_tcp_the_limit_is_that_of_tcp() -> None:
    message = ask(AUTHORITY, encode_query("big.example.", "TXT"), tcp=True)
    assert not message.flags & dns.flags.TC
    assert 3 == len(message.answer[0])


def test_the_additional_section_holds_glue_and_never_steered_addresses() -> None:
    message = ask(AUTHORITY, query("x.sub.example.", "A"))
    assert ["ns.sub.example. 3600 IN A 192.0.2.2"] == lines(message.additional)
    assert not message.flags & dns.flags.AA
    assert [] == ask(AUTHORITY, query("example.", "NS")).additional


def test_the_reply_tells_what_led_to_it() -> None:
    reply = reply_to(AUTHORITY, query("www.example.", "A", ecs(AU_SUBNET)))
    assert reply.choice
    assert (0, 8, Rcode.NOERROR) == (reply.choice.site, reply.choice.scope, reply.rcode)
    assert reply_to(AUTHORITY, query("static.example.")).choice is None


SEEDS = [
    encode_query("www.example."),
    query("WWW.example.", "AAAA", ecs(AU_SUBNET), (NSID, b""), (COOKIE, CLIENT_COOKIE)),
    query("alias.example.", "A", ecs("2400:1::/48")),
    query("big.example.", "TXT", (COOKIE, CLIENT_COOKIE + bytes(16))),
    query("x.sub.example.", "ANY", ecs("0.0.0.0/0"), (KEEPALIVE, b"")),
    encode_query("version.bind.", "TXT", qclass=3, opt=encode_opt(version=1)),
    header(0, (0, 0, 0, 1)) + encode_opt((COOKIE, CLIENT_COOKIE)),
    header(0, (1, 1, 1, 1))
    + b"\3www\7example\0\0\1\0\1"
    + b"\xc0\x0c\0\6\0\1\0\0\0\0\0\0" * 2
    + encode_opt(),
]


FAMILY_0 = ClientSubnet(0, 0, b"")  # sound (see test_edns), and unknown to dnspython


def mutate(rng: Random, packet: bytes) -> bytes:
    """Change up to four things of a packet; one in twenty is noise."""
    if rng.random() < 0.05:
        return rng.randbytes(rng.randrange(80))
    octets = bytearray(packet)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(octets)) if octets else 0
        match rng.randrange(6):
            case 0 | 1:
                octets[at : at + 1] = rng.randbytes(1)
            case 2:
                octets[at : at + 1] = rng.choice(
                    (b"\xc0\x0c", b"\x40", b"\x80", b"\xff", b"\0", b"\0\x29")
                )
            case 3:
                del octets[at:]
            case 4:
                octets[at:at] = rng.randbytes(rng.randint(1, 5))
            case _:
                del octets[at : at + rng.randint(1, 4)]
    return bytes(octets)


def check(packet: bytes, reply: Reply, limit: int) -> None:
    """Hold a response to what holds for every response."""
    wire, question = reply.wire, reply.query.question
    assert len(wire) <= limit
    assert packet[:2] == wire[:2]
    assert (0x80 | packet[2] & 0x79) == wire[2] & 0xF9  # QR; opcode and RD as sent
    assert 0 == wire[3] & 0xF0  # RA, Z, AD, CD
    assert int(question is not None) == int.from_bytes(wire[4:6], "big")
    if question:
        # A question can hold no pointer: there is no name before it.
        end = 12 + sum(len(label) + 1 for label in question.labels) + 5
        assert packet[12:end] == wire[12:end]


def parse(wire: bytes) -> dns.message.Message:
    """Read a response of any opcode as if it answered a query."""
    return dns.message.from_wire(wire[:2] + bytes((wire[2] & 0x87,)) + wire[3:])


@pytest.mark.parametrize("seed", range(10))
def test_mutated_packets_get_a_sound_answer_or_none(seed: int) -> None:
    rng = Random(seed)
    seen: set[bytes] = set()
    for number in range(10_000):
        packet = mutate(rng, rng.choice(SEEDS))
        is_tcp = number % 4 == 0
        reply = respond(AUTHORITY, packet, Sender(CLIENT, is_tcp), NOW_S)
        assert (reply is None) == (len(packet) < 12 or packet[2] >= 0x80)
        if reply is None:
            continue
        edns = reply.query.edns
        check(packet, reply, 65535 if is_tcp else min(edns.payload, 1232) if edns else 512)
        if reply.wire[2:] not in seen and not (edns and edns.subnet == FAMILY_0):
            seen.add(reply.wire[2:])
            parse(reply.wire)
