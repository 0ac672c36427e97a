"""What gateways collect: kept in the interval store before it is receipted, once, and only of their own meters."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.collected import IntervalsCollected, RegistersCollected, RegistersReported
from gateway.database import Database
from gateway.dice import SeededDice
from gateway.identifiers import GatewayId, MeterNumber
from gateway.messages import Mark, Receipt
from gateway.ports import Delivery
from gateway.reads import Direction, FrozenRegisters, MeterFlag, RegisterRead, Scale
from portal.gateways.incidents import Incident
from portal.gateways.tables import IncidentKind
from portal.meters.tables import midnight_registers, reported_registers
from portal.reads.desk import ReadDesk
from portal.usage.intervals import Channel, MeterDay
from portal.usage.keeper import PAUSE_S, Keeper
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import SourceFile
from tests.clock import HandClock, turns
from tests.portal.asking import kept_incidents, published
from tests.portal.conftest import running
from tests.portal.wire import WireBus
from tests.portal.world import GATEWAY, OTHER_GATEWAY, esi

DAY = date(2026, 6, 30)
FULL = tuple(range(96))
LIMIT_S = 20


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> str:
    """The intervals' database: a file of its own on SQLite, beside the market's tables on PostgreSQL."""
    return f"sqlite:///{tmp_path}/intervals.db" if database_url.startswith("sqlite") else database_url


@pytest.fixture
async def store(database: Database, place: str) -> AsyncIterator[SqlIntervalStore]:
    opened = Database.open(place, 0.05)
    yield await SqlIntervalStore.opened(opened)
    await opened.close()


@pytest.fixture
async def desk(database: Database, store: SqlIntervalStore, bus: WireBus, clock: HandClock) -> AsyncIterator[ReadDesk]:
    desk = ReadDesk(database, bus, clock, SeededDice(3), collected=store)
    async with running(desk):
        yield desk


def told(
    seq: int = 1,
    wh: Sequence[int | None] = FULL,
    direction: Direction = Direction.DELIVERED,
    day: date = DAY,
    gateway: GatewayId = GATEWAY,
    meter: str = "M00001",
) -> Delivery:
    """A day as the world's gateway collected it."""
    message = IntervalsCollected(
        meter=MeterNumber(meter),
        direction=direction,
        day=day,
        wh=tuple(wh),
        read_at=datetime(2026, 7, 1, 6, tzinfo=UTC),
        mark=Mark(journal="journal-1", seq=seq),
    )
    return Delivery(gateway=gateway, message=message)


async def receipted(bus: WireBus, seq: int) -> None:
    """Wait until everything up to a number is receipted."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            _, message = await bus.published.get()
            if isinstance(message, Receipt) and message.mark.seq >= seq:
                return


async def versions(store: SqlIntervalStore, day: date = DAY) -> list[tuple[Channel, tuple[int | None, ...]]]:
    return [(each.data.channel, each.data.values) for each in await store.versions(esi(1), day, day)]


async def test_a_day_is_kept_and_then_receipted(desk: ReadDesk, bus: WireBus, store: SqlIntervalStore) -> None:
    wh = (None, *range(95))
    await desk.handle([told(1, wh), told(2, FULL, Direction.RECEIVED)])
    await receipted(bus, 2)
    assert await versions(store) == [(Channel.CONSUMPTION, wh), (Channel.GENERATION, FULL)]


async def test_what_is_told_again_changes_nothing(desk: ReadDesk, bus: WireBus, store: SqlIntervalStore) -> None:
    await desk.handle([told(1), told(1), told(2, FULL, Direction.RECEIVED)])
    await receipted(bus, 2)
    await desk.handle([told(1)])
    await desk.handle([told(3)])
    await receipted(bus, 3)
    assert len(await versions(store)) == 2


async def test_registers_of_a_midnight_are_kept_once_and_do_not_stop_what_comes_after_them(
    desk: ReadDesk, bus: WireBus, store: SqlIntervalStore, database: Database
) -> None:
    midnight = datetime(2026, 7, 1, 5, tzinfo=UTC)
    registers = FrozenRegisters(
        meter=MeterNumber("M00001"), delivered_wh=7, received_wh=None, frozen_at=midnight, read_at=midnight
    )
    frozen = RegistersCollected(registers=registers, mark=Mark(journal="journal-1", seq=1))
    await desk.handle([Delivery(gateway=GATEWAY, message=frozen), told(2)])
    await receipted(bus, 2)
    assert len(await versions(store)) == 1
    foreign = replace(frozen, mark=Mark(journal="journal-1", seq=1))
    again = replace(frozen, mark=Mark(journal="journal-1", seq=3))
    await desk.handle([Delivery(gateway=OTHER_GATEWAY, message=foreign), Delivery(gateway=GATEWAY, message=again)])
    await receipted(bus, 3)
    async with database.reading() as connection:
        [row] = (await connection.execute(select(midnight_registers))).all()
    assert (row.esi_id, row.delivered_wh, row.received_wh, row.frozen_at) == (esi(1), 7, None, midnight)


def reported(seq: int, at: datetime, **changes: object) -> RegistersReported:
    """What the world's meter told by itself."""
    read = RegisterRead(
        meter=MeterNumber("M00001"),
        delivered_wh=7,
        received_wh=None,
        demand_w=-250,
        flags=(MeterFlag.TAMPER,),
        latched_at=None,
        update_period_s=None,
        read_at=at,
        scale=Scale(unit="kWh", multiplier=1, divisor=1000, assumed=False),
        path="radio 0x1234 ep 1 lqi 200 reported",
    )
    changed = replace(read, **changes)  # type: ignore[arg-type]  # keys by name
    return RegistersReported(read=changed, mark=Mark(journal="journal-1", seq=seq))


