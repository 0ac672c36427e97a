"""Which days need no look at their values: those of which the head already says that all is well (pure)."""

from collections.abc import Sequence

from portal.vee import checks
from portal.vee.heads import Head
from portal.vee.places import Places
from portal.vee.registers import DayEnergy
from portal.vee.settings import VeeSettings


def is_plain(
    head: Head | None,
    expected: Places,
    quarters: int,
    energy: DayEnergy | None,
    usual: Sequence[int],
    tolerance_wh: int,
    policy: VeeSettings,
) -> bool:
    """Whether a day is whole, actual and beyond every check, so that each expected quarter hour is present.

    quarters is how many the day has. Whatever is not plain is looked at, and may turn out to be in order.
    """
    if head is None or head.missing or head.estimated or head.quarters != quarters or len(expected) != quarters:
        return False
    if head.least_wh < 0 or head.most_wh > policy.spike_floor_wh:
        return False
    return (
        checks.frozen_check(head.least_wh, head.most_wh, head.quarters, policy) is None
        and checks.usual_check(head.total_wh, usual, policy) is None
        and checks.sum_check(head.total_wh, energy, tolerance_wh) is None
    )
