"""The route files of a configuration, as they are read.

Start from `list_route_files`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.policy.configured import build_limits
from sparrow.sources.files import RouteFile
from sparrow.sources.line import RouteFormat

if TYPE_CHECKING:
    from sparrow.config.model import Config


def list_route_files(config: Config) -> tuple[RouteFile, ...]:
    """Give the route files in configured order."""
    return tuple(
        RouteFile(
            path=each.file,
            format=RouteFormat(each.format),
            peer=each.peer,
            view=each.view,
            limits=build_limits(each.sanity),
            keeps_local_pref=(
                config.ranking.use_local_pref
                and each.view is not None
                and RouteFormat(each.format) is RouteFormat.MRT
            ),
        )
        for each in config.route_files
    )
