"""Why a client gets the answer it gets, from its address to the records.

Law: the answer explained is the answer given: a real query is encoded and
handed to the code that serves. Start from `explain`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sparrow.control.evidence import find_leaning
from sparrow.control.weighing import Candidate, weigh_sites
from sparrow.dns.edns import OUR_PAYLOAD, OptionCode, subnet_octets
from sparrow.dns.present import render_rrset
from sparrow.dns.respond import Sender, respond
from sparrow.dns.rrset import CLASS_IN, render_rtype
from sparrow.dns.wire import Message, Opt, encode_message
from sparrow.policy.outcome import Reason
from sparrow.policy.special import unwrap
from sparrow.policy.steering import find_class
from sparrow.values.address import Prefix, family_of, render_address, truncate
from sparrow.values.moment import render_moment
from sparrow.values.name import Name, render_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.control.evidence import Leaning
    from sparrow.control.lookup import RouteFinder
    from sparrow.dns.respond import Authority, Chooser, Ground, Reply
    from sparrow.policy.damping import Wish
    from sparrow.policy.intervals import Intervals
    from sparrow.policy.steering import Choice, Steering
    from sparrow.rib.route import Route
    from sparrow.view import View


@dataclass(frozen=True, slots=True)
class Case:
    """The query to explain."""

    name: Name
    """Name asked."""
    qtype: int
    """Type asked."""
    source: bytes
    """Packed address that the query comes from."""
    subnet: Prefix | None = None
    """Client subnet that the query carries; None for none."""


@dataclass(frozen=True, slots=True)
class Served:
    """What the workers answer from."""

    generation: int
    """Number of the plan's generation."""
    ground: Ground
    """The plan, as the full algorithm reads it."""


@dataclass(frozen=True, slots=True)
class Steered:
    """The part of an explanation that depends on the client."""

    choice: Choice
    """What the serving code chose."""
    match: tuple[Prefix, Route] | None
    """Longest matching prefix of the address that decided, and its route."""
    leaning: Leaning
    """What the client prefers, as the tables and the rules say."""
    candidates: tuple[Candidate, ...]
    """Every site in the order in which it counts for this client."""
    block: tuple[bytes, bytes] | None
    """First and last address of the interval of equal answers; None without a map."""
    expected: tuple[int, ...]
    """Site numbers of the class that follows from that, in order."""
    reason: Reason
    """Which rule decided, as the sites are known to stand."""
    agrees: bool
    """Whether the class that was served is that one, or one that stands for it as it gets the
    same while sites are down, or one that hysteresis holds."""
    wish: Wish | None
    """What hysteresis holds; None where it holds nothing."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything between a query and its answer."""

    case: Case
    """The query."""
    reply: Reply
    """The response that the serving code gave."""
    zone: Name | None
    """Origin of the zone that answers; None outside all zones."""
    steered: Steered | None
    """How the client's site was found; None where the answer depends on no client."""
    site_names: tuple[str, ...]
    """Names by site number."""
    generation: int | None
    """Generation of the plan that answered; None where the files were read for it."""


def explain(
    authority: Authority,
    rib: RouteFinder,
    case: Case,
    served: Served | None = None,
    view: View | None = None,
) -> Explanation:
    """Answer the case with the serving code, and gather what led to it.

    The answer is that of the published plan, `served`, where there is one; the rest
    is looked up in what is known: `authority`, the RIB, and `view`, which is needed where
    sites are ranked or hysteresis holds something.
    """
    ground = served.ground if served else authority
    reply = respond(ground, encode_case(case), Sender(case.source), now_s=0)
    if reply is None:
        raise AssertionError("a query that was made here is always answered")
    zone = authority.zones.find(case.name)
    steering = authority.steering
    names = steering.site_names if steering else ()
    steered = None
    if steering and reply.choice:
        steered = _explain_choice(
            _Grounds(steering, rib, view), reply.choice, ground.steering or steering
        )
    return Explanation(
        case=case,
        reply=reply,
        zone=zone.origin if zone else None,
        steered=steered,
        site_names=names,
        generation=served.generation if served else None,
    )


def encode_case(case: Case) -> bytes:
    """Give the query packet of a case."""
    subnet = case.subnet and subnet_octets(case.subnet.network, case.subnet.length)
    options = ((OptionCode.CLIENT_SUBNET, subnet.encode(0)),) if subnet else ()
    opt = Opt(OUR_PAYLOAD, is_dnssec_ok=False, extended_rcode=0, options=options)
    question = (case.name, case.qtype, CLASS_IN)
    return encode_message(Message(0, 0, question, opt=opt), OUR_PAYLOAD)


class _Grounds(NamedTuple):
    """What an explanation is found in."""

    steering: Steering
    rib: RouteFinder
    view: View | None


