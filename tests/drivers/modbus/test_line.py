"""What a driver makes of a line's trouble: faults with names, never a wrong value, and life afterwards."""

import asyncio
import contextlib
import os
import tty

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from drivers.modbus import ModbusDriver
from gateway.config import decode
from gateway.errors import BadConfig, BadReading, Fault, LinkLost, Unreachable, Unsupported
from simulators.modbus import frames
from simulators.modbus.faults import ModbusFault, ModbusFaultKind
from simulators.modbus.street import ModbusStreet

from .conftest import Puppet, Standing, assignment, driver, kept

FROZEN = ModbusFault(kind=ModbusFaultKind.FROZEN)
BOTH = pytest.mark.parametrize("scheme", ["tcp", "rtu+tcp"])


def freeze(street: ModbusStreet) -> list[int]:
    """Stop every meter; returns what their delivered registers hold, in Wh."""
    for sim in street.meters:
        sim.fault = FROZEN
    return [sim.meter.registers().delivered_wh for sim in street.meters]


@pytest.mark.parametrize(
    ("profile", "step_wh"), [("eastron-sdm630", 8), ("gavazzi-em24", 100), ("sunspec-int", 1), ("sunspec-float", 8)]
)
@BOTH
async def test_every_profile_reads_what_its_meter_holds(
    stand: Standing, profile: str, step_wh: int, scheme: str
) -> None:
    street, port = await stand(profile, units=3, rtu=scheme != "tcp")
    truth = freeze(street)
    async with kept(driver(port, scheme=scheme)) as line:
        for number, sim in enumerate(street.meters):
            read = await line.read(assignment(sim.unit, profile), 5)
            assert abs((read.delivered_wh or 0) - truth[number]) <= step_wh
            assert abs((read.demand_w or 0) - sim.meter.registers().demand_w) <= 10
            assert read.path == f"line {sim.unit}/{profile}"


@pytest.mark.parametrize(
    ("code", "fault"),
    [(1, Unsupported), (2, Unsupported), (3, Unsupported), (4, BadReading), (6, Unreachable), (11, Unreachable),
     (99, BadReading)],
)  # fmt: skip
@BOTH
async def test_exception_codes_are_faults_by_name(stand: Standing, code: int, fault: type[Fault], scheme: str) -> None:
    street, port = await stand("eastron-sdm630", units=1, rtu=scheme != "tcp")
    street.meters[0].fault = ModbusFault(kind=ModbusFaultKind.EXCEPTION, code=code)
    async with kept(driver(port, scheme=scheme)) as line:
        with pytest.raises(fault, match=f"exception {code}"):
            await line.read(assignment(1, "eastron-sdm630"), 5)


@pytest.mark.parametrize("kind", [ModbusFaultKind.BAD_CRC, ModbusFaultKind.STRAY, ModbusFaultKind.GARBAGE])
@BOTH
async def test_a_damaged_line_gives_the_truth_or_a_fault_and_recovers(
    stand: Standing, kind: ModbusFaultKind, scheme: str
) -> None:
    street, port = await stand("sunspec-int", units=2, rtu=scheme != "tcp")
    freeze(street)
    street.meters[0].fault = ModbusFault(kind=kind)  # which lets the meter run until it is stopped again
    street.meters[0].meter.fault = street.meters[1].meter.fault
    truth = [sim.meter.registers().delivered_wh for sim in street.meters]
    async with kept(driver(port, scheme=scheme, attempt_timeout_s=0.05, attempts=2)) as line:
        for _ in range(5):
            with contextlib.suppress(Fault):
                assert (await line.read(assignment(1, "sunspec-int"), 2)).delivered_wh == truth[0]
            assert (await line.read(assignment(2, "sunspec-int"), 5)).delivered_wh == truth[1]
        street.meters[0].fault = FROZEN
        assert (await line.read(assignment(1, "sunspec-int"), 5)).delivered_wh == truth[0]


