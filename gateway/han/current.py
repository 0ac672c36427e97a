"""Which notices a device must still be told when it asks: until when each holds, and what takes one back (pure).

The driver applies the clusters' own rules to what it remembers; here only so much is kept that a restart of the
gateway loses nothing: a text until a newer one, prices and events until they are over or cancelled.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.han.notices import CancelAllLoadControl, CancelLoadControl, CancelText, LoadControl, Notice, Price, Text

Lasting = Text | Price | LoadControl
"""The notices that hold for a while; the others only take these back."""


def dated(notice: Notice, now: datetime) -> Notice:
    """A notice that begins now, with that instant in it: told again later, it must not begin anew."""
    if isinstance(notice, Text | Price | LoadControl) and notice.starts_at is None:
        return replace(notice, starts_at=now)
    return notice


def over_at(notice: Lasting) -> datetime | None:
    """When a dated notice is over, None if it holds until something newer."""
    if notice.starts_at is None or notice.duration_min is None:
        return None
    return notice.starts_at + timedelta(minutes=notice.duration_min)


def ends(newer: Notice, older: Lasting, now: datetime) -> bool:
    """Whether a newer notice leaves nothing of an older one, both dated.

    A display keeps one text at a time; a price ends with the next one that covers the rest of it; an event ends with
    its cancellation, unless that takes effect later. What has not begun leaves what has begun alone, and is left alone.
    """
    if isinstance(newer, CancelText):
        return isinstance(older, Text) and older.event == newer.event
    if isinstance(newer, CancelAllLoadControl):
        return isinstance(older, LoadControl)
    if isinstance(newer, CancelLoadControl):
        takes_effect = newer.effective_at is None or newer.effective_at <= now
        return isinstance(older, LoadControl) and older.event == newer.event and takes_effect
    if type(newer) is not type(older):
        return False
    if newer.event == older.event:
        return True
    if isinstance(newer, LoadControl) or not (_has_begun(newer, now) and _has_begun(older, now)):
        return False
    return isinstance(newer, Text) or _lasts_as_long(newer, older)


def _has_begun(notice: Lasting, now: datetime) -> bool:
    return notice.starts_at is None or notice.starts_at <= now


def _lasts_as_long(newer: Lasting, older: Lasting) -> bool:
    until, other = over_at(newer), over_at(older)
    return until is None or (other is not None and until >= other)
