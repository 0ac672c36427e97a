"""A meter's registers as a display makes watt-hours and watts of what it reads (pure).

Source: ZigBee Smart Energy 1.4, D.3.2.2.4: multiplier and divisor apply to every sum and demand, and both may be
missing; a unit with the highest bit set shows decimal digits. What is invalid or makes no sense is None.
"""

from collections.abc import Mapping

DELIVERED, UNIT, MULTIPLIER, DIVISOR, DEMAND = 0x0000, 0x0300, 0x0301, 0x0302, 0x0400
WANTED = (DELIVERED, UNIT, MULTIPLIER, DIVISOR, DEMAND)
_KWH, _BCD = 0x00, 0x80
_INVALID = {DELIVERED: 0xFFFFFFFFFFFF, DEMAND: -0x800000}


def thousandths(values: Mapping[int, int], attribute: int) -> int | None:
    """Wh of the delivered sum or W of the demand, out of the attributes that a meter gave."""
    count, unit = values.get(attribute), values.get(UNIT, _KWH)
    multiplier, divisor = values.get(MULTIPLIER, 1), values.get(DIVISOR, 1)
    if count is None or count == _INVALID[attribute] or unit & ~_BCD != _KWH or not multiplier or not divisor:
        return None
    if (MULTIPLIER in values) is not (DIVISOR in values):
        return None
    if unit & _BCD:
        digits = f"{count:x}"
        if not digits.isdecimal():
            return None
        count = int(digits)
    return count * multiplier * 1000 // divisor
