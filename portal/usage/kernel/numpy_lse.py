"""Meter-days of an LSE file by regular expressions and slices of their fields, and those written alike at once."""

import re
from datetime import datetime

import numpy as np

from portal.usage.batch import ESI_ID_WIDTH, NO_REVISION
from portal.usage.kernel.forms import calendar
from portal.usage.kernel.numpy_days import Days, joined
from portal.usage.kernel.numpy_runs import run_after
from portal.usage.pieces import Data
from portal.usage.smt_fields import REMEMBERED_VALUES, watt_hours

NUMBER = rb"[0-9.]{0,16}"
HEAD = re.compile(
    rb"00000001,([0-9]{17}|[0-9]{22}),([14]),([0-9]{8})000000,([0-9]{8})2359(?:59|00),Y,N\r?\n"
    rb"00000002,%(n)b,%(n)b,1?,0?,1?,0?,900,01,%(n)b,%(n)b,%(n)b,%(n)b\r?\n"
    rb"00000003,[ -~]{0,100}\r?\n"
    rb"00000004,([0-9]{14})?,[ -~]{0,80}\r?\n" % {b"n": NUMBER}
)
CODES = tuple(b"%d" % code for code in range(10_000_000, 10_000_100))
BEGINNINGS = tuple(b"\n%d" % code for code in range(1_000_000, 1_000_010))
"""What lines begin with; no value has so many digits, so that a line that begins so begins with its code."""
MOST_BYTES = 1 << 14
"""A day's data rows are no longer in a regular file."""
MOST_DAYS = 4096


class Energies(dict[bytes, int | None]):
    """Texts of kWh already converted, None for no text. Raises ValueError. Forgets all when full."""

    def __missing__(self, text: bytes) -> int | None:
        value = watt_hours(text.decode("latin-1"))
        if len(self) >= REMEMBERED_VALUES:
            self.clear()
        self[text] = value
        return value


def lse_days(data: Data, at: int, *, final: bool, energies: Energies) -> Days:
    """Meter-days from an offset on, until one is not regular or not whole."""
    parts: list[Days] = []
    taken = 0
    while taken < MOST_DAYS and (day := _one(data, at, final, energies)) is not None:
        parts.append(day)
        taken, begin, at = taken + 1, at, day.end
        run = _alike(data, begin, day, final)
        if run is not None:
            parts.append(run)
            taken, at = taken + len(run.days), run.end
    return joined(parts, at)


def _one(data: Data, at: int, final: bool, energies: Energies) -> Days | None:
    """The meter-day at an offset, None if it is not regular or not whole."""
    head = HEAD.match(data, at)
    if head is None:
        return None
    known = calendar()
    esi_id, channel, start, stop, stamp = head.groups()
    ordinal, revision = _ordinal(start), _instant(stamp)
    place = ordinal - known.first
    if start != stop or revision is None or not 0 <= place < len(known.counts):
        return None
    end = data.find(b"\n00000001", head.end() - 1, head.end() + MOST_BYTES) + 1
    if not end:
        if not final or len(data) - head.end() > MOST_BYTES or data[-1:] != b"\n":
            return None
        end = len(data)
    count = int(known.counts[place])
    found = _quarters(bytes(data[head.end() : end]), count, energies)
    if found is None:
        return None
    values, missing, statuses, rows = found
    return Days(
        esi_ids=np.array([esi_id], dtype=f"S{ESI_ID_WIDTH}"),
        days=np.array([ordinal], dtype=np.int32),
        channels=np.array([channel == b"1"], dtype=np.uint8),
        revised=np.array([revision], dtype=np.int64),
        starts=np.zeros(1, dtype=np.int64),
        counts=np.array([count], dtype=np.int64),
        values=np.array(values, dtype=np.int32),
        missing=np.array(missing, dtype=np.bool_),
        estimated=np.array([status == b"E" for status in statuses], dtype=np.bool_),
        end=end,
        lines=4 + rows,
        more=False,
    )


def _alike(data: Data, at: int, first: Days, final: bool) -> Days | None:
    """The meter-days behind one that are written as it is, as far as they are whole; None if there is none."""
    count, size = int(first.counts[0]), first.end - at
    run = run_after(data, at, first.end, bytes(first.esi_ids[0]), count)
    if run is None:
        return None
    n = len(run.values)
    end = first.end + n * size
    if not (data.startswith(b"00000001", end) or (final and end == len(data))):
        n, end = n - 1, end - size  # its rows may go on
        if not n:
            return None
    digits = np.ascontiguousarray(run.esi_ids[:n])
    return Days(
        esi_ids=digits.view(f"S{digits.shape[1]}")[:, 0].astype(f"S{ESI_ID_WIDTH}"),
        days=np.repeat(first.days, n),
        channels=np.repeat(first.channels, n),
        revised=np.repeat(first.revised, n),
        starts=np.arange(n, dtype=np.int64) * count,
        counts=np.repeat(first.counts, n),
        values=run.values[:n].ravel(),
        missing=np.zeros(n * count, dtype=np.bool_),
        estimated=run.estimated[:n].ravel(),
        end=end,
        lines=n * first.lines,
        more=False,
    )


def _ordinal(text: bytes) -> int:
    """YYYYMMDD as an ordinal, 0 if it is no date."""
    try:
        return datetime(int(text[:4]), int(text[4:6]), int(text[6:8])).toordinal()  # noqa: DTZ001 # only its date
    except ValueError:
        return 0


def _instant(text: bytes | None) -> int | None:
    """YYYYMMDDHHMMSS in wall time as seconds since 1970, NO_REVISION for none; None if it is no time that is known."""
    if text is None:
        return NO_REVISION
    known, hour, minute, second = calendar(), int(text[8:10]), int(text[10:12]), int(text[12:14])
    place = _ordinal(text) - known.first
    if not 0 <= place < len(known.counts) or hour > 23 or minute > 59 or second > 59:
        return None
    return known.instant(place, hour) + minute * 60 + second


def _quarters(text: bytes, count: int, energies: Energies) -> tuple[list[int], list[bool], list[bytes], int] | None:
    """Values, missing, statuses and rows of a day's data rows, each with as many triples as the first; None if odd."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    rows = text.count(b"\n")
    if not rows or count % rows or sum(map(text.count, BEGINNINGS)) + text.startswith(CODES[0]) != rows:
        return None
    triples, width = count // rows, text.count(b",", 0, text.find(b"\n")) + 1
    fields = text.replace(b"\n", b",").split(b",")[:-1]
    if len(fields) != rows * width or width not in (3 * triples, 3 * triples + 1, 3 * triples + 2):
        return None
    found: list[int | None] = [0] * count
    statuses = [b""] * count
    try:
        for triple in range(triples):
            found[triple::triples] = map(energies.__getitem__, fields[1 + 3 * triple :: width])
            statuses[triple::triples] = fields[2 + 3 * triple :: width]
    except ValueError:
        return None
    thirds = {text for at in range(3, width, 3) for text in fields[at::width]}
    if width == 3 * triples + 2 and any(fields[width - 1 :: width]):
        return None
    if fields[::width] != list(CODES[:rows]) or not thirds <= {b"", b" "} or not set(statuses) <= {b"A", b"E", b""}:
        return None
    if None not in found:
        return [value or 0 for value in found], [False] * count, statuses, rows
    told = any(status and value is None for status, value in zip(statuses, found, strict=True))
    if triples > 1 or width == 3 or told:
        return None  # whether more is missing or only commas follow is not for a kernel to tell
    return [value or 0 for value in found], [value is None for value in found], statuses, rows
