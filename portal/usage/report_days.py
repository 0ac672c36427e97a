"""The meter-days of a report, drawn from the store as they are written: never more than a few at once."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from portal.usage.batch import CHANNELS
from portal.usage.intervals import Channel
from portal.usage.store import IntervalStore, StoredBlock, StoredDay
from portal.usage.unpacked import unpacked
from portal.visibility import VisibleMeter

BLOCKS_AT_ONCE = 64
"""Blocks that are handed over together, a month of two channels; the next are gathered while they are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Chicago days, first and last included, in their current version or in every one."""

    first: date
    last: date
    every_version: bool = False


async def blocks_of(
    store: IntervalStore, meter: VisibleMeter, span: Span, channels: Collection[Channel] = CHANNELS
) -> AsyncIterator[list[StoredBlock]]:
    """A meter's blocks, a month at a time, ordered as newest_first does."""
    wanted = {CHANNELS.index(channel) for channel in channels}
    async for blocks in store.rows(meter.esi_id, span.first, span.last, every_version=span.every_version):
        some = [block for block in blocks if block.channel in wanted]
        start = 0
        while start < len(some):
            end = _end_of_batch(some, start)
            yield newest_first(some[start:end]) if span.every_version else some[start:end]
            start = end
        del blocks, some  # before the next are fetched


def _end_of_batch(blocks: Sequence[StoredBlock], start: int) -> int:
    """Where a batch ends that begins at start: between meter-days, for the versions of one are turned round."""
    end = start + BLOCKS_AT_ONCE
    while end < len(blocks) and blocks[end][1:3] == blocks[end - 1][1:3]:
        end += 1
    return end


def newest_first(blocks: Iterable[StoredBlock]) -> list[StoredBlock]:
    """By day and channel; of several versions of a meter-day the newest comes first, so that the first is current."""
    return sorted(blocks, key=lambda block: (block.day, block.channel, -block.version))


async def days_of(
    store: IntervalStore, meter: VisibleMeter, span: Span, channels: Collection[Channel] = CHANNELS
) -> AsyncIterator[StoredDay]:
    """A meter's days, ordered as newest_first does."""
    async for blocks in blocks_of(store, meter, span, channels):
        received = await store.received({block.version for block in blocks})
        for block, day in zip(blocks, unpacked(blocks), strict=True):
            # Neither the database nor the socket need make a coroutine wait, and others are to have their turns.
            await asyncio.sleep(0)
            yield StoredDay(version=block.version, received_at=received[block.version], data=day)


async def newest_versions(store: IntervalStore, meter: VisibleMeter, span: Span) -> dict[Channel, int]:
    """The channels that have anything in a span of days, each with the newest version that it has there."""
    found: dict[Channel, int] = {}
    async for blocks in store.rows(meter.esi_id, span.first, span.last, every_version=False):
        for block in blocks:
            channel = CHANNELS[block.channel]
            found[channel] = max(found.get(channel, 0), block.version)
    return found
