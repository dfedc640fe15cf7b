"""The mender looks again and again, and a plan that cannot be mended ends nothing."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from statesites import build_state_authority

from sparrow.config.fields import Endpoint
from sparrow.keeping.layout import Layout, TcpLimits
from sparrow.keeping.overview import Overview
from sparrow.keeping.publishing import Publisher
from sparrow.knowing.mending import Mender
from sparrow.plan.reader import open_plan
from sparrow.values.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

LIMITS = TcpLimits(100, 10, 10)
PATIENCE_S = 60


def build_overview(run_dir: Path) -> Overview:
    """Give that of a server whose workers are not there, so that every octet is looked at."""
    layout = Layout(
        config_path="/nowhere/sparrow.yaml",
        run_dir=str(run_dir),
        state_dir=str(run_dir),
        secret_path=str(run_dir / "secret"),
        user=None,
        dns=(Endpoint(parse_address("127.0.0.1"), 53),),
        route_port=None,
        workers=1,
        tcp=LIMITS,
        log_format="text",
        log_level="info",
    )
    return Overview(layout, run_dir)


async def mend_until(publisher: Publisher, run_dir: Path, is_enough: Callable[[], bool]) -> None:
    mender = Mender(publisher, build_overview(run_dir), asyncio.Lock(), pause_s=0.01)
    task = asyncio.create_task(mender.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not is_enough():  # noqa: ASYNC110  (files tell, and no event does)
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_what_is_damaged_within_is_written_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = Publisher(tmp_path)
    publisher.publish(build_state_authority(), LIMITS)
    path = tmp_path / "plan" / "map-1-0"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(bytes(len(content)))
    asyncio.run(mend_until(publisher, tmp_path, lambda: "written anew" in caplog.text))
    assert publisher.find_damage(is_thorough=True) is None
    assert open_plan(tmp_path / "plan").generation > 1


def test_where_it_cannot_be_mended_it_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publisher, plan = Publisher(tmp_path), tmp_path / "plan"
    publisher.publish(build_state_authority(), LIMITS)
    shutil.rmtree(plan)
    plan.write_text("in the way")

    def is_mended() -> bool:
        if plan.is_file() and caplog.text.count("cannot be mended") > 1:
            plan.unlink()
        return "written anew" in caplog.text

    asyncio.run(mend_until(publisher, tmp_path, is_mended))
    assert open_plan(plan).generation > 1
