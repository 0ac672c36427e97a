"""A network key's change at a gateway, on virtual time and a real journal: once, whatever is repeated or cut short."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.han.execution import STILL_HAS_KEY
from gateway.han.messages import RemoveDevice, RotateNetworkKey
from gateway.han.words import Cause, HanFault, Stage
from gateway.messages import OutcomeStatus
from simulators.virtual_time import VirtualClock, run
from tests.gateway.han.test_provisioning import House, in_a_house, living
from tests.gateway.homes import DEVICE, DictionaryHome, ask, join, number


def rotate(of: int, at: datetime, driver: str | None = None) -> RotateNetworkKey:
    """A change whose id is its number."""
    return RotateNetworkKey(id=number(of), driver=driver, requested_at=at, deadline_at=at + timedelta(seconds=180))


def test_a_change_is_made_once_and_told_again_to_who_repeats_it(tmp_path: Path) -> None:
    @in_a_house
    async def test(house: House) -> None:
        change = rotate(1, house.clock.now())
        await house.handle(change, change)
        ended = await house.ended(change)
        assert (ended.status, ended.meter, ended.device) == (OutcomeStatus.DONE, None, None)
        assert "sequence number 1" in ended.detail
        await house.handle(change)
        assert await house.ended(change) == ended
        assert house.home.asked_to_rotate == [change.id]

    test(tmp_path)


def test_a_change_that_a_stop_cut_short_is_asked_for_again_under_its_own_id(tmp_path: Path) -> None:
    async def test() -> None:
        clock = VirtualClock()
        home = DictionaryHome(clock, step_s=20.0)
        change = rotate(1, clock.now())
        async with living(tmp_path, home, clock, grace_s=1) as house:
            await house.handle(change)
            await clock.sleep(25)  # the key has changed, and nobody has been told
        assert home.rotated == [change.id]
        async with living(tmp_path, home, clock) as house:
            ended = await house.ended(change)
        assert ended.status is OutcomeStatus.DONE
        assert home.rotated == [change.id]
        assert home.asked_to_rotate == [change.id, change.id]

    run(test())


@pytest.mark.parametrize("name", ["attic", "desk"])
def test_a_driver_without_a_network_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    @in_a_house
    async def test(house: House) -> None:
        if name == "desk":
            house.driver.home = None
        change = rotate(1, house.clock.now(), name)
        await house.handle(change)
        ended = await house.ended(change)
        assert (ended.status, ended.cause) == (OutcomeStatus.REFUSED, Cause.NO_HOME_NETWORK)
        assert name in ended.detail

    test(tmp_path)


def test_a_change_that_comes_too_late_or_fails_says_so(tmp_path: Path) -> None:
    @in_a_house
    async def test(house: House) -> None:
        late = rotate(1, house.clock.now() - timedelta(hours=1))
        await house.handle(late)
        assert (await house.ended(late)).cause is Cause.EXPIRED
        house.home.rotation_trouble = HanFault(Cause.REFUSED_BY_DEVICE, "the co-processor did not switch")
        failing = rotate(2, house.clock.now())
        await house.handle(failing)
        ended = await house.ended(failing)
        assert (ended.status, ended.cause) == (OutcomeStatus.FAILED, Cause.REFUSED_BY_DEVICE)
        assert house.home.rotated == []
        house.home.rotation_trouble, house.home.step_s = None, 1000.0
        slow = rotate(3, house.clock.now())
        await house.handle(slow)
        assert (await house.ended(slow)).cause is Cause.UNREACHABLE

    test(tmp_path)


def test_a_removal_that_was_not_acknowledged_says_that_the_network_key_is_still_out_there(tmp_path: Path) -> None:
    @in_a_house
    async def test(house: House) -> None:
        await house.done(join(1, house.clock.now()))
        house.home.deaf.add(DEVICE)
        ended = await house.done(ask(RemoveDevice, 2, house.clock.now()))
        assert ended.detail == house.last().detail == STILL_HAS_KEY
        assert house.last().stage is Stage.REMOVED
        await house.done(join(3, house.clock.now()))
        house.home.deaf.clear()
        assert (await house.done(ask(RemoveDevice, 4, house.clock.now()))).detail == ""

    test(tmp_path)


def test_two_changes_at_once_each_have_their_end(tmp_path: Path) -> None:
    @in_a_house
    async def test(house: House) -> None:
        changes = [rotate(of, house.clock.now()) for of in (1, 2)]
        await house.handle(*changes)
        ends = await asyncio.gather(*(house.ended(each) for each in changes))
        assert [each.status for each in ends] == [OutcomeStatus.DONE] * 2

    test(tmp_path)
