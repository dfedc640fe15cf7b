"""What is at a name, as records of the remote backend.

Law: nothing is synthesized: wildcards, aliases, referrals and negative answers are made
by PowerDNS of what is at each name. Addresses of a steered name are those that a DNS
answer has for the same client. Start from `list_records`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparrow.dns.answer import Answer, Slot, negative_soa
from sparrow.dns.rdatatext import name_rtype, render_rdata
from sparrow.dns.respond import fill_chosen
from sparrow.dns.rrset import ADDRESS_TYPES, Rcode
from sparrow.policy.steering import Client, Subnet
from sparrow.values.address import parse_address, parse_network, truncate
from sparrow.values.name import render_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sparrow.dns.respond import Chooser
    from sparrow.dns.rrset import RRset
    from sparrow.dns.zone import Node, Zone

ANY = "ANY"
"""The type that PowerDNS asks for most: everything at a name."""
_NOTHING = {"qtype": "", "content": "", "ttl": 0}
"""A record that says that a name exists although nothing is there (an empty non-terminal)."""


class FailedError(Exception):
    """No answer may be given but SERVFAIL."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A name and a type that are asked for."""

    zone: Zone
    """The zone that the name lies in."""
    node: Node
    """The name in it."""
    qtype: str
    """Mnemonic of the type, or `ANY`."""
    client: Client
    """Who asks PowerDNS."""


def read_client(parameters: Mapping[str, Any]) -> Client:
    """Read who asks PowerDNS. Raises `InputError`.

    `remote` is the address that a query came from. `real-remote` is the client subnet, or
    where the query has none the same address once more:

    real-remote                  looked up
    none, or all of `remote`     the address, as a subnet of its own: PowerDNS does not keep
                                 an answer that has a scope for others
    of length 0                  the address alone, as the subnet asks not to be used
    anything else                the subnet
    """
    # An interface may follow an IPv6 address.
    source = parse_address(str(parameters.get("remote", "0.0.0.0")).partition("%")[0])  # noqa: S104
    told = parameters.get("real-remote")
    if told is None:
        return Client(source, Subnet(source, len(source) * 8))
    address, length = parse_network(str(told))
    return Client(source, Subnet(truncate(address, length), length))


def list_records(
    wanted: Wanted, steering: Chooser | None, domain_id: int
) -> Sequence[dict[str, Any]]:
    """Give the records of a name. Raises `FailedError` where the client gets SERVFAIL.

    Where everything is asked for and there is nothing, it is the record that says that
    the name exists.
    """
    head = {"qname": render_name(wanted.node.name), "domain_id": domain_id, "auth": 1}
    found = [{**head, **row} for row in (*_static_rows(wanted), *_steered_rows(wanted, steering))]
    if not found and wanted.qtype == ANY:
        return [{**head, **_NOTHING}]
    return found


def _static_rows(wanted: Wanted) -> Iterator[dict[str, Any]]:
    for rtype, rrset in sorted(wanted.node.rrsets.items()):
        is_steered = wanted.node.steer is not None and rtype in ADDRESS_TYPES
        if not is_steered and wanted.qtype in (ANY, name_rtype(rtype)):
            yield from _render(rrset, 0)


def _steered_rows(wanted: Wanted, steering: Chooser | None) -> Sequence[dict[str, Any]]:
    """Give the addresses that a steered name has for the client.

    PowerDNS asks for everything at once, so that a family that fails does not take along
    one that has addresses: only where there are none the answer fails.
    """
    steer = wanted.node.steer
    families = [rtype for rtype in ADDRESS_TYPES if wanted.qtype in (ANY, rtype.name)]
    if steer is None or steering is None or not families:
        return []
    rows: list[dict[str, Any]] = []
    has_failed = False
    for rtype in families:
        choice = steering.choose(steer.service, ADDRESS_TYPES[rtype], wanted.client)
        slot = Slot(wanted.node.name, rtype, steer, negative_soa(wanted.zone))
        answer = fill_chosen(Answer(Rcode.NOERROR), slot, choice)
        has_failed = has_failed or answer.rcode == Rcode.SERVFAIL
        for rrset in answer.answer:
            rows += _render(rrset, choice.scope)
    if has_failed and not rows:
        raise FailedError
    return rows


def _render(rrset: RRset, scope: int) -> Iterator[dict[str, Any]]:
    for rdata in rrset.rdatas:
        yield {
            "qtype": name_rtype(rrset.rtype),
            "content": render_rdata(rrset.rtype, rdata),
            "ttl": rrset.ttl,
            "scopeMask": scope,
        }
