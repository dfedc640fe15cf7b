"""The plan on the disk, looked after: what somebody has removed or harmed is written anew.

Law: workers answer from what they have mapped, whatever becomes of the files; the next
worker finds them whole. Start from `Mender`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from sparrow.errors import InputError

if TYPE_CHECKING:
    from sparrow.keeping.overview import Overview
    from sparrow.keeping.publishing import Publisher

_log = logging.getLogger(__name__)

PAUSE_S = 5.0
"""Seconds between two looks; a look at names and sizes is some ten system calls."""
_LONGEST_PAUSE_S = 320.0
"""Seconds between two looks at most: where mending does not last, it is no help either."""


class Mender:
    """Looks after the present generation of a run directory, for who publishes there."""

    def __init__(
        self,
        publisher: Publisher,
        overview: Overview,
        alone: asyncio.Lock,
        pause_s: float = PAUSE_S,
    ) -> None:
        """`alone` is held by who publishes."""
        self._publisher = publisher
        self._overview = overview
        self._alone = alone
        self._shortest_pause_s = pause_s

    async def run(self) -> None:
        """Look again and again, until cancelled; less often where it was no help."""
        pause_s = self._shortest_pause_s
        while True:
            await asyncio.sleep(pause_s)
            async with self._alone:
                damage = await asyncio.to_thread(self._mend)
            longer_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            pause_s = longer_s if damage else self._shortest_pause_s

    def _mend(self) -> str | None:
        """Mend what there is to mend; give what it was."""
        damage = self._publisher.find_damage(is_thorough=self._is_doubted())
        if damage is None:
            return None
        try:
            generation = self._publisher.mend()
        except InputError as error:
            for problem in error.problems:
                _log.error("the plan is damaged and cannot be mended: %s: %s", damage, problem)
        else:
            _log.warning(
                "the plan was damaged (%s), and is written anew: generation %d", damage, generation
            )
        return damage

    def _is_doubted(self) -> bool:
        """Tell whether a worker does not serve the present generation: it may have refused it."""
        present = self._publisher.present()
        return present is not None and not self._overview.serves(present[0])
