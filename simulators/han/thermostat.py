"""A programmable thermostat and its house: set points, what load control makes of them, and the temperature (pure).

The house is one thermal mass between the weather and a compressor. Temperatures are hundredths of a degree Celsius.
"""

from dataclasses import dataclass
from math import exp

from simulators.han.wire import LoadEvent

HVAC = 0x0001
_TIME_CONSTANT_S = 4 * 3600.0
_COOLING_POWER = 1800
"""How far below the weather the compressor would take the house in the end."""
_SWING = 50


@dataclass(slots=True, kw_only=True)
class Thermostat:
    """A house that is being cooled. cooling_point is what the customer wants; following what load control asks."""

    cooling_point: int = 2400
    inside: int = 2400
    outside: int = 3500
    running: bool = False
    following: LoadEvent | None = None

    @property
    def target(self) -> int:
        """The set point that holds now: the event's point, or the customer's moved by its offset."""
        event = self.following
        if event is None:
            return self.cooling_point
        if event.cooling_point is not None:
            return max(self.cooling_point, event.cooling_point)
        return self.cooling_point + 10 * (event.cooling_offset or 0)

    def pass_time(self, seconds: float) -> None:
        """Let the house warm or cool, the compressor switching with a swing around the target."""
        left = seconds
        while left > 0:
            step = min(left, 60.0)
            left -= step
            self._switch()
            towards = self.outside - (_COOLING_POWER * self._duty if self.running else 0)
            self.inside = round(towards + (self.inside - towards) * exp(-step / _TIME_CONSTANT_S))

    @property
    def _duty(self) -> float:
        """The share of the time that the compressor may run."""
        event = self.following
        return 1.0 if event is None or event.duty_cycle is None else event.duty_cycle / 100

    def _switch(self) -> None:
        if self.inside >= self.target + _SWING:
            self.running = True
        elif self.inside <= self.target - _SWING:
            self.running = False
