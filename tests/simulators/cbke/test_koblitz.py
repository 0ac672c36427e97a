"""The device's curves against the driver's, which share no line and no method with them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.zigbee.cbke.curve import SECT163K1, SECT283K1, BadPoint, Curve
from simulators.zigbee.cbke.koblitz import K163, K283, Koblitz

curves = pytest.mark.parametrize(
    ("curve", "other"), [(K163, SECT163K1), (K283, SECT283K1)], ids=["sect163k1", "sect283k1"]
)
SCALARS = st.one_of(st.integers(min_value=0, max_value=40), st.integers(min_value=0, max_value=2**600))


@curves
@settings(max_examples=40, deadline=None)
@given(scalar=SCALARS, again=SCALARS)
def test_both_implementations_arrive_at_the_same_multiples(
    curve: Koblitz, other: Curve, scalar: int, again: int
) -> None:
    ours = curve.times(again, curve.times(scalar, curve.base))
    theirs = other.multiply(again, other.multiply(scalar, other.generator))
    assert (ours is None) == (theirs is None)
    assert ours is None or theirs is None or curve.pack(ours) == other.compress(theirs)


@curves
@settings(max_examples=15, deadline=None)
@given(scalar=SCALARS)
def test_multiples_are_right_outside_the_prime_group_too(curve: Koblitz, other: Curve, scalar: int) -> None:
    mixed = curve.add(curve.base, (0, 1))
    assert mixed is not None
    ours = curve.times(scalar, mixed)
    theirs = other.multiply(scalar, other.decompress(curve.pack(mixed)))
    assert (ours is None) == (theirs is None)
    assert ours is None or theirs is None or curve.pack(ours) == other.compress(theirs)


@curves
@settings(max_examples=60, deadline=None)
@given(rest=st.binary(min_size=36, max_size=36), lead=st.sampled_from((2, 3)))
def test_both_take_and_refuse_the_same_bytes(curve: Koblitz, other: Curve, rest: bytes, lead: int) -> None:
    shift = 8 * curve.size - curve.degree
    octets = bytes([lead]) + (int.from_bytes(rest[: curve.size], "big") >> shift).to_bytes(curve.size, "big")
    try:
        ours = curve.pack(curve.unpack(octets))
    except ValueError:
        with pytest.raises(BadPoint):
            other.decompress(octets)
        return
    assert ours == octets
    assert other.compress(other.decompress(octets)) == octets


@curves
def test_the_smallest_points_are_refused(curve: Koblitz, other: Curve) -> None:
    for x in (0, 1):
        with pytest.raises(ValueError, match="point"):
            curve.unpack(b"\x02" + x.to_bytes(curve.size, "big"))