async def test_what_meters_report_is_kept_once_with_where_it_came_from(
    desk: ReadDesk, bus: WireBus, database: Database
) -> None:
    at = datetime(2026, 7, 1, 5, tzinfo=UTC)
    messages = [
        reported(1, at),
        reported(2, at + timedelta(minutes=15), latched_at=at, flags=None),
        reported(3, at, delivered_wh=8),
    ]
    await desk.handle([Delivery(gateway=GATEWAY, message=each) for each in messages])
    await receipted(bus, 3)
    async with database.reading() as connection:
        rows = (await connection.execute(select(reported_registers).order_by(reported_registers.c.read_at))).all()
    assert [(row.esi_id, row.read_at, row.latched_at, row.delivered_wh, row.received_wh) for row in rows] == [
        (esi(1), at, None, 7, None),
        (esi(1), at + timedelta(minutes=15), at, 7, None),
    ]
    assert [(row.demand_w, row.flags, row.gateway, row.path[:12]) for row in rows] == [
        (-250, ["tamper"], GATEWAY, "radio 0x1234"),
        (-250, None, GATEWAY, "radio 0x1234"),
    ]
    assert await kept_incidents(database) == []


@pytest.mark.parametrize(
    ("changes", "gateway", "kind"),
    [
        ({}, OTHER_GATEWAY, IncidentKind.FOREIGN_METER),
        ({"meter": MeterNumber("NOBODY")}, GATEWAY, IncidentKind.FOREIGN_METER),
        ({"read_at": datetime(2020, 1, 1, tzinfo=UTC)}, GATEWAY, IncidentKind.IMPLAUSIBLE),
        ({"read_at": datetime(2027, 1, 1, tzinfo=UTC)}, GATEWAY, IncidentKind.IMPLAUSIBLE),
        ({"delivered_wh": -1}, GATEWAY, IncidentKind.IMPLAUSIBLE),
        ({"latched_at": datetime(1969, 1, 1, tzinfo=UTC)}, GATEWAY, IncidentKind.IMPLAUSIBLE),
    ],
)
async def test_a_report_that_cannot_be_believed_is_an_incident_and_is_receipted(
    desk: ReadDesk,
    bus: WireBus,
    database: Database,
    changes: dict[str, object],
    gateway: GatewayId,
    kind: IncidentKind,
) -> None:
    message = reported(1, datetime(2026, 7, 1, 5, tzinfo=UTC), **changes)
    await desk.handle([Delivery(gateway=gateway, message=message)])
    await receipted(bus, 1)
    assert await kept_incidents(database) == [(kind, 1)]
    async with database.reading() as connection:
        assert (await connection.execute(select(reported_registers))).all() == []


class Crash(Exception):
    """The process died between the store and the marks."""


