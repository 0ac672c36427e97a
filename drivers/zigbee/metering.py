"""Metering attributes (cluster 0x0702) to registers in integer watt-hours, exactly and never by guessing (pure).

Source: ZigBee Smart Energy 1.4 (17-05019-001) section D.3.2.2. Summations and demand are counts; the energy is
count x multiplier / divisor in the meter's unit. Rounding to whole watt-hours is half to even. A value of all ones (for
signed types the lowest) is the cluster library's "invalid" and becomes None, and so does an attribute that a meter does
not have; anything else that is not plainly a number is a BadReading.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from gateway.errors import BadReading, Unauthorised, Unsupported
from gateway.identifiers import MeterNumber
from gateway.reads import MeterFlag, RegisterRead, Scale

DELIVERED, RECEIVED, SNAPSHOT_TIME, UPDATE_PERIOD = 0x0000, 0x0001, 0x0007, 0x000A
STATUS, UNIT, MULTIPLIER, DIVISOR, DEVICE_TYPE, DEMAND = 0x0200, 0x0300, 0x0301, 0x0302, 0x0306, 0x0400

REGISTERS = (DELIVERED, RECEIVED, DEMAND, STATUS, SNAPSHOT_TIME)
"""What changes from read to read: the answer's frame has 43 bytes of the 73 that one encrypted frame carries."""

NAMEPLATE = (UNIT, MULTIPLIER, DIVISOR, DEVICE_TYPE, UPDATE_PERIOD)
"""What a meter says about its numbers: 32 bytes. Some meters answer no more than five attributes at once."""

UNSUPPORTED_ATTRIBUTE = 0x86
NOT_AUTHORISED = 0x7E

UNSIGNED = {0x20 + size - 1: size for size in range(1, 9)}
_SIGNED = {0x28 + size - 1: size for size in range(1, 9)}
_ENUMERATIONS = {0x30: 1, 0x31: 2}
_BITMAPS = {0x18 + size - 1: size for size in range(1, 9)}
TIMES = {0xE2: 4, 0x23: 4}

_BCD = 0x80
_UNITS = {
    0x00: ("kWh", Fraction(1000), Fraction(1000)),
    0x0C: ("MJ", Fraction(2500, 9), Fraction(1_000_000)),
}
"""Energy units by code: name, watt-hours in one, and watts in one of its demand (kW, MJ/s)."""

_NOT_ELECTRIC = frozenset({1, 2, 3, 4, 5, 6, 12})
_MIRRORED = 0x7F
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_LARGEST = 2**63 - 1
_FLAGS = tuple(MeterFlag)
"""In the order of the Status attribute's bits, from bit 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """An attribute's value as it came: the cluster library's data type id, and the integer of its bytes."""

    type: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An attribute that the meter did not give, with the cluster library's status code."""

    status: int


Answers = Mapping[int, Value | Refused]
"""What a meter answered, by attribute id; an id that is absent was never answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nameplate:
    """What a meter says about its numbers: how counts become Wh and W, and how often it renews them."""

    scale: Scale
    bcd: bool
    wh_per_count: Fraction
    w_per_count: Fraction
    update_period_s: int | None


def nameplate(answers: Answers) -> Nameplate:
    """Read the scale out of answers to NAMEPLATE. Raises BadReading or Unauthorised.

    A meter that has neither multiplier nor divisor counts in its unit, recorded as assumed; one of the two alone, a
    zero or an invalid one makes every number of the meter worthless.
    """
    _refuse_other_commodities(number(answers, DEVICE_TYPE, _BITMAPS | _ENUMERATIONS | UNSIGNED))
    code = number(answers, UNIT, _ENUMERATIONS | UNSIGNED)
    if code is None:
        raise BadReading("the meter does not say its unit (0x0300)")
    name, wh, watts = _energy_unit(code)
    multiplier, divisor, assumed = _factors(answers)
    factor = Fraction(multiplier, divisor)
    return Nameplate(
        scale=Scale(unit=name, multiplier=multiplier, divisor=divisor, assumed=assumed),
        bcd=bool(code & _BCD),
        wh_per_count=wh * factor,
        w_per_count=watts * factor,
        update_period_s=number(answers, UPDATE_PERIOD, UNSIGNED),
    )


def register_read(
    answers: Answers, plate: Nameplate, *, meter: MeterNumber, read_at: datetime, path: str
) -> RegisterRead:
    """Turn answers to REGISTERS into a read. Raises BadReading, Unauthorised, or Unsupported if there is no register.

    delivered_wh, received_wh: whole Wh; demand_w: whole W, negative while exporting; None where the meter says
    "invalid" or does not have the attribute.
    """
    if answers.get(DELIVERED) == Refused(status=UNSUPPORTED_ATTRIBUTE):
        raise Unsupported("the meter has no delivered summation (0x0000)")
    status = number(answers, STATUS, _BITMAPS)
    latched = number(answers, SNAPSHOT_TIME, TIMES)
    return RegisterRead(
        meter=meter,
        delivered_wh=scaled(number(answers, DELIVERED, UNSIGNED), plate.wh_per_count, plate.bcd),
        received_wh=scaled(number(answers, RECEIVED, UNSIGNED), plate.wh_per_count, plate.bcd),
        demand_w=scaled(number(answers, DEMAND, _SIGNED), plate.w_per_count, plate.bcd),
        flags=None if status is None else tuple(flag for bit, flag in enumerate(_FLAGS) if status >> bit & 1),
        latched_at=None if latched is None else EPOCH + timedelta(seconds=latched),
        update_period_s=plate.update_period_s,
        read_at=read_at,
        scale=plate.scale,
        path=path,
    )


def bcd(number: int) -> int:
    """The number whose decimal digits are this one's nibbles. Raises BadReading for a nibble above 9 or a sign."""
    digits = f"{number:x}"
    if not digits.isdecimal():
        raise BadReading(f"0x{digits} is not binary-coded decimal, which the meter's unit promises")
    return int(digits)


