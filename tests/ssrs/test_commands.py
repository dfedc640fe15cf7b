from collections.abc import Callable

import pytest

from sparrow.ssrs.commands import COMMANDS, WORD_HELP, complete, describe

Ask = Callable[[str], list[str]]

MISS = ["% Network not in table"]


def head(lines: list[str]) -> list[str]:
    return [lines[0], lines[3]]


@pytest.mark.parametrize(
    ("line", "prefix", "path"),
    [
        ("show ip bgp 10.1.2.3", "10.1.2.0/25", "{1,2}"),
        ("show ip bgp 10.1.2.200", "10.1.2.0/24", "7"),
        ("sho ip bgp 10.1.3.1", "10.1.0.0/16", "64600 64601"),
        ("sh ip bgp 127.0.0.1", "0.0.0.0/1", "64601"),
        ("  sh   ip bgp  192.168.100.129 ", "192.168.100.128/25", "131072"),
        ("show bgp ipv4 unicast 10.9.9.9", "10.0.0.0/8", "64600"),
        ("show ip bgp ipv4 unicast 10.9.9.9", "10.0.0.0/8", "64600"),
        ("show bgp 172.16.1.1", "172.16.0.0/16", "{3,4}"),
        ("show bgp ipv6 2001:db8:1::5", "2001:db8:1::/48", "64600 {1,2}"),
        ("show bgp ipv6 unicast 2001:DB8::1", "2001:db8::/32", "64600"),
        ("show ipv6 bgp 2001:db8::1", "2001:db8::/32", "64600"),
        ("show bgp 2001:db8::1", "2001:db8::/32", "64600"),
        ("show ip bgp 10.1.2.0/24", "10.1.2.0/24", "7"),
        ("show ip bgp 10.1.2.99/24", "10.1.2.0/24", "7"),
        ("show bgp ipv4 10.0.0.0/8", "10.0.0.0/8", "64600"),
        ("show bgp ipv6 2001:db8::/32", "2001:db8::/32", "64600"),
    ],
)
def test_an_address_or_a_prefix_finds_its_route(
    ask: Ask, line: str, prefix: str, path: str
) -> None:
    assert [f"BGP routing table entry for {prefix}", f"  {path}"] == head(ask(line))


@pytest.mark.parametrize(
    "line",
    [
        "show ip bgp 203.0.113.1",
        "show ip bgp 10.1.2.0/26",
        "show ip bgp 10.1.0.0/15",
        "show bgp ipv6 2001:db9::1",
        "show bgp ipv6 2001:db8::/33",
        "203.0.113.1",
        "::1",
    ],
)
def test_what_no_route_covers_is_not_in_the_table(ask: Ask, line: str) -> None:
    assert MISS == ask(line)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("10.1.2.3", "10.1.2.0/25 1_2"),
        ("10.1.3.1", "10.1.0.0/16 64600 64601"),
        ("172.16.0.1", "172.16.0.0/16 3,4"),
        ("2001:db8:1::5", "2001:db8:1::/48 64600 1_2"),
    ],
)
def test_a_bare_address_gives_the_line_of_the_file(ask: Ask, line: str, answer: str) -> None:
    assert [answer] == ask(line)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("blah", "% Unknown command."),
        ("show blah", "% Unknown command."),
        ("show version now", "% Unknown command."),
        ("shows", "% Unknown command."),
        ("SHOW version", "% Unknown command."),
        ("show ip bgp x", "% Unknown command."),
        ("show ip bgp 1.2.3.4.5", "% Unknown command."),
        ("show ip bgp 1.2.3.400", "% Unknown command."),
        ("show ip bgp 10.1.2.3/44", "% Unknown command."),
        ("show ip bgp 10.1.2.3 foo", "% Unknown command."),
        ("show bgp ipv6 2001::zz", "% Unknown command."),
        ("show bgp ipv6 10.1.2.3", "% Unknown command."),
        ("show ipv6 bgp 2001::/129", "% Unknown command."),
        ("terminal length 513", "% Unknown command."),
        ("terminal length -1", "% Unknown command."),
        ("terminal length 99999999999999999999", "% Unknown command."),
        ("1", "% Unknown command."),
        ("e", "% Ambiguous command."),
        ("ex", "% Ambiguous command."),
        ("sh i", "% Ambiguous command."),
        ("show bgp ip", "% Ambiguous command."),
        ("e now", "% Ambiguous command."),
        ("s", "% Command incomplete."),
        ("show", "% Command incomplete."),
        ("show ip", "% Command incomplete."),
        ("t", "% Command incomplete."),
        ("show ip bgp ipv4", "% Command incomplete."),
        ("explain www.example", "% Command incomplete."),
        ("show ip bgp 1.2.3", "address is malformed"),
        ("show ip bgp 10.0/8", "address is malformed"),
        ("show ip bgp 10.0.0.0/", "address is malformed"),
        ("show bgp ipv6 2001::1::2", "address is malformed"),
        ("show bgp ipv6 2001:::/48", "address is malformed"),
        ("1.2.3", "address is malformed"),
        ("explain www.example 10.1", "address is malformed"),
        ("explain www.example. ::1", "client ::1"),
        ("explain other 10.1.2.3", "% other. is in no zone"),
        ("explain a..b 10.1.2.3", "% 'a..b' is not a domain name: it has an empty label"),
        ("enable", "% There is nothing to enable: all commands are available."),
    ],
)
def test_each_line_has_its_answer(ask: Ask, line: str, answer: str) -> None:
    assert answer == ask(line)[0]


