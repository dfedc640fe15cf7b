"""From a packet to the packet that answers it.

Law: a response is a function of the packet, who sent it, the time (for cookies
alone) and one `Authority`; a packet never raises. Start from `respond`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from sparrow.dns.answer import REFUSED, SERVFAIL, Answer, Slot, find_answer
from sparrow.dns.cookie import refresh_cookie
from sparrow.dns.edns import MIN_PAYLOAD, OUR_PAYLOAD, Edns, OptionCode
from sparrow.dns.query import Query, Question, decode_query
from sparrow.dns.rrset import ADDRESS_TYPES, CLASS_CH, CLASS_IN, Rcode, RRset, RRType
from sparrow.dns.sizes import TCP_LIMIT as TCP_LIMIT
from sparrow.dns.wire import Message, Opt, encode_message
from sparrow.policy.outcome import lower_ttl
from sparrow.policy.steering import Client, Subnet

if TYPE_CHECKING:
    from typing import TypeAlias

    from sparrow.dns.zone import ZoneSet
    from sparrow.policy.steering import Choice, Steering
    from sparrow.values.name import Name

    Order: TypeAlias = tuple[int, ...]

_QR, _AA, _RD = 0x8000, 0x0400, 0x0100
_OPCODE_SHIFT = 11


@dataclass(frozen=True, slots=True)
class Identity:
    """What the server says of itself when asked."""

    nsid: bytes | None = None
    """Name server identifier (RFC 5001), also `id.server` and `hostname.bind` in CHAOS."""
    version: bytes | None = None
    """Text of `version.bind` in CHAOS; None refuses the question."""
    cookie_secrets: tuple[bytes, ...] = ()
    """16 octets each, the one in use first; empty for no cookies."""


class Chooser(Protocol):
    """Chooses the site of a client: `policy.steering.Steering`, or that of a plan."""

    def choose(self, service: str, family: int, client: Client) -> Choice:
        """Give the site for `client`; `service` is a configured one."""

    def gives_alike(self, service: str, family: int, order: Order, other: Order) -> bool:
        """Tell whether two classes of a service get the same at this moment, TTLs aside."""


class Ground(Protocol):
    """What `respond` answers from: an `Authority`, or that of a plan."""

    @property
    def zones(self) -> ZoneSet:
        """The zones served."""

    @property
    def steering(self) -> Chooser | None:
        """The choice of sites; None where no name is steered."""

    @property
    def identity(self) -> Identity:
        """What the server says of itself."""


@dataclass(frozen=True, slots=True)
class Authority:
    """All that answers depend on. Built aside and swapped as one; readers take one reference."""

    zones: ZoneSet
    """The zones served."""
    steering: Steering | None
    """The choice of sites; None where no name is steered."""
    identity: Identity = Identity()
    """What the server says of itself."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Where a query came from."""

    address: bytes
    """Packed source address."""
    is_tcp: bool = False
    """Whether it came over TCP: no limit of 1232 octets, and the address is proven."""
    idle_timeout_s: float = 0.0
    """Seconds that an idle TCP connection is kept, told to clients that ask (RFC 7828)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response, and what led to it."""

    wire: bytes
    """The packet to send."""
    query: Query
    """The query as decoded."""
    answer: Answer
    """What the response says, the slot filled."""
    choice: Choice | None
    """How the site was chosen; None where the answer depends on no client."""

    @property
    def rcode(self) -> Rcode:
        """Response code."""
        return self.answer.rcode


def respond(authority: Ground, packet: bytes, sender: Sender, now_s: int) -> Reply | None:
    """Answer a packet; None where nothing may be sent back.

    `now_s` is Unix time in seconds.
    """
    query = decode_query(packet)
    if query is None:
        return None
    answer = _answer_query(authority, query)
    choice = None
    if answer.slot and authority.steering:
        choice = _choose(authority.steering, answer.slot, query, sender)
        answer = fill_chosen(answer, answer.slot, choice)
    message = _build_message(query, answer)
    if query.edns:
        scope = choice.scope if choice else 0
        options = _build_options(authority.identity, query.edns, sender, scope, now_s)
        opt = Opt(OUR_PAYLOAD, query.edns.is_dnssec_ok, answer.rcode >> 4, options)
        message = replace(message, opt=opt)
    return Reply(encode_message(message, _size_limit(query, sender)), query, answer, choice)


