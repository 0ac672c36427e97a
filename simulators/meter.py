"""A simulated electricity meter: registers that advance with a clock, in the form in which its model shows them."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import cached_property

from gateway.clock import Clock
from gateway.dice import SeededDice
from gateway.identifiers import Eui64, MeterNumber
from simulators.faults import Fault, FaultKind
from simulators.load_shape import HouseholdLoad
from simulators.meter_log import MeterLog
from simulators.street import Premise

KWH, KWH_IN_BCD = 0x00, 0x80
"""Units of measure as the Metering cluster names them (attribute 0x0300)."""


TAMPER = 0x04
"""The bit of the Status attribute (0x0200) that tells of an open case."""
MOST_EVENTS = 100


class EventKind(IntEnum):
    """What a meter writes into its log, by numbers of its own."""

    POWER_LOST = 1
    POWER_BACK = 2
    CLOCK_SET = 3
    TAMPERED = 4
    TAMPER_ENDED = 5


@dataclass(frozen=True, slots=True)
class MeterEvent:
    """One line of a meter's log, under the meter's own time."""

    kind: EventKind
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterModel:
    """How a kind of meter shows what it measures.

    A shown value x multiplier / divisor is in kWh or kW; None for both means that the meter has neither attribute.
    Registers are renewed every update_period_s seconds, which the meter tells if tells_period.
    """

    unit: int = KWH
    multiplier: int | None = 1
    divisor: int | None = 1000
    has_snapshot_time: bool = True
    has_received: bool = True
    tells_period: bool = True
    update_period_s: int = 1

    def shown(self, thousandths: int) -> int:
        """The raw count for Wh or W, rounded towards zero as a register that has not turned over yet."""
        counts = abs(thousandths) * (self.divisor or 1) // ((self.multiplier or 1) * 1000)
        if self.unit == KWH_IN_BCD:
            counts = int(str(counts), 16)
        return counts if thousandths >= 0 else -counts


@dataclass(frozen=True, slots=True)
class Registers:
    """A meter's registers as it last renewed them: running sums in Wh, demand in W, and when that was."""

    delivered_wh: int
    received_wh: int
    demand_w: int
    latched_at: datetime


class SimMeter:
    """One meter on a home's load. fault and status may be changed while it runs; reads counts executed reads."""

    def __init__(
        self, *, number: MeterNumber, eui64: Eui64, model: MeterModel, load: HouseholdLoad, clock: Clock
    ) -> None:
        self.number, self.eui64, self.model, self.load = number, eui64, model, load
        self.status = 0
        self.reads = 0
        self.clock_off_s = 0.0
        """How far the meter's clock is ahead of the true one."""
        self.drift_ppm = 0.0
        """How much faster it runs, since it was last set."""
        self.told: Callable[[SimMeter, MeterEvent], None] | None = None
        """Who hears of every event as it is written down."""
        self._clock = clock
        self._clock_set_at = clock.now()
        self._fault: Fault | None = None
        self._frozen: Registers | None = None

    @cached_property
    def log(self) -> MeterLog:
        """Intervals, frozen registers, tiers and demand; made when first asked for, for a street has thousands."""
        return MeterLog(self.load)

    @cached_property
    def events(self) -> deque[MeterEvent]:
        """The meter's log of events, the newest last."""
        return deque(maxlen=MOST_EVENTS)

    @property
    def fault(self) -> Fault | None:
        """What is wrong with the meter now."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        frozen = fault is not None and fault.kind is FaultKind.FROZEN
        self._frozen = (self._frozen or self._latched()) if frozen else None
        self._fault = fault

    @property
    def silent(self) -> bool:
        """Whether the meter hears nothing."""
        return self.has(FaultKind.SILENT)

    @property
    def delay_s(self) -> float:
        """How long the meter takes over an answer."""
        return self._fault.seconds if self._fault is not None and self.has(FaultKind.SLOW) else 0.0

    def has(self, kind: FaultKind) -> bool:
        """Whether this is what is wrong."""
        return self._fault is not None and self._fault.kind is kind

    def now(self) -> datetime:
        """The instant by the meter's own clock."""
        true = self._clock.now()
        return true + self._ahead(true)

    def set_clock(self, instant: datetime) -> None:
        """Set the meter's clock to what it was told, and remember that it was."""
        self._clock_set_at = self._clock.now()
        self.clock_off_s = (instant - self._clock_set_at).total_seconds()
        self.note(EventKind.CLOCK_SET)

    def note(self, kind: EventKind) -> None:
        """Write an event into the meter's log, under the meter's time; the oldest leaves when it is full."""
        event = MeterEvent(kind, self.now())
        self.events.append(event)
        if self.told is not None:
            self.told(self, event)

    def tamper(self, *, open_: bool) -> None:
        """Open or close the meter's case: the status tells as long as it is open, the log for ever."""
        self.status = self.status | TAMPER if open_ else self.status & ~TAMPER
        self.note(EventKind.TAMPERED if open_ else EventKind.TAMPER_ENDED)

    def reboot(self) -> None:
        """Start the meter over: its registers and log stay, and it remembers that it was off."""
        self.note(EventKind.POWER_LOST)
        self.note(EventKind.POWER_BACK)

    def registers(self) -> Registers:
        """The registers as a read finds them."""
        return self._frozen or self._latched()

    def interval_wh(self, start: datetime) -> tuple[int, int]:
        """Wh from and to the grid in the quarter hour that begins at start; the registers grow by their sum."""
        return self.load.interval_wh(start)

    def _ahead(self, true: datetime) -> timedelta:
        """How far the meter's clock is ahead at a true instant."""
        drifted_s = (true - self._clock_set_at).total_seconds() * self.drift_ppm / 1e6
        return timedelta(seconds=self.clock_off_s + drifted_s)

    def _latched(self) -> Registers:
        period_s = self.model.update_period_s
        true = self._clock.now()
        at = datetime.fromtimestamp(int(true.timestamp()) // period_s * period_s, UTC)
        load = self.load
        return Registers(load.delivered_wh(at), load.received_wh(at), load.demand_w(at), at + self._ahead(true))


def meter_at(premise: Premise, clock: Clock) -> SimMeter:
    """The meter of a premise; its model is a draw that depends on the premise alone."""
    return SimMeter(
        number=premise.meter,
        eui64=premise.eui64,
        model=model_at(premise),
        load=premise.load,
        clock=clock,
    )


def model_at(premise: Premise) -> MeterModel:
    """The meter's model: most show Wh, some hundredths of a kWh, some BCD digits, some kWh and say nothing of it."""
    rolls = SeededDice(0).stream(f"model/{premise.esi_id}")
    forms = [(KWH, 1, 1000)] * 14 + [(KWH, 1, 100)] * 2 + [(KWH, 10, 10_000)] + [(KWH_IN_BCD, 1, 1000)] * 2
    unit, multiplier, divisor = rolls.choice([*forms, (KWH, None, None)])
    if premise.home.solar and unit == KWH_IN_BCD:
        unit = KWH  # BCD has no sign for a demand below zero
    return MeterModel(
        unit=unit,
        multiplier=multiplier,
        divisor=divisor,
        has_snapshot_time=rolls.random() < 0.75,
        has_received=premise.home.solar or rolls.random() < 0.5,
        tells_period=rolls.random() < 0.85,
        update_period_s=rolls.choice((1, 1, 2, 5)),
    )
