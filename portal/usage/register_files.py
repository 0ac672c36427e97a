"""Register reads of TDSPs by day and by month: CSV files to values, streaming and strict.

Their headers are ours, after the field names of Smart Meter Texas's interface: no such file has been seen. Energies are
kWh, powers kW and kVA, each with up to three decimals; an empty field is a value that is missing. The ESI ID may have
an apostrophe before it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from gateway.identifiers import EsiId
from portal.usage.bad_file import BadField, BadFile
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import Channel
from portal.usage.lines import lines
from portal.usage.seen_days import SeenDays
from portal.usage.smt_fields import read_date, read_instant, strange_esi_id
from portal.usage.smt_file import EARLIEST

DAILY = ("ESIID", "READ_DATE", "REVISION_DATE", "START_READING", "END_READING", "USAGE_KWH")
MONTHLY = (
    "ESIID", "START_DATE", "END_DATE", "REVISION_DATE", "ACTUAL_KWH", "METERED_KW", "BILLED_KW", "METERED_KVA",
    "BILLED_KVA",
)  # fmt: skip
DAILY_SIGN, MONTHLY_SIGN = b"ESIID,READ_DATE", b"ESIID,START_DATE"
"""What a file of each kind begins with; the rest of its header is checked when it is read."""
DECIMAL = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,3}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyRead:
    """A meter's register at both ends of a Chicago day, Wh, and what it counted; None is missing."""

    esi_id: EsiId
    read_date: date
    revised_at: datetime | None
    start_wh: int | None
    end_wh: int | None
    usage_wh: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyUsage:
    """What a meter is billed for from one date to another: Wh, and the highest demand in W and VA; None is missing."""

    esi_id: EsiId
    start_date: date
    end_date: date
    revised_at: datetime | None
    actual_wh: int | None
    metered_w: int | None
    billed_w: int | None
    metered_va: int | None
    billed_va: int | None


def parse_daily(pieces: Iterable[bytes], known: KnownMeters, today: date) -> Iterator[DailyRead]:
    """The daily reads of a file in its order. Raises BadFile at the first row that is wrong."""
    rows = _Rows(known, today)

    def read(row: Mapping[str, str]) -> DailyRead:
        return DailyRead(
            esi_id=rows.meter(row),
            read_date=rows.day(row, "READ_DATE"),
            revised_at=rows.revised(row),
            start_wh=_thousandths(row, "START_READING"),
            end_wh=_thousandths(row, "END_READING"),
            usage_wh=_thousandths(row, "USAGE_KWH"),
        )

    for number, row in _rows(pieces, DAILY):
        try:
            found = read(row)
            rows.once(found.esi_id, found.read_date, "READ_DATE")
        except BadField as bad:
            raise BadFile(number, bad.column, str(bad)) from None
        yield found


def parse_monthly(pieces: Iterable[bytes], known: KnownMeters, today: date) -> Iterator[MonthlyUsage]:
    """The billing periods of a file in its order. Raises BadFile at the first row that is wrong."""
    rows = _Rows(known, today)

    def read(row: Mapping[str, str]) -> MonthlyUsage:
        return MonthlyUsage(
            esi_id=rows.meter(row),
            start_date=rows.day(row, "START_DATE"),
            end_date=rows.day(row, "END_DATE"),
            revised_at=rows.revised(row),
            actual_wh=_thousandths(row, "ACTUAL_KWH"),
            metered_w=_thousandths(row, "METERED_KW"),
            billed_w=_thousandths(row, "BILLED_KW"),
            metered_va=_thousandths(row, "METERED_KVA"),
            billed_va=_thousandths(row, "BILLED_KVA"),
        )

    for number, row in _rows(pieces, MONTHLY):
        try:
            found = read(row)
            if found.end_date < found.start_date:
                raise BadField("END_DATE", f"{row['END_DATE']} lies before the start")
            rows.once(found.esi_id, found.start_date, "START_DATE")
        except BadField as bad:
            raise BadFile(number, bad.column, str(bad)) from None
        yield found


def _rows(pieces: Iterable[bytes], columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row under its header's names, with the number of its line.

    The last column is a number, which reads as another one where a file was cut off in it: only a line break proves
    that it is whole.
    """
    number, header, last = 0, ",".join(columns), b""

    def noted() -> Iterator[bytes]:
        nonlocal last
        for piece in pieces:
            last = piece[-1:] or last
            yield piece

    for batch in lines(noted(), columns):
        for line in batch:
            number += 1
            if number == 1:
                if line != header:
                    raise BadFile(1, "", f"the first line is not the header {header}")
                continue
            fields = line.split(",")
            if len(fields) != len(columns):
                cause = f"the row has {len(fields)} columns, not {len(columns)}" if line else "the line is empty"
                raise BadFile(number, "", cause)
            yield number, dict(zip(columns, fields, strict=True))
    if not number:
        raise BadFile(1, "", f"the file is empty; its first line must be {header}")
    if last != b"\n":
        raise BadFile(number, columns[-1], "no line break ends the last row, so the file may have been cut off in it")


class _Rows:
    """What all rows of a file are held against."""

    def __init__(self, known: KnownMeters, today: date) -> None:
        self._known, self._today, self._seen = known, today, SeenDays(known)

    def meter(self, row: Mapping[str, str]) -> EsiId:
        bare = row["ESIID"].removeprefix("'")
        if bare not in self._known:
            raise BadField("ESIID", strange_esi_id(bare))
        return EsiId(bare)

    def day(self, row: Mapping[str, str], column: str) -> date:
        found = read_date(row[column])
        if found is None:
            raise BadField(column, f"{row[column][:40]!r} is not a date MM/DD/YYYY")
        if found > self._today:
            raise BadField(column, f"{row[column]} lies in the future")
        if found < EARLIEST:
            raise BadField(column, f"{row[column]} is older than any data, which begin on {EARLIEST:%m/%d/%Y}")
        return found

    def revised(self, row: Mapping[str, str]) -> datetime | None:
        text = row["REVISION_DATE"]
        found = read_instant(text) if text else None
        if text and found is None:
            raise BadField("REVISION_DATE", f"{text[:40]!r} is not a time MM/DD/YYYY HH:MM:SS")
        if found and found.date() > self._today:
            raise BadField("REVISION_DATE", f"{text} lies in the future")
        return found.astimezone(UTC) if found else None

    def once(self, esi_id: EsiId, day: date, column: str) -> None:
        if not self._seen.add(esi_id, Channel.CONSUMPTION, day):
            raise BadField(column, f"{esi_id} and {day:%m/%d/%Y} stand in two places of the file")


def _thousandths(row: Mapping[str, str], column: str) -> int | None:
    """A decimal in thousandths: kWh to Wh, kW to W, kVA to VA."""
    text = row[column]
    match = DECIMAL.fullmatch(text)
    if match:
        return int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0"))
    if text:
        raise BadField(column, f"{text[:40]!r} is not a number such as 0.859, of three decimals at most")
    return None