@BOTH
async def test_a_late_answer_never_passes_for_the_next_one(stand: Standing, scheme: str) -> None:
    """The EM24 needs three requests of equal length, so an answer to one looks like an answer to another."""
    street, port = await stand("gavazzi-em24", units=1, rtu=scheme != "tcp")
    truth = freeze(street)[0] // 100 * 100
    sim = street.meters[0]
    async with kept(driver(port, scheme=scheme, attempt_timeout_s=0.05, settle_s=0.2, attempts=1)) as line:
        for _ in range(4):
            sim.fault = ModbusFault(kind=ModbusFaultKind.LATE, seconds=0.1)
            with pytest.raises(Unreachable):
                await line.read(assignment(1, "gavazzi-em24"), 5)
            sim.fault = FROZEN
            try:
                read = await line.read(assignment(1, "gavazzi-em24"), 5)
            except Unreachable:
                assert scheme == "tcp"  # where nothing need settle, the line may still be at the late answer
                continue
            assert abs((read.delivered_wh or 0) - truth) <= 100
            assert read.received_wh == sim.meter.registers().received_wh // 100 * 100


@BOTH
async def test_two_units_on_one_line_never_interleave(stand: Standing, scheme: str) -> None:
    street, port = await stand("gavazzi-em24", units=4, rtu=scheme != "tcp")
    freeze(street)
    async with kept(driver(port, scheme=scheme)) as line:
        reads = [line.read(assignment(unit, "gavazzi-em24"), 20) for unit in (1, 2, 3, 4) * 10]
        await asyncio.gather(*reads)
    assert street.line.overlaps == 0
    units = [request.unit for request in street.line.heard]
    assert len(units) == 40 * 6
    assert all(len(set(units[start : start + 6])) == 1 for start in range(0, len(units), 6))


async def test_counters_caught_turning_over_are_read_again(stand: Standing) -> None:
    street, port = await stand("sunspec-int", units=1)
    truth = freeze(street)[0]
    street.meters[0].fault = ModbusFault(kind=ModbusFaultKind.TORN)
    street.meters[0].meter.fault = None
    async with kept(driver(port)) as line:
        for _ in range(6):
            read = await line.read(assignment(1, "sunspec-int"), 5)
            assert truth <= (read.delivered_wh or 0) <= truth + 100


async def test_absent_registers_are_unsupported_not_zero(stand: Standing) -> None:
    street, port = await stand("sunspec-float", units=1)
    street.meters[0].fault = ModbusFault(kind=ModbusFaultKind.ABSENT)
    async with kept(driver(port)) as line:
        with pytest.raises(Unsupported):
            await line.read(assignment(1, "sunspec-float"), 5)


async def test_a_read_outlives_a_dropped_connection(stand: Standing) -> None:
    street, port = await stand("eastron-sdm630", units=1)
    street.meters[0].fault = ModbusFault(kind=ModbusFaultKind.LATE, seconds=0.2)
    async with kept(driver(port, attempt_timeout_s=1.0)) as line:
        reading = asyncio.create_task(line.read(assignment(1, "eastron-sdm630"), 20))
        await asyncio.wait_for(street.line.asked.wait(), 10)
        street.line.drop()
        assert (await reading).delivered_wh is not None


async def test_a_line_that_never_answers_is_opened_anew() -> None:
    puppet = Puppet(lambda _: b"")
    port = await puppet.open()
    line = driver(port, attempts=2, attempt_timeout_s=0.02, silences=4)
    running = asyncio.create_task(line.run())
    for _ in range(2):
        with pytest.raises(Fault):
            await line.read(assignment(1, "eastron-sdm630"), 0.2)
    with pytest.raises(LinkLost, match="4 requests in a row"):
        await asyncio.wait_for(running, 5)
    await puppet.close()


async def test_a_full_queue_fails_at_once() -> None:
    line = driver(1, queue=1)
    waiting = asyncio.create_task(line.read(assignment(1, "eastron-sdm630"), 10))
    await asyncio.sleep(0)
    with pytest.raises(Unreachable, match="wait for line"):
        await line.read(assignment(2, "eastron-sdm630"), 10)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


