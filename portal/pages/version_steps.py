"""What changed from each version of a meter-day to the next: where it came from, which quarter hours, by how much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from portal.pages.chart import times_of
from portal.pages.day_view import NAMES
from portal.pages.formats import ABSENT, thousandths
from portal.usage.store import StoredDay

MOST_RUNS = 6
"""Spans of time that a step names; the table beneath has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A quarter hour in one version: its value, whether the version before has another, and the difference in Wh."""

    value: str
    changed: bool
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A quarter hour in every version, the newest first."""

    hours: str
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStep:
    """A version: its number, source, when it came, the TDSP's revision date, its total in Wh, and what it changed.

    changed counts its quarter hours that differ from the version before, None for the first; where names them.
    """

    version: int
    source: str
    received_at: datetime
    revised_at: datetime | None
    total_wh: int | None
    changed: int | None
    where: str
    step: str
    notes: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """One channel's day in all its versions, newest first, and the quarter hours in which any two of them differ."""

    words: str
    steps: Sequence[VersionStep]
    rows: Sequence[VersionRow]


def versions_of(days: Sequence[StoredDay], sources: Mapping[int, str]) -> Versions:
    """The versions of one channel's day, the newest first; sources are the names of the files that they are (pure)."""
    places = [_changed_places(one, before) for one, before in pairwise(days)]
    steps = [
        _step(one, before, at, sources)
        for one, before, at in zip(days, [*days[1:], None], [*places, None], strict=True)
    ]
    spans = times_of(days[0].data.day).spans
    differing = sorted(set().union(*places)) if places else []
    return Versions(
        words=NAMES[days[0].data.channel][0],
        steps=steps,
        rows=[VersionRow(hours=spans[place], cells=_cells(days, place)) for place in differing],
    )


def _told(day: StoredDay, place: int) -> tuple[int | None, bool]:
    return day.data.values[place], day.data.estimated[place]


def _changed_places(one: StoredDay, before: StoredDay) -> list[int]:
    return [place for place in range(len(one.data.values)) if _told(one, place) != _told(before, place)]


def _step(
    one: StoredDay, before: StoredDay | None, places: Sequence[int] | None, sources: Mapping[int, str]
) -> VersionStep:
    known = any(value is not None for value in one.data.values)
    step, notes = "", list[str]()
    if before is not None and places is not None:
        step = f"{_signed(one.data.total_wh - before.data.total_wh)} Wh"
        notes = _notes([(_told(before, place), _told(one, place)) for place in places])
    return VersionStep(
        version=one.version,
        source=sources.get(one.version, ABSENT),
        received_at=one.received_at,
        revised_at=one.data.revised_at,
        total_wh=one.data.total_wh if known else None,
        changed=None if places is None else len(places),
        where="" if places is None else runs_in_words(one, places),
        step=step,
        notes=notes,
    )


def runs_in_words(day: StoredDay, places: Sequence[int]) -> str:
    """Quarter hours as spans of time, neighbours joined: `08:00 to 10:00, 14:15 to 14:30`."""
    ends = [span.partition(" to ")[2] for span in times_of(day.data.day).spans]
    starts = times_of(day.data.day).starts
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][1] == place - 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    words = [f"{starts[first]} to {ends[last]}" for first, last in runs[:MOST_RUNS]]
    more = len(runs) - MOST_RUNS
    return ", ".join(words) + (f" and {more} more" if more > 0 else "")


def _notes(pairs: Sequence[tuple[tuple[int | None, bool], tuple[int | None, bool]]]) -> list[str]:
    """What became of quality: missing values that came, values that went, estimates that were replaced."""
    counts = {
        "came": sum(old is None and new is not None for (old, _), (new, _) in pairs),
        "went missing": sum(old is not None and new is None for (old, _), (new, _) in pairs),
        "estimated, now actual": sum(
            was and not now for (old, was), (new, now) in pairs if old is not None and new is not None
        ),
        "actual, now estimated": sum(
            now and not was for (old, was), (new, now) in pairs if old is not None and new is not None
        ),
    }
    return [f"{count} {words}" for words, count in counts.items() if count]


def _cells(days: Sequence[StoredDay], place: int) -> list[Cell]:
    told = [_told(each, place) for each in days]
    return [_cell(*pair) for pair in pairwise([*told, None]) if pair[0] is not None]


def _cell(told: tuple[int | None, bool] | None, before: tuple[int | None, bool] | None) -> Cell:
    assert told is not None
    wh, estimated = told
    value = f"{thousandths(wh)}{' E' if estimated and wh is not None else ''}"
    if before is None or told == before:
        return Cell(value=value, changed=False, step="")
    if wh is None or before[0] is None:
        return Cell(value=value, changed=True, step="")
    return Cell(value=value, changed=True, step=f"{_signed(wh - before[0])} Wh" if wh != before[0] else "same value")


def _signed(wh: int) -> str:
    return f"{wh:+,}" if wh else "±0"
