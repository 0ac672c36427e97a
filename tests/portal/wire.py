"""A small real Bus in one process, and a gateway's side of the conversation for tests."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from gateway.errors import FailureReason, LinkLost
from gateway.identifiers import GatewayId, RequestId
from gateway.messages import (
    Mark,
    Message,
    OutcomeStatus,
    ReadEnded,
    ReadProgressed,
    ReadStage,
    RequestRead,
)
from gateway.ports import Bus, Delivery, Handler, MarketHandler
from gateway.reads import RegisterRead, Scale, age_of
from portal.reads.desk import ReadDesk
from portal.reads.status import ReadStatus
from tests.clock import HandClock


class WireBus:
    """Keeps what is published for the test to take, and hands over what the test lets arrive."""

    def __init__(self) -> None:
        self.published: asyncio.Queue[tuple[GatewayId, Message]] = asyncio.Queue()
        self.cut = False
        self._arriving: asyncio.Queue[list[Delivery] | None] = asyncio.Queue()
        self._connected = False

    @property
    def up(self) -> bool:
        """Whether somebody runs the bus and it is not cut."""
        return self._connected and not self.cut

    async def run(
        self,
        handler: Handler,
        greet: Callable[[], Awaitable[None]],
        last_words: tuple[GatewayId, Message] | None = None,
        market: MarketHandler | None = None,
    ) -> None:
        """Hand over what arrives until the test loses the connection."""
        self._connected = True
        try:
            await greet()
            while (batch := await self._arriving.get()) is not None:
                await handler(batch)
        finally:
            self._connected = False
        raise LinkLost("the test cut the line")

    async def publish(self, gateway: GatewayId, message: Message) -> None:
        """Keep a message for the test, unless the line is cut."""
        if self.cut:
            raise LinkLost("the test cut the line")
        self.published.put_nowait((gateway, message))

    def arrive(self, *deliveries: Delivery) -> None:
        """Let messages arrive as one batch."""
        self._arriving.put_nowait(list(deliveries))

    def lose(self) -> None:
        """End the connection."""
        self._arriving.put_nowait(None)

    async def request(self) -> RequestRead:
        """The next request that is published, within ten seconds."""
        async with asyncio.timeout(10):
            while True:
                _, message = await self.published.get()
                if isinstance(message, RequestRead):
                    return message


_: type[Bus] = WireBus


async def noted_sent(desk: ReadDesk, clock: HandClock, read_id: RequestId) -> None:
    """Wait until the desk has written down that a read was sent; the clock moves on meanwhile by tenths of a second."""
    async with asyncio.timeout(10):
        while (read := await desk.wait(read_id, 0.01, since=ReadStatus.QUEUED)) and read.status is ReadStatus.QUEUED:
            await clock.advance(0.1)


class Answers:
    """What one gateway says: outcomes numbered within its journal."""

    def __init__(self, gateway: GatewayId, clock: HandClock, journal: str = "journal-1") -> None:
        self.gateway = gateway
        self.clock = clock
        self.journal = journal
        self._seq = count(1)

    def mark(self) -> Mark:
        """The next mark."""
        return Mark(journal=self.journal, seq=next(self._seq))

    def stage(self, request: RequestRead, stage: ReadStage) -> Delivery:
        """The request reached a stage now."""
        message = ReadProgressed(id=request.id, meter=request.meter, stage=stage, at=self.clock.now())
        return Delivery(gateway=self.gateway, message=message)

    def done(
        self, request: RequestRead, delivered_wh: int | None = 12_345_678, accepted_at: datetime | None = None
    ) -> Delivery:
        """The request succeeded, accepted at an instant (now unless given)."""
        now = self.clock.now()
        read = RegisterRead(
            meter=request.meter,
            delivered_wh=delivered_wh,
            received_wh=None,
            demand_w=420,
            flags=(),
            latched_at=now,
            update_period_s=None,
            read_at=now,
            scale=Scale(unit="kWh", multiplier=1, divisor=1000, assumed=False),
            path="zigbee",
        )
        outcome = ReadEnded(
            id=request.id,
            meter=request.meter,
            status=OutcomeStatus.DONE,
            reason=None,
            detail="",
            accepted_at=accepted_at or now,
            on_air_at=accepted_at or now,
            ended_at=now,
            read=read,
            age=age_of(read, request.requested_at, 5.0),
            next_allowed_at=(accepted_at or now) + timedelta(hours=1),
            used_today=1,
            mark=self.mark(),
        )
        return Delivery(gateway=self.gateway, message=outcome)

    def failed(
        self, request: RequestRead, reason: FailureReason = FailureReason.TIMEOUT, detail: str = "no answer"
    ) -> Delivery:
        """The request failed."""
        return self._without_value(request, OutcomeStatus.FAILED, reason, detail)

    def refused(self, request: RequestRead) -> Delivery:
        """The gateway's own limit said no."""
        return self._without_value(request, OutcomeStatus.REFUSED, FailureReason.LIMIT, "read within the hour")

    def _without_value(
        self, request: RequestRead, status: OutcomeStatus, reason: FailureReason, detail: str
    ) -> Delivery:
        now = self.clock.now()
        outcome = ReadEnded(
            id=request.id,
            meter=request.meter,
            status=status,
            reason=reason,
            detail=detail,
            accepted_at=now,
            on_air_at=now,
            ended_at=now,
            read=None,
            age=None,
            next_allowed_at=now,
            used_today=0,
            mark=self.mark(),
        )
        return Delivery(gateway=self.gateway, message=outcome)


def altered(delivery: Delivery, **changes: object) -> Delivery:
    """The same delivery with other values in its message."""
    return replace(delivery, message=replace(delivery.message, **changes))  # type: ignore[arg-type]  # any message
