"""Keeping a link alive, on virtual time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from gateway.errors import LinkLost, Unreachable
from gateway.links import Backoff, keep
from simulators.virtual_time import VirtualClock, run

BACKOFF = Backoff(first_s=1, last_s=8, steady_s=30)


async def lives(each: Callable[[int], Awaitable[None]], count: int, told: list[str] | None = None) -> list[float]:
    """When each of so many lives began, in seconds; then the link is cancelled."""
    clock, began, enough = VirtualClock(), list[float](), asyncio.Event()

    async def life() -> None:
        began.append(clock.monotonic())
        if len(began) == count:
            enough.set()
            await asyncio.Event().wait()
        await each(len(began))

    task = asyncio.create_task(keep("the line", life, clock, BACKOFF, None if told is None else told.append))
    waiting = asyncio.create_task(enough.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not task.done():
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        task.result()
    return began


async def lost(number: int) -> None:
    raise LinkLost(f"loss {number}")


def test_pauses_double_up_to_the_last() -> None:
    assert run(lives(lost, 7)) == [0, 1, 3, 7, 15, 23, 31]


def test_a_steady_life_starts_the_pauses_over() -> None:
    async def steady_at_fourth(number: int) -> None:
        await asyncio.sleep(30 if number == 4 else 0)
        raise LinkLost("again")

    assert run(lives(steady_at_fourth, 6)) == [0, 1, 3, 7, 38, 40]


def test_a_life_that_ends_by_itself_is_a_loss_too() -> None:
    async def over(number: int) -> None:
        return None

    told: list[str] = []
    assert run(lives(over, 3, told)) == [0, 1, 3]
    assert told == ["the connection ended"] * 2


def test_the_log_hears_of_it_once_and_again_after_a_steady_life(caplog: pytest.LogCaptureFixture) -> None:
    async def steady_at_third(number: int) -> None:
        await asyncio.sleep(30 if number == 3 else 0)
        raise LinkLost(f"loss {number}")

    told: list[str] = []
    with caplog.at_level(logging.DEBUG, logger="gateway.links"):
        run(lives(steady_at_third, 6, told))
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warned == [f"the line is down and will be tried again: LinkLost: loss {number}" for number in (1, 3)]
    assert told == [f"LinkLost: loss {number}" for number in range(1, 6)]


@pytest.mark.parametrize("fault", [LinkLost("x"), Unreachable("x"), OSError("x"), ConnectionResetError("x")])
def test_faults_and_errors_of_the_system_are_survived(fault: Exception) -> None:
    async def broken(number: int) -> None:
        raise fault

    assert len(run(lives(broken, 3))) == 3


@pytest.mark.parametrize("error", [ValueError("ours"), KeyError("ours"), AssertionError("ours")])
def test_any_other_exception_ends_it(error: Exception) -> None:
    async def broken(number: int) -> None:
        raise error

    with pytest.raises(type(error), match="ours"):
        run(lives(broken, 3))
