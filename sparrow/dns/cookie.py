"""DNS cookies that every server of a fleet can check (RFC 7873, RFC 9018).

Law: a cookie is a function of the client's cookie and address, the time and a
secret; servers that share the secret understand each other's cookies whatever
their make. Start from `refresh_cookie`.
"""

from __future__ import annotations

import hmac
import struct

CLIENT_COOKIE_SIZE = 8
SECRET_SIZE = 16
"""Octets of a secret: the key of SipHash-2-4."""
_VERSION = b"\x01"
_RESERVED = b"\0\0\0"
"""Sent as zeros, but taken and signed as they come (RFC 9018 section 4.2)."""
_MAX_AHEAD_S = 300
"""RFC 9018 section 4.3: accepted from five minutes ahead."""
_RENEW_AGE_S = 1800
"""RFC 9018 section 4.3: a new one after half an hour."""
_MASK = 2**64 - 1


def refresh_cookie(cookie: bytes, client: bytes, secrets: tuple[bytes, ...], now_s: int) -> bytes:
    """Give the COOKIE option of a response: 8 octets of the client's, 16 of ours.

    `secrets` are 16 octets each, and the first makes cookies; those of the others
    are replaced, which costs nobody anything, as no query needs a cookie to be
    answered. A server cookie that is good and younger than half an hour is given
    back as it is. `client` is the packed source address.
    """
    ours = cookie[CLIENT_COOKIE_SIZE:]
    if len(ours) == 16 and ours[:1] == _VERSION:
        age_s = _serial_age(now_s, struct.unpack_from("!I", ours, 4)[0])
        is_current = -_MAX_AHEAD_S <= age_s <= _RENEW_AGE_S
        if is_current and _is_signed(cookie, client, secrets[0]):
            return cookie
    stamp = struct.pack("!I", now_s & 0xFFFFFFFF)
    head = cookie[:CLIENT_COOKIE_SIZE] + _VERSION + _RESERVED + stamp
    return head + siphash24(secrets[0], head + client)


def _is_signed(cookie: bytes, client: bytes, key: bytes) -> bool:
    return hmac.compare_digest(cookie[16:], siphash24(key, cookie[:16] + client))


def _serial_age(now_s: int, then_s: int) -> int:
    """Seconds from `then_s` to `now_s` in 32-bit serial arithmetic (RFC 1982)."""
    return (now_s - then_s + 2**31) % 2**32 - 2**31


def siphash24(key: bytes, message: bytes) -> bytes:
    """Give SipHash-2-4 of `message`, 8 octets in little-endian order (Aumasson, Bernstein 2012)."""
    k0, k1 = struct.unpack("<QQ", key)
    state = (
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    )
    tail = len(message) % 8
    padded = message + bytes(7 - tail) + bytes((len(message) & 0xFF,))
    for (word,) in struct.iter_unpack("<Q", padded):
        v0, v1, v2, v3 = _rounds((state[0], state[1], state[2], state[3] ^ word), 2)
        state = (v0 ^ word, v1, v2, v3)
    v0, v1, v2, v3 = _rounds((state[0], state[1], state[2] ^ 0xFF, state[3]), 4)
    return struct.pack("<Q", v0 ^ v1 ^ v2 ^ v3)


def _rounds(state: tuple[int, int, int, int], count: int) -> tuple[int, int, int, int]:
    v0, v1, v2, v3 = state
    for _ in range(count):
        v0 = (v0 + v1) & _MASK
        v1 = _rotate(v1, 13) ^ v0
        v0 = _rotate(v0, 32)
        v2 = (v2 + v3) & _MASK
        v3 = _rotate(v3, 16) ^ v2
        v0 = (v0 + v3) & _MASK
        v3 = _rotate(v3, 21) ^ v0
        v2 = (v2 + v1) & _MASK
        v1 = _rotate(v1, 17) ^ v2
        v2 = _rotate(v2, 32)
    return v0, v1, v2, v3


def _rotate(word: int, count: int) -> int:
    return (word << count | word >> 64 - count) & _MASK
