"""The on-demand desk: takes asks, sends them to gateways, records what comes back, and tells those who wait."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from gateway.clock import Clock
from gateway.database import Database
from gateway.dice import Dice
from gateway.errors import LinkLost
from gateway.identifiers import GatewayId, RequestId
from gateway.messages import Receipt
from gateway.ports import Bus, Delivery
from gateway.read_policy import ReadLimits
from portal.gateways.incidents import Incident
from portal.han.recording import DeviceNews
from portal.reads.ask import Answer, Ask, AskRefusal, Decided, Refused, decide_all
from portal.reads.expiry import expire, next_deadline
from portal.reads.listener import Recorded, record
from portal.reads.outbox import Outbox
from portal.reads.settings import DeskSettings
from portal.reads.shown import OnDemandRead, shown
from portal.reads.status import ReadStatus, is_open
from portal.reads.tables import reads
from portal.reads.waiting import Bells
from portal.usage.collected import Collected
from portal.usage.keeper import Keeper
from portal.usage.store import IntervalStore
from portal.viewer import Viewer
from portal.visibility import VisibleMeter

log = logging.getLogger(__name__)

SHORTEST_SWEEP_S = 0.2
"""However many reads expire, looking for them leaves time for others."""


def is_unfit(error: Exception) -> bool:
    """Whether an error says that a value cannot be kept; trouble of the database's own does not."""
    if isinstance(error, DBAPIError):
        return isinstance(error, DataError | IntegrityError)
    return isinstance(error, StatementError | OverflowError | ValueError)


_MANY = select(reads).where(reads.c.id.in_(bindparam("of_reads", expanding=True)))
_ONE = select(reads).where(reads.c.id == bindparam("of_read"))


