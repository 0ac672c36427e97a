"""The interval CSV of Smart Meter Texas to meter-days: pure, streaming, and strict about everything it is told.

A row is `'10443720000000001,05/06/2026,05/07/2026 07:40:29, 00:00, 00:15,0.859,A,Consumption`. The rows of a meter's
day stand together, its two channels interleaved or one after the other. On the day on which summer time begins real
files hold the rows of the missing hour with no value; on the day on which it ends the first row of the repeated hour
is labelled 02:00 to 01:15. Both are read, and so is the correct labelling.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from gateway.clock import intervals_in
from gateway.identifiers import EsiId
from portal.usage.bad_file import BadField, BadFile
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import Channel, MeterDay
from portal.usage.lines import BYTES_EACH, LONGEST_LINE, decode, lines, too_long
from portal.usage.pieces import Data
from portal.usage.seen_days import SeenDays
from portal.usage.slots import QUARTERS, SKIPPED, SLOTS, BadTime, place, slots_in
from portal.usage.smt_fields import KwhMemory, read_date, read_instant, strange_esi_id, watt_hours

COLUMNS = (
    "ESIID",
    "USAGE_DATE",
    "REVISION_DATE",
    "USAGE_START_TIME",
    "USAGE_END_TIME",
    "USAGE_KWH",
    "ESTIMATED_ACTUAL",
    "CONSUMPTION_SURPLUSGENERATION",
)
ESI_ID, DAY, REVISED, START, END, KWH, FLAG, CHANNEL = range(8)
WIDTH = len(COLUMNS)
HEADER = ",".join(COLUMNS)
CHANNELS = {"Consumption": Channel.CONSUMPTION, "Surplus Generation": Channel.GENERATION}
EARLIEST = date(2010, 2, 1)
"""No interval is older (RPT-08)."""
MOST_ROWS = 2 * SLOTS


def parse(pieces: Iterable[bytes], known: KnownMeters, today: date) -> Iterator[MeterDay]:
    """The meter-days of a file, given as pieces of any size, in the file's order.

    known: the meters that may occur, today is the Chicago date. Raises BadFile at the first row that is wrong.
    """
    reader = _Reader(known, today, SeenDays(known))
    group: list[str] = []
    prefix, first, number = HEADER, 1, 1
    for batch in lines(pieces, COLUMNS):
        for line in batch:
            if not line.startswith(prefix):
                yield from reader.rows(group, first)
                group, first, prefix = [], number, _prefix(line)
            group.append(line)
            number += 1
        if len(group) > MOST_ROWS:
            break
    yield from reader.rows(group, first)
    reader.ended()


class SmtGroups:
    """The same a group of rows at a time, for a reader that takes the others by itself: a meter's day or the header.

    seen is shared with that reader. Of a file given line by line it says what parse says.
    """

    def __init__(self, known: KnownMeters, today: date, seen: SeenDays) -> None:
        self._reader = _Reader(known, today, seen)

    def take(self, data: Data, at: int, number: int, *, final: bool) -> tuple[list[MeterDay], int, int] | None:
        """The meter-days of the rows at an offset, the offset behind them, and how many lines they are.

        number is the first line's; final: the file ends where data does. None if the last of the rows is not among
        data. Raises BadFile.
        """
        group: list[str] = []
        prefix, first = "", number
        while at < len(data) and len(group) <= MOST_ROWS:
            end = data.find(b"\n", at)
            if end < 0:
                if len(data) - at > BYTES_EACH * LONGEST_LINE:
                    raise too_long(number)
                if not final:
                    return None
                end = len(data)
            (line,) = decode(bytes(data[at:end]), number, COLUMNS)
            if not group:
                prefix = HEADER if number == 1 and line.startswith(HEADER) else _prefix(line)
            elif not line.startswith(prefix):
                break
            group.append(line)
            at, number = min(end + 1, len(data)), number + 1
        else:
            if not final and len(group) <= MOST_ROWS:
                return None
        return list(self._reader.rows(group, first)), at, len(group)

    def ended(self) -> None:
        """The file is over. Raises BadFile if it held nothing at all."""
        self._reader.ended()


def _prefix(line: str) -> str:
    """What all rows of a meter's day begin with: ESI ID and date, with both commas."""
    end = line.find(",", line.find(",") + 1)
    return line[: end + 1] if end > 0 else f"{line}\n"


