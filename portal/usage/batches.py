"""Interval files to batches: the kernel takes what is regular, the strict parser every meter-day that is not.

Both note each meter-day in one set of those seen. What is read, and what is refused with which line, column and words,
is what the strict parser alone would say of the file line by line; only it can refuse.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Protocol

from portal.usage.batch import Batch, batch_of
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import MeterDay
from portal.usage.kernel import chosen
from portal.usage.kernel.contract import Kernel, Parsed
from portal.usage.kernel.forms import today_ends
from portal.usage.lse_file import LseGroups
from portal.usage.seen_days import SeenDays
from portal.usage.smt_file import EARLIEST, SmtGroups

PIECE = 4 << 20
"""Bytes parsed at once, at least; a file's last piece may have fewer."""
SPARED = 128
"""A piece's last meter-day is nearly always cut off: what part of a piece is not worth the strict parser's time."""


class Groups(Protocol):
    """A strict parser, a group of rows at a time; SmtGroups says how."""

    def take(self, data: bytes, at: int, number: int, *, final: bool) -> tuple[list[MeterDay], int, int] | None:
        """Meter-days, the offset behind them, their lines; None if they are not whole yet. Raises BadFile."""
        ...

    def ended(self) -> None:
        """The file is over. Raises BadFile if that is too early."""
        ...


def smt_batches(
    pieces: Iterable[bytes],
    known: KnownMeters,
    today: date,
    *,
    kernel: Kernel | None = None,
    piece: int = PIECE,
) -> Iterator[Batch]:
    """The meter-days of an interval CSV in the file's order, with memory for a piece of it only.

    known: the meters that may occur, today is the Chicago date; piece: bytes to gather before they are parsed.
    Raises BadFile, as smt_file.parse does.
    """
    seen = SeenDays(known)
    parse = (kernel or chosen()).parse_smt
    return joined(gathered(pieces, piece), parse, SmtGroups(known, today, seen), Gate(today, seen), piece // SPARED)


def lse_batches(
    pieces: Iterable[bytes],
    known: KnownMeters,
    today: date,
    *,
    kernel: Kernel | None = None,
    piece: int = PIECE,
) -> Iterator[Batch]:
    """The meter-days of a file of LodeStar Enhanced, likewise. Raises BadFile, as lse_file.parse does."""
    seen = SeenDays(known)
    parse = (kernel or chosen()).parse_lse
    return joined(gathered(pieces, piece), parse, LseGroups(known, today, seen), Gate(today, seen), piece // SPARED)


class Gate:
    """What a kernel does not ask of meter-days: which meters are known, what day it is, and what came before."""

    def __init__(self, today: date, seen: SeenDays) -> None:
        self._earliest = EARLIEST.toordinal()
        self._today = today.toordinal()
        self._today_ends = today_ends(self._today)
        self._seen = seen

    def admits(self, batch: Batch) -> bool:
        """Whether nothing of a batch is to be refused; if so its meter-days are noted, if not none of them is."""
        in_time = (
            batch.days.min() >= self._earliest
            and batch.days.max() <= self._today
            and batch.revised.max() < self._today_ends
        )
        return bool(in_time) and self._seen.add_batch(batch)


def gathered(pieces: Iterable[bytes], least: int) -> Iterator[tuple[list[bytes], bool]]:
    """Pieces that are at least so many bytes together; the last, perhaps empty, come with True."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= least:
            yield waiting, False
            waiting, size = [], 0
    yield waiting, True


def joined(
    gathers: Iterable[tuple[list[bytes], bool]], parse: Callable[..., Parsed], strict: Groups, gate: Gate, spared: int
) -> Iterator[Batch]:
    """Batches of a file by a kernel's parser and a strict one, as gathered gives its pieces. Raises BadFile.

    What a kernel leaves of pieces, if it is no more than the bytes spared, waits for the next ones.
    """
    rest, number, doubted = b"", 1, 1
    for pieces, final in gathers:
        data, at = b"".join([rest, *pieces]), 0  # at once: a copy costs as much as parsing a part of them
        while at < len(data):
            if at >= doubted:  # a file's first group, and what the gate did not admit, is for the strict parser alone
                parsed = parse(data, at, final=final)
                if len(parsed.batch):
                    if gate.admits(parsed.batch):
                        at, number = parsed.end, number + parsed.lines
                        yield parsed.batch
                    else:
                        doubted = parsed.end
                    continue
            if not final and len(data) - at <= spared:
                break
            taken = strict.take(data, at, number, final=final)
            if taken is None:
                break
            meter_days, at, lines = taken
            number += lines
            if meter_days:
                yield batch_of(meter_days)
        rest, doubted = data[at:], max(doubted - at, 0)
    strict.ended()
