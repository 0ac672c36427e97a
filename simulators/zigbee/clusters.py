"""The cluster servers of a simulated Smart Energy meter: Basic, Metering, Key Establishment.

Source: ZigBee Smart Energy profile 07-5356, annex D.3 (Metering) and C (Key Establishment).
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256

from simulators.faults import FaultKind
from simulators.meter import Registers, SimMeter
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


def basic(model: str = "SIM-SE-1") -> Fixed:
    """The Basic cluster of a mains-powered device of a model."""
    return Fixed(
        {
            0x0000: Value(UINT8, 3),
            0x0001: Value(UINT8, 1),
            0x0002: Value(UINT8, 2),
            0x0003: Value(UINT8, 1),
            0x0004: Value(TEXT, b"Metergate Laboratory"),
            0x0005: Value(TEXT, model.encode()),
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
        self._latched: Registers | None = None

    def attributes(self) -> Sequence[int]:
        """The ids of the attributes that this model of meter may have."""
        return list(_SHOWN)

    def attribute(self, attribute: int) -> Value | None:
        """An attribute's value at this moment."""
        shown = _SHOWN.get(attribute)
        return None if shown is None else shown(self)

    def reading(self, attributes: Sequence[int]) -> bytes | None:
        """Count a read of the registers, and take them all at one instant; a broken meter answers with noise."""
        self._meter.reads += DELIVERED in attributes
        self._latched = self._meter.registers()
        if not self._meter.has(FaultKind.GARBAGE):
            return None
        return sha256(f"{self._meter.number}/{self._meter.reads}".encode()).digest()

    def _registers(self) -> Registers:
        return self._latched or self._meter.registers()

    def _delivered(self) -> Value:
        return self._sum(self._registers().delivered_wh)

    def _received(self) -> Value | None:
        return self._sum(self._registers().received_wh) if self._meter.model.has_received else None

    def _sum(self, wh: int) -> Value:
        invalid = self._meter.has(FaultKind.INVALID)
        return Value(UINT48, _INVALID_48 if invalid else self._meter.model.shown(wh))

    def _demand(self) -> Value:
        invalid = self._meter.has(FaultKind.INVALID)
        return Value(INT24, _INVALID_24 if invalid else self._meter.model.shown(self._registers().demand_w))

    def _snapshot_time(self) -> Value | None:
        if not self._meter.model.has_snapshot_time:
            return None
        return Value(UTC_TIME, int((self._registers().latched_at - _EPOCH).total_seconds()))

    def _update_period(self) -> Value | None:
        model = self._meter.model
        return Value(UINT8, model.update_period_s) if model.tells_period else None

    def _status(self) -> Value:
        return Value(BITMAP8, self._meter.status)

    def _unit(self) -> Value:
        return Value(ENUM8, self._meter.model.unit)

    def _serial(self) -> Value:
        return Value(OCTETS, self._meter.number.encode())

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

    def _formatting(self) -> Value:
        """Digits to show: as many after the point as the divisor has zeros, zeros in front suppressed."""
        digits = len(str(self._meter.model.divisor or 1)) - 1
        return Value(BITMAP8, 0x80 | 7 << 3 | min(digits, 7))


_SHOWN: dict[int, Callable[[Metering], Value | None]] = {
    DELIVERED: Metering._delivered,
    RECEIVED: Metering._received,
    SNAPSHOT_TIME: Metering._snapshot_time,
    UPDATE_PERIOD: Metering._update_period,
    STATUS: Metering._status,
    UNIT: Metering._unit,
    MULTIPLIER: Metering._multiplier,
    DIVISOR: Metering._divisor,
    FORMATTING: Metering._formatting,
    DEMAND_FORMATTING: Metering._formatting,
    DEVICE_TYPE: lambda _: Value(BITMAP8, 0),
    SERIAL: Metering._serial,
    DEMAND: Metering._demand,
}
