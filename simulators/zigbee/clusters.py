"""The cluster servers of a simulated Smart Energy meter: Basic, Metering, Key Establishment.

Source: ZigBee Smart Energy profile 07-5356, annex D.3 (Metering) and C (Key Establishment).
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from simulators.faults import FaultKind
from simulators.meter import Registers, SimMeter
from simulators.meter_log import OFF_PEAK, PEAK
from simulators.zigbee.octets import Octets, unsigned
from simulators.zigbee.reporting import COMPLETE, REPORTING_STATUS
from simulators.zigbee.zcl import (
    BITMAP8,
    ENUM8,
    ENUM16,
    INT24,
    OCTETS,
    TEXT,
    UINT8,
    UINT16,
    UINT24,
    UINT48,
    UNSUPPORTED_CLUSTER_COMMAND,
    Command,
    Commanded,
    Reply,
    Value,
)
from simulators.zigbee.zcl import (
    UTC as UTC_TIME,
)

BASIC, METERING, KEY_ESTABLISHMENT, TIME = 0x0000, 0x0702, 0x0800, 0x000A
DELIVERED, RECEIVED, SNAPSHOT_TIME, UPDATE_PERIOD = 0x0000, 0x0001, 0x0007, 0x000A
STATUS, UNIT, MULTIPLIER, DIVISOR, FORMATTING, DEMAND_FORMATTING = 0x0200, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
DEVICE_TYPE, SERIAL, DEMAND = 0x0306, 0x0308, 0x0400
MOST_DEMAND, FROZEN_DELIVERED, FREEZE_TIME, MOST_DEMAND_TIME = 0x0002, 0x0004, 0x0005, 0x0008
PROFILE_PERIOD, FROZEN_RECEIVED, TIER_1, TIER_2, MOST_PERIODS_ATTRIBUTE = 0x000F, 0x001F, 0x0100, 0x0102, 0x0500
PROFILE_RESPONSE, FAST_POLL_RESPONSE, QUARTER_HOURS = 0x00, 0x03, 3
OK, UNDEFINED_CHANNEL, CHANNEL_NOT_SUPPORTED, INVALID_END_TIME, MORE_THAN_FIT, NOTHING_AVAILABLE = range(6)
MOST_PERIODS = 21
"""Intervals in one unfragmented encrypted answer: 73 bytes, less 3 of the header and 7 before the intervals."""
MOST_FAST_MINUTES = 15
_REPORTED_SETS = (0x00, 0x01, 0x02, 0x04)
_AHEAD = timedelta(minutes=5)
"""How far ahead of the meter's clock an end time may lie before it counts as wrong."""
_INVALID_48, _INVALID_24, _INVALID_U24 = 0xFFFFFFFFFFFF, -0x800000, 0xFFFFFF
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


