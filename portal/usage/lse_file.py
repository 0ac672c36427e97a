"""Interval files of LodeStar Enhanced (LSE), as TDSPs send them, to meter-days: pure, streaming and strict.

A file is blocks of one meter and channel each: records 00000001 to 00000004, which `lse_block` reads, then rows from
10000000 on, whose sort codes rise by one: `10000000,0.123,A,,0.130,A,,`. A row holds one or more triples: value in
kWh, status, start of the interval. Status A and none mean actual, E estimated; an empty value is missing. Start may be
empty, or must be the interval's. Commas at a line's end may be absent: an empty rest of less than three fields is no
interval, and the block's count, which its times promise, tells if a file meant otherwise.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from portal.usage.bad_file import BadField, BadFile
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import MeterDay
from portal.usage.lines import BYTES_EACH, decode, lines, too_long
from portal.usage.lse_block import CODES, Block, fields_of, first_record, revision, second_record
from portal.usage.pieces import Data
from portal.usage.seen_days import SeenDays
from portal.usage.smt_fields import KwhMemory, watt_hours

LONGEST_LINE = 4096
"""Characters; lines of some 1,500 have been seen."""
SIGN = CODES[0][:-1].encode()
"""What a file begins with, even if its first record is not the one that must come first."""
TRIPLE = ("VALUE", "STATUS", "INTERVAL_START")


def parse(pieces: Iterable[bytes], known: KnownMeters, today: date) -> Iterator[MeterDay]:
    """The meter-days of a file, given as pieces of any size, in the file's order.

    known: the meters that may occur, today is the Chicago date. Raises BadFile at the first record that is wrong.
    """
    reader = _Reader(known, today, SeenDays(known))
    for batch in lines(reader.noted(pieces), (), LONGEST_LINE):
        for line in batch:
            yield from reader.line(line)
    reader.ended()


class LseGroups:
    """The same a block at a time, for a reader that takes the others by itself.

    seen is shared with that reader. Of a file given line by line it says what parse says.
    """

    def __init__(self, known: KnownMeters, today: date, seen: SeenDays) -> None:
        self._reader = _Reader(known, today, seen)

    def take(self, data: Data, at: int, number: int, *, final: bool) -> tuple[list[MeterDay], int, int] | None:
        """The days that a block's lines from an offset on make whole, the offset behind them, and how many they are.

        number is the first line's; final: the file ends where data does. The lines may be those of a part of the block,
        None if there is not one. Raises BadFile.
        """
        found: list[MeterDay] = []
        first = number
        self._reader.at(number, bytes(data[-1:]) if final else b"\n")
        while at < len(data) and not (number > first and data.startswith(SIGN, at) and self._reader.between):
            end = data.find(b"\n", at)
            if end < 0:
                if len(data) - at > BYTES_EACH * LONGEST_LINE:
                    raise too_long(number, LONGEST_LINE)
                if not final:
                    break
                end = len(data)
            (line,) = decode(bytes(data[at:end]), number, (), LONGEST_LINE)
            found += self._reader.line(line)
            at, number = min(end + 1, len(data)), number + 1
        return (found, at, number - first) if number > first else None

    def ended(self) -> None:
        """The file is over. Raises BadFile if it was cut off, as far as that can be seen."""
        self._reader.ended()


class _Reader:
    """What must be remembered from one line to the next."""

    def __init__(self, known: KnownMeters, today: date, seen: SeenDays) -> None:
        self._known = known
        self._today = today
        self._seen = seen
        self._kwh = KwhMemory()
        self._number = 0
        self._step = 0  # how many records of the head are there; all of them: rows come
        self._block: Block | None = None
        self._last_byte = b"\n"
        self._bare = ""  # the column of a value with which the last row ended

    def noted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces, of which the last byte is remembered."""
        for piece in pieces:
            self._last_byte = piece[-1:] or self._last_byte
            yield piece

    @property
    def between(self) -> bool:
        """Whether no block is under way."""
        return not self._step

    def at(self, number: int, last_byte: bytes) -> None:
        """The next line has this number, since others read those before; last_byte is the last of what is there."""
        self._number, self._last_byte = number - 1, last_byte

    def line(self, text: str) -> Sequence[MeterDay]:
        """The meter-days that a line makes whole."""
        self._number += 1
        try:
            code, _, rest = text.partition(",")
            if self._step == len(CODES) and code != CODES[0]:
                return self._row(code, rest)
            self._head(code, rest)
        except BadField as bad:
            raise BadFile(self._number, bad.column, str(bad)) from None
        return ()

    def ended(self) -> None:
        """The file is over. Raises BadFile if it was cut off, as far as that can be seen."""
        if not self._number:
            raise BadFile(1, "", f"the file is empty; its first record must be {CODES[0]}")
        if self._step:
            raise BadFile(self._number, "", f"the file ends here, but {self._lacking()}")
        if self._bare and self._last_byte != b"\n":
            raise BadFile(
                self._number, self._bare, "the file ends after this value, without a line end; it may be cut off"
            )

    def _lacking(self) -> str:
        assert self._block is not None, "a step was made"
        block = self._block
        if self._step < len(CODES):
            return f"the block that begins in line {block.line} lacks its record {CODES[self._step]}"
        return f"the block that begins in line {block.line} has {block.filled} of its {block.count} intervals"

    def _head(self, code: str, rest: str) -> None:
        if self._step == len(CODES):
            raise BadField("SORT_CODE", f"a block begins, but {self._lacking()}")
        wanted = CODES[self._step]
        if code != wanted:
            self._strange(code, rest, wanted)
        fields = fields_of(code, rest)
        if wanted == CODES[0]:
            self._begin(first_record(fields, self._number, self._known, self._today))
        elif wanted == CODES[1]:
            second_record(fields)
        elif wanted == CODES[3]:
            assert self._block is not None, "its first record came before"
            self._block.revised_at = revision(fields, self._today)
        self._step += 1

    def _strange(self, code: str, rest: str, wanted: str) -> None:
        """Refuse a record that stands where another belongs."""
        if not code and not rest:
            raise BadField("", "the line is empty")
        if self._block and not self._step and code == str(self._block.code):
            raise BadField(
                "SORT_CODE",
                f"the block that begins in line {self._block.line} is over; it has {self._block.count} intervals",
            )
        raise BadField("SORT_CODE", f"{code[:40]!r} stands where the record {wanted} belongs")

    def _begin(self, block: Block) -> None:
        for day in block.days:
            if not self._seen.add(block.esi_id, block.channel, day):
                channel = block.channel.name.lower()
                raise BadField("START", f"{channel} of {block.esi_id} on {day} stands in two places of the file")
        self._block = block

    def _row(self, code: str, rest: str) -> Sequence[MeterDay]:
        block = self._block
        assert block is not None, "its head came before"
        if code != str(block.code):
            raise BadField("SORT_CODE", f"{code[:40]!r} stands where the row {block.code} belongs")
        fields, self._bare = _triples(rest)
        values, statuses, starts = fields[0::3], fields[1::3], fields[2::3]
        if block.filled + len(values) > block.count:
            cause = f"the block that begins in line {block.line} is over; it has {block.count} intervals"
            raise BadField(_column(block.count - block.filled, 0), cause)
        for place, start in enumerate(starts):
            if start and start.strip() and start.strip() != (wanted := block.wall(block.filled + place)):
                raise BadField(_column(place, 2), f"{start[:40]!r} is not {wanted}, when this interval begins")
        days = block.take(self._values(values), _estimated(statuses, values))
        block.code += 1
        if block.filled == block.count:
            self._step = 0
        return days

    def _values(self, texts: list[str]) -> list[int | None]:
        try:
            return list(map(self._kwh.__getitem__, texts))
        except ValueError:
            for place, text in enumerate(texts):
                try:
                    watt_hours(text)
                except ValueError as error:
                    raise BadField(_column(place, 0), str(error)) from None
            raise


