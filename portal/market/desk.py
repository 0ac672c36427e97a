"""The market desk: takes notices from the bus, the API and files, and lets each take effect at its instant."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.database import Database
from gateway.dice import Dice
from gateway.identifiers import Duns, GatewayId, RequestId
from gateway.market_notices import MarketNotice
from gateway.messages import Command
from gateway.ports import MarketDelivery
from portal.market.consequences import Acts
from portal.market.feed import NoticeOutcome, Sender, find_sender, next_effect, take, take_effect
from portal.market.settings import MarketSettings
from portal.market.tables import NoticeSource

log = logging.getLogger(__name__)

SHORTEST_SWEEP_S = 0.2
T = TypeVar("T")
Sent = Sequence[tuple[GatewayId, Command]]


class MarketDesk:
    """One per process, over the process's database: `handle` is the bus's, `run` lets notices take effect."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        dice: Dice,
        settings: MarketSettings | None = None,
        send: Callable[[Sent], None] = lambda _: None,
    ) -> None:
        """send is handed commands to gateways once they are committed; where nobody sends, a portal finds them."""
        self._database = database
        self._clock = clock
        self._dice = dice
        self._settings = settings or MarketSettings()
        self._send = send

    async def take(self, sender: Sender, notices: Sequence[MarketNotice], source: NoticeSource) -> list[NoticeOutcome]:
        """Apply a TDSP's notices, some at a time; returns what had become of each when it was committed."""
        outcomes: list[NoticeOutcome] = []
        for start in range(0, len(notices), self._settings.notices_at_once):
            some = notices[start : start + self._settings.notices_at_once]
            outcomes += await self._act(partial(self._take, sender, some, source))
        return outcomes

    async def _take(
        self,
        sender: Sender,
        notices: Sequence[MarketNotice],
        source: NoticeSource,
        connection: AsyncConnection,
        acts: Acts,
    ) -> list[NoticeOutcome]:
        return await take(connection, sender, notices, source, self._settings, acts)

    async def handle(self, deliveries: Sequence[MarketDelivery]) -> None:
        """The bus's handler: returns once the batch is committed. Notices of nobody's DUNS number are dropped."""
        for delivery in deliveries:
            sender = await self.sender(delivery.tdsp)
            if sender is None:
                log.warning("notices came under the DUNS number %s, which no TDSP has", delivery.tdsp)
                continue
            outcomes = await self.take(sender, delivery.message.notices, NoticeSource.MESSAGE)
            refused = [outcome for outcome in outcomes if outcome.reason is not None]
            if refused:
                counts, first = (len(refused), len(outcomes)), refused[0]
                words = "TDSP %s: %s of %s notices refused, the first is %s: %s"
                log.warning(words, delivery.tdsp, *counts, first.id, first.words)

    async def sender(self, tdsp: Duns) -> Sender | None:
        """The TDSP that has a DUNS number."""
        async with self._database.reading() as connection:
            return await find_sender(connection, tdsp)

    async def take_effect(self) -> int:
        """Bring about what is due now, some notices at a time; returns how many took effect."""
        most = self._settings.premises_at_once
        return await self._act(lambda connection, acts: take_effect(connection, most, acts))

    async def run(self) -> None:
        """Let notices take effect at their instants, until cancelled."""
        most = self._settings.premises_at_once
        while True:
            count = await self.take_effect()
            async with self._database.reading() as connection:
                at = await next_effect(connection)
            pause_s = self._settings.sweep_s if count < most else SHORTEST_SWEEP_S
            if at is not None:
                pause_s = min(pause_s, (at - self._clock.now()).total_seconds() + 0.001)
            await self._clock.sleep(max(pause_s, SHORTEST_SWEEP_S))

    async def _act(self, job: Callable[[AsyncConnection, Acts], Awaitable[T]]) -> T:
        """Do something in a transaction, and send what it asks of gateways once that is committed."""

        async def work(connection: AsyncConnection) -> tuple[T, Acts]:
            now = self._clock.now()
            acts = Acts(
                now=now,
                new_id=lambda: RequestId(self._dice.request_id(now)),
                patience=timedelta(days=self._settings.removal_days),
            )
            return await job(connection, acts), acts

        try:
            value, acts = await self._database.write(work)
        except IntegrityError:
            # Another TDSP's notice hung the same number up, or created the same ESI ID, in between: decide again.
            value, acts = await self._database.write(work)
        if acts.sent:
            self._send(acts.sent)
        return value
