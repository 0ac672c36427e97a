"""Interval files of LodeStar Enhanced: what is read, what is refused, and in which words."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.usage.bad_file import BadFile
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import Channel
from portal.usage.lse_file import parse
from tests.portal.usage.files import FALL, METER, OTHER, PLAIN, SPRING, TODAY
from tests.portal.usage.lse_files import FOURTH, SECOND, THIRD, block, head, lse_of, numbered, read_lse, values

WINTER = date(2026, 1, 14)


def test_a_block_of_load_is_a_day_of_consumption_with_exact_values() -> None:
    (day,) = read_lse(lse_of(block()))
    assert (day.esi_id, day.day, day.channel) == (METER, PLAIN, Channel.CONSUMPTION)
    assert day.values == tuple(range(96))
    assert not any(day.estimated)
    assert day.revised_at == datetime(2026, 5, 7, 12, 40, 29, tzinfo=UTC)


def test_channel_1_is_generation_and_blocks_follow_each_other() -> None:
    days = read_lse(lse_of(block() + block(head(channel="1")) + block(head(meter=OTHER))))
    assert [(day.esi_id, day.channel) for day in days] == [
        (METER, Channel.CONSUMPTION),
        (METER, Channel.GENERATION),
        (OTHER, Channel.CONSUMPTION),
    ]


@pytest.mark.parametrize("piece", [1, 7, 83, 5000])
def test_pieces_may_be_cut_anywhere(piece: int) -> None:
    data = lse_of(block() + block(head(meter=OTHER)))
    assert read_lse(data, piece) == read_lse(data)


def test_windows_line_ends_a_byte_order_mark_and_no_last_newline_are_read() -> None:
    data = b"\xef\xbb\xbf" + lse_of(block()).replace(b"\n", b"\r\n").removesuffix(b"\r\n")
    assert read_lse(data) == read_lse(lse_of(block()))


@pytest.mark.parametrize("in_a_row", [2, 3, 5, 48, 96])
def test_a_row_may_hold_many_intervals(in_a_row: int) -> None:
    triples = [f"0.{place:03},A,," for place in range(96)]
    rows = numbered("".join(triples[start : start + in_a_row]) for start in range(0, 96, in_a_row))
    assert read_lse(lse_of(block(rows=rows))) == read_lse(lse_of(block()))


@pytest.mark.parametrize("row", ["0.859,A,,", "0.859,A,", "0.859,A", "0.859", "0.859,,,", "0.859,A, ,", "0.859, ,"])
def test_commas_at_the_end_of_a_row_may_be_absent_and_a_blank_status_is_actual(row: str) -> None:
    (day,) = read_lse(lse_of(block(rows=numbered([row] * 96))))
    assert day.values == (859,) * 96
    assert not any(day.estimated)


def test_commas_at_the_end_of_the_other_records_may_be_absent_or_too_many() -> None:
    lines = [f"{head()},,,", "00000002,,,,,,,900,01", "00000003", "00000004", *values()]
    (day,) = read_lse(lse_of(lines))
    assert day.revised_at is None
    assert day.values == tuple(range(96))


def test_an_interval_may_name_its_start() -> None:
    starts = [f"20260506{place // 4:02}{place % 4 * 15:02}00" for place in range(96)]
    rows = numbered(f"0.{place:03},A,{start}," for place, start in enumerate(starts))
    assert read_lse(lse_of(block(rows=rows))) == read_lse(lse_of(block()))


def test_an_estimate_keeps_its_place_and_an_empty_value_is_missing() -> None:
    rows = numbered({3: "0.003,E,,", 95: ",,,"}.get(place, "0.001,A,,") for place in range(96))
    (day,) = read_lse(lse_of(block(rows=rows)))
    assert [place for place, flag in enumerate(day.estimated) if flag] == [3]
    assert [place for place, value in enumerate(day.values) if value is None] == [95]


@pytest.mark.parametrize("ending", ["235959", "235900"])
def test_a_stop_time_names_the_last_second_or_the_last_minute(ending: str) -> None:
    assert read_lse(lse_of(block(head(ending=ending)))) == read_lse(lse_of(block()))


@pytest.mark.parametrize(("day", "count"), [(SPRING, 92), (PLAIN, 96), (FALL, 100)])
def test_a_day_has_as_many_intervals_as_real_time_passed(day: date, count: int) -> None:
    (found,) = read_lse(lse_of(block(head(day), values(count), "00000004")))
    assert found.values == tuple(range(count))


def test_a_block_of_several_days_is_split_at_chicago_midnights() -> None:
    first, last = date(2026, 3, 7), date(2026, 3, 9)
    days = read_lse(lse_of(block(head(first, last=last), values(96 + 92 + 96))))
    assert [(day.day.day, len(day.values), day.values[0]) for day in days] == [(7, 96, 0), (8, 92, 96), (9, 96, 188)]


def standard(start: str, stop: str) -> str:
    """Record 00000001 of a series that takes no part in summer time."""
    return f"00000001,{METER},4,{start},{stop},N,N"


def test_without_summer_time_times_are_standard_all_the_year() -> None:
    winter = block(standard("20260114000000", "20260114235959"))
    assert read_lse(lse_of(winter)) == read_lse(lse_of(block(head(WINTER))))
    summer = block(standard("20260505230000", "20260506225959"))
    assert read_lse(lse_of(summer)) == read_lse(lse_of(block()))
    change = block(standard("20251101230000", "20251102235959"), values(100))
    assert read_lse(lse_of(change)) == read_lse(lse_of(block(head(FALL), values(100))))


def test_a_file_is_read_as_it_comes_and_not_gathered_first() -> None:
    def endless() -> Iterator[bytes]:
        yield lse_of(block())
        raise AssertionError("asked for more than was needed")

    assert next(parse(endless(), KnownMeters([METER]), TODAY)).esi_id == METER


GOOD = block()


def changed(place: int, line: str) -> list[str]:
    """A good file with another line at a place, counted from 1."""
    return [*GOOD[: place - 1], line, *GOOD[place:]]


@pytest.mark.parametrize(
    ("lines", "line", "column", "words"),
    [
        (["00000002"], 1, "SORT_CODE", "'00000002' stands where the record 00000001 belongs"),
        (GOOD[:1] + GOOD[2:], 2, "SORT_CODE", "where the record 00000002 belongs"),
        (GOOD[:3] + GOOD[4:], 4, "SORT_CODE", "'10000000' stands where the record 00000004 belongs"),
        (changed(1, head(meter="10443720000000009")), 1, "ESIID", "no meter with the ESI ID"),
        (changed(1, head(meter="1.04437E+16")), 1, "ESIID", "spreadsheet"),
        (changed(1, head(channel="2")), 1, "CHANNEL", "neither 1, generation, nor 4, load"),
        (changed(1, head().replace(",Y,N", ",A,N")), 1, "DST_FLAG", "'A' is neither Y"),
        (changed(1, head().replace(",Y,N", ",Y,Y")), 1, "INVALID_FLAG", "marked as invalid"),
        (changed(1, head().replace(",Y,N", ",Y,X")), 1, "INVALID_FLAG", "neither Y nor N"),
        (changed(1, head() + ",,1"), 1, "", "has 9 fields, not 7"),
        (changed(1, head().replace("06000000", "06001500")), 1, "START", "not the beginning of a Chicago day"),
        (changed(1, head().replace("06000000", "06000060")), 1, "START", "not a time YYYYMMDDHHMMSS"),
        (changed(1, head(ending="234459")), 1, "STOP", "not the end of a Chicago day"),
        (changed(1, head(ending="235958")), 1, "STOP", "neither with second 59 nor"),
        (changed(1, head(last=date(2026, 5, 5))), 1, "STOP", "before the start"),
        (changed(1, head(last=date(2026, 11, 24))), 1, "STOP", "future"),
        (changed(1, head(date(2010, 1, 31))), 1, "START", "older"),
        (changed(1, head(date(2024, 1, 1), last=PLAIN)), 1, "STOP", "spans 857 days; 400 are the most"),
        (changed(1, standard("20260506000000", "20260506235959")), 1, "START", "not the beginning"),
        (changed(2, SECOND.replace("900", "1800")), 2, "SECONDS_PER_INTERVAL", "'1800' is not 900"),
        (changed(2, SECOND.replace("01", "02")), 2, "UNIT", "'02' is not 01, kWh"),
        (changed(2, "00000002,,,,,,,900,01,,7,,"), 2, "TIME_ZONE", "'7' is not 6"),
        (changed(2, "00000002,,,,,10,,900,01,,6,,"), 2, "PULSE_MULTIPLIER", "10 is not 1: the values are pulses"),
        (changed(2, "00000002,,,,,,5,900,01,,6,,"), 2, "PULSE_OFFSET", "5 is not 0"),
        (changed(2, "00000002,x,,,,,,900,01,,6,,"), 2, "START_READING", "'x' is not a number"),
        (changed(4, "00000004,2026-05-07,"), 4, "STAMP", "not a time"),
        (changed(4, "00000004,20270507000000,"), 4, "STAMP", "future"),
        (changed(6, "10000002,0.001,A,,"), 6, "SORT_CODE", "'10000002' stands where the row 10000001 belongs"),
        (changed(6, "10000001,0.001,X,,"), 6, "STATUS 1", "'X' is neither A, actual, nor E, estimated, nor blank"),
        (changed(6, "10000001,,A,,"), 6, "VALUE 1", "missing, yet marked A"),
        (changed(6, "10000001,0.0012,A,,"), 6, "VALUE 1", "more than three decimals"),
        (changed(6, "10000001,0.001,A,,-1,A,,"), 6, "VALUE 2", "negative"),
        (changed(6, "10000001,n/a,A,,"), 6, "VALUE 1", "not an energy"),
        (changed(6, "10000001,0.001,A,20260506003000,"), 6, "INTERVAL_START 1", "is not 20260506001500"),
        (changed(6, "10000001"), 6, "VALUE 1", "has no interval"),
        (changed(6, "10000001,,"), 6, "VALUE 1", "has no interval"),
        (changed(6, ""), 6, "SORT_CODE", "'' stands where the row"),
        (changed(6, "10000001," + "0.001,A,," * 600), 6, "", "longer than 4096"),
        (changed(6, "10000001,0.001\0,A,,"), 6, "", "NUL"),
        ([*GOOD, "10000096,0.001,A,,"], 101, "SORT_CODE", "the block that begins in line 1 is over"),
        (changed(100, "10000095,0.001,A,,0.002,A,,"), 100, "VALUE 2", "is over; it has 96 intervals"),
        ([*GOOD, ""], 101, "", "the line is empty"),
        ([*GOOD, *GOOD], 101, "START", f"consumption of {METER} on 2026-05-06 stands in two places"),
        ([*GOOD, *block(head(date(2026, 5, 5), last=date(2026, 5, 7)))], 101, "START", "2026-05-06 stands in two"),
        (GOOD[:-1], 99, "", "the block that begins in line 1 has 95 of its 96 intervals"),
        (GOOD[:2], 2, "", "lacks its record 00000003"),
        ([*GOOD[:-1], *block(head(meter=OTHER))], 100, "SORT_CODE", "but the block that begins in line 1"),
        (block(head(SPRING)), 97, "SORT_CODE", "is over; it has 92 intervals"),
        (block(head(FALL)), 100, "", "has 96 of its 100 intervals"),
    ],
)  # fmt: skip
def test_a_refusal_names_line_column_and_cause(lines: Sequence[str], line: int, column: str, words: str) -> None:
    with pytest.raises(BadFile) as refusal:
        read_lse(lse_of(lines))
    assert (refusal.value.line, refusal.value.column) == (line, column)
    assert words in refusal.value.cause


@pytest.mark.parametrize("cut", range(1, 10))
def test_a_file_that_is_cut_off_in_its_last_row_is_refused_unless_a_status_ends_it(cut: int) -> None:
    data = lse_of([*GOOD[:-1], "10000095,0.123,E,,"])
    if data[:-cut].endswith((b"E", b"E,", b"E,,")):
        assert read_lse(data[:-cut]) == read_lse(data)
    else:
        with pytest.raises(BadFile, match=r"VALUE 1|95 of its 96"):
            read_lse(data[:-cut])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"ESIID,USAGE_DATE\n", "where the record 00000001 belongs"),
        (b"\xff\xfe0", "not UTF-8"),
        (b"0" * 10_000, "longer than"),
    ],
)
def test_a_wrong_beginning_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(BadFile, match=words):
        read_lse(data)


def refusal_of(data: bytes, piece: int) -> BadFile | None:
    """Why a file is refused, None if it is read; whatever else is raised passes."""
    try:
        read_lse(data, piece)
    except BadFile as refusal:
        return refusal
    return None


@given(st.integers(0, 2200), st.binary(min_size=1, max_size=3), st.integers(1, 200))
def test_a_good_file_with_damage_anywhere_is_read_or_refused_and_nothing_else(
    offset: int, damage: bytes, piece: int
) -> None:
    data = bytearray(lse_of(GOOD))
    data[offset : offset + len(damage)] = damage
    refusal = refusal_of(bytes(data), piece)
    assert refusal is None or 1 <= refusal.line <= 102


RECORD = st.sampled_from([*GOOD[:8], THIRD, FOURTH, "00000001,,,,,,", "10000001,,,", "10000002,0.1,E"])


@given(st.lists(RECORD | st.text(max_size=30), max_size=30), st.integers(1, 200))
def test_garbage_in_the_form_of_records_is_read_or_refused_and_nothing_else(lines: list[str], piece: int) -> None:
    refusal = refusal_of("\n".join(lines).encode("utf-8", "surrogatepass"), piece)
    assert refusal is None or refusal.line >= 1
