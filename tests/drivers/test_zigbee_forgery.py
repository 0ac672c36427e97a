"""Whoever holds the network key can send anything, but not under a meter's own key: none of it is believed."""

# zigpy's numbers are unannotated.
# mypy: disable-error-code="no-untyped-call, arg-type"

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zigpy.types as t

from drivers.zigbee.application import SmartEnergyApplication
from drivers.zigbee.device import SmartEnergyDevice
from gateway.identifiers import Eui64

Make = Callable[..., Any]

UNICAST = t.AddrModeAddress(addr_mode=t.AddrMode.NWK, address=0)
BROADCAST = t.AddrModeAddress(addr_mode=t.AddrMode.Broadcast, address=t.BroadcastAddress.ALL_ROUTERS_AND_COORDINATOR)
GROUP = t.AddrModeAddress(addr_mode=t.AddrMode.Group, address=0x1234)
SMART_ENERGY, HOME_AUTOMATION, LIGHT_LINK, ANY = 0x0109, 0x0104, 0xC05E, 0xFFFF
FORGED = bytes.fromhex("0000 00 25 2A0000000000")
"""A record that says 42 counts delivered."""


def forgeries(nwk: int, profile: int, destination: t.AddrModeAddress) -> Iterator[t.ZigbeePacket]:
    """Read Attributes Responses to every request that may be under way."""
    for tsn in range(256):
        yield t.ZigbeePacket(
            src=t.AddrModeAddress(addr_mode=t.AddrMode.NWK, address=nwk),
            src_ep=t.uint8_t(9),
            dst=destination,
            dst_ep=t.uint8_t(1),
            profile_id=t.uint16_t(profile),
            cluster_id=t.uint16_t(0x0702),
            data=t.SerializableBytes(bytes((0x18, tsn, 0x01)) + FORGED),
        )


@pytest.mark.parametrize("destination", [UNICAST, BROADCAST, GROUP], ids=["unicast", "broadcast", "group"])
@pytest.mark.parametrize("profile", [SMART_ENERGY, HOME_AUTOMATION, LIGHT_LINK, ANY])
async def test_a_plain_answer_is_not_believed_however_it_comes(
    laboratory: Make, keep_up: Make, profile: int, destination: t.AddrModeAddress
) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.driver(attempt_timeout_s=5)) as driver:
        await driver.read(lab.assignment(0), 10)
        lab.meters[0].delay_s = 0.1
        lab.meters[0].was_asked.clear()
        reading = asyncio.create_task(driver.read(lab.assignment(0), 10))
        await lab.meters[0].was_asked.wait()
        app = driver._app
        assert isinstance(app, SmartEnergyApplication)
        for forgery in forgeries(lab.nodes[0].nwk, profile, destination):
            app.packet_received(forgery)
        assert (await reading).delivered_wh == 1


async def test_the_same_answer_under_the_meters_key_would_be_believed(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.driver(attempt_timeout_s=5)) as driver:
        await driver.read(lab.assignment(0), 10)
        lab.meters[0].delay_s = 0.3
        app = driver._app
        (device,) = [one for one in app.devices.values() if isinstance(one, SmartEnergyDevice)]
        assert Eui64.of(device.ieee.serialize()[::-1]) == lab.assignment(0).address
        meter = device.meter
        assert meter is not None
        asking = asyncio.create_task(meter.read_attributes_raw([0x0000], timeout=5, retries=0))
        while not device._requests:  # noqa: ASYNC110  # zigpy tells nobody that it has begun to wait
            await asyncio.sleep(0)
        for forgery in forgeries(lab.nodes[0].nwk, SMART_ENERGY, UNICAST):
            app.packet_received(forgery.replace(tx_options=t.TransmitOptions.APS_Encryption))
        answer: Any = await asking
        assert answer.status_records[0].value.value == 42
