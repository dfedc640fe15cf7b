from collections.abc import Callable

import pytest

from sparrow.config.load import LoadedConfig, parse_config
from sparrow.errors import InputError

FILE = "/etc/x/sparrow.yaml"


@pytest.fixture
def load() -> Callable[[str], LoadedConfig]:
    """Read a configuration that is right."""
    return lambda text: parse_config(text, FILE)


@pytest.fixture
def refusals() -> Callable[[str], list[tuple[int | None, str]]]:
    """Give what is wrong with a configuration as pairs of line and message."""

    def find(text: str) -> list[tuple[int | None, str]]:
        with pytest.raises(InputError) as caught:
            parse_config(text, FILE)
        assert {FILE} == {problem.file for problem in caught.value.problems}
        return [(problem.line, problem.what) for problem in caught.value.problems]

    return find


@pytest.fixture
def minimal() -> str:
    """Give a small configuration that is right; tests add to it or change it."""
    return """\
sites:
  au:
    asn: [64600, "131072-132095"]
    vips: [192.0.2.1]
    fallback: [nl]
  nl: {asn: [64601], vips: [192.0.2.2]}
routes: [{file: t.routes}]
zones:
  www.example.org:
    soa: {mname: ns1.example.org., rname: hostmaster@example.org}
    ns: [ns1.example.org., ns2.example.org.]
    ttl: 7
"""
