"""Rdata as text: what reads back to the same octets, whatever the type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.dns.rdatatext import encode_rdata, name_rtype, parse_rtype, render_rdata

RECORDS = {
    "A": "192.0.2.1",
    "AAAA": "2001:db8::1",
    "CNAME": r"a\.b.c\032d.example.",
    "SOA": r"ns.example. host\.master.example. 1 2 3 4 5",
    "MX": "10 mail.example.",
    "TXT": r'"a b" "q\"x\\ \200;\000"',
    "SRV": "1 2 3 t.example.",
    "NAPTR": '100 50 "s" "z3950+I2L+I2C" "" _z3950._tcp.example.',
    "DNAME": "x.example.",
    "DS": "1 8 2 " + "ab" * 32,
    "SSHFP": "1 2 " + "cd" * 32,
    "TLSA": "3 1 1 " + "ef" * 32,
    "SVCB": "1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1",
    "HTTPS": "0 svc.example.",
    "CAA": r'0 issue "ca.example; policy=\"ev\""',
    "LOC": "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
    "URI": '10 1 "https://example.org/"',
    "RP": "a.example. b.example.",
    "TYPE65280": r"\# 2 abcd",
}


@pytest.mark.parametrize(("mnemonic", "text"), RECORDS.items())
def test_the_text_of_rdata_reads_back_to_the_same_octets(mnemonic: str, text: str) -> None:
    rtype = parse_rtype(mnemonic)
    wire = encode_rdata(rtype, text, ())
    assert wire == encode_rdata(rtype, render_rdata(rtype, wire), ())
    assert mnemonic == name_rtype(rtype)


@given(st.sampled_from(sorted(RECORDS)), st.binary(max_size=40))
def test_octets_that_are_no_rdata_have_a_text_all_the_same(mnemonic: str, wire: bytes) -> None:
    text = render_rdata(parse_rtype(mnemonic), wire)
    assert text.isascii()
    assert "\n" not in text
    if text.startswith("\\#"):
        assert bytes.fromhex("".join(text.split()[2:])) == wire
