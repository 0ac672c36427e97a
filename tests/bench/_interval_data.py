"""Made interval data for benchmarks: quarter hours as they are, as files of many meters and as batches.

Every reading is below 10 kWh, as those of homes are. One meter-day in a hundred has estimates, one in 200 a gap.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.clock import CENTRAL, intervals_in
from gateway.identifiers import EsiId
from portal.usage import lse_write, smt_write
from portal.usage.batch import Batch
from portal.usage.intervals import Channel, MeterDay
from portal.usage.kernel import chosen

PER_DAY = 96
SHAPES = 4000
AT_ONCE = 2000
"""Meters whose rows are made at once."""
FACE = b"0.000,A"
Numbers = NDArray[np.int64]


def esi_id(number: int) -> EsiId:
    """The ESI ID of a meter."""
    return EsiId(f"1044372{number:010d}")


class Shapes:
    """Days of a meter: Wh of shape (SHAPES, 96), and which are estimated or missing."""

    def __init__(self, seed: int = 7) -> None:
        dice, shape = np.random.default_rng(seed), (SHAPES, PER_DAY)
        wh = dice.gamma(4.0, 44.0, shape) * (1 + 0.5 * np.sin(np.arange(PER_DAY) / PER_DAY * 2 * np.pi - 2))
        wh += (dice.random(shape) < 0.04) * dice.integers(300, 1500, shape)
        self.missing = np.zeros(shape, dtype=np.bool_)
        gaps = np.flatnonzero(dice.random(SHAPES) < 0.005)
        self.missing[gaps, dice.integers(0, PER_DAY, len(gaps))] = True
        self.estimated = (dice.random((SHAPES, 1)) < 0.01) & (dice.random(shape) < 0.3) & ~self.missing
        self.wh = np.where(self.missing, 0, np.minimum(wh, 9999)).astype(np.int32)

    @cache  # noqa: B019  # there is one for each benchmark
    def of(self, count: int) -> tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.bool_]]:
        """Wh, what is missing and what is estimated, for days of so many quarter hours; what is over comes again."""
        places = np.arange(count) % PER_DAY
        return self.wh[:, places], self.missing[:, places], self.estimated[:, places]

    @cache  # noqa: B019
    def blocks(self, count: int) -> list[bytes]:
        """The same packed."""
        return chosen().pack(*self.of(count))

    def picked(self, numbers: Numbers, day: date, again: int = 0) -> Numbers:
        """Which of them each meter has on a day; another one when the day is told again."""
        found: Numbers = (numbers * 7919 + day.toordinal() * 31 + again * 1009) % SHAPES
        return found

    def batch(self, numbers: Numbers, day: date, again: int = 0) -> Batch:
        """A day of some meters as a file's reader gives it."""
        picked, count = self.picked(numbers, day, again), intervals_in(day)
        wh, missing, _ = self.of(count)
        blocks = self.blocks(count)
        return Batch(
            esi_ids=np.char.mod("1044372%010d", numbers).astype("S22"),
            days=np.full(len(numbers), day.toordinal(), dtype=np.int32),
            channels=np.zeros(len(numbers), dtype=np.uint8),
            revised=np.full(len(numbers), int(revised_at(day, again).timestamp()), dtype=np.int64),
            totals=wh.sum(axis=1, dtype=np.int64)[picked],
            missing=missing.sum(axis=1).astype(np.uint8)[picked],
            blocks=[blocks[place] for place in picked.tolist()],
        )


def revised_at(day: date, again: int) -> datetime:
    """When the TDSP revised a day."""
    return datetime(day.year, day.month, day.day, 7, 40, 29, tzinfo=CENTRAL) + timedelta(days=1 + again)


def file_pieces(
    shapes: Shapes, written_as: str, days: Iterable[date], numbers: Numbers, again: int = 0
) -> Iterator[bytes]:
    """A file of some days of some meters, day by day; written_as is csv or lse."""
    if written_as == "csv":
        yield smt_write.FIRST_LINE.encode()
    for day in days:
        one = MeterDay(
            esi_id=esi_id(0),
            day=day,
            channel=Channel.CONSUMPTION,
            revised_at=revised_at(day, again),
            values=(0,) * intervals_in(day),
            estimated=(False,) * intervals_in(day),
        )
        template = smt_write.rows(one) if written_as == "csv" else "".join(lse_write.write([one]))
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            yield _filled(template.encode(), shapes, shapes.picked(some, day, again), some)


def write_file(path: Path, pieces: Iterable[bytes]) -> int:
    """Write a file; returns its size."""
    with path.open("wb") as file:
        return sum(file.write(piece) for piece in pieces)


def _filled(template: bytes, shapes: Shapes, picked: Numbers, numbers: Numbers) -> bytes:
    """A meter-day's text for each of some meters, with their ESI IDs, values and flags."""
    text = np.tile(np.frombuffer(template, np.uint8), (len(numbers), 1))
    digits = _digits(numbers, 10)
    for place in _places(template, esi_id(0).encode()):
        text[:, place + 7 : place + 17] = digits
    at = np.array(_places(template, FACE))
    wh, missing, estimated = shapes.of(len(at))
    values, missing, estimated = _digits(wh[picked].ravel(), 4), missing[picked], estimated[picked]
    for digit, offset in enumerate((0, 2, 3, 4)):
        text[:, at + offset] = values[:, digit].reshape(missing.shape)
    text[:, at + 6] = np.where(estimated, ord("E"), ord("A"))
    odd, start, parts = np.flatnonzero(missing.any(axis=1)).tolist(), 0, []
    for row in odd:
        parts += [text[start:row].tobytes(), _without(text[row].tobytes(), at[missing[row]].tolist())]
        start = row + 1
    return b"".join([*parts, text[start:].tobytes()])


def _without(text: bytes, places: list[int]) -> bytes:
    """A meter-day's text with nothing but the comma where values are missing."""
    for place in reversed(places):
        text = text[:place] + b"," + text[place + len(FACE) :]
    return text


def _digits(numbers: NDArray[np.integer], size: int) -> NDArray[np.uint8]:
    """Numbers as text of one size, a row each."""
    powers = 10 ** np.arange(size - 1, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def _places(text: bytes, what: bytes) -> list[int]:
    """Where something occurs."""
    found, at = [], text.find(what)
    while at >= 0:
        found.append(at)
        at = text.find(what, at + 1)
    return found
