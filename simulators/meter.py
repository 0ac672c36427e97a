"""A simulated electricity meter: registers that advance with a clock, in the form in which its model shows them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.clock import Clock
from gateway.dice import SeededDice
from gateway.identifiers import Eui64, MeterNumber
from simulators.faults import Fault, FaultKind
from simulators.load_shape import HouseholdLoad
from simulators.street import Premise

KWH, KWH_IN_BCD = 0x00, 0x80
"""Units of measure as the Metering cluster names them (attribute 0x0300)."""


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
        self._clock = clock
        self._fault: Fault | None = None
        self._frozen: Registers | None = None

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

    def registers(self) -> Registers:
        """The registers as a read finds them."""
        return self._frozen or self._latched()

    def interval_wh(self, start: datetime) -> tuple[int, int]:
        """Wh from and to the grid in the quarter hour that begins at start; the registers grow by their sum."""
        return self.load.interval_wh(start)

    def _latched(self) -> Registers:
        period_s = self.model.update_period_s
        at = datetime.fromtimestamp(int(self._clock.now().timestamp()) // period_s * period_s, UTC)
        load = self.load
        return Registers(load.delivered_wh(at), load.received_wh(at), load.demand_w(at), at)


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
