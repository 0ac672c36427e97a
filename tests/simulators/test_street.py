"""Streets and their meters are the same for everybody who asks with the same seed."""

import pytest

from simulators.meter import KWH, KWH_IN_BCD, model_at
from simulators.street import street


def test_the_same_seed_gives_the_same_street_and_a_part_of_it_is_the_same_part() -> None:
    assert street(7, 64) == street(7, 64)
    assert street(7, 64)[10:20] == street(7, 10, first=10)
    assert street(7, 64)[0] != street(8, 64)[0]


def test_numbers_are_unique_and_have_their_forms() -> None:
    premises = street(7, 2000)
    for name in ("esi_id", "meter", "eui64", "address"):
        assert len({getattr(premise, name) for premise in premises}) == 2000
    assert all(premise.esi_id.startswith("10443720") and len(premise.esi_id) == 17 for premise in premises)
    assert all(len(premise.meter) == 9 for premise in premises)


def test_a_street_has_solar_homes_empty_homes_and_every_kind_of_meter() -> None:
    premises = street(7, 200)
    models = [model_at(premise) for premise in premises]
    assert any(premise.home.solar for premise in premises)
    assert any(premise.home.vacant for premise in premises)
    assert {model.unit for model in models} == {KWH, KWH_IN_BCD}
    assert {model.has_snapshot_time for model in models} == {True, False}
    assert (None, None) in {(model.multiplier, model.divisor) for model in models}
    assert all(model.has_received for model, premise in zip(models, premises, strict=True) if premise.home.solar)


def test_a_street_ends() -> None:
    with pytest.raises(ValueError, match="65000"):
        street(7, 10, first=64_995)
