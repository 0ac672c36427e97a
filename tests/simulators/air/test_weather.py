"""The weather: shares come true, cut-off nodes hear nothing, poor links lose more, and a seed repeats itself."""

from collections import Counter

import pytest

from gateway.dice import SeededDice
from simulators.zigbee.air.weather import CLEAR, BadWeather, Fate, Sky, Weather

FRAMES = 20_000


def fates(weather: Weather, lqi: int = 255, seed: int = 7, eui64: int = 1) -> Counter[Fate]:
    sky = Sky(SeededDice(seed), weather)
    return Counter(sky.fate(eui64, lqi) for _ in range(FRAMES))


def test_under_a_clear_sky_everything_arrives() -> None:
    assert fates(CLEAR) == {Fate.ARRIVES: FRAMES}


def test_shares_come_true() -> None:
    found = fates(Weather(loss=0.2, damage=0.1, doubling=0.05))
    shares = {Fate.LOST: 0.2, Fate.DAMAGED: 0.1, Fate.DOUBLED: 0.05, Fate.ARRIVES: 0.65}
    for fate, share in shares.items():
        assert abs(found[fate] / FRAMES - share) < 0.015, fate


def test_who_is_cut_off_loses_everything_and_nobody_else_does() -> None:
    weather = Weather(delay_s=0.1).partitioned([1])
    assert fates(weather) == {Fate.LOST: FRAMES}
    assert fates(weather, eui64=2) == {Fate.ARRIVES: FRAMES}


def test_a_poor_link_loses_more_where_that_matters() -> None:
    assert fates(Weather(lqi_matters=True), lqi=120)[Fate.LOST] == 0
    assert abs(fates(Weather(lqi_matters=True), lqi=60)[Fate.LOST] / FRAMES - 0.25) < 0.02
    assert fates(Weather(loss=1e-9), lqi=10)[Fate.LOST] < 10


def test_a_seed_repeats_itself_and_another_does_not() -> None:
    weather = Weather(loss=0.3, jitter_s=0.1)
    one, again, other = (Sky(SeededDice(seed), weather) for seed in (1, 1, 2))
    drawn = [[(sky.fate(1, 255), sky.delay_s()) for _ in range(200)] for sky in (one, again, other)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("told", [{"loss": -0.1}, {"loss": 0.6, "damage": 0.6}, {"delay_s": -1.0}])
def test_weather_that_cannot_be_is_refused(told: dict[str, float]) -> None:
    with pytest.raises(BadWeather):
        Weather(**told)  # type: ignore[arg-type]  # keys by name


def test_what_befell_is_counted() -> None:
    sky = Sky(SeededDice(7), Weather(loss=1.0))
    sky.fate(1, 255)
    assert sky.counts[Fate.LOST] == 1
