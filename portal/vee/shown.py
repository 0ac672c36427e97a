"""The ledger as people read it in a terminal (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from gateway.clock import CENTRAL
from portal.vee.expected import QUARTER, bounds, every_place
from portal.vee.explain import Explanation
from portal.vee.ledger import State
from portal.vee.places import places_of
from portal.vee.receipt_words import kwh
from portal.vee.run import DayRun

WORDS: Mapping[State, str] = {
    State.PRESENT: "present",
    State.AWAITED: "awaited",
    State.LATE: "late",
    State.BACK_FILLED: "being back-filled",
    State.ESTIMATED: "estimated",
    State.IMPOSSIBLE: "impossible",
}


def day_line(run: DayRun) -> str:
    """Such as "2026-05-11: 576 expected; 480 present, 96 late; nothing estimated now"."""
    total = run.total
    made = f"{_counted(run.estimated_days, 'meter-day')} estimated now" if run.estimated_days else ""
    found = f"{_counted(run.findings, 'finding')}" if run.findings else ""
    parts = [f"{sum(total.values()):,} expected", _states(total), made, found]
    return f"{run.day}: " + "; ".join(part for part in parts if part)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def ledger_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Rows of ledger_days, by day: each day in sum, and below it whoever still owes something or was estimated for."""
    for day, group in groupby(rows, key=itemgetter("day")):
        some = list(group)
        total = {name: sum(row[name] for row in some) for name in ("expected", *State)}
        yield f"{day}  {percent(total)}  {_states(total)}"
        for row in some:
            if row[State.PRESENT] < row["expected"]:
                yield f"            {percent(row)}    {row['tdsp']}, {row['gateway'] or 'files'}: {_states(row)}"


def _states(counts: Mapping[Any, int]) -> str:
    """Such as "480 present, 96 late"."""
    return ", ".join(f"{counts[state]:,} {WORDS[state]}" for state in State if counts[state]) or "nothing expected"


def day_lines(lacks: Sequence[Any], found: Sequence[Any], most: int) -> Iterator[str]:
    """Rows of gaps and of findings, so many lines of both at most; the last says that there are more."""
    lines = [
        f"{row.esi_id} {row.channel}  {WORDS[row.state]} {spans(row.day, row.places)}, {row.gateway or row.tdsp}"
        + (f", until {wall(row.deadline)}" if row.deadline else "")
        for row in lacks
    ]
    lines += [
        f"{row.esi_id} {row.channel}  {row.check} {row.severity} in version {row.version}: {row.words}" for row in found
    ]
    yield from lines[:most] or ["nothing is lacking, nothing was found"]
    if len(lines) > most:
        yield f"and more; --most {most} lines were asked for"


def spans(day: date, runs: Sequence[Sequence[int]]) -> str:
    """Runs of places in Chicago's wall time, such as 02:30-03:00; a whole day by that name."""
    begin, end = bounds(day)
    if len(places_of(runs)) == len(every_place(day)):
        return "all day"
    times = [(begin + first * QUARTER, min(begin + (last + 1) * QUARTER, end)) for first, last in runs]
    return " ".join(f"{a.astimezone(CENTRAL):%H:%M}-{b.astimezone(CENTRAL):%H:%M}" for a, b in times)


def percent(row: Mapping[str, Any]) -> str:
    """What is known of what is expected, rounded down so that 100 % is all of it; N/A of nothing."""
    known, expected = row[State.PRESENT] + row[State.ESTIMATED], row["expected"]
    if not expected:
        return "    N/A"
    tenths = 1000 * known // expected
    return f"{tenths // 10:3}.{tenths % 10} %"


def explanation_lines(said: Explanation) -> Iterator[str]:
    """An explanation, a line for each thing that is known."""
    value = "N/A" if said.wh is None else kwh(said.wh)
    state = "not owed" if said.state is None else WORDS[said.state]
    yield f"{said.esi_id} {said.channel} {wall(said.start)}: {value}, {state}"
    yield said.words
    if said.deadline is not None:
        yield f"deadline {wall(said.deadline)}"
    if said.registers is not None:
        yield f"  the registers counted {kwh(said.registers.wh)} that day"
        for part in said.registers.parts:
            ends = f"{kwh(part.from_wh)} at {wall(part.from_at)}, {kwh(part.to_wh)} at {wall(part.to_at)}"
            yield f"    meter {part.meter}: {ends}"
    for version in said.versions:
        wh = "N/A" if version.wh is None else kwh(version.wh)
        flag = " estimated" if version.estimated else ""
        yield f"  version {version.version}: {wh}{flag}, from {version.source}, {wall(version.received_at)}"
    for receipt in said.receipts:
        yield f"  receipt of version {receipt.version}: {receipt.words}"
    for finding in said.findings:
        yield f"  {finding.check} {finding.severity} in version {finding.version}: {finding.words}"


def wall(at: datetime) -> str:
    """An instant in Chicago's wall time, with the letters of its offset."""
    return f"{at.astimezone(CENTRAL):%Y-%m-%d %H:%M %Z}"
