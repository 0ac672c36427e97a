"""The air under weather: what is lost is tried again or told as failed, and a seed's whole trace repeats."""

import contextlib
from collections import deque
from pathlib import Path

import pytest

from gateway.dice import SeededDice
from simulators.virtual_time import VirtualClock, run
from simulators.world import StreetPlan
from simulators.zigbee.air import aps, mac, nwk, pcapng
from simulators.zigbee.air.weather import CLEAR, Fate, Sky, Weather
from simulators.zigbee.life import Stage
from simulators.zigbee.octets import Malformed
from simulators.zigbee.timing import REALISTIC

from .centre import Centre
from .test_coprocessor import RawHost

ARRIVES, LOST, DAMAGED, DOUBLED = Fate
OK = 0x0000
READ_MODEL = bytes.fromhex("00 09 00 0500")


class Told(Sky):
    """Weather that befalls the next frames as it was told, and then is clear."""

    def __init__(self, *fates: Fate) -> None:
        super().__init__(SeededDice(0), Weather(jitter_s=0.0, delay_s=0.0, loss=1.0))
        self.next = deque(fates)

    def fate(self, eui64: int, lqi: int) -> Fate:
        fate = self.next.popleft() if self.next else ARRIVES
        self.counts[fate] += 1
        return fate


class Street(RawHost):
    """A host that asks a meter for its model, and notes when it was told what."""

    def __init__(self, meters: int = 2) -> None:
        super().__init__(StreetPlan(meters=meters), VirtualClock())
        self.trace: list[tuple[float, str]] = []
        self.up()

    def call_back(self, payload: bytes) -> bool:
        name, values = self.decode(payload)
        if name == "messageSentHandler":
            status = next(int(value) for value in values if type(value).__name__ == "sl_Status")
            self.trace.append((round(self.clock.monotonic(), 3), "sent" if status == OK else "failed"))
        elif name == "incomingMessageHandler":
            self.trace.append((round(self.clock.monotonic(), 3), "answered"))
        return super().call_back(payload)

    def read(self, number: int = 0, *, options: int = 0x40) -> None:
        node = self.node(number)
        frame = Centre.frame(self, 0x0000, next(iter(node.endpoints)), options)  # type: ignore[arg-type]  # it asks nothing of a centre
        assert self.unicast(node.nwk, frame, READ_MODEL) == OK


def trace(*fates: Fate, options: int = 0x40) -> list[tuple[float, str]]:
    async def ask() -> list[tuple[float, str]]:
        street = Street()
        street.street.radio.sky = Told(*fates)
        street.read(options=options)
        await street.clock.sleep(30)
        return street.trace

    return run(ask())


@pytest.mark.parametrize("gone", [LOST, DAMAGED])
@pytest.mark.parametrize("times", [1, 2])
def test_what_is_lost_is_tried_again_and_arrives(gone: Fate, times: int) -> None:
    at = round(1.6 * times, 3)
    assert trace(*[gone] * times) == [(at, "sent"), (at, "answered")]


def test_what_is_lost_three_times_is_told_as_failed() -> None:
    assert trace(LOST, DAMAGED, LOST) == [(4.8, "failed")]


def test_what_wants_no_acknowledgement_is_not_tried_again() -> None:
    assert trace(LOST, options=0) == [(0.1, "failed")]


def test_an_answer_that_is_lost_is_sent_again_by_the_meter() -> None:
    assert trace(ARRIVES, LOST, LOST) == [(0.0, "sent"), (3.2, "answered")]


def test_an_answer_that_is_lost_three_times_never_comes() -> None:
    assert trace(ARRIVES, LOST, LOST, LOST) == [(0.0, "sent")]


def test_a_request_that_arrives_twice_is_answered_once() -> None:
    assert trace(DOUBLED) == [(0.0, "sent"), (0.0, "answered")]


