"""Every line that the control port of a ZigBee street understands, and those that it refuses in words."""

import asyncio
import json
from typing import Any

import pytest

from gateway.clock import SystemClock
from simulators.control import MOST_LISTED, ControlPort, obey
from simulators.control_port import BadCommand, follow, tell
from simulators.han import wire
from simulators.meter import TAMPER, EventKind
from simulators.virtual_time import VirtualClock, run
from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee import zcl
from simulators.zigbee.air.weather import CLEAR, Fate, Weather
from simulators.zigbee.devices.display import DisplayBehaviour
from simulators.zigbee.life import Stage

from .centre import Centre
from .conftest import HandClock

METER = "900700000"
HOME = StreetPlan(meters=2, devices=6)


def street(plan: StreetPlan = HOME) -> ZigBeeStreet:
    return ZigBeeStreet(plan, HandClock())


def said(world: ZigBeeStreet, **command: Any) -> dict[str, Any]:
    return obey(world, json.dumps(command))


def test_the_devices_of_all_homes_are_listed_with_kind_home_and_stage() -> None:
    world = street()
    listed = said(world, devices=True)["devices"]
    assert len(listed) == 12
    assert [each["kind"] for each in listed[:6]] == [
        "display", "thermostat", "load_switch", "appliance", "prepayment", "submeter",
    ]  # fmt: skip
    assert {each["meter"] for each in listed} == set(world.meters)
    assert {each["stage"] for each in listed} == {"off"}


def test_a_long_list_of_devices_ends_somewhere() -> None:
    assert len(said(street(StreetPlan(meters=30, devices=60)), devices=True)["devices"]) == MOST_LISTED


def test_a_device_shows_its_label_and_its_face() -> None:
    world = street()
    plan = next(world.home_devices())
    answer = said(world, device=plan.eui64)
    assert answer["install_code"] == plan.label
    assert answer["shows"] == {"price": None, "label": None, "text": None, "confirmed": False}
    assert said(world, device=plan.eui64, picture=True)["picture"].startswith("<svg")


def test_a_device_without_a_face_has_no_picture() -> None:
    world = street()
    switch = list(world.home_devices())[2]
    assert "if it has a face" in said(world, device=switch.eui64, picture=True)["error"]


def test_power_brings_a_device_onto_the_network_and_takes_it_off() -> None:
    async def evening() -> list[str]:
        centre = Centre(HOME, VirtualClock())
        plan = next(centre.street.home_devices())
        device = centre.let_in()
        await device.reached(Stage.REGISTERED)
        stages = [said(centre.street, device=plan.eui64)["stage"]]
        said(centre.street, device=plan.eui64, power="off")
        await device.reached(Stage.OFF)
        stages.append(said(centre.street, device=plan.eui64)["stage"])
        said(centre.street, device=plan.eui64, power="on")
        await device.reached(Stage.REGISTERED)
        return [*stages, said(centre.street, devices=True)["devices"][0]["stage"]]

    assert run(evening()) == ["registered", "off", "registered"]


def test_a_button_is_pressed_and_one_that_is_not_there_is_refused() -> None:
    world = street()
    display, thermostat = list(world.home_devices())[:2]
    assert "a text that wants to be confirmed" in said(world, device=display.eui64, press="ok")["error"]
    face = world.homes.device(display.eui64).behaviour
    assert isinstance(face, DisplayBehaviour)
    face.messages.command(_text())
    assert said(world, device=display.eui64, press="ok")["shows"]["confirmed"] is True
    assert "error" in said(world, device=thermostat.eui64, press="opt_out")
    assert said(world, device=thermostat.eui64, press="opt_out", event=7)["stage"] == "off"
    assert "give with a device" in said(world, device=thermostat.eui64, press="opt_out", event="7")["error"]


def _text() -> zcl.Command:
    """DisplayMessage "Hi" that wants to be confirmed, from now on for ever."""
    body = bytes.fromhex("09000000 80 00000000 ffff 02 4869")
    return zcl.Command(zcl.Header(0x09, None, 1, wire.DISPLAY), body, True)


