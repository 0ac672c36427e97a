"""Registers to exact watt-hours (pure): words to a number, the number to Wh or W, and proof that none was torn.

Integers and IEEE 754 numbers are exact ratios, so that scaling loses nothing; the result is rounded once, half to even.
"""

import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from drivers.modbus.planner import spans
from drivers.modbus.profile import Direction, Profile, Quantity, Register, Type, WordOrder
from gateway.errors import BadReading, Unsupported
from gateway.identifiers import MeterNumber
from gateway.reads import RegisterRead, Scale

Words = Mapping[int, int]
"""What a reading brought: words of 16 bits by register, the meter's first register being 0."""

_LARGEST = 2**63 - 1
_LARGEST_EXPONENT = 10
"""Powers of ten that a scale register may hold. Source: SunSpec Device Information Model, sunssf."""
_FLOATS = {Type.F32: (struct.Struct(">f"), 4), Type.F64: (struct.Struct(">d"), 8)}


def pattern(words: Iterable[int]) -> int:
    """The bits of a number as an unsigned integer, from its words, the highest first."""
    bits = 0
    for word in words:
        bits = bits << 16 | word
    return bits


def number(bits: int, kind: Type) -> int | float | None:
    """The number that bits are in a type; None for not-a-number. Raises BadReading for an infinite one."""
    if kind in _FLOATS:
        form, size = _FLOATS[kind]
        value: float = form.unpack(bits.to_bytes(size, "big"))[0]
        if math.isinf(value):
            raise BadReading("a register holds an infinite number")
        return None if math.isnan(value) else value
    top = 1 << 16 * kind.words
    return bits - top if kind.is_signed and bits >= top >> 1 else bits


@dataclass(frozen=True, slots=True)
class Field:
    """A register of a profile made ready for reading: where its words stand, the highest first, and what counts are."""

    quantity: Quantity
    type: Type
    places: tuple[int, ...]
    scale_place: int | None
    factor: Fraction
    sign: int
    absent: frozenset[int]
    overflow_from: int | None
    unit: str
    shown: Scale
    """The scale while the scale register, if there is one, holds 0."""

    def bits(self, words: Words) -> int:
        """The number's bits in a reading."""
        return pattern(words[place] for place in self.places)

    def value(self, words: Words) -> int | None:
        """Whole Wh or W in a reading, or None if the meter has no value. Raises BadReading."""
        bits = self.bits(words)
        count = None if bits in self.absent else number(bits, self.type)
        if count is None:
            return None
        if self.overflow_from is not None and count >= self.overflow_from:
            raise BadReading(f"the register of {self.quantity} has overflowed")
        result = self.sign * _scaled(count, self._factor(words))
        if abs(result) > _LARGEST:
            raise BadReading(f"{self.quantity} is more than any meter has counted")
        if result < 0 and self.quantity is not Quantity.DEMAND_W:
            raise BadReading(f"the running sum {self.quantity} is below zero")
        return result

    def steady(self, first: Words, second: Words) -> bool:
        """Whether two readings in a row prove that the second's number was not caught while it turned over."""
        before, after = self.bits(first), self.bits(second)
        same_scale = self.scale_place is None or first[self.scale_place] == second[self.scale_place]
        return before >> 16 == after >> 16 and before <= after and same_scale

    def scale(self, words: Words) -> Scale:
        """How counts became Wh in a reading, for people who check."""
        if self.scale_place is None:
            return self.shown
        factor = Fraction(self.shown.multiplier, self.shown.divisor) * Fraction(10) ** self._exponent(words)
        return Scale(unit=self.unit, multiplier=factor.numerator, divisor=factor.denominator, assumed=False)

    def _factor(self, words: Words) -> Fraction:
        """What a count is in Wh or W."""
        return self.factor if self.scale_place is None else self.factor * Fraction(10) ** self._exponent(words)

    def _exponent(self, words: Words) -> int:
        """The power of ten in the scale register, 0 without one."""
        word = 0 if self.scale_place is None else words[self.scale_place]
        exponent = word - 0x10000 if word & 0x8000 else word
        if abs(exponent) > _LARGEST_EXPONENT:  # so is -0x8000, by which a SunSpec device says that it has none
            raise BadReading(f"the scale of {self.quantity} is {exponent}, which is no power of ten to scale by")
        return exponent


class Decoder:
    """A profile made ready for reading."""

    def __init__(self, profile: Profile) -> None:
        self._period_s = profile.update_period_s
        self._fields = tuple(_field(profile, register) for register in profile.registers)
        self._energies = tuple(each for each in self._fields if each.quantity is not Quantity.DEMAND_W)

    def register_read(self, words: Words, *, meter: MeterNumber, read_at: datetime, path: str) -> RegisterRead:
        """Turn a reading into a RegisterRead; None where the profile names no register or the meter has no value.

        Raises BadReading for a number that cannot be trusted, Unsupported if no energy register has a value. The
        scale is that of the first energy register that has one. Modbus meters tell no snapshot time.
        """
        values = {each.quantity: each.value(words) for each in self._fields}
        held = next((each for each in self._energies if values[each.quantity] is not None), None)
        if held is None:
            raise Unsupported("the meter says that it has none of its profile's energy registers")
        return RegisterRead(
            meter=meter,
            delivered_wh=values.get(Quantity.DELIVERED_WH),
            received_wh=values.get(Quantity.RECEIVED_WH),
            demand_w=values.get(Quantity.DEMAND_W),
            flags=None,
            latched_at=None,
            update_period_s=self._period_s,
            read_at=read_at,
            scale=held.scale(words),
            path=path,
        )

    def whole(self, first: Words, second: Words) -> bool:
        """Whether two readings in a row prove that no counter of the second was caught while it turned over.

        A counter that turns over between its words changes a higher word, or takes the lowest one backwards, between
        the one reading and the next; so neither may be seen. (IEEE 754 numbers above zero order as their bits do.)
        Scales may not change either. Powers are not counters: nothing adds them up, and they change as they like.
        """
        return all(each.steady(first, second) for each in self._energies)


def _field(profile: Profile, register: Register) -> Field:
    places = spans(profile, register)
    words = range(places[0].first, places[0].end)
    shown = register.factor / register.unit.whole
    return Field(
        quantity=register.quantity,
        type=register.type,
        places=tuple(words if profile.word_order is WordOrder.HIGH_FIRST else reversed(words)),
        scale_place=places[1].first if len(places) > 1 else None,
        factor=register.factor,
        sign=-1 if register.positive is Direction.RECEIVED else 1,
        absent=frozenset(register.absent),
        overflow_from=register.overflow_from,
        unit=register.unit,
        shown=Scale(unit=register.unit, multiplier=shown.numerator, divisor=shown.denominator, assumed=False),
    )


def _scaled(count: float, factor: Fraction) -> int:
    """A count times a factor, exactly, in whole units, rounded half to even."""
    above, below = count.as_integer_ratio()
    above *= factor.numerator
    below *= factor.denominator
    whole, rest = divmod(above, below)
    return whole + (2 * rest > below or (2 * rest == below and whole & 1))
