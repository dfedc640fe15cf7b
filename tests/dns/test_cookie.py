"""DNS cookies against the vectors of RFC 9018, appendix A."""

from __future__ import annotations

import pytest

from sparrow.dns.cookie import refresh_cookie, siphash24
from sparrow.values.address import parse_address

SECRET = bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf")
OLD_SECRET = bytes.fromhex("dd3bdf9344b678b185a6f5cb60fca715")
NEW_SECRET = bytes.fromhex("445536bcd2513298075a5d379663c962")
CLIENT = parse_address("198.51.100.100")
ALONE = bytes.fromhex("2464c4abcf10c957")
MADE_S = 1559731985
COOKIE = bytes.fromhex("2464c4abcf10c957010000005cf79f111f8130c3eee29480")


@pytest.mark.parametrize(
    ("secrets", "client", "cookie", "now_s", "expected"),
    [
        pytest.param(
            *((SECRET,), "198.51.100.100", "2464c4abcf10c957", MADE_S),
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
            id="A.1 learning a server cookie",
        ),
        pytest.param(
            *((SECRET,), "198.51.100.100", "2464c4abcf10c957010000005cf79f111f8130c3eee29480"),
            1559734385,
            "2464c4abcf10c957010000005cf7a871d4a564a1442aca77",
            id="A.2 a fresh one after 40 minutes",
        ),
        pytest.param(
            *((SECRET,), "203.0.113.203", "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"),
            1559734700,
            "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e",
            id="A.3 another client, reserved octets set",
        ),
        pytest.param(
            (NEW_SECRET, OLD_SECRET),
            "2001:db8:220:1:59de:d0f4:8769:82b8",
            "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
            1559741961,
            "22681ab97d52c298010000005cf7c609a6bb79d16625507a",
            id="A.4 IPv6, the secret rolled over",
        ),
    ],
)
def test_cookies_are_those_of_rfc_9018(
    secrets: tuple[bytes, ...], client: str, cookie: str, now_s: int, expected: str
) -> None:
    given = bytes.fromhex(cookie)
    assert expected == refresh_cookie(given, parse_address(client), secrets, now_s).hex()


@pytest.mark.parametrize(
    ("age_s", "is_kept"),
    [
        (0, True),
        (1800, True),
        (1801, False),
        (3600, False),
        (-300, True),
        (-301, False),
        (2**31, False),
    ],
)
def test_a_cookie_is_renewed_after_half_an_hour(age_s: int, *, is_kept: bool) -> None:
    now_s = MADE_S + age_s
    fresh = refresh_cookie(COOKIE, CLIENT, (SECRET,), now_s)
    assert is_kept == (fresh == COOKIE)
    assert (24, ALONE) == (len(fresh), fresh[:8])
    assert fresh == refresh_cookie(fresh, CLIENT, (SECRET,), now_s)


def test_ages_are_counted_past_the_end_of_32_bits() -> None:
    made = refresh_cookie(ALONE, CLIENT, (SECRET,), 2**32 - 10)
    assert made == refresh_cookie(made, CLIENT, (SECRET,), 2**32 + 10)


@pytest.mark.parametrize(
    "cookie",
    [
        ALONE,
        COOKIE[:23],
        COOKIE + b"\0",
        COOKIE[:8] + b"\x02" + COOKIE[9:],  # another version
        COOKIE[:-1] + bytes((COOKIE[-1] ^ 1,)),
        bytes(8) + COOKIE[8:],  # another client's cookie
        COOKIE[:8] + bytes(8),  # short servers of other makes
        COOKIE[:8] + bytes(32),
    ],
)
def test_what_is_no_cookie_of_ours_is_replaced_by_a_good_one(cookie: bytes) -> None:
    fresh = refresh_cookie(cookie, CLIENT, (SECRET,), MADE_S)
    assert cookie != fresh
    assert (24, cookie[:8]) == (len(fresh), fresh[:8])
    assert fresh == refresh_cookie(fresh, CLIENT, (SECRET,), MADE_S)


def test_a_cookie_is_bound_to_the_address_and_the_secret() -> None:
    assert COOKIE != refresh_cookie(COOKIE, parse_address("198.51.100.101"), (SECRET,), MADE_S)
    assert COOKIE != refresh_cookie(COOKIE, CLIENT, (OLD_SECRET, NEW_SECRET), MADE_S)


def test_a_cookie_of_a_former_secret_is_replaced_by_one_of_the_present() -> None:
    fresh = refresh_cookie(COOKIE, CLIENT, (NEW_SECRET, SECRET), MADE_S)
    assert COOKIE != fresh
    assert fresh == refresh_cookie(fresh, CLIENT, (NEW_SECRET,), MADE_S)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, "310e0edd47db6f72"),
        (1, "fd67dc93c539f874"),
        (7, "37d1018bf50002ab"),
        (8, "6224939a79f5f593"),
        (15, "e545be4961ca29a1"),
        (63, "724506eb4c328a95"),
    ],
)
def test_siphash_is_that_of_its_authors(length: int, expected: str) -> None:
    assert expected == siphash24(bytes(range(16)), bytes(range(length))).hex()
