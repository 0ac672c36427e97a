"""A device that does something of itself, written as behaviour.py says."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from gateway.dice import SeededDice
from simulators.virtual_time import VirtualClock, run
from simulators.world import StreetPlan
from simulators.zigbee import zcl, zdo
from simulators.zigbee.behaviour import Event
from simulators.zigbee.cbke.talk import Party
from simulators.zigbee.life import Device, Stage
from simulators.zigbee.ncp.messages import REPLAYED
from simulators.zigbee.nodes import Endpoint, Node
from simulators.zigbee.timing import REALISTIC
from simulators.zigbee.uplink import Unanswered, Uplink

from .centre import KEY_ESTABLISHMENT, Centre

PRICE, GET_CURRENT_PRICE, PUBLISH_PRICE, ACKNOWLEDGE = 0x0700, 0x00, 0x00, 0x02
EUI64, OWN_KEY = 0x0022A3FFFF000001, bytes(range(16))


@dataclass
class Display:
    """It asks for the price every minute, and shows what its Price client is told."""

    shown: list[tuple[bytes, bool]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    asked: int = 0
    unanswered: int = 0

    def attributes(self) -> Sequence[int]:
        return ()

    def attribute(self, attribute: int) -> zcl.Value | None:
        return None

    def reading(self, attributes: Sequence[int]) -> bytes | None:
        return None

    def command(self, command: zcl.Command) -> zcl.Reply | int | None:
        if command.header.command != PUBLISH_PRICE:
            return zcl.UNSUPPORTED_CLUSTER_COMMAND
        self.shown.append((command.body, command.encrypted))
        return zcl.Reply(ACKNOWLEDGE, b"thanks")

    def told(self, event: Event) -> None:
        self.events.append(event)

    async def live(self, uplink: Uplink) -> None:
        while True:
            try:
                self.asked += 1
                heard = await uplink.ask(PRICE, GET_CURRENT_PRICE, b"\x01")
                assert (heard.header.command, heard.body) == (PUBLISH_PRICE, b"12 cents")
            except Unanswered:
                self.unanswered += 1
            await uplink.clock.sleep(60)


def switched_on(centre: Centre, display: Display) -> Device:
    """A display of our own on the street, which the trust centre awaits."""
    street = centre.street
    descriptor = zdo.Descriptor(
        profile=0x0109, device=0x0502, servers=(KEY_ESTABLISHMENT,), clients=(KEY_ESTABLISHMENT, PRICE)
    )
    node = Node(
        identity=zdo.Identity(eui64=EUI64, nwk=0xFFFE),
        endpoints={3: Endpoint(descriptor=descriptor, servers={}, clients={PRICE: display})},
        link_key=OWN_KEY,
        registered=False,
    )
    device = Device(
        node=node,
        radio=street.radio,
        clock=centre.clock,
        suites=1,
        party=lambda: Party(EUI64, [street.authority.issue(EUI64, 1)], SeededDice(1)),
        behaviour=display,
        timing=REALISTIC,
    )
    centre.expect(EUI64, OWN_KEY)
    device.power_on()
    return device


def price(command: int, body: bytes) -> tuple[int, bytes] | None:
    return (PUBLISH_PRICE, b"12 cents") if command == GET_CURRENT_PRICE else None


def test_a_display_asks_for_the_price_and_is_told_under_its_key() -> None:
    async def ten_minutes() -> Display:
        display = Display()
        centre = Centre(StreetPlan(meters=1), VirtualClock(), {PRICE: price})
        device = switched_on(centre, display)
        await device.reached(Stage.REGISTERED)
        await centre.clock.sleep(590)
        await device.power_off()
        acknowledged = [
            values
            for values in centre.told("incomingMessageHandler")
            if values[1].clusterId == PRICE and values[-1][2] == 2
        ]
        assert len(acknowledged) == len(display.shown)
        return display

    display = run(ten_minutes())
    assert display.events == [Event.JOINED, Event.REGISTERED]
    assert display.shown == [(b"12 cents", True)] * display.asked
    assert display.asked >= 10
    assert display.unanswered == 0


def test_what_a_device_does_ends_when_it_leaves_and_is_told_of_it() -> None:
    async def leaving() -> Display:
        display = Display()
        centre = Centre(StreetPlan(meters=1), VirtualClock(), {PRICE: price})
        device = switched_on(centre, display)
        await device.reached(Stage.REGISTERED)
        await centre.clock.sleep(90)
        centre.street.radio.depart(device.node)
        await centre.clock.sleep(600)
        assert device.stage is Stage.LEFT
        assert device.node.link_key == OWN_KEY
        return display

    display = run(leaving())
    assert display.events == [Event.JOINED, Event.REGISTERED, Event.LEFT]
    assert display.asked == 2


def test_a_device_goes_on_through_an_outage_of_its_trust_centre() -> None:
    async def outage() -> Display:
        display = Display()
        centre = Centre(StreetPlan(meters=1), VirtualClock(), {PRICE: price})
        device = switched_on(centre, display)
        await device.reached(Stage.REGISTERED)
        centre.street.coprocessor.reset()
        await device.reached(Stage.LOST)
        centre.up_with_key_establishment()
        await device.reached(Stage.REGISTERED)
        asked = len(display.shown)
        await centre.clock.sleep(120)
        assert len(display.shown) > asked
        await device.power_off()
        return display

    display = run(outage())
    assert display.events == [Event.JOINED, Event.REGISTERED, Event.REJOINED]
    assert display.unanswered > 0


class Broken(Display):
    """A display whose program has a mistake in it."""

    async def live(self, uplink: Uplink) -> None:
        raise ZeroDivisionError("a mistake")


def test_a_mistake_in_what_a_device_does_is_logged_and_it_answers_on(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> Stage:
        centre = Centre(StreetPlan(meters=1), VirtualClock())
        device = switched_on(centre, Broken())
        await device.reached(Stage.REGISTERED)
        await asyncio.sleep(1)
        stage = device.stage
        await device.power_off()
        return stage

    assert run(broken()) is Stage.REGISTERED
    assert "ZeroDivisionError" in caplog.text


def test_a_frame_that_is_sent_again_as_it_was_is_taken_once() -> None:
    async def replayed() -> tuple[tuple[bool, bool], int]:
        centre = Centre(StreetPlan(meters=1), VirtualClock(), {PRICE: price})
        device = switched_on(centre, Display())
        await device.reached(Stage.REGISTERED)
        await centre.clock.sleep(30)
        taken = await device.uplink.replay(PRICE, GET_CURRENT_PRICE, b"\x01")
        await device.power_off()
        return taken, centre.street.coprocessor.settings.counters[REPLAYED]

    assert run(replayed()) == ((True, False), 1)
