"""Keeps what gateways collect from meters: first in the interval store, then the marks over it move.

A crash between the two brings the same reports again, which then change nothing. It works beside the desk, for a load
of files may hold the store's only writer for long; what cannot be kept now is dropped, and told again by its gateway.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice

from sqlalchemy import bindparam, select
from sqlalchemy.exc import DBAPIError

from gateway.clock import Clock
from gateway.collected import IntervalsCollected
from gateway.database import Database
from gateway.identifiers import GatewayId, MeterNumber
from gateway.ports import Delivery
from portal.gateways.incidents import Incident
from portal.meters.tables import meter_assignments, meters
from portal.usage.collected import CHANNELS, NOT_SERVED, Collected, OnTheWall, news, refusal, source
from portal.usage.intervals import Channel, MeterDay
from portal.usage.store import IntervalStore

log = logging.getLogger(__name__)

MOST_WAITING = 2000
"""Reports that wait to be kept; the rest their gateways tell again."""
AT_ONCE = 128
PAUSE_S = 2.0

Record = Callable[[Sequence[Delivery], Mapping[Incident, str]], Awaitable[None]]
"""Moves the marks over reports that are kept, with the incidents of those that were refused."""

_METERS = (
    select(
        meters.c.number,
        meters.c.esi_id,
        meters.c.installed_at,
        meters.c.generation_capable,
        meters.c.gateway,
        meter_assignments.c.gateway.label("leaving"),
        meter_assignments.c.to_gateway,
    )
    .outerjoin(meter_assignments, meter_assignments.c.meter_id == meters.c.id)
    .where(meters.c.number.in_(bindparam("numbers", expanding=True)), meters.c.removed_at.is_(None))
)


class Keeper:
    """One per process, over the market's database and the interval store: `take` is told, `run` keeps."""

    def __init__(self, market: Database, store: IntervalStore, clock: Clock, record: Record) -> None:
        self._market, self._store, self._clock, self._record = market, store, clock, record
        self._waiting: dict[tuple[GatewayId, str, int], Delivery] = {}
        self._due = asyncio.Event()

    def take(self, deliveries: Iterable[Delivery]) -> None:
        """Have reports kept soon; one that waits already waits once."""
        for each in deliveries:
            if isinstance(each.message, Collected) and len(self._waiting) < MOST_WAITING:
                mark = each.message.mark
                self._waiting.setdefault((each.gateway, mark.journal, mark.seq), each)
        self._due.set()

    async def run(self) -> None:
        """Keep what waits, a batch at a time, until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            while batch := list(islice(self._waiting, AT_ONCE)):
                try:
                    await self._keep([self._waiting[key] for key in batch])
                except (DBAPIError, OSError) as trouble:
                    log.info("%d collected reports are told again later: %s", len(batch), trouble)
                    await self._clock.sleep(PAUSE_S)
                finally:
                    for key in batch:
                        del self._waiting[key]

    async def _keep(self, batch: Sequence[Delivery]) -> None:
        now = self._clock.now()
        told = [(each.gateway, each.message) for each in batch if isinstance(each.message, IntervalsCollected)]
        known = await self._on_the_wall({message.meter for _, message in told})
        refused: dict[Incident, str] = {}
        days: dict[tuple[str, object, Channel], MeterDay] = {}
        for gateway, message in told:
            meter = known.get(message.meter)
            why = NOT_SERVED if meter is None else refusal(message, gateway, meter, now)
            if why is not None:
                refused[Incident(gateway=gateway, kind=why[0], subject=message.meter)] = why[1]
                continue
            assert meter is not None
            key = (meter.esi_id, message.day, CHANNELS[message.direction])
            made = news(message, meter, days.get(key) or await self._current(meter, message))
            if made is not None:
                days[key] = made
        if days:
            marks = [(gateway, message.mark) for gateway, message in told]
            found = list(days.values())
            await self._store.load(source(marks, found, now), lambda: iter(found))
        await self._record(batch, refused)

    async def _current(self, meter: OnTheWall, told: IntervalsCollected) -> MeterDay | None:
        stored = await self._store.current(meter.esi_id, told.day, told.day)
        return next((each.data for each in stored if each.data.channel is CHANNELS[told.direction]), None)

    async def _on_the_wall(self, numbers: set[MeterNumber]) -> dict[MeterNumber, OnTheWall]:
        if not numbers:
            return {}
        async with self._market.reading() as connection:
            rows = (await connection.execute(_METERS, {"numbers": sorted(numbers)})).all()
        return {
            row.number: OnTheWall(
                esi_id=row.esi_id,
                gateways=frozenset(filter(None, (row.gateway, row.leaving, row.to_gateway))),
                installed_at=row.installed_at,
                generates=row.generation_capable is True,
            )
            for row in rows
        }
