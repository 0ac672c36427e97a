"""The statuses of an on-demand read as the portal knows them, and what each word told makes of them (pure).

The gateway's stages may be told late, twice or not at all; an end is an end, except that a success that arrives
after a failure replaces it, for it happened and it counts.
"""

from enum import StrEnum


class ReadStatus(StrEnum):
    """How far an on-demand read has come."""

    QUEUED = "queued"
    SENT = "sent"
    ACCEPTED = "accepted"
    ON_AIR = "on_air"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"


OPEN = (ReadStatus.QUEUED, ReadStatus.SENT, ReadStatus.ACCEPTED, ReadStatus.ON_AIR)
"""The statuses in which a read may still end; one meter has at most one such read."""


class Told(StrEnum):
    """What can be told of a read: by the broker (sent), by the gateway, or by the portal's own clock (timed_out)."""

    SENT = "sent"
    ACCEPTED = "accepted"
    ON_AIR = "on_air"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"


_ENDS = {
    Told.DONE: ReadStatus.DONE,
    Told.FAILED: ReadStatus.FAILED,
    Told.REFUSED: ReadStatus.REFUSED,
    Told.TIMED_OUT: ReadStatus.FAILED,
}

TRANSITIONS: dict[tuple[ReadStatus, Told], ReadStatus] = {
    (ReadStatus.QUEUED, Told.SENT): ReadStatus.SENT,
    (ReadStatus.QUEUED, Told.ACCEPTED): ReadStatus.ACCEPTED,
    (ReadStatus.QUEUED, Told.ON_AIR): ReadStatus.ON_AIR,
    (ReadStatus.SENT, Told.ACCEPTED): ReadStatus.ACCEPTED,
    (ReadStatus.SENT, Told.ON_AIR): ReadStatus.ON_AIR,
    (ReadStatus.ACCEPTED, Told.ON_AIR): ReadStatus.ON_AIR,
    **{(status, told): end for status in OPEN for told, end in _ENDS.items()},
    (ReadStatus.FAILED, Told.DONE): ReadStatus.DONE,
    (ReadStatus.REFUSED, Told.DONE): ReadStatus.DONE,
}
"""Status and word to the next status; a pair that is absent changes nothing."""


def is_open(status: ReadStatus) -> bool:
    """Whether the read may still end."""
    return status in OPEN
