from __future__ import annotations

import logging
from itertools import count
from typing import TYPE_CHECKING

from sparrow.dns.respond import Sender
from sparrow.server.faults import PAUSE_S, FaultLog

if TYPE_CHECKING:
    import pytest


def test_a_kind_is_logged_once_and_then_with_the_number_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ticks = count()
    faults = FaultLog(lambda: next(ticks) * PAUSE_S / 4)
    for number in range(6):
        faults.report("accept", f"cannot accept: {number}")
    more = "(3 more of this kind since it was last logged)"
    assert ["cannot accept: 0", f"cannot accept: 4 {more}"] == caplog.messages


def test_kinds_are_logged_independently(caplog: pytest.LogCaptureFixture) -> None:
    faults = FaultLog(lambda: 0.0)
    for kind in ("one", "two", "one"):
        faults.report(kind, kind)
    assert ["one", "two"] == caplog.messages
    assert {logging.WARNING} == {record.levelno for record in caplog.records}


def fail() -> None:
    raise ValueError("\x1b[2J\nJan 1 root: all is well")


def test_an_exception_is_told_with_what_repeats_it_and_nothing_raw(
    caplog: pytest.LogCaptureFixture,
) -> None:
    faults = FaultLog(lambda: 0.0)
    packet = b"\x00\x01\x1b[2J\n" + bytes(600)
    for _ in range(2):
        try:
            fail()
        except ValueError as error:
            faults.report_exception(error, packet, Sender(bytes((192, 0, 2, 1)), is_tcp=True))
    (message,) = caplog.messages
    assert message.startswith("no answer for a packet of 192.0.2.1 (TCP): ValueError('\\x1b[2J\\n")
    assert "\x1b" not in message
    assert message.endswith(f"packet: {packet[:512].hex()}...")
    assert "test_faults.py" in message
