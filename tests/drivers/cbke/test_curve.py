"""Both curves: the laws of a group, points as bytes, and OpenSSL's arithmetic on the same numbers."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.zigbee.cbke.curve import SECT163K1, SECT283K1, BadPoint, Curve, Point
from tests.drivers.cbke.openssl import OpenSsl

CURVES = (SECT163K1, SECT283K1)
SCALARS = st.integers(min_value=0, max_value=2**290)
curves = pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)


def times(curve: Curve, scalar: int) -> Point | None:
    return curve.multiply(scalar, curve.generator)


@curves
def test_the_generator_has_the_curves_order(curve: Curve) -> None:
    assert curve.contains(curve.generator)
    assert times(curve, curve.order) is None
    assert times(curve, curve.order - 1) == curve.negate(curve.generator)


@curves
@settings(max_examples=25, deadline=None)
@given(first=SCALARS, second=SCALARS)
def test_sums_of_points_are_points_of_sums(curve: Curve, first: int, second: int) -> None:
    left, right = times(curve, first), times(curve, second)
    total = curve.add(left, right)
    assert total == curve.add(right, left)
    assert total == times(curve, first + second)
    assert total is None or curve.contains(total)


@curves
@settings(max_examples=15, deadline=None)
@given(first=SCALARS, second=SCALARS, third=SCALARS)
def test_addition_is_associative_and_has_inverses(curve: Curve, first: int, second: int, third: int) -> None:
    a, b, c = (times(curve, scalar) for scalar in (first, second, third))
    assert curve.add(curve.add(a, b), c) == curve.add(a, curve.add(b, c))
    assert curve.add(a, curve.negate(a)) is None
    assert curve.add(a, None) == a
    assert curve.add(a, a) == curve.double(a) == times(curve, 2 * first)


@curves
@settings(max_examples=15, deadline=None)
@given(scalar=SCALARS, again=SCALARS)
def test_multiples_of_multiples_multiply(curve: Curve, scalar: int, again: int) -> None:
    assert curve.multiply(again, times(curve, scalar)) == times(curve, scalar * again)


@curves
def test_small_multiples_are_repeated_sums(curve: Curve) -> None:
    total: Point | None = None
    for scalar in range(20):
        assert times(curve, scalar) == total
        total = curve.add(total, curve.generator)


@curves
@settings(max_examples=25, deadline=None)
@given(scalar=st.integers(min_value=1, max_value=SECT163K1.order - 1))
def test_a_point_survives_its_bytes(curve: Curve, scalar: int) -> None:
    point = times(curve, scalar)
    assert point is not None
    octets = curve.compress(point)
    assert curve.decompress(octets) == point
    assert curve.decompress(bytes([octets[0] ^ 1]) + octets[1:]) == curve.negate(point)


@curves
@settings(max_examples=60, deadline=None)
@given(octets=st.one_of(st.binary(max_size=40), st.binary(min_size=20, max_size=36).map(lambda rest: b"\x02" + rest)))
def test_any_bytes_are_a_point_or_refused(curve: Curve, octets: bytes) -> None:
    try:
        point = curve.decompress(octets)
    except BadPoint:
        return
    assert curve.contains(point)
    assert curve.compress(point) == octets


@curves
@pytest.mark.parametrize("abscissa", [0, 1])
def test_points_of_small_order_are_refused(curve: Curve, abscissa: int) -> None:
    with pytest.raises(BadPoint):
        curve.decompress(b"\x02" + abscissa.to_bytes(curve.field_octets, "big"))


@curves
def test_the_point_of_order_two_doubles_to_infinity(curve: Curve) -> None:
    two = Point(0, 1)
    assert curve.contains(two)
    assert curve.compress(two)[1:] == bytes(curve.field_octets)
    assert curve.double(two) is None
    assert curve.multiply(3, two) == two
    assert curve.multiply(2, two) is None
    mixed = curve.add(curve.generator, two)
    assert mixed is not None
    assert curve.decompress(curve.compress(mixed)) == mixed
    assert curve.times_cofactor(mixed) == curve.times_cofactor(curve.generator)


@curves
def test_zero_has_no_inverse(curve: Curve) -> None:
    with pytest.raises(ZeroDivisionError):
        curve.field.inverse(0)


@curves
def test_openssl_makes_the_same_points_and_secrets(curve: Curve, tmp_path: Path) -> None:
    openssl = OpenSsl.found(curve.name, tmp_path)
    pairs = {name: openssl.key_pair(curve.name, name) for name in ("ours", "theirs")}
    for scalar, octets in pairs.values():
        point = times(curve, scalar)
        assert point is not None
        assert curve.compress(point) == octets
    shared = curve.multiply(pairs["ours"][0], curve.decompress(pairs["theirs"][1]))
    assert shared is not None
    assert curve.octets_of(shared.x) == openssl.agreed("ours", "theirs")
