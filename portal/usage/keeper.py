"""Keeps what gateways collect from meters: first in the interval store, then the marks over it move.

A crash between the two brings the same reports again, which then change nothing. It works beside the desk, for a load
of files may hold the store's only writer for long; what cannot be kept now is dropped, and told again by its gateway.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.collected import IntervalsCollected, RegistersCollected
from gateway.database import Database
from gateway.identifiers import GatewayId, MeterNumber
from gateway.ports import Delivery
from portal.gateways.incidents import Incident
from portal.gateways.tables import IncidentKind
from portal.meters.tables import meter_assignments, meters, midnight_registers
from portal.schema import insert_unless_there
from portal.usage.collected import (
    CHANNELS,
    NOT_SERVED,
    Collected,
    OnTheWall,
    implausible_registers,
    news,
    refusal,
    source,
)
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

_REGISTERS = {
    dialect: insert_unless_there(dialect, midnight_registers, "esi_id", "meter", "frozen_at")
    for dialect in ("sqlite", "postgresql")
}


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
                reports = [self._waiting[key] for key in batch]
                try:
                    await self._keep(reports)
                except (DBAPIError, OSError) as trouble:
                    log.info("%d collected reports are told again later: %s", len(batch), trouble)
                    await self._clock.sleep(PAUSE_S)
                except Exception:  # the edge of this task: one report that nobody foresaw must not silence them all
                    log.exception("one of %d collected reports cannot be kept", len(batch))
                    await self._alone(reports)
                finally:
                    for key in batch:
                        del self._waiting[key]

    async def _alone(self, reports: Sequence[Delivery]) -> None:
        """Keep each by itself; what fails again is an incident, so that its number blocks no other."""
        for each in reports:
            try:
                await self._keep([each])
            except (DBAPIError, OSError) as trouble:
                log.info("a collected report is told again later: %s", trouble)
            except Exception:  # as above
                log.exception("a collected report of %s cannot be kept", each.gateway)
                subject = Incident(gateway=each.gateway, kind=IncidentKind.IMPLAUSIBLE, subject="collected")
                await self._record([each], {subject: "a collected report that cannot be kept"})

    async def _keep(self, batch: Sequence[Delivery]) -> None:
        now = self._clock.now()
        told = [(each.gateway, each.message) for each in batch if isinstance(each.message, IntervalsCollected)]
        frozen = [(e.gateway, e.message.registers) for e in batch if isinstance(e.message, RegistersCollected)]
        known = await self._on_the_wall({m.meter for _, m in told} | {r.meter for _, r in frozen})
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
        rows = []
        for gateway, registers in frozen:
            meter = known.get(registers.meter)
            if meter is None or gateway not in meter.gateways:
                refused[Incident(gateway=gateway, kind=NOT_SERVED[0], subject=registers.meter)] = NOT_SERVED[1]
            elif (why := implausible_registers(registers, now)) is not None:
                refused[Incident(gateway=gateway, kind=why[0], subject=registers.meter)] = why[1]
            else:
                rows.append({**asdict(registers), "esi_id": meter.esi_id})
        if rows:
            await self._market.write(partial(_keep_registers, rows=rows))
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


async def _keep_registers(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    await connection.execute(_REGISTERS[connection.dialect.name], rows)