def _explain_choice(grounds: _Grounds, choice: Choice, chooser: Chooser) -> Steered:
    steering, service = grounds.steering, grounds.steering.services[choice.service]
    inner, _ = unwrap(choice.decided_by)
    match = grounds.rib.find(inner)
    tables = grounds.view.tables if grounds.view else None
    leaning = find_leaning(steering, service, inner, match[1] if match else None, tables)
    order = leaning.preference.sites
    expected = find_class(steering.site_set, service, choice.family, order)
    client = family_of(inner), int.from_bytes(inner, "big")
    wish = grounds.view.held.find(service.name, choice.family, client) if grounds.view else None
    meant = _list_kept(steering, wish) if wish else expected
    return Steered(
        choice=choice,
        expected=expected,
        reason=steering.find_outcome(choice.service, choice.family, choice.candidates).reason,
        wish=wish,
        agrees=meant == choice.candidates
        or chooser.gives_alike(choice.service, choice.family, meant, choice.candidates),
        match=match,
        leaning=leaning,
        candidates=tuple(weigh_sites(steering, choice, leaning)),
        block=_find_block(steering, choice),
    )


def _list_kept(steering: Steering, wish: Wish) -> tuple[int, ...]:
    """Give the sites of the class that a held client keeps; they are all configured."""
    numbers = {site.name: number for number, site in enumerate(steering.site_set.sites)}
    return tuple(numbers[name] for name in wish.order)


def _find_block(steering: Steering, choice: Choice) -> tuple[bytes, bytes] | None:
    """Give the edges of the interval that the deciding address lies in."""
    address_map = steering.policies[choice.service, choice.family].address_map
    if address_map is None:
        return None
    inner, _ = unwrap(choice.decided_by)
    intervals: Intervals = address_map.of_family(family_of(inner))
    start, end = intervals.edges(int.from_bytes(inner, "big"))
    return start.to_bytes(len(inner), "big"), (end - 1).to_bytes(len(inner), "big")


def render_explanation(explanation: Explanation) -> list[str]:
    """Give the explanation as lines `topic: what`, for people."""
    return [f"{topic + ':':<12}{text}" for topic, text in _describe(explanation)]


def _describe(explanation: Explanation) -> Iterator[tuple[str, str]]:
    case, reply = explanation.case, explanation.reply
    asked = f"{render_name(case.name)} {render_rtype(case.qtype)}"
    subnet = f", client subnet {case.subnet}" if case.subnet else ", no client subnet"
    yield "query", f"{asked} from {render_address(case.source)}{subnet}"
    if explanation.generation is not None:
        yield "plan", f"generation {explanation.generation}, which the workers serve"
    if explanation.zone is None:
        yield "zone", "none: the name lies outside every zone that is served here"
    else:
        yield "zone", render_name(explanation.zone)
    if explanation.steered:
        yield from _describe_choice(explanation, explanation.steered)
    else:
        yield "steering", "none: the answer is the same for every client"
    yield "rcode", reply.rcode.name
    for rrset in reply.answer.answer:
        for line in render_rrset(rrset):
            yield "answer", line
    for rrset in reply.answer.authority:
        for line in render_rrset(rrset):
            yield "authority", line


def _describe_choice(explanation: Explanation, steered: Steered) -> Iterator[tuple[str, str]]:
    choice = steered.choice
    yield "service", choice.service
    yield "client", _describe_client(explanation.case, choice)
    yield "route", _describe_route(steered)
    for each in steered.leaning.evidence:
        yield "known", each.render()
    home = explanation.site_names[steered.leaning.home]
    because = steered.leaning.render_ground()
    is_expected = steered.agrees and steered.wish is None
    order = steered.expected if is_expected else choice.candidates
    yield "class", f"{home} ({because}); order: {_name_order(explanation, order)}"
    if steered.wish:
        since = render_moment(steered.wish.since_s)
        yield "held", f"by hysteresis: the client would have {steered.wish.target} since {since}"
    if not steered.agrees:
        expected = _name_order(explanation, steered.expected)
        yield "ALARM", f"the route leads to another order than is served: {expected}"
        yield "ALARM", "the plan does not agree with the tables: `sparrow reload` makes a new one"
    if steered.reason is not Reason.SERVING:
        yield "outcome", steered.reason.value
    for candidate in steered.candidates:
        yield "site", f"{candidate.site}: {'taken, ' * candidate.is_taken}{candidate.why}"
    yield "scope", describe_scope(explanation.case, steered)
    for rrset in explanation.reply.answer.answer[-1:]:
        yield "ttl", f"{rrset.ttl} s"


