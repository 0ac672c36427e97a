"""Devices that have joined: pinged, described, re-keyed, removed, left behind by a new network key, and back again."""

import asyncio
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.zigbee import ZigBeeDriver
from drivers.zigbee.home import ZigBeeHome
from gateway.clock import SystemClock
from gateway.han.notices import Answer, Heard
from gateway.han.words import Cause, HanFault, Membership, Stage
from simulators.zigbee.aps import ApsMessage
from simulators.zigbee.life import Device
from simulators.zigbee.life import Stage as Standing
from tests.drivers.homes import (
    CODE,
    MASTER_KEY,
    NEWCOMER,
    OTHER_CODE,
    VERSIONS,
    Make,
    Timeline,
    home_of,
    keys_in,
    old_business_finished,
    policy_of,
    up,
    vault_in,
    wait_until,
)
from tests.gateway.homes import number

KEEP_ALIVE = 0x0025


async def joined(lab: Any, driver: ZigBeeDriver, **made: Any) -> tuple[ZigBeeHome, Device]:
    """A device of the network, registered."""
    await up(driver)
    device: Device = lab.newcomer(**made)
    device.power_on()
    await home_of(driver).join(NEWCOMER, CODE, 30, Timeline())
    await asyncio.wait_for(device.reached(Standing.REGISTERED), 5)
    return home_of(driver), device


@VERSIONS
@pytest.mark.parametrize("suite", [1, 2])
async def test_a_new_key_is_established_from_our_side(
    laboratory: Make, keep_up: Make, tmp_path: Path, version: int, suite: int
) -> None:
    lab = await laboratory(1, version=version)
    async with keep_up(lab.homely(tmp_path)) as driver:
        home, device = await joined(lab, driver, suites=[suite])
        before = device.node.link_key
        info = await home.rekey(NEWCOMER, 20)
        assert info.suite == suite
        assert device.node.link_key != before
        assert keys_in(lab)[int(NEWCOMER, 16)] == device.node.link_key
        kept = vault_in(tmp_path).get(NEWCOMER)
        assert kept is not None
        assert (kept.key.reveal(), kept.suite) == (device.node.link_key, suite)


async def test_a_device_that_keeps_silent_keeps_its_old_key(laboratory: Make, keep_up: Make, tmp_path: Path) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path)) as driver:
        home, device = await joined(lab, driver)
        before = keys_in(lab)
        await device.power_off()
        with pytest.raises(HanFault) as caught:
            await home.rekey(NEWCOMER, 1)
        assert caught.value.cause is Cause.UNREACHABLE
        assert keys_in(lab) == before
        assert await home.membership(NEWCOMER) is Membership.REGISTERED


@VERSIONS
async def test_a_device_that_is_removed_leaves_and_is_forgotten(
    laboratory: Make, keep_up: Make, tmp_path: Path, version: int
) -> None:
    lab = await laboratory(1, version=version)
    heard: list[Heard] = []
    async with keep_up(lab.homely(tmp_path)) as driver:
        home, device = await joined(lab, driver)
        home.listen(heard.append)
        assert await home.remove(NEWCOMER, 10), "it said that it leaves"
        assert device.stage is Standing.LEFT
        assert int(NEWCOMER, 16) not in keys_in(lab)
        assert await home.membership(NEWCOMER) is Membership.ABSENT
        assert policy_of(lab) == 0
        assert heard == []
        with pytest.raises(HanFault) as caught:
            await home.ping(NEWCOMER, 1)
        assert caught.value.cause is Cause.UNKNOWN_DEVICE


async def test_a_device_that_does_not_answer_is_forgotten_all_the_same(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path)) as driver:
        home, device = await joined(lab, driver)
        await device.power_off()
        assert not await home.remove(NEWCOMER, 10), "it did not say that it leaves"
        assert int(NEWCOMER, 16) not in keys_in(lab)
        assert await home.membership(NEWCOMER) is Membership.ABSENT
        device.power_on()
        assert await device.reached(Standing.REGISTERED, Standing.GAVE_UP)


