"""The places where the bus contract must hold: in memory, over the embedded broker, over Mosquitto."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import aiomqtt

from gateway.clock import SystemClock
from gateway.config import Credentials, Secret
from gateway.dice import SystemDice
from gateway.errors import LinkLost
from gateway.identifiers import GatewayId
from gateway.messages import Message, UnknownReport
from gateway.ports import Bus, Delivery, Handler
from mqtt.broker import BrokerSettings, EmbeddedBroker
from mqtt.client import MqttBus
from mqtt.memory import Limits, MemoryBroker, MemoryBus
from mqtt.refusals import Cause
from tests.servers import Mosquitto, Proxy, private_mosquitto

DEADLINE_S = 15.0
USERS = {"portal": "portal-word", "gw-1": "word-1", "gw-2": "word-2"}
ONE, TWO = GatewayId("gw-1"), GatewayId("gw-2")
CLOCK, DICE = SystemClock(), SystemDice()


class CountingBus(Bus, Protocol):
    """A bus that says what it dropped."""

    @property
    def counters(self) -> Mapping[Cause, int]: ...


class Party:
    """A bus at work in the background, with everything that it was given."""

    def __init__(self, bus: CountingBus, handler: Handler | None = None) -> None:
        self.bus = bus
        self.received: list[Delivery] = []
        self.batches: list[int] = []
        self._handler = handler
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def begin(
        self,
        greet: Callable[[], Awaitable[None]] | None = None,
        last_words: tuple[GatewayId, Message] | None = None,
    ) -> None:
        """Run the bus; returns when it has greeted."""
        greeted = asyncio.Event()

        async def greeting() -> None:
            if greet:
                await greet()
            greeted.set()

        self._task = asyncio.create_task(self.bus.run(self.take, greeting, last_words))
        waiting = asyncio.create_task(greeted.wait())
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            self._task.result()

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        if self._handler:
            await self._handler(deliveries)
        self.batches.append(len(deliveries))
        self.received += deliveries
        async with self._changed:
            self._changed.notify_all()

    async def until(self, count: int) -> list[Message]:
        """The messages received, once there are so many."""
        async with asyncio.timeout(DEADLINE_S), self._changed:
            await self._changed.wait_for(lambda: len(self.received) >= count)
        return [one.message for one in self.received if not isinstance(one.message, UnknownReport)]

    async def trouble(self) -> LinkLost:
        """The LinkLost with which the run ended."""
        assert self._task is not None
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._task
        except LinkLost as lost:
            return lost
        raise AssertionError("the run ended without LinkLost")

    async def end(self) -> None:
        """Cancel the run and wait for its end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


class Place(Protocol):
    """A broker with what tests need to see and to break."""

    real: bool

    def bus(self, party: GatewayId | None, **limits: Any) -> CountingBus:
        """A bus for a party; limits are queue, batch, max_message_bytes."""
        ...

    async def inject(self, topic: str, payload: bytes, *, retained: bool = False, qos: int = 1) -> None:
        """Publish raw bytes as whoever may write that topic."""
        ...

    def acknowledged(self, party: GatewayId | None, given: int) -> int:
        """How many messages the party has acknowledged of those it was given."""
        ...

    async def until_acknowledged(self, party: GatewayId | None, given: int) -> None:
        """Return when the party has acknowledged all that it was given; in memory it must have done so already."""
        ...

    def cut(self, party: GatewayId | None) -> None:
        """Lose a party's connection abruptly."""
        ...

    async def crash(self) -> None:
        """End the broker at once."""
        ...

    async def restart(self) -> None:
        """Let the broker serve again, at the same address."""
        ...


class MemoryPlace:
    """Everything in this process."""

    real = False

    def __init__(self) -> None:
        self.broker = MemoryBroker(CLOCK, DICE)

    def bus(self, party: GatewayId | None, **limits: Any) -> CountingBus:
        return MemoryBus(self.broker, party, CLOCK, DICE, Limits(**limits))

    async def inject(self, topic: str, payload: bytes, *, retained: bool = False, qos: int = 1) -> None:
        self.broker.accept(topic, payload, retained)

    def acknowledged(self, party: GatewayId | None, given: int) -> int:
        return given - self.broker.unacknowledged[party]

    async def until_acknowledged(self, party: GatewayId | None, given: int) -> None:
        assert self.acknowledged(party, given) == given

    def cut(self, party: GatewayId | None) -> None:
        self.broker.cut(party)

    async def crash(self) -> None:
        self.broker.stop()

    async def restart(self) -> None:
        self.broker.start()


class BrokerPlace:
    """A broker behind one proxy for each party."""

    real = True

    def __init__(self, broker: EmbeddedBroker | Mosquitto) -> None:
        self.broker = broker
        self.proxies: dict[GatewayId | None, Proxy] = {}

    async def open(self) -> None:
        for party in (None, ONE, TWO):
            self.proxies[party] = Proxy(self.broker.port)
            await self.proxies[party].start()

    async def close(self) -> None:
        for proxy in self.proxies.values():
            await proxy.stop()

    def bus(self, party: GatewayId | None, *, password: str | None = None, **limits: Any) -> CountingBus:
        name = party or "portal"
        os.environ[f"WORD_{name}"] = password or USERS[name]
        credentials = Credentials(username=name, password=Secret(env=f"WORD_{name}"))
        settings = MqttBus.Settings(port=self.proxies[party].port, **limits)
        return MqttBus(settings, credentials, party, CLOCK, DICE)

    def raw(self, name: str, **options: Any) -> aiomqtt.Client:
        """A bare client under a user's name, past the proxy."""
        return aiomqtt.Client(
            "127.0.0.1",
            self.broker.port,
            username=name,
            password=USERS[name],
            identifier=name if name != "portal" else "portal-raw",
            **options,
        )

    async def inject(self, topic: str, payload: bytes, *, retained: bool = False, qos: int = 1) -> None:
        name = topic.split("/")[3] if "/up/" in topic else "portal"
        async with self.raw(name) as client:
            await client.publish(topic, payload, qos=qos, retain=retained)

    def acknowledged(self, party: GatewayId | None, given: int) -> int:
        return self.proxies[party].acknowledgements

    async def until_acknowledged(self, party: GatewayId | None, given: int) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await self.proxies[party].until_acknowledged(given)

    def cut(self, party: GatewayId | None) -> None:
        self.proxies[party].cut()

    async def crash(self) -> None:
        if isinstance(self.broker, Mosquitto):
            await self.broker.kill()
        else:
            await self.broker.stop()

    async def restart(self) -> None:
        await self.broker.start()


@asynccontextmanager
async def embedded() -> AsyncIterator[BrokerPlace]:
    """The embedded broker on a free port."""
    for name, word in USERS.items():
        os.environ[f"WORD_{name}"] = word
    broker = EmbeddedBroker(BrokerSettings(port=0, users={name: Secret(env=f"WORD_{name}") for name in USERS}))
    await broker.start()
    place = BrokerPlace(broker)
    await place.open()
    try:
        yield place
    finally:
        await place.close()
        await broker.stop()


@asynccontextmanager
async def mosquitto(folder: Path) -> AsyncIterator[BrokerPlace]:
    """A private Mosquitto; client ids are free, so that raw clients stand beside the buses."""
    async with private_mosquitto(folder, USERS, username_as_clientid=False) as broker:
        place = BrokerPlace(broker)
        await place.open()
        try:
            yield place
        finally:
            await place.close()
