"""The bus in one process: the same topics, bytes, limits and counters as over a broker, without a network.

For tests, laboratories and simulations: its weather loses, repeats and delays messages by one seed's dice, and its
links can be cut and its broker stopped as their real counterparts would fail.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.clock import Clock
from gateway.dice import Dice
from gateway.errors import LinkLost
from gateway.identifiers import GatewayId
from gateway.messages import Message
from gateway.ports import Handler, MarketHandler
from mqtt.codec import MAX_BYTES, stamped
from mqtt.reception import MAX_WAITING, Arrival, Reception, until_lost
from mqtt.refusals import Cause
from mqtt.topics import KINDS, format_topic, may_read, may_write


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What befalls a message between broker and receiver; shares are between 0 and 1, delays in seconds.

    unconfirmed is the share of publications that the broker has though their sender is told LinkLost and loses its
    link with it. Order is kept: a delayed message delays those behind it on the same link.
    """

    lost: float = 0.0
    repeated: float = 0.0
    unconfirmed: float = 0.0
    delay_s: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The same bounds as MqttBus.Settings has."""

    queue: int = 10_000
    batch: int = 64
    max_message_bytes: int = MAX_BYTES


class MemoryBroker:
    """Topics, retained messages, last wills and links, kept in memory; at most one link for each bus."""

    def __init__(self, clock: Clock, dice: Dice, weather: Weather | None = None) -> None:
        self.weather = weather or Weather()
        self.unacknowledged: Counter[GatewayId | None] = Counter()
        """How many messages each party was given and has not acknowledged."""
        self.up = True
        self._clock = clock
        self._roll = dice.stream("memory broker")
        self._retained: dict[str, bytes] = {}
        self._links: list[_Link] = []

    def stop(self) -> None:
        """Crash: every link is lost, nothing is remembered, until start."""
        self.up = False
        self._retained.clear()
        for link in self._links:
            link.lose("the broker stopped")
        self._links.clear()

    def start(self) -> None:
        """Serve again after stop."""
        self.up = True

    def cut(self, party: GatewayId | None) -> None:
        """Lose the links of a party (None: of all portals) as if their process had died; last wills are published."""
        for link in [link for link in self._links if link.party == party]:
            self.drop(link, "the link was cut")

    def drop(self, link: "_Link", reason: str) -> None:
        """Lose one link abruptly and publish its last will."""
        self.detach(link)
        link.lose(reason)
        if link.will:
            self.accept(*link.will)

    def accept(self, topic: str, payload: bytes, retained: bool) -> None:
        """Route a publication to everyone who may read it, and keep it if it is retained (an empty one clears)."""
        if retained and payload:
            self._retained[topic] = payload
        elif retained:
            self._retained.pop(topic, None)
        for link in self._links:
            if may_read(link.party, topic):
                self._forward(link, topic, payload)

    def confirms(self) -> bool:
        """Whether the sender of a publication learns that the broker has it."""
        return self._roll.random() >= self.weather.unconfirmed

    def attach(self, link: "_Link") -> None:
        """Open a link; retained messages are the first that it carries. Raises LinkLost if the broker is stopped."""
        if not self.up:
            raise LinkLost("the broker is stopped")
        self._links.append(link)
        for topic, payload in self._retained.items():
            if may_read(link.party, topic):
                link.carry(Arrival(topic, payload, True, self._mark(link)), self._due())

    def detach(self, link: "_Link") -> None:
        """Close a link in order: no last will."""
        if link in self._links:
            self._links.remove(link)
        self.unacknowledged.pop(link.party, None)

    def _forward(self, link: "_Link", topic: str, payload: bytes) -> None:
        if self._roll.random() < self.weather.lost:
            return
        for _ in range(2 if self._roll.random() < self.weather.repeated else 1):
            link.carry(Arrival(topic, payload, False, self._mark(link)), self._due())

    def _mark(self, link: "_Link") -> int:
        self.unacknowledged[link.party] += 1
        return 1

    def _due(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._roll.uniform(*self.weather.delay_s))


class _Link:
    """One open connection: a first-in first-out line with due times, and the reason for which it ended."""

    def __init__(self, party: GatewayId | None, will: tuple[str, bytes, bool] | None) -> None:
        self.party = party
        self.will = will
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._line: deque[tuple[Arrival, datetime]] = deque()
        self._carried = asyncio.Event()

    def lose(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)

    def carry(self, arrival: Arrival, due: datetime) -> None:
        if len(self._line) < MAX_WAITING:
            self._line.append((arrival, due))
            self._carried.set()

    async def deliver(self, reception: Reception, clock: Clock) -> None:
        """Hand arrivals to the reception when they are due, until cancelled."""
        while True:
            await self._carried.wait()
            arrival, due = self._line.popleft()
            if not self._line:
                self._carried.clear()
            wait_s = (due - clock.now()).total_seconds()
            if wait_s > 0:
                await clock.sleep(wait_s)
            reception.put(arrival)


class MemoryBus:
    """gateway.ports.Bus through a MemoryBroker; party is the gateway that it serves, None for a portal."""

    def __init__(
        self, broker: MemoryBroker, party: GatewayId | None, clock: Clock, dice: Dice, limits: Limits | None = None
    ) -> None:
        self._broker = broker
        self._party = party
        self._clock = clock
        self._dice = dice
        self._limits = limits or Limits()
        self._link: _Link | None = None
        self._counters: Counter[Cause] = Counter()

    @property
    def up(self) -> bool:
        """Whether a link is open."""
        return self._link is not None and not self._link.lost.done()

    @property
    def counters(self) -> Mapping[Cause, int]:
        """How many messages were dropped since the start, by cause."""
        return self._counters

    async def run(
        self,
        handler: Handler,
        greet: Callable[[], Awaitable[None]],
        last_words: tuple[GatewayId, Message] | None = None,
        market: MarketHandler | None = None,
    ) -> None:
        """Live through one connection, as gateway.ports.Bus says. Raises LinkLost when it ends."""
        assert self._link is None, "a bus lives through one connection at a time"
        limits = self._limits
        reception = Reception(
            self._acknowledge,
            self._counters,
            queue=limits.queue,
            batch=limits.batch,
            max_bytes=limits.max_message_bytes,
        )
        link = _Link(self._party, self._publication(*last_words) if last_words else None)
        self._broker.attach(link)
        self._link = link

        try:
            await until_lost(link.lost, reception.serve(handler, greet, market), link.deliver(reception, self._clock))
        finally:
            self._link = None
            self._broker.detach(link)

    async def publish(self, gateway: GatewayId, message: Message) -> None:
        """Send a message to or from that gateway. Raises LinkLost, or BadMessage as MqttBus does."""
        topic, payload, retained = self._publication(gateway, message)
        if not may_write(self._party, topic):
            raise ValueError(f"{self._party or 'a portal'} does not write {topic}")
        link = self._link
        if link is None or link.lost.done():
            raise LinkLost("there is no connection to the broker")
        self._broker.accept(topic, payload, retained)
        await self._clock.sleep(0)
        if not self._broker.confirms():
            self._broker.drop(link, "the broker did not acknowledge in time")
        if link.lost.done():
            raise LinkLost(link.lost.result())

    def _publication(self, gateway: GatewayId, message: Message) -> tuple[str, bytes, bool]:
        kind = KINDS[type(message)]
        return format_topic(gateway, kind), stamped(message, self._clock, self._dice), kind.retained

    def _acknowledge(self, mark: int) -> None:
        self._broker.unacknowledged[self._party] -= mark
