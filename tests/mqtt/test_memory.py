"""The bus in one process under bad weather: what is lost, repeated and delayed follows one seed."""

import asyncio

import pytest

from gateway.dice import SeededDice
from gateway.errors import LinkLost
from gateway.messages import Receipt
from mqtt.memory import MemoryBroker, MemoryBus, Weather
from tests.mqtt.places import CLOCK, DICE, ONE, Party
from tests.mqtt.samples import receipt, state


async def seen(weather: Weather, seed: int, count: int = 200) -> list[int]:
    """The numbers that a gateway sees of so many that the portal sends."""
    broker = MemoryBroker(CLOCK, SeededDice(seed), weather)
    portal, gateway = (Party(MemoryBus(broker, party, CLOCK, DICE)) for party in (None, ONE))
    await portal.begin()
    await gateway.begin()
    for seq in range(count):
        await portal.bus.publish(ONE, receipt(seq))
    broker.weather = Weather()
    await portal.bus.publish(ONE, receipt(-1))
    while gateway.received[-1:] == [] or gateway.received[-1].message != receipt(-1):
        await gateway.until(len(gateway.received) + 1)
    await gateway.end()
    await portal.end()
    return [d.message.mark.seq for d in gateway.received[:-1] if isinstance(d.message, Receipt)]


async def test_messages_are_lost_by_the_seed() -> None:
    first, again, other = [await seen(Weather(lost=0.3), seed) for seed in (1, 1, 2)]
    assert first == again != other
    assert 100 < len(first) < 180
    assert first == sorted(set(first))


async def test_messages_are_repeated_by_the_seed() -> None:
    numbers = await seen(Weather(repeated=0.3), 3)
    assert set(numbers) == set(range(200))
    assert 230 < len(numbers) < 300
    assert numbers == sorted(numbers)


async def test_delays_keep_the_order() -> None:
    assert await seen(Weather(delay_s=(0.0, 0.002)), 4, count=50) == list(range(50))


async def test_an_unconfirmed_publication_arrived_though_its_sender_lost_the_link() -> None:
    broker = MemoryBroker(CLOCK, DICE, Weather(unconfirmed=1.0))
    portal, gateway = (Party(MemoryBus(broker, party, CLOCK, DICE)) for party in (None, ONE))
    await portal.begin()
    await gateway.begin(last_words=(ONE, state(ONE, online=False)))
    with pytest.raises(LinkLost, match="acknowledge"):
        await gateway.bus.publish(ONE, state(ONE))
    assert isinstance(await gateway.trouble(), LinkLost)
    assert await portal.until(2) == [state(ONE), state(ONE, online=False)]
    await portal.end()


async def test_a_stopped_broker_takes_nobody_and_forgets_what_it_kept() -> None:
    broker = MemoryBroker(CLOCK, DICE)
    gateway, portal = (Party(MemoryBus(broker, party, CLOCK, DICE)) for party in (ONE, None))
    await gateway.begin()
    await gateway.bus.publish(ONE, state(ONE))
    broker.stop()
    await gateway.trouble()
    with pytest.raises(LinkLost):
        await portal.begin()
    broker.start()
    await portal.begin()
    await asyncio.sleep(0)
    assert portal.received == []
    await portal.end()


async def test_an_empty_retained_message_clears_the_topic() -> None:
    broker = MemoryBroker(CLOCK, DICE)
    broker.accept(f"metergate/1/up/{ONE}/state", b"{", True)
    broker.accept(f"metergate/1/up/{ONE}/state", b"", True)
    portal, gateway = (Party(MemoryBus(broker, party, CLOCK, DICE)) for party in (None, ONE))
    await portal.begin()
    await gateway.begin()
    await gateway.bus.publish(ONE, state(ONE))
    assert await portal.until(1) == [state(ONE)]
    assert dict(portal.bus.counters) == {}
    await gateway.end()
    await portal.end()
