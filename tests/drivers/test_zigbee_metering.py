"""Metering answers become registers exactly, or a fault in words: tables from the specification, and properties."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.zigbee import metering
from drivers.zigbee.metering import Refused, Value
from gateway.errors import BadReading, Fault, Unauthorised, Unsupported
from gateway.identifiers import MeterNumber
from gateway.reads import MeterFlag, RegisterRead

NOW = datetime(2026, 3, 8, 7, 59, 59, tzinfo=UTC)
ABSENT = Refused(status=0x86)
U8, U24, U32, U48, I24, BITMAP8, ENUM8, UTC_TIME = 0x20, 0x22, 0x23, 0x25, 0x2A, 0x18, 0x30, 0xE2


def answers(**changes: Value | Refused | None) -> metering.Answers:
    """What a plain meter answers (kWh, 1/1000), with changes by name; None takes an answer away."""
    plain = {
        "delivered": Value(type=U48, number=12_345_678),
        "received": Value(type=U48, number=42),
        "demand": Value(type=I24, number=-1500),
        "status": Value(type=BITMAP8, number=0b0100_1001),
        "snapshot_time": Value(type=UTC_TIME, number=826_000_000),
        "update_period": Value(type=U8, number=30),
        "unit": Value(type=ENUM8, number=0),
        "multiplier": Value(type=U24, number=1),
        "divisor": Value(type=U24, number=1000),
        "device_type": Value(type=BITMAP8, number=0),
    }
    merged = {**plain, **changes}
    return {getattr(metering, name.upper()): answer for name, answer in merged.items() if answer is not None}


def read(**changes: Value | Refused | None) -> RegisterRead:
    given_answers = answers(**changes)
    plate = metering.nameplate(given_answers)
    return metering.register_read(given_answers, plate, meter=MeterNumber("M1"), read_at=NOW, path="test")


def test_a_plain_meter_reads_in_watt_hours() -> None:
    result = read()
    assert (result.delivered_wh, result.received_wh, result.demand_w) == (12_345_678, 42, -1500)
    assert result.flags == (MeterFlag.CHECK_METER, MeterFlag.POWER_FAILURE, MeterFlag.SERVICE_DISCONNECT_OPEN)
    assert result.latched_at == datetime(2026, 3, 5, 4, 26, 40, tzinfo=UTC)
    assert result.update_period_s == 30
    assert (result.scale.unit, result.scale.multiplier, result.scale.divisor) == ("kWh", 1, 1000)
    assert not result.scale.assumed


@pytest.mark.parametrize(
    ("unit", "multiplier", "divisor", "count", "wh"),
    [
        (0x00, 1, 1000, 1, 1),
        (0x00, 1, 1, 7, 7_000),
        (0x00, 10, 1, 7, 70_000),
        (0x00, 1, 10_000, 5, 0),  # half a watt-hour goes to the even neighbour
        (0x00, 1, 10_000, 15, 2),
        (0x00, 1, 10_000, 25, 2),
        (0x00, 1, 100_000, 12_345, 123),
        (0x00, 3, 7, 14, 6_000),
        (0x0C, 1, 1, 9, 2_500),  # 9 MJ are 2.5 kWh
        (0x0C, 36, 10, 1, 1_000),
        (0x80, 1, 1000, 0x123456, 123_456),
        (0x80, 1, 1000, 0x999999999999, 999_999_999_999),
        (0x8C, 1, 1, 0x18, 5_000),
    ],
)
def test_scaling_is_exact_and_rounds_half_to_even(
    unit: int, multiplier: int, divisor: int, count: int, wh: int
) -> None:
    result = read(
        unit=Value(type=ENUM8, number=unit),
        multiplier=Value(type=U24, number=multiplier),
        divisor=Value(type=U24, number=divisor),
        delivered=Value(type=U48, number=count),
        received=ABSENT,
        demand=ABSENT,
    )
    assert result.delivered_wh == wh
    assert type(result.delivered_wh) is int


def test_megajoules_per_second_are_watts() -> None:
    result = read(
        unit=Value(type=ENUM8, number=0x0C),
        divisor=Value(type=U24, number=1_000_000),
        demand=Value(type=I24, number=-1_234),
    )
    assert result.demand_w == -1_234


def test_neither_multiplier_nor_divisor_counts_in_the_unit_and_says_so() -> None:
    result = read(multiplier=ABSENT, divisor=ABSENT)
    assert result.delivered_wh == 12_345_678_000
    assert (result.scale.multiplier, result.scale.divisor, result.scale.assumed) == (1, 1, True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"multiplier": ABSENT}, "only one"),
        ({"divisor": ABSENT}, "only one"),
        ({"multiplier": None}, "did not answer attribute 0x0301"),
        ({"divisor": None}, "did not answer attribute 0x0302"),
        ({"multiplier": None, "divisor": ABSENT}, "only one"),
        ({"multiplier": Value(type=U24, number=0)}, "no scale"),
        ({"divisor": Value(type=U24, number=0)}, "no scale"),
        ({"multiplier": Value(type=U24, number=0xFFFFFF)}, "no scale"),
        ({"divisor": Value(type=U24, number=0xFFFFFF)}, "no scale"),
        ({"divisor": Refused(status=0x94)}, "status 0x94"),
        ({"unit": ABSENT}, "does not say its unit"),
        ({"unit": None}, "0x0300"),
        ({"unit": Value(type=ENUM8, number=0x01)}, "not one of energy"),
        ({"unit": Value(type=ENUM8, number=0x0D)}, "not one of energy"),
        ({"unit": Value(type=ENUM8, number=0xFF)}, "does not say its unit"),
        ({"device_type": Value(type=BITMAP8, number=1)}, "not an electric meter"),
        ({"device_type": Value(type=BITMAP8, number=128)}, "not an electric meter"),
        ({"delivered": None}, "did not answer attribute 0x0000"),
        ({"delivered": Refused(status=0x01)}, "status 0x01"),
        ({"delivered": Value(type=0x42, number=0)}, "data type 0x42"),
        ({"received": None}, "did not answer attribute 0x0001"),
        ({"demand": Value(type=U24, number=1)}, "data type 0x22"),
        ({"unit": Value(type=ENUM8, number=0x80), "delivered": Value(type=U48, number=0xA)}, "binary-coded"),
        ({"unit": Value(type=ENUM8, number=0x80), "demand": Value(type=I24, number=-1)}, "binary-coded"),
        (
            {"multiplier": Value(type=U24, number=0xFFFFFE), "delivered": Value(type=U48, number=2**48 - 2)},
            "more than any meter",
        ),
    ],
)
def test_what_cannot_be_trusted_is_a_bad_reading_in_words(changes: dict[str, Value], words: str) -> None:
    with pytest.raises(BadReading, match=words):
        read(**changes)


def test_a_meter_without_a_delivered_register_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="0x0000"):
        read(delivered=ABSENT)


@pytest.mark.parametrize("name", ["delivered", "divisor", "status"])
def test_an_attribute_kept_from_us_is_unauthorised(name: str) -> None:
    with pytest.raises(Unauthorised):
        read(**{name: Refused(status=0x7E)})


@pytest.mark.parametrize(
    ("name", "field", "invalid"),
    [
        ("delivered", "delivered_wh", Value(type=U48, number=0xFFFFFFFFFFFF)),
        ("received", "received_wh", Value(type=U48, number=0xFFFFFFFFFFFF)),
        ("received", "received_wh", ABSENT),
        ("demand", "demand_w", Value(type=I24, number=-0x800000)),
        ("demand", "demand_w", ABSENT),
        ("snapshot_time", "latched_at", Value(type=UTC_TIME, number=0xFFFFFFFF)),
        ("snapshot_time", "latched_at", ABSENT),
        ("update_period", "update_period_s", Value(type=U8, number=0xFF)),
        ("update_period", "update_period_s", ABSENT),
        ("status", "flags", ABSENT),
    ],
)
def test_invalid_and_absent_are_none_never_zero(name: str, field: str, invalid: Value | Refused) -> None:
    assert getattr(read(**{name: invalid}), field) is None


def test_a_narrower_type_has_its_own_invalid_value() -> None:
    assert read(delivered=Value(type=U32, number=0xFFFFFFFF)).delivered_wh is None
    assert read(delivered=Value(type=U48, number=0xFFFFFFFF)).delivered_wh == 0xFFFFFFFF


def test_a_status_of_all_ones_is_every_flag() -> None:
    assert read(status=Value(type=BITMAP8, number=0xFF)).flags == tuple(MeterFlag)


def test_both_groups_fit_one_encrypted_frame() -> None:
    size = {"summation": 10, "i24": 7, "u8": 5, "utc": 8, "u24": 7}
    assert 3 + 2 * size["summation"] + size["i24"] + size["u8"] + size["utc"] == 43 <= 73
    assert 3 + size["u8"] * 3 + size["u24"] * 2 == 32 <= 73


@given(
    count=st.integers(0, 2**48 - 2),
    multiplier=st.integers(1, 1000),
    divisor=st.integers(1, 0xFFFFFE),
    unit=st.sampled_from([(0x00, Fraction(1000)), (0x0C, Fraction(2500, 9))]),
)
def test_the_nearest_watt_hour_is_never_missed(
    count: int, multiplier: int, divisor: int, unit: tuple[int, Fraction]
) -> None:
    code, wh_per_unit = unit
    exact = count * Fraction(multiplier, divisor) * wh_per_unit
    if exact > 2**63 - 1:
        return
    result = read(
        unit=Value(type=ENUM8, number=code),
        multiplier=Value(type=U24, number=multiplier),
        divisor=Value(type=U24, number=divisor),
        delivered=Value(type=U48, number=count),
        received=ABSENT,
        demand=ABSENT,
    ).delivered_wh
    assert type(result) is int
    assert abs(result - exact) <= Fraction(1, 2)
    if abs(result - exact) == Fraction(1, 2):
        assert result % 2 == 0


@given(wh=st.integers(0, 2**48 - 2), decimals=st.integers(0, 4))
def test_watt_hours_survive_the_round_trip_through_a_kwh_meter(wh: int, decimals: int) -> None:
    count = wh * 10**decimals
    if count > 2**48 - 2:
        return
    result = read(divisor=Value(type=U24, number=1000 * 10**decimals), delivered=Value(type=U48, number=count))
    assert result.delivered_wh == wh


@given(number=st.integers(0, 999_999_999_999))
def test_bcd_round_trips(number: int) -> None:
    assert metering.bcd(int(str(number), 16)) == number


answer = st.one_of(
    st.none(),
    st.builds(Refused, status=st.integers(0, 255)),
    st.builds(
        Value,
        type=st.sampled_from([U8, U32, U48, I24, BITMAP8, ENUM8, UTC_TIME, 0x27]) | st.integers(0, 255),
        number=st.integers(-(2**63), 2**64 - 1) | st.integers(-5, 300),
    ),
)


@given(st.dictionaries(st.sampled_from(["delivered", "demand", "unit", "divisor", "snapshot_time", "status"]), answer))
def test_any_answer_is_a_read_or_a_fault(changes: dict[str, Value | Refused | None]) -> None:
    try:
        result = read(**changes)
    except Fault:
        return
    for value in (result.delivered_wh, result.demand_w):
        assert value is None or type(value) is int
