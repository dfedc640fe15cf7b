import pytest

from sparrow.ssrs.telnet import MAX_SUBNEGOTIATION, OFFER, TelnetDecoder, Window


def decode(decoder: TelnetDecoder, octets: bytes) -> bytes:
    return bytes(text for octet in octets if (text := decoder.decode(octet)) is not None)


def test_the_offer_is_zebras_twelve_octets() -> None:
    assert bytes.fromhex("fffb01 fffb03 fffe22 fffd1f") == OFFER


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"plain", b"plain"),
        (b"a\xff\xfb\x01b", b"ab"),
        (b"a\xff\xfe\xffb", b"ab"),
        (b"a\xff\xf1b", b"ab"),
        (b"a\xff\xffb", b"a\xffb"),
        (b"a\xff\xfa\x18\x00vt\xff\xffx\xff\xf0b", b"ab"),
        (b"\xff\xfa\xff\xf0b", b"b"),
        (b"\xff\xf0b", b"b"),
        (b"\xff\xff\xff\xff\xff", b"\xff\xff"),
    ],
)
def test_telnet_octets_are_taken_out_of_the_text(octets: bytes, text: bytes) -> None:
    assert text == decode(TelnetDecoder(), octets)


@pytest.mark.parametrize(
    ("octets", "window"),
    [
        ("fffa1f 0050 0018 fff0", Window(80, 24)),
        ("fffa1f 00ffff 0018 fff0", Window(255, 24)),
        ("fffa1f 0050 0018 fff0 fffa1f 0000 0000 fff0", Window(0, 0)),
        ("fffa1f 0050 00 fff0", None),
        ("fffa1f 0050 0018 00 fff0", None),
        ("fffa18 0050 0018 fff0", None),
        ("fffb1f", None),
        ("fffa1f 0050 0018", None),
    ],
)
def test_the_window_is_what_the_last_whole_report_says(octets: str, window: Window | None) -> None:
    decoder = TelnetDecoder()
    decode(decoder, bytes.fromhex(octets))
    assert window == decoder.window


def test_a_subnegotiation_without_end_breaks_the_stream() -> None:
    decoder = TelnetDecoder()
    decode(decoder, b"\xff\xfa" + b"x" * MAX_SUBNEGOTIATION)
    assert not decoder.is_broken
    decode(decoder, b"x")
    assert decoder.is_broken
