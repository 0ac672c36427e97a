"""Quarter hours and days in the shapes of usage/interval and usage/daily (pure)."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from portal.smt.interval_text import DATE, kwh
from portal.usage.intervals import Channel, MeterDay
from portal.usage.register_files import DailyRead
from portal.usage.slots import labels, slots_in

CHANNELS = ((Channel.CONSUMPTION, "consumption"), (Channel.GENERATION, "generation"))


def interval_entries(days: Sequence[MeterDay]) -> list[dict[str, Any]]:
    """One entry for each quarter hour, both channels side by side; days come in order, a day's channels together."""
    by_day: dict[Any, dict[Channel, MeterDay]] = {}
    for day in days:
        by_day.setdefault(day.day, {})[day.channel] = day
    return [entry for channels in by_day.values() for entry in _day_entries(channels)]


def _day_entries(channels: dict[Channel, MeterDay]) -> Iterator[dict[str, Any]]:
    first = next(iter(channels.values()))
    for place, slot in enumerate(slots_in(len(first.values))):
        start, end = labels(slot)
        entry: dict[str, Any] = {"starttime": half_day(start), "endtime": half_day(end), "date": f"{first.day}"}
        for channel, name in CHANNELS:
            entry |= _cells(channels.get(channel), place, name)
        yield entry


def _cells(day: MeterDay | None, place: int, name: str) -> dict[str, Any]:
    """A channel's value in kWh and its flag; a channel that the meter does not have is told as 0 without a flag."""
    if day is None:
        return {name: 0, f"{name}_est_act": None}
    value = day.values[place]
    if value is None:
        return {name: None, f"{name}_est_act": None}
    return {name: value / 1000, f"{name}_est_act": "E" if day.estimated[place] else "A"}


def half_day(label: str) -> str:
    """A time HH:MM as the original writes it, after a blank: ` 12:15 am`."""
    hour, minute = divmod(int(label[:2]) * 60 + int(label[3:]), 60)
    return f" {(hour + 11) % 12 + 1:02}:{minute:02} {'am' if hour < 12 else 'pm'}"


def daily_entries(days: Sequence[MeterDay], reads: Sequence[DailyRead]) -> list[dict[str, Any]]:
    """The days of which quarter hours or registers are known, in order.

    What was used is what the TDSP's read says, and without one the sum of the quarter hours, in kWh; None where one of
    these is missing. Registers are texts with three decimals, as the original has them.
    """
    sums = {one.day: one for one in days if one.channel is Channel.CONSUMPTION}
    told = {one.read_date: one for one in reads}
    return [_daily_entry(day, sums.get(day), told.get(day)) for day in sorted(sums.keys() | told.keys())]


def _daily_entry(day: date, quarters: MeterDay | None, read: DailyRead | None) -> dict[str, Any]:
    used = None if read is None else read.usage_wh
    if used is None and quarters is not None and None not in quarters.values:
        used = quarters.total_wh
    start, end = (None, None) if read is None else (read.start_wh, read.end_wh)
    return {
        "date": day.strftime(DATE),
        "reading": None if used is None else used / 1000,
        "startreading": None if start is None else kwh(start),
        "endreading": None if end is None else kwh(end),
    }
