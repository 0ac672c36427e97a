"""The head of a block of LodeStar Enhanced (LSE): records 00000001 to 00000004, and the days that they promise.

Times are wall times YYYYMMDDHHMMSS. With the flag Y they are Chicago's, so that a day has 92, 96 or 100 intervals.
With the flag N the series takes no part in summer time: its times are Central Standard Time, UTC-6, all the year, and
are read so; a block must still cover whole Chicago days, in which the portal counts, so that in summer it begins at
23:00 of the day before. Any other flag does not say what its times mean.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from gateway.clock import CENTRAL, central_date, central_midnight, intervals_in
from gateway.identifiers import EsiId
from portal.usage.bad_file import BadField
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import Channel, MeterDay
from portal.usage.smt_fields import strange_esi_id
from portal.usage.smt_file import EARLIEST

INTERVAL_S = 900
MOST_DAYS = 400
"""Days that a block may span: thirteen months, and what the calendar adds."""
FIRST_ROW = 10_000_000
RECORDS: Mapping[str, tuple[str, ...]] = {
    "00000001": ("SORT_CODE", "ESIID", "CHANNEL", "START", "STOP", "DST_FLAG", "INVALID_FLAG"),
    "00000002": (
        "SORT_CODE", "START_READING", "STOP_READING", "METER_MULTIPLIER", "METER_OFFSET", "PULSE_MULTIPLIER",
        "PULSE_OFFSET", "SECONDS_PER_INTERVAL", "UNIT", "BASIC_UNIT", "TIME_ZONE", "POPULATION", "WEIGHT",
    ),
    "00000003": ("SORT_CODE", "DESCRIPTOR"),
    "00000004": ("SORT_CODE", "STAMP", "ORIGIN"),
}  # fmt: skip
"""What the fields of each record of a head are called, here and in a refusal."""
CODES = tuple(RECORDS)
CHANNELS = {"1": Channel.GENERATION, "4": Channel.CONSUMPTION}
ZONES: Mapping[str, tzinfo] = {"Y": CENTRAL, "N": timezone(timedelta(hours=-6))}
STOP_SECONDS = {59: 1, 0: 60}
"""Seconds from a stop time to the block's end: it names the last second, or the last minute."""
TIME_TEXT = re.compile(r"[0-9]{14}")
NUMBER_TEXT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{0,9})?")
NEUTRAL = {"PULSE_MULTIPLIER": 1.0, "PULSE_OFFSET": 0.0}


@dataclass(slots=True, kw_only=True)
class Block:
    """A block under way: what its head said, and the values of the day that is not whole yet.

    line is that of its first record, days are the Chicago days that are still to come, count the intervals of all.
    """

    line: int
    esi_id: EsiId
    channel: Channel
    zone: tzinfo
    start: datetime
    days: Sequence[date]
    count: int
    revised_at: datetime | None = None
    filled: int = 0
    code: int = FIRST_ROW
    values: list[int | None] = field(default_factory=list)
    estimated: list[bool] = field(default_factory=list)

    def wall(self, place: int) -> str:
        """The wall time at which an interval of the block begins, as the file would write it."""
        at = self.start + timedelta(seconds=INTERVAL_S * place)
        return f"{at.astimezone(self.zone):%Y%m%d%H%M%S}"

    def take(self, values: Sequence[int | None], estimated: Sequence[bool]) -> list[MeterDay]:
        """Add intervals; returns the days that they make whole."""
        self.filled += len(values)
        self.values += values
        self.estimated += estimated
        whole: list[MeterDay] = []
        while self.days and len(self.values) >= (count := day_length(self.days[0])):
            whole.append(
                MeterDay(
                    esi_id=self.esi_id,
                    day=self.days[0],
                    channel=self.channel,
                    revised_at=self.revised_at,
                    values=tuple(self.values[:count]),
                    estimated=tuple(self.estimated[:count]),
                )
            )
            del self.values[:count], self.estimated[:count]
            self.days = self.days[1:]
        return whole


def fields_of(code: str, rest: str) -> dict[str, str]:
    """The fields of a head's record by name; commas at its end may be absent or too many. Raises BadField."""
    names, found = RECORDS[code], [code, *(each.strip() for each in rest.split(","))]
    while len(found) > len(names) and not found[-1]:
        del found[-1]
    if len(found) > len(names):
        raise BadField("", f"the record {code} has {len(found)} fields, not {len(names)}")
    return dict(zip(names, found + [""] * (len(names) - len(found)), strict=True))


