"""The bus contract, the same in memory, over the embedded broker and over Mosquitto."""

import asyncio
import logging
from collections.abc import Sequence

import pytest

from gateway.clock import SystemClock
from gateway.errors import LinkLost
from gateway.links import Backoff, keep
from gateway.messages import GatewayState, ReadStage
from gateway.ports import Delivery
from mqtt.codec import MAX_BYTES, encode
from mqtt.refusals import Cause
from tests.mqtt.places import DEADLINE_S, ONE, TWO, BrokerPlace, CountingBus, Party, Place
from tests.mqtt.samples import ENVELOPE_ID, FAILED, NOON, SAMPLES, progressed, receipt, state

UP_READS = f"metergate/1/up/{ONE}/reads"
DOWN_RECEIPTS = f"metergate/1/down/{ONE}/receipts"


class Valve:
    """A handler that holds every batch until it is opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, deliveries: Sequence[Delivery]) -> None:
        self.reached.set()
        await self.opened.wait()


async def barrier(portal: Party, gateway: Party) -> None:
    """Return when all that the gateway sent before has reached the portal's bus: answers come behind it in order."""
    await portal.bus.publish(ONE, receipt(1))
    await gateway.until(1)
    await portal.bus.publish(ONE, receipt(2))


async def test_messages_go_down_and_come_up(place: Place) -> None:
    portal, gateway = Party(place.bus(None)), Party(place.bus(ONE))
    await portal.begin()
    await gateway.begin()
    assert portal.bus.up
    await portal.bus.publish(ONE, SAMPLES["RequestRead"])
    assert await gateway.until(1) == [SAMPLES["RequestRead"]]
    await gateway.bus.publish(ONE, SAMPLES["ReadProgressed"])
    await gateway.bus.publish(ONE, FAILED)
    assert await portal.until(2) == [SAMPLES["ReadProgressed"], FAILED]
    assert {delivery.gateway for delivery in portal.received} == {ONE}
    await gateway.end()
    await portal.end()
    assert not portal.bus.up


async def test_a_message_goes_to_its_gateway_only(place: Place) -> None:
    portal, one, two = Party(place.bus(None)), Party(place.bus(ONE)), Party(place.bus(TWO))
    for party in (portal, one, two):
        await party.begin()
    await portal.bus.publish(ONE, receipt(1))
    await portal.bus.publish(TWO, receipt(2))
    assert await one.until(1) == [receipt(1)]
    assert await two.until(1) == [receipt(2)]
    for party in (one, two, portal):
        await party.end()


async def test_order_is_kept_with_many_in_flight(place: Place) -> None:
    portal, gateway = Party(place.bus(None)), Party(place.bus(ONE))
    await portal.begin()
    await gateway.begin()
    await asyncio.gather(*(portal.bus.publish(ONE, receipt(seq)) for seq in range(300)))
    assert await gateway.until(300) == [receipt(seq) for seq in range(300)]
    await gateway.end()
    await portal.end()


async def test_messages_are_acknowledged_after_the_handler_returned(place: Place) -> None:
    valve = Valve()
    portal, gateway = Party(place.bus(None), valve), Party(place.bus(ONE))
    await portal.begin()
    await gateway.begin()
    for _ in range(3):
        await gateway.bus.publish(ONE, progressed())
    await valve.reached.wait()
    assert place.acknowledged(None, 3) == 0
    valve.opened.set()
    await portal.until(3)
    await place.until_acknowledged(None, 3)
    await gateway.end()
    await portal.end()


async def test_what_waits_is_handed_over_in_batches(place: Place) -> None:
    valve = Valve()
    portal, gateway = Party(place.bus(None, batch=4), valve), Party(place.bus(ONE))
    await portal.begin()
    await gateway.begin()
    await gateway.bus.publish(ONE, progressed())
    await valve.reached.wait()
    for _ in range(10):
        await gateway.bus.publish(ONE, progressed(ReadStage.ON_AIR))
    await gateway.bus.publish(ONE, FAILED)
    valve.opened.set()
    await portal.until(12)
    assert portal.batches[0] == 1
    assert max(portal.batches) <= 4
    await gateway.end()
    await portal.end()


