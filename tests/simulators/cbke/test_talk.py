"""A device's key establishment: the worked examples, and against the driver's, for both suites in both roles."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.zigbee.cbke import files
from drivers.zigbee.cbke.exchange import Event, Exchange, KeyEstablished, KeyRefused, Role
from drivers.zigbee.cbke.frames import Frame, Status
from drivers.zigbee.cbke.suites import SUITES, Suite
from gateway.dice import SeededDice
from gateway.identifiers import Eui64
from simulators.zigbee.cbke.credentials import Authority, Credentials
from simulators.zigbee.cbke.talk import BAD_KEY_CONFIRM, BAD_MESSAGE, UNKNOWN_ISSUER, UNSUPPORTED_SUITE, Party, Talk
from tests.drivers.cbke.parties import LoadedDice
from tests.drivers.cbke.vectors import EXAMPLES, Example, Side

METER, CENTRE = 0x0011223344556677, 0x8899AABBCCDDEEFF
AUTHORITY = Authority(SeededDice(1))
METER_CREDENTIALS = [AUTHORITY.issue(METER, suite) for suite in (1, 2)]
CENTRE_IDENTITIES = [files.read(AUTHORITY.issue(CENTRE, suite).as_file()) for suite in (1, 2)]
suites = pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.curve.name)
SEEDS = st.integers(min_value=0, max_value=2**32)


def party(seed: int, credentials: list[Credentials] = METER_CREDENTIALS) -> Party:
    return Party(METER, credentials, SeededDice(seed))


def exchange(role: Role, seed: int) -> Exchange:
    return Exchange(role, CENTRE_IDENTITIES, Eui64(f"{METER:016X}"), SeededDice(seed))


def carry(talk: Talk, other: Exchange, frames: list[Frame], to_talk: bool) -> list[Event]:
    """Let the two speak until neither does; returns what the driver's side knows at the end."""
    events: list[Event] = []
    for transaction in range(1, 10):
        if not frames:
            break
        if to_talk:
            frames = [Frame(*said) for frame in frames for said in talk.hear(frame.command, frame.body, 0.0)]
        else:
            reactions = [other.receive(frame, transaction, 0.0) for frame in frames]
            events += [event for reaction in reactions for event in reaction.events]
            frames = [frame for reaction in reactions for frame in reaction.frames]
        to_talk = not to_talk
    assert not frames
    return events


def initiated_by_the_device(device: Party, suite: Suite, seed: int) -> tuple[Talk, list[Event]]:
    talk = device.begin(CENTRE, suite.bit, 0.0)
    return talk, carry(talk, exchange(Role.RESPONDER, seed), [Frame(*said) for said in talk.opening], to_talk=False)


def initiated_by_the_driver(device: Party, suite: Suite, seed: int) -> tuple[Talk, list[Event]]:
    talk, other = device.answer(CENTRE, 0.0), exchange(Role.INITIATOR, seed)
    return talk, carry(talk, other, list(other.start(suite, 0.0).frames), to_talk=True)


@suites
@pytest.mark.parametrize("run", [initiated_by_the_device, initiated_by_the_driver])
@settings(max_examples=6, deadline=None)
@given(ours=SEEDS, theirs=SEEDS)
def test_device_and_driver_establish_one_key(run: object, suite: Suite, ours: int, theirs: int) -> None:
    assert callable(run)
    talk, (event,) = run(party(ours), suite, theirs)
    assert isinstance(event, KeyEstablished)
    assert event.link_key.reveal() == talk.link_key
    assert talk.over
    assert talk.deadline_s is None


def example_party(example: Example, side: Side) -> Party:
    private = int.from_bytes(side.private, "big")
    credentials = Credentials(example.suite.bit, side.certificate, private, example.authority)
    eui64 = int(example.identity(side).certificate.subject, 16)
    return Party(eui64, [credentials], LoadedDice(example, side), ephemeral_s=3, confirm_s=6)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.suite.curve.name)
