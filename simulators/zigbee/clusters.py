"""The cluster servers of a simulated Smart Energy meter: Basic, Metering, Key Establishment.

Source: ZigBee Smart Energy profile 07-5356, annex D.3 (Metering) and C (Key Establishment).
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256

from simulators.faults import FaultKind
from simulators.meter import SimMeter
from simulators.zigbee.zcl import (
    BITMAP8,
    ENUM8,
    ENUM16,
    INT24,
    OCTETS,
    TEXT,
    UINT8,
    UINT24,
    UINT48,
    Value,
)
from simulators.zigbee.zcl import (
    UTC as UTC_TIME,
)

BASIC, METERING, KEY_ESTABLISHMENT, TIME = 0x0000, 0x0702, 0x0800, 0x000A
DELIVERED, RECEIVED, SNAPSHOT_TIME, UPDATE_PERIOD = 0x0000, 0x0001, 0x0007, 0x000A
STATUS, UNIT, MULTIPLIER, DIVISOR, FORMATTING, DEMAND_FORMATTING = 0x0200, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
DEVICE_TYPE, SERIAL, DEMAND = 0x0306, 0x0308, 0x0400
_INVALID_48, _INVALID_24 = 0xFFFFFFFFFFFF, -0x800000
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Fixed:
    """A cluster whose attributes never change."""

    def __init__(self, values: dict[int, Value]) -> None:
        self._values = dict(sorted(values.items()))

    def attributes(self) -> Sequence[int]:
        """The ids of the attributes."""
        return list(self._values)

    def attribute(self, attribute: int) -> Value | None:
        """An attribute's value."""
        return self._values.get(attribute)

    def reading(self, attributes: Sequence[int]) -> bytes | None:
        """Nothing happens when it is read."""
        return None


def basic() -> Fixed:
    """The Basic cluster of a mains-powered meter."""
    return Fixed(
        {
            0x0000: Value(UINT8, 3),
            0x0001: Value(UINT8, 1),
            0x0002: Value(UINT8, 2),
            0x0003: Value(UINT8, 1),
            0x0004: Value(TEXT, b"Metergate Laboratory"),
            0x0005: Value(TEXT, b"SIM-SE-1"),
            0x0007: Value(ENUM8, 1),
        }
    )


def key_establishment() -> Fixed:
    """The Key Establishment cluster: it tells its suite (1), and establishes no keys yet."""
    return Fixed({0x0000: Value(ENUM16, 0x0001)})


class Metering:
    """The Metering cluster of a simulated meter: every attribute is what the meter shows at that moment."""

    def __init__(self, meter: SimMeter) -> None:
        self._meter = meter
        self._values: dict[int, Callable[[], Value | None]] = {
            DELIVERED: lambda: self._sum(meter.registers().delivered_wh),
            RECEIVED: lambda: self._sum(meter.registers().received_wh) if meter.model.has_received else None,
            SNAPSHOT_TIME: self._snapshot_time,
            UPDATE_PERIOD: lambda: Value(UINT8, meter.model.update_period_s) if meter.model.tells_period else None,
            STATUS: lambda: Value(BITMAP8, meter.status),
            UNIT: lambda: Value(ENUM8, meter.model.unit),
            MULTIPLIER: self._multiplier,
            DIVISOR: self._divisor,
            FORMATTING: lambda: Value(BITMAP8, self._formatting()),
            DEMAND_FORMATTING: lambda: Value(BITMAP8, self._formatting()),
            DEVICE_TYPE: lambda: Value(BITMAP8, 0),
            SERIAL: lambda: Value(OCTETS, meter.number.encode()),
            DEMAND: self._demand,
        }

    def attributes(self) -> Sequence[int]:
        """The ids of the attributes that this model of meter may have."""
        return list(self._values)

    def attribute(self, attribute: int) -> Value | None:
        """An attribute's value at this moment."""
        value = self._values.get(attribute)
        return None if value is None else value()

    def reading(self, attributes: Sequence[int]) -> bytes | None:
        """Count a read of the registers; a broken meter answers with noise."""
        self._meter.reads += DELIVERED in attributes
        if not self._meter.has(FaultKind.GARBAGE):
            return None
        return sha256(f"{self._meter.number}/{self._meter.reads}".encode()).digest()

    def _sum(self, wh: int) -> Value:
        invalid = self._meter.has(FaultKind.INVALID)
        return Value(UINT48, _INVALID_48 if invalid else self._meter.model.shown(wh))

    def _demand(self) -> Value:
        invalid = self._meter.has(FaultKind.INVALID)
        return Value(INT24, _INVALID_24 if invalid else self._meter.model.shown(self._meter.registers().demand_w))

    def _snapshot_time(self) -> Value | None:
        if not self._meter.model.has_snapshot_time:
            return None
        return Value(UTC_TIME, int((self._meter.registers().latched_at - _EPOCH).total_seconds()))

    def _multiplier(self) -> Value | None:
        multiplier = self._meter.model.multiplier
        if multiplier is None and not self._meter.has(FaultKind.MULTIPLIER_ONLY):
            return None
        return Value(UINT24, multiplier or 1)

    def _divisor(self) -> Value | None:
        if self._meter.has(FaultKind.ZERO_DIVISOR):
            return Value(UINT24, 0)
        divisor = self._meter.model.divisor
        if divisor is None or self._meter.has(FaultKind.MULTIPLIER_ONLY):
            return None
        return Value(UINT24, divisor)

    def _formatting(self) -> int:
        """Digits to show: three after the point for a meter that counts thousandths, zeros in front suppressed."""
        digits = len(str(self._meter.model.divisor or 1)) - 1
        return 0x80 | 7 << 3 | min(digits, 7)
