"""A whole home on one radio: every kind of device joins, is told and answers, over real sockets."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.han.notices import Answer, CancelLoadControl, Criticality, DeviceClass, LoadControl, Price, Text
from gateway.han.words import Cause, DeviceType, HanFault, Membership, Stage
from gateway.reads import Freshness, age_of
from simulators.zigbee import life
from simulators.zigbee.kinds import KINDS
from tests.drivers.homes import VERSIONS, Timeline
from tests.world.homestead import LIMIT_S, PLAN, Homestead, homestead

STAGES = [
    Stage.KEY_INSTALLED,
    Stage.WINDOW_OPEN,
    Stage.JOINED,
    Stage.ANNOUNCED,
    Stage.INTERVIEWED,
    Stage.KEY_ESTABLISHING,
    Stage.REGISTERED,
]
PRICE = Price(event=11, price=1275, digits=4, label="PEAK", duration_min=60)
TEXT = Text(event=12, text="Storm tonight: the power may fail.", confirm=True, duration_min=60)
TYPES = {
    "display": DeviceType.IN_HOME_DISPLAY,
    "thermostat": DeviceType.THERMOSTAT,
    "load_switch": DeviceType.LOAD_CONTROL,
    "appliance": DeviceType.SMART_APPLIANCE,
    "prepayment": DeviceType.PREPAYMENT_TERMINAL,
    "submeter": DeviceType.METER,
}


def event(number: int, minutes: int = 1) -> LoadControl:
    """A load-control event for heating and cooling, from now on."""
    return LoadControl(
        event=number,
        classes=(DeviceClass.HVAC,),
        duration_min=minutes,
        criticality=Criticality.LEVEL_1,
        cooling_offset=20,
    )


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Homestead]:
    """A home on a radio of EZSP 14."""
    async with homestead(tmp_path, PLAN) as living:
        yield living


@VERSIONS
async def test_every_kind_joins_stage_by_stage_and_each_does_its_work(tmp_path: Path, version: int) -> None:
    async with homestead(tmp_path, replace(PLAN, version=version)) as here:
        for kind in KINDS:
            timeline = Timeline()
            info = await here.join(here.label(kind), timeline)
            assert timeline.stages == STAGES, kind
            assert (info.type, info.sleepy, info.suite) == (TYPES[kind], KINDS[kind].sleepy, 2)
            assert await here.home.membership(here.label(kind).eui64) is Membership.REGISTERED
        await a_submeter_is_read(here)
        await a_price_is_shown(here)
        await a_text_is_confirmed(here)
        await a_customer_opts_out(here)
        await an_event_is_taken_back(here)


async def a_submeter_is_read(here: Homestead) -> None:
    asked_at = here.clock.now()
    read = await here.driver.read(here.assignment(here.label("submeter")), LIMIT_S)
    assert read.delivered_wh is not None
    assert read.delivered_wh > 0
    assert age_of(read, asked_at, 5).freshness is Freshness.FRESH


async def a_price_is_shown(here: Homestead) -> None:
    display, terminal = here.label("display"), here.label("prepayment")
    for label in (display, terminal):
        await here.send(label, PRICE)
        await here.hears(label, Answer.PRICE_ACKNOWLEDGED, PRICE.event)
        assert here.shows(label)["price"] == 0.1275
    assert here.shows(display)["label"] == "PEAK"


async def a_text_is_confirmed(here: Homestead) -> None:
    display = here.label("display")
    await here.send(display, TEXT)
    assert here.shows(display)["text"] == TEXT.text
    assert here.said(display, TEXT.event) == []
    here.press(display, "ok")
    await here.hears(display, Answer.TEXT_CONFIRMED, TEXT.event)


async def a_customer_opts_out(here: Homestead) -> None:
    thermostat = here.label("thermostat")
    await here.send(thermostat, event(21))
    await here.hears(thermostat, Answer.STARTED, 21)
    assert here.shows(thermostat)["following"] == 21
    here.press(thermostat, "opt_out")
    await here.hears(thermostat, Answer.OPTED_OUT, 21)
    assert here.shows(thermostat)["following"] is None
    here.clock.skip(61)
    await here.hears(thermostat, Answer.PARTLY_COMPLETED_OPT_OUT, 21)
    assert here.said(thermostat, 21) == [
        Answer.RECEIVED,
        Answer.STARTED,
        Answer.OPTED_OUT,
        Answer.PARTLY_COMPLETED_OPT_OUT,
    ]


async def an_event_is_taken_back(here: Homestead) -> None:
    thermostat = here.label("thermostat")
    await here.send(thermostat, event(22, minutes=60))
    await here.hears(thermostat, Answer.STARTED, 22)
    await here.send(thermostat, CancelLoadControl(event=22))
    await here.hears(thermostat, Answer.CANCELLED, 22)
    assert here.shows(thermostat)["following"] is None


async def test_a_device_that_was_off_asks_when_it_is_back_and_is_answered(here: Homestead) -> None:
    display = here.label("display")
    await here.join(display)
    await here.street.power_off(display.eui64)
    with pytest.raises(HanFault) as caught:
        await here.home.send(display.eui64, PRICE, 3)
    assert caught.value.cause is Cause.UNREACHABLE
    here.home.remember(display.eui64, PRICE)
    assert here.shows(display)["price"] is None
    here.street.power_on(display.eui64)
    await here.hears(display, Answer.REJOINED)
    await here.hears(display, Answer.PRICE_ACKNOWLEDGED, PRICE.event)
    assert here.shows(display)["price"] == 0.1275


async def test_a_key_of_its_own_making_keeps_a_rogue_out(here: Homestead) -> None:
    rogue = here.label("rogue_wrong_key")
    with pytest.raises(HanFault) as caught:
        await here.join(rogue, window_s=5)
    assert caught.value.cause is Cause.WRONG_INSTALL_CODE
    await stays_out(here, "rogue_wrong_key")


async def test_the_key_that_everybody_knows_keeps_a_rogue_out(here: Homestead) -> None:
    rogue = here.label("rogue_default_key")
    with pytest.raises(HanFault) as caught:
        await here.join(rogue, window_s=5)
    assert caught.value.cause in (Cause.WRONG_INSTALL_CODE, Cause.WINDOW_EXPIRED)
    await stays_out(here, "rogue_default_key")


async def stays_out(here: Homestead, kind: str) -> None:
    """A rogue has no network key and nobody's trust."""
    rogue = here.label(kind)
    assert here.device(rogue).node.network_key is None
    assert here.device(rogue).stage not in (life.Stage.JOINED, life.Stage.REGISTERED)
    assert await here.home.membership(rogue.eui64) is Membership.ABSENT
    honest = here.label("display")
    assert (await here.join(honest)).type is DeviceType.IN_HOME_DISPLAY


async def test_what_is_said_twice_under_one_counter_is_not_believed(here: Homestead) -> None:
    rogue = here.label("rogue_replay")
    await here.join(rogue)
    await here.join(here.label("display"))
    assert here.shows(rogue) == {"first_acknowledged": True, "replay_acknowledged": False}
