"""What answers where the hot path does not: the full algorithm, over the plan's own zones.

Law: it needs nothing but the plan, and gives what `dns.respond` gives from the state that
the plan was compiled of, with the outcomes as they are now. Start from `build_authority`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.dns.respond import Identity
from sparrow.dns.rrset import RRType
from sparrow.dns.wire import COMPRESSED
from sparrow.plan.format import AnswersSection, PlanError
from sparrow.plan.lookup import classify, read_outcome
from sparrow.plan.outcomes import WHAT
from sparrow.plan.zones import decode_zones
from sparrow.policy.special import unwrap
from sparrow.policy.steering import Choice, scope_of_choice
from sparrow.values.address import FAMILIES
from sparrow.values.name import decode_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sparrow.dns.rrset import RRset
    from sparrow.dns.zone import ZoneSet
    from sparrow.plan.plan import Plan
    from sparrow.policy.steering import Client

_SOA_NUMBERS = 20
"""Octets of serial, refresh, retry, expire and minimum (RFC 1035 section 3.3.13)."""


@dataclass(frozen=True, slots=True)
class PlanSteering:
    """The choice of a site by a plan's maps and outcome words."""

    plan: Plan
    """The plan."""
    numbers: Mapping[tuple[str, int], int]
    """Number of the policy by service name and family."""
    on_unknown: Callable[[bytes], None] | None = None
    """Told the packed address of each client of whom nothing is known, the IPv4 address where
    it wraps one; None for nobody."""

    def choose(self, service: str, family: int, client: Client) -> Choice:
        """Give the site for `client`; `service` is one that the plan has."""
        number = self.numbers[service, family]
        policy, meta = self.plan.answers.policy(number), self.plan.answers.meta.policies[number]
        subnet = client.subnet
        is_told = subnet is not None and subnet.source_length > 0
        sent = subnet.address if subnet and is_told else None
        found = classify(self.plan, policy, client.source, sent)
        outcome = read_outcome(self.plan, policy, found.class_number)
        vips = self._vips(meta.first_part, outcome.site)
        if outcome.is_unknown and self.on_unknown:
            self.on_unknown(unwrap(found.decided_by)[0])
        return Choice(
            service=service,
            family=family,
            candidates=meta.classes[found.class_number],
            site=outcome.site if vips else None,
            vips=vips,
            scope=scope_of_choice(
                client, found.decided_by, found.scope, is_unknown=outcome.is_unknown
            ),
            decided_by=found.decided_by,
            is_special=found.is_special,
            ttl_cap_s=outcome.ttl_cap_s,
            is_cap_exact=outcome.is_cap_exact,
            is_failed=outcome.is_failed,
            is_unknown=outcome.is_unknown,
        )

    def gives_alike(
        self, service: str, family: int, order: tuple[int, ...], other: tuple[int, ...]
    ) -> bool:
        """Tell whether two classes of a service get the same at this moment, TTLs aside."""
        number = self.numbers[service, family]
        policy, classes = (
            self.plan.answers.policy(number),
            self.plan.answers.meta.policies[number].classes,
        )
        if order not in classes or other not in classes:
            return False
        first, second = (
            self.plan.words[policy.first_outcome + classes.index(each)] for each in (order, other)
        )
        return (first ^ second) & WHAT == 0

    def _vips(self, first_part: int, site: int | None) -> tuple[bytes, ...]:
        if site is None:
            return ()
        part = self.plan.answers.part(first_part + site)
        end = part.at + part.address_count * part.size
        rdata = self.plan.answers.rdata
        return tuple(bytes(rdata[at : at + part.size]) for at in range(part.at, end, part.size))


@dataclass(frozen=True, slots=True)
class PlanAuthority:
    """All that `dns.respond` needs, from a plan alone."""

    zones: ZoneSet
    """The zones served."""
    steering: PlanSteering | None
    """The choice of sites; None where the plan has no policies."""
    identity: Identity
    """What the server says of itself."""


def build_authority(
    plan: Plan,
    zones: ZoneSet | None = None,
    on_unknown: Callable[[bytes], None] | None = None,
) -> PlanAuthority:
    """Decode the zones of a plan. Raises `PlanError` where they cannot be answered from.

    `zones` are those of another plan with the same answers file, where they are known.
    `on_unknown` is told the address of each client of whom nothing is known.
    """
    answers = plan.answers
    meta = answers.meta
    numbers = {(each.service, each.family): at for at, each in enumerate(meta.policies)}
    if zones is None:
        zones = decode_zones(bytes(answers.file.view(AnswersSection.ZONES)), meta.service_names)
        _check_zones(zones, numbers)
    return PlanAuthority(
        zones=zones,
        steering=PlanSteering(plan, numbers, on_unknown) if numbers else None,
        identity=Identity(answers.nsid, meta.version, answers.secrets),
    )


def _check_zones(zones: ZoneSet, numbers: Mapping[tuple[str, int], int]) -> None:
    """Check what the answer algorithm takes for granted of a zone that was built."""
    for zone in zones.zones.values():
        for node in zone.nodes.values():
            steer = node.steer
            if steer and numbers and not all((steer.service, each) in numbers for each in FAMILIES):
                raise PlanError("a name is steered by a service that has no policy")
            for rrset in node.rrsets.values():
                _check_rrset(rrset)


def _check_rrset(rrset: RRset) -> None:
    if not rrset.rdatas:
        raise PlanError("a set of records is empty")
    head = 0 if rrset.rtype == RRType.DNAME else COMPRESSED.get(rrset.rtype)
    if head is None:
        return
    try:
        for rdata in rrset.rdatas:
            _check_names(rdata, rrset.rtype, head)
    except ValueError as error:
        raise PlanError(f"a record of the plan has {error}") from None


def _check_names(rdata: bytes, rtype: int, head: int) -> None:
    """Check the names in an rdata. Raises `ValueError`."""
    _, end = decode_name(rdata, head)
    if rtype == RRType.SOA:
        _, end = decode_name(rdata, end)
        end += _SOA_NUMBERS
    if end != len(rdata):
        raise ValueError("something behind its last name")
