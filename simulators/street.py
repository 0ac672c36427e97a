"""A street of premises that never was, the same for everybody who asks with the same seed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from gateway.dice import SeededDice
from gateway.identifiers import EsiId, Eui64, MeterNumber
from simulators.load_shape import Home, HouseholdLoad

MOST_METERS = 65_000
"""Premises on one street: what 16 bits of ZigBee address have room for."""
_UTILITY = "10443720"
"""The first digits of an ESI ID name the utility; nine that name the premise follow."""
_TOWNS = (
    ("Dallas", "752"),
    ("Fort Worth", "761"),
    ("Plano", "750"),
    ("Irving", "750"),
    ("Arlington", "760"),
    ("Waco", "767"),
    ("Tyler", "757"),
    ("Midland", "797"),
    ("Round Rock", "786"),
    ("Killeen", "765"),
)
_NAMES = """Bluebonnet, Pecan, Mesquite, Live Oak, Cedar Elm, Prairie, Longhorn, Cottonwood, Mockingbird, Sagebrush,
Bois d'Arc, Windmill, Red River, Juniper, Limestone, Armadillo, Yucca, Caprock"""
_HOUSES = 16
"""Houses on one side of one street."""
_KINDS = ("Street", "Lane", "Drive", "Court", "Avenue", "Trail", "Way")


@dataclass(frozen=True, slots=True, kw_only=True)
class Premise:
    """One premise with its meter, and what its household is like."""

    esi_id: EsiId
    meter: MeterNumber
    eui64: Eui64
    address: str
    city: str
    state: str
    zip: str
    home: Home

    @property
    def load(self) -> HouseholdLoad:
        """The household's load, the same wherever it is asked for."""
        return HouseholdLoad(self.esi_id, self.home)


def street(seed: int, meters: int, first: int = 0) -> list[Premise]:
    """Premises first to first + meters - 1 of a seed's street. Raises ValueError beyond MOST_METERS."""
    if not 0 <= first <= first + meters <= MOST_METERS:
        raise ValueError(f"a street has {MOST_METERS} premises at most")
    return list(_premises(seed, first, meters))


def _premises(seed: int, first: int, meters: int) -> Iterator[Premise]:
    dice = SeededDice(seed)
    block = dice.stream("street")
    town, prefix = block.choice(_TOWNS)
    zip_code = f"{prefix}{block.randrange(1, 100):02d}"
    names = [f"{name} {kind}" for name in re.split(r",\s+", _NAMES) for kind in _KINDS]
    block.shuffle(names)
    for index in range(first, first + meters):
        serial = f"{seed % 1000:03d}{index:05d}"
        yield Premise(
            esi_id=EsiId(f"{_UTILITY}{serial}{_check_digit(_UTILITY + serial)}"),
            meter=MeterNumber(f"9{serial}"),
            eui64=Eui64(f"000D6F{seed % 0x10000:04X}{index:06X}"),
            address=_address(names, index),
            city=town,
            state="TX",
            zip=zip_code,
            home=_home(dice.stream(f"home/{index}")),
        )


def _address(names: list[str], index: int) -> str:
    block, house = divmod(index, _HOUSES)
    return f"{101 + block // len(names) * 100 + house * 4} {names[block % len(names)]}"


def _home(rolls: Random) -> Home:
    """One home in eight sells solar energy, one in sixteen is empty, one in ten charges a car."""
    kind = rolls.random()
    return Home(
        mean_wh_per_day=rolls.randrange(14_000, 62_000),
        solar=kind < 1 / 8,
        vacant=1 / 8 <= kind < 3 / 16,
        electric_car=rolls.random() < 0.1,
        away_by_day=rolls.random() < 0.6,
    )


def _check_digit(digits: str) -> int:
    """Luhn's check digit, so that a mistyped number is not somebody else's."""
    doubled = (int(digit) * (2 - index % 2) for index, digit in enumerate(reversed(digits)))
    return -sum(value // 10 + value % 10 for value in doubled) % 10
