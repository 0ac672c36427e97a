"""The air: what is heard when, and what is not."""

import asyncio
from dataclasses import replace

import pytest

from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee.aps import ApsMessage
from simulators.zigbee.nodes import Node

from .conftest import HandClock


class Air:
    """A street without a co-processor: whatever is heard or told is written down in order."""

    def __init__(self, latency_s: float = 0.0) -> None:
        self.clock = HandClock()
        self.street = ZigBeeStreet(StreetPlan(meters=3, latency_s=latency_s), self.clock)
        self.radio = self.street.radio
        self.radio.attach(self)
        self.told: list[str] = []

    def heard(self, message: ApsMessage, node: Node) -> bool:
        self.told.append(f"heard {message.source == node.nwk}")
        return True

    def sent(self, delivered: bool) -> None:
        self.told.append(f"delivered {delivered}")

    def question(self, number: int = 0) -> ApsMessage:
        """Which endpoints has the node?"""
        node = self.radio.named(int(self.street.premises[number].eui64, 16))
        assert node is not None
        return ApsMessage(
            source=0,
            destination=node.nwk,
            profile=0,
            cluster=0x0005,
            source_endpoint=0,
            destination_endpoint=0,
            payload=b"\x01" + node.nwk.to_bytes(2, "little"),
            sequence=1,
        )

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, and everybody who wakes have his turns of the loop."""
        await asyncio.sleep(0)
        self.clock.forward(seconds)
        for _ in range(4):
            await asyncio.sleep(0)


async def test_without_latency_all_of_an_exchange_is_one_turn_of_the_loop() -> None:
    air = Air()
    air.radio.unicast(air.question(), air.sent)
    assert air.told == ["delivered True", "heard True"]


async def test_a_message_is_in_the_air_each_way() -> None:
    air = Air(latency_s=0.02)
    air.radio.unicast(air.question(), air.sent)
    assert air.told == []
    await air.pass_time(0.02)
    assert air.told == ["delivered True"]
    await air.pass_time(0.02)
    assert air.told == ["delivered True", "heard True"]


@pytest.mark.parametrize(("wants_ack", "wait_s"), [(True, 4.8), (False, 0.1)])
async def test_nobody_at_an_address_is_not_delivered_after_a_while(wants_ack: bool, wait_s: float) -> None:
    air = Air()
    air.radio.unicast(replace(air.question(), destination=0xABCD, wants_ack=wants_ack), air.sent)
    await air.pass_time(wait_s - 0.01)
    assert air.told == []
    await air.pass_time(0.01)
    assert air.told == ["delivered False"]


async def test_an_endpoint_that_a_node_has_not_acknowledges_nothing() -> None:
    air = Air()
    air.radio.unicast(replace(air.question(), profile=0x0109, destination_endpoint=77), air.sent)
    await air.pass_time(4.8)
    assert air.told == ["delivered False"]


async def test_after_silence_nothing_that_was_under_way_is_heard() -> None:
    air = Air(latency_s=0.02)
    air.radio.unicast(air.question(), air.sent)
    air.radio.silence()
    await air.pass_time(10)
    assert air.told == []


def test_two_nodes_cannot_have_one_address() -> None:
    air = Air()
    node = air.radio.at(air.question().destination)
    assert node is not None
    with pytest.raises(ValueError, match="address"):
        air.radio.add(node)
