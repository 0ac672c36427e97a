"""Who comes under a client id that is taken: a stranger changes nothing, a twin ends the connection before it."""

import asyncio

import pytest

from gateway.messages import Message
from tests.mqtt.places import DEADLINE_S, ONE, USERS, BrokerPlace, Party
from tests.mqtt.samples import connect_packet, receipt, state

REFUSED = {b"\x20\x02\x00\x04", b"\x20\x02\x00\x05"}
"""CONNACK: bad user name or password, not authorized (MQTT 3.1.1, 3.2.2.3)."""

PING, PONG = b"\xc0\x00", b"\xd0\x00"


@pytest.mark.parametrize("clean", [True, False], ids=["clean", "persistent"])
async def test_a_stranger_with_a_gateways_client_id_does_not_deafen_it(broker: BrokerPlace, clean: bool) -> None:
    gateway, portal = Party(broker.bus(ONE)), Party(broker.bus(None))
    await gateway.begin()
    await portal.begin()
    assert await introduce(broker, connect_packet(b"gw-1", b"wrong", clean=clean)) in REFUSED
    await portal.bus.publish(ONE, receipt(1))
    assert await gateway.until(1) == [receipt(1)]
    await gateway.end()
    await portal.end()


async def test_a_twin_ends_the_connection_before_it_and_hears(broker: BrokerPlace) -> None:
    first, twin, portal = Party(broker.bus(ONE)), Party(broker.bus(ONE)), Party(broker.bus(None))
    await first.begin()
    await portal.begin()
    await twin.begin()
    await first.trouble()
    await portal.bus.publish(ONE, receipt(1))
    assert await twin.until(1) == [receipt(1)]
    await twin.end()
    await portal.end()


async def test_the_last_words_of_the_connection_before_come_ahead_of_the_twins_greeting(broker: BrokerPlace) -> None:
    words: list[Message] = [state(ONE, online=False), state(ONE)]
    first, twin, portal = Party(broker.bus(ONE)), Party(broker.bus(ONE)), Party(broker.bus(None))
    await portal.begin()
    await first.begin(last_words=(ONE, words[0]))
    await twin.begin(greet=lambda: twin.bus.publish(ONE, words[1]))
    assert await portal.until(2) == words
    await first.trouble()
    await twin.end()
    await portal.end()


async def test_of_many_twins_at_once_one_stays(broker: BrokerPlace) -> None:
    gateway = Party(broker.bus(ONE))
    await gateway.begin()
    twins = [await asyncio.open_connection("127.0.0.1", broker.broker.port) for _ in range(5)]
    for _, writer in twins:
        writer.write(connect_packet(b"gw-1", USERS[ONE].encode()))
    await gateway.trouble()
    reading = {asyncio.create_task(until_ended(reader)): (reader, writer) for reader, writer in twins}
    async with asyncio.timeout(DEADLINE_S):
        pending = set(reading)
        while len(pending) > 1:
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        [last] = pending
        last.cancel()
        await asyncio.wait({last})
        reader, writer = reading[last]
        writer.write(PING)
        assert (await reader.readuntil(PONG)).endswith(PONG)
    for _, writer in twins:
        writer.close()


async def introduce(place: BrokerPlace, packet: bytes) -> bytes:
    """The broker's whole answer to a CONNECT that it refuses."""
    reader, writer = await asyncio.open_connection("127.0.0.1", place.broker.port)
    writer.write(packet)
    async with asyncio.timeout(DEADLINE_S):
        answer = await reader.read()
    writer.close()
    return answer


async def until_ended(reader: asyncio.StreamReader) -> None:
    """Read until the connection is closed or reset."""
    try:
        while await reader.read(1024):
            pass
    except ConnectionError:
        pass
