"""What is known of registers on a day: midnight registers of gateways, daily reads of TDSPs, registers of exchanges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Table, select, tuple_

from gateway.database import Database
from gateway.identifiers import EsiId, MeterNumber
from portal.meters.tables import midnight_registers
from portal.usage.intervals import Channel
from portal.usage.register_tables import daily_reads
from portal.vee.expected import Premise, bounds
from portal.vee.registers import DailyWord, DayEnergy, day_energy
from portal.vee.tables import exchange_registers

AT_ONCE = 500

Key = tuple[EsiId, MeterNumber, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterWords:
    """Registers of some premises around one day, by premise, meter and instant, and the TDSPs' daily reads."""

    day: date
    points: Mapping[Channel, Mapping[EsiId, Mapping[tuple[MeterNumber, datetime], int]]]
    reads: Mapping[EsiId, DailyWord] = field(default_factory=dict)

    def energy(self, premise: Premise, channel: Channel) -> DayEnergy | None:
        """What they say that a premise counted on the day; a TDSP's daily read is of consumption."""
        read = self.reads.get(premise.esi_id) if channel is Channel.CONSUMPTION else None
        points = self.points[channel].get(premise.esi_id, {})
        return day_energy(self.day, premise.installations, points, read) if points or read else None


async def register_words(
    market: Database, intervals: Database, premises: Sequence[Premise], day: date
) -> RegisterWords:
    """What is known of the registers of some premises on a day."""
    begin, end = bounds(day)
    keys = [
        (premise.esi_id, each.meter, at)
        for premise in premises
        for each in premise.installations
        for at in {begin, end, each.installed_at, each.removed_at}
        if at is not None and begin <= at <= end
    ]
    points: dict[Channel, dict[EsiId, dict[tuple[MeterNumber, datetime], int]]] = {
        Channel.CONSUMPTION: {},
        Channel.GENERATION: {},
    }
    # What was read off a meter at its exchange stands above what a gateway froze at the same instant.
    for database, table, column in ((market, midnight_registers, "frozen_at"), (intervals, exchange_registers, "at")):
        for row in await _points(database, table, column, keys):
            for channel, wh in ((Channel.CONSUMPTION, row.delivered_wh), (Channel.GENERATION, row.received_wh)):
                if wh is not None:
                    points[channel].setdefault(row.esi_id, {})[row.meter, row.at] = wh
    reads = await _daily_reads(intervals, [premise.esi_id for premise in premises], day)
    return RegisterWords(day=day, points=points, reads=reads)


async def _points(database: Database, table: Table, column: str, keys: Sequence[Key]) -> list[Any]:
    found: list[Any] = []
    columns = table.c
    at = columns[column]
    statement = select(columns.esi_id, columns.meter, at.label("at"), columns.delivered_wh, columns.received_wh)
    async with database.reading() as connection:
        for start in range(0, len(keys), AT_ONCE):
            wanted = tuple_(columns.esi_id, columns.meter, at).in_(keys[start : start + AT_ONCE])
            found += (await connection.execute(statement.where(wanted))).all()
    return found


async def _daily_reads(database: Database, esi_ids: Sequence[EsiId], day: date) -> dict[EsiId, DailyWord]:
    columns = daily_reads.c
    found: dict[EsiId, DailyWord] = {}
    async with database.reading() as connection:
        for start in range(0, len(esi_ids), AT_ONCE):
            of_these = columns.esi_id.in_(esi_ids[start : start + AT_ONCE])
            statement = select(daily_reads).where(of_these, columns.read_date == day).order_by(columns.version)
            for row in await connection.execute(statement):
                found[row.esi_id] = DailyWord(start_wh=row.start_wh, end_wh=row.end_wh, usage_wh=row.usage_wh)
    return found
