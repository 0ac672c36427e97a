"""The worked examples of annexes C.5 and C.6, number by number, and both sides of both suites with any keys."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.zigbee.cbke import agreement
from drivers.zigbee.cbke.agreement import Confirming, Ephemeral, MacKey, SharedSecret
from drivers.zigbee.cbke.certificates import Identity, LaboratoryAuthority
from drivers.zigbee.cbke.suites import SUITES, Suite, best_common, suite_of
from gateway.dice import SeededDice
from gateway.identifiers import Eui64
from tests.drivers.cbke.vectors import EXAMPLES, Example

ONE, TWO = Eui64("0000000000000001"), Eui64("0000000000000002")
SEEDS = st.integers(min_value=0, max_value=2**32)
examples = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.suite.curve.name)


def secret(us: Identity, ours: Ephemeral, them: Identity, theirs: Ephemeral) -> SharedSecret:
    suite = us.certificate.suite
    return agreement.shared_secret(suite, us.private_key, ours, them.public_key, theirs.point)


@examples
def test_ephemeral_keys_give_the_published_points(example: Example) -> None:
    for side in (example.initiator, example.responder):
        assert example.ephemeral(side).octets == side.ephemeral


@examples
def test_both_sides_arrive_at_the_published_secret(example: Example) -> None:
    us, ours = example.identity(example.initiator), example.ephemeral(example.initiator)
    them, theirs = example.identity(example.responder), example.ephemeral(example.responder)
    assert secret(us, ours, them, theirs).reveal() == example.secret
    assert secret(them, theirs, us, ours).reveal() == example.secret


@examples
def test_the_secret_gives_the_published_keys(example: Example) -> None:
    derived = agreement.derive(SharedSecret(example.secret))
    assert derived.mac_key.reveal() == example.mac_key
    assert derived.link_key.reveal() == example.link_key


@examples
def test_the_mac_key_gives_the_published_macs(example: Example) -> None:
    key = MacKey(example.mac_key)
    initiator, responder = (
        (example.identity(side).certificate.subject, side.ephemeral) for side in (example.initiator, example.responder)
    )
    assert agreement.mac(key, Confirming.INITIATOR, initiator, responder) == example.initiator.mac
    assert agreement.mac(key, Confirming.RESPONDER, responder, initiator) == example.responder.mac


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.curve.name)
@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, entropy=st.binary(min_size=88, max_size=88))
def test_both_sides_agree_whatever_the_keys(suite: Suite, seed: int, entropy: bytes) -> None:
    authority = LaboratoryAuthority(suite, Eui64("5445535453454341"), SeededDice(seed))
    us, them = authority.issue(ONE), authority.issue(TWO)
    ours, theirs = agreement.ephemeral(suite, entropy[:44]), agreement.ephemeral(suite, entropy[44:])
    assert secret(us, ours, them, theirs) == secret(them, theirs, us, ours)


@examples
def test_nothing_secret_shows_itself(example: Example) -> None:
    side = example.initiator
    keys = agreement.derive(SharedSecret(example.secret))
    shown = f"{keys} {SharedSecret(example.secret)} {example.identity(side)} {example.ephemeral(side)}".lower()
    for octets in (example.secret, example.mac_key, example.link_key, side.private, side.ephemeral_private):
        assert octets.hex() not in shown
        assert repr(octets).lower() not in shown
        assert str(int.from_bytes(octets, "big")) not in shown


def test_the_strongest_common_suite_is_chosen() -> None:
    assert best_common(3, 3) is SUITES[1]
    assert best_common(3, 1) is SUITES[0]
    assert best_common(1, 2) is None
    assert [suite_of(bit) for bit in (0, 3, 4)] == [None] * 3