def _describe_route(steered: Steered) -> str:
    if steered.choice.is_unknown:
        return "not known yet: the route server is asked when such a client comes"
    if steered.match is None:
        return "none covers the address"
    prefix, route = steered.match
    # AS 0 is in no path (RFC 7607); it stands where a route server was asked in vain.
    is_none = route.path == (0,)
    return f"{prefix}, {'for which the route server has none' if is_none else f'AS path {route}'}"


def _name_order(explanation: Explanation, sites: tuple[int, ...]) -> str:
    return " ".join(explanation.site_names[site] for site in sites) or "none has such an address"


def _describe_client(case: Case, choice: Choice) -> str:
    address = render_address(choice.decided_by)
    inner, offset = unwrap(choice.decided_by)
    wrapped = f", which wraps {render_address(inner)}" if offset else ""
    if choice.is_special:
        return f"{address}{wrapped}, the resolver: the client subnet is special-purpose"
    if case.subnet and case.subnet.length:
        return f"{address}{wrapped}, from the client subnet"
    if case.subnet:
        return f"{address}{wrapped}, the resolver: the client asks that its subnet is not used"
    return f"{address}{wrapped}, the resolver"


def describe_scope(case: Case, steered: Steered) -> str:
    """Say how long the scope is, and why."""
    scope = steered.choice.scope
    if case.subnet is None:
        return "none: the query has no client subnet"
    if case.subnet.length == 0:
        return "/0: no client subnet was used"
    if steered.block is None:
        return "/0: every client gets the same answer"
    block = Prefix(truncate(case.subnet.network, scope), scope)
    if steered.choice.is_special:
        return f"/{scope}: {block} is special-purpose, the resolver's own address decides there"
    return f"/{scope}: {block} {_describe_block(block, steered, steered.block)}"


def _describe_block(block: Prefix, steered: Steered, edges: tuple[bytes, bytes]) -> str:
    if steered.choice.is_unknown:
        return "is what one question is about"
    if not _is_within(block, edges):
        return "is answered alike while sites stand as they do"
    first, last = map(render_address, edges)
    return f"is the largest block inside {first} - {last}, answered alike"


def _is_within(block: Prefix, edges: tuple[bytes, bytes]) -> bool:
    """Tell whether a block, of wrapped addresses perhaps, lies between two addresses."""
    inner, offset = unwrap(block.network)
    if len(inner) != len(edges[0]) or block.length < offset:
        return False
    spare = len(inner) * 8 - (block.length - offset)
    first = int.from_bytes(inner, "big") >> spare << spare
    last = int.from_bytes(edges[1], "big")
    return int.from_bytes(edges[0], "big") <= first <= first + (1 << spare) - 1 <= last


def explanation_facts(explanation: Explanation) -> dict[str, Any]:
    """Give the object that `docs/control.md` describes."""
    case, reply, steered = explanation.case, explanation.reply, explanation.steered
    records = [*reply.answer.answer, *reply.answer.authority]
    facts: dict[str, Any] = {
        "name": render_name(case.name),
        "type": render_rtype(case.qtype),
        "rcode": reply.rcode.name,
        "generation": explanation.generation,
        "zone": render_name(explanation.zone) if explanation.zone is not None else None,
        "answer": [line for rrset in records for line in render_rrset(rrset)],
        "ttl": reply.answer.answer[-1].ttl if reply.answer.answer else None,
    }
    nothing: dict[str, Any] = dict.fromkeys(_CHOICE_FACTS) | {"candidates": [], "known": []}
    return facts | (_choice_facts(explanation, steered) if steered else nothing)


_CHOICE_FACTS = (
    *("service", "decided_by", "prefix", "route", "home", "ground", "override", "held", "known"),
    *("candidates", "site", "scope", "block", "agrees", "reason", "unknown"),
)
"""Facts of a steered answer; null where no client was looked at."""


def _choice_facts(explanation: Explanation, steered: Steered) -> dict[str, Any]:
    choice = steered.choice
    names = explanation.site_names
    return {
        "service": choice.service,
        "decided_by": render_address(choice.decided_by),
        "prefix": str(steered.match[0]) if steered.match else None,
        "route": str(steered.match[1]) if steered.match else None,
        "home": names[steered.leaning.home],
        "ground": steered.leaning.preference.ground.name.lower(),
        "override": steered.leaning.override,
        "held": steered.wish.target if steered.wish else None,
        "known": [each.facts() for each in steered.leaning.evidence],
        "candidates": [
            {"site": each.site, "taken": each.is_taken, "why": each.why}
            for each in steered.candidates
        ],
        "site": names[choice.site] if choice.site is not None else None,
        "scope": choice.scope,
        "block": [render_address(edge) for edge in steered.block] if steered.block else None,
        "agrees": steered.agrees,
        "reason": steered.reason.name.lower(),
        "unknown": steered.choice.is_unknown,
    }
