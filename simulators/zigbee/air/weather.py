"""What befalls frames on the air: lost, late, doubled, damaged, or cut off from a part of the network. Seeded.

Loss follows from the base rate and from each node's link quality; every roll is the frame's own, drawn in order from
one stream, so that a scenario repeats with its seed. A damaged frame fails its checksum: lost, but seen by a sniffer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random

from gateway.dice import Dice
from gateway.errors import BadInput

GOOD_LQI = 120
"""Link quality from which on it costs nothing."""


class BadWeather(BadInput):
    """A share that is none, or a delay below nothing."""


class Fate(StrEnum):
    """What becomes of one frame."""

    ARRIVES = "arrives"
    LOST = "lost"
    DAMAGED = "damaged"
    DOUBLED = "doubled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """Shares from 0 to 1 of frames that are lost, damaged or doubled, and the spread of their delay in seconds.

    lqi_matters adds loss for nodes of poor link quality; cut_off are EUI-64s whose frames go nowhere, both ways.
    """

    loss: float = 0.0
    damage: float = 0.0
    doubling: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    lqi_matters: bool = False
    cut_off: frozenset[int] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        shares = (self.loss, self.damage, self.doubling)
        if not all(0 <= share <= 1 for share in shares) or sum(shares) > 1:
            raise BadWeather("loss, damage and doubling are shares of all frames: from 0 to 1, and no more in all")
        if min(self.delay_s, self.jitter_s) < 0:
            raise BadWeather("nothing arrives before it was sent")

    def partitioned(self, eui64s: Iterable[int]) -> "Weather":
        """The same weather with these nodes cut off, and no others."""
        return replace(self, cut_off=frozenset(eui64s))


CLEAR = Weather()


class Sky:
    """The weather over one network; it may be changed at any time."""

    def __init__(self, dice: Dice, weather: Weather = CLEAR) -> None:
        self.weather = weather
        self.counts = dict.fromkeys(Fate, 0)
        self._rolls: Random = dice.stream("weather")

    def fate(self, eui64: int, lqi: int) -> Fate:
        """What becomes of a frame to or from a node."""
        weather = self.weather
        if weather is CLEAR:
            return Fate.ARRIVES
        fate = self._fate(weather, eui64, lqi)
        self.counts[fate] += 1
        return fate

    def delay_s(self) -> float:
        """How long the next frame takes beyond the network's own latency."""
        weather = self.weather
        if weather is CLEAR or not (weather.delay_s or weather.jitter_s):
            return 0.0
        return weather.delay_s + weather.jitter_s * self._rolls.random()

    def _fate(self, weather: Weather, eui64: int, lqi: int) -> Fate:
        if eui64 in weather.cut_off:
            return Fate.LOST
        loss = weather.loss
        if weather.lqi_matters and lqi < GOOD_LQI:
            loss += (1 - loss) * ((GOOD_LQI - lqi) / GOOD_LQI) ** 2
        roll = self._rolls.random()
        for share, fate in ((loss, Fate.LOST), (weather.damage, Fate.DAMAGED), (weather.doubling, Fate.DOUBLED)):
            if roll < share:
                return fate
            roll -= share
        return Fate.ARRIVES
