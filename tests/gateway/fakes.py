"""Small real parts for tests of the gateway: a driver over a dictionary, and a bus that writes everything down."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from gateway.clock import Clock
from gateway.database import Database
from gateway.errors import LinkLost, Unreachable
from gateway.identifiers import EsiId, GatewayId, MeterNumber, RequestId
from gateway.journal import SqlJournal
from gateway.journal.collected import SqlCollectionJournal
from gateway.journal.devices import DeviceBook
from gateway.journal.meters import MeterBook
from gateway.messages import Message, ReadEnded, RequestRead
from gateway.ports import Assignment, Handler, HomeNetwork, LoadProfileSource, MarketHandler, RegisterReporting
from gateway.reads import RegisterRead, Scale

M = TypeVar("M")
GATEWAY = GatewayId("gw-test")
METER = MeterNumber("900000116")
OTHER = MeterNumber("900000117")
ESI_ID = EsiId("10443720000000116")
KILOWATT_HOURS = Scale(unit="kWh", multiplier=1, divisor=1000, assumed=False)


def request(number: int, at: datetime, meter: MeterNumber = METER, deadline_s: float = 120) -> RequestRead:
    """A request whose id is its number."""
    return RequestRead(
        id=RequestId(f"00000000-0000-7000-8000-{number:012x}"),
        meter=meter,
        esi_id=ESI_ID,
        requested_at=at,
        deadline_at=at + timedelta(seconds=deadline_s),
    )


def register_read(meter: MeterNumber, at: datetime, latched_at: datetime | None, wh: int = 1000) -> RegisterRead:
    """A plausible read of a meter."""
    return RegisterRead(
        meter=meter,
        delivered_wh=wh,
        received_wh=None,
        demand_w=250,
        flags=(),
        latched_at=latched_at,
        update_period_s=None,
        read_at=at,
        scale=KILOWATT_HOURS,
        path="dictionary",
    )


def assignments(*meters: MeterNumber) -> dict[MeterNumber, Assignment]:
    """Those meters, all on the driver named desk."""
    return {meter: Assignment(meter=meter, driver="desk", address=meter) for meter in meters}


@dataclass
class Shelves:
    """A gateway's journal and books over one database."""

    journal: SqlJournal
    devices: DeviceBook
    meters: MeterBook
    collected: SqlCollectionJournal


@asynccontextmanager
async def shelves(folder: Path, name: str = "journal-1") -> AsyncIterator[Shelves]:
    """A gateway's database in a folder, open as long as the block lasts; what is there is kept."""
    database = Database.open(f"sqlite:///{folder}/gateway.db")
    try:
        yield Shelves(
            await SqlJournal.opened(database, name),
            DeviceBook(database),
            MeterBook(database),
            SqlCollectionJournal(database),
        )
    finally:
        await database.close()


@dataclass
class DictionaryDriver:
    """A driver whose meters take a set time; a lag makes a meter's snapshot old, silence makes it unreachable."""

    clock: Clock
    takes_s: float = 0.05
    lag_s: dict[MeterNumber, float] = field(default_factory=dict)
    no_snapshot: set[MeterNumber] = field(default_factory=set)
    silent: set[MeterNumber] = field(default_factory=set)
    invalid: set[MeterNumber] = field(default_factory=set)
    broken: bool = False
    executed: list[MeterNumber] = field(default_factory=list)
    up: bool = False
    lives: int = 0
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    home: HomeNetwork | None = None
    profiles: LoadProfileSource | None = None
    reporting: RegisterReporting | None = None

    async def run(self) -> None:
        """Up until somebody sets `lost`."""
        self.up, self.lives = True, self.lives + 1
        try:
            await self.lost.wait()
        finally:
            self.up = False
        self.lost.clear()
        raise LinkLost("pulled")

    async def read(self, assignment: Assignment, timeout_s: float) -> RegisterRead:
        """Answer after takes_s with registers that advance by one watt-hour a read."""
        self.executed.append(assignment.meter)
        if self.broken:
            raise ZeroDivisionError("a driver's own mistake")
        if assignment.meter in self.silent:
            await asyncio.sleep(timeout_s)
            raise Unreachable("no answer")
        await asyncio.sleep(self.takes_s)
        now = self.clock.now()
        latched_at = now - timedelta(seconds=self.lag_s.get(assignment.meter, 0))
        read = register_read(assignment.meter, now, None if assignment.meter in self.no_snapshot else latched_at)
        return replace(read, delivered_wh=None) if assignment.meter in self.invalid else read


@dataclass
class NotebookBus:
    """A bus that keeps what is published; `deaf` makes publishing fail as a lost link does, `stalled` makes it wait."""

    published: list[Message] = field(default_factory=list)
    up: bool = False
    deaf: bool = False
    stalled: asyncio.Event | None = None
    handler: Handler | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(
        self,
        handler: Handler,
        greet: Callable[[], Awaitable[None]],
        last_words: tuple[GatewayId, Message] | None = None,
        market: MarketHandler | None = None,
    ) -> None:
        """Connected until cancelled."""
        self.up, self.handler = True, handler
        await greet()
        try:
            await asyncio.Event().wait()
        finally:
            self.up = False

    async def publish(self, gateway: GatewayId, message: Message) -> None:
        """Write it down."""
        if self.deaf:
            raise LinkLost("deaf")
        if self.stalled is not None:
            await self.stalled.wait()
        self.published.append(message)
        self.changed.set()

    @property
    def outcomes(self) -> list[ReadEnded]:
        """The outcomes of reads told so far, repetitions included."""
        return self.told(ReadEnded)

    async def until(self, outcomes: int) -> list[ReadEnded]:
        """The outcomes of reads, once there are that many."""
        return await self.until_told(ReadEnded, outcomes)

    def told(self, kind: type[M]) -> list[M]:
        """What was published of a kind, repetitions included."""
        return [message for message in self.published if isinstance(message, kind)]

    async def until_told(self, kind: type[M], count: int) -> list[M]:
        """What was published of a kind, once there is that much."""
        async with asyncio.timeout(600):
            while len(self.told(kind)) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.told(kind)