class _Reader:
    """What must be remembered from one meter-day to the next."""

    def __init__(self, known: KnownMeters, today: date, seen: SeenDays) -> None:
        self._known = known
        self._today = today
        self._seen = seen
        self._kwh = KwhMemory()
        self._headed = False

    def ended(self) -> None:
        """The file is over. Raises BadFile if it held nothing at all."""
        if not self._headed:
            raise BadFile(1, "", f"the file is empty; its first line must be {HEADER}")

    def rows(self, group: Sequence[str], first: int) -> Iterator[MeterDay]:
        """The one or two meter-days of adjacent rows of one meter's day; first is the number of the first line."""
        if not self._headed:
            self._headed = bool(group) and self._header(group)
            return
        fields = ",".join(group).split(",")
        try:
            if len(fields) != WIDTH * len(group):
                raise BadField(COLUMNS[CHANNEL], "the row has too few or too many columns")
            yield from self._meter_days(fields)
        except BadField as bad:
            _check_widths(group, first)
            raise BadFile(first + bad.row, bad.column, str(bad)) from None

    def _header(self, group: Sequence[str]) -> bool:
        if group[0] != HEADER:
            raise BadFile(1, "", f"the first line is not the header {HEADER}")
        if len(group) > 1:
            raise BadFile(2, "", "the header occurs twice")
        return True

    def _meter_days(self, fields: list[str]) -> Iterator[MeterDay]:
        esi_id, day = self._meter(fields[ESI_ID]), self._day(fields[DAY])
        columns = [fields[column::WIDTH] for column in range(WIDTH)]
        channels = columns[CHANNEL]
        alike = channels.count(channels[0]) == len(channels)
        for text in channels[:1] if alike else sorted(set(channels)):
            rows = range(len(channels)) if alike else [row for row, name in enumerate(channels) if name == text]
            if text not in CHANNELS:
                raise BadField(
                    COLUMNS[CHANNEL], f"{text[:40]!r} is neither Consumption nor Surplus Generation", rows[0]
                )
            series = _Series(*(columns if alike else [[column[row] for row in rows] for column in columns]))
            try:
                found = self._read(series, esi_id, day, CHANNELS[text])
            except BadField as bad:
                raise BadField(bad.column, str(bad), rows[bad.row]) from None
            if not self._seen.add(esi_id, found.channel, day):
                raise BadField(
                    COLUMNS[DAY], f"{text} of {esi_id} on {day:%m/%d/%Y} stands in two places of the file", rows[0]
                )
            yield found

    def _read(self, series: "_Series", esi_id: EsiId, day: date, channel: Channel) -> MeterDay:
        count = _intervals_in(day)
        try:
            slots = place(count, tuple(series.starts), tuple(series.ends))
        except BadTime as bad:
            raise BadField(COLUMNS[START], str(bad), bad.row) from None
        values, estimated = self._values(series.kwh), _estimated(series)
        wanted = slots_in(count)
        if slots != wanted:
            _check_skipped(count, slots, values)
            values, estimated = _spread(slots, values, wanted, None), _spread(slots, estimated, wanted, False)
        return MeterDay(
            esi_id=esi_id,
            day=day,
            channel=channel,
            revised_at=self._revised(series.revised),
            values=tuple(values),
            estimated=tuple(estimated),
        )

    def _meter(self, text: str) -> EsiId:
        bare = text.removeprefix("'")
        if bare not in self._known:
            raise BadField(COLUMNS[ESI_ID], strange_esi_id(bare))
        return EsiId(bare)

    def _day(self, text: str) -> date:
        day = read_date(text)
        if day is None:
            raise BadField(COLUMNS[DAY], f"{text[:40]!r} is not a date MM/DD/YYYY")
        if day > self._today:
            raise BadField(COLUMNS[DAY], f"{text} lies in the future")
        if day < EARLIEST:
            raise BadField(COLUMNS[DAY], f"{text} is older than any interval data, which begin on {EARLIEST:%m/%d/%Y}")
        return day

    def _revised(self, texts: list[str]) -> datetime | None:
        """The latest of the rows' revision dates; nearly always they are the same."""
        latest: datetime | None = None
        for text in texts[:1] if texts.count(texts[0]) == len(texts) else dict.fromkeys(texts):
            if not text:
                continue
            found = read_instant(text)
            if found is None:
                raise BadField(COLUMNS[REVISED], f"{text[:40]!r} is not a time MM/DD/YYYY HH:MM:SS", texts.index(text))
            if found.date() > self._today:
                raise BadField(COLUMNS[REVISED], f"{text} lies in the future", texts.index(text))
            latest = max(latest, found) if latest else found
        return latest.astimezone(UTC) if latest else None

    def _values(self, texts: list[str]) -> list[int | None]:
        try:
            return list(map(self._kwh.__getitem__, texts))
        except ValueError:
            for row, text in enumerate(texts):
                try:
                    watt_hours(text)
                except ValueError as error:
                    raise BadField(COLUMNS[KWH], str(error), row) from None
            raise