class LatentKeys:
    """Key Establishment of a node that nobody has given a life yet: the first frame of an exchange wakes it.

    wake gives the node, by its EUI-64, a life, and the cluster's server that goes with it.
    """

    __slots__ = ("_eui64", "_suites", "_wake")

    def __init__(self, eui64: int, suites: int, wake: Callable[[int], Commanded]) -> None:
        self._eui64, self._suites, self._wake = eui64, suites, wake

    def attributes(self) -> Sequence[int]:
        """Only the suites."""
        return [0x0000]

    def attribute(self, attribute: int) -> Value | None:
        """The suites that the node has certificates for."""
        return Value(ENUM16, self._suites) if attribute == 0x0000 else None

    def reading(self, attributes: Sequence[int]) -> bytes | None:
        """Reading wakes nobody."""
        return None

    def command(self, command: Command) -> Reply | int | None:
        """Wake the node, and let it answer."""
        return self._wake(self._eui64).command(command)


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

    def command(self, command: Command) -> Reply | int | None:
        """The log is asked for, or for a while faster updates of the registers."""
        octets = Octets(command.body)
        match command.header.command:
            case 0x00:
                return self._profile(octets)
            case 0x03:
                return self._fast_poll(octets)
        return UNSUPPORTED_CLUSTER_COMMAND

    def _profile(self, octets: Octets) -> Reply:
        """GetProfile: intervals of one channel, newest first, as many as fit one unfragmented answer."""
        channel, end, count = octets.unsigned(1), octets.unsigned(4), octets.unsigned(1)
        now = self._meter.now()
        if channel > 1:
            return self._profiled(0, UNDEFINED_CHANNEL, ())
        if channel == 1 and not self._meter.model.has_received:
            return self._profiled(0, CHANNEL_NOT_SUPPORTED, ())
        before = None if end == 0 else _EPOCH + timedelta(seconds=end)
        if before is not None and before > now + _AHEAD:
            return self._profiled(0, INVALID_END_TIME, ())
        newest = self._meter.log.newest_end(now, before)
        wh = self._meter.log.intervals(now, newest, min(count, MOST_PERIODS))
        status = OK if wh else NOTHING_AVAILABLE
        if wh and count > MOST_PERIODS:
            status = MORE_THAN_FIT
        return self._profiled(int((newest - _EPOCH).total_seconds()), status, [pair[channel] for pair in wh])

    def _profiled(self, end: int, status: int, wh: Sequence[int]) -> Reply:
        head = unsigned(end, 4) + bytes((status, QUARTER_HOURS, len(wh)))
        invalid = self._meter.has(FaultKind.INVALID)
        counts = (_INVALID_U24 if invalid else self._meter.model.shown(value) for value in wh)
        return Reply(PROFILE_RESPONSE, head + b"".join(unsigned(count, 3) for count in counts))

    def _fast_poll(self, octets: Octets) -> Reply:
        """RequestFastPollMode: this meter updates no faster than it does, and grants so many minutes of that."""
        octets.take(1)
        minutes = min(octets.unsigned(1), MOST_FAST_MINUTES)
        ends = int((self._meter.now() - _EPOCH).total_seconds()) + 60 * minutes
        return Reply(FAST_POLL_RESPONSE, unsigned(self._meter.model.update_period_s, 1) + unsigned(ends, 4))

    def reading(self, attributes: Sequence[int]) -> bytes | None:
        """Count a read of the registers, and take them all at one instant; a broken meter answers with noise."""
        self._meter.reads += DELIVERED in attributes
        self._latched = self._meter.registers()
        if not self._meter.has(FaultKind.GARBAGE):
            return None
        return sha256(f"{self._meter.number}/{self._meter.reads}".encode()).digest()

    @property
    def renewed_s(self) -> float:
        """As often as the meter renews its registers."""
        return float(self._meter.model.update_period_s)

    def reportable(self, attribute: int) -> bool:
        """The attribute sets of which D.3.3.1 says so: readings, tariff tiers, status, demand and consumption."""
        return attribute >> 8 in _REPORTED_SETS

    def sample(self) -> bytes | None:
        """Take all registers at one instant; a report is no read. A broken meter reports noise."""
        self._latched = self._meter.registers()
        if not self._meter.has(FaultKind.GARBAGE):
            return None
        return sha256(f"{self._meter.number}/report/{self._latched.latched_at}".encode()).digest()

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

    def _peak(self) -> Value:
        return Value(UINT48, self._meter.model.shown(self._meter.log.peak_demand(self._meter.now()).demand_w))

    def _peak_time(self) -> Value:
        at = self._meter.log.peak_demand(self._meter.now()).at
        return Value(UTC_TIME, int((at - _EPOCH).total_seconds()))

    def _frozen_delivered(self) -> Value:
        return self._sum(self._meter.log.frozen(self._meter.now()).delivered_wh)

    def _frozen_received(self) -> Value | None:
        frozen = self._meter.log.frozen(self._meter.now())
        return self._sum(frozen.received_wh) if self._meter.model.has_received else None

    def _tier(self, tier: int) -> Value:
        return self._sum(self._meter.log.tier_wh(self._meter.now(), tier))

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
    MOST_DEMAND: Metering._peak,
    FROZEN_DELIVERED: Metering._frozen_delivered,
    FREEZE_TIME: lambda _: Value(UINT16, 0),
    SNAPSHOT_TIME: Metering._snapshot_time,
    MOST_DEMAND_TIME: Metering._peak_time,
    UPDATE_PERIOD: Metering._update_period,
    PROFILE_PERIOD: lambda _: Value(ENUM8, QUARTER_HOURS),
    FROZEN_RECEIVED: Metering._frozen_received,
    TIER_1: lambda metering: metering._tier(PEAK),
    TIER_2: lambda metering: metering._tier(OFF_PEAK),
    STATUS: Metering._status,
    UNIT: Metering._unit,
    MULTIPLIER: Metering._multiplier,
    DIVISOR: Metering._divisor,
    FORMATTING: Metering._formatting,
    DEMAND_FORMATTING: Metering._formatting,
    DEVICE_TYPE: lambda _: Value(BITMAP8, 0),
    SERIAL: Metering._serial,
    DEMAND: Metering._demand,
    MOST_PERIODS_ATTRIBUTE: lambda _: Value(UINT8, MOST_PERIODS),
    REPORTING_STATUS: lambda _: Value(ENUM8, COMPLETE),
}