BAD = [
    (UP_READS, b"{", Cause.MALFORMED),
    (UP_READS, b'{"type":"Surprise","v":1}', Cause.UNKNOWN_TYPE),
    (UP_READS, encode(progressed(), id=ENVELOPE_ID, at=NOON), Cause.MALFORMED),
    (UP_READS, encode(progressed(), id=progressed().id, at=NOON).replace(b'"v":1', b'"v":2'), Cause.WRONG_VERSION),
    (UP_READS, b" " * (MAX_BYTES + 1), Cause.OVERSIZED),
    (UP_READS, encode(receipt(1), id=ENVELOPE_ID, at=NOON), Cause.WRONG_TOPIC),
    (f"metergate/1/up/{ONE}/state", encode(state(TWO), id=ENVELOPE_ID, at=NOON), Cause.WRONG_GATEWAY),
    (f"metergate/1/up/{ONE}/a/b", encode(state(ONE), id=ENVELOPE_ID, at=NOON), Cause.WRONG_TOPIC),
]


async def test_what_cannot_be_taken_is_counted_dropped_and_acknowledged(place: Place) -> None:
    portal = Party(place.bus(None))
    await portal.begin()
    for topic, payload, _ in BAD:
        await place.inject(topic, payload)
    await place.inject(UP_READS, encode(FAILED, id=FAILED.id, at=NOON))
    assert await portal.until(1) == [FAILED]
    expected = {cause: sum(other is cause for *_, other in BAD) for *_, cause in BAD}
    assert dict(portal.bus.counters) == expected
    await place.until_acknowledged(None, len(BAD) + 1)
    await portal.end()


async def test_a_command_that_the_broker_kept_is_not_obeyed(place: Place) -> None:
    await place.inject(DOWN_RECEIPTS, encode(receipt(1), id=ENVELOPE_ID, at=NOON), retained=True)
    gateway, portal = Party(place.bus(ONE)), Party(place.bus(None))
    await gateway.begin()
    await portal.begin()
    await portal.bus.publish(ONE, receipt(2))
    assert await gateway.until(1) == [receipt(2)]
    assert dict(gateway.bus.counters) == {Cause.REPLAYED: 1}
    await gateway.end()
    await portal.end()


async def test_a_late_subscriber_sees_the_retained_state(place: Place) -> None:
    gateway = Party(place.bus(ONE))

    async def greet() -> None:
        await gateway.bus.publish(ONE, state(ONE, boot_id="first"))
        await gateway.bus.publish(ONE, state(ONE, boot_id="second"))

    await gateway.begin(greet)
    portal = Party(place.bus(None))
    await portal.begin()
    assert await portal.until(1) == [state(ONE, boot_id="second")]
    await gateway.end()
    await portal.end()


async def test_the_last_will_tells_of_an_abrupt_loss_and_stays(place: Place) -> None:
    gateway, portal, late = Party(place.bus(ONE)), Party(place.bus(None)), Party(place.bus(None))
    await portal.begin()
    await gateway.begin(last_words=(ONE, state(ONE, online=False)))
    await gateway.bus.publish(ONE, state(ONE))
    await portal.until(1)
    place.cut(ONE)
    assert await portal.until(2) == [state(ONE), state(ONE, online=False)]
    await gateway.trouble()
    await portal.end()
    await late.begin()
    assert await late.until(1) == [state(ONE, online=False)]
    await late.end()


async def test_a_clean_end_publishes_no_last_will(place: Place) -> None:
    gateway, portal = Party(place.bus(ONE)), Party(place.bus(None))
    await portal.begin()
    await gateway.begin(last_words=(ONE, state(ONE, online=False)))
    await gateway.end()
    await place.inject(UP_READS, encode(FAILED, id=FAILED.id, at=NOON))
    assert await portal.until(1) == [FAILED]
    await portal.end()


