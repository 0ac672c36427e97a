"""The desk of keys on virtual time, against devices that have their own key establishment (simulators.zigbee.cbke)."""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import pytest

from drivers.zigbee.cbke import files
from drivers.zigbee.cbke.exchange import Event, KeyEstablished, KeyRefused, KeyTimedOut
from drivers.zigbee.cbke.frames import Command, Frame, Status
from drivers.zigbee.cbke.suites import suite_of
from drivers.zigbee.key_desk import MOST_STEPS, KeyBegun, KeyDesk
from drivers.zigbee.key_frames import KeyCommand
from gateway.dice import SeededDice
from gateway.errors import Unreachable
from gateway.han.words import Cause, HanFault
from gateway.identifiers import Eui64
from simulators.virtual_time import VirtualClock, run
from simulators.zigbee.cbke.credentials import Authority
from simulators.zigbee.cbke.talk import Party, Talk

CENTRE = 0x00124B00FFFFFFFF
DEVICE, OTHER = 0x00124B0000000001, 0x00124B0000000002
AUTHORITY = Authority(SeededDice(3))
IDENTITIES = [files.read(AUTHORITY.issue(CENTRE, suite).as_file()) for suite in (1, 2)]


def name(eui64: int) -> Eui64:
    return Eui64(f"{eui64:016X}")