def _triples(rest: str) -> tuple[list[str], str]:
    """A row's fields by threes, and the column of a value that ends the row without a status, empty if none does."""
    fields, bare = rest.split(","), ""
    over = len(fields) % 3
    if over and not any(fields[-over:]):
        del fields[-over:]
    elif over:
        fields += [""] * (3 - over)
        bare = "" if fields[-2] else _column(len(fields) // 3 - 1, 0)
    if not fields:
        raise BadField(_column(0, 0), "the row has no interval")
    return fields, bare


def _estimated(statuses: list[str], values: list[str]) -> list[bool]:
    """Of each interval whether it is estimated; what is missing has no status."""
    if statuses.count("A") == len(statuses) and "" not in values:
        return [False] * len(statuses)
    found: list[bool] = []
    for place, (status, value) in enumerate(zip(map(str.strip, statuses), values, strict=True)):
        if status not in ("A", "E", ""):
            raise BadField(_column(place, 1), f"{status[:40]!r} is neither A, actual, nor E, estimated, nor blank")
        if status and not value:
            raise BadField(_column(place, 0), f"the value is missing, yet marked {status}")
        found.append(status == "E")
    return found


def _column(place: int, part: int) -> str:
    """The name of a row's field: which interval of the row, counted from 1, and which of its three."""
    return f"{TRIPLE[part]} {place + 1}"
