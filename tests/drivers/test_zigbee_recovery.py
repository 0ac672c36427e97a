"""The driver recovers by itself: resets, cut lines, closed ports, and co-processors that speak nonsense."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.zigbee import ZigBeeDriver
from gateway.clock import SystemClock
from gateway.config import decode
from gateway.dice import SeededDice
from gateway.errors import BadConfig, LinkLost, Unreachable
from simulators.zigbee import ash

Make = Callable[..., Any]


@pytest.mark.parametrize("version", [13, 14])
@pytest.mark.parametrize("accident", ["reset", "drop"])
async def test_a_read_in_flight_survives_a_reset_and_a_cut_line(
    laboratory: Make, keep_up: Make, version: int, accident: str
) -> None:
    lab = await laboratory(4, version=version)
    lab.meters[0].delay_s = 0.2
    async with keep_up(lab.driver(attempt_timeout_s=2.0)) as driver:
        reads = [asyncio.create_task(driver.read(lab.assignment(number), 20)) for number in range(4)]
        await asyncio.wait_for(lab.meters[0].was_asked.wait(), 10)
        getattr(lab.server, accident)()
        results = await asyncio.gather(*reads)
        assert [read.delivered_wh for read in results] == [1, 1_000_004, 2_000_007, 3_000_010]
        assert lab.server.connections == 2
        assert driver.up


async def test_a_read_waits_while_the_port_is_closed_and_runs_when_it_opens(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.driver()) as driver:
        await driver.read(lab.assignment(0), 10)
        await lab.close()
        read = asyncio.create_task(driver.read(lab.assignment(0), 20))
        done, _ = await asyncio.wait({read}, timeout=0.5)
        assert not done
        assert not driver.up
        await lab.open()
        assert (await read).delivered_wh == 1


async def test_a_read_without_a_connection_ends_at_its_time_limit_as_link_lost(laboratory: Make) -> None:
    lab = await laboratory(1)
    with pytest.raises(LinkLost, match="no connection"):
        await lab.driver().read(lab.assignment(0), 0.1)


async def test_run_says_why_the_connection_was_lost(laboratory: Make) -> None:
    lab = await laboratory(1)
    for accident, words in (("reset", "reset itself"), ("drop", "connection")):
        driver = lab.driver()
        running = asyncio.create_task(driver.run())
        await driver.read(lab.assignment(0), 10)
        getattr(lab.server, accident)()
        with pytest.raises(LinkLost, match=words):
            await asyncio.wait_for(running, 10)
        assert not driver.up


async def test_cancelling_run_closes_the_connection(laboratory: Make) -> None:
    lab = await laboratory(1)
    driver = lab.driver()
    running = asyncio.create_task(driver.run())
    await driver.read(lab.assignment(0), 10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not driver.up
    again = asyncio.create_task(driver.run())
    assert (await driver.read(lab.assignment(0), 10)).delivered_wh == 1
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)


async def test_nobody_listening_is_link_lost() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(LinkLost, match="cannot be opened"):
        await driver_on(port).run()


async def test_a_co_processor_without_a_network_is_link_lost_in_words(laboratory: Make) -> None:
    lab = await laboratory(1)
    lab.memory.network = None
    with pytest.raises(LinkLost, match="no network"):
        await lab.driver().run()


async def test_a_database_that_is_none_is_link_lost_in_words(laboratory: Make, tmp_path: Path) -> None:
    lab = await laboratory(1)
    (tmp_path / "radio.db").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(LinkLost, match=r"database .* cannot be used"):
        await lab.driver(database=tmp_path / "radio.db").run()


@pytest.mark.parametrize("radio", ["", "localhost:9999", "socket://host", "socket://:1", "http://host:1", "ttyUSB0"])
def test_a_radio_that_is_no_address_is_a_configuration_error(radio: str) -> None:
    with pytest.raises(BadConfig, match="radio"):
        decode({"radio": radio}, ZigBeeDriver.Settings, "[radio]")


async def test_the_database_spares_the_second_start_its_search(laboratory: Make, keep_up: Make, tmp_path: Path) -> None:
    lab = await laboratory(3)
    database = tmp_path / "radio.db"
    counts = []
    for _ in range(2):
        async with keep_up(lab.driver(database=database)) as driver:
            await asyncio.gather(*(driver.read(lab.assignment(number), 10) for number in range(3)))
            counts.append(lab.broadcasts)
    assert counts[0] - counts[1] == 3
    assert database.stat().st_mode & 0o077 == 0


async def test_a_meter_that_moved_to_another_address_is_found_again(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    before, after = await laboratory(2), await laboratory(2, first_nwk=0x2000)
    async with keep_up(before.driver(database=tmp_path / "radio.db")) as driver:
        await driver.read(before.assignment(1), 10)
    async with keep_up(after.driver(database=tmp_path / "radio.db")) as driver:
        read = await driver.read(after.assignment(1), 10)
    assert read.delivered_wh == 1_000_004
    assert " 0x2001 " in read.path


def driver_on(port: int, **settings: Any) -> ZigBeeDriver:
    told = ZigBeeDriver.Settings(radio=f"socket://127.0.0.1:{port}", **settings)
    return ZigBeeDriver("radio", told, SystemClock(), SeededDice(7))


class Speaker(asyncio.Protocol):
    """Says one sentence after another to whoever connects, and listens to nothing."""

    def __init__(self, sentence: Callable[[], bytes], lines: set[asyncio.BaseTransport]) -> None:
        self._sentence, self._lines = sentence, lines
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._lines.add(transport)
        self._speak()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def _speak(self) -> None:
        if self._transport is not None:
            self._transport.write(self._sentence())
            asyncio.get_running_loop().call_later(0.002, self._speak)


@asynccontextmanager
async def speaking(sentence: Callable[[], bytes]) -> AsyncIterator[int]:
    """A port with a speaker behind it."""
    lines: set[asyncio.BaseTransport] = set()
    server = await asyncio.get_running_loop().create_server(lambda: Speaker(sentence, lines), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for line in lines:
            line.close()
        await server.wait_closed()


@pytest.mark.parametrize("seed", range(8))
async def test_a_port_that_speaks_noise_is_link_lost_and_nothing_else(seed: int) -> None:
    rolls = random.Random(seed)
    async with speaking(lambda: rolls.randbytes(rolls.randrange(1, 300))) as port:
        with pytest.raises(LinkLost):
            await driver_on(port, start_timeout_s=0.4).run()


@pytest.mark.parametrize("seed", range(24))
async def test_a_co_processor_that_speaks_well_framed_nonsense_is_link_lost_and_nothing_else(seed: int) -> None:
    """Frames pass ASH's checks; inside them are answers and callbacks of random bytes, and resets among them."""
    rolls = random.Random(seed)
    number = 0

    def sentence() -> bytes:
        nonlocal number
        if rolls.random() < 0.05:
            number = 0
            return ash.encode(ash.ResetDone(rolls.randrange(256)))
        if rolls.random() < 0.2:
            return ash.encode((ash.Ack if rolls.random() < 0.5 else ash.Nak)(rolls.randrange(8)))
        head = rolls.choice([b"\x00\x80\x00", b"\x00\x80\x01", b"\x01\x80\x01", b"\x00\x90\x01"])
        frame = ash.Data(number, rolls.randrange(8), head + rolls.randbytes(rolls.randrange(0, 80)))
        number = (number + 1) % 8
        return ash.encode(frame)

    async with speaking(lambda: ash.encode(ash.ResetDone(11)) if not number else sentence()) as port:
        driver = driver_on(port, start_timeout_s=0.5)
        with pytest.raises(LinkLost):
            await driver.run()


