"""Keeps what gateways collect from meters: first in the interval store, then the marks over it move.

A crash between the two brings the same reports again, which then change nothing. It works beside the desk, for a load
of files may hold the store's only writer for long; what cannot be kept now is dropped, and told again by its gateway.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.collected import IntervalsCollected, RegistersCollected, RegistersReported
from gateway.database import Database
from gateway.identifiers import GatewayId, MeterNumber
from gateway.ports import Delivery
from portal.gateways.incidents import Incident
from portal.gateways.tables import IncidentKind
from portal.gateways.words import clean
from portal.meters.tables import meter_assignments, meters, midnight_registers, reported_registers
from portal.schema import insert_unless_there
from portal.usage.collected import (
    CHANNELS,
    NOT_SERVED,
    Collected,
    OnTheWall,
    Why,
    implausible_registers,
    implausible_report,
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

_KEEP_REGISTERS = {
    (dialect, table.name): insert_unless_there(dialect, table, "esi_id", "meter", instant)
    for dialect in ("sqlite", "postgresql")
    for table, instant in ((midnight_registers, "frozen_at"), (reported_registers, "read_at"))
}
PATH = 120


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
        registers = [row for row in (_registers(each, now) for each in batch) if row is not None]
        known = await self._on_the_wall({m.meter for _, m in told} | {each.meter for each in registers})
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
        rows: dict[str, list[dict[str, Any]]] = {}
        for each in registers:
            meter = known.get(each.meter)
            why = NOT_SERVED if meter is None or each.gateway not in meter.gateways else each.why
            if meter is None or why is not None:
                kind, words = why or NOT_SERVED
                refused[Incident(gateway=each.gateway, kind=kind, subject=each.meter)] = words
            else:
                rows.setdefault(each.table, []).append({**each.row, "esi_id": meter.esi_id})
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Registers:
    """Registers of one meter on their way into a table; why says what is wrong with them."""

    gateway: GatewayId
    meter: MeterNumber
    table: str
    row: dict[str, Any]
    why: Why | None


def _registers(delivery: Delivery, now: datetime) -> _Registers | None:
    """The registers in a report, None if there are none in it."""
    message, gateway = delivery.message, delivery.gateway
    if isinstance(message, RegistersCollected):
        frozen = message.registers
        why = implausible_registers(frozen, now)
        return _Registers(
            gateway=gateway, meter=frozen.meter, table=midnight_registers.name, row=asdict(frozen), why=why
        )
    if isinstance(message, RegistersReported):
        read = message.read
        row = {
            "meter": read.meter,
            "read_at": read.read_at,
            "latched_at": read.latched_at,
            "delivered_wh": read.delivered_wh,
            "received_wh": read.received_wh,
            "demand_w": read.demand_w,
            "flags": None if read.flags is None else [str(flag) for flag in read.flags],
            "gateway": gateway,
            "path": clean(read.path, PATH),
        }
        why = implausible_report(read, now)
        return _Registers(gateway=gateway, meter=read.meter, table=reported_registers.name, row=row, why=why)
    return None


async def _keep_registers(connection: AsyncConnection, rows: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    """The first word on an instant of a meter counts."""
    for table, registers in rows.items():
        await connection.execute(_KEEP_REGISTERS[connection.dialect.name, table], registers)
