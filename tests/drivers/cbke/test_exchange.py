"""Exchanges: the worked examples frame by frame, every refusal with its status, repetitions, silence and damage."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.zigbee.cbke import certificates
from drivers.zigbee.cbke.certificates import LaboratoryAuthority
from drivers.zigbee.cbke.exchange import (
    NOTHING,
    Exchange,
    KeyEstablished,
    KeyRefused,
    KeyTimedOut,
    Role,
    Times,
)
from drivers.zigbee.cbke.frames import Command, ConfirmKey, Frame, Initiate, Status, Terminate, decode, encode
from drivers.zigbee.cbke.suites import SUITE_1, SUITE_2, SUITES, Suite
from gateway.dice import SeededDice
from gateway.identifiers import Eui64
from tests.drivers.cbke.parties import AUTHORITIES, CENTRE, IDENTITIES, METER, NAME, Between, identity_of
from tests.drivers.cbke.vectors import EXAMPLES, Example

suites = pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.curve.name)
BOTH = (Role.INITIATOR, Role.RESPONDER)


def responder() -> Exchange:
    return Exchange(Role.RESPONDER, IDENTITIES[CENTRE], METER, SeededDice(7))


def introduction(suite: Suite = SUITE_1, certificate: bytes | None = None, mask: int | None = None) -> Frame:
    octets = identity_of(METER, suite).certificate.octets if certificate is None else certificate
    return encode(Initiate(suites=mask or suite.bit, ephemeral_s=11, confirm_s=16, certificate=octets))


def status_for(frame: Frame, exchange: Exchange | None = None) -> int:
    reaction = (exchange or responder()).receive(frame, 1, 1.0)
    (event,) = reaction.events
    (answer,) = reaction.frames
    assert isinstance(event, KeyRefused)
    assert not event.by_partner
    assert decode(answer) == Terminate(status=event.status, wait_s=0, suites=3)
    return event.status


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.suite.curve.name)
def test_the_published_exchange_goes_over_byte_by_byte(example: Example) -> None:
    between = Between.of_example(example)
    between.run(example.suite)
    us, them = example.initiator, example.responder
    bodies = [frame.body for frame in between.carried]
    assert [body[4:] for body in bodies[:2]] == [us.certificate, them.certificate]
    assert bodies[2:] == [us.ephemeral, them.ephemeral, us.mac, them.mac]
    for role in BOTH:
        event = between.ended[role]
        assert isinstance(event, KeyEstablished)
        assert event.link_key.reveal() == example.link_key


@suites
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_both_sides_establish_one_key_whatever_the_dice(suite: Suite, seed: int) -> None:
    between = Between.of_laboratory(SeededDice(seed))
    between.run(suite)
    ends = [between.ended[role] for role in BOTH]
    assert all(isinstance(end, KeyEstablished) and end.suite is suite for end in ends)
    assert len({end.link_key for end in ends if isinstance(end, KeyEstablished)}) == 1
    assert between.initiator.over
    assert between.responder.deadline_s is None


@suites
@settings(max_examples=30, deadline=None)
@given(place=st.integers(min_value=0, max_value=5), bit=st.integers(min_value=0, max_value=8 * 80))
def test_whoever_hears_a_flipped_bit_gets_no_other_key(suite: Suite, place: int, bit: int) -> None:
    """The two advertised times are the only bits that nothing guards: they are no part of what is agreed upon."""
    harmless = False

    def changed(number: int, frame: Frame) -> Frame:
        nonlocal harmless
        if number != place:
            return frame
        where = bit % (8 * len(frame.body))
        harmless = frame.command == Command.INITIATE and where // 8 in (2, 3)
        body = int.from_bytes(frame.body, "little") ^ 1 << where
        return Frame(frame.command, body.to_bytes(len(frame.body), "little"))

    between = Between.of_laboratory(SeededDice(bit))
    between.run(suite, changed)
    listener = Role.RESPONDER if place % 2 == 0 else Role.INITIATOR
    keys = {end.link_key for end in between.ended.values() if isinstance(end, KeyEstablished)}
    assert len(keys) <= 1
    assert isinstance(between.ended.get(listener), KeyEstablished) == harmless
    assert len(keys) == 0 or harmless
    assert harmless or any(frame.command == Command.TERMINATE for frame in between.carried)


@settings(max_examples=60, deadline=None)
@given(
    honest=st.integers(min_value=0, max_value=3),
    command=st.integers(min_value=0, max_value=255),
    body=st.one_of(
        st.binary(max_size=90),
        st.sampled_from((16, 22, 37, 52, 78)).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
    ),
)
def test_garbage_in_any_state_ends_in_a_refusal(honest: int, command: int, body: bytes) -> None:
    between = Between.of_laboratory(SeededDice(5))
    between.run(SUITE_1, lambda number, frame: frame if number < honest else Frame(command, body))
    assert not any(isinstance(end, KeyEstablished) for end in between.ended.values())
    assert between.ended


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        (introduction(mask=3), Status.BAD_MESSAGE),
        (introduction(mask=4), Status.UNSUPPORTED_SUITE),
        (introduction(mask=2), Status.BAD_MESSAGE),
        (introduction(certificate=b""), Status.BAD_MESSAGE),
        (introduction(certificate=identity_of(CENTRE, SUITE_1).certificate.octets), Status.BAD_MESSAGE),
        (introduction(certificate=b"\x05" + identity_of(METER, SUITE_1).certificate.octets[1:]), Status.BAD_MESSAGE),
        (introduction(SUITE_2, b"\x01" + identity_of(METER, SUITE_2).certificate.octets[1:]), Status.INVALID_KEY_USAGE),
        (Frame(Command.EPHEMERAL, bytes(22)), Status.BAD_MESSAGE),
        (Frame(Command.CONFIRM, bytes(16)), Status.BAD_MESSAGE),
        (Frame(Command.TERMINATE, bytes(3)), Status.BAD_MESSAGE),
        (Frame(9, b""), Status.BAD_MESSAGE),
    ],
    ids=[
        "two suites",
        "unknown suite",
        "the other suite's certificate",
        "no certificate",
        "another's certificate",
        "no point in the certificate",
        "another type of certificate",
        "ephemeral data first",
        "confirmation first",
        "short terminate",
        "unknown command",
    ],
)
def test_a_first_frame_is_refused_with_its_status(frame: Frame, status: Status) -> None:
    assert status_for(frame) == status


def test_a_stranger_authority_is_unknown() -> None:
    other = LaboratoryAuthority(SUITE_1, Eui64("00000000000000AA"), SeededDice(1)).issue(METER)
    assert status_for(introduction(certificate=other.certificate.octets)) == Status.UNKNOWN_ISSUER


def test_an_impostor_of_the_authority_arrives_at_another_key() -> None:
    forged = LaboratoryAuthority(SUITE_1, NAME, SeededDice(2)).issue(METER)
    between = Between(Exchange(Role.INITIATOR, [forged], CENTRE, SeededDice(3)), responder())
    between.run(SUITE_1)
    end = between.ended[Role.RESPONDER]
    assert isinstance(end, KeyRefused)
    assert end.status == Status.BAD_KEY_CONFIRM


def test_a_certificate_for_signatures_alone_is_refused() -> None:
    point = identity_of(METER, SUITE_2).certificate.reconstruction_point
    octets = certificates.build_suite_2(point, METER, NAME, serial=1, key_usage=certificates.SIGNATURE)
    assert status_for(introduction(SUITE_2, octets)) == Status.INVALID_KEY_USAGE


def test_a_suite_that_we_lack_is_not_supported() -> None:
    exchange = Exchange(Role.RESPONDER, IDENTITIES[CENTRE][:1], METER, SeededDice(1))
    (answer,) = exchange.receive(introduction(SUITE_2), 1, 1.0).frames
    assert decode(answer) == Terminate(status=Status.UNSUPPORTED_SUITE, wait_s=0, suites=1)


def test_an_answer_by_another_suite_is_a_bad_message() -> None:
    exchange = Exchange(Role.INITIATOR, IDENTITIES[CENTRE], METER, SeededDice(1))
    exchange.start(SUITE_1, 0.0)
    assert status_for(introduction(SUITE_2), exchange) == Status.BAD_MESSAGE


def test_the_initiators_refusal_of_the_last_proof_takes_the_key_back() -> None:
    between = Between.of_laboratory(SeededDice(1))
    between.run(SUITE_1, lambda number, frame: frame if number != 5 else encode(ConfirmKey(mac=bytes(16))))
    for role in BOTH:
        end = between.ended[role]
        assert isinstance(end, KeyRefused)
        assert end.status == Status.BAD_KEY_CONFIRM
        assert end.by_partner is (role is Role.RESPONDER)


def test_a_command_out_of_order_is_a_bad_message() -> None:
    exchange = responder()
    assert exchange.receive(introduction(), 1, 1.0).events == ()
    assert status_for(encode(ConfirmKey(mac=bytes(16))), exchange) == Status.BAD_MESSAGE


def test_a_partners_terminate_is_told_with_its_wait() -> None:
    exchange = Exchange(Role.INITIATOR, IDENTITIES[METER], CENTRE, SeededDice(1))
    exchange.start(SUITE_1, 0.0)
    reaction = exchange.receive(encode(Terminate(status=Status.NO_RESOURCES, wait_s=30, suites=1)), 1, 1.0)
    (event,) = reaction.events
    assert reaction.frames == ()
    assert isinstance(event, KeyRefused)
    assert (event.by_partner, event.status, event.wait_s) == (True, Status.NO_RESOURCES, 30)
    assert event.reason == "the partner says NO_RESOURCES"


def test_a_repetition_by_the_radio_is_passed_over_for_five_seconds() -> None:
    exchange = responder()
    exchange.receive(introduction(), 1, 1.0)
    assert exchange.receive(introduction(), 1, 5.9) == NOTHING
    assert status_for_late(exchange) == Status.BAD_MESSAGE


def status_for_late(exchange: Exchange) -> int:
    (event,) = exchange.receive(introduction(), 1, 6.0).events
    assert isinstance(event, KeyRefused)
    return event.status


def test_the_same_words_in_a_new_transaction_are_no_repetition() -> None:
    exchange = responder()
    exchange.receive(introduction(), 1, 1.0)
    (event,) = exchange.receive(introduction(), 2, 1.1).events
    assert isinstance(event, KeyRefused)


def test_nothing_is_heard_after_the_end() -> None:
    exchange = responder()
    status_for(Frame(9, b""), exchange)
    assert exchange.receive(introduction(), 2, 1.5) == NOTHING
    assert exchange.expire(1e9) == NOTHING


def test_the_initiator_waits_five_seconds_for_its_first_answer() -> None:
    exchange = Exchange(Role.INITIATOR, IDENTITIES[METER], CENTRE, SeededDice(1))
    exchange.start(SUITE_1, 100.0)
    assert exchange.deadline_s == 105.0
    assert exchange.expire(104.9) == NOTHING
    timed_out = exchange.expire(105.0)
    assert timed_out.frames == ()
    assert timed_out.events == (KeyTimedOut(partner=CENTRE, awaited=Command.INITIATE),)
    assert exchange.over


def test_a_partner_has_the_time_that_it_advertised_and_the_way() -> None:
    message = decode(introduction())
    assert isinstance(message, Initiate)
    exchange = Exchange(Role.RESPONDER, IDENTITIES[CENTRE], METER, SeededDice(1), Times(latency_s=2.0))
    exchange.receive(encode(replace(message, ephemeral_s=40)), 1, 10.0)
    assert exchange.deadline_s == 52.0
    ephemeral = Frame(Command.EPHEMERAL, SUITE_1.curve.compress(SUITE_1.curve.generator))
    exchange.receive(ephemeral, 2, 20.0)
    assert exchange.deadline_s == 38.0


def test_a_frame_after_the_deadline_is_too_late() -> None:
    exchange = responder()
    exchange.receive(introduction(), 1, 1.0)
    reaction = exchange.receive(Frame(Command.EPHEMERAL, bytes(22)), 2, 15.0)
    assert reaction.frames == ()
    assert reaction.events == (KeyTimedOut(partner=METER, awaited=Command.EPHEMERAL),)


def test_laboratory_certificates_repeat_under_one_seed() -> None:
    again = LaboratoryAuthority(SUITE_2, NAME, SeededDice(1))
    assert again.issue(METER) == identity_of(METER, SUITE_2)
    assert again.public_key == AUTHORITIES[2].public_key
