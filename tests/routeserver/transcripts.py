"""What route servers were seen to say, octet by octet, and how to hold a dialogue with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.routeserver.dialogue import Dialogue, Ready
from sparrow.values.address import parse_address

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from sparrow.routeserver.dialect import Dialect
    from sparrow.routeserver.dialogue import Event

WORD = "secret"
"""The password."""

TELNET = b"\xff\xfb\x01\xff\xfb\x03\xff\xfe\x22\xff\xfd\x1f"

ZEBRA_GREETING = (
    b"\r\nHello, this is zebra (version 0.93).\r\n"
    b"Copyright 1996-2002 Kunihiro Ishiguro.\r\n\r\n"
    b"\r\nUser Access Verification\r\n\r\n" + TELNET + b"Password: "
)
ZEBRA_ANSWER = (
    b"show ip bgp 192.168.193.15\r\n"
    b"BGP routing table entry for 192.168.193.0/24\r\n"
    b"Paths: (2 available, best #2, table Default-IP-Routing-Table)\r\n"
    b"  Advertised to non peer-group peers:\r\n"
    b"  192.168.193.14 192.168.192.12\r\n"
    b"  64600 64601 64602\r\n"
    b"    192.168.192.12 from 192.168.192.12 (192.168.192.12)\r\n"
    b"      Origin IGP, metric 1, localpref 100, valid, external\r\n"
    b"      Last update: Fri Oct  6 15:47:28 2000\n\r\n"
    b"\r\n"
    b"  64702\r\n"
    b"    192.168.193.11 from 192.168.193.11 (192.168.193.11)\r\n"
    b"      Origin IGP, localpref 100, valid, external, best\r\n"
    b"      Last update: Fri Oct  6 15:47:29 2000\n\r\n"
    b"\r\n"
    b"jasmine> "
)
ZEBRA = (
    ZEBRA_GREETING,
    b"\r\njasmine> ",
    b"terminal length 0\r\njasmine> ",
    ZEBRA_ANSWER,
)
"""GNU Zebra 0.93, by its source; the routes and the host are those of Super Sparrow's paper."""

GATED = (
    b"\xff\xfb\x01Password? ",
    b"\r\n\xff\xfc\x01100 Gated Interactive Interface. Version gated-public-3_6\nGateD-ns1> ",
    (
        b"100 BGP   192.168.193.0/24 192.168.193.14  (64702) 64602 IGP (Id 5)\n"
        b"100 Sta         0.0.0.0/0  192.231.253.2   IGP (Id 1)\nGateD-ns1> "
    ),
)
"""GateD public 3.6: its greeting as it was logged, its rows by its source."""

CISCO = (
    (
        b"\xff\xfb\x01\xff\xfb\x03\xff\xfd\x18\xff\xfd\x1f\r\n"
        b"*** Access to rtr#\r\n*** is for <noc@example.net> alone >\r\n"
        b"\r\nUser Access Verification\r\n\r\nPassword: "
    ),
    b"\r\nrtr>",
    b"terminal length 0\r\nrtr>",
    b"terminal width 0\r\nrtr>",
    (
        b"show ip bgp 192.168.193.15\r\n"
        b"BGP routing table entry for 192.168.193.0/24, version 224184946\r\n"
        b"BGP Bestpath: deterministic-med\r\n"
        b"Paths: (3 available, best #2, table default)\r\n"
        b"  Advertised to update-groups:\r\n"
        b"     1          40\r\n"
        b"  Refresh Epoch 1\r\n"
        b"  64600 64601, (aggregated by 64601 172.68.129.1), (received & used)\r\n"
        b"    192.0.2.1 (metric 51) from 192.0.2.1 (192.0.2.1)\r\n"
        b"      Origin IGP, metric 0, localpref 250, valid, internal\r\n"
        b"      Community: 65000:1 65000:2\r\n"
        b"      rx pathid: 0, tx pathid: 0\r\n"
        b"  Refresh Epoch 3\r\n"
        b"  64702\r\n"
        b"    192.0.2.2 from 192.0.2.2 (192.0.2.2)\r\n"
        b"      Origin IGP, metric 0, localpref 250, valid, external, best\r\n"
        b"      rx pathid: 0, tx pathid: 0x0\r\n"
        b"  Refresh Epoch 1\r\n"
        b"  Local\r\n"
        b"    0.0.0.0 from 0.0.0.0 (192.0.2.9)\r\n"
        b"      Origin IGP, metric 0, localpref 100, weight 32768, valid, sourced, local\r\n"
        b"rtr>"
    ),
)
"""Cisco IOS 15, put together from answers that were published."""

SSRS = (
    b"\r\nHello, this is sparrow (version 0.1.0).\r\n\r\n"
    b"\r\nUser Access Verification\r\n\r\n" + TELNET + b"Password: ",
    b"\r\nns1> ",
    b"192.168.193.15\r\n192.168.193.0/24 64702\r\nns1> ",
)
"""sparrow's route port, as `docs/route-port.md` has it."""


def log_in(dialogue: Dialogue, turns: Iterable[bytes]) -> list[bytes]:
    """Let the server say its turns up to the first question; give what it was told."""
    told = []
    for turn in turns:
        event = dialogue.receive(turn)
        told.append(dialogue.send())
    assert isinstance(event, Ready)
    return told


def ask(dialogue: Dialogue, address: str, *pieces: bytes) -> Event | None:
    """Ask, let the server answer in pieces, and give what came of it."""
    dialogue.ask(parse_address(address))
    assert dialogue.send().endswith(b"\n")
    found = [event for event in map(dialogue.receive, pieces) if event is not None]
    assert len(found) <= 1
    return found[0] if found else None


def replay(
    dialect: Dialect, turns: tuple[bytes, ...], choice: random.Random | None = None
) -> Event | None:
    """Hold the whole dialogue, turns cut anywhere with `choice`; give what the answer was."""
    dialogue = Dialogue(dialect, password=WORD)
    turns_cut = [cut(turn, choice) for turn in turns]
    for pieces in turns_cut[:-1]:
        for piece in pieces:
            dialogue.receive(piece)
            dialogue.send()
    assert dialogue.is_ready
    return ask(dialogue, "192.168.193.15", *turns_cut[-1])


def cut(octets: bytes, choice: random.Random | None) -> list[bytes]:
    """Cut octets into pieces; without `choice` into one."""
    if choice is None:
        return [octets]
    places = sorted(choice.sample(range(len(octets) + 1), min(len(octets), 7)))
    return [octets[start:end] for start, end in zip([0, *places], [*places, None], strict=True)]