@dataclass(frozen=True, slots=True)
class _Series:
    """The columns of one channel's rows, in the header's order."""

    esi_ids: list[str]
    days: list[str]
    revised: list[str]
    starts: list[str]
    ends: list[str]
    kwh: list[str]
    flags: list[str]
    channels: list[str]


def _estimated(series: _Series) -> Sequence[bool]:
    """Of each row whether it is estimated; a row has a flag exactly when it has a value."""
    flags = series.flags
    if flags.count("A") == len(flags) and "" not in series.kwh:
        return _none_estimated(len(flags))
    for row, (flag, kwh) in enumerate(zip(flags, series.kwh, strict=True)):
        if flag not in ("A", "E", ""):
            raise BadField(COLUMNS[FLAG], f"{flag[:40]!r} is neither A nor E", row)
        if not flag and kwh:
            raise BadField(COLUMNS[FLAG], f"the value {kwh} is marked neither A nor E", row)
        if flag and not kwh:
            raise BadField(COLUMNS[KWH], f"the value is missing, yet marked {flag}", row)
    return [flag == "E" for flag in flags]


def _check_skipped(count: int, slots: Sequence[int], values: Sequence[int | None]) -> None:
    """Refuse a value in the hour that the day does not have."""
    absent = SKIPPED if count < QUARTERS else ()
    for row, (slot, value) in enumerate(zip(slots, values, strict=True)):
        if slot in absent and value is not None:
            raise BadField(COLUMNS[KWH], "has a value, but on this day the clock went from 02:00 to 03:00 at once", row)


def _spread(slots: Sequence[int], column: Sequence[Any], wanted: Sequence[int], missing: Any) -> list[Any]:
    """A column in the order of the wanted slots, with a filler where the file has no row."""
    at = dict(zip(slots, column, strict=True))
    return [at.get(slot, missing) for slot in wanted]


def _check_widths(group: Sequence[str], first: int) -> None:
    """Refuse the first row of the wrong width: what such a row does to its neighbours' columns is no cause."""
    for number, line in enumerate(group, first):
        fields = line.split(",")
        if not line:
            raise BadFile(number, "", "the line is empty")
        if len(fields) == WIDTH + 1 and not fields[-1]:
            raise BadFile(number, COLUMNS[-1], "the row ends with a comma")
        if len(fields) != WIDTH:
            raise BadFile(number, "", f"the row has {len(fields)} columns, not {WIDTH}")


@lru_cache(maxsize=4096)
def _intervals_in(day: date) -> int:
    return intervals_in(day)


@lru_cache(maxsize=256)
def _none_estimated(count: int) -> tuple[bool, ...]:
    return (False,) * count
