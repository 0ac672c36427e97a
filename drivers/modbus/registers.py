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
_FLOATS = {2: struct.Struct(">f"), 4: struct.Struct(">d")}
"""IEEE 754 numbers by their size in words."""


def pattern(words: Iterable[int]) -> int:
    """The bits of a number as an unsigned integer, from its words, the highest first."""
    bits = 0
    for word in words:
        bits = bits << 16 | word
    return bits


def number(bits: int, kind: Type) -> int | float | None:
    """The number that bits are in a type; None for not-a-number. Raises BadReading for an infinite one."""
    if kind.is_float:
        value: float = _FLOATS[kind.words].unpack(bits.to_bytes(2 * kind.words, "big"))[0]
        if math.isinf(value):
            raise BadReading("a register holds an infinite number")
        return None if math.isnan(value) else value
    top = 1 << 16 * kind.words
    return bits - top if kind.is_signed and bits >= top >> 1 else bits


@dataclass(frozen=True, slots=True)
class Field:
    """A register of a profile made ready for reading: where its words stand, the highest first, and what counts are."""

    name: str
    is_sum: bool
    type: Type
    places: tuple[int, ...]
    scale_place: int | None
    factor: Fraction
    absent: frozenset[int]
    overflow_from: int | None
    shown: Scale
    """The scale while the scale register, if there is one, holds 0."""

    def bits(self, words: Words) -> int:
        """The number's bits in a reading."""
        return pattern([words[place] for place in self.places])

    def value(self, words: Words) -> int | None:
        """Whole Wh or W in a reading, or None if the meter has no value. Raises BadReading."""
        bits = self.bits(words)
        count = None if bits in self.absent else number(bits, self.type)
        if count is None:
            return None
        if self.overflow_from is not None and count >= self.overflow_from:
            raise BadReading(f"the register of {self.name} has overflowed")
        result = _scaled(count, self._factor(words))
        if abs(result) > _LARGEST:
            raise BadReading(f"{self.name} is more than any meter has counted")
        if result < 0 and self.is_sum:
            raise BadReading(f"the running sum {self.name} is below zero")
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
        return Scale(unit=self.shown.unit, multiplier=factor.numerator, divisor=factor.denominator, assumed=False)

    def _factor(self, words: Words) -> Fraction:
        """What a count is in Wh or W."""
        return self.factor if self.scale_place is None else self.factor * Fraction(10) ** self._exponent(words)

    def _exponent(self, words: Words) -> int:
        """The power of ten in the scale register, 0 without one."""
        word = 0 if self.scale_place is None else words[self.scale_place]
        exponent = word - 0x10000 if word & 0x8000 else word
        if abs(exponent) > _LARGEST_EXPONENT:  # so is -0x8000, by which a SunSpec device says that it has none
            raise BadReading(f"the scale of {self.name} is {exponent}, which is no power of ten to scale by")
        return exponent


class Decoder:
    """A profile made ready for reading."""

    def __init__(self, profile: Profile) -> None:
        fields = {register.quantity: _field(profile, register) for register in profile.registers}
        self._period_s = profile.update_period_s
        self._delivered = fields.get(Quantity.DELIVERED_WH)
        self._received = fields.get(Quantity.RECEIVED_WH)
        self._demand = fields.get(Quantity.DEMAND_W)
        self._sums = tuple(each for each in fields.values() if each.is_sum)

    def register_read(self, words: Words, *, meter: MeterNumber, read_at: datetime, path: str) -> RegisterRead:
        """Turn a reading into a RegisterRead; None where the profile names no register or the meter has no value.

        Raises BadReading for a number that cannot be trusted, Unsupported if no energy register has a value. The
        scale is that of the first energy register that has one. Modbus meters tell no snapshot time.
        """
        delivered, received, demand = (
            None if field is None else field.value(words) for field in (self._delivered, self._received, self._demand)
        )
        held = self._received if delivered is None else self._delivered
        if held is None or (delivered is None and received is None):
            raise Unsupported("the meter says that it has none of its profile's energy registers")
        return RegisterRead(
            meter=meter,
            delivered_wh=delivered,
            received_wh=received,
            demand_w=demand,
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
        return all(each.steady(first, second) for each in self._sums)


def _field(profile: Profile, register: Register) -> Field:
    places = spans(profile, register)
    words = range(places[0].first, places[0].end)
    shown = register.factor / register.unit.whole
    return Field(
        name=register.quantity.value,
        is_sum=register.unit.is_energy,
        type=register.type,
        places=tuple(words if profile.word_order is WordOrder.HIGH_FIRST else reversed(words)),
        scale_place=places[1].first if len(places) > 1 else None,
        factor=-register.factor if register.positive is Direction.RECEIVED else register.factor,
        absent=frozenset(register.absent),
        overflow_from=register.overflow_from,
        shown=Scale(unit=register.unit.value, multiplier=shown.numerator, divisor=shown.denominator, assumed=False),
    )


def _scaled(count: float, factor: Fraction) -> int:
    """A count times a factor, exactly, in whole units, rounded half to even."""
    above, below = count.as_integer_ratio()
    above *= factor.numerator
    below *= factor.denominator
    whole, rest = divmod(above, below)
    return whole + (2 * rest > below or (2 * rest == below and whole & 1))
