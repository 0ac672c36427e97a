"""The text of a hundred slots: each day's quarter hours in their places, as the clients read them."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smart_meter_texas import Meter  # type: ignore[import-untyped]  # it ships no types

from gateway.clock import intervals_in
from gateway.identifiers import EsiId
from portal.smt.interval_text import energy_entry, kwh, slots_text
from portal.usage.intervals import Channel, MeterDay

PLAIN, SPRING, FALL = date(2026, 5, 6), date(2026, 3, 8), date(2025, 11, 2)


def counting(day: date) -> MeterDay:
    """A day of which quarter hour n counts n Wh; the third is estimated, the fourth is missing."""
    count = intervals_in(day)
    return MeterDay(
        esi_id=EsiId("10443720000000001"),
        day=day,
        channel=Channel.GENERATION,
        revised_at=datetime(2026, 7, 7, 12, 40, 29, tzinfo=UTC),
        values=(0, 1, 2, None, *range(4, count)),
        estimated=(False, False, True, *[False] * (count - 3)),
    )


def test_an_entry_has_the_fields_of_the_original() -> None:
    entry = energy_entry(counting(PLAIN))
    assert entry["DT"] == "05/06/2026"
    assert entry["RevTS"] == "07/07/2026 07:40:29"
    assert entry["RT"] == "G"
    assert entry["RD"].startswith("0.000-A,0.001-A,0.002-E,,0.004-A")


@pytest.mark.parametrize(("day", "empty"), [(PLAIN, {3, 8, 9, 10, 11}), (SPRING, {3, *range(8, 16)}), (FALL, {3})])
def test_slots_that_a_day_does_not_have_are_empty(day: date, empty: set[int]) -> None:
    cells = slots_text(counting(day)).split(",")
    assert len(cells) == 100
    assert {slot for slot, cell in enumerate(cells) if not cell} == empty
    assert cells[-1] == f"{kwh(intervals_in(day) - 1)}-A"


def test_the_well_known_client_reads_the_times_that_were_meant() -> None:
    text = slots_text(counting(FALL))
    times = [time for time, _ in Meter._parse_intervals("11/02/2025", text)]
    assert times[3] == "11/02/2025 1:00"
    assert times[7:11] == [f"11/02/2025 1:{minute:02}" for minute in (0, 15, 30, 45)]
    assert times[11] == "11/02/2025 2:00"
    assert Meter._parse_intervals("03/08/2026", slots_text(counting(SPRING)))[7] == ["03/08/2026 3:00", "0.008"]


@given(st.integers(-(10**12), 10**12))
def test_kwh_are_exact(watt_hours: int) -> None:
    text = kwh(watt_hours)
    assert int(text.replace(".", "")) == watt_hours
    assert text[-4] == "."
