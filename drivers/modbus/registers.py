"""Registers to exact watt-hours (pure): words to a number, the number to Wh or W, and proof that none was torn.

Integers and IEEE 754 numbers become Fractions, so that scaling loses nothing; the result is rounded once, half to even.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction

from drivers.modbus.planner import Span, spans
from drivers.modbus.profile import Direction, Profile, Quantity, Register, Type, WordOrder
from gateway.errors import BadReading, Unsupported
from gateway.identifiers import MeterNumber
from gateway.reads import RegisterRead, Scale

Words = Mapping[int, int]
"""What a reading brought: words of 16 bits by register, the meter's first register being 0."""

_LARGEST = 2**63 - 1
_LARGEST_EXPONENT = 10
"""Powers of ten that a scale register may hold. Source: SunSpec Device Information Model, sunssf."""


def pattern(words: Sequence[int], order: WordOrder) -> int:
    """The bits of a number as an unsigned integer, from its words in register order."""
    total = 0
    for word in words if order is WordOrder.HIGH_FIRST else reversed(words):
        total = total << 16 | word
    return total


def number(bits: int, kind: Type) -> int | Fraction | None:
    """The number that bits are in a type; None for not-a-number. Raises BadReading for an infinite one."""
    if kind.is_float:
        size = 2 * kind.words
        value = struct.unpack(">f" if size == 4 else ">d", bits.to_bytes(size, "big"))[0]
        if math.isnan(value):
            return None
        if math.isinf(value):
            raise BadReading("a register holds an infinite number")
        return Fraction(value)
    top = 1 << 16 * kind.words
    return bits - top if kind.is_signed and bits >= top >> 1 else bits


def register_read(profile: Profile, words: Words, *, meter: MeterNumber, read_at: datetime, path: str) -> RegisterRead:
    """Turn a reading into a RegisterRead; absent where the profile names no register or the meter says so.

    Raises BadReading for a number that cannot be trusted, Unsupported if the meter has none of the energy registers.
    The scale is that of the delivered register, else of the first one. Modbus meters tell no snapshot time.
    """
    values = {register.quantity: _value(profile, register, words) for register in profile.registers}
    if values.get(Quantity.DELIVERED_WH) is None and values.get(Quantity.RECEIVED_WH) is None:
        raise Unsupported("the meter says that it has none of its profile's energy registers")
    return RegisterRead(
        meter=meter,
        delivered_wh=values.get(Quantity.DELIVERED_WH),
        received_wh=values.get(Quantity.RECEIVED_WH),
        demand_w=values.get(Quantity.DEMAND_W),
        flags=None,
        latched_at=None,
        update_period_s=profile.update_period_s,
        read_at=read_at,
        scale=_shown(profile, values, words),
        path=path,
    )


def whole(profile: Profile, first: Words, second: Words) -> bool:
    """Whether two readings in a row prove that no counter of the second was caught while it turned over.

    A counter that turns over between its words changes a higher word, or takes the lowest one backwards, between the
    one reading and the next; so neither may be seen. (IEEE 754 numbers above zero order as their bits do.) Scales
    may not change either. Powers are not counters: nothing adds them up, and they change as they like.
    """
    return all(_steady(profile, register, first, second) for register in profile.registers if register.unit.is_energy)


def _steady(profile: Profile, register: Register, first: Words, second: Words) -> bool:
    places = spans(profile, register)
    before, after = (pattern(taken(words, places[0]), profile.word_order) for words in (first, second))
    scales = [tuple(taken(words, place) for place in places[1:]) for words in (first, second)]
    return before >> 16 == after >> 16 and before <= after and scales[0] == scales[1]


def taken(words: Words, span: Span) -> list[int]:
    """A span's words out of a reading."""
    return [words[address] for address in range(span.first, span.end)]


def _value(profile: Profile, register: Register, words: Words) -> int | None:
    """A register in whole Wh or W, or None if the meter has no value for it."""
    bits = pattern(taken(words, spans(profile, register)[0]), profile.word_order)
    count: int | Fraction | None = None if bits in register.absent else number(bits, register.type)
    if count is None:
        return None
    if register.overflow_from is not None and count >= register.overflow_from:
        raise BadReading(f"the register of {register.quantity} has overflowed")
    result = round(count * _factor(profile, register, words))
    if abs(result) > _LARGEST:
        raise BadReading(f"{register.quantity} is more than any meter has counted")
    if register.quantity is not Quantity.DEMAND_W and result < 0:
        raise BadReading(f"the running sum {register.quantity} is below zero")
    return -result if register.positive is Direction.RECEIVED else result


def _factor(profile: Profile, register: Register, words: Words) -> Fraction:
    """What one count is in Wh or W."""
    return register.factor * Fraction(10) ** _exponent(profile, register, words)


def _exponent(profile: Profile, register: Register, words: Words) -> int:
    """The power of ten in a register's scale register, 0 without one."""
    places = spans(profile, register)
    if len(places) == 1:
        return 0
    word = words[places[1].first]
    exponent = word - 0x10000 if word & 0x8000 else word
    if abs(exponent) > _LARGEST_EXPONENT:  # so is -0x8000, by which a SunSpec device says that it has none
        raise BadReading(f"the scale of {register.quantity} is {exponent}, which is no power of ten to scale by")
    return exponent


def _shown(profile: Profile, values: Mapping[Quantity, int | None], words: Words) -> Scale:
    """How counts became watt-hours, for people who check; of an energy register that has a value."""
    energies = {register.quantity: register for register in profile.registers if register.unit.is_energy}
    held = [energies[quantity] for quantity in Quantity if quantity in energies and values[quantity] is not None]
    factor = _factor(profile, held[0], words) / held[0].unit.whole
    return Scale(unit=held[0].unit, multiplier=factor.numerator, divisor=factor.denominator, assumed=False)
