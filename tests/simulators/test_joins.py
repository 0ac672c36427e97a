"""Devices outside the network, and the stock host stack that lets them in, or does not."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee.install_code import crc, link_key_of
from simulators.zigbee.life import Device, Stage
from simulators.zigbee.timing import INSTANT

from .conftest import HandClock, Host, SmartEnergyHost, Standing

Connect = Callable[..., Awaitable[Host]]
JOIN, LEFT, REJOIN, SECURED_REJOIN = 1, 2, 3, 0
PRECONFIGURED, CLEAR, DENIED, NOTHING = range(4)
NEXT_TRY_S = INSTANT.authentication_s + INSTANT.retry_s
INCOMING_BROADCAST = 4
ANYBODY = 0xFFFFFFFFFFFFFFFF
HOME = StreetPlan(meters=2, devices=3)


def first(street: ZigBeeStreet, number: int = 0) -> tuple[int, bytes]:
    """A waiting device's address, and the key of its install code."""
    device = list(street.home_devices())[number]
    return int(device.eui64, 16), link_key_of(device.install_code)


def switch_on(street: ZigBeeStreet, eui64: int) -> Device:
    return street.power_on(f"{eui64:016X}")


async def tries(device: Device, clock: HandClock, count: int) -> None:
    """Let a device ask so often to be let in, and give up."""
    for _ in range(count):
        await clock.until_asleep(NEXT_TRY_S)
        clock.forward(NEXT_TRY_S)
    await asyncio.wait_for(device.reached(Stage.GAVE_UP), 5)
    assert device.attempts == count


@pytest.mark.parametrize("version", [13, 14, 19])
async def test_a_device_joins_by_its_install_code_and_announces_itself(
    version: int, stand: Standing, connect: Connect
) -> None:
    street, port = await stand(StreetPlan(meters=2, devices=1, version=version))
    host = await connect(port, kind=SmartEnergyHost)
    eui64, key = first(street)
    assert await host.let_in(eui64, key) == [0, 0, 0]
    device = switch_on(street, eui64)
    await asyncio.wait_for(device.reached(Stage.JOINED), 5)
    assert await host.joins(1) == [(eui64, JOIN, PRECONFIGURED)]
    assert street.radio.named(eui64) is device.node
    (announced,) = [args for args in await host.told("incomingMessageHandler", 1) if args[1].clusterId == 0x0013]
    assert announced[0] == INCOMING_BROADCAST
    assert device.node.network_key == street.coprocessor.trust_centre.network_key


@pytest.mark.parametrize("version", [13, 14, 19])
async def test_a_device_with_another_install_code_never_announces_itself(
    version: int, stand: Standing, connect: Connect, clock: HandClock
) -> None:
    street, port = await stand(StreetPlan(meters=2, devices=1, version=version))
    host = await connect(port, kind=SmartEnergyHost)
    eui64, key = first(street)
    await host.let_in(eui64, bytes(reversed(key)))
    device = switch_on(street, eui64)
    await tries(device, clock, 3)
    assert await host.joins(3) == [(eui64, JOIN, PRECONFIGURED)] * 3
    assert 0x0013 not in [args[1].clusterId for args in await host.told("incomingMessageHandler", 0)]
    assert device.failure == "the network key came under another key"
    assert device.node.network_key is None
    assert street.radio.named(eui64) is None


async def test_a_device_for_which_no_key_waits_is_denied(stand: Standing, connect: Connect, clock: HandClock) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=SmartEnergyHost)
    (expected, key), (stranger, _) = first(street), first(street, 1)
    await host.let_in(expected, key)
    device = switch_on(street, stranger)
    await tries(device, clock, 3)
    assert await host.joins(3) == [(stranger, JOIN, DENIED)] * 3
    assert device.failure == "no network key came"


async def test_nobody_is_let_in_while_the_policy_is_closed(stand: Standing, connect: Connect, clock: HandClock) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=SmartEnergyHost)
    eui64, key = first(street)
    await host.let_in(eui64, key, policy=0)
    await tries(switch_on(street, eui64), clock, 3)
    assert await host.joins(3) == [(eui64, JOIN, DENIED)] * 3


async def test_while_the_window_is_closed_nobody_hears_a_device(
    stand: Standing, connect: Connect, clock: HandClock
) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=SmartEnergyHost)
    eui64, key = first(street)
    await host.let_in(eui64, key, window_s=30)
    clock.forward(30)
    device = switch_on(street, eui64)
    await clock.until_asleep(INSTANT.scan_every_s)
    assert (await host.joins(0), device.stage, device.attempts) == ([], Stage.SEARCHING, 0)
    await host._ezsp.permitJoining(duration=30)
    clock.forward(INSTANT.scan_every_s)
    await asyncio.wait_for(device.reached(Stage.JOINED), 5)


