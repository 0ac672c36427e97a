"""Notices to devices that joined by their install codes, whose protocol others wrote: what they make of them."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.han.notices import (
    Answer,
    CancelLoadControl,
    CancelText,
    Criticality,
    DeviceClass,
    Heard,
    LoadControl,
    Price,
    Text,
)
from gateway.han.words import Stage
from gateway.identifiers import Eui64
from gateway.keys import InstallCode

Make = Callable[..., Any]

NEWCOMER = Eui64("00124B0000000999")
CODE = InstallCode.typed("83FED3407A939723A5C639B26916D505C3B5")
VERSIONS = pytest.mark.parametrize("version", [13, 14, 19])


async def unheeded(stage: Stage, detail: str) -> None:
    """Nobody follows the join."""


class Ear:
    """What the gateway hears, waited for."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[Heard] = asyncio.Queue()

    def __call__(self, heard: Heard) -> None:
        self._heard.put_nowait(heard)

    async def next(self) -> tuple[Answer, int | None, str]:
        async with asyncio.timeout(5):
            heard = await self._heard.get()
        return heard.answer, heard.event, heard.detail


async def joined(lab: Any, driver: Any, kind: str, ear: Ear) -> Any:
    """A device that has joined; returns its behaviour."""
    device = lab.newcomer(kind=kind, suites=[2])
    driver.home.listen(ear)
    device.power_on()
    await driver.home.join(NEWCOMER, CODE, 30, unheeded)
    return device.behaviour


@VERSIONS
async def test_a_display_shows_price_and_text_and_confirms(
    laboratory: Make, keep_up: Make, tmp_path: Path, version: int
) -> None:
    lab, ear = await laboratory(1, version=version), Ear()
    async with keep_up(lab.homely(tmp_path)) as driver:
        display = await joined(lab, driver, "display", ear)
        home, clock = driver.home, SystemClock()
        await home.send(NEWCOMER, Price(event=1, price=1275, digits=4, label="PEAK"), 5)
        assert await ear.next() == (Answer.PRICE_ACKNOWLEDGED, 1, "")
        words = "El precio de la energía sube a las dos de la tarde; aplace lavadora y secadora hasta la noche."
        await home.send(NEWCOMER, Text(event=2, text=words, confirm=True), 5)
        shown = display.shows(clock.now())
        assert (shown["price"], shown["label"], shown["text"]) == (0.1275, "PEAK", words)
        display.press("ok", None, clock.now())
        assert await ear.next() == (Answer.TEXT_CONFIRMED, 2, "")
        await home.send(NEWCOMER, CancelText(event=2), 5)
        assert display.shows(clock.now())["text"] is None


async def test_a_thermostat_takes_part_is_cancelled_and_says_so(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab, ear = await laboratory(1), Ear()
    async with keep_up(lab.homely(tmp_path)) as driver:
        await joined(lab, driver, "thermostat", ear)
        event = LoadControl(
            event=5,
            classes=(DeviceClass.HVAC,),
            duration_min=60,
            criticality=Criticality.LEVEL_1,
            cooling_offset=20,
        )
        await driver.home.send(NEWCOMER, event, 5)
        assert [await ear.next() for _ in range(2)] == [(Answer.RECEIVED, 5, ""), (Answer.STARTED, 5, "")]
        await driver.home.send(NEWCOMER, CancelLoadControl(event=5), 5)
        assert await ear.next() == (Answer.CANCELLED, 5, "")


async def test_a_device_that_comes_back_asks_for_what_it_missed(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab, ear = await laboratory(1), Ear()
    async with keep_up(lab.homely(tmp_path)) as driver:
        driver.home.remember(NEWCOMER, Price(event=8, price=2000, digits=4))
        later = SystemClock().now() + timedelta(hours=1)
        driver.home.remember(NEWCOMER, Price(event=9, price=3000, digits=4, starts_at=later))
        await joined(lab, driver, "display", ear)
        assert await ear.next() == (Answer.PRICE_ACKNOWLEDGED, 8, "")
