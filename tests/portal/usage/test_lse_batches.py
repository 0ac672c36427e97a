"""LodeStar Enhanced by kernel and strict parser together: read and refused as the strict parser alone would."""

import random
import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.identifiers import EsiId
from portal.usage.batch import Batch, batch_of
from portal.usage.batches import lse_batches
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import MeterDay
from portal.usage.kernel.contract import Kernel
from portal.usage.lse_file import parse
from portal.usage.pieces import filled, read_from
from tests.portal.usage.canonical import lse_day
from tests.portal.usage.files import FALL, METER, OTHER, PLAIN, SPRING, TODAY
from tests.portal.usage.test_kernels import KNOWN, kernel, lines, outcome

__all__ = ["kernel"]
MANY = [EsiId(f"10443720000000{number:03}") for number in range(100, 112)]
DAYS = (PLAIN, PLAIN + timedelta(days=1), SPRING, FALL, date(2024, 2, 29))


def strict(data: bytes) -> Iterator[Batch]:
    """The strict parser alone, given a file line by line."""
    yield batch_of(parse(lines(data), KNOWN, TODAY))


def check(kernel: Kernel, data: bytes, piece: int = 1 << 20, cut: int = 0) -> None:
    step = cut or len(data) + 1
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    batches = lse_batches(filled(read_from(iter(pieces)), piece), KNOWN, TODAY, kernel=kernel)
    assert outcome(batches) == outcome(strict(data))


def lse_file(seed: int, days: int = len(DAYS)) -> bytes:
    """A whole file that is right, with blocks that a kernel takes and others."""
    chance = random.Random(seed)
    blocks = []
    for day in DAYS[:days]:
        for meter in (METER, OTHER):
            triples, tail = chance.choice([(1, ""), (1, ","), (4, ""), (96, "")])
            block = lse_day(chance, day, meter, triples=triples, tail=tail)
            blocks.append(block.replace(b",Y,N\n", b",Y,N,\n") if chance.random() < 0.2 else block)
    return b"".join(blocks)


@pytest.mark.parametrize("seed", range(8))
def test_good_files_are_read_as_the_strict_parser_reads_them(kernel: Kernel, seed: int) -> None:
    data = lse_file(seed)
    assert outcome(strict(data))[1] == ""
    check(kernel, data)
    check(kernel, data.removesuffix(b"\n"))


@given(st.integers(0, 10_000), st.integers(500, 9_000), st.integers(500, 9_000))
@settings(deadline=None, max_examples=15)
def test_files_may_be_cut_anywhere(kernel: Kernel, seed: int, cut: int, piece: int) -> None:
    check(kernel, lse_file(seed, 3), piece, cut)


@given(st.integers(0, 500), st.data())
@settings(deadline=None, max_examples=60)
def test_a_file_damaged_anywhere_is_read_or_refused_in_the_strict_parser_s_words(
    kernel: Kernel, seed: int, data: st.DataObject
) -> None:
    good = lse_file(seed, 2)
    at = data.draw(st.integers(0, len(good)))
    damage = data.draw(st.binary(max_size=3) | st.sampled_from([b"\n", b",", b"\0", b"\r", b"9", b"A", b"1", b" "]))
    spared = data.draw(st.sampled_from([0, 1, len(damage), 40]))
    check(kernel, good[:at] + damage + good[at + spared :], 3_000, 2_000)


@given(st.integers(0, 500), st.integers(0, 9_000))
@settings(deadline=None, max_examples=40)
def test_a_file_that_ends_anywhere_is_read_or_refused_in_the_strict_parser_s_words(
    kernel: Kernel, seed: int, end: int
) -> None:
    check(kernel, lse_file(seed, 2)[:end])


@pytest.mark.parametrize("extra", [b"10000096,0.100,A,\n", b"10000092,0.100,A,\n", b"\n", b"00000005,x\n"])
def test_a_row_too_many_is_refused_in_the_strict_parser_s_words(kernel: Kernel, extra: bytes) -> None:
    chance = random.Random(3)
    first, second, third = (lse_day(chance, day, METER) for day in (DAYS[0], DAYS[1], SPRING))
    for data in (first + second + extra + third, first + second + extra, first + extra + second):
        assert outcome(strict(data))[1] != ""
        check(kernel, data)


@pytest.mark.parametrize("seed", range(4))
def test_a_meter_day_told_twice_is_refused_at_its_second_place(kernel: Kernel, seed: int) -> None:
    chance = random.Random(seed)
    blocks = [lse_day(chance, PLAIN + timedelta(days=day), METER).replace(b",1,", b",4,", 1) for day in range(12)]
    blocks.insert(chance.randrange(1, len(blocks)), blocks[chance.randrange(len(blocks))])
    data = b"".join(blocks)
    assert "two places" in outcome(strict(data))[1]
    check(kernel, data)
    check(kernel, data, 4_000, 4_000)


@given(st.integers(0, 500), st.data())
@settings(deadline=None, max_examples=60)
def test_days_written_alike_are_read_or_refused_one_by_one_all_the_same(
    kernel: Kernel, seed: int, data: st.DataObject
) -> None:
    chance = random.Random(seed)
    first = lse_day(random.Random(seed % 3), PLAIN, METER)
    blocks = []
    for number in range(12):
        block = first.replace(str(METER).encode(), str(MANY[number]).encode())
        blocks.append(re.sub(rb",[0-9]\.[0-9]{3},A,", lambda _: b",%d.%03d,%c," % (
            chance.randrange(10), chance.randrange(1000), chance.choice(b"AAAE")), block))  # fmt: skip
    if data.draw(st.booleans()):
        blocks[chance.randrange(12)] = lse_day(chance, SPRING, METER)
    file = b"".join(blocks)
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(file)))
        damage = data.draw(st.binary(max_size=2) | st.sampled_from([b"\n", b",", b"\r", b"9", b"A", b"E", b".", b" "]))
        file = file[:at] + damage + file[at + data.draw(st.sampled_from([0, len(damage), 40])) :]
    known = KnownMeters([*MANY, METER])
    cut = data.draw(st.integers(1, len(file)))
    pieces = filled(read_from(iter([file[:cut], file[cut:]])), data.draw(st.sampled_from([1, 9_000, 1 << 20])))
    batches = lse_batches(pieces, known, TODAY, kernel=kernel)
    expected = outcome(iter_of(parse(lines(file), known, TODAY)))
    assert outcome(batches) == expected


def iter_of(days: Iterator[MeterDay]) -> Iterator[Batch]:
    """Meter-days as one batch."""
    yield batch_of(days)