@pytest.mark.parametrize("address", ["", "1/", "/x", "256/eastron-sdm630", "1/no-such-meter", "1/../demo", "1 /a"])
async def test_an_address_that_is_none_is_unsupported(address: str) -> None:
    meter = assignment(1, "x")
    with pytest.raises(Unsupported):
        await driver(1).read(type(meter)(meter=meter.meter, driver="line", address=address), 1)


async def test_a_profile_alone_means_its_factory_unit(stand: Standing) -> None:
    street, port = await stand("eastron-sdm630", units=1)
    freeze(street)
    meter = assignment(1, "x")
    async with kept(driver(port)) as line:
        read = await line.read(type(meter)(meter=meter.meter, driver="line", address="eastron-sdm630"), 5)
        assert read.path == "line 1/eastron-sdm630"


@pytest.mark.parametrize(
    "link",
    ["", "tcp://", "tcp://h:0", "tcp://h:x", "rtu+tcp://h", "udp://h:1", "tcp://h:1/path", "tcp://u@h:1", "serial://x",
     "serial:///", "serial:///dev/x?baud=9", "serial:///dev/x?parity=X", "serial:///dev/x?baudrate=1e4"],
)  # fmt: skip
def test_a_link_that_is_none_is_refused_in_words(link: str) -> None:
    with pytest.raises(BadConfig, match=r"\[drivers\.line\]"):
        decode({"link": link}, ModbusDriver.Settings, "[drivers.line]")


@pytest.mark.parametrize("link", ["serial:///dev/no-such-device", "tls://127.0.0.1:1", "tcp://127.0.0.1:1"])
async def test_a_line_that_cannot_be_opened_is_link_lost(link: str) -> None:
    with pytest.raises(LinkLost):
        await asyncio.wait_for(driver(1, link=link).run(), 10)


async def _one_read(scheme: str, blob: bytes) -> None:
    puppet = Puppet(lambda request: blob if scheme != "tcp" else request[:2] + blob)
    line = driver(await puppet.open(), scheme=scheme, attempts=1, attempt_timeout_s=0.01, settle_s=0.0)
    async with kept(line):
        try:
            read = await line.read(assignment(1, "eastron-sdm630"), 0.3)
            assert read.delivered_wh is not None
        except Fault:
            pass
    await puppet.close()


bodies = st.binary(max_size=40) | st.builds(
    lambda head, body: head + body,
    st.sampled_from([b"\0\0\0\x33\x01\x04\x30", b"\0\0\0\x03\x01\x84", b"\x01\x04\x30", b"\x01\x84", b"\x01\x2b\x0e"]),
    st.binary(max_size=60),
)


@given(st.sampled_from(["tcp", "rtu+tcp"]), bodies)
@hypothesis_settings(max_examples=60)
def test_no_bytes_raise_anything_but_a_fault(scheme: str, blob: bytes) -> None:
    asyncio.run(_one_read(scheme, blob))


async def test_a_serial_device_is_a_line_too(stand: Standing) -> None:
    """The device is a pseudo-terminal; what arrives on it goes through the simulated line's own frames."""
    street, _ = await stand("sunspec-int", units=1, rtu=True)
    truth = freeze(street)[0]
    ours, theirs = os.openpty()
    tty.setraw(ours)
    loop, buffer = asyncio.get_running_loop(), bytearray()
    answers: set[asyncio.Task[None]] = set()

    async def answer(request: frames.Request) -> None:
        os.write(ours, await street.line.answer(request))

    def hear() -> None:
        requests, rest = street.line.requests(bytes(buffer) + os.read(ours, 512))
        buffer[:] = rest
        answers.update(loop.create_task(answer(request)) for request in requests)

    loop.add_reader(ours, hear)
    try:
        link = f"serial://{os.ttyname(theirs)}?baudrate=19200&parity=E"
        async with kept(driver(0, link=link)) as line:
            assert (await line.read(assignment(1, "sunspec-int"), 5)).delivered_wh == truth
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        os.close(theirs)