class ReadDesk:
    """One per process, over the process's database and bus: `run` sends and sweeps, `handle` is the bus's handler."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        clock: Clock,
        dice: Dice,
        limits: ReadLimits | None = None,
        settings: DeskSettings | None = None,
        told_of_devices: Callable[[DeviceNews], None] = lambda _: None,
        collected: IntervalStore | None = None,
    ) -> None:
        """collected is where what gateways collect is kept; without it that stays with them."""
        self._database = database
        self._bus = bus
        self._clock = clock
        self._dice = dice
        self.limits = limits or ReadLimits()
        self._settings = settings or DeskSettings()
        self._outbox = Outbox(database, bus, clock, self._settings, self._tell)
        self._bells = Bells()
        self._asks: deque[tuple[Ask, asyncio.Future[Answer]]] = deque()
        self._deciding: asyncio.Task[None] | None = None
        self._receipts: dict[tuple[GatewayId, str], Receipt] = {}
        self._receipts_due = asyncio.Event()
        self._told_of_devices = told_of_devices
        self._keeper = None if collected is None else Keeper(database, collected, clock, self._record_collected)

    async def ask(self, meter: VisibleMeter, viewer: Viewer) -> Answer:
        """Ask for a read of a meter: Asked or Joined once that is committed, or Refused with its reason."""
        if not viewer.may_request_reads:
            words = "On-demand reads are for the meter's REP of record, its TDSP and its customer."
            return Refused(reason=AskRefusal.NOT_FOR_YOU, words=words)
        if self.is_busy:
            return Refused(reason=AskRefusal.BUSY, words="Too many reads are waiting. Please try again shortly.")
        read_id = RequestId(self._dice.request_id(self._clock.now()))
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asks.append((Ask(id=read_id, meter=meter, account_id=viewer.account_id), future))
        if self._deciding is None or self._deciding.done():
            self._deciding = asyncio.create_task(self._decide_asks())
        return await future

    @property
    def is_busy(self) -> bool:
        """Whether so many reads wait here that no more are taken."""
        return len(self._asks) + len(self._outbox) >= self._settings.most_waiting

    def send(self, decided: Decided) -> None:
        """Send what a transaction of somebody else's has just granted and committed."""
        self._outbox.add(decided.requests)

    async def wait(self, read_id: RequestId, timeout_s: float, since: ReadStatus | None = None) -> OnDemandRead | None:
        """The read once it has ended (or, given `since`, once its status is another), or as it is at the time-out.

        None if there is no such read. Whether somebody may see it is for the caller to ask, afterwards again.
        """
        with self._bells.listening(read_id) as changes:
            read = None if since is None and read_id in self._outbox else await self._load(read_id)
            if read is None and read_id not in self._outbox:
                return None
            try:
                async with asyncio.timeout(timeout_s):
                    while read is None or (is_open(read.status) and read.status == (since or read.status)):
                        read = await changes.get()
            except TimeoutError:
                return read or await self._load(read_id)
        return read

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """The bus's handler: returns once the batch is recorded, whatever it speaks of.

        What was collected is recorded later: its gateway has it until then.
        """
        collected = [each for each in deliveries if isinstance(each.message, Collected)]
        if collected:
            deliveries = [each for each in deliveries if not isinstance(each.message, Collected)]
            if self._keeper is not None:
                self._keeper.take(collected)
        try:
            self._tell_recorded(await self._record(deliveries))
        except Exception as error:
            if not is_unfit(error):
                raise
            log.warning("a batch of %s messages is recorded one by one", len(deliveries), exc_info=True)
            for delivery in deliveries:
                await self._handle_alone(delivery)

    async def greet(self) -> None:
        """The bus has a new connection: whatever waits is sent again at once."""
        self._outbox.hasten()

    async def run(self) -> None:
        """Send, receipt, and give up what has expired; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._outbox.run())
            tasks.create_task(self._send_receipts())
            tasks.create_task(self._sweep())
            if self._keeper is not None:
                tasks.create_task(self._keeper.run())

    async def _decide_asks(self) -> None:
        """Decide what has gathered, a group at a time; a group that fails is decided again ask by ask."""
        while self._asks:
            await asyncio.sleep(0)
            size = min(len(self._asks), self._settings.decide_at_once)
            group = [self._asks.popleft() for _ in range(size)]
            try:
                await self._decide(group)
            except Exception:  # whatever one ask caused, it alone shall hear of it
                for one in group:
                    await self._decide_alone(one)

    async def _decide(self, group: Sequence[tuple[Ask, asyncio.Future[Answer]]]) -> None:
        job = partial(
            decide_all,
            asks=[ask for ask, _ in group],
            clock=self._clock,
            limits=self.limits,
            one_in_flight=self._settings.one_in_flight,
        )
        decided = await self._database.write(job)
        self._outbox.add(decided.requests)
        for (_, future), answer in zip(group, decided.answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def _decide_alone(self, one: tuple[Ask, asyncio.Future[Answer]]) -> None:
        try:
            await self._decide([one])
        except Exception as error:  # handed to whoever asked
            if not one[1].done():
                one[1].set_exception(error)

    async def _record_collected(self, deliveries: Sequence[Delivery], refused: Mapping[Incident, str]) -> None:
        self._tell_recorded(await self._record(deliveries, refused))

    async def _record(
        self, deliveries: Sequence[Delivery], refused: Mapping[Incident, str] = MappingProxyType({})
    ) -> Recorded:
        job = partial(
            record,
            deliveries=deliveries,
            now=self._clock.now(),
            most_incidents=self._settings.most_incidents,
            sent_at=self._outbox.sent_at,
            refused=refused,
        )
        return await self._database.write(job)

    async def _handle_alone(self, delivery: Delivery) -> None:
        try:
            self._tell_recorded(await self._record([delivery]))
        except Exception as error:
            if not is_unfit(error):
                raise
            log.exception("a message of gateway %s cannot be recorded and is dropped", delivery.gateway)

    def _tell_recorded(self, recorded: Recorded) -> None:
        self._tell_rows(recorded.rows.values())
        self._told_of_devices(recorded.devices)
        if not self._settings.receipts:
            return
        for gateway, marks in recorded.marks.items():
            for mark in marks:
                self._receipts[gateway, mark.journal] = Receipt(mark=mark)
        if recorded.marks:
            self._receipts_due.set()

    async def _tell(self, read_ids: Sequence[RequestId]) -> None:
        """Ring for reads whose rows have to be looked up."""
        awaited = [read_id for read_id in read_ids if read_id in self._bells]
        if awaited:
            async with self._database.reading() as connection:
                rows = (await connection.execute(_MANY, {"of_reads": awaited})).mappings().all()
            self._tell_rows(dict(row) for row in rows)

    def _tell_rows(self, rows: Iterable[dict[str, Any]]) -> None:
        ended = []
        for row in rows:
            if not is_open(row["status"]):
                ended.append(row["id"])
            if row["id"] in self._bells:
                self._bells.ring(shown(row))
        self._outbox.settle(ended)

    async def _send_receipts(self) -> None:
        """Publish the newest receipt per journal; one that is lost comes with the gateway's next repetition."""
        while True:
            await self._receipts_due.wait()
            self._receipts_due.clear()
            due, self._receipts = self._receipts, {}
            for (gateway, _), receipt in due.items():
                try:
                    async with asyncio.timeout(self._settings.publish_timeout_s):
                        await self._bus.publish(gateway, receipt)
                except (LinkLost, TimeoutError):
                    log.debug("a receipt for gateway %s was not sent", gateway)

    async def _sweep(self) -> None:
        """Fail what has expired, make outbox and table agree now and then, and sleep until the next deadline."""
        grace = timedelta(seconds=self._settings.grace_s)
        reconcile_at_s = self._clock.monotonic()
        while True:
            rows = await self._database.write(partial(expire, now=self._clock.now(), grace_s=self._settings.grace_s))
            self._tell_rows(rows.values())
            if self._clock.monotonic() >= reconcile_at_s:
                await self._tell(await self._outbox.reconcile())
                reconcile_at_s = self._clock.monotonic() + self._settings.sweep_s
            async with self._database.reading() as connection:
                deadline = await next_deadline(connection)
            pause_s = min(self._settings.sweep_s, self.limits.deadline_s + self._settings.grace_s)
            if deadline is not None:
                pause_s = min(pause_s, (deadline + grace - self._clock.now()).total_seconds() + 0.001)
            await self._clock.sleep(max(pause_s, SHORTEST_SWEEP_S))

    async def _load(self, read_id: RequestId) -> OnDemandRead | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(_ONE, {"of_read": read_id})).mappings().one_or_none()
        return None if row is None else shown(dict(row))