@pytest.mark.parametrize("line", ["", "   ", "!", "# remark", "!show version"])
def test_empty_lines_and_comments_say_nothing(ask: Ask, line: str) -> None:
    assert [] == ask(line)


def test_sites_and_version_are_shown(ask: Ask) -> None:
    assert ["au AS64600 210.18.215.100", "nl AS64601 193.173.27.8"] == ask("show sites")
    first, second = ask("show version")
    assert "sparrow 1.2.3." == first
    assert second.startswith("Prefixes: IPv4 7, IPv6 2, loaded ")


def test_explain_takes_a_name_and_an_address_of_either_family(ask: Ask) -> None:
    assert ["client 10.1.2.3", "site au"] == ask("explain WWW.Example 10.1.2.3")
    assert ["client 2001:db8::1", "site au"] == ask("expl www.example. 2001:db8::1")


def test_help_says_how_to_ask(ask: Ask) -> None:
    assert (
        "An address alone prints its route as a line of a route file: PREFIX AS." == ask("help")[0]
    )


def test_every_word_of_every_command_has_help() -> None:
    words = {word for command in COMMANDS for form in command.forms for word in form.split()}
    assert words == WORD_HELP.keys()


def first_words(lines: tuple[str, ...]) -> list[str]:
    return [line.split()[0] for line in lines]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("e", ["X:X::X:X", "enable", "exit", "explain"]),
        ("sh", ["show"]),
        ("show ", ["bgp", "ip", "ipv6", "sites", "version"]),
        ("show i", ["ip", "ipv6"]),
        ("sh ip bgp ", ["A.B.C.D", "A.B.C.D/M", "X:X::X:X", "X:X::X:X/M", "ipv4", "<cr>"]),
        ("sh ip bgp 10.", ["A.B.C.D", "A.B.C.D/M"]),
        ("sh ip bgp 10.0.0.0/", ["A.B.C.D/M"]),
        ("terminal length ", ["(0-512)"]),
        ("explain x ", ["A.B.C.D", "X:X::X:X"]),
        ("help ", ["<cr>"]),
    ],
)
def test_help_lists_what_can_follow(line: str, words: list[str]) -> None:
    assert words == first_words(describe(line))


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("zz", "% There is no matched command."),
        ("show x ", "% There is no matched command."),
        ("help x", "% There is no matched command."),
        ("e ", "% Ambiguous command."),
        ("help", "  help  How to get help"),
    ],
)
def test_help_says_where_nothing_can_follow(line: str, answer: str) -> None:
    assert (answer,) == describe(line)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sh", ("show",)),
        ("show v", ("version",)),
        ("show i", ("ip", "ipv6")),
        ("show ip bgp ", ("ipv4",)),
        ("show ip bgp 1", ()),
        ("zz", ()),
        ("e x", ()),
    ],
)
def test_completion_gives_the_keywords_that_fit(line: str, words: tuple[str, ...]) -> None:
    assert words == complete(line)
