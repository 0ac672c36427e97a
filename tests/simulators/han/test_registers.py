"""What a display makes of a meter's registers, whatever its model, and what it does not make of them."""

import pytest

from simulators.han.registers import DELIVERED, DEMAND, DIVISOR, MULTIPLIER, UNIT, thousandths
from simulators.meter import KWH, KWH_IN_BCD, MeterModel

MODELS = [
    MeterModel(),
    MeterModel(divisor=100),
    MeterModel(multiplier=10, divisor=10_000),
    MeterModel(unit=KWH_IN_BCD),
    MeterModel(multiplier=None, divisor=None),
]


@pytest.mark.parametrize("model", MODELS)
def test_watt_hours_come_back_to_within_one_count_of_every_model(model: MeterModel) -> None:
    scale = {MULTIPLIER: model.multiplier, DIVISOR: model.divisor}
    read = {DELIVERED: model.shown(12_345_678), UNIT: model.unit} | {k: v for k, v in scale.items() if v is not None}
    count_wh = 1000 * (model.multiplier or 1) // (model.divisor or 1)
    wh = thousandths(read, DELIVERED)
    assert wh is not None
    assert 12_345_678 - count_wh < wh <= 12_345_678


@pytest.mark.parametrize(
    "read",
    [
        {},
        {DELIVERED: 0xFFFFFFFFFFFF},
        {DELIVERED: 1, MULTIPLIER: 1},
        {DELIVERED: 1, DIVISOR: 1000},
        {DELIVERED: 1, MULTIPLIER: 1, DIVISOR: 0},
        {DELIVERED: 1, UNIT: 0x01, MULTIPLIER: 1, DIVISOR: 1},
        {DELIVERED: 0x1A, UNIT: 0x80, MULTIPLIER: 1, DIVISOR: 1},
    ],
)
def test_what_is_invalid_or_has_half_a_scale_is_not_shown(read: dict[int, int]) -> None:
    assert thousandths(read, DELIVERED) is None


def test_a_demand_may_flow_back() -> None:
    assert thousandths({DEMAND: -250, UNIT: KWH, MULTIPLIER: 1, DIVISOR: 1000}, DEMAND) == -250
    assert thousandths({DEMAND: -0x800000}, DEMAND) is None