def first_record(fields: Mapping[str, str], line: int, known: KnownMeters, today: date) -> Block:
    """Record 00000001: whose energy, which channel, from when to when. Raises BadField."""
    if fields["ESIID"] not in known:
        raise BadField("ESIID", strange_esi_id(fields["ESIID"]))
    if fields["CHANNEL"] not in CHANNELS:
        raise BadField("CHANNEL", f"{fields['CHANNEL'][:40]!r} is neither 1, generation, nor 4, load")
    if fields["DST_FLAG"] not in ZONES:
        raise BadField("DST_FLAG", f"{fields['DST_FLAG'][:40]!r} is neither Y, Chicago time, nor N, standard time")
    if fields["INVALID_FLAG"] == "Y":
        raise BadField("INVALID_FLAG", "the block is marked as invalid")
    if fields["INVALID_FLAG"] not in ("N", ""):
        raise BadField("INVALID_FLAG", f"{fields['INVALID_FLAG'][:40]!r} is neither Y nor N")
    zone = ZONES[fields["DST_FLAG"]]
    start, days = _span(fields["START"], fields["STOP"], zone, today)
    return Block(
        line=line,
        esi_id=EsiId(fields["ESIID"]),
        channel=CHANNELS[fields["CHANNEL"]],
        zone=zone,
        start=start,
        days=days,
        count=sum(map(day_length, days)),
    )


def second_record(fields: Mapping[str, str]) -> None:
    """Record 00000002: refused unless it says kilowatt-hours in quarter hours, not scaled. Raises BadField.

    Readings and the meter's own multiplier and offset describe the meter; values are in the unit already. A pulse
    multiplier or offset would mean that they are not.
    """
    for column in ("SECONDS_PER_INTERVAL", "UNIT"):
        wanted = {"SECONDS_PER_INTERVAL": str(INTERVAL_S), "UNIT": "01"}[column]
        if fields[column] != wanted:
            meaning = "01, kWh" if column == "UNIT" else wanted
            raise BadField(column, f"{fields[column][:40]!r} is not {meaning}")
    if fields["TIME_ZONE"] not in ("", "6", "06"):
        raise BadField("TIME_ZONE", f"{fields['TIME_ZONE'][:40]!r} is not 6, Central time in hours west")
    for column in (*RECORDS["00000002"][1:7], "POPULATION", "WEIGHT"):
        text = fields[column]
        if text and not NUMBER_TEXT.fullmatch(text):
            raise BadField(column, f"{text[:40]!r} is not a number")
        if text and column in NEUTRAL and float(text) != NEUTRAL[column]:
            raise BadField(column, f"{text} is not {NEUTRAL[column]:.0f}: the values are pulses, not kWh")


def revision(fields: Mapping[str, str], today: date) -> datetime | None:
    """Record 00000004: when the data were revised, in UTC; of the hour that comes twice the first. Raises BadField."""
    if not fields["STAMP"]:
        return None
    stamp = _wall(fields["STAMP"], "STAMP").replace(tzinfo=CENTRAL)
    if stamp.date() > today:
        raise BadField("STAMP", f"{fields['STAMP']} lies in the future")
    return stamp.astimezone(UTC)


def _span(start_text: str, stop_text: str, zone: tzinfo, today: date) -> tuple[datetime, list[date]]:
    """The instant at which a block begins, and its Chicago days."""
    start = _wall(start_text, "START").replace(tzinfo=zone).astimezone(UTC)
    stop = _wall(stop_text, "STOP")
    if stop.second not in STOP_SECONDS:
        raise BadField("STOP", f"{stop_text} ends neither with second 59 nor with second 00")
    try:
        end = (stop + timedelta(seconds=STOP_SECONDS[stop.second])).replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise BadField("STOP", f"{stop_text} lies in the future") from None
    first, after = central_date(start), central_date(end)
    if central_midnight(first) != start:
        raise BadField("START", f"{start_text} is not the beginning of a Chicago day")
    if central_midnight(after) != end:
        raise BadField("STOP", f"{stop_text} is not the end of a Chicago day")
    if first >= after:
        raise BadField("STOP", f"{stop_text} lies before the start")
    if first < EARLIEST:
        raise BadField("START", f"{start_text} is older than any interval data, which begin on {EARLIEST}")
    if after > today + timedelta(days=1):
        raise BadField("STOP", f"{stop_text} lies in the future")
    span = after.toordinal() - first.toordinal()
    if span > MOST_DAYS:
        raise BadField("STOP", f"the block spans {span} days; {MOST_DAYS} are the most")
    return start, [first + timedelta(days=place) for place in range(span)]


def _wall(text: str, column: str) -> datetime:
    """A wall time YYYYMMDDHHMMSS without its zone."""
    if TIME_TEXT.fullmatch(text):
        try:
            found = datetime(int(text[:4]), *(int(text[place : place + 2]) for place in range(4, 14, 2)))  # type: ignore[arg-type]  # noqa: DTZ001
        except ValueError:
            found = None
        if found is not None and 1970 <= found.year < 9999:  # what every zone can place
            return found
    raise BadField(column, f"{text[:40]!r} is not a time YYYYMMDDHHMMSS")


@lru_cache(maxsize=4096)
def day_length(day: date) -> int:
    """How many quarter hours a Chicago day has, remembered."""
    return intervals_in(day)
