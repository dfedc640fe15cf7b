"""From what is configured to what is probed: every distinct probe once.

Law: two checks that do the same to the same address at the same times are one aim,
whichever sites they stand at and whatever they are called. Start from `aim_at`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from sparrow.config.health import TIMING, Check
from sparrow.health.site import Evidence, ReturnRules, SiteRules, Target, weigh
from sparrow.health.verdict import Thresholds
from sparrow.values.address import FAMILIES, family_of, render_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sparrow.config.model import Config, SiteConfig


@dataclass(frozen=True, slots=True)
class Aim:
    """What one probe does, where, and when."""

    check: Check
    """What and when; without its name and addresses."""
    host: str
    """Text of the address; empty for a check without one."""
    label: str = field(compare=False)
    """Name and address, for people: those of the first check that has this aim."""

    @property
    def thresholds(self) -> Thresholds:
        """When its verdict changes."""
        return Thresholds(self.check.up_thresh, self.check.ok_thresh, self.check.down_thresh)

    @property
    def subject(self) -> str:
        """What is found out, however often and with whatever thresholds: a short digest.

        It is the same in every process, and a verdict stays true when only times
        and thresholds are configured anew.
        """
        left_out = {*TIMING, "name", "address"}
        names = [name for name in type(self.check).model_fields if name not in left_out]
        what = [(name, getattr(self.check, name)) for name in names]
        return f"{self.check.kind}-{sha256(repr((what, self.host)).encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class SiteAims:
    """What a site is judged by."""

    name: str
    """The site."""
    families: frozenset[int]
    """Families that it has addresses of, its own or a service's: 4, 6."""
    v4: tuple[tuple[Aim, ...], ...]
    """For each check its aims that count for IPv4."""
    v6: tuple[tuple[Aim, ...], ...]
    """For each check its aims that count for IPv6."""
    rules: SiteRules
    """How they make its health."""


def aim_sites(config: Config) -> tuple[SiteAims, ...]:
    """Give what each configured site is judged by, in configured order."""
    return tuple(aim_at(site, _families_of(config, site)) for site in config.sites)


def _families_of(config: Config, site: SiteConfig) -> frozenset[int]:
    served = [vip for service in config.services for vip in service.own_vips(site.name)]
    return frozenset(family_of(vip) for vip in (*site.vips, *served))


def aim_at(site: SiteConfig, families: frozenset[int]) -> SiteAims:
    """Give what one site is judged by."""
    split = [_split(check, tuple(_aims_of(check, site))) for check in site.checks]
    return SiteAims(
        name=site.name,
        families=families,
        v4=tuple(v4 for v4, _ in split),
        v6=tuple(v6 for _, v6 in split),
        rules=SiteRules(
            need={"all": None, "any": 1}[site.require]
            if isinstance(site.require, str)
            else site.require,
            is_joint=site.families == "site",
            returning=ReturnRules(site.hold_down_s, site.manual_resume),
        ),
    )


def _aims_of(check: Check, site: SiteConfig) -> Iterator[tuple[bytes, Aim]]:
    """Give the addresses of a check with its aims; the address is empty where it has none."""
    bare = check.model_copy(update={"name": "", "address": ()})
    if not check.uses_address:
        yield b"", Aim(bare, "", check.name)
        return
    for address in check.address or site.vips:
        host = render_address(address)
        label = check.name if len(check.address) == 1 else f"{check.name} at {host}"
        yield address, Aim(bare, host, label)


#   addresses of the check                     | its aims count for
#   -------------------------------------------+------------------------------
#   none: it has no address, or the site none  | both families
#   its own, of one family                     | both families
#   its own, of both families                  | each for its own
#   the site's                                 | each for its own


def _split(
    check: Check, aims: tuple[tuple[bytes, Aim], ...]
) -> tuple[tuple[Aim, ...], tuple[Aim, ...]]:
    every = tuple(aim for _, aim in aims)
    has_one = len({family_of(address) for address in check.address}) == 1
    if has_one or not check.uses_address:
        return every, every
    v4, v6 = (
        tuple(aim for address, aim in aims if family_of(address) == family) for family in FAMILIES
    )
    return v4, v6


def weigh_site(site: SiteAims, target: Callable[[Aim], Target]) -> tuple[Evidence, Evidence]:
    """Give what the checks of a site say for IPv4 and for IPv6; `target` what each aim does."""
    v4, v6 = (
        weigh([[target(aim) for aim in check] for check in checks], site.rules.need)
        for checks in (site.v4, site.v6)
    )
    return v4, v6
