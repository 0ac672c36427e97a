"""Both kernels: blocks bit for bit, and files as the strict parser reads or refuses them, whatever their bytes."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import BadInput
from portal.usage import day_block
from portal.usage.bad_file import BadFile
from portal.usage.batch import Batch, batch_of, instant
from portal.usage.batches import smt_batches
from portal.usage.esi_ids import KnownMeters
from portal.usage.kernel import c_kernel, told
from portal.usage.kernel.contract import Kernel
from portal.usage.kernel.numpy_kernel import NumpyKernel
from portal.usage.pieces import filled, read_from
from portal.usage.smt_file import HEADER, parse
from tests.portal.usage.canonical import DAYS, lse_day, smt_day, smt_file
from tests.portal.usage.files import FALL, METER, OTHER, PLAIN, SPRING, TODAY, ordinary_day
from tests.portal.usage.runs import ODD, run_of
from tests.servers import need

KNOWN = KnownMeters([METER, OTHER])
WH = st.integers(0, 900) | st.integers(-(2**31), 2**31 - 1)
HEAD = len(HEADER) + 1


@pytest.fixture(scope="module", params=["C", "numpy"])
def kernel(request: pytest.FixtureRequest) -> Kernel:
    if request.param == "numpy":
        return NumpyKernel()
    try:
        return c_kernel.opened()
    except c_kernel.Unusable:
        need(None, "a C compiler, so that the C kernels", "gcc")
        raise


def outcome(batches: Iterator[Batch]) -> tuple[list[Any], str]:
    """The meter-days up to a refusal as rows, and its words."""
    rows: list[Any] = []
    try:
        for batch in batches:
            rows += as_rows(batch)
    except BadFile as refusal:
        return [], str(refusal)
    return rows, ""


def as_rows(batch: Batch) -> list[Any]:
    columns = (batch.esi_ids, batch.days, batch.channels, batch.revised, batch.totals, batch.missing)
    return [*zip(*(column.tolist() for column in columns), batch.blocks, strict=True)]


def strict(data: bytes) -> Iterator[Batch]:
    """The strict parser alone, given a file line by line."""
    yield batch_of(parse(lines(data), KNOWN, TODAY))


def lines(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + [parts[-1]]


def check(kernel: Kernel, data: bytes, piece: int = 1 << 20, cut: int = 0) -> None:
    cuts = [*range(0, len(data), cut or len(data) + 1), len(data)]
    pieces = [data[start:end] for start, end in pairwise(cuts)]
    batches = smt_batches(filled(read_from(iter(pieces)), piece), KNOWN, TODAY, kernel=kernel)
    assert outcome(batches) == outcome(strict(data))


@given(
    st.sampled_from([1, 92, 96, 100]),
    st.lists(st.tuples(WH, WH, st.booleans(), st.booleans()), min_size=1, max_size=6),
    st.integers(0, 2**32),
)
@settings(deadline=None, max_examples=30)
def test_blocks_are_day_block_s_bit_for_bit(
    kernel: Kernel, count: int, kinds: list[tuple[int, int, bool, bool]], seed: int
) -> None:
    chance = random.Random(seed)
    values = np.array([[chance.randint(*sorted(kind[:2])) for _ in range(count)] for kind in kinds], dtype=np.int32)
    gone, guessed = (
        np.array([[kind[at] and chance.random() < chance.choice([0.1, 1]) for _ in range(count)] for kind in kinds])
        for at in (2, 3)
    )
    blocks = kernel.pack(values, gone, guessed)
    assert blocks == [
        day_block.pack([None if no else wh for wh, no in zip(day, none, strict=True)], flags)
        for day, none, flags in zip(values.tolist(), gone.tolist(), guessed.tolist(), strict=True)
    ]
    found = kernel.unpack(blocks)
    assert found.counts.tolist() == [count] * len(kinds)
    assert found.values.tolist() == np.where(gone, 0, values).ravel().tolist()
    assert found.missing.tolist() == gone.ravel().tolist()
    assert found.estimated.tolist() == guessed.ravel().tolist()


def test_blocks_of_unequal_days_come_out_in_order(kernel: Kernel) -> None:
    days: list[list[int | None]] = [[5, 6, 8], [None] * 100, [-1] * 96, [2**31 - 1, -(2**31)], []]
    found = kernel.unpack([day_block.pack(day, [False] * len(day)) for day in days])
    assert found.counts.tolist() == [3, 100, 96, 2, 0]
    assert found.values.tolist() == [value or 0 for day in days for value in day]
    assert kernel.pack(np.empty((0, 96), dtype=np.int32)) == []
    assert kernel.unpack([]).values.size == 0


@given(st.binary(max_size=60))
@settings(deadline=None, max_examples=100)
def test_any_bytes_are_a_block_for_kernels_exactly_if_they_are_one(kernel: Kernel, block: bytes) -> None:
    try:
        values, estimated = day_block.unpack(block)
    except BadInput:
        with pytest.raises(BadInput):
            kernel.unpack([block])
        return
    if any(value is not None and value > day_block.MOST_WH for value in values):
        with pytest.raises(BadInput):
            kernel.unpack([block])
        return
    found = kernel.unpack([block])
    assert found.values.tolist() == [value or 0 for value in values]
    assert found.missing.tolist() == [value is None for value in values]
    assert tuple(found.estimated.tolist()) == estimated


@pytest.mark.parametrize("seed", range(10))
def test_good_files_are_read_as_the_strict_parser_reads_them(kernel: Kernel, seed: int) -> None:
    data = smt_file(seed)
    assert outcome(strict(data))[1] == ""
    check(kernel, data)


@given(st.integers(0, 10_000), st.integers(4_000, 40_000), st.integers(4_000, 60_000))
@settings(deadline=None, max_examples=10)
def test_files_may_be_cut_anywhere(kernel: Kernel, seed: int, cut: int, piece: int) -> None:
    check(kernel, smt_file(seed, days=DAYS[:4]), piece, cut)


def test_a_kernel_takes_nearly_all_of_an_ordinary_file(kernel: Kernel) -> None:
    days = [PLAIN + timedelta(days=at) for at in range(40)]
    rows = [line for day in days for line in ordinary_day(day)]
    rows += [line for pair in zip(ordinary_day(meter=OTHER), ordinary_day(meter=OTHER, channel="Surplus Generation"),
             strict=True) for line in pair]  # fmt: skip
    data = ("\n".join(rows) + "\n").encode()
    found = kernel.parse_smt(data, final=True)
    assert (len(found.batch), found.end, found.lines) == (42, len(data), 42 * 96)
    cut = kernel.parse_smt(data, final=False)
    assert (len(cut.batch), cut.lines) == (40, 40 * 96), "whether the last day is over is not known yet"


@given(st.integers(0, 500), st.data())
@settings(deadline=None, max_examples=40)
def test_a_file_damaged_anywhere_is_read_or_refused_in_the_strict_parser_s_words(
    kernel: Kernel, seed: int, data: st.DataObject
) -> None:
    good = smt_file(seed, days=DAYS[seed % 5 : seed % 5 + 2])
    at = data.draw(st.integers(0, len(good)))
    damage = data.draw(st.binary(max_size=3) | st.sampled_from([b"\n", b",", b"\0", b"\r", b"9", b"A", b" "]))
    spared = data.draw(st.sampled_from([0, 1, len(damage), 90]))
    check(kernel, good[:at] + damage + good[at + spared :])


@given(st.integers(0, 500), st.integers(0, 60_000))
@settings(deadline=None, max_examples=30)
def test_a_file_that_ends_anywhere_is_read_or_refused_in_the_strict_parser_s_words(
    kernel: Kernel, seed: int, end: int
) -> None:
    check(kernel, smt_file(seed, days=DAYS[:3])[:end])


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=30)
def test_any_bytes_are_read_or_refused_in_the_strict_parser_s_words(kernel: Kernel, garbage: bytes) -> None:
    check(kernel, garbage)
    check(kernel, HEADER.encode() + b"\n" + garbage)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (METER, "10443720000000009"),
        ("/2026,", "/2027,"),
        ("05/06/2026,", "01/31/2010,"),
        ("05/07/2026 0", "12/07/2026 0"),
        ("05/07/2026,", "02/29/2026,"),
        (",Consumption", ",Generation"),
        ("'", '"'),
    ],
)
def test_what_only_the_gate_can_tell_is_refused_in_the_strict_parser_s_words(
    kernel: Kernel, old: str, new: str
) -> None:
    chance = random.Random(5)
    rows = [smt_day(chance, date(2026, 5, day), meter) for day in (6, 7) for meter in (METER, OTHER)]
    data = HEADER.encode() + b"\n" + b"".join(rows)
    check(kernel, data)
    place = data.rindex(old.encode())
    check(kernel, data[:place] + new.encode() + data[place + len(old) :])
    data = data.replace(old.encode(), new.encode())
    assert outcome(strict(data))[1] != ""
    check(kernel, data)


@pytest.mark.parametrize("seed", range(6))
def test_a_meter_day_told_twice_is_refused_at_its_second_place(kernel: Kernel, seed: int) -> None:
    chance = random.Random(seed)
    days = [date(2026, 4, 1) + timedelta(days=day) for day in range(20)]
    rows = [smt_day(chance, day, meter) for meter in (METER, OTHER) for day in days]
    rows.insert(chance.randrange(len(rows)), rows[chance.randrange(len(rows))])
    data = HEADER.encode() + b"\n" + b"".join(rows)
    assert "two places" in outcome(strict(data))[1] or "occurs twice" in outcome(strict(data))[1]
    check(kernel, data)
    check(kernel, data, 5000, 5000)


@pytest.mark.parametrize("place", [0, 1, 9, 20])
@pytest.mark.parametrize("kind", ODD)
def test_an_odd_meter_day_among_those_written_alike_is_read_and_so_are_the_others(
    kernel: Kernel, kind: str, place: int
) -> None:
    days = run_of(20)
    days.insert(place, ODD[kind])
    data = HEADER.encode() + b"\n" + b"".join(days)
    assert outcome(strict(data))[1] == ""
    check(kernel, data)
    check(kernel, data, 30_000, 30_000)
    taken, count = kernel.parse_smt(data, HEAD, final=True), data.count(b"\n") - 1
    assert (taken.lines, taken.end) == (count, len(data)), "the strict parser is not needed for any of them"
    unended = data.removesuffix(b"\n")
    check(kernel, unended)
    check(kernel, unended, 30_000, 30_000)


@given(
    st.sampled_from([5, 6, 7]),
    st.integers(0, 12 * 96 * 90),
    st.binary(min_size=1, max_size=2) | st.sampled_from([b"\n", b",", b"\r", b":", b"/", b".", b"9", b"A", b"E", b" "]),
    st.integers(0, 2),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(deadline=None, max_examples=60)
def test_days_written_alike_and_damaged_anywhere_are_read_or_refused_in_the_strict_parser_s_words(
    kernel: Kernel, width: int, place: int, damage: bytes, spared: int, end: str
) -> None:
    good = HEADER.encode() + b"\n" + b"".join(run_of(12, width=width, end=end))
    place %= len(good)
    data = good[:place] + damage + good[place + (len(damage) if spared == 2 else spared) :]
    check(kernel, data)
    check(kernel, data[: HEAD + place + len(damage)])


@given(st.integers(0, 12 * 8000), st.integers(0, 12 * 8000), st.integers(1, 200))
@settings(deadline=None, max_examples=30)
def test_rows_lost_or_told_again_among_days_written_alike_are_seen(
    kernel: Kernel, there: int, here: int, rows: int
) -> None:
    data = HEADER.encode() + b"\n" + b"".join(run_of(12))
    told = data.splitlines(keepends=True)
    here, there = (place // 84 % len(told) for place in (here, there))
    check(kernel, b"".join(told[:here] + told[here + rows :]))
    check(kernel, b"".join(told[:here] + told[there : there + rows] + told[here:]))


def read_lse(kernel: Kernel, data: bytes) -> list[Any]:
    return as_rows(kernel.parse_lse(data, final=True).batch)


@given(st.integers(0, 10_000), st.sampled_from(DAYS), st.sampled_from([1, 2, 4, 92]), st.sampled_from(["", ","]))
@settings(deadline=None, max_examples=40)
def test_lse_days_are_read_from_their_fields(kernel: Kernel, seed: int, day: date, triples: int, tail: str) -> None:
    data = lse_day(random.Random(seed), day, OTHER, triples=triples, tail=tail)
    head, *rows = data.decode().split("\n00000004,")[1].splitlines()
    cells = [cell for row in rows for cell in row.removesuffix(tail).split(",")[1:]]
    values = [round(float(cell) * 1000) if cell else None for cell in cells[::3]]
    parsed = kernel.parse_lse(data, final=True)
    if kernel.name == "numpy" and ((triples == 92 and len(values) > 92) or (None in values and triples > 1)):
        assert parsed.end == 0, "left to the strict parser"
        return
    (row,) = as_rows(parsed.batch)
    revised = instant(row[3])
    assert row[:2] == (OTHER.encode(), day.toordinal())
    assert row[2] == (data.split(b",")[2] == b"1")
    assert revised is None or f"{revised.astimezone(day_zone()):%Y%m%d%H%M%S}" == head[:14]
    assert (revised is None) == (head[0] == ",")
    assert day_block.unpack(row[6]) == (tuple(values), tuple([status == "E" for status in cells[1::3]]))
    assert (row[4], row[5]) == (sum(filter(None, values)), values.count(None))
    assert (parsed.end, parsed.lines) == (len(data), data.count(b"\n"))


def day_zone() -> Any:
    from gateway.clock import CENTRAL

    return CENTRAL


@given(st.integers(0, 200), st.data())
@settings(deadline=None, max_examples=40)
def test_both_kernels_take_the_same_of_a_damaged_lse_file_or_less(
    kernel: Kernel, seed: int, data: st.DataObject
) -> None:
    """What numpy takes C takes too, and the other way round where C takes no more days: two readings of one form."""
    chance = random.Random(seed)
    good = b"".join(lse_day(chance, day, METER) for day in (PLAIN, SPRING, FALL))
    at = data.draw(st.integers(0, len(good)))
    damage = data.draw(st.binary(max_size=2) | st.sampled_from([b"\n", b",", b"\r\n", b"1", b",,"]))
    bad = good[:at] + damage + good[at + data.draw(st.sampled_from([0, 1, len(damage), 30])) :]
    taken, other = read_lse(kernel, bad), read_lse(NumpyKernel(), bad)
    shared = min(len(taken), len(other))
    assert taken[:shared] == other[:shared]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"00000001,", b"00000001,1"),
        (b",Y,N", b",N,N"),
        (b",900,", b",1800,"),
        (b"00000002,,,1,", b"00000002,,,60,"),
        (b",01,,,,\n", b",01,,,\n"),
        (b"235959", b"235958"),
        (b"000000,", b"001500,"),
        (b"10000001,", b"10000002,"),
        (b"10000095,", b"10000095,0.001,A,\n10000096,"),
        (b",A,", b",B,"),
        (b",E,", b",E,x"),
    ],
)
def test_an_irregular_lse_day_is_left_to_the_strict_parser(kernel: Kernel, old: bytes, new: bytes) -> None:
    chance = random.Random(1)
    first = lse_day(chance, PLAIN, METER)
    second = lse_day(chance, PLAIN, OTHER).replace(b"235900", b"235959").replace(b"\n10000003,0", b"\n10000003,0")
    if old == b",E," and old not in second:
        second = second.replace(b",A,", b",E,", 1)
    assert old in second
    parsed = kernel.parse_lse(first + second.replace(old, new, 1) + first, final=True)
    assert (len(parsed.batch), parsed.end, parsed.lines) == (1, len(first), 100)


def test_an_lse_day_is_whole_when_the_next_begins(kernel: Kernel) -> None:
    chance = random.Random(2)
    first, second = lse_day(chance, PLAIN, METER), lse_day(chance, SPRING, METER)
    for end in (*range(len(first), len(first) + 8), len(first) + len(second)):
        found = kernel.parse_lse((first + second)[:end])
        assert len(found.batch) == (end >= len(first) + 8)
    assert len(kernel.parse_lse(first + second, final=True).batch) == 2
    assert len(kernel.parse_lse(first + second, len(first), final=True).batch) == 1


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=10)
def test_rows_are_written_as_the_strict_parser_reads_them(kernel: Kernel, seed: int) -> None:
    chance = random.Random(seed)
    days = [day for day in DAYS if day != TODAY]
    file = HEADER.encode() + b"\n" + b"".join(smt_day(chance, day, METER) for day in days)
    batch = batch_of(parse([file], KNOWN, TODAY))
    text = kernel.format_smt(METER, batch.days, batch.channels, batch.revised, batch.blocks)
    again = batch_of(parse([HEADER.encode() + b"\n" + text], KNOWN, TODAY))
    assert as_rows(again) == as_rows(batch)
    assert text == NumpyKernel().format_smt(METER, batch.days, batch.channels, batch.revised, batch.blocks)


def written(kernel: Kernel, day: date, values: Sequence[int | None], revised: int = -1) -> bytes:
    block = day_block.pack(values, [False] * len(values))
    columns = np.array([day.toordinal()], np.int32), np.zeros(1, np.uint8), np.array([revised], np.int64)
    return kernel.format_smt(METER, *columns, [block])


def test_rows_look_like_this(kernel: Kernel) -> None:
    values = [0, None, 1_000_000, 999_999_999, *range(92)]
    rows = written(kernel, PLAIN, values, int(datetime(2026, 5, 7, 12, 40, 29, tzinfo=UTC).timestamp())).splitlines()
    assert rows[0] == b"'10443720000000001,05/06/2026,05/07/2026 07:40:29, 00:00, 00:15,0.000,A,Consumption"
    cells = [row.split(b",", 5)[5].rpartition(b",")[0] for row in rows[:4]]
    assert cells == [b"0.000,A", b",", b"1000.000,A", b"999999.999,A"]
    assert rows[-1].split(b",")[2:5] == [b"05/07/2026 07:40:29", b" 23:45", b" 00:00"]
    assert len(written(kernel, SPRING, [1] * 92).splitlines()) == 92
    assert written(kernel, FALL, [1] * 100).splitlines()[8].split(b",")[3:5] == [b" 01:00", b" 01:15"]


def test_a_block_that_is_none_of_its_day_or_of_no_file_is_not_written(kernel: Kernel) -> None:
    for day, values, revised in (
        (PLAIN, [1] * 92, -1),
        (date(2009, 5, 6), [1] * 96, -1),
        (PLAIN, [1] * 96, 2**40),
        (PLAIN, [1] * 95 + [1_000_000_000], -1),
        (PLAIN, [-1] + [1] * 95, -1),
    ):
        with pytest.raises(BadInput, match=str(day)):
            written(kernel, day, values, revised)


def test_a_library_of_other_sources_or_none_is_not_used(tmp_path: Any) -> None:
    with pytest.raises(c_kernel.Unusable, match="not compiled"):
        c_kernel.opened(tmp_path / "kernels.so")
    (tmp_path / "kernels.so").write_bytes(b"no library")
    with pytest.raises(c_kernel.Unusable, match="cannot be loaded"):
        c_kernel.opened(tmp_path / "kernels.so")
    assert "interval kernels" in told()
