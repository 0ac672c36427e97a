"""Where a SunSpec device keeps a model: a marker, then a chain of models that each say their length (pure).

Source: SunSpec Device Information Model Specification 1.1, section 6: the marker "SunS" stands at one of three
addresses, and each model begins with its ID and the number of registers that follow.
"""

from collections.abc import Collection, Generator, Sequence

from drivers.modbus.planner import Span
from gateway.errors import BadReading, Unsupported

BASES = (40_000, 50_000, 0)
"""Where the marker may stand, in the order in which devices use them."""

MARKER = (0x5375, 0x6E53)
END = 0xFFFF
_MOST_MODELS = 64
_LAST = 65_536

Walk = Generator[Span, Sequence[int] | None, int]
"""Yields what must be read and is sent the words, or None where the device has none; returns the model's address."""


def walk(models: Collection[int], needed: int) -> Walk:
    """Find the first of some models, which must have so many registers from its ID on.

    Raises Unsupported if the device does not have it, BadReading for a chain or a model that cannot be.
    """
    at = yield from _marker()
    at += len(MARKER)
    for _ in range(_MOST_MODELS):
        header = yield Span(at, 2)
        if header is None:
            raise BadReading("the device's chain of SunSpec models breaks off")
        model, length = header
        if model == END:
            raise Unsupported(f"the device has none of the SunSpec models {', '.join(map(str, sorted(models)))}")
        if model in models and 2 + length < needed:
            raise BadReading(f"the device's SunSpec model {model} ends before the registers that it must have")
        if model in models and at + needed <= _LAST:
            return at
        at += 2 + length
        if at + 2 > _LAST:
            raise BadReading("the device's chain of SunSpec models leads nowhere")
    raise BadReading(f"the device's chain of SunSpec models has more than {_MOST_MODELS} links")


def _marker() -> Walk:
    for base in BASES:
        words = yield Span(base, 2)
        if words is not None and tuple(words) == MARKER:
            return base
    raise Unsupported("the device has no SunSpec marker")