class Bench:
    """A desk, its keeper, and devices on a wire that a test may cut."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.kept: dict[Eui64, bytes] = {}
        self.events: list[KeyBegun | Event] = []
        self.talks: dict[Eui64, Talk] = {}
        self.answers: dict[Eui64, Talk] = {}
        self.expected = {name(DEVICE)}
        self.lost: set[int] = set()
        self.full = False
        self.sent: list[tuple[Eui64, Frame]] = []
        self.numbers = count(1)
        self.desk = KeyDesk(
            IDENTITIES, clock, SeededDice(5), keeper=self, say=self.say,
            expects=lambda partner: partner in self.expected, told=self.events.append,
        )  # fmt: skip

    async def keep(self, established: KeyEstablished) -> None:
        if self.full:
            raise HanFault(Cause.KEY_TABLE_FULL, "full")
        self.kept[established.partner] = established.link_key.reveal()

    async def take_back(self, partner: Eui64) -> None:
        self.kept.pop(partner, None)

    async def say(self, partner: Eui64, endpoint: int, command: KeyCommand | None, frame: Frame) -> None:
        if frame.command in self.lost:
            raise Unreachable("not acknowledged")
        self.sent.append((partner, frame))
        as_answer = command is not None and not command.from_server
        talk = self.talks.get(partner) if as_answer else self.answers.get(partner)
        if talk is None:
            return
        for each in talk.hear(frame.command, frame.body, self.clock.monotonic()):
            self.hear(partner, each, from_server=not as_answer)

    def hear(self, partner: Eui64, frame: tuple[int, bytes], *, from_server: bool = False) -> None:
        command = KeyCommand(frame=Frame(*frame), transaction=next(self.numbers) % 256, from_server=from_server)
        self.desk.receive(partner, 9, command)

    def begin(self, eui64: int = DEVICE, suite: int = 2, authority: Authority = AUTHORITY) -> Talk:
        """A device initiates."""
        party = Party(eui64, [authority.issue(eui64, suite)], SeededDice(eui64))
        talk = self.talks[name(eui64)] = party.begin(CENTRE, suite, self.clock.monotonic())
        for frame in talk.opening:
            self.hear(name(eui64), frame)
        return talk


Story = Callable[[Bench], Awaitable[None]]


def told(story: Story) -> None:
    """Run a story on virtual time."""

    async def staged() -> None:
        bench = Bench(VirtualClock())
        try:
            await story(bench)
        finally:
            bench.desk.close()

    run(staged())


@pytest.mark.parametrize("suite", [1, 2])
def test_a_device_that_initiates_ends_with_the_key_that_we_keep(suite: int) -> None:
    async def story(bench: Bench) -> None:
        talk = bench.begin(suite=suite)
        await bench.clock.sleep(1)
        assert talk.link_key is not None
        assert bench.kept == {name(DEVICE): talk.link_key}
        begun, established = bench.events
        assert begun == KeyBegun(partner=name(DEVICE))
        assert isinstance(established, KeyEstablished)
        assert established.suite.bit == suite

    told(story)


@pytest.mark.parametrize("suite", [1, 2])
def test_a_key_that_we_initiate_is_kept_when_the_device_has_proved_it(suite: int) -> None:
    async def story(bench: Bench) -> None:
        party = Party(DEVICE, [AUTHORITY.issue(DEVICE, suite)], SeededDice(8))
        talk = bench.answers[name(DEVICE)] = party.answer(CENTRE, 0.0)
        chosen = suite_of(suite)
        assert chosen is not None
        await bench.desk.initiate(name(DEVICE), 9, chosen)
        await bench.clock.sleep(1)
        assert talk.link_key is not None
        assert bench.kept == {name(DEVICE): talk.link_key}
        await bench.desk.initiate(name(DEVICE), 9, chosen)
        with pytest.raises(HanFault, match="under way"):
            await bench.desk.initiate(name(DEVICE), 9, chosen)

    told(story)


def test_a_device_that_is_not_expected_is_put_off_and_costs_nothing() -> None:
    async def story(bench: Bench) -> None:
        talk = bench.begin(OTHER)
        await bench.clock.sleep(1)
        assert talk.status == Status.NO_RESOURCES
        assert (bench.kept, bench.events) == ({}, [])
        bench.hear(name(OTHER), (Command.EPHEMERAL, bytes(37)))
        await bench.clock.sleep(1)
        assert len(bench.sent) == 1

    told(story)


def test_a_certificate_of_another_authority_ends_it_with_unknown_issuer() -> None:
    async def story(bench: Bench) -> None:
        talk = bench.begin(authority=Authority(SeededDice(4), name=0x1111111111111111))
        await bench.clock.sleep(1)
        assert talk.status == Status.UNKNOWN_ISSUER
        refused = bench.events[-1]
        assert isinstance(refused, KeyRefused)
        assert (refused.status, refused.by_partner) == (Status.UNKNOWN_ISSUER, False)

    told(story)


def test_a_device_that_falls_silent_is_told_of_when_its_own_time_is_up() -> None:
    async def story(bench: Bench) -> None:
        bench.lost = {Command.EPHEMERAL}
        bench.begin()
        await bench.clock.sleep(1)
        assert [type(event) for event in bench.events] == [KeyBegun]
        await bench.clock.sleep(60)
        assert bench.events[-1] == KeyTimedOut(partner=name(DEVICE), awaited=Command.CONFIRM)

    told(story)


def test_a_proof_that_the_device_never_got_takes_the_key_back() -> None:
    async def story(bench: Bench) -> None:
        bench.lost = {Command.CONFIRM}
        talk = bench.begin()
        await bench.clock.sleep(1)
        assert talk.link_key is None
        assert bench.kept == {}
        assert bench.events[-1] == KeyTimedOut(partner=name(DEVICE), awaited=Command.CONFIRM)

    told(story)


def test_a_device_that_refuses_our_proof_takes_the_key_back() -> None:
    async def story(bench: Bench) -> None:
        bench.begin()
        await bench.clock.sleep(1)
        assert bench.kept
        bench.hear(name(DEVICE), (Command.TERMINATE, bytes([Status.BAD_KEY_CONFIRM, 0, 2, 0])))
        await bench.clock.sleep(1)
        assert bench.kept == {}
        assert isinstance(bench.events[-1], KeyRefused)

    told(story)


def test_a_key_that_nobody_has_room_for_is_refused_before_it_is_proved() -> None:
    async def story(bench: Bench) -> None:
        bench.full = True
        talk = bench.begin()
        await bench.clock.sleep(1)
        assert (talk.link_key, talk.status) == (None, Status.NO_RESOURCES)
        assert isinstance(bench.events[-1], KeyRefused)

    told(story)


def test_frames_beyond_what_can_be_worked_on_are_dropped() -> None:
    async def story(bench: Bench) -> None:
        for _ in range(10 * MOST_STEPS):
            bench.hear(name(DEVICE), (Command.EPHEMERAL, bytes(37)))
        assert len(bench.desk._steps) == MOST_STEPS
        await bench.clock.sleep(1)
        assert not bench.desk._steps
        talk = bench.begin()
        await bench.clock.sleep(1)
        assert talk.link_key is not None

    told(story)


@pytest.mark.parametrize("frame", [(0, b""), (1, bytes(37)), (2, bytes(16)), (3, b""), (4, b"?"), (255, bytes(200))])
@pytest.mark.parametrize("from_server", [True, False])
def test_bytes_that_make_no_sense_establish_nothing_and_harm_nobody(frame: Any, from_server: bool) -> None:
    async def story(bench: Bench) -> None:
        bench.hear(name(DEVICE), frame, from_server=from_server)
        await bench.clock.sleep(1)
        assert bench.kept == {}
        talk = bench.begin()
        await bench.clock.sleep(1)
        assert talk.link_key is not None

    told(story)