def test_the_air_gets_weather_and_is_clear_again() -> None:
    world = street()
    told = {"loss": 0.1, "damage": 0.2, "doubling": 0.3, "delay_s": 1, "jitter_s": 0.5, "lqi_matters": True}
    eui64 = world.premises[0].eui64
    assert said(world, air={**told, "cut_off": [eui64]}) == {"ok": True}
    assert world.radio.sky.weather == Weather(
        loss=0.1,
        damage=0.2,
        doubling=0.3,
        delay_s=1,
        jitter_s=0.5,
        lqi_matters=True,
        cut_off=frozenset({int(eui64, 16)}),
    )
    assert said(world, air={}) == {"ok": True}
    assert world.radio.sky.weather is CLEAR


def test_what_befell_is_counted_beside_the_reads() -> None:
    world = street()
    said(world, air={"loss": 1})
    world.radio.sky.fate(1, 200)
    answer = said(world, stats=True)
    assert answer["air"][Fate.LOST] == 1
    assert answer["reads"] == dict.fromkeys(world.meters, 0)


def test_a_meter_is_opened_restarted_and_runs_fast() -> None:
    world = street()
    meter = world.meter(METER)
    for command in ({"tamper": True}, {"reboot": True}, {"drift_ppm": 50}):
        assert said(world, meter=METER, **command) == {"ok": True}
    assert meter.status & TAMPER
    assert [event.kind for event in meter.events] == [EventKind.TAMPERED, EventKind.POWER_LOST, EventKind.POWER_BACK]
    assert meter.drift_ppm == 50.0
    said(world, meter=METER, tamper=False)
    assert not meter.status & TAMPER


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ({"device": "0022A30007000000", "power": "maybe"}, "power on or off"),
        ({"device": "0022A30007000000", "press": 1}, "power on or off"),
        ({"device": "000D6F0000000001"}, "no home-area device 000D6F0000000001"),
        ({"device": "kitchen"}, "EUI-64"),
        ({"air": {"loss": 2}}, "shares of all frames"),
        ({"air": {"loss": True}}, "takes numbers"),
        ({"air": {"delay_s": -1}}, "before it was sent"),
        ({"air": {"rain": 1}}, "takes numbers"),
        ({"air": {"cut_off": "all"}}, "list cut_off"),
        ({"air": {"cut_off": ["all"]}}, "EUI-64"),
        ({"meter": METER, "tamper": "yes"}, "give with a meter"),
        ({"meter": METER, "reboot": False}, "give with a meter"),
        ({"meter": METER, "drift_ppm": 1e6}, "give with a meter"),
        ({"meter": METER, "drift_ppm": True}, "give with a meter"),
        ({"meter": METER}, "give with a meter"),
        ({"devices": 1, "x": 2}, "not a command"),
    ],
)
def test_a_line_with_a_wrong_value_is_refused_in_words(command: dict[str, Any], error: str) -> None:
    assert error in said(street(), **command).get("error", "was taken")


async def test_a_device_is_followed_until_it_stands_where_it_should(clock: HandClock) -> None:
    world = ZigBeeStreet(HOME, clock)
    control = ControlPort(world)
    port = await control.start()
    plan = next(world.home_devices())
    stages: list[tuple[str, str]] = []
    try:
        stage = await asyncio.wait_for(
            follow(port, plan.eui64, frozenset({"off"}), SystemClock(), lambda *told: stages.append(told), 5), 5
        )
        assert (stage, stages) == ("off", [("off", "")])
        assert await follow(port, plan.eui64, frozenset(), SystemClock(), lambda *_: None, 0.01) == "off"
        with pytest.raises(BadCommand, match="no home-area device"):
            await follow(port, "000D6F0000000001", frozenset(), SystemClock(), lambda *_: None, 5)
    finally:
        await control.close()


async def test_a_line_without_an_end_is_hung_up_on_and_others_are_served(clock: HandClock) -> None:
    control = ControlPort(ZigBeeStreet(HOME, clock))
    port = await control.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x" * 10_000)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert "reads" in await tell(port, {"stats": True})
    finally:
        await control.close()