@pytest.mark.parametrize("seed", range(12))
async def test_answers_of_random_bytes_from_a_network_that_runs_never_end_more_than_their_read(
    laboratory: Make, keep_up: Make, seed: int
) -> None:
    lab = await laboratory(2)
    rolls = random.Random(seed)
    async with keep_up(lab.driver(attempts=1)) as driver:
        for _ in range(10):
            lab.meters[0].instead = rolls.randbytes(rolls.randrange(0, 70))
            await asyncio.gather(driver.read(lab.assignment(0), 5), return_exceptions=True)
        assert (await driver.read(lab.assignment(1), 5)).delivered_wh == 1_000_004
        assert lab.server.connections == 1


async def test_a_co_processor_that_hangs_is_given_up_by_the_watchdog(laboratory: Make) -> None:
    lab = await laboratory(1)
    driver = lab.driver(attempts=1, watchdog_s=0.1)
    running = asyncio.create_task(driver.run())
    await driver.read(lab.assignment(0), 10)
    lab.coprocessor.receive = lambda payload: None
    with pytest.raises(LinkLost, match="no sign of life"):
        await asyncio.wait_for(running, 10)


async def test_a_meter_is_unreachable_behind_a_co_processor_that_hangs(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.driver(attempts=1)) as driver:
        await driver.read(lab.assignment(0), 10)
        lab.coprocessor.receive = lambda payload: None
        with pytest.raises(Unreachable):
            await driver.read(lab.assignment(0), 5)