def test_a_plain_answer_that_arrives_twice_is_heard_twice_as_the_stack_leaves_it_to_the_host() -> None:
    assert trace(ARRIVES, DOUBLED) == [(0.0, "sent"), (0.0, "answered"), (0.0, "answered")]


def test_who_is_cut_off_is_not_reached_and_nobody_else_is_bothered() -> None:
    async def ask() -> list[tuple[float, str]]:
        street = Street()
        street.street.radio.sky.weather = CLEAR.partitioned([street.node(0).eui64])
        street.read(0)
        street.read(1)
        await street.clock.sleep(30)
        street.street.radio.sky.weather = CLEAR
        street.read(0)
        return street.trace

    assert run(ask()) == [
        (0.0, "sent"), (0.0, "answered"), (4.8, "failed"), (30.0, "sent"), (30.0, "answered"),
    ]  # fmt: skip


def test_frames_that_overtake_each_other_are_sent_again_and_all_are_answered() -> None:
    async def ask() -> tuple[list[str], float]:
        street = Street()
        street.street.radio.sky = Sky(SeededDice(7), Weather(jitter_s=1.0))
        for _ in range(8):
            street.read()
        await street.clock.sleep(60)
        return sorted(word for _, word in street.trace), max(at for at, word in street.trace if word == "sent")

    words, last_s = run(ask())
    assert words.count("answered") == words.count("sent")
    assert words.count("sent") >= 7
    assert last_s > 1.6


def test_a_device_joins_and_registers_under_bad_weather() -> None:
    async def join() -> tuple[Stage, int]:
        centre = Centre(StreetPlan(meters=1, devices=1, timing=REALISTIC, weather=Weather(loss=0.2)), VirtualClock())
        stage = await centre.let_in().reached(Stage.REGISTERED, Stage.GAVE_UP)
        lost = centre.street.radio.sky.counts[LOST]
        await centre.street.close()
        return stage, lost

    stage, lost = run(join())
    assert stage is Stage.REGISTERED
    assert lost > 0


def session(path: Path, seed: int) -> bytes:
    """All of a capture of a join and an hour's life under bad weather."""

    async def hour() -> None:
        weather = Weather(loss=0.15, damage=0.05, doubling=0.1, delay_s=0.01, jitter_s=0.05, lqi_matters=True)
        plan = StreetPlan(meters=3, devices=1, seed=seed, timing=REALISTIC, weather=weather, capture=path)
        centre = Centre(plan, VirtualClock())
        centre.let_in()
        for number in range(60):
            node = centre.node(number % 3)
            centre.unicast(node.nwk, centre.frame(0x0000, next(iter(node.endpoints))), READ_MODEL)
            await centre.clock.sleep(60)
        await centre.street.close()

    run(hour())
    return path.read_bytes()


def test_a_seed_s_whole_trace_repeats_to_the_byte_and_another_s_is_another(tmp_path: Path) -> None:
    one, again, other = (session(tmp_path / f"{number}.pcapng", seed) for number, seed in enumerate((7, 7, 8)))
    assert len(one) > 10_000
    assert one == again
    assert one != other


def test_a_capture_has_every_question_before_its_answer(tmp_path: Path) -> None:
    session(tmp_path / "air.pcapng", 7)
    frames, secrets = pcapng.read((tmp_path / "air.pcapng").read_bytes())
    keys = [secret.key for secret in secrets if secret.nodes is None]
    asked, answered = set[int](), 0
    for each in frames:
        with contextlib.suppress(Malformed):
            packet = nwk.decode_with(mac.decode(each.frame).payload, lambda _: keys)
            frame = aps.decode(packet.payload, [], packet.source_eui64 or 0)
            if isinstance(frame, aps.ApsFrame) and frame.profile == 0 and frame.payload and packet.source != 0:
                asked.add(frame.payload[0])
            elif isinstance(frame, aps.ApsFrame) and frame.cluster == 0x8006 and frame.payload:
                assert frame.payload[0] in asked
                answered += 1
    assert answered > 2
