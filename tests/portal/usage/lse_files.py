"""Files of LodeStar Enhanced for tests, written line by line from the published layout, not by our writer."""

from collections.abc import Iterable, Sequence
from datetime import date

from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import MeterDay
from portal.usage.lse_file import parse
from tests.portal.usage.files import METER, OTHER, PLAIN, TODAY

SECOND = "00000002,,,,,,,900,01,,,,"
THIRD, FOURTH = "00000003,", "00000004,20260507074029,"


def head(
    day: date = PLAIN, meter: str = METER, channel: str = "4", last: date | None = None, ending: str = "235959"
) -> str:
    """Record 00000001 of a day, or of the days up to the last."""
    return f"00000001,{meter},{channel},{day:%Y%m%d}000000,{last or day:%Y%m%d}{ending},Y,N"


def numbered(rows: Iterable[str]) -> list[str]:
    """Rows under the sort codes that they must have."""
    return [f"{code},{row}" for code, row in enumerate(rows, 10_000_000)]


def values(count: int = 96) -> list[str]:
    """Rows of one interval each, of which row n counts n Wh."""
    return numbered(f"0.{place:03},A,," for place in range(count))


def block(first: str | None = None, rows: Sequence[str] | None = None, fourth: str = FOURTH) -> list[str]:
    """A whole block: of an ordinary day, unless its first record says otherwise."""
    return [first or head(), SECOND, THIRD, fourth, *(values() if rows is None else rows)]


def lse_of(lines: Iterable[str]) -> bytes:
    """A whole file."""
    return "\n".join([*lines, ""]).encode()


def read_lse(data: bytes, piece: int = 1 << 20, known: Iterable[str] = (METER, OTHER)) -> list[MeterDay]:
    """A file's meter-days, its bytes given in pieces of a size."""
    pieces = (data[start : start + piece] for start in range(0, len(data), piece))
    return list(parse(pieces, KnownMeters(known), TODAY))