async def test_a_removal_that_was_interrupted_is_finished_by_the_next_start(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    """Interrupted after the vault forgot the device and before anybody told it to leave."""
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path)) as driver:
        home, device = await joined(lab, driver)
        vault_in(tmp_path).begin(NEWCOMER)
        vault_in(tmp_path).forget(NEWCOMER)
        assert await home.membership(NEWCOMER) is Membership.JOINED
        lab.server.drop()
        await old_business_finished(driver)
        assert device.stage is Standing.LEFT
        assert int(NEWCOMER, 16) not in keys_in(lab)
        assert await home.membership(NEWCOMER) is Membership.ABSENT


async def test_a_device_is_described_anew_and_pinged_while_it_is_there(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path)) as driver:
        home, device = await joined(lab, driver, kind="thermostat")
        info = await home.describe(NEWCOMER, 10)
        assert (info.device, info.type.value, info.suite) == (NEWCOMER, "thermostat", 2)
        assert 0x0701 in info.clients
        assert info.manufacturer
        assert await home.ping(NEWCOMER, 5) < 5
        await device.power_off()
        for command in (home.ping, home.describe):
            with pytest.raises(HanFault) as caught:
                await command(NEWCOMER, 3)
            assert caught.value.cause is Cause.UNREACHABLE


@VERSIONS
async def test_a_new_network_key_reaches_everybody_and_the_backup(
    laboratory: Make, keep_up: Make, tmp_path: Path, version: int
) -> None:
    lab = await laboratory(1, version=version)
    async with keep_up(lab.homely(tmp_path)) as driver:
        home, device = await joined(lab, driver)
        assert lab.memory.network is not None
        before = lab.memory.network.network_key
        await home.rotate(number(1), 10)
        after = lab.memory.network.network_key
        assert after != before
        assert device.node.network_key is not None
        assert device.node.network_key.key == after
        assert driver._app is not None
        newest = driver._app.backups.most_recent_backup()
        assert newest.network_info.network_key.key.serialize() == after
        assert await home.ping(NEWCOMER, 5) >= 0


