"""The socket for PowerDNS on its way from a keeper to its children and its successor."""

from __future__ import annotations

import json
from dataclasses import replace

from sparrow.keeping.estate import Estate, UnixHolding, decode_estate, encode_estate
from sparrow.keeping.layout import Layout, PdnsPlace, TcpLimits, decode_layout, encode_layout

ESTATE = Estate((), (), None, 20, 21, 22, 23, UnixHolding("/run/p/s", 1234, 24))
LAYOUT = Layout(
    *("/etc/s.yaml", "/run/s", "/var/lib/s", "/var/lib/s/secret", None, (), None, 1),
    tcp=TcpLimits(1, 1, 1),
    pdns=PdnsPlace("/run/p/s", "pdns"),
)


def test_an_estate_with_the_socket_comes_out_of_its_text_as_it_went_in() -> None:
    assert ESTATE == decode_estate(json.loads(json.dumps(encode_estate(ESTATE))))


def test_descriptors_are_numbered_anew_in_their_order() -> None:
    assert (20, 21, 22, 23, 24) == ESTATE.descriptors
    moved = ESTATE.renumber((5, 6, 7, 8, 9))
    assert (5, 6, 7, 8, 9) == moved.descriptors
    assert UnixHolding("/run/p/s", 1234, 9) == moved.pdns
    assert replace(ESTATE, pdns=None).renumber((5, 6, 7, 8)).pdns is None


def test_an_estate_of_a_version_that_knows_no_such_socket_is_taken() -> None:
    row = encode_estate(replace(ESTATE, pdns=None))
    del row["pdns"]
    assert replace(ESTATE, pdns=None) == decode_estate(row)


def test_a_layout_comes_out_of_its_text_as_it_went_in() -> None:
    for given in (LAYOUT, replace(LAYOUT, pdns=None)):
        assert given == decode_layout(encode_layout(given))
    row = json.loads(encode_layout(replace(LAYOUT, pdns=None)))
    del row["pdns"]
    assert replace(LAYOUT, pdns=None) == decode_layout(json.dumps(row))
