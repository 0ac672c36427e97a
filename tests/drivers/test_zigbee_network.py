"""The trust centre's side: who may join, what is encrypted, what is dropped, and what never reaches a log."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import zigpy.types as t
from bellows.exception import ControllerError  # type: ignore[import-untyped]  # bellows ships no types

from drivers.zigbee.application import SmartEnergyApplication
from drivers.zigbee.device import SmartEnergyDevice
from gateway.errors import Unreachable
from gateway.identifiers import Eui64
from gateway.keys import LinkKey
from simulators.zigbee.aps import ApsMessage
from simulators.zigbee.ncp.memory import Memory
from simulators.zigbee.nodes import Node, Outcome

Make = Callable[..., Any]

TRUST_CENTRE_POLICY, KEY_REQUEST_POLICY = 0x00, 0x05
BY_INSTALL_CODE = 0x11


class Witness(Node):
    """A node that remembers what it was sent."""

    heard: list[ApsMessage] = []  # noqa: RUF012  # one list for all nodes, emptied by its test

    def receive(self, message: ApsMessage) -> Outcome:
        self.heard.append(message)
        return super().receive(message)


class Impostor(Node):
    """A node that answers without encryption, as one that has only the network key must."""

    def receive(self, message: ApsMessage) -> Outcome:
        outcome = super().receive(message)
        return outcome if outcome.reply is None else replace(outcome, reply=replace(outcome.reply, key=None))


class Mumbler(Node):
    """A node whose answers end after one byte."""

    def receive(self, message: ApsMessage) -> Outcome:
        outcome = super().receive(message)
        if outcome.reply is None or message.profile == 0:
            return outcome
        return replace(outcome, reply=replace(outcome.reply, payload=outcome.reply.payload[:1]))


def app_of(driver: Any) -> SmartEnergyApplication:
    assert isinstance(driver._app, SmartEnergyApplication)
    return driver._app


@pytest.mark.parametrize("version", [13, 14])
async def test_a_start_closes_the_network_and_installs_no_key_for_all(
    laboratory: Make, keep_up: Make, version: int
) -> None:
    lab = await laboratory(1, version=version)
    async with keep_up(lab.driver()) as driver:
        await driver.read(lab.assignment(0), 10)
        assert lab.coprocessor.keys.transient == {}
        assert lab.coprocessor.settings.policies[TRUST_CENTRE_POLICY] == 0
        assert lab.coprocessor.settings.policies[KEY_REQUEST_POLICY] == 0x50
        with pytest.raises(ControllerError, match="only for one device"):
            await app_of(driver).permit(60)
        with pytest.raises(ControllerError, match="only for a join"):
            await app_of(driver).permit_with_link_key(t.EUI64.convert("00:12:4b:00:00:00:09:99"), t.KeyData(bytes(16)))
        assert lab.coprocessor.keys.transient == {}


@pytest.mark.parametrize("version", [13, 14])
async def test_one_device_may_join_by_its_key_and_the_door_closes_behind_it(
    laboratory: Make, keep_up: Make, version: int
) -> None:
    lab = await laboratory(1, version=version)
    newcomer = Eui64("00124B0000000999")
    async with keep_up(lab.driver()) as driver:
        await driver.read(lab.assignment(0), 10)
        trust_centre = app_of(driver).trust_centre
        await trust_centre.expect(newcomer, LinkKey(bytes(range(16))))
        await trust_centre.open(1)
        assert lab.coprocessor.keys.transient == {0x00124B0000000999: bytes(range(16))}
        assert lab.coprocessor.settings.policies[TRUST_CENTRE_POLICY] == BY_INSTALL_CODE
        await trust_centre.close()
        await trust_centre.expect_nobody()
        assert lab.coprocessor.keys.transient == {}
        assert lab.coprocessor.settings.policies[TRUST_CENTRE_POLICY] == 0
        with pytest.raises(ControllerError, match="1 to 254"):
            await trust_centre.open(255)


async def test_requests_leave_from_our_endpoint_encrypted_and_on_the_meter_s_profile(
    laboratory: Make, keep_up: Make
) -> None:
    lab = await laboratory(1, node=Witness)
    Witness.heard.clear()
    async with keep_up(lab.driver()) as driver:
        await driver.read(lab.assignment(0), 10)
        assert set(lab.coprocessor.messages._endpoints) == {1}
    asked = [message for message in Witness.heard if message.profile != 0]
    assert len(asked) == 2
    assert {(message.source_endpoint, message.destination_endpoint) for message in asked} == {(1, 9)}
    assert {(message.profile, message.cluster) for message in asked} == {(0x0109, 0x0702)}
    assert all(message.key is not None for message in asked)


async def test_a_plain_answer_on_a_secured_cluster_is_dropped_and_counted(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1, node=Impostor)
    async with keep_up(lab.driver(attempts=1)) as driver:
        with pytest.raises(Unreachable):
            await driver.read(lab.assignment(0), 10)
        assert app_of(driver).plain_dropped == 1


@pytest.mark.parametrize("version", [13, 14])
@pytest.mark.parametrize("known", [(0, 1), (1,), (0,)], ids=["both known", "meter unknown", "impostor unknown"])
async def test_a_device_that_announces_itself_as_a_meter_is_not_read_in_its_place(
    laboratory: Make, keep_up: Make, version: int, known: tuple[int, ...]
) -> None:
    lab = await laboratory(2, version=version)
    async with keep_up(lab.driver()) as driver:
        for number in known:
            await driver.read(lab.assignment(number), 10)
        victim = t.EUI64.deserialize(lab.nodes[0].eui64.to_bytes(8, "little"))[0]
        app_of(driver).handle_join(t.NWK(lab.nodes[1].nwk), victim, t.NWK(0))  # type: ignore[no-untyped-call]  # zigpy's own
        assert (await driver.read(lab.assignment(0), 10)).delivered_wh == 1
        assert (await driver.read(lab.assignment(1), 10)).delivered_wh == 1_000_004


async def test_a_frame_that_ends_too_early_harms_nobody(
    laboratory: Make, keep_up: Make, caplog: pytest.LogCaptureFixture
) -> None:
    lab = await laboratory(1, node=Mumbler)
    async with keep_up(lab.driver(attempts=1)) as driver:
        with pytest.raises(Unreachable):
            await driver.read(lab.assignment(0), 10)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("version", [13, 14, 19])
async def test_a_backup_holds_the_link_keys(laboratory: Make, keep_up: Make, version: int) -> None:
    lab = await laboratory(3, version=version)
    async with keep_up(lab.driver()) as driver:
        await driver.read(lab.assignment(0), 10)
        backup = await app_of(driver).backups.create_backup(load_devices=True)
    saved = {key.partner_ieee.serialize()[::-1].hex(): key.key.serialize() for key in backup.network_info.key_table}
    assert saved == {f"{node.eui64:016x}": node.link_key for node in lab.nodes}


async def test_a_stranger_who_tries_to_join_does_not_cost_a_device_its_key(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.driver()) as driver:
        await driver.read(lab.assignment(0), 10)
        app = app_of(driver)
        app._handle_tc_join_handler(
            nwk=t.NWK(0x4242),  # type: ignore[no-untyped-call]  # zigpy's own
            ieee=t.EUI64.convert("00:12:4b:00:00:00:01:00"),
            device_update_status=1,
            decision=3,
            parent_nwk=t.NWK(0),  # type: ignore[no-untyped-call]  # zigpy's own
        )
        await driver.read(lab.assignment(0), 10)
        assert lab.memory.link_keys


async def test_a_node_is_found_by_the_address_it_has_now(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(2)
    async with keep_up(lab.driver()) as driver:
        await asyncio.gather(*(driver.read(lab.assignment(number), 10) for number in range(2)))
        app = app_of(driver)
        device = app.get_device(nwk=0x1000)
        assert app.get_device(nwk=0x1000) is device
        device.nwk = t.NWK(0x7777)  # type: ignore[no-untyped-call]  # zigpy's own
        assert app.get_device(nwk=0x7777) is device
        with pytest.raises(KeyError):
            app.get_device(nwk=0x1000)


async def test_a_node_interviewed_anew_or_cloned_is_still_one_of_ours(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.driver()) as driver:
        await driver.read(lab.assignment(0), 10)
        app = app_of(driver)
        (ieee,) = [ieee for ieee, device in app.devices.items() if isinstance(device, SmartEnergyDevice)]
        old = app.devices[ieee]
        assert type(old.clone()) is SmartEnergyDevice
        await old.reinterview()
        assert type(app.devices[ieee]) is SmartEnergyDevice
        assert app.devices[ieee] is not old
        assert (await driver.read(lab.assignment(0), 10)).delivered_wh == 1
        lab.meters[0].silent = True
        known = app.devices[ieee]
        known.attempt_timeout_s = 0.05
        await known.reinterview()
        assert app.devices[ieee] is known


async def test_no_key_reaches_a_log_even_at_debug(
    laboratory: Make, keep_up: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    lab = await laboratory(2)
    async with keep_up(lab.driver()) as driver:
        await driver.read(lab.assignment(0), 10)
        await app_of(driver).backups.create_backup(load_devices=True)
        lab.server.reset()
        await driver.read(lab.assignment(1), 10)
    said = caplog.text.lower().replace(":", "").replace(" ", "")
    keys = [lab.memory.network.network_key, lab.memory.network.link_key, *(node.link_key for node in lab.nodes)]
    assert not [key for key in keys if key.hex() in said or repr(key).lower() in said]


async def test_a_blank_co_processor_is_formed_if_the_settings_say_so(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(0)
    lab.memory.network = None
    assert isinstance(lab.memory, Memory)
    driver = lab.driver(form=True, start_timeout_s=30)
    async with keep_up(driver):
        await asyncio.wait_for(driver._connected.wait(), 30)
    assert lab.memory.network is not None
    assert lab.memory.network.network_key != bytes(16)
    assert lab.memory.network.link_key != b"ZigBeeAlliance09"
