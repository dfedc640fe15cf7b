"""Answers that are held: for how long, how many, and which go first."""

from __future__ import annotations

import random

import pytest

from sparrow.supersparrow.cache import ResultCache

A, B, C = b"\0\0\0\1", b"\0\0\0\2", b"\0\0\0\3"


def test_an_answer_is_held_for_its_timeout_however_often_it_is_found() -> None:
    cache: ResultCache[str] = ResultCache(16, 10.0)
    cache.store(A, "a", 100.0)
    assert ["a", "a", "a"] == [cache.find(A, now) for now in (100.0, 105.0, 109.9)]
    assert cache.find(A, 110.0) is None
    assert 0 == len(cache)


def test_an_answer_is_for_exactly_one_address() -> None:
    cache: ResultCache[str] = ResultCache(16, 10.0)
    cache.store(A, "a", 0.0)
    assert cache.find(B, 0.0) is None
    assert cache.find(bytes(12) + A, 0.0) is None


def test_what_was_asked_for_longest_ago_makes_room() -> None:
    cache: ResultCache[str] = ResultCache(2, 10.0)
    cache.store(A, "a", 0.0)
    cache.store(B, "b", 0.0)
    assert "a" == cache.find(A, 1.0)
    cache.store(C, "c", 2.0)
    assert ["a", None, "c"] == [cache.find(each, 3.0) for each in (A, B, C)]


def test_an_answer_that_is_stored_anew_begins_anew() -> None:
    cache: ResultCache[str] = ResultCache(2, 10.0)
    cache.store(A, "a", 0.0)
    cache.store(A, "b", 5.0)
    assert 1 == len(cache)
    assert "b" == cache.find(A, 14.0)


@pytest.mark.parametrize(("size", "timeout_s"), [(0, 10.0), (16, 0.0)])
def test_a_cache_of_no_size_or_time_holds_nothing(size: int, timeout_s: float) -> None:
    cache: ResultCache[str] = ResultCache(size, timeout_s)
    cache.store(A, "a", 0.0)
    assert cache.find(A, 0.0) is None
    assert 0 == len(cache)


@pytest.mark.parametrize("seed", range(30))
def test_it_finds_what_a_list_that_is_searched_in_order_finds(seed: int) -> None:
    chance = random.Random(seed)
    cache: ResultCache[int] = ResultCache(3, 5.0)
    plain: list[tuple[bytes, float, int]] = []
    for now in range(200):
        address = bytes((chance.randrange(6),)) * 4
        held = [entry for entry in plain if entry[0] == address and now < entry[1]]
        plain = [entry for entry in plain if entry[0] != address]
        assert (held[0][2] if held else None) == cache.find(address, now)
        if not held:
            cache.store(address, now, now)
        plain = [*(held or [(address, now + 5.0, now)]), *plain][:3]
