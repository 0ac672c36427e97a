"""A child process is ready when it says so, is heard while it lives and ended when it must; each failure has words."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulators import processes
from simulators.processes import Child, DidNotStart, keep_running

LIMIT_S = 20.0
WAITS = "import signal; signal.pause()"
CALL = "import os, socket; socket.create_connection(('127.0.0.1', int(os.environ['CALL_PORT']))).close()"
READY = f"print('ready port=7 place=a=b word'); print('more'); {WAITS}"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); {WAITS}"


@pytest.fixture
async def children() -> AsyncIterator[list[Child]]:
    """Whoever is put here does not outlive the test."""
    made: list[Child] = []
    yield made
    for child in made:
        if child.alive:
            await child.kill()


@pytest.fixture
def child(children: list[Child], tmp_path: Path) -> Child:
    """A process that is ready at once and then waits."""
    return python(children, READY, tmp_path / "child.log")


def python(children: list[Child], program: str, log: Path | None = None) -> Child:
    """A child that runs a Python program."""
    children.append(Child("child", [sys.executable, "-c", program], log))
    return children[-1]


@pytest.fixture
async def calls() -> AsyncIterator[asyncio.Queue[None]]:
    """One entry for each process that has reached its CALL."""
    heard: asyncio.Queue[None] = asyncio.Queue()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.put_nowait(None)
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    os.environ["CALL_PORT"] = str(listener.sockets[0].getsockname()[1])
    yield heard
    listener.close()


async def test_it_is_ready_with_the_values_that_it_says(child: Child) -> None:
    assert not child.alive
    assert await child.start() == {"port": "7", "place": "a=b"}
    assert child.alive
    assert child.starts == 1


async def test_everything_it_says_goes_to_its_log(child: Child, tmp_path: Path) -> None:
    await child.start()
    await child.said("more")
    await child.stop()
    assert (tmp_path / "child.log").read_text().splitlines() == ["ready port=7 place=a=b word", "more"]


async def test_one_that_ends_before_it_is_ready_says_its_last_words(children: list[Child]) -> None:
    child = python(children, "print('no luck'); raise SystemExit(3)")
    with pytest.raises(DidNotStart, match="child ended before it was ready: no luck"):
        await child.start(LIMIT_S)
    assert await child.wait() == 3


async def test_one_that_falls_silent_before_it_ends_is_waited_for(children: list[Child]) -> None:
    child = python(children, "import os; os.close(1); os.close(2); sum(range(3_000_000)); os._exit(5)")
    with pytest.raises(DidNotStart, match="ended before it was ready: nothing was said"):
        await child.start(LIMIT_S)
    assert not child.alive


async def test_one_that_is_never_ready_is_ended_in_time(children: list[Child]) -> None:
    child = python(children, WAITS)
    with pytest.raises(DidNotStart, match="child was not ready after 0 s: nothing was said"):
        await child.start(0.4)
    assert not child.alive


async def test_a_program_that_is_not_there_is_an_error_of_the_system() -> None:
    with pytest.raises(FileNotFoundError):
        await Child("child", ["/nowhere/program"]).start()


async def test_stop_asks_first(child: Child) -> None:
    await child.start()
    assert await child.stop() == -15
    assert not child.alive


async def test_one_that_does_not_listen_is_ended_the_hard_way(children: list[Child]) -> None:
    child = python(children, DEAF)
    await child.start()
    assert await child.stop(0.3) == -9


async def test_kill_is_at_once_and_stop_afterwards_repeats_the_code(child: Child) -> None:
    await child.start()
    assert await child.kill() == -9
    assert await child.stop() == -9


async def test_stopping_what_never_started_is_nothing(child: Child) -> None:
    assert await child.stop() is None


async def test_it_can_be_started_again_but_not_twice(child: Child) -> None:
    await child.start()
    with pytest.raises(AssertionError, match="runs already"):
        await child.start()
    await child.kill()
    assert (await child.start())["port"] == "7"
    assert child.starts == 2


async def test_words_are_awaited_until_they_are_said(children: list[Child], tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    child = python(children, f"print('ready'); open({str(gate)!r}).read(); print('the gate is open'); {WAITS}")
    await child.start()
    waiting = asyncio.create_task(child.said("gate is", LIMIT_S))
    await asyncio.get_running_loop().run_in_executor(None, gate.write_text, "now")
    await waiting


async def test_words_that_are_not_said_in_time_are_missed(child: Child) -> None:
    await child.start()
    await child.said("more")
    with pytest.raises(DidNotStart, match="child did not say 'less'"):
        await child.said("less", 0.2)


async def test_words_of_one_that_has_ended_are_not_waited_for(child: Child) -> None:
    await child.start()
    waiting = asyncio.create_task(child.said("less", 600.0))
    await child.kill()
    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(DidNotStart, match="child ended and did not say 'less'"):
            await waiting


async def test_run_returns_when_all_went_well(children: list[Child]) -> None:
    child = python(children, "print('done')")
    await child.run(LIMIT_S)
    assert list(child.lines) == ["done"]


async def test_run_tells_what_went_wrong(children: list[Child]) -> None:
    with pytest.raises(DidNotStart, match="child ended with 4: half done"):
        await python(children, "print('half done'); raise SystemExit(4)").run(LIMIT_S)


async def test_run_ends_what_takes_too_long(children: list[Child]) -> None:
    child = python(children, WAITS)
    with pytest.raises(DidNotStart, match="child ended with -9"):
        await child.run(0.3)
    assert not child.alive


async def test_a_run_that_is_cancelled_leaves_nothing_running(
    children: list[Child], calls: asyncio.Queue[None]
) -> None:
    child = python(children, f"{CALL}; {WAITS}")
    running = asyncio.create_task(child.run(LIMIT_S))
    async with asyncio.timeout(LIMIT_S):
        await calls.get()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not child.alive


async def test_a_line_longer_than_memory_allows_does_not_deafen_us(children: list[Child]) -> None:
    child = python(children, f"print('x' * {3 * processes.LINE_BYTES}); print('ready'); {WAITS}")
    await child.start(LIMIT_S)
    assert "(a line too long to keep)" in child.lines


async def test_only_the_last_lines_are_kept(children: list[Child]) -> None:
    child = python(children, "[print(number) for number in range(1000)]")
    await child.run(LIMIT_S)
    assert len(child.lines) == processes.REMEMBERED_LINES
    assert child.last_words() == "994 / 995 / 996 / 997 / 998 / 999"


async def test_one_that_is_kept_running_comes_back_after_each_death(
    children: list[Child], calls: asyncio.Queue[None]
) -> None:
    child = python(children, f"print('ready'); {CALL}; {WAITS}")
    await child.start()
    keeper = asyncio.create_task(keep_running(child, 0.01))
    async with asyncio.timeout(LIMIT_S):
        for _ in range(2):
            await calls.get()
            await child.kill()
        await calls.get()
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)
    assert child.starts == 3