def test_two_devices_say_the_published_bytes(example: Example) -> None:
    one, two = example_party(example, example.initiator), example_party(example, example.responder)
    initiator, responder = one.begin(two.eui64, example.suite.bit, 0.0), two.answer(one.eui64, 0.0)
    said, listener = list(initiator.opening), responder
    for frame in said:
        said += listener.hear(*frame, 0.0)
        listener = initiator if listener is responder else responder
    us, them = example.initiator, example.responder
    bodies = [body for _, body in said]
    assert bodies[0] == example.suite.bit.to_bytes(2, "little") + b"\x03\x06" + us.certificate
    assert bodies[2:] == [us.ephemeral, them.ephemeral, us.mac, them.mac]
    assert initiator.link_key == responder.link_key == example.link_key


@pytest.mark.parametrize("run", [initiated_by_the_device, initiated_by_the_driver])
def test_strangers_tell_each_other_so(run: object) -> None:
    stranger = [Authority(SeededDice(1), name=0xAA).issue(METER, 1)]
    assert callable(run)
    talk, (event,) = run(party(1, stranger), SUITES[0], 1)
    assert isinstance(event, KeyRefused)
    assert event.status == Status.UNKNOWN_ISSUER == talk.status


@pytest.mark.parametrize("run", [initiated_by_the_device, initiated_by_the_driver])
def test_an_impostor_authority_fails_at_the_proof(run: object) -> None:
    forged = [Authority(SeededDice(2)).issue(METER, 1)]
    assert callable(run)
    talk, (event,) = run(party(1, forged), SUITES[0], 1)
    assert isinstance(event, KeyRefused)
    assert event.status == Status.BAD_KEY_CONFIRM == talk.status
    assert talk.link_key is None


def first_status(command: int, body: bytes) -> int | None:
    talk = Party(METER, METER_CREDENTIALS[:1], SeededDice(1)).answer(CENTRE, 0.0)
    (said,) = talk.hear(command, body, 0.0)
    assert said == (3, bytes([talk.status or 0, 0, 1, 0]))
    return talk.status


def test_a_device_refuses_with_the_specifications_statuses() -> None:
    centre = AUTHORITY.issue(CENTRE, 1).certificate
    other = Authority(SeededDice(1), name=0xAA).issue(CENTRE, 1).certificate
    assert first_status(0, b"\1\0\0\0" + other) == UNKNOWN_ISSUER
    assert first_status(0, b"\2\0\0\0" + bytes(74)) == UNSUPPORTED_SUITE
    assert first_status(0, b"\3\0\0\0" + centre) == BAD_MESSAGE
    assert first_status(0, b"\1\0\0\0" + METER_CREDENTIALS[0].certificate) == BAD_MESSAGE
    assert first_status(0, b"") == first_status(1, bytes(22)) == first_status(2, bytes(16)) == BAD_MESSAGE


def test_a_wrong_proof_is_refused() -> None:
    talk, other = party(1).answer(CENTRE, 0.0), exchange(Role.INITIATOR, 1)
    frames = other.start(SUITES[0], 0.0).frames
    for transaction in range(2):
        (said,) = talk.hear(frames[0].command, frames[0].body, 0.0)
        frames = other.receive(Frame(*said), transaction, 0.0).frames
    talk.hear(2, bytes(16), 0.0)
    assert talk.status == BAD_KEY_CONFIRM


def test_a_silent_partner_is_given_up() -> None:
    talk = party(1).begin(CENTRE, 1, 10.0)
    assert talk.deadline_s == 15.0
    assert not talk.expire(14.0)
    assert talk.hear(0, b"", 15.0) == ()
    assert talk.silent
    assert talk.status is None


@settings(max_examples=60, deadline=None)
@given(command=st.integers(min_value=0, max_value=255), body=st.binary(max_size=90))
def test_garbage_ends_a_talk_without_a_key(command: int, body: bytes) -> None:
    for talk in (party(1).answer(CENTRE, 0.0), party(1).begin(CENTRE, 2, 0.0)):
        talk.hear(command, body, 0.0)
        assert talk.status is not None
        assert talk.link_key is None


def test_no_private_key_shows_itself() -> None:
    credentials = METER_CREDENTIALS[0]
    assert str(credentials.private) not in repr(credentials)
    assert "private" not in repr(credentials)