async def test_a_crash_between_store_and_marks_loads_twice_and_changes_nothing(
    database: Database, store: SqlIntervalStore, clock: HandClock
) -> None:
    recorded: list[Delivery] = []

    async def dies(deliveries: Sequence[Delivery], refused: Mapping[Incident, str]) -> None:
        raise Crash

    async def lives(deliveries: Sequence[Delivery], refused: Mapping[Incident, str]) -> None:
        recorded.extend(deliveries)
        raise asyncio.CancelledError

    for record in (dies, lives):
        keeper = Keeper(database, store, clock, record)
        keeper.take([told()])
        with suppress(Crash, asyncio.CancelledError):
            await asyncio.wait_for(keeper.run(), LIMIT_S)
        assert len(await versions(store)) == 1
    assert recorded == [told()]


@pytest.mark.parametrize(
    ("delivery", "kind"),
    [
        (told(gateway=OTHER_GATEWAY), IncidentKind.FOREIGN_METER),
        (told(meter="M99999"), IncidentKind.FOREIGN_METER),
        (told(wh=range(95)), IncidentKind.IMPLAUSIBLE),
        (told(day=date(2026, 11, 1)), IncidentKind.IMPLAUSIBLE),
        (told(day=date(2026, 7, 3)), IncidentKind.IMPLAUSIBLE),
        (told(day=date(1, 1, 1)), IncidentKind.IMPLAUSIBLE),
        (told(day=date(2024, 12, 31)), IncidentKind.IMPLAUSIBLE),
        (told(wh=(-1, *range(95))), IncidentKind.IMPLAUSIBLE),
        (told(wh=(2**31, *range(95))), IncidentKind.IMPLAUSIBLE),
    ],
)
async def test_what_cannot_be_believed_is_an_incident_and_spares_its_batch(
    database: Database,
    desk: ReadDesk,
    bus: WireBus,
    store: SqlIntervalStore,
    delivery: Delivery,
    kind: IncidentKind,
) -> None:
    await desk.handle([delivery, told(2, day=DAY - timedelta(days=1))])
    async with asyncio.timeout(LIMIT_S):
        while await kept_incidents(database) != [(kind, 1)]:
            await turns()
    assert await versions(store, delivery.message.day) == []  # type: ignore[union-attr]  # told() makes intervals
    assert len(await versions(store, DAY - timedelta(days=1))) == 1


async def test_the_meter_s_word_stands_above_estimates_and_takes_nothing_away(
    desk: ReadDesk, bus: WireBus, store: SqlIntervalStore
) -> None:
    estimated = (True, *[False] * 95)
    file_day = MeterDay(
        esi_id=esi(1), day=DAY, channel=Channel.CONSUMPTION, revised_at=None, values=(5,) * 96, estimated=estimated
    )
    came = datetime(2026, 7, 1, 8, tzinfo=UTC)
    await store.load(SourceFile(name="file", sha256="0" * 64, received_at=came), lambda: iter([file_day]))
    await desk.handle([told(1, (None,) + (5,) * 95)])
    await receipted(bus, 1)
    assert len(await versions(store)) == 1
    await desk.handle([told(2, (7,) + (None,) * 95)])
    await receipted(bus, 2)
    [now] = await store.current(esi(1), DAY, DAY)
    assert now.data.values == (7,) + (5,) * 95
    assert now.data.estimated == (False,) * 96


async def test_zeros_open_no_generation_at_a_meter_that_has_none(
    desk: ReadDesk, bus: WireBus, store: SqlIntervalStore
) -> None:
    await desk.handle([told(1, (0,) * 96, Direction.RECEIVED), told(2, (0,) * 96)])
    await receipted(bus, 2)
    assert await versions(store) == [(Channel.CONSUMPTION, (0,) * 96)]


async def test_a_load_elsewhere_delays_collected_days_and_nothing_else(
    database: Database, bus: WireBus, clock: HandClock, tmp_path: Path
) -> None:
    path = tmp_path / "one-writer.db"
    opened = Database.open(f"sqlite:///{path}", 0.05)
    store = await SqlIntervalStore.opened(opened)
    desk = ReadDesk(database, bus, clock, SeededDice(3), collected=store)
    with closing(sqlite3.connect(path, isolation_level=None)) as loader:
        async with running(desk):
            loader.execute("BEGIN IMMEDIATE")
            await desk.handle([told()])
            await turns(200)
            assert await versions(store) == []
            assert not [message for _, message in published(bus) if isinstance(message, Receipt)]
            loader.execute("ROLLBACK")
            await desk.handle([told()])
            await clock.advance(PAUSE_S)
            await desk.handle([told()])
            await receipted(bus, 1)
            assert len(await versions(store)) == 1
    await opened.close()