async def test_a_device_that_slept_through_a_new_network_key_comes_back_by_its_own(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    heard: list[Heard] = []
    async with keep_up(lab.homely(tmp_path)) as driver:
        home, device = await joined(lab, driver)
        home.listen(heard.append)
        await device.power_off()
        await home.rotate(number(2), 10)
        device.power_on()
        await asyncio.wait_for(device.reached(Standing.REGISTERED), 10)
        await wait_until(lambda: bool(heard))
        assert (heard[0].device, heard[0].answer) == (NEWCOMER, Answer.REJOINED)
        assert await home.ping(NEWCOMER, 5) >= 0


async def test_a_device_that_lost_its_registration_is_not_let_back_in(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    heard: list[Heard] = []
    async with keep_up(lab.homely(tmp_path)) as driver:
        home, device = await joined(lab, driver)
        await device.power_off()
        await home.remove(NEWCOMER, 10)
        await home.rotate(number(3), 10)
        home.listen(heard.append)
        device.power_on()
        assert await asyncio.wait_for(device.reached(Standing.REGISTERED, Standing.GAVE_UP), 10) is Standing.GAVE_UP
        assert [(each.device, each.answer) for each in heard] == [(NEWCOMER, Answer.TURNED_AWAY)]


async def test_a_device_that_leaves_by_itself_is_told_of(laboratory: Make, keep_up: Make, tmp_path: Path) -> None:
    lab = await laboratory(1)
    heard: list[Heard] = []
    async with keep_up(lab.homely(tmp_path)) as driver:
        home, device = await joined(lab, driver)
        home.listen(heard.append)
        lab.radio.depart(device.node)
        await wait_until(lambda: bool(heard))
        assert (heard[0].device, heard[0].answer) == (NEWCOMER, Answer.LEFT)


class Ear:
    """Hears what a device hears, before it does."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self.heard: list[ApsMessage] = []

    def hear(self, message: ApsMessage) -> None:
        self.heard.append(message)
        self._device.hear(message)

    def gone(self, *, comes_back: bool) -> None:
        self._device.gone(comes_back=comes_back)


@pytest.mark.parametrize("encrypted", [True, False])
async def test_the_trust_centre_s_keep_alive_is_answered_under_the_link_key_only(
    laboratory: Make, keep_up: Make, tmp_path: Path, encrypted: bool
) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        device = lab.newcomer()
        endpoint = device.node.endpoints[1]
        descriptor = replace(endpoint.descriptor, clients=(*endpoint.descriptor.clients, KEEP_ALIVE))
        device.node.endpoints = {1: replace(endpoint, descriptor=descriptor)}
        device.power_on()
        home = home_of(driver)
        await home.join(NEWCOMER, CODE, 30, Timeline())
        await asyncio.wait_for(device.reached(Standing.REGISTERED), 5)
        device.node.ears = ear = Ear(device)
        read = bytes.fromhex("00 77 00 0000 0100")
        asked = device.node.compose(cluster=KEEP_ALIVE, payload=read, endpoints=(1, 1), encrypted=encrypted)
        await lab.radio.send(device.node, asked)
        await home.ping(NEWCOMER, 5)
        if encrypted:
            await wait_until(lambda: any(message.cluster == KEEP_ALIVE for message in ear.heard))
        answers = [message for message in ear.heard if message.cluster == KEEP_ALIVE]
        assert [(message.payload[1:], message.key) for message in answers] == (
            [(bytes.fromhex("77 01 0000 00 20 0a 0100 00 21 2c01"), device.node.link_key)] if encrypted else []
        )


async def test_a_device_that_was_reset_is_registered_anew_by_its_install_code(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path)) as driver:
        home, device = await joined(lab, driver)
        before = keys_in(lab)[int(NEWCOMER, 16)]
        await device.power_off()
        device._forget()
        device.power_on()
        told = Timeline()
        await home.join(NEWCOMER, CODE, 30, told)
        assert told.stages[-1] is Stage.REGISTERED
        assert keys_in(lab)[int(NEWCOMER, 16)] == device.node.link_key != before


async def test_a_join_to_which_nobody_comes_does_not_cost_a_registered_device_its_key(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path)) as driver:
        home, device = await joined(lab, driver)
        with pytest.raises(HanFault) as caught:
            await home.join(NEWCOMER, OTHER_CODE, 1, Timeline())
        assert caught.value.cause is Cause.WINDOW_EXPIRED
        assert keys_in(lab)[int(NEWCOMER, 16)] == device.node.link_key
        assert await home.membership(NEWCOMER) is Membership.REGISTERED
        assert await home.ping(NEWCOMER, 5) >= 0


async def test_neither_keys_nor_codes_nor_certificates_reach_a_log(
    laboratory: Make, keep_up: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path)) as driver:
        home, device = await joined(lab, driver)
        first = device.node.link_key
        await home.rekey(NEWCOMER, 20)
        await home.rotate(number(4), 10)
        await home.remove(NEWCOMER, 10)
    said = caplog.text.lower().replace(":", "").replace(" ", "")
    network, second = lab.memory.network, device.node.link_key
    assert network is not None
    private = (tmp_path / "suite-2.txt").read_text(encoding="ascii").splitlines()[7]
    secrets = [CODE.reveal(), CODE.link_key().reveal(), first, second, network.network_key, bytes.fromhex(private)]
    assert not [key for key in secrets if key.hex() in said or repr(key).lower() in said]
    assert MASTER_KEY not in said


class Tomorrow(SystemClock):
    """A gateway's clock that is a day ahead of its machine's."""

    def now(self) -> datetime:
        """The instant a day from now."""
        return super().now() + timedelta(days=1)


async def test_a_device_was_last_heard_by_the_gateway_s_clock(laboratory: Make, keep_up: Make, tmp_path: Path) -> None:
    lab = await laboratory(1)
    lab.clock = Tomorrow()
    async with keep_up(lab.homely(tmp_path)) as driver:
        home, _ = await joined(lab, driver)
        before = lab.clock.now()
        info = await home.describe(NEWCOMER, 10)
        assert info.last_heard_at is not None
        assert before <= info.last_heard_at <= lab.clock.now()
