"""Interval files to batches: the kernel takes what is regular, the strict parser every meter-day that is not.

Both note each meter-day in one set of those seen. What is read, and what is refused with which line, column and words,
is what the strict parser alone would say of the file line by line; only it can refuse.
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Protocol

from portal.usage.batch import Batch, batch_of
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import MeterDay
from portal.usage.kernel import chosen
from portal.usage.kernel.contract import Kernel, Parsed
from portal.usage.kernel.forms import today_ends
from portal.usage.lse_file import LseGroups
from portal.usage.pieces import ROOM, Data, Pieces
from portal.usage.seen_days import SeenDays
from portal.usage.smt_file import EARLIEST, SmtGroups

SPARED = 128
"""A piece's last meter-day is nearly always cut off: what part of a piece is not worth the strict parser's time."""


class Groups(Protocol):
    """A strict parser, a group of rows at a time; SmtGroups says how."""

    def take(self, data: Data, at: int, number: int, *, final: bool) -> tuple[list[MeterDay], int, int] | None:
        """Meter-days, the offset behind them, their lines; None if they are not whole yet. Raises BadFile."""
        ...

    def ended(self) -> None:
        """The file is over. Raises BadFile if that is too early."""
        ...


def smt_batches(pieces: Pieces, known: KnownMeters, today: date, *, kernel: Kernel | None = None) -> Iterator[Batch]:
    """The meter-days of an interval CSV in the file's order, with memory for a piece of it only.

    pieces: as portal.usage.pieces gives them, left behind once the next is asked for; known: the meters that may occur;
    today: the Chicago date. Raises BadFile, as smt_file.parse does.
    """
    seen = SeenDays(known)
    parse = (kernel or chosen()).parse_smt
    return joined(pieces, parse, SmtGroups(known, today, seen), Gate(today, seen))


def lse_batches(pieces: Pieces, known: KnownMeters, today: date, *, kernel: Kernel | None = None) -> Iterator[Batch]:
    """The meter-days of a file of LodeStar Enhanced, likewise. Raises BadFile, as lse_file.parse does."""
    seen = SeenDays(known)
    parse = (kernel or chosen()).parse_lse
    return joined(pieces, parse, LseGroups(known, today, seen), Gate(today, seen))


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


def joined(pieces: Pieces, parse: Callable[..., Parsed], strict: Groups, gate: Gate) -> Iterator[Batch]:
    """Batches of a file by a kernel's parser and a strict one. Raises BadFile.

    What is left of a piece, if it is no more than a small part of it, waits for the next one.
    """
    rest, number, doubt = b"", 1, 1
    for data, final in pieces:
        at = ROOM - len(rest)
        if at >= 0:
            data[at:ROOM] = rest
        else:
            data, at = bytearray(rest) + data[ROOM:], 0  # noqa: PLW2901  # of a group of rows without end
        # A file's first group, and what the gate did not admit, is for the strict parser alone.
        doubted = at + doubt
        while at < len(data) and (final or len(data) - at > (len(data) - ROOM) // SPARED):
            if at >= doubted:
                parsed = parse(data, at, final=final)
                if len(parsed.batch):
                    if gate.admits(parsed.batch):
                        at, number = parsed.end, number + parsed.lines
                        yield parsed.batch
                    else:
                        doubted = parsed.end
                    continue
            taken = strict.take(data, at, number, final=final)
            if taken is None:
                break
            meter_days, at, lines = taken
            number += lines
            if meter_days:
                yield batch_of(meter_days)
        rest, doubt = bytes(data[at:]), max(doubted - at, 0)
    strict.ended()