def _answer_query(authority: Ground, query: Query) -> Answer:
    """Answer a decoded query: its fault, its class, then its name."""
    if query.fault is not None:
        return Answer(query.fault, is_authoritative=False)
    if query.question is None:
        return Answer(Rcode.NOERROR, is_authoritative=False)  # a server cookie is all it wants
    if query.question.qclass == CLASS_IN:
        return find_answer(authority.zones, query.question.name, query.question.qtype)
    if query.question.qclass == CLASS_CH:
        return _answer_chaos(authority.identity, query.question)
    return REFUSED


def _answer_chaos(identity: Identity, question: Question) -> Answer:
    """Answer the four names by which servers are asked who they are (RFC 4892)."""
    texts: dict[Name, bytes | None] = {
        (b"version", b"bind"): identity.version,
        (b"version", b"server"): identity.version,
        (b"hostname", b"bind"): identity.nsid,
        (b"id", b"server"): identity.nsid,
    }
    text = texts.get(question.name)
    if text is None or question.qtype not in (RRType.TXT, RRType.ANY):
        return REFUSED
    rdata = bytes((len(text[:255]),)) + text[:255]
    return Answer(Rcode.NOERROR, answer=(RRset(question.name, RRType.TXT, 0, (rdata,)),))


def _choose(steering: Chooser, slot: Slot, query: Query, sender: Sender) -> Choice:
    sent = query.edns.subnet if query.edns else None
    subnet = Subnet(sent.address, sent.source_length) if sent else None
    client = Client(sender.address, subnet)
    return steering.choose(slot.steer.service, ADDRESS_TYPES[RRType(slot.rtype)], client)


def fill_chosen(answer: Answer, slot: Slot, choice: Choice) -> Answer:
    """Give the answer with the addresses of the chosen site and their TTL, or SERVFAIL."""
    if choice.is_failed:
        return SERVFAIL
    filled = fill_slot(answer, slot, choice.vips)
    if choice.vips and choice.ttl_cap_s is not None:
        addresses = filled.answer[-1]
        ttl = lower_ttl(
            addresses.ttl, slot.steer.ttl_min, choice.ttl_cap_s, is_exact=choice.is_cap_exact
        )
        capped = replace(addresses, ttl=ttl)
        return replace(filled, answer=(*filled.answer[:-1], capped))
    return filled


def fill_slot(answer: Answer, slot: Slot, vips: tuple[bytes, ...]) -> Answer:
    """Give the answer with the addresses of a site, or with NODATA where it has none.

    The SOA of that NODATA lives no longer than the addresses would: the next
    site may have what this one lacks.
    """
    if not vips:
        soa = replace(slot.soa, ttl=min(slot.soa.ttl, slot.steer.ttl))
        return replace(answer, authority=(soa,))
    rdatas = vips[: slot.steer.result_count]
    rrset = RRset(slot.owner, slot.rtype, slot.steer.ttl, rdatas)
    return replace(answer, answer=(*answer.answer, rrset))


def _build_message(query: Query, answer: Answer) -> Message:
    question = query.question
    bitmap = (
        _QR
        | query.opcode << _OPCODE_SHIFT
        | (_AA if answer.is_authoritative else 0)
        | (_RD if query.is_recursion_desired else 0)
        | answer.rcode & 0xF
    )
    return Message(
        query_id=query.query_id,
        bitmap=bitmap,
        question=(question.labels, question.qtype, question.qclass) if question else None,
        answer=answer.answer,
        authority=answer.authority,
        glue=answer.glue,
        additional=answer.additional,
        rclass=CLASS_CH if question and question.qclass == CLASS_CH else CLASS_IN,
    )


def _build_options(
    identity: Identity, edns: Edns, sender: Sender, scope: int, now_s: int
) -> tuple[tuple[int, bytes], ...]:
    """Give the EDNS options of a response: those that the query has and we know, no others."""
    options: list[tuple[int, bytes]] = []
    if edns.wants_nsid and identity.nsid is not None:
        options.append((OptionCode.NSID, identity.nsid))
    if edns.subnet:
        options.append((OptionCode.CLIENT_SUBNET, edns.subnet.encode(scope)))
    if edns.cookie and identity.cookie_secrets:
        cookie = refresh_cookie(edns.cookie, sender.address, identity.cookie_secrets, now_s)
        options.append((OptionCode.COOKIE, cookie))
    if edns.wants_keepalive and sender.is_tcp:
        tenths = min(int(sender.idle_timeout_s * 10), 0xFFFF)
        options.append((OptionCode.TCP_KEEPALIVE, tenths.to_bytes(2, "big")))
    return tuple(options)


def _size_limit(query: Query, sender: Sender) -> int:
    if sender.is_tcp:
        return TCP_LIMIT
    return min(query.edns.payload, OUR_PAYLOAD) if query.edns else MIN_PAYLOAD
