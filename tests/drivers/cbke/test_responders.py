"""The answering side for many: one exchange each, so many at once, and words for everyone else."""

from drivers.zigbee.cbke.certificates import Identity
from drivers.zigbee.cbke.exchange import Event, Exchange, KeyEstablished, KeyRefused, KeyTimedOut, Role
from drivers.zigbee.cbke.frames import Command, ConfirmKey, Frame, Status, Terminate, decode, encode
from drivers.zigbee.cbke.responders import Responders
from drivers.zigbee.cbke.suites import SUITE_1
from gateway.dice import SeededDice
from gateway.identifiers import Eui64
from tests.drivers.cbke.parties import AUTHORITIES, CENTRE, IDENTITIES


def device(number: int) -> Identity:
    return AUTHORITIES[1].issue(Eui64(f"{number:016X}"))


def opening(number: int, now_s: float = 0.0) -> Frame:
    (frame,) = Exchange(Role.INITIATOR, [device(number)], CENTRE, SeededDice(number)).start(SUITE_1, now_s).frames
    return frame


def responders(at_most: int = 2) -> Responders:
    return Responders(IDENTITIES[CENTRE], SeededDice(9), at_most)


def establish(pool: Responders, number: int, now_s: float) -> None:
    us = Exchange(Role.INITIATOR, [device(number)], CENTRE, SeededDice(number))
    frames, transaction = us.start(SUITE_1, now_s).frames, 0
    events: list[Event] = []
    while frames:
        transaction += 1
        answer = pool.receive(Eui64(f"{number:016X}"), frames[0], transaction, now_s)
        events += answer.events
        frames = us.receive(answer.frames[0], transaction, now_s).frames
    assert [type(event) for event in events] == [KeyEstablished]
    assert us.over


def test_devices_establish_keys_one_after_the_other() -> None:
    pool = responders(at_most=1)
    establish(pool, 1, 0.0)
    establish(pool, 2, 0.1)
    establish(pool, 1, 10.0)
    assert pool.deadline_s is None


def test_one_device_too_many_is_told_when_to_come_again() -> None:
    pool = responders()
    for number in (1, 2):
        assert pool.receive(Eui64(f"{number:016X}"), opening(number), 1, float(number)).events == ()
    assert pool.deadline_s == 15.0
    reaction = pool.receive(Eui64(f"{3:016X}"), opening(3), 1, 5.5)
    assert decode(reaction.frames[0]) == Terminate(status=Status.NO_RESOURCES, wait_s=10, suites=3)
    late = pool.receive(Eui64(f"{3:016X}"), opening(3), 2, 15.5)
    assert [type(event) for event in late.events] == [KeyTimedOut]
    assert late.frames[0].command == Command.INITIATE


def test_an_ended_exchange_is_deaf_to_repetitions_and_open_to_a_new_attempt() -> None:
    pool, who = responders(), Eui64(f"{1:016X}")
    bad = encode(ConfirmKey(mac=bytes(16)))
    pool.receive(who, opening(1), 1, 0.0)
    assert isinstance(pool.receive(who, bad, 2, 1.0).events[0], KeyRefused)
    assert pool.receive(who, bad, 2, 1.5).frames == ()
    again = pool.receive(who, opening(1), 3, 2.0)
    assert again.frames[0].command == Command.INITIATE


def test_a_frame_of_no_exchange_is_a_bad_message_and_a_terminate_is_nothing() -> None:
    pool, who = responders(), Eui64(f"{1:016X}")
    reaction = pool.receive(who, Frame(Command.EPHEMERAL, bytes(22)), 1, 0.0)
    assert decode(reaction.frames[0]) == Terminate(status=Status.BAD_MESSAGE, wait_s=0, suites=3)
    terminate = encode(Terminate(status=Status.BAD_MESSAGE, wait_s=0, suites=1))
    assert pool.receive(who, terminate, 2, 0.0).frames == ()


def test_silence_ends_an_exchange_and_frees_its_place() -> None:
    pool, who = responders(at_most=1), Eui64(f"{1:016X}")
    pool.receive(who, opening(1), 1, 0.0)
    assert pool.expire(13.9) == ()
    assert pool.expire(14.0) == (KeyTimedOut(partner=who, awaited=Command.EPHEMERAL),)
    establish(pool, 2, 14.0)
