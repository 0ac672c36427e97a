"""The network key changed for a request once, by itself when its days are over, and with a removal's word on it."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from drivers.zigbee.rotation import Rotation
from gateway.dice import SystemDice
from gateway.errors import Fault
from tests.clock import HandClock
from tests.drivers.homes import NEWCOMER, VERSIONS, Make, home_of, up, vault_in, wait_until
from tests.gateway.homes import number


@VERSIONS
async def test_a_request_that_is_repeated_changes_the_key_once(
    laboratory: Make, keep_up: Make, tmp_path: Path, version: int
) -> None:
    lab = await laboratory(1, version=version)
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        first = lab.memory.network.network_key
        sequence = await home_of(driver).rotate(number(1), 10)
        second = lab.memory.network.network_key
        assert await home_of(driver).rotate(number(1), 10) == sequence
        assert lab.memory.network.network_key == second != first
        assert await home_of(driver).rotate(number(2), 10) == sequence + 1
        assert lab.memory.network.network_key not in (first, second)


@VERSIONS
async def test_a_change_whose_end_was_not_noted_is_recognised_by_the_sequence_number(
    laboratory: Make, keep_up: Make, tmp_path: Path, version: int
) -> None:
    lab = await laboratory(1, version=version)
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        sequence = await home_of(driver).rotate(number(1), 10)
        changed = lab.memory.network.network_key
        vault_in(tmp_path).begin_key_change(number(1), sequence - 1)  # as a stop right after the switch leaves it
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        assert await home_of(driver).rotate(number(1), 10) == sequence
        assert lab.memory.network.network_key == changed
        kept = vault_in(tmp_path).key_change()
        assert kept is not None
        assert kept.done


async def test_a_change_that_was_cut_short_before_the_switch_is_made_after_all(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        before = lab.memory.network.network_key
        changing = asyncio.create_task(home_of(driver).rotate(number(1), 10))
        await wait_until(lambda: vault_in(tmp_path).key_change() is not None)
        lab.server.drop()
        with pytest.raises(Fault):
            await changing
        await home_of(driver).rotate(number(1), 20)
        assert lab.memory.network.network_key != before


async def test_a_key_that_has_had_its_days_is_changed_by_itself_and_not_again_after_a_restart(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path, rotate_days=30)) as driver:
        await up(driver)
        first = lab.memory.network.network_key
    vault = vault_in(tmp_path)
    now = driver._clock.now()
    vault.begin_key_change("long ago", 0)
    vault.end_key_change("long ago", now - timedelta(days=31))
    async with keep_up(lab.homely(tmp_path, rotate_days=30)) as driver:
        await up(driver)
        await wait_until(lambda: vault.key_changed_at(now) >= now)
        second = lab.memory.network.network_key
        assert second != first
    async with keep_up(lab.homely(tmp_path, rotate_days=30)) as driver:
        await up(driver)
        await home_of(driver).membership(NEWCOMER)
        assert lab.memory.network.network_key == second


async def test_the_days_of_a_key_begin_when_they_are_first_counted_and_its_name_stays_until_it_is_changed(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    rotation = Rotation(vault_in(tmp_path), clock, SystemDice(), 1.0)
    assert rotation.due(30) is None
    await clock.advance(29 * 86_400)
    assert rotation.due(30) is None
    await clock.advance(86_400)
    name = rotation.due(30)
    assert name is not None
    await clock.advance(3600)
    assert Rotation(vault_in(tmp_path), clock, SystemDice(), 1.0).due(30) == name
