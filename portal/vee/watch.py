"""Goes over the days that need it, again and again: what `metergate vee watch` does."""

import logging
from collections.abc import Callable
from datetime import date

from gateway.clock import Clock, central_date
from gateway.database import Database
from portal.usage.block_reader import extent, one_state
from portal.usage.row_keys import span
from portal.vee import kept
from portal.vee.due import days_due, look_back
from portal.vee.run import DayRun, Run
from portal.vee.settings import VeeSettings

log = logging.getLogger(__name__)


class Watch:
    """A run and the days it is due for."""

    def __init__(
        self, run: Run, intervals: Database, clock: Clock, policy: VeeSettings, told: Callable[[DayRun], None]
    ) -> None:
        self._run, self._intervals, self._clock, self._policy, self._told = run, intervals, clock, policy, told

    async def forever(self) -> None:
        """Pass after pass, until cancelled."""
        while True:
            await self.once()
            await self._clock.sleep(self._policy.every_s)

    async def once(self) -> list[date]:
        """Go over every day that is due; returns them."""
        days = await self._due()
        for day in days:
            self._told(await self._run.day(day))
        if days:
            log.info("%d days of the ledger were due", len(days))
        return days

    async def _due(self) -> list[date]:
        now = self._clock.now()
        days = look_back(central_date(now), self._policy)
        async with one_state(self._intervals) as connection:
            runs = await kept.last_runs(connection, days)
            overdue = await kept.overdue_days(connection, now)
            certain, perhaps = days_due(days, runs, overdue, now, self._policy)
            newest = await kept.newest_version(connection)
            for day in perhaps:
                seen = runs[day][1]
                first, last = span(day, day)
                months = (await extent(connection, first, last)).sealed
                if newest > seen and await kept.is_touched(connection, first, months, seen):
                    certain.append(day)
        return sorted(certain, reverse=True)
