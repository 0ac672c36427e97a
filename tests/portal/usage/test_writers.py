"""Interval files that we write: what is written is read as the same meter-days, and looks as the real ones do."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import BadInput
from portal.usage import lse_write, smt_write
from portal.usage.intervals import Channel, MeterDay
from portal.usage.smt_file import HEADER
from tests.portal.usage.files import FALL, METER, SPRING, meter_day, read
from tests.portal.usage.lse_files import read_lse
from tests.portal.usage.meter_days import FILES


@given(FILES, st.integers(1, 96), st.sampled_from([0, 59]))
@settings(max_examples=100)
def test_what_is_written_as_lse_is_read(days: list[MeterDay], in_a_row: int, stop_second: int) -> None:
    text = "".join(lse_write.write(days, in_a_row=in_a_row, stop_second=stop_second))
    assert read_lse(text.encode()) == days if days else text == ""


@given(FILES, st.booleans())
@settings(max_examples=100)
def test_what_is_written_as_smart_meter_texas_is_read(days: list[MeterDay], smt_labels: bool) -> None:
    assert read("".join(smt_write.write(days, smt_labels=smt_labels)).encode()) == _joined(days)


def _joined(days: list[MeterDay]) -> list[MeterDay]:
    """The order in which the reader tells days: two channels of one meter's day that stand together, by name."""
    found: list[MeterDay] = []
    for day in days:
        before = found[-1] if found else None
        if before and (before.esi_id, before.day) == (day.esi_id, day.day) and before.channel is Channel.GENERATION:
            found.insert(len(found) - 1, day)
        else:
            found.append(day)
    return found


def test_a_block_has_all_the_records_and_commas_of_the_layout() -> None:
    revised = datetime(2026, 5, 7, 12, 40, 29, tzinfo=UTC)
    day = meter_day([859, None, 7, *[0] * 93], estimated=[False, False, True, *[False] * 93])
    lines = "".join(lse_write.write([_revised(day, revised)])).splitlines()
    assert lines[:7] == [
        f"00000001,{METER},4,20260506000000,20260506235959,Y,N",
        "00000002,,,,,,,900,01,,,,",
        "00000003,",
        "00000004,20260507074029,",
        "10000000,0.859,A,,",
        "10000001,,,,",
        "10000002,0.007,E,,",
    ]
    assert len(lines) == 4 + 96


def _revised(day: MeterDay, at: datetime) -> MeterDay:
    return MeterDay(
        esi_id=day.esi_id,
        day=day.day,
        channel=day.channel,
        revised_at=at,
        values=day.values,
        estimated=day.estimated,
    )


def test_a_lse_file_is_named_for_the_tdsp_and_the_central_time_of_its_making() -> None:
    at = datetime(2026, 5, 7, 12, 40, 29, tzinfo=UTC)
    assert lse_write.file_name("1039940674000", at, 7) == "1039940674000IntervalData20260507074029007.lse"
    assert lse_write.file_name("957877905", at.astimezone(timezone(timedelta(hours=3))), 999).endswith("074029999.lse")
    for duns, counter in (("12345678", 0), ("12345678X", 0), ("957877905", 1000), ("957877905", -1)):
        with pytest.raises(BadInput):
            lse_write.file_name(duns, at, counter)


def test_what_no_file_can_hold_is_not_written() -> None:
    for wh in (-1, 1_000_000_000):
        with pytest.raises(BadInput, match="cannot be written"):
            "".join(lse_write.write([meter_day([wh] * 96)]))
    for in_a_row, stop_second in ((0, 59), (97, 59), (1, 58)):
        with pytest.raises(BadInput):
            "".join(lse_write.write([meter_day()], in_a_row=in_a_row, stop_second=stop_second))


def _times(text: str) -> list[str]:
    """Start and end of each row of a file."""
    return [",".join(row.split(",")[3:5]) for row in text.splitlines()[1:]]


def test_a_row_looks_as_smart_meter_texas_writes_it() -> None:
    day = _revised(meter_day([859, None, *[0] * 94]), datetime(2026, 5, 7, 12, 40, 29, tzinfo=UTC))
    lines = "".join(smt_write.write([day])).splitlines()
    assert lines[0] == HEADER
    assert lines[1] == f"'{METER},05/06/2026,05/07/2026 07:40:29, 00:00, 00:15,0.859,A,Consumption"
    assert lines[2] == f"'{METER},05/06/2026,05/07/2026 07:40:29, 00:15, 00:30,,,Consumption"
    assert lines[96].endswith(", 23:45, 00:00,0.000,A,Consumption")


def test_the_days_of_the_change_are_labelled_by_the_clock_on_the_wall() -> None:
    spring = "".join(smt_write.write([meter_day([1] * 92, SPRING)]))
    assert len(_times(spring)) == 92
    assert _times(spring)[7:9] == [" 01:45, 03:00", " 03:00, 03:15"]
    fall = "".join(smt_write.write([meter_day([1] * 100, FALL)]))
    assert _times(fall)[7:9] == [" 01:45, 01:00", " 01:00, 01:15"]


def test_the_days_of_the_change_are_labelled_as_in_real_files_on_request() -> None:
    spring = "".join(smt_write.write([meter_day([1] * 92, SPRING)], smt_labels=True))
    rows = [row.split(",") for row in spring.splitlines()[1:]]
    assert len(rows) == 96
    assert [row[3] for row in rows if (row[5], row[6]) == ("", "")] == [" 02:00", " 02:15", " 02:30", " 02:45"]
    fall = "".join(smt_write.write([meter_day([1] * 100, FALL)], smt_labels=True))
    assert _times(fall)[7:9] == [" 01:45, 02:00", " 02:00, 01:15"]
