"""A street of Modbus meters on one line, in one process."""

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.modbus.profile import Profile
from gateway.clock import Clock
from simulators.meter import MeterModel, SimMeter
from simulators.modbus.line import ModbusLine
from simulators.modbus.meter import SimModbusMeter
from simulators.street import Premise, street

MOST_UNITS = 247
"""Unit ids of one line. Source: Modbus over Serial Line 1.02, section 2.2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusPlan:
    """What a line is like: units 1 to `units`, all of one profile, on a seed's street from its `first` premise on."""

    profile: Profile
    name: str
    units: int = 10
    seed: int = 7
    first: int = 0
    rtu: bool = False


class ModbusStreet:
    """The street itself. meters are in the order of their unit ids; line is the port that a driver connects to."""

    def __init__(self, plan: ModbusPlan, clock: Clock, line_clock: Clock | None = None) -> None:
        """line_clock is the host's time, in which late answers are late; the same clock if there is none."""
        if not 1 <= plan.units <= MOST_UNITS:
            raise ValueError(f"a line has 1 to {MOST_UNITS} units")
        self.plan = plan
        model = MeterModel(update_period_s=plan.profile.update_period_s or 1)
        self.homes = street(plan.seed, plan.units, plan.first)
        self.meters = [
            SimModbusMeter(
                unit,
                plan.profile,
                SimMeter(number=home.meter, eui64=home.eui64, model=model, load=home.load, clock=clock),
            )
            for unit, home in enumerate(self.homes, 1)
        ]
        self.line = ModbusLine(self.meters, line_clock or clock, rtu=plan.rtu, seed=plan.seed)

    def assignments_csv(self, driver: str = "modbus") -> str:
        """The meters as a gateway's assignments: a header, and a line per meter."""
        return assignments(self.homes, self.plan.name, driver)


def assignments(homes: Sequence[Premise], profile: str, driver: str = "modbus") -> str:
    """The assignments of a line whose units 1, 2, ... are the meters of those premises, all of one profile."""
    rows = [f"{home.meter},{driver},{unit}/{profile}" for unit, home in enumerate(homes, 1)]
    return "\n".join(["meter,driver,address", *rows, ""])
