"""The map as text that other programs read: of BIND, gdnsd, nginx, and as CSV.

Law: each function gives lines, one for each block; the formats with a default leave the
label with the most blocks to it. Start from `render_bind_acl`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.exports.blocks import Partition, render_block
from sparrow.exports.rendition import Rendition
from sparrow.values.address import FAMILIES, parse_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.exports.blocks import Block
    from sparrow.exports.places import Place, SiteMap

_LIKE_IPV4 = tuple(
    map(
        parse_prefix,
        ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "2001::/32", "2002::/16"),
    )
)
"""What gdnsd looks up as IPv4, and refuses in its nets (gdnsd-plugin-geoip(8))."""


def _site_of(place: Place) -> str | None:
    return place.site


def render_csv(site_map: SiteMap) -> Rendition:
    """Give `network,site`; `-` where no site answers."""
    parted = Partition(site_map, _site_of)

    def lines() -> Iterator[str]:
        yield "network,site\n"
        for family in FAMILIES:
            for block in parted.blocks(family):
                yield f"{_render(block, family)},{_quote_csv(block.label or '-')}\n"

    return Rendition(lines(), parted.counts.total())


def _quote_csv(text: str) -> str:
    return f'"{text}"' if "," in text else text


def render_bind_acl(site_map: SiteMap) -> Rendition:
    """Give an access list for each site, to be named in `match-clients` of a view."""
    parted = Partition(site_map, _site_of)
    default = None if None in parted.labels else parted.widest
    listed = [site for site in parted.labels if site not in (None, default)]

    def lines() -> Iterator[str]:
        yield "// Clients by site, to be included in named.conf; see match-clients of views.\n"
        for site in listed:
            yield f'acl "{_acl(site)}" {{\n'
            for family in FAMILIES:
                for block in parted.blocks_of(site, family):
                    yield f"\t{_render(block, family)};\n"
            yield "};\n"
        if default is not None:
            others = "".join(f'!"{_acl(site)}"; ' for site in listed)
            yield f'acl "{_acl(default)}" {{ {others}any; }};\n'

    return Rendition(lines(), sum(parted.counts[site] for site in listed))


def _acl(site: str | None) -> str:
    """Name the list of a site, so that it is none of those that BIND has itself."""
    return f"sparrow-{site}"


def render_nginx_geo(site_map: SiteMap) -> Rendition:
    """Give a block `geo` that sets $sparrow_site, empty where no site answers."""
    parted = Partition(site_map, _site_of)
    default = None if None in parted.labels else parted.widest

    def lines() -> Iterator[str]:
        yield "# The site of a client: to be included in http { }.\n"
        yield "geo $sparrow_site {\n"
        yield f'\tdefault "{default or ""}";\n'
        for family in FAMILIES:
            for block in parted.blocks(family):
                if block.label != default:
                    yield f'\t{_render(block, family)} "{block.label}";\n'
        yield "}\n"

    return Rendition(lines(), parted.counts.total() - parted.counts[default])


def render_gdnsd_nets(site_map: SiteMap) -> Rendition:
    """Give the file that `nets` of a map of gdnsd's plugin geoip names.

    A list of datacenters is a site and its fallbacks in order, so that gdnsd's own
    checks go on where ours are no more.
    """
    parted = Partition(site_map, lambda place: place.order, _LIKE_IPV4)
    default = parted.widest

    def lines() -> Iterator[str]:
        yield "# To be named by `nets` of a map of gdnsd's plugin geoip. What is not listed here\n"
        yield f"# gets the map's default: datacenters => {_datacenters(default)}\n"
        for family in FAMILIES:
            for block in parted.blocks(family):
                if block.label != default:
                    yield f"{_render(block, family)} => {_datacenters(block.label)}\n"

    return Rendition(lines(), parted.counts.total() - parted.counts[default])


def _datacenters(order: tuple[str, ...]) -> str:
    return f"[ {', '.join(map(_quote_vscf, order))} ]"


def _quote_vscf(name: str) -> str:
    return f'"{name}"' if "(" in name else name


def _render(block: Block[str | None] | Block[tuple[str, ...]], family: int) -> str:
    return render_block(block.network, block.length, family)