async def test_a_message_that_comes_during_the_greeting_is_handed_over_after_it(place: Place) -> None:
    gateway, portal = Party(place.bus(ONE)), Party(place.bus(None))
    await portal.begin()

    async def greet() -> None:
        await portal.bus.publish(ONE, receipt(1))
        assert gateway.received == []

    await gateway.begin(greet)
    assert await gateway.until(1) == [receipt(1)]
    await gateway.end()
    await portal.end()


async def test_a_failing_handler_is_logged_once_counted_and_its_messages_acknowledged(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail_first(deliveries: Sequence[Delivery]) -> None:
        if isinstance(deliveries[0].message, GatewayState):
            raise ZeroDivisionError

    portal, gateway = Party(place.bus(None), fail_first), Party(place.bus(ONE))
    await portal.begin()
    await gateway.begin()
    with caplog.at_level(logging.ERROR, "mqtt.reception"):
        await gateway.bus.publish(ONE, state(ONE))
        await barrier(portal, gateway)
        await gateway.bus.publish(ONE, FAILED)
        assert await portal.until(1) == [FAILED]
    await place.until_acknowledged(None, 2)
    assert portal.bus.counters[Cause.HANDLER] == 1
    assert len([record for record in caplog.records if record.name == "mqtt.reception"]) == 1
    await gateway.end()
    await portal.end()


async def test_a_full_queue_drops_counted_and_acknowledges_in_turn(place: Place) -> None:
    valve = Valve()
    portal, gateway = Party(place.bus(None, queue=4), valve), Party(place.bus(ONE))
    await portal.begin()
    await gateway.begin()
    await gateway.bus.publish(ONE, progressed())
    await valve.reached.wait()
    for _ in range(10):
        await gateway.bus.publish(ONE, progressed(ReadStage.ON_AIR))
    await barrier(portal, gateway)
    assert dict(portal.bus.counters) == {Cause.OVERFLOW: 6}
    valve.opened.set()
    assert len(await portal.until(5)) == 5
    await place.until_acknowledged(None, 11)
    await gateway.end()
    await portal.end()


async def test_a_slow_handler_loses_nothing_within_the_queue(place: Place) -> None:
    async def slow(deliveries: Sequence[Delivery]) -> None:
        for _ in deliveries:
            await asyncio.sleep(0)

    portal, gateway = Party(place.bus(None)), Party(place.bus(ONE, batch=3), slow)
    await portal.begin()
    await gateway.begin()
    await asyncio.gather(*(portal.bus.publish(ONE, receipt(seq)) for seq in range(500)))
    assert await gateway.until(500) == [receipt(seq) for seq in range(500)]
    assert dict(gateway.bus.counters) == {}
    await gateway.end()
    await portal.end()


async def test_after_a_crash_of_the_broker_both_sides_find_each_other_again(place: Place) -> None:
    portal, gateway = Party(place.bus(None)), Party(place.bus(ONE))
    greeted: asyncio.Queue[str] = asyncio.Queue()
    lost: asyncio.Queue[str] = asyncio.Queue()
    tasks = [asyncio.create_task(kept(party, greeted, lost)) for party in (portal, gateway)]
    async with asyncio.timeout(2 * DEADLINE_S):
        await greeted.get(), await greeted.get()
        await place.crash()
        await lost.get(), await lost.get()
        with pytest.raises(LinkLost):
            await portal.bus.publish(ONE, receipt(1))
        await place.restart()
        await greeted.get(), await greeted.get()
        await portal.bus.publish(ONE, receipt(2))
        assert await gateway.until(1) == [receipt(2)]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def kept(party: Party, greeted: "asyncio.Queue[str]", lost: "asyncio.Queue[str]") -> None:
    """Keep a party's bus running through losses, and tell of each greeting and each loss."""

    async def greet() -> None:
        greeted.put_nowait("hello")

    async def life() -> None:
        await party.bus.run(party.take, greet)

    await keep("link", life, SystemClock(), Backoff(first_s=0.01, last_s=0.05), told=lost.put_nowait)


async def test_without_a_connection_publishing_says_so(place: Place) -> None:
    with pytest.raises(LinkLost):
        await place.bus(None).publish(ONE, receipt(1))


async def test_nobody_publishes_in_another_partys_direction(place: Place) -> None:
    portal, gateway = Party(place.bus(None)), Party(place.bus(ONE))
    await portal.begin()
    await gateway.begin()
    with pytest.raises(ValueError, match="does not write"):
        await gateway.bus.publish(TWO, state(TWO))
    with pytest.raises(ValueError, match="does not write"):
        await portal.bus.publish(ONE, state(ONE))
    await gateway.end()
    await portal.end()


async def test_a_connection_that_is_cut_ends_waiting_publications(place: Place) -> None:
    gateway = Party(place.bus(ONE))
    await gateway.begin()
    place.cut(ONE)
    assert isinstance(await gateway.trouble(), LinkLost)
    assert not gateway.bus.up
    with pytest.raises(LinkLost):
        await gateway.bus.publish(ONE, state(ONE))


async def test_a_gateway_cannot_write_as_another(broker: BrokerPlace) -> None:
    portal = Party(broker.bus(None))
    await portal.begin()
    async with broker.raw("gw-1") as rogue:
        await rogue.publish(f"metergate/1/up/{TWO}/state", encode(state(TWO), id=ENVELOPE_ID, at=NOON), qos=1)
        await rogue.publish(f"metergate/1/down/{TWO}/receipts", encode(receipt(1), id=ENVELOPE_ID, at=NOON), qos=1)
        await rogue.publish(UP_READS, encode(FAILED, id=FAILED.id, at=NOON), qos=1)
    assert await portal.until(1) == [FAILED]
    assert [delivery.gateway for delivery in portal.received] == [ONE]
    await portal.end()


async def test_a_gateway_cannot_read_what_goes_to_another(broker: BrokerPlace) -> None:
    portal = Party(broker.bus(None))
    await portal.begin()
    async with broker.raw("gw-1") as rogue:
        for topics in (f"metergate/1/down/{TWO}/#", "metergate/#", "#", f"metergate/1/down/{ONE}/#"):
            await rogue.subscribe(topics, qos=1)
        await portal.bus.publish(TWO, receipt(1))
        await portal.bus.publish(ONE, receipt(2))
        async with asyncio.timeout(DEADLINE_S):
            first = await anext(aiter(rogue.messages))
    assert str(first.topic) == DOWN_RECEIPTS
    await portal.end()


async def test_a_newcomer_is_given_no_state_that_it_did_not_ask_for(broker: BrokerPlace) -> None:
    portal, two = Party(broker.bus(None)), Party(broker.bus(TWO))
    await portal.begin()
    await two.begin()
    await two.bus.publish(TWO, state(TWO))
    await portal.until(1)
    async with broker.raw("gw-1") as rogue:
        await rogue.subscribe(f"metergate/1/down/{ONE}/#", qos=1)
        await portal.bus.publish(ONE, receipt(2))
        async with asyncio.timeout(DEADLINE_S):
            first = await anext(aiter(rogue.messages))
    assert str(first.topic) == DOWN_RECEIPTS
    await two.end()
    await portal.end()


@pytest.mark.parametrize("word", ["wrong", ""])
async def test_a_wrong_password_is_refused(broker: BrokerPlace, word: str) -> None:
    bus: CountingBus = broker.bus(ONE, password=word or "x" * 300)
    with pytest.raises(LinkLost):
        await Party(bus).begin()
