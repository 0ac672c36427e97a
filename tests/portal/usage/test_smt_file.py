"""Interval files of Smart Meter Texas: what is read, what is refused, and in which words."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.usage.bad_file import BadFile
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import Channel
from portal.usage.smt_file import COLUMNS, HEADER, parse
from tests.portal.usage.files import (
    FALL,
    METER,
    OTHER,
    SPRING,
    TODAY,
    file_of,
    ordinary_day,
    quarter,
    read,
    row,
)


def test_an_ordinary_day_has_96_exact_values() -> None:
    (day,) = read(file_of(ordinary_day()))
    assert day.esi_id == METER
    assert day.channel is Channel.CONSUMPTION
    assert day.values == tuple(range(96))
    assert not any(day.estimated)
    assert day.revised_at == datetime(2026, 5, 7, 12, 40, 29, tzinfo=UTC)


@pytest.mark.parametrize("piece", [1, 7, 83, 5000])
def test_pieces_may_be_cut_anywhere(piece: int) -> None:
    data = file_of(ordinary_day() + ordinary_day(meter=OTHER))
    assert read(data, piece) == read(data)


def test_windows_line_ends_a_byte_order_mark_and_no_last_newline_are_read() -> None:
    data = b"\xef\xbb\xbf" + file_of(ordinary_day()).replace(b"\n", b"\r\n").removesuffix(b"\r\n")
    assert read(data) == read(file_of(ordinary_day()))


def test_the_two_channels_may_take_turns_or_follow_each_other() -> None:
    consumed, sold = ordinary_day(), ordinary_day(channel="Surplus Generation")
    turns = read(file_of(line for pair in zip(consumed, sold, strict=True) for line in pair))
    assert [day.channel for day in turns] == [Channel.CONSUMPTION, Channel.GENERATION]
    assert turns == read(file_of(consumed + sold))


def test_the_day_summer_time_begins_has_92_values_and_four_empty_rows() -> None:
    rows = [
        row(place, "" if 8 <= place < 12 else "0.100", "" if 8 <= place < 12 else "A", day=SPRING)
        for place in range(96)
    ]
    (day,) = read(file_of(rows))
    assert day.values == (100,) * 92
    assert read(file_of(rows[:8] + rows[12:])) == [day]


def fall_rows(repeated_start: str) -> list[str]:
    """The day with 25 hours, whose value n is n Wh, with a start for the first row of the repeated hour."""
    places = [*range(8), *range(4, 96)]
    times = [(quarter(place), quarter(place + 1)) for place in places]
    times[8] = (repeated_start, "01:15")
    return [row(0, f"0.{place:03}", day=FALL, times=label) for place, label in enumerate(times)]


def test_the_day_summer_time_ends_has_100_values_with_the_right_and_with_the_wrong_label() -> None:
    (right,), (wrong,) = read(file_of(fall_rows("01:00"))), read(file_of(fall_rows("02:00")))
    assert right.values == tuple(range(100))
    assert wrong == right


def test_an_absent_row_and_an_empty_value_are_missing_and_not_zero() -> None:
    rows = ordinary_day()
    rows[5] = row(5, "", "")
    del rows[90]
    (day,) = read(file_of(rows))
    assert day.values[5] is None
    assert day.values[90] is None
    assert day.values.count(None) == 2


def test_estimates_keep_their_place_and_revision_may_be_empty() -> None:
    rows = [row(place, flag="E" if place in (3, 95) else "A", revised="") for place in range(96)]
    (day,) = read(file_of(rows))
    assert [place for place, flag in enumerate(day.estimated) if flag] == [3, 95]
    assert day.revised_at is None


def test_the_latest_of_several_revision_dates_counts() -> None:
    rows = [row(0, revised="05/07/2026 07:00:00"), row(1, revised="05/09/2026 08:00:00"), row(2, revised="")]
    (day,) = read(file_of(rows))
    assert day.revised_at == datetime(2026, 5, 9, 13, tzinfo=UTC)


def test_a_file_is_read_as_it_comes_and_not_gathered_first() -> None:
    def endless() -> Iterator[bytes]:
        yield file_of(ordinary_day() + ordinary_day(meter=OTHER))
        raise AssertionError("asked for more than was needed")

    assert next(parse(endless(), KnownMeters([METER, OTHER]), TODAY)).esi_id == METER


DAY = ordinary_day()


@pytest.mark.parametrize(
    ("rows", "line", "column", "words"),
    [
        ([*DAY[:4], row(4) + ","], 6, COLUMNS[7], "ends with a comma"),
        ([*DAY[:4], row(4).rpartition(",")[0]], 6, "", "has 7 columns, not 8"),
        ([*DAY[:2], row(2).rpartition(",")[0], row(3) + ",A"], 4, "", "has 7 columns"),
        ([*DAY[:2], "", *DAY[2:]], 4, "", "is empty"),
        ([row(0, meter="1.04437E+16")], 2, COLUMNS[0], "spreadsheet"),
        ([row(0, meter="1044372000000000")], 2, COLUMNS[0], "17 or 22 digits"),
        ([row(0, meter="10443720000000009")], 2, COLUMNS[0], "no meter with the ESI ID 10443720000000009 is known"),
        ([*DAY, *DAY[:1]], 98, COLUMNS[3], "00:00 to 00:15 occurs twice"),
        ([*DAY, *ordinary_day(meter=OTHER), *DAY], 194, COLUMNS[1], "stands in two places"),
        ([DAY[1], DAY[0]], 3, COLUMNS[3], "00:00 to 00:15 comes after a later interval"),
        ([row(0, times=("00:00", "00:30"))], 2, COLUMNS[3], "not an interval of 15 minutes"),
        ([row(0, times=("00:07", "00:22"))], 2, COLUMNS[3], "'00:07' is not the time of a quarter hour"),
        ([row(0).replace("05/06/2026", "05/06/2027")], 2, COLUMNS[1], "lies in the future"),
        ([row(0).replace("05/06/2026", "02/30/2026")], 2, COLUMNS[1], "not a date"),
        ([row(0).replace("05/06/2026", "01/31/2010")], 2, COLUMNS[1], "older"),
        ([row(0), row(1, revised="05/07/2026")], 3, COLUMNS[2], "not a time"),
        ([row(0, revised="05/07/2027 00:00:00")], 2, COLUMNS[2], "future"),
        ([row(0), row(1, "0.8591")], 3, COLUMNS[5], "more than three decimals"),
        ([row(0, "-0.859")], 2, COLUMNS[5], "negative"),
        ([row(0, "1e3")], 2, COLUMNS[5], "not an energy in kWh"),
        ([row(0, "٣.٥")], 2, COLUMNS[5], "not an energy in kWh"),
        ([row(0, "1000000.000")], 2, COLUMNS[5], "not an energy in kWh"),
        ([row(0, flag="X")], 2, COLUMNS[6], "neither A nor E"),
        ([row(0, flag="")], 2, COLUMNS[6], "marked neither A nor E"),
        ([row(0, "")], 2, COLUMNS[5], "missing, yet marked A"),
        ([row(0, flag="AA"), row(1, "", "")], 2, COLUMNS[6], "neither A nor E"),
        ([row(0, channel="Generation")], 2, COLUMNS[7], "neither Consumption nor Surplus"),
        ([row(8, day=SPRING)], 2, COLUMNS[5], "from 02:00 to 03:00 at once"),
        ([*DAY[:3], row(3) + " " * 300], 5, "", "longer than 256"),
        ([*DAY[:3], row(3, "0.1\0")], 5, COLUMNS[5], "NUL"),
    ],
)
def test_a_refusal_names_line_column_and_cause(rows: list[str], line: int, column: str, words: str) -> None:
    with pytest.raises(BadFile) as refusal:
        read(file_of(rows))
    assert (refusal.value.line, refusal.value.column) == (line, column)
    assert words in refusal.value.cause


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"ESIID,USAGE_DATE\n", "not the header"),
        (HEADER.encode() + b",\n", "not the header"),
        (f"{HEADER}\n{HEADER}\n".encode(), "twice"),
        (b"\xff\xfe" + HEADER.encode("utf-16-le"), "not UTF-8"),
        (b"x" * 10_000, "longer than"),
    ],
)
def test_a_wrong_beginning_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(BadFile, match=words):
        read(data)


def test_bytes_that_are_no_text_are_named_with_line_and_column() -> None:
    data = file_of(DAY).replace(b"0.050,A", b"0.050,\xe9")
    with pytest.raises(BadFile, match=f"line 52, {COLUMNS[6]}: holds the byte 0xE9"):
        read(data)


def test_a_file_with_nothing_but_its_header_has_no_meter_days() -> None:
    assert read(f"{HEADER}\n".encode()) == []


def refusal_of(data: bytes, piece: int) -> BadFile | None:
    """Why a file is refused, None if it is read; whatever else is raised passes."""
    try:
        read(data, piece)
    except BadFile as refusal:
        return refusal
    return None


FIELD = st.one_of(
    st.sampled_from(row(0).split(",") + row(4, "", "", "Surplus Generation", SPRING, OTHER).split(",")),
    st.sampled_from(
        ["1.04437E+16", "02:00", "01:15", "", "E", "-1", "NaN", "\u0663", '"', "'", "\r", "\ufeff", "\x1c"]
    ),
    st.text(max_size=12),
)


@given(st.lists(st.lists(FIELD, min_size=1, max_size=9).map(",".join), max_size=30), st.integers(1, 200))
@settings(max_examples=150, deadline=None)
def test_garbage_in_the_form_of_rows_is_read_or_refused_and_nothing_else(rows: list[str], piece: int) -> None:
    refusal = refusal_of("\n".join([HEADER, *rows]).encode("utf-8", "surrogatepass"), piece)
    assert refusal is None or refusal.line >= 1


@given(st.binary(max_size=300), st.booleans())
@settings(max_examples=150, deadline=None)
def test_garbage_bytes_are_read_or_refused_and_nothing_else(garbage: bytes, headed: bool) -> None:
    refusal = refusal_of(HEADER.encode() + b"\n" + garbage if headed else garbage, 64)
    assert refusal is None or refusal.line >= 1


@given(st.integers(0, 96 * 60), st.binary(min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_a_good_file_with_damage_anywhere_is_read_or_refused_and_nothing_else(offset: int, damage: bytes) -> None:
    data = bytearray(file_of(ordinary_day()))
    data[offset : offset + len(damage)] = damage
    refusal = refusal_of(bytes(data), 1 << 20)
    assert refusal is None or 1 <= refusal.line <= 100