@pytest.mark.parametrize(("version", "opened", "closed"), [(13, 0x9C, 0x9D), (14, 0x0C18, 0x0C19)])
async def test_the_window_is_told_to_open_and_to_close(
    version: int, opened: int, closed: int, stand: Standing, connect: Connect, clock: HandClock
) -> None:
    _, port = await stand(StreetPlan(meters=1, version=version))
    host = await connect(port, kind=SmartEnergyHost)
    host.callbacks.clear()
    await host._ezsp.permitJoining(duration=30)
    await host._ezsp.permitJoining(duration=60)
    clock.forward(30)
    assert [args[0] for args in await host.told("stackStatusHandler", 2)] == [opened, opened]
    clock.forward(30)
    assert [args[0] for args in await host.told("stackStatusHandler", 3)] == [opened, opened, closed]


async def test_a_key_expires_by_the_clock(stand: Standing, connect: Connect, clock: HandClock) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=SmartEnergyHost)
    eui64, key = first(street)
    status, timeout_s = await host._ezsp.getConfigurationValue(configId=0x36)
    assert (int(status), int(timeout_s)) == (0, 300)
    await host.let_in(eui64, key, window_s=255)
    clock.forward(300)
    device = switch_on(street, eui64)
    await tries(device, clock, 3)
    assert await host.joins(3) == [(eui64, JOIN, DENIED)] * 3


@pytest.mark.parametrize(("version", "full"), [(13, 0x1C), (14, 0x1C)])
async def test_only_five_keys_can_wait(version: int, full: int, stand: Standing, connect: Connect) -> None:
    _, port = await stand(StreetPlan(meters=1, version=version, shipped=True))
    host = await connect(port, kind=SmartEnergyHost)
    await host._ezsp.clearTransientLinkKeys()
    for number in range(5):
        assert (await host.let_in(number, bytes(16)))[0] == 0
    assert (await host.let_in(5, bytes(16)))[0] == full
    assert (await host.let_in(4, bytes(16)))[0] == 0
    await host._ezsp.clearTransientLinkKeys()
    assert (await host.let_in(5, bytes(16)))[0] == 0


async def test_a_key_for_anybody_lets_anybody_in_who_has_it(stand: Standing, connect: Connect) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=SmartEnergyHost)
    (_, key), (stranger, _) = first(street), first(street, 1)
    await host.let_in(ANYBODY, key)
    device = street.homes.device(f"{stranger:016X}")
    device.node.link_key = device._own_key = key
    device.power_on()
    await asyncio.wait_for(device.reached(Stage.JOINED), 5)


async def test_a_key_in_the_clear_is_not_taken_by_a_smart_energy_device(
    stand: Standing, connect: Connect, clock: HandClock
) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=SmartEnergyHost)
    eui64, key = first(street)
    await host.let_in(eui64, key, policy=0x05)
    device = switch_on(street, eui64)
    await tries(device, clock, 3)
    assert await host.joins(3) == [(eui64, JOIN, CLEAR)] * 3


async def test_a_reset_closes_the_window_and_forgets_the_keys_that_waited(stand: Standing, connect: Connect) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=SmartEnergyHost)
    eui64, key = first(street)
    await host.let_in(eui64, key)
    street.ncp.reset()
    await asyncio.wait_for(host.lost.wait(), 5)
    host = await connect(port, kind=SmartEnergyHost)
    assert not street.coprocessor.trust_centre.permits_joining
    assert eui64 not in street.coprocessor.keys.transient
    _, policy = await host._ezsp.getPolicy(policyId=0)
    assert policy != 0x11


def test_an_install_code_stands_for_the_published_key() -> None:
    code = bytes.fromhex("83FED3407A939723A5C639B26916D505C3B5")
    assert crc(code[:-2]).to_bytes(2, "little") == code[-2:]
    assert link_key_of(code).hex() == "66b6900981e1ee3ca4206b6b861c02bb"


def test_the_same_seed_gives_the_same_devices_and_no_two_are_alike() -> None:
    plan = StreetPlan(meters=5, devices=4)
    one, two = (list(ZigBeeStreet(plan, HandClock()).home_devices()) for _ in range(2))
    assert one == two
    assert len({device.eui64 for device in one}) == len({device.install_code for device in one}) == 20
    assert ZigBeeStreet(plan, HandClock()).homes.named(one[7].eui64) == one[7]
    assert one[7].install_code.hex() not in repr(one[7])
