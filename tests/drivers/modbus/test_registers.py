"""Words to exact watt-hours: published vectors, every type, absent values, overflow, and counters caught turning."""

import struct
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.planner import plan
from drivers.modbus.profile import Profile, Type, WordOrder, named, parse
from drivers.modbus.registers import Decoder, number, pattern
from gateway.errors import BadReading, Fault, Unsupported
from gateway.identifiers import MeterNumber
from gateway.reads import RegisterRead

from .test_profile import HEAD

AT = datetime(2026, 11, 23, tzinfo=UTC)
HIGH, LOW = WordOrder.HIGH_FIRST, WordOrder.LOW_FIRST


def one(kind: str, unit: str = "Wh", quantity: str = "delivered_wh", extra: str = "", head: str = "") -> Profile:
    register = f'[[registers]]\nquantity = "{quantity}"\naddress = 0\ntype = "{kind}"\nunit = "{unit}"\n{extra}\n'
    return parse(HEAD + head + register, "test")


def read(profile: Profile, *words: int) -> RegisterRead:
    return Decoder(profile).register_read(dict(enumerate(words)), meter=MeterNumber("M"), read_at=AT, path="p")


@pytest.mark.parametrize(
    ("words", "order", "kind", "value"),
    [
        ((0x3F80, 0x0000), HIGH, Type.F32, 1),
        ((0x0000, 0x3F80), LOW, Type.F32, 1),
        ((0x41D9, 0x0000), HIGH, Type.F32, Fraction("27.125")),
        ((0xC2C8, 0x8000), HIGH, Type.F32, Fraction("-100.25")),
        ((0x4366, 0x3334), HIGH, Type.F32, Fraction(0x663334 | 0x800000, 1 << 16)),  # Eastron's manual: 230.2 V
        ((0x7F7F, 0xFFFF), HIGH, Type.F32, (2**24 - 1) * 2**104),
        ((0x0000, 0x0001), HIGH, Type.F32, Fraction(1, 2**149)),
        ((0x3FF0, 0, 0, 1), HIGH, Type.F64, 1 + Fraction(1, 2**52)),
        ((0x0000, 0x0000, 0x0000, 0x4000), LOW, Type.F64, 2),
        ((0x0001, 0x86A0), HIGH, Type.U32, 100_000),
        ((0x86A0, 0x0001), LOW, Type.ACC32, 100_000),
        ((0xFFFF, 0xFFFE), HIGH, Type.I32, -2),
        ((0xFFFE, 0xFFFF), LOW, Type.I32, -2),
        ((0x8000,), HIGH, Type.I16, -32_768),
        ((0xFFFF,), HIGH, Type.U16, 65_535),
        ((0x0001, 0x0002, 0x0003, 0x0004), HIGH, Type.U64, 0x0001_0002_0003_0004),
        ((0x0004, 0x0003, 0x0002, 0x0001), LOW, Type.ACC64, 0x0001_0002_0003_0004),
        ((0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF), HIGH, Type.I64, -1),
        ((0x7FC0, 0x0000), HIGH, Type.F32, None),
        ((0xFFF8, 0, 0, 0), HIGH, Type.F64, None),
    ],
)
def test_words_are_the_number_that_is_published(
    words: tuple[int, ...], order: WordOrder, kind: Type, value: Fraction | int | None
) -> None:
    assert number(pattern(words if order is HIGH else reversed(words)), kind) == value


@pytest.mark.parametrize("words", [(0x7F80, 0x0000), (0xFF80, 0x0000)])
def test_infinity_is_no_reading(words: tuple[int, int]) -> None:
    with pytest.raises(BadReading, match="infinite"):
        number(pattern(words), Type.F32)


@given(st.floats(0, 2**40, width=32))
def test_a_float_is_rounded_once_from_its_exact_value(value: float) -> None:
    words = struct.unpack(">HH", struct.pack(">f", value))
    assert read(one("f32", "kWh"), *words).delivered_wh == round(Fraction(value) * 1000)


@given(st.integers(0, 2**64 - 1), st.sampled_from(["0.001", "0.1", "1", "12.5"]))
def test_integers_lose_nothing_in_scaling(count: int, scale: str) -> None:
    words = struct.unpack(">4H", count.to_bytes(8, "big"))
    expected = round(count * Fraction(scale))
    profile = one("u64", extra=f"scale = {scale}")
    if expected >= 2**63:
        with pytest.raises(BadReading, match="more than any meter"):
            read(profile, *words)
    else:
        assert read(profile, *words).delivered_wh == expected


def test_a_read_says_how_it_was_scaled_and_that_nobody_knows_how_fresh_it_is() -> None:
    found = read(one("u16", "kWh", extra="scale = 0.1", head="update_period_s = 5\n"), 12_345)
    assert (found.delivered_wh, found.received_wh, found.demand_w, found.flags) == (1_234_500, None, None, None)
    assert (found.scale.unit, found.scale.multiplier, found.scale.divisor) == ("kWh", 1, 10)
    assert (found.latched_at, found.update_period_s, found.read_at) == (None, 5, AT)