def number(answers: Answers, attribute: int, types: Mapping[int, int]) -> int | None:
    """An attribute's number; None if the meter does not have it or marks it invalid. types: byte sizes by type id."""
    answer = answers.get(attribute)
    if answer is None:
        raise BadReading(f"the meter did not answer attribute 0x{attribute:04X}")
    if isinstance(answer, Refused):
        if answer.status == UNSUPPORTED_ATTRIBUTE:
            return None
        if answer.status == NOT_AUTHORISED:
            raise Unauthorised(f"the meter does not let us read attribute 0x{attribute:04X}")
        raise BadReading(f"the meter answered attribute 0x{attribute:04X} with status 0x{answer.status:02X}")
    if answer.type not in types:
        raise BadReading(f"attribute 0x{attribute:04X} is of data type 0x{answer.type:02X}, which it cannot be")
    bits = 8 * types[answer.type]
    lowest = -(1 << bits - 1) if answer.type in _SIGNED else 0
    if not lowest <= answer.number < lowest + (1 << bits):
        raise BadReading(f"attribute 0x{attribute:04X} does not fit its data type 0x{answer.type:02X}")
    return None if answer.number == _invalid(answer.type, bits) else answer.number


def _invalid(kind: int, bits: int) -> int | None:
    """The number that means "invalid" in a data type; bitmaps have none."""
    if kind in _BITMAPS:
        return None
    return -(1 << bits - 1) if kind in _SIGNED else (1 << bits) - 1


def scaled(count: int | None, per_count: Fraction, is_bcd: bool) -> int | None:
    """A count in whole Wh or W, rounded half to even."""
    if count is None:
        return None
    result = round((bcd(count) if is_bcd else count) * per_count)
    if abs(result) > _LARGEST:
        raise BadReading(f"{result} is more than any meter has counted")
    return result


def _factors(answers: Answers) -> tuple[int, int, bool]:
    """Multiplier, divisor, and whether they are assumed because the meter has neither."""
    refused = Refused(status=UNSUPPORTED_ATTRIBUTE)
    missing = [attribute for attribute in (MULTIPLIER, DIVISOR) if answers.get(attribute) == refused]
    if len(missing) == 2:
        return 1, 1, True
    if missing:
        raise BadReading("the meter has only one of multiplier (0x0301) and divisor (0x0302)")
    multiplier, divisor = (number(answers, attribute, UNSIGNED) for attribute in (MULTIPLIER, DIVISOR))
    if not multiplier or not divisor:
        raise BadReading(f"the meter's multiplier {multiplier} and divisor {divisor} are no scale")
    return multiplier, divisor, False


def _energy_unit(code: int) -> tuple[str, Fraction, Fraction]:
    """A unit code's name, Wh and W."""
    try:
        return _UNITS[code & ~_BCD]
    except KeyError:
        raise BadReading(f"the meter's unit 0x{code:02X} is not one of energy") from None


def _refuse_other_commodities(device_type: int | None) -> None:
    """Gas, water and heat count kWh too, but not the grid's. A mirrored meter's type is 127 above its own."""
    if device_type is None:
        return
    kind = device_type - _MIRRORED if device_type >= _MIRRORED else device_type
    if kind in _NOT_ELECTRIC:
        raise BadReading(f"device type {device_type} (0x0306) is not an electric meter")
