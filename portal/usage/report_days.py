"""The meter-days of a report, drawn from the store as they are written: never more than a few at once."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from portal.usage.batch import CHANNELS, instant
from portal.usage.day_block import unpack
from portal.usage.intervals import Channel, MeterDay
from portal.usage.store import IntervalStore, StoredBlock, StoredDay
from portal.visibility import VisibleMeter

BLOCKS_AT_ONCE = 64
"""Blocks that are unpacked together: a month of two channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Chicago days, first and last included, in their current version or in every one."""

    first: date
    last: date
    every_version: bool = False


async def days_of(
    store: IntervalStore, meter: VisibleMeter, span: Span, channels: Collection[Channel] = CHANNELS
) -> AsyncIterator[StoredDay]:
    """By day and channel; of several versions of a meter-day the newest comes first, so that the first is current."""
    batch: list[StoredBlock] = []
    wanted = {CHANNELS.index(channel) for channel in channels}
    async for block in store.rows(meter.esi_id, span.first, span.last, every_version=span.every_version):
        if block.channel not in wanted:
            continue
        # A batch ends between meter-days, for the versions of one are turned round.
        if len(batch) >= BLOCKS_AT_ONCE and (block.day, block.channel) != (batch[-1].day, batch[-1].channel):
            async for day in _unpacked(store, batch):
                yield day
            batch = []
        batch.append(block)
    async for day in _unpacked(store, batch):
        yield day


async def _unpacked(store: IntervalStore, batch: list[StoredBlock]) -> AsyncIterator[StoredDay]:
    received = await store.received({block.version for block in batch})
    for _, versions in groupby(batch, key=lambda block: (block.day, block.channel)):
        for block in reversed(list(versions)):
            # Neither the database nor the socket need make a coroutine wait, and others are to have their turns.
            await asyncio.sleep(0)
            yield StoredDay(version=block.version, received_at=received[block.version], data=_day(block))


def _day(block: StoredBlock) -> MeterDay:
    values, estimated = unpack(block.data)
    return MeterDay(
        esi_id=block.esi_id,
        day=date.fromordinal(block.day),
        channel=CHANNELS[block.channel],
        revised_at=instant(block.revised),
        values=values,
        estimated=estimated,
    )


async def newest_versions(store: IntervalStore, meter: VisibleMeter, span: Span) -> dict[Channel, int]:
    """The channels that have anything in a span of days, each with the newest version that it has there."""
    found: dict[Channel, int] = {}
    async for block in store.rows(meter.esi_id, span.first, span.last, every_version=False):
        channel = CHANNELS[block.channel]
        found[channel] = max(found.get(channel, 0), block.version)
    return found
