"""The layout of a configuration. Start from `read_layout`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sparrow.config.load import load_config
from sparrow.config.locate import find_folders
from sparrow.keeping.layout import Layout, PdnsPlace, TcpLimits, encode_layout

if TYPE_CHECKING:
    from sparrow.config.model import Config, TcpConfig


def read_layout(config_path: str) -> str:
    """Give the layout of the configuration at an absolute path, as JSON. Raises `InputError`."""
    return encode_layout(build_layout(load_config(config_path).config, config_path))


def build_layout(config: Config, config_path: str) -> Layout:
    """Give what a keeper is told of a configuration, whose path is absolute.

    The log is left as it is by default; the command line says how it is to be.
    """
    server = config.server
    folders = find_folders(server, config_path, os.environ, os.getuid())
    return Layout(
        config_path=config_path,
        run_dir=folders.run_dir,
        state_dir=folders.state_dir,
        secret_path=folders.cookie_secret,
        user=server.user,
        dns=server.listen if config.zones else (),
        route_port=config.ssrs.listen if config.ssrs else None,
        workers=count_workers(config),
        tcp=build_limits(server.tcp),
        is_default_listen=has_default_listen(config),
        pdns=build_pdns(config),
    )


def build_pdns(config: Config) -> PdnsPlace | None:
    """Give where PowerDNS asks as a keeper is told it; None for nowhere."""
    return PdnsPlace(config.pdns.socket, config.pdns.group) if config.pdns else None


def has_default_listen(config: Config) -> bool:
    """Tell whether nobody has said where DNS is to be served."""
    return "listen" not in config.server.model_fields_set


def count_workers(config: Config) -> int:
    """Tell how many UDP workers there are to be: as configured, else one for each processor."""
    return config.server.workers or len(os.sched_getaffinity(0))


def build_limits(tcp: TcpConfig) -> TcpLimits:
    """Give the limits of TCP as workers are told them."""
    return TcpLimits(tcp.connections, tcp.per_address, tcp.idle_s)
