"""Dropping a day's LSE files into the REPs' folders: one for each REP and TDSP, whole, once, and after an outage too.

A file holds the meters that are the REP's when it is made: each page of them is asked for anew, and before the file is
put in its place all of them are asked about again, so that a meter that went to another REP meanwhile is not in it.
An interval that nobody has reported is an empty value. While nothing was reported of a meter its file waits for some
hours, then it is made without that meter; a file without any meter waits on.
"""

import asyncio
import logging
from array import array
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import IO

from gateway.clock import Clock
from gateway.database import Database
from gateway.errors import MetergateError
from gateway.identifiers import EsiId
from portal.files.folders import Folder, placing
from portal.files.lse_drops import (
    Drop,
    Key,
    active_numbers,
    due_at,
    due_days,
    is_mine,
    let_go,
    note_placed,
    open_keys,
    reps,
    take_drop,
)
from portal.files.settings import FilesSettings
from portal.files.whole_file import to_disk
from portal.market.tables import premises, rep_spans
from portal.usage.lse_write import write
from portal.usage.report_days import newest_first
from portal.usage.store import IntervalStore
from portal.usage.unpacked import unpacked
from portal.visibility import VisibleMeter, meters_of_rep, mint

log = logging.getLogger(__name__)

PAGE = 500
REST_S = 900.0
"""How long a REP's day that could not be made whole rests before it is looked at again."""


class NotPlaced(MetergateError):
    """A file that is not to take its place after all; the message says why."""


class LseDropper:
    """Makes what is due. `run` looks for it until cancelled; `drop` makes one day's files."""

    def __init__(self, database: Database, store: IntervalStore, clock: Clock, settings: FilesSettings) -> None:
        self._database, self._store, self._clock, self._settings = database, store, clock, settings
        self._rests_until_s: dict[tuple[int, date], float] = {}

    async def run(self) -> None:
        """Make the files of every day that is due, as soon as it is; until cancelled."""
        while True:
            days = due_days(self._clock.now(), self._settings.lse_at, self._settings.lse_days)
            self._rests_until_s = {key: until for key, until in self._rests_until_s.items() if key[1] in days}
            for day in days:
                await self.drop(day)
            await self._clock.sleep(self._settings.lse_look_s)

    async def drop(self, day: date, *, at_once: bool = False) -> int:
        """Make the files of a day that are not in their place; returns how many were made.

        at_once: with what there is, whatever may still come.
        """
        made = 0
        async with self._database.reading() as connection:
            companies = await reps(connection)
        for company_id in companies:
            if self._rests_until_s.get((company_id, day), float("-inf")) > self._clock.monotonic():
                continue
            async with self._database.reading() as connection:
                keys = await open_keys(connection, company_id, day, self._clock.now())
            ends = [await self._make(key, at_once=at_once) for key in keys]
            made += sum(ends)
            # A day whose files all lie in their place is not looked at again by this process.
            rest_s = float("inf") if all(ends) else self._clock.monotonic() + REST_S
            self._rests_until_s[company_id, day] = rest_s
        return made

    async def _make(self, key: Key, *, at_once: bool) -> bool:
        """Make one file; False if it is not to be had now."""
        taking = partial(take_drop, key=key, now=self._clock.now(), lease_s=self._settings.lse_lease_s)
        drop = await self._database.write(taking)
        if drop is None:
            return False
        try:
            await self._place(drop, at_once=at_once)
        except NotPlaced as why:
            log.info("lse: %s of company %d, day %s, is not placed: %s", drop.name, key.company_id, key.day, why)
            await self._database.write(partial(let_go, drop=drop))
            return False
        return True

    async def _place(self, drop: Drop, *, at_once: bool) -> None:
        """Write a file and put it in its place. Raises NotPlaced, OSError."""
        key = drop.key
        with placing(self._settings.folder, key.company_id, Folder.LSE, drop.name) as file:
            inside, silent, missing = await self._write(file, key)
            await asyncio.get_running_loop().run_in_executor(None, to_disk, file)
            if not inside:
                raise NotPlaced("nothing of that day has been reported")
            if silent and not at_once and self._clock.now() < self._waits_until(key.day):
                raise NotPlaced(f"of {silent} meters nothing has been reported yet")
            if not await self._are_still(inside, key):
                raise NotPlaced("a meter went to another REP while it was made")
            async with self._database.reading() as connection:
                if not await is_mine(connection, drop, self._clock.now()):
                    raise NotPlaced("it took longer than its lease")
        now = self._clock.now()
        noting = partial(note_placed, drop=drop, meters=len(inside), missing=missing, now=now)
        await self._database.write(noting)
        told = (drop.name, key.company_id, key.day, len(inside), missing)
        log.info("lse: %s of company %d, day %s, was placed: %d meters, %d missing intervals", *told)

    def _waits_until(self, day: date) -> datetime:
        """Until when a day's files wait for meters of which nothing was reported."""
        return due_at(day, self._settings.lse_at) + timedelta(hours=self._settings.lse_wait_h)

    async def _write(self, file: IO[bytes], key: Key) -> tuple["array[int]", int, int]:
        """The blocks of every meter that is the REP's.

        Returns the numbers of the meters in their order, how many meters had nothing, and the missing intervals.
        """
        inside, silent, missing = array("q"), 0, 0
        async for page in self._pages(key):
            found = self._store.many([meter.esi_id for meter in page], key.day, key.day, every_version=False)
            meters_of_page = iter(page)
            async for blocks in found:
                meter = next(meters_of_page)
                # Neither the database nor the disk need make a coroutine wait, and others are to have their turns.
                await asyncio.sleep(0)
                for day in unpacked(newest_first(blocks)):
                    missing += sum(value is None for value in day.values)
                    file.write("".join(write([day])).encode("ascii"))
                if blocks:
                    inside.append(meter.id)
                else:
                    silent += 1
        return inside, silent, missing

    async def _are_still(self, inside: "array[int]", key: Key) -> bool:
        """Whether every meter of a file is still the REP's: both run in one order, so one pass tells."""
        at = 0
        async for page in self._pages(key):
            for meter in page:
                at += at < len(inside) and inside[at] == meter.id
        return at == len(inside)

    async def _pages(self, key: Key) -> AsyncIterator[Sequence[VisibleMeter]]:
        """The REP's meters at the TDSP by DUNS number and ESI ID, a page at a time, each as of its own moment.

        Number by number, for then the database walks its index and sorts nothing, however many meters there are.
        """
        async with self._database.reading() as connection:
            numbers = await active_numbers(connection, key.company_id)
        for duns in numbers:
            after: EsiId | None = None
            while True:
                chosen = meters_of_rep(key.company_id, self._clock.now())
                chosen = chosen.where(premises.c.tdsp_id == key.tdsp_id, rep_spans.c.duns == duns)
                if after is not None:
                    chosen = chosen.where(rep_spans.c.esi_id > after)
                chosen = chosen.order_by(rep_spans.c.esi_id).limit(PAGE)
                async with self._database.reading() as connection:
                    page = [mint(row) for row in await connection.execute(chosen)]
                yield page
                if len(page) < PAGE:
                    break
                after = page[-1].esi_id
