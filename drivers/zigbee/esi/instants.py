"""Instants as Smart Energy writes them: seconds since 2000 in 32 bits, with two numbers that are none (pure)."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_NOW, _INVALID = 0, 0xFFFFFFFF


def seconds(instant: datetime | None) -> int:
    """As it is written; None is 0, which means now. An instant that does not fit is written as invalid."""
    if instant is None:
        return _NOW
    since = int((instant - _EPOCH).total_seconds())
    return since if 0 < since < _INVALID else _INVALID


def instant(written: int) -> datetime | None:
    """As it is meant; None for now and for invalid, which both leave it to whoever reads it."""
    return None if written in (_NOW, _INVALID) else _EPOCH + timedelta(seconds=written)
