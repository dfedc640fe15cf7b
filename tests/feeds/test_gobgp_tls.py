"""The feed against a real gobgpd that speaks TLS, with certificates good and bad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from certificates import Authority
from speakers import Speaker, announcer, need_gobgpd, wait_until

from sparrow.feeds.gobgp import GobgpFeed
from sparrow.feeds.gobgpsource import GobgpSource, Tls
from sparrow.feeds.trouble import explain_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def issuer(tmp_path: Path, needs: Callable[[str], str]) -> Authority:
    return Authority(tmp_path, needs("openssl"), "issuer")


@pytest.fixture
def start(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Callable[..., Speaker]]:
    """Start a gobgpd with a certificate, or without one."""
    need_gobgpd()
    started: list[Speaker] = []

    def begin(files: tuple[str, str] | None) -> Speaker:
        speaker = Speaker(tmp_path / "speaker", 64500, "127.0.0.3", free_port(), free_port())
        if files:
            speaker.options = ("--tls", "--tls-cert-file", files[0], "--tls-key-file", files[1])
        started.append(speaker)
        return speaker.start()

    yield begin
    for each in started:
        each.kill()


def find_problem(speaker: Speaker, tls: Tls | None) -> str:
    """Follow a speaker until it is said why that cannot be done."""
    feed = GobgpFeed(GobgpSource(speaker.target, tls=tls), lambda: None)
    feed.start()
    try:
        wait_until(lambda: bool(feed.standing().problem), "nothing is wrong")
        assert "connecting" == feed.standing().phase
        return feed.standing().problem
    finally:
        feed.stop()


def test_a_table_is_read_and_followed_over_tls(issuer: Authority, start: Any, follow: Any) -> None:
    speaker = start(issuer.issue("server", "IP:127.0.0.1"))
    with announcer(speaker, issuer.ca) as client:
        client.send({"20.0.1.0/24": (64600, 7)})
        following = follow(speaker, tls=Tls(ca=str(issuer.ca)))
        assert {"20.0.1.0/24": "64600 7"} == following.table()
        client.send({"20.0.2.0/24": (64600, 8)})
        following.wait_for({"20.0.1.0/24": "64600 7", "20.0.2.0/24": "64600 8"})


def test_our_certificate_does_no_harm_where_none_is_asked_for(
    issuer: Authority, start: Any, follow: Any
) -> None:
    speaker = start(issuer.issue("server", "IP:127.0.0.1"))
    certificate, key = issuer.issue("client", "DNS:client.example")
    following = follow(speaker, tls=Tls(str(issuer.ca), certificate, key))
    assert "live" == following.feed.standing().phase


@pytest.mark.parametrize(
    ("holder", "days", "expected"),
    [
        ("DNS:elsewhere.example", 30, "its certificate is for another name"),
        ("IP:127.0.0.1", -1, "its certificate has expired"),
    ],
)
def test_a_certificate_that_is_no_good_is_refused_with_the_reason(
    issuer: Authority, start: Any, holder: str, days: int, expected: str
) -> None:
    speaker = start(issuer.issue("server", holder, days))
    assert find_problem(speaker, Tls(str(issuer.ca))).startswith(expected)


def test_an_issuer_that_is_not_trusted_is_named_as_the_reason(
    issuer: Authority, start: Any, tmp_path: Path, needs: Callable[[str], str]
) -> None:
    speaker = start(issuer.issue("server", "IP:127.0.0.1"))
    other = Authority(tmp_path, needs("openssl"), "other")
    expected = "its certificate is of an issuer that tls.ca does not trust"
    assert expected == find_problem(speaker, Tls(str(other.ca)))
    assert expected == find_problem(speaker, Tls())


def test_files_that_cannot_be_used_are_named_as_the_reason(
    issuer: Authority, start: Any, tmp_path: Path
) -> None:
    speaker = start(issuer.issue("server", "IP:127.0.0.1"))
    noise = tmp_path / "noise.pem"
    noise.write_text("no certificate\n")
    assert find_problem(speaker, Tls(str(noise))).startswith("the files of tls cannot be used")
    missing = str(tmp_path / "missing.pem")
    expected = f"{missing} cannot be read: No such file or directory"
    assert expected == find_problem(speaker, Tls(missing))


def test_tls_on_one_side_only_is_told(issuer: Authority, start: Any) -> None:
    speaker = start(issuer.issue("server", "IP:127.0.0.1"))
    assert "where it wants TLS, configure tls" in find_problem(speaker, None)
    speaker.kill()
    speaker = start(None)
    assert find_problem(speaker, Tls(str(issuer.ca))).startswith("there is no TLS there")
    speaker.kill()
    assert find_problem(speaker, None).startswith("nothing listens there")


def test_other_words_stay_as_they_are() -> None:
    for words in ("unimplemented: unknown service", "unavailable: Socket closed"):
        assert words == explain_loss(words, is_encrypted=False)
