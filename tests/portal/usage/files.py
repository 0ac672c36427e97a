"""Interval files for tests, written row by row as the real ones look."""

from collections.abc import Iterable, Sequence
from datetime import date

from gateway.identifiers import EsiId
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import Channel, MeterDay
from portal.usage.smt_file import HEADER, parse

METER = EsiId("10443720000000001")
OTHER = EsiId("1008901000000000000017")
TODAY = date(2026, 11, 23)
SPRING, FALL, PLAIN = date(2026, 3, 8), date(2025, 11, 2), date(2026, 5, 6)


def quarter(place: int) -> str:
    """The wall time that begins a quarter of an ordinary day."""
    return f"{place % 96 // 4:02}:{place % 4 * 15:02}"


def row(
    place: int,
    kwh: str = "0.859",
    flag: str = "A",
    channel: str = "Consumption",
    day: date = PLAIN,
    meter: str = METER,
    revised: str = "05/07/2026 07:40:29",
    times: tuple[str, str] | None = None,
) -> str:
    """One row; place counts the quarters of an ordinary day unless times says otherwise."""
    start, end = times or (quarter(place), quarter(place + 1))
    return f"'{meter},{day:%m/%d/%Y},{revised}, {start}, {end},{kwh},{flag},{channel}"


def ordinary_day(day: date = PLAIN, meter: str = METER, channel: str = "Consumption") -> list[str]:
    """96 rows of which row n counts n Wh."""
    return [row(place, f"0.{place:03}", day=day, meter=meter, channel=channel) for place in range(96)]


def file_of(rows: Iterable[str]) -> bytes:
    """A whole file."""
    return "\n".join([HEADER, *rows, ""]).encode()


def read(data: bytes, piece: int = 1 << 20, known: Iterable[str] = (METER, OTHER)) -> list[MeterDay]:
    """A file's meter-days, its bytes given in pieces of a size."""
    pieces = (data[start : start + piece] for start in range(0, len(data), piece))
    return list(parse(pieces, KnownMeters(known), TODAY))


def meter_day(
    values: Sequence[int | None] = tuple(range(96)),
    day: date = PLAIN,
    meter: EsiId = METER,
    channel: Channel = Channel.CONSUMPTION,
    estimated: Sequence[bool] | None = None,
) -> MeterDay:
    """A meter-day without a revision date."""
    flags = tuple(estimated or [False] * len(values))
    return MeterDay(esi_id=meter, day=day, channel=channel, revised_at=None, values=tuple(values), estimated=flags)
