"""What tests of report orders stand on: usage of the world's meters, workers, and looks at what an order left."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from gateway.database import Database
from gateway.dice import SeededDice
from gateway.identifiers import Duns, EsiId
from portal.mail.tables import letters
from portal.market.tables import rep_spans
from portal.orders.ending import Ending
from portal.orders.letters import Post
from portal.orders.meter_list import By, MeterList
from portal.orders.placing import Placed, place
from portal.orders.request import OrderedReport, OrderRefused, OrderRequest
from portal.orders.settings import OrderSettings
from portal.orders.tables import report_order_files, report_orders
from portal.orders.worker import Worker
from portal.reports.forms import Format, Report, View
from portal.reports.rows import Sources
from portal.usage.intervals import Channel, MeterDay
from portal.usage.register_files import DailyRead, MonthlyUsage
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import IntervalStore, SourceFile
from tests.clock import HandClock
from tests.portal.usage.files import meter_day
from tests.portal.world import BLUEBONNET, esi, viewer

DAY = date(2026, 5, 6)
METERS = (1, 2, 3, 4, 5)
FILES_IN_FOLDER = "adhocusage"


async def keep_usage(intervals: IntervalStore, registers: RegisterStore, now: datetime) -> None:
    """A day of intervals, two daily reads and a billing period of each meter; the values tell the meters apart."""

    def source(name: str) -> SourceFile:
        return SourceFile(name=name, sha256=hashlib.sha256(name.encode()).hexdigest(), received_at=now)

    days = [meter_day([1000 * number + place for place in range(96)], DAY, esi(number)) for number in METERS]
    days.append(meter_day([7] * 96, DAY, esi(1), Channel.GENERATION))
    await intervals.load(source("intervals"), lambda: iter(days))
    reads = [
        DailyRead(
            esi_id=esi(number),
            read_date=DAY + timedelta(days=more),
            revised_at=None,
            start_wh=None if more else number * 1_000_000,
            end_wh=number * 1_000_000 + 31_337,
            usage_wh=31_337,
        )
        for number in METERS
        for more in (0, 1)
    ]
    await registers.load(source("reads"), DailyRead, lambda: iter(reads))
    months = [
        MonthlyUsage(
            esi_id=esi(number),
            start_date=date(2026, 4, 28),
            end_date=date(2026, 5, 27),
            revised_at=None,
            actual_wh=number * 1_000_000,
            metered_w=None,
            billed_w=4_200,
            metered_va=None,
            billed_va=None,
        )
        for number in METERS
    ]
    await registers.load(source("months"), MonthlyUsage, lambda: iter(months))


async def keep_day(intervals: IntervalStore, day: MeterDay, now: datetime) -> None:
    """One more meter-day, in a file of its own."""
    source = SourceFile(name="one", sha256=hashlib.sha256(repr(day).encode()).hexdigest(), received_at=now)
    await intervals.load(source, lambda: iter([day]))


POST = Post(address="https://meters.example.com", most_attached_bytes=1 << 20, kept_days=10)


@dataclass(frozen=True)
class Stand:
    """The database with its stores, a folder of files, and the clock."""

    database: Database
    clock: HandClock
    root: Path
    intervals: SqlIntervalStore
    registers: RegisterStore
    dice: SeededDice = field(default_factory=lambda: SeededDice(17))

    def worker(
        self, name: str = "one", registers: RegisterStore | None = None, by: Post = POST, **numbers: object
    ) -> Worker:
        """A worker with its own numbers; its dice are its name's."""
        settings = OrderSettings(**numbers)  # type: ignore[arg-type]  # tests name the settings they change
        sources = Sources(intervals=self.intervals, registers=registers or self.registers)
        ending = Ending(settings=settings, by=by)
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
        return Worker(self.database, sources, ending, self.root, self.clock, SeededDice(seed), name)

    async def try_place(
        self,
        user_id: str = "rep.admin",
        numbers: Sequence[int] = (1, 2),
        reports: Sequence[OrderedReport] | None = None,
        view: View = View.CURRENT,
        settings: OrderSettings | None = None,
    ) -> Placed | OrderRefused:
        """Place an order of daily reads of some of the world's meters, or of what is named."""
        who = await viewer(self.database, user_id)
        wanted = MeterList(by=By.ESI_ID, values=tuple(esi(number) for number in numbers))
        request = OrderRequest(reports=tuple(reports or [reads_of()]), view=view)
        settings, now = settings or OrderSettings(), self.clock.now()
        return await self.database.write(lambda each: place(each, who, request, wanted, settings, self.dice, now))

    async def place(self, user_id: str = "rep.admin", numbers: Sequence[int] = (1, 2), **more: Any) -> Placed:
        """The same, which must stand."""
        placed = await self.try_place(user_id, numbers, **more)
        assert isinstance(placed, Placed), placed
        return placed

    async def order(self, number: int) -> Any:
        """The row of an order."""
        async with self.database.reading() as connection:
            wanted = select(report_orders).where(report_orders.c.number == number)
            return (await connection.execute(wanted)).one()

    async def files(self, number: int) -> list[Any]:
        """The rows of an order's files."""
        async with self.database.reading() as connection:
            wanted = select(report_order_files).join(report_orders).where(report_orders.c.number == number)
            return list((await connection.execute(wanted.order_by(report_order_files.c.id))).all())

    async def letters(self) -> list[Any]:
        """What is in the outbox of mail, oldest first."""
        async with self.database.reading() as connection:
            return list((await connection.execute(select(letters).order_by(letters.c.id))).all())

    def on_disk(self) -> list[str]:
        """Every file of an order that is on the disk, below the folder of orders."""
        orders = self.root / "orders"
        return sorted(each.relative_to(self.root).as_posix() for each in orders.rglob("*") if each.is_file())

    def in_folder(self, company_id: int) -> list[str]:
        """What lies in a company's folder."""
        folder = self.root / f"{company_id}" / FILES_IN_FOLDER
        return sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []

    async def switch(self, number: int, duns: Duns = BLUEBONNET) -> None:
        """Another REP of record for a premise, from now on."""
        now, esi_id = self.clock.now(), esi(number)

        async def job(connection: Any) -> None:
            ends = update(rep_spans).where(rep_spans.c.esi_id == esi_id, rep_spans.c.to_at.is_(None))
            await connection.execute(ends.values(to_at=now))
            await connection.execute(insert(rep_spans).values(esi_id=esi_id, duns=duns, from_at=now))

        await self.database.write(job)


def reads_of(first: date = DAY, last: date = DAY + timedelta(days=1), written_as: Format = Format.CSV) -> OrderedReport:
    """Daily Meter Reads of some days."""
    return OrderedReport(report=Report.DAILY_READS, start=first, end=last, format=written_as)


def usage_of(first: date = DAY, last: date = DAY, written_as: Format = Format.CSV) -> OrderedReport:
    """Daily Usage of some days."""
    return OrderedReport(report=Report.DAILY_USAGE, start=first, end=last, format=written_as)


class BrokenRegisters(RegisterStore):
    """A store whose disk fails: it does so as often as it is told, and works afterwards."""

    failures = 1

    async def current(self, kind: Any, esi_id: EsiId, first: date, last: date) -> Any:
        """The real reads, after the failures."""
        if self.failures > 0:
            self.failures -= 1
            raise OSError("the disk is full")
        return await super().current(kind, esi_id, first, last)
