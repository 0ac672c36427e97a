"""A street for tests of the ledger: premises with their meters, what is loaded for them, and runs over its days."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import insert, select, update

from gateway.clock import central_midnight, intervals_in
from gateway.database import Database
from gateway.identifiers import MeterNumber
from portal.meters.tables import meters, midnight_registers
from portal.usage.intervals import Channel, MeterDay
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import Loaded, SourceFile
from portal.vee.facts import FactsReader
from portal.vee.run import DayRun, Run
from portal.vee.settings import VeeSettings
from portal.vee.verdict import Version
from tests.clock import HandClock
from tests.portal.world import esi

MONDAY = date(2026, 5, 11)
"""An ordinary week of an ordinary month; the world's meters hang since January 2025."""
DAY = timedelta(days=1)


def shape(day: date, scale: int = 100) -> tuple[int, ...]:
    """Actual values of a day: they differ by place and by day, so that mistaken ones are seen."""
    return tuple(scale + (7 * place + 13 * day.toordinal()) % 50 for place in range(intervals_in(day)))


def day_of(
    number: int,
    day: date,
    values: Sequence[int | None] | None = None,
    estimated: Sequence[int] = (),
    channel: Channel = Channel.CONSUMPTION,
) -> MeterDay:
    """A meter-day of the world's premise of that number; estimated names places."""
    found = tuple(shape(day) if values is None else values)
    flags = tuple(place in estimated for place in range(len(found)))
    return MeterDay(esi_id=esi(number), day=day, channel=channel, revised_at=None, values=found, estimated=flags)


def without(values: Sequence[int | None], *places: int) -> tuple[int | None, ...]:
    """Values without some."""
    return tuple(None if place in places else value for place, value in enumerate(values))


@dataclass
class Street:
    """The world's premises, their intervals, and the ledger over them; premise 5 has no gateway, the others have."""

    database: Database
    store: SqlIntervalStore
    clock: HandClock
    policy: VeeSettings = field(default_factory=VeeSettings)
    files: Any = field(default_factory=lambda: count(1))

    @property
    def run_of(self) -> Run:
        return Run(self.database, self.database, self.store, self.clock, self.policy)

    async def load(self, *days: MeterDay, name: str = "file.csv") -> Loaded:
        """A file; each is another one, whatever it says."""
        text = f"{next(self.files)} {days!r}"
        source = SourceFile(name=name, sha256=hashlib.sha256(text.encode()).hexdigest(), received_at=self.clock.now())
        return await self.store.load(source, lambda: iter(days))

    async def run(self, day: date) -> DayRun:
        """Account for a day now."""
        return await self.run_of.day(day)

    async def current(self, number: int, day: date, channel: Channel = Channel.CONSUMPTION) -> MeterDay | None:
        """A premise's day as it stands."""
        stored = await self.store.current(esi(number), day, day)
        return next((each.data for each in stored if each.data.channel is channel), None)

    async def versions(self, number: int, day: date) -> Sequence[Version]:
        """Every version of a premise's consumption, with receipts."""
        reader = FactsReader(self.store, self.database)
        return (await reader.versions(esi(number), day, day)).get((day, Channel.CONSUMPTION), [])

    async def registers(self, number: int, day: date, *wh: int) -> None:
        """Midnight registers of a premise's first meter: what it counted on a day, and on those that follow."""
        rows = [
            {
                "esi_id": esi(number),
                "meter": MeterNumber(f"M{number:05d}"),
                "frozen_at": central_midnight(day + after * DAY),
                "delivered_wh": 1_000_000 + sum(wh[:after]),
                "received_wh": None,
                "read_at": self.clock.now(),
            }
            for after in range(len(wh) + 1)
        ]
        await self.database.write(lambda connection: connection.execute(insert(midnight_registers), rows))

    async def only(self, *numbers: int) -> None:
        """Take the meters of all other premises off their walls long ago."""
        gone = datetime(2025, 1, 2, tzinfo=UTC)
        others = [esi(each) for each in range(1, 7) if each not in numbers]
        taken = update(meters).where(meters.c.esi_id.in_(others)).values(removed_at=gone)
        await self.database.write(lambda connection: connection.execute(taken))

    async def exchange(self, number: int, at: datetime, new: str) -> None:
        """Exchange the meter of a premise at an instant; whoever reached the old one reaches the new one."""
        old = update(meters).where(meters.c.esi_id == esi(number), meters.c.removed_at.is_(None))
        row = {"number": MeterNumber(new), "esi_id": esi(number), "installed_at": at, "provisioned_at": at}

        on_wall = select(meters.c.gateway).where(meters.c.esi_id == esi(number), meters.c.removed_at.is_(None))

        async def job(connection: Any) -> None:
            gateway = await connection.scalar(on_wall)
            await connection.execute(old.values(removed_at=at))
            await connection.execute(insert(meters).values(**row, gateway=gateway))

        await self.database.write(job)

    def at(self, day: date, hours: float = 0) -> None:
        """Set the clock to a Chicago midnight and so many hours."""
        self.clock.set(central_midnight(day) + timedelta(hours=hours))

    def with_policy(self, **changes: Any) -> None:
        """Change switches and thresholds."""
        self.policy = replace(self.policy, **changes)
