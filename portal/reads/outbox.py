"""Telling gateways of reads: sent when committed, sent again with growing pauses until the read ends.

The table is the record, this the memory of it: a request leaves both when a result or the deadline ends the read.
Requests are idempotent at the gateway, so sending one too often costs a message and nothing else.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import bindparam, case, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.database import Database
from gateway.errors import LinkLost
from gateway.identifiers import GatewayId, RequestId
from gateway.messages import RequestRead
from gateway.ports import Bus
from portal.reads.settings import DeskSettings
from portal.reads.status import ReadStatus
from portal.reads.tables import read_outbox, reads

log = logging.getLogger(__name__)

BATCHES_AT_ONCE = 4
"""How many batches may wait for the broker's acknowledgements at the same time."""
NOTE_SENT_S = 0.05
"""How long a sent request's time may wait to be written down with others'."""

_KEPT = select(reads.c.id, reads.c.gateway, reads.c.meter, reads.c.esi_id, reads.c.asked_at, reads.c.deadline_at).join(
    read_outbox, read_outbox.c.read_id == reads.c.id
)
_SENT = (
    update(reads)
    .where(reads.c.id == bindparam("of_read"), reads.c.sent_at.is_(None))
    .values(
        sent_at=bindparam("at", type_=reads.c.sent_at.type),
        status=case((reads.c.status == ReadStatus.QUEUED, ReadStatus.SENT), else_=reads.c.status),
    )
)
_FORGET = delete(read_outbox).where(read_outbox.c.read_id == bindparam("of_read"))


@dataclass(slots=True)
class _Pending:
    """A request that has not ended: when it is due again, and after which pause once more."""

    gateway: GatewayId
    request: RequestRead
    due_s: float
    pause_s: float
    queued: bool = False
    sent_at: datetime | None = None
    noted: bool = False


class Outbox:
    """Sends requests and remembers which still wait for their end."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        clock: Clock,
        settings: DeskSettings,
        told_sent: Callable[[Sequence[RequestId]], Awaitable[None]],
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._settings = settings
        self._told_sent = told_sent
        self._pending: dict[RequestId, _Pending] = {}
        self._ready: deque[_Pending] = deque()
        self._wake = asyncio.Event()
        self._some = asyncio.Event()
        self._acknowledged: list[_Pending] = []
        self._some_sent = asyncio.Event()

    def __contains__(self, read_id: RequestId) -> bool:
        return read_id in self._pending

    def sent_at(self, read_id: RequestId) -> datetime | None:
        """When this process first handed a request to the broker, None if it has not or the read has ended."""
        waiting = self._pending.get(read_id)
        return None if waiting is None else waiting.sent_at

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, requests: Iterable[tuple[GatewayId, RequestRead]]) -> None:
        """Take requests that were just committed and send them at the next turn of the loop."""
        now_s = self._clock.monotonic()
        for gateway, request in requests:
            if request.id not in self._pending:
                waiting = _Pending(gateway, request, now_s, self._settings.resend_first_s)
                self._pending[request.id] = waiting
                self._queue(waiting)

    def settle(self, read_ids: Iterable[RequestId]) -> None:
        """Forget requests whose reads have ended."""
        for read_id in read_ids:
            self._pending.pop(read_id, None)
        if not self._pending:
            self._some.clear()

    def hasten(self) -> None:
        """Send everything that waits: the connection is new, and nobody knows what the old one lost."""
        for waiting in self._pending.values():
            self._queue(waiting)

    async def reconcile(self) -> list[RequestId]:
        """Make memory and table agree: take what a crash or a sibling left there, forget what has left it.

        Returns what was forgotten: reads that ended without this process hearing of it.
        """
        remembered = list(self._pending)
        async with self._database.reading() as connection:
            rows = (await connection.execute(_KEPT)).all()
        kept = {row.id for row in rows}
        gone = [read_id for read_id in remembered if read_id not in kept and read_id in self._pending]
        self.settle(gone)
        self.add((row.gateway, _request_of(row)) for row in rows)
        return gone

    async def run(self) -> None:
        """Send what is ready, and make ready what is due again; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_ready())
            tasks.create_task(self._note_sent())
            tasks.create_task(self._resend_due())

    def _queue(self, waiting: _Pending) -> None:
        if not waiting.queued:
            waiting.queued = True
            self._ready.append(waiting)
            self._wake.set()
            self._some.set()

    async def _send_ready(self) -> None:
        places = asyncio.Semaphore(BATCHES_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._ready:
                    await places.acquire()
                    size = min(len(self._ready), self._settings.publish_at_once)
                    sending = tasks.create_task(self._send([self._ready.popleft() for _ in range(size)]))
                    sending.add_done_callback(lambda _: places.release())

    async def _send(self, batch: Sequence[_Pending]) -> None:
        now = self._clock.now()
        for waiting in batch:
            waiting.queued = False
        wanted = [w for w in batch if w.request.id in self._pending and w.request.deadline_at > now]
        for waiting in wanted:
            waiting.sent_at = waiting.sent_at or now
        arrived = await asyncio.gather(*(self._publish(waiting) for waiting in wanted))
        self._acknowledged += [waiting for waiting, ok in zip(wanted, arrived, strict=True) if ok and not waiting.noted]
        if self._acknowledged:
            self._some_sent.set()

    async def _publish(self, waiting: _Pending) -> bool:
        """Whether the broker has it; in any case it is due again after its pause."""
        waiting.due_s = self._clock.monotonic() + waiting.pause_s
        waiting.pause_s = min(waiting.pause_s * 2, self._settings.resend_last_s)
        try:
            async with asyncio.timeout(self._settings.publish_timeout_s):
                await self._bus.publish(waiting.gateway, waiting.request)
        except (LinkLost, TimeoutError):
            return False
        return True

    async def _note_sent(self) -> None:
        """Write down when requests were sent, a moment's worth at a time; reads that have ended by then know it."""
        while True:
            await self._some_sent.wait()
            await self._clock.sleep(NOTE_SENT_S)
            self._some_sent.clear()
            acknowledged, self._acknowledged = self._acknowledged, []
            sent = {w.request.id: w.sent_at for w in acknowledged if w.request.id in self._pending and not w.noted}
            for waiting in acknowledged:
                waiting.noted = True
            if sent:
                await self._database.write(partial(self._keep_sent, sent=sent))
                if not self._settings.outbox_until_result:
                    self.settle(sent)
                await self._told_sent(list(sent))

    async def _keep_sent(self, connection: AsyncConnection, sent: dict[RequestId, datetime | None]) -> None:
        await connection.execute(_SENT, [{"of_read": read_id, "at": at} for read_id, at in sorted(sent.items())])
        if not self._settings.outbox_until_result:
            await connection.execute(_FORGET, [{"of_read": read_id} for read_id in sent])

    async def _resend_due(self) -> None:
        while True:
            await self._some.wait()
            await self._clock.sleep(self._settings.resend_first_s)
            now_s = self._clock.monotonic()
            for waiting in self._pending.values():
                if waiting.due_s <= now_s:
                    self._queue(waiting)


def _request_of(row: Any) -> RequestRead:
    return RequestRead(
        id=row.id, meter=row.meter, esi_id=row.esi_id, requested_at=row.asked_at, deadline_at=row.deadline_at
    )
