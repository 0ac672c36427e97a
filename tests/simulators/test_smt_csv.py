"""Simulated interval files: what the reader makes of them is what was written."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import intervals_in
from gateway.identifiers import EsiId
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import Channel, MeterDay
from portal.usage.smt_file import HEADER, parse
from simulators import smt_csv
from simulators.smt_csv import UsageDay, day_text, days_between, history, write
from simulators.street import street

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
SPRING, FALL = date(2026, 3, 8), date(2025, 11, 2)
METER = EsiId("10443720000000001")
WH = st.integers(0, 999_999_999)


def read(text: str) -> list[MeterDay]:
    """The meter-days of a file's text."""
    return list(parse([text.encode()], KnownMeters([METER]), TODAY))


@st.composite
def usage_days(draw: st.DrawFn) -> UsageDay:
    day = draw(st.sampled_from([SPRING, FALL]) | st.dates(date(2010, 2, 1), TODAY))
    values = st.lists(WH, min_size=intervals_in(day), max_size=intervals_in(day))
    return UsageDay(esi_id=METER, day=day, delivered_wh=draw(values), received_wh=draw(st.none() | values))


@given(usage_days(), st.booleans(), st.integers())
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(usage: UsageDay, smt_labels: bool, seed: int) -> None:
    expected: list[tuple[Channel, Sequence[int]]] = [(Channel.CONSUMPTION, usage.delivered_wh)]
    if usage.received_wh is not None:
        expected.append((Channel.GENERATION, usage.received_wh))
    found = read(f"{HEADER}\n{day_text(usage, random.Random(seed), NOW, smt_labels=smt_labels)}")
    assert [(day.channel, day.values) for day in found] == [(name, tuple(values)) for name, values in expected]
    assert {day.day for day in found} == {usage.day}


def rows_of(day: date, smt_labels: bool) -> list[list[str]]:
    """The fields of a day's rows."""
    usage = UsageDay(esi_id=METER, day=day, delivered_wh=[859] * intervals_in(day), received_wh=None)
    return [row.split(",") for row in day_text(usage, random.Random(1), NOW, smt_labels=smt_labels).splitlines()]


def test_the_day_summer_time_begins_has_four_rows_without_a_value() -> None:
    rows = rows_of(SPRING, smt_labels=True)
    assert len(rows) == 96
    assert [row[3] for row in rows if not row[5] and not row[6]] == [" 02:00", " 02:15", " 02:30", " 02:45"]


def test_the_day_summer_time_ends_repeats_the_mistake_of_real_files_unless_told_not_to() -> None:
    wrong, right = rows_of(FALL, smt_labels=True), rows_of(FALL, smt_labels=False)
    assert len(wrong) == len(right) == 100
    assert wrong[8][3:5] == [" 02:00", " 01:15"]
    assert right[8][3:5] == [" 01:00", " 01:15"]


def test_a_street_of_files_has_what_its_homes_used(tmp_path: Path) -> None:
    premises = street(7, 12)
    first, last = date(2026, 3, 1), date(2026, 3, 31)
    rows = write(tmp_path / "IntervalData.csv", history(premises, first, last), random.Random(7), NOW)
    data = (tmp_path / "IntervalData.csv").read_bytes()
    days = list(parse([data], KnownMeters(premise.esi_id for premise in premises), TODAY))
    solar = sum(premise.home.solar for premise in premises)
    assert solar > 0
    assert len(days) == (len(premises) + solar) * 31
    assert rows == data.count(b"\n") - 1 == len(days) * 96
    home = premises[0]
    used = sum(day.total_wh for day in days if day.esi_id == home.esi_id and day.channel is Channel.CONSUMPTION)
    assert used == sum(sum(home.load.day(day).delivered) for day in days_between(first, last))
    revised = [day.revised_at for day in days if day.revised_at]
    assert len(revised) == len(days)


def test_about_three_intervals_in_a_thousand_are_estimates() -> None:
    chance = random.Random(5)
    texts = [
        day_text(
            UsageDay(esi_id=METER, day=TODAY - timedelta(days=back), delivered_wh=[1] * 96, received_wh=None),
            chance,
            NOW,
            smt_labels=True,
        )
        for back in range(30, 130)
        for _ in range(30)
    ]
    share = sum(text.count(",E,") for text in texts) / (96 * len(texts))
    assert share == pytest.approx(0.003, abs=0.001)


def test_no_revision_date_lies_in_the_future(tmp_path: Path) -> None:
    premises = street(7, 40)
    yesterday = TODAY - timedelta(days=1)
    write(tmp_path / "x.csv", history(premises, yesterday, yesterday), random.Random(3), NOW)
    data = (tmp_path / "x.csv").read_bytes()
    days = parse([data], KnownMeters(premise.esi_id for premise in premises), TODAY)
    assert all(day.revised_at is not None and day.revised_at <= NOW for day in days)


def test_the_header_is_the_one_that_is_read() -> None:
    assert smt_csv.HEADER == HEADER
