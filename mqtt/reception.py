"""What arrives at a bus: a bounded queue, handed over in batches, decoded, counted, acknowledged when it is done.

At the bound a message loses its content, is counted under OVERFLOW and acknowledged in its turn. It is not left
unacknowledged, for it would hold a place in the broker's window as long as the connection lives; and the connection
is read on, for the handler that is too slow may itself be waiting for the broker's answer to a publication. Nothing
that matters is lost by it: whoever sent a command repeats it until an outcome, whoever sent an outcome until a receipt.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import LinkLost
from gateway.messages import UnknownReport
from gateway.ports import Delivery, Handler, MarketDelivery, MarketHandler
from mqtt.codec import MAX_BYTES, decode, decode_market
from mqtt.refusals import Cause, Refused
from mqtt.topics import KINDS, is_of_market

log = logging.getLogger(__name__)

MAX_WAITING = 65_535
"""No more can be unacknowledged on one connection: MQTT numbers them with 16 bits."""

QUIET_TURNS = 2
"""Turns of the loop without a new message after which a batch is complete."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as the broker delivered it; mark is what its acknowledgement must name, None where none is due."""

    topic: str
    payload: bytes
    kept: bool
    mark: int | None


class Reception:
    """The way of messages from a connection to the handler. One task hands over; put is called by the connection."""

    def __init__(
        self,
        acknowledge: Callable[[int], None],
        counters: Counter[Cause],
        *,
        queue: int,
        batch: int,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Acknowledge is told the mark of each message that is done with; counters counts what is dropped."""
        self._counters = counters
        self._acknowledge = acknowledge
        self._queue = queue
        self._batch = batch
        self._max_bytes = max_bytes
        self._waiting: deque[Arrival] = deque()
        self._arrived = asyncio.Event()

    def put(self, arrival: Arrival) -> None:
        """Take one message in; never blocks and never raises."""
        if len(self._waiting) >= self._queue:
            self._refuse(Refused(Cause.OVERFLOW, f"more than {self._queue} messages wait for the handler"))
            if arrival.mark is None or len(self._waiting) >= MAX_WAITING:
                return
            arrival = Arrival("", b"", False, arrival.mark)
        self._waiting.append(arrival)
        self._arrived.set()

    async def serve(
        self, handler: Handler, greet: Callable[[], Awaitable[None]], market: MarketHandler | None = None
    ) -> None:
        """Greet, then hand over what has arrived and arrives, in order, until cancelled.

        What gateways say and what TDSPs tell go to handlers of their own; order is kept within each.
        """
        await greet()
        while True:
            await self._arrived.wait()
            await self._gather()
            batch = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
            if not self._waiting:
                self._arrived.clear()
            await self._hand_over(batch, handler, market)

    async def _gather(self) -> None:
        """Let the connection be read on while that brings more: what lies in the socket belongs into the same batch.

        The handler commits once for a batch, so that a full one costs hardly more than a message alone.
        """
        quiet = 0
        while quiet < QUIET_TURNS and len(self._waiting) < self._batch:
            before = len(self._waiting)
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(self._waiting) == before else 0

    async def _hand_over(self, batch: Sequence[Arrival], handler: Handler, market: MarketHandler | None) -> None:
        of_gateways, of_market = list[Delivery](), list[MarketDelivery]()
        for arrival in batch:
            delivery = self._decode(arrival, hears_market=market is not None)
            if isinstance(delivery, Delivery):
                of_gateways.append(delivery)
            elif delivery is not None:
                of_market.append(delivery)
        if of_gateways:
            await self._handled(handler(of_gateways), len(of_gateways))
        if of_market and market is not None:
            await self._handled(market(of_market), len(of_market))
        for arrival in batch:
            if arrival.mark is not None:
                self._acknowledge(arrival.mark)

    async def _handled(self, work: Awaitable[None], count: int) -> None:
        """Wait for a handler; what it raises is logged here, once."""
        try:
            await work
        except Exception:
            self._counters[Cause.HANDLER] += 1
            log.exception("the handler failed; %d messages count as handled", count)

    def _decode(self, arrival: Arrival, *, hears_market: bool) -> Delivery | MarketDelivery | None:
        if not arrival.topic:
            return None
        try:
            if hears_market and is_of_market(arrival.topic):
                if arrival.kept:
                    raise Refused(Cause.REPLAYED, "the broker had kept notices")
                return decode_market(arrival.topic, arrival.payload, self._max_bytes)
            delivery = decode(arrival.topic, arrival.payload, self._max_bytes)
            message = delivery.message
            if arrival.kept and (isinstance(message, UnknownReport) or not KINDS[type(message)].retained):
                raise Refused(Cause.REPLAYED, f"the broker had kept a {type(message).__name__}")
        except Refused as refused:
            self._refuse(refused)
            return None
        return delivery

    def _refuse(self, refused: Refused) -> None:
        """Count it; speak of the first of each cause only, for a flood of them must not flood the log."""
        self._counters[refused.cause] += 1
        if self._counters[refused.cause] == 1:
            log.warning("a message is dropped, others like it will be counted in silence: %s", refused)


async def until_lost(lost: asyncio.Future[str], *works: Coroutine[Any, Any, None]) -> None:
    """Do the works of a connection until it is lost or one of them fails; the others are cancelled then.

    Raises LinkLost with the reason that lost was given, or what the failed work raised.
    """
    tasks = [asyncio.create_task(work) for work in works]
    ends: set[asyncio.Future[Any]] = {lost, *tasks}
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
        raise LinkLost(lost.result())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
