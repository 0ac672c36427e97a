"""Joins over a network that enforces its security: every stage, every cause, and nothing left behind."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drivers.zigbee import ZigBeeDriver
from drivers.zigbee.addresses import ieee_of
from gateway.dice import SeededDice
from gateway.han.words import Cause, DeviceType, HanFault, Membership, Stage
from gateway.identifiers import Eui64
from gateway.keys import InstallCode
from simulators.zigbee.cbke.credentials import Authority, Credentials
from simulators.zigbee.cbke.talk import INITIATE, TERMINATE, Party
from simulators.zigbee.life import Stage as Standing
from tests.drivers.homes import (
    AUTHORITY,
    CODE,
    NEWCOMER,
    OTHER_CODE,
    OUR_EUI64,
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

KEY_ESTABLISHMENT = 0x0800
NEWCOMER_EUI64 = int(NEWCOMER, 16)
TO_THE_END = [
    Stage.KEY_INSTALLED,
    Stage.WINDOW_OPEN,
    Stage.JOINED,
    Stage.ANNOUNCED,
    Stage.INTERVIEWED,
    Stage.KEY_ESTABLISHING,
    Stage.REGISTERED,
]


class Failure:
    """What a join that failed told, and how."""

    def __init__(self, cause: Cause, detail: str, stages: list[Stage]) -> None:
        self.cause, self.detail, self.stages = cause, detail, stages


async def failed(
    lab: Any,
    driver: ZigBeeDriver,
    folder: Path,
    *,
    device: Eui64 = NEWCOMER,
    code: InstallCode = CODE,
    window_s: int = 30,
    at: Stage | None = None,
    fault: Callable[[], Awaitable[None] | None] | None = None,
) -> Failure:
    """Join, with a fault once a stage is told; the join must fail and leave nothing behind."""
    await up(driver)
    keys, told = keys_in(lab), Timeline()
    joining = asyncio.create_task(home_of(driver).join(device, code, window_s, told))
    if at is not None and fault is not None:
        await told.until(at)
        done = fault()
        if done is not None:
            await done
    with pytest.raises(HanFault) as caught:
        await asyncio.wait_for(joining, 30)
    await left_clean(lab, driver, folder, keys, device)
    return Failure(caught.value.cause, str(caught.value), told.stages)


async def left_clean(lab: Any, driver: ZigBeeDriver, folder: Path, keys: dict[int, bytes], device: Eui64) -> None:
    """Nothing of a device is left, and the network is closed."""
    await up(driver)
    await old_business_finished(driver)
    assert policy_of(lab) == 0
    assert not lab.coprocessor.trust_centre.permits_joining
    assert (lab.coprocessor.keys.transient, keys_in(lab)) == ({}, keys)
    assert vault_in(folder).get(device) is None
    assert await home_of(driver).membership(device) is Membership.ABSENT
    assert lab.radio.named(int(device, 16)) is None
    assert driver._app is not None
    assert ieee_of(device) not in driver._app.devices


@VERSIONS
@pytest.mark.parametrize("suite", [1, 2])
async def test_a_device_joins_is_interviewed_and_registered(
    laboratory: Make, keep_up: Make, tmp_path: Path, version: int, suite: int
) -> None:
    lab = await laboratory(1, version=version)
    device = lab.newcomer(suites=[suite])
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        timeline, was_open = Timeline(), {}

        async def told(stage: Stage, detail: str) -> None:
            was_open[stage] = lab.coprocessor.trust_centre.permits_joining
            await timeline(stage, detail)

        device.power_on()
        info = await home_of(driver).join(NEWCOMER, CODE, 30, told)
        assert timeline.stages == TO_THE_END
        assert [stage for stage in TO_THE_END if was_open[stage]] == TO_THE_END[1:4]
        assert (info.device, info.type, info.suite) == (NEWCOMER, DeviceType.IN_HOME_DISPLAY, suite)
        assert (info.nwk, info.endpoint, info.sleepy) == (device.node.nwk, 1, False)
        assert await device.reached(Standing.REGISTERED) is Standing.REGISTERED
        assert keys_in(lab)[int(NEWCOMER, 16)] == device.node.link_key
        assert lab.coprocessor.keys.transient == {}
        assert policy_of(lab) == 0x02
        assert not lab.coprocessor.trust_centre.permits_joining
        assert await home_of(driver).membership(NEWCOMER) is Membership.REGISTERED
        assert await home_of(driver).ping(NEWCOMER, 5) >= 0


async def test_a_wrong_install_code_is_named_after_the_device_came_again_and_again(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path)) as driver:
        lab.newcomer().power_on()
        failure = await failed(lab, driver, tmp_path, code=OTHER_CODE)
    assert failure.cause is Cause.WRONG_INSTALL_CODE
    assert "3 times" in failure.detail
    assert failure.stages == TO_THE_END[:3]


async def test_another_device_that_comes_is_named_as_the_wrong_one(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path)) as driver:
        lab.newcomer().power_on()
        failure = await failed(lab, driver, tmp_path, device=Eui64("00124B0000000998"), window_s=2)
    assert failure.cause is Cause.WRONG_MAC
    assert NEWCOMER in failure.detail


async def test_nobody_who_comes_lets_the_window_expire(laboratory: Make, keep_up: Make, tmp_path: Path) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path)) as driver:
        failure = await failed(lab, driver, tmp_path, window_s=1)
    assert failure.cause is Cause.WINDOW_EXPIRED


async def test_a_device_whose_key_has_expired_is_denied(laboratory: Make, keep_up: Make, tmp_path: Path) -> None:
    lab = await laboratory(1)
    device = lab.newcomer()

    def forget() -> None:
        lab.coprocessor.keys.reset()
        device.power_on()

    async with keep_up(lab.homely(tmp_path)) as driver:
        failure = await failed(lab, driver, tmp_path, window_s=2, at=Stage.WINDOW_OPEN, fault=forget)
    assert failure.cause is Cause.JOIN_DENIED


async def test_a_key_table_that_fills_up_meanwhile_is_named(laboratory: Make, keep_up: Make, tmp_path: Path) -> None:
    lab = await laboratory(11)

    def fill() -> None:
        (free,) = set(range(12)) - set(lab.memory.link_keys)
        lab.memory.link_keys[free] = replace(lab.memory.link_keys[0], eui64=0x00124B0000000777)
        lab.coprocessor.keys._changed()

    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        keys, told = keys_in(lab), Timeline()
        lab.newcomer().power_on()
        joining = asyncio.create_task(home_of(driver).join(NEWCOMER, CODE, 30, told))
        await told.until(Stage.JOINED)
        fill()
        with pytest.raises(HanFault) as caught:
            await joining
        assert caught.value.cause is Cause.KEY_TABLE_FULL
        del lab.memory.link_keys[next(slot for slot, key in lab.memory.link_keys.items() if key.eui64 & 0xFFF == 0x777)]
        lab.coprocessor.keys._changed()
        await left_clean(lab, driver, tmp_path, keys, NEWCOMER)


async def test_a_device_that_does_not_tell_about_itself_fails_its_interview(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    device = lab.newcomer(kind="display", suites=())
    device.node.endpoints = {}
    async with keep_up(lab.homely(tmp_path)) as driver:
        device.power_on()
        failure = await failed(lab, driver, tmp_path)
    assert failure.cause is Cause.INTERVIEW_FAILED
    assert failure.stages == TO_THE_END[:4]


async def test_a_device_that_leaves_while_it_joins_is_named_so(laboratory: Make, keep_up: Make, tmp_path: Path) -> None:
    lab = await laboratory(1)
    device = lab.newcomer(suites=())
    async with keep_up(lab.homely(tmp_path)) as driver:
        device.power_on()
        failure = await failed(lab, driver, tmp_path, at=Stage.INTERVIEWED, fault=lambda: lab.radio.depart(device.node))
    assert failure.cause is Cause.LEFT_BY_ITSELF


async def test_a_device_that_never_begins_to_establish_a_key_times_out(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path, key_begin_s=1.0)) as driver:
        lab.newcomer(suites=()).power_on()
        failure = await failed(lab, driver, tmp_path)
    assert failure.cause is Cause.KEY_TIMEOUT
    assert failure.stages == TO_THE_END[:5]


def other_private(given: Credentials) -> Credentials:
    return replace(given, private=given.private + 1)


def for_signatures_only(given: Credentials) -> Credentials:
    octets = bytearray(given.certificate)
    octets[36] = 0x80
    return replace(given, certificate=bytes(octets))


STRANGE = Authority(SeededDice(4), name=0x1111111111111111)


@pytest.mark.parametrize(
    ("cause", "credentials"),
    [
        (Cause.UNKNOWN_ISSUER, STRANGE.issue(NEWCOMER_EUI64, 2)),
        (Cause.BAD_MESSAGE, AUTHORITY.issue(NEWCOMER_EUI64 + 1, 2)),
        (Cause.BAD_KEY_CONFIRM, other_private(AUTHORITY.issue(NEWCOMER_EUI64, 2))),
        (Cause.INVALID_KEY_USAGE, for_signatures_only(AUTHORITY.issue(NEWCOMER_EUI64, 2))),
        (Cause.UNSUPPORTED_SUITE, AUTHORITY.issue(NEWCOMER_EUI64, 2)),
    ],
    ids=lambda value: value.value if isinstance(value, Cause) else "",
)
async def test_a_key_that_cannot_be_established_has_its_cause(
    laboratory: Make, keep_up: Make, tmp_path: Path, cause: Cause, credentials: Credentials
) -> None:
    """Its initiator does not leave by itself when it is told that its issuer is unknown: it is removed."""
    lab = await laboratory(1)
    device = lab.newcomer(suites=())
    talk = Party(NEWCOMER_EUI64, [credentials], SeededDice(1)).begin(OUR_EUI64, 2, 0.0)

    async def speak() -> None:
        """Initiate whatever suites the trust centre has, and go on as far as it lets."""
        frames = list(talk.opening)
        while frames:
            command, body = frames.pop(0)
            heard = await device.uplink.ask(KEY_ESTABLISHMENT, command, body)
            frames += talk.hear(heard.header.command, heard.body, 0.0)

    suites = (1,) if cause is Cause.UNSUPPORTED_SUITE else (1, 2)
    async with keep_up(lab.homely(tmp_path, suites)) as driver:
        device.power_on()
        failure = await failed(lab, driver, tmp_path, at=Stage.INTERVIEWED, fault=speak)
    assert failure.cause is cause


@pytest.mark.parametrize("status", [Cause.NO_RESOURCES, Cause.BAD_MESSAGE])
async def test_a_device_that_ends_the_exchange_itself_says_why(
    laboratory: Make, keep_up: Make, tmp_path: Path, status: Cause
) -> None:
    lab = await laboratory(1)
    device = lab.newcomer(suites=())
    opening = (
        Party(NEWCOMER_EUI64, [AUTHORITY.issue(NEWCOMER_EUI64, 2)], SeededDice(1)).begin(OUR_EUI64, 2, 0.0).opening
    )

    async def speak() -> None:
        await device.uplink.ask(KEY_ESTABLISHMENT, INITIATE, opening[0][1])
        said = {Cause.NO_RESOURCES: 4, Cause.BAD_MESSAGE: 3}[status]
        await device.uplink.tell(KEY_ESTABLISHMENT, TERMINATE, bytes([said, 20, 2, 0]))

    async with keep_up(lab.homely(tmp_path)) as driver:
        device.power_on()
        failure = await failed(lab, driver, tmp_path, at=Stage.INTERVIEWED, fault=speak)
    assert failure.cause is status
    assert "the device refused" in failure.detail


async def test_a_device_that_is_told_that_its_issuer_is_unknown_leaves_by_itself(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    device = lab.newcomer(authority=STRANGE)
    async with keep_up(lab.homely(tmp_path)) as driver:
        device.power_on()
        failure = await failed(lab, driver, tmp_path)
    assert failure.cause is Cause.UNKNOWN_ISSUER
    assert device.stage is Standing.LEFT


@pytest.mark.parametrize("stage", TO_THE_END)
async def test_a_join_that_is_cancelled_at_any_stage_leaves_nothing(
    laboratory: Make, keep_up: Make, tmp_path: Path, stage: Stage
) -> None:
    lab = await laboratory(1)
    device = lab.newcomer()
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        keys, reached = keys_in(lab), asyncio.Event()

        async def told(now: Stage, detail: str) -> None:
            if now is stage:
                reached.set()
                await asyncio.Event().wait()

        device.power_on()
        joining = asyncio.create_task(home_of(driver).join(NEWCOMER, CODE, 30, told))
        await asyncio.wait_for(reached.wait(), 20)
        joining.cancel()
        await asyncio.gather(joining, return_exceptions=True)
        await left_clean(lab, driver, tmp_path, keys, NEWCOMER)


@pytest.mark.parametrize("turns", range(120, 480, 15))
async def test_a_join_that_is_cancelled_while_a_key_is_established_leaves_no_key_unless_it_has_succeeded(
    laboratory: Make, keep_up: Make, tmp_path: Path, turns: int
) -> None:
    lab = await laboratory(1)
    device = lab.newcomer()
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        keys, told = keys_in(lab), Timeline()
        device.power_on()
        joining = asyncio.create_task(home_of(driver).join(NEWCOMER, CODE, 30, told))
        await told.until(Stage.JOINED)
        for _ in range(turns):
            await asyncio.sleep(0)
        joining.cancel()
        await asyncio.gather(joining, return_exceptions=True)
        await old_business_finished(driver)
        if Stage.REGISTERED in told.stages and NEWCOMER in {each.device for each in vault_in(tmp_path).all()}:
            assert keys_in(lab)[int(NEWCOMER, 16)] == device.node.link_key
        else:
            await left_clean(lab, driver, tmp_path, keys, NEWCOMER)


@pytest.mark.parametrize("stage", TO_THE_END[:-1])
async def test_a_co_processor_that_resets_at_any_stage_fails_the_join_and_leaves_nothing(
    laboratory: Make, keep_up: Make, tmp_path: Path, stage: Stage
) -> None:
    lab = await laboratory(1)
    device = lab.newcomer()
    async with keep_up(lab.homely(tmp_path)) as driver:
        device.power_on()
        failure = await failed(lab, driver, tmp_path, at=stage, fault=lab.server.reset)
    assert failure.cause is Cause.LINK_LOST


async def test_a_device_that_is_registered_stays_so_whatever_becomes_of_the_radio_then(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    device = lab.newcomer()
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        told = Timeline()
        device.power_on()
        joining = asyncio.create_task(home_of(driver).join(NEWCOMER, CODE, 30, told))
        await told.until(Stage.REGISTERED)
        lab.server.reset()
        assert (await joining).device == NEWCOMER
        await up(driver)
        await old_business_finished(driver)
        assert await home_of(driver).membership(NEWCOMER) is Membership.REGISTERED
        assert (policy_of(lab), lab.coprocessor.keys.transient) == (0x02, {})


async def test_after_five_resets_during_its_joins_a_device_joins(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    device = lab.newcomer()
    async with keep_up(lab.homely(tmp_path)) as driver:
        for stage in TO_THE_END[:5]:
            await device.power_off()
            device.power_on()
            failure = await failed(lab, driver, tmp_path, at=stage, fault=lab.server.reset)
            assert failure.cause is Cause.LINK_LOST
        await device.power_off()
        device.power_on()
        await home_of(driver).join(NEWCOMER, CODE, 30, Timeline())
        assert await home_of(driver).membership(NEWCOMER) is Membership.REGISTERED
        assert policy_of(lab) == 0x02


@pytest.mark.parametrize("stage", [Stage.WINDOW_OPEN, Stage.KEY_ESTABLISHING])
async def test_five_resets_in_a_row_during_one_join_end_it_with_its_cause_and_a_closed_network(
    laboratory: Make, keep_up: Make, tmp_path: Path, stage: Stage
) -> None:
    lab = await laboratory(1)
    device = lab.newcomer()

    async def reconnected() -> None:
        gone = driver._app
        await wait_until(lambda: driver._app not in (None, gone))

    async def reset() -> None:
        lab.server.reset()
        for _ in range(4):
            await reconnected()
            lab.server.reset()
        await reconnected()

    async with keep_up(lab.homely(tmp_path)) as driver:
        device.power_on()
        failure = await failed(lab, driver, tmp_path, at=stage, fault=reset)
    assert failure.cause is Cause.LINK_LOST


async def test_a_vault_that_fails_while_a_join_is_cleaned_up_leaves_the_network_closed_and_the_door_in_use(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    def alter(sql: str) -> None:
        with closing(sqlite3.connect(tmp_path / "network.db.vault")) as connection:
            connection.execute(sql)

    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        lab.newcomer().power_on()
        told = Timeline()
        joining = asyncio.create_task(home_of(driver).join(NEWCOMER, CODE, 30, told))
        await told.until(Stage.ANNOUNCED)
        alter("ALTER TABLE keys RENAME TO elsewhere")
        joining.cancel()
        await asyncio.gather(joining, return_exceptions=True)
        alter("ALTER TABLE elsewhere RENAME TO keys")
        failure = await failed(lab, driver, tmp_path, device=Eui64("00124B0000000998"), window_s=1)
        assert failure.stages == TO_THE_END[:2]
        assert await home_of(driver).membership(NEWCOMER) is Membership.ABSENT