@pytest.mark.parametrize(("exponent", "wh"), [(0, 777), (2, 77_700), (0xFFFF, 78), (0xFFFE, 8)])
def test_a_scale_register_is_a_power_of_ten(exponent: int, wh: int) -> None:
    assert read(one("u16", extra="scale_register = 1"), 777, exponent).delivered_wh == wh


@pytest.mark.parametrize("exponent", [0x8000, 11, 0xFFF5, 0x7FFF])
def test_a_scale_register_that_holds_no_power_of_ten_makes_the_reading_worthless(exponent: int) -> None:
    with pytest.raises(BadReading, match="scale"):
        read(one("u16", extra="scale_register = 1"), 777, exponent)


def test_absent_is_none_and_a_meter_without_energy_is_unsupported() -> None:
    power = '[[registers]]\nquantity = "demand_w"\naddress = 2\ntype = "i16"\nunit = "W"\nabsent = [0x8000]\n'
    profile = one("u32", extra="absent = [0]\n" + power)
    assert read(profile, 0, 5, 0x8000).demand_w is None
    with pytest.raises(Unsupported):
        read(profile, 0, 0, 1)


def test_the_direction_of_a_power_is_the_profiles() -> None:
    power = '[[registers]]\nquantity = "demand_w"\naddress = 1\ntype = "i16"\nunit = "kW"\npositive = "received"\n'
    assert read(one("u16", extra=power), 1, 3).demand_w == -3000


def test_overflow_and_sums_below_zero_are_no_readings() -> None:
    profile = one("i32", extra="overflow_from = 0x7FFF0000", head='word_order = "low-first"\n')
    assert read(profile, 0xFFFF, 0x7FFE).delivered_wh == 0x7FFEFFFF
    with pytest.raises(BadReading, match="overflowed"):
        read(profile, 0x0000, 0x7FFF)
    with pytest.raises(BadReading, match="below zero"):
        read(profile, 0xFFFF, 0xFFFF)


@given(st.data(), st.sampled_from(["eastron-sdm630", "gavazzi-em24", "sunspec-int", "sunspec-float", "example"]))
def test_no_words_raise_anything_but_faults(data: st.DataObject, name: str) -> None:
    profile = named(name)
    word = st.integers(0, 0xFFFF) | st.sampled_from([0, 0x8000, 0xFFFF, 0x7F80, 0x7FC0, 0x7FFF])
    words = {address: data.draw(word) for span in plan(profile).requests for address in range(span.first, span.end)}
    try:
        found = Decoder(profile).register_read(words, meter=MeterNumber("M"), read_at=AT, path="p")
    except Fault:
        return
    assert all(value is None or 0 <= value < 2**63 for value in (found.delivered_wh, found.received_wh))


counts = st.integers(0, 2**64 - 2**20) | st.integers(1, 2**31).map(lambda high: high << 16).map(lambda edge: edge - 1)


@given(counts, st.lists(st.integers(0, 3), min_size=8, max_size=8), st.permutations(range(4)))
def test_two_readings_that_agree_hold_a_value_that_the_counter_had(
    start: int, steps: list[int], order: list[int]
) -> None:
    """A meter fetches the four words of a running counter one by one, in any order that it likes."""
    decoder = Decoder(one("acc64"))
    values, now = [start], start
    readings: list[dict[int, int]] = []
    for reading in range(2):
        words: dict[int, int] = {}
        for index, place in enumerate(order):
            now += steps[4 * reading + index]
            values.append(now)
            words[place] = now >> 16 * (3 - place) & 0xFFFF
        readings.append(words)
    if decoder.whole(*readings):
        assert pattern(readings[1][place] for place in range(4)) in range(values[0], values[-1] + 1)


def test_a_counter_caught_turning_over_is_not_whole() -> None:
    decoder = Decoder(one("acc32"))
    before, torn_high, torn_low, after = (
        dict(enumerate(words)) for words in ((1, 0xFFFF), (2, 0xFFFF), (1, 0x0000), (2, 0x0000))
    )
    assert not decoder.whole(before, torn_high)
    assert not decoder.whole(before, torn_low)
    assert not decoder.whole(torn_low, after)
    assert not decoder.whole(torn_high, after)
    assert decoder.whole(before, before)
    assert decoder.whole(after, dict(enumerate((2, 7))))


def test_a_scale_that_changes_between_two_readings_is_not_whole() -> None:
    decoder = Decoder(one("u16", extra="scale_register = 1"))
    assert not decoder.whole({0: 5, 1: 0}, {0: 5, 1: 1})
