"""What one device is to know at an instant: its prices, its load-control events and its text (pure).

Source: ZigBee Smart Energy 1.4, D.2.4 and D.4.2.4.1. The rules in our words:
* A larger event id is newer, and of two notices for the same time the newer one holds. Prices meet whenever their spans
  overlap; load-control events only if they share a device class and a group as well (group 0 shares with all).
* What a newer notice meets is taken off at once, though only its end be met, with one exception: what is under way
  stays until the newer one begins, and a price is said to end then.
* An event id that comes again replaces what had it. What is over is dropped.
* There is one text, the newest; an older one that comes late is not shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from gateway.han.notices import (
    CancelAllLoadControl,
    CancelLoadControl,
    CancelText,
    LoadControl,
    Notice,
    Price,
    Text,
)

Kind = TypeVar("Kind", bound=Text | Price | LoadControl)

MOST = 64
"""How many prices, and how many events, one device is to know: two days and a half of hourly prices."""


class BoardFull(Exception):
    """A device has as many prices or events ahead of it as one may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Generic[Kind]):
    """A notice with its span; ends_at None is until changed."""

    notice: Kind
    starts_at: datetime
    ends_at: datetime | None

    @property
    def event(self) -> int:
        """The notice's id."""
        return self.notice.event

    def over(self, now: datetime) -> bool:
        """Whether its span has passed."""
        return self.ends_at is not None and self.ends_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One device's notices; prices and events in the order of their starts."""

    prices: tuple[Entry[Price], ...] = ()
    events: tuple[Entry[LoadControl], ...] = ()
    text: Entry[Text] | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing left to know."""
        return not self.prices and not self.events and self.text is None


def spanned(notice: Kind, now: datetime) -> Entry[Kind]:
    """A notice's span if it is given out now."""
    starts_at = notice.starts_at or now
    minutes = notice.duration_min
    return Entry(
        notice=notice,
        starts_at=starts_at,
        ends_at=None if minutes is None else starts_at + timedelta(minutes=minutes),
    )


def pinned(board: Board, notice: Notice, now: datetime) -> Board:
    """The board with one more notice, or without what that takes back. Raises BoardFull."""
    board = settled(board, now)
    match notice:
        case Text():
            is_older = board.text is not None and board.text.event > notice.event
            return board if is_older else replace(board, text=spanned(notice, now))
        case CancelText():
            taken = board.text is not None and board.text.event == notice.event
            return replace(board, text=None) if taken else board
        case Price():
            return settled(replace(board, prices=_with(board.prices, spanned(notice, now))), now)
        case LoadControl():
            return settled(replace(board, events=_with(board.events, spanned(notice, now))), now)
        case CancelLoadControl():
            ends_at = notice.effective_at or now
            events = tuple(_ended(event, ends_at) if event.event == notice.event else event for event in board.events)
            return settled(replace(board, events=events), now)
        case CancelAllLoadControl():
            return replace(board, events=())


def settled(board: Board, now: datetime) -> Board:
    """The board without what is over or superseded at an instant."""
    text = board.text
    return Board(
        prices=_standing(board.prices, now),
        events=_standing(board.events, now),
        text=None if text is None or text.over(now) else text,
    )


def current_price(board: Board, now: datetime) -> Entry[Price] | None:
    """The price that holds now, if there is one."""
    begun = [entry for entry in scheduled_prices(board, now, now) if entry.starts_at <= now]
    return begun[-1] if begun else None


def scheduled_prices(board: Board, earliest: datetime, now: datetime) -> list[Entry[Price]]:
    """The prices that end after an instant, each ending where a newer one begins."""
    prices = settled(board, now).prices
    shown = [replace(price, ends_at=_cut(price, prices)) for price in prices]
    return [price for price in shown if not price.over(earliest)]


def scheduled_events(
    board: Board, earliest: datetime | None, lowest_event: int | None, now: datetime
) -> list[Entry[LoadControl]]:
    """The load-control events that a device asks for from an instant on (None: all that stand).

    A device that names an event too (1.2b) asks on from there: from those that start then, the ids below are left out,
    and so is what started before. One that does not asks for what ends after the instant.
    """
    events = settled(board, now).events
    if earliest is None:
        return list(events)
    if lowest_event is None:
        return [event for event in events if not event.over(earliest)]
    return [event for event in events if (event.starts_at, event.event) >= (earliest, lowest_event)]


def _with(entries: tuple[Entry[Kind], ...], added: Entry[Kind]) -> tuple[Entry[Kind], ...]:
    others = tuple(other for other in entries if other.event != added.event)
    if len(others) >= MOST:
        raise BoardFull
    return tuple(sorted((*others, added), key=lambda one: (one.starts_at, one.event)))


def _ended(event: Entry[LoadControl], at: datetime) -> Entry[LoadControl]:
    return event if event.ends_at is not None and event.ends_at <= at else replace(event, ends_at=at)


def _standing(entries: Sequence[Entry[Kind]], now: datetime) -> tuple[Entry[Kind], ...]:
    """Superseded first, then what is over: a newer one that is over by now has taken off what it met."""
    left = [entry for entry in entries if not any(_supersedes(newer, entry, now) for newer in entries)]
    return tuple(entry for entry in left if not entry.over(now))


def _supersedes(newer: Entry[Kind], older: Entry[Kind], now: datetime) -> bool:
    if newer.event <= older.event or not _meet(newer, older):
        return False
    return older.starts_at > now or newer.starts_at <= now


def _meet(one: Entry[Kind], other: Entry[Kind]) -> bool:
    apart = one.over(other.starts_at) or other.over(one.starts_at)
    return not apart and _same_load(one.notice, other.notice)


def _same_load(one: Text | Price | LoadControl, other: Text | Price | LoadControl) -> bool:
    """Prices are all for the same meter; load-control events may be for different loads of a home."""
    if not isinstance(one, LoadControl) or not isinstance(other, LoadControl):
        return True
    share_group = one.group == other.group or 0 in (one.group, other.group)
    return share_group and not set(one.classes).isdisjoint(other.classes)


def _cut(price: Entry[Price], prices: Sequence[Entry[Price]]) -> datetime | None:
    """When a price ends: by itself, or where a newer one that it meets begins."""
    starts = [newer.starts_at for newer in prices if newer.event > price.event and _meet(newer, price)]
    ends = [*starts, *([] if price.ends_at is None else [price.ends_at])]
    return min(ends, default=None)
