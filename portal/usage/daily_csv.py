"""The Daily Usage report as CSV, of one meter or of many: rows written by the kernel from the stored blocks."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np

from gateway.errors import BadInput
from portal.usage import smt_write
from portal.usage.kernel import chosen
from portal.usage.report_days import Span, blocks_of, newest_first
from portal.usage.store import IntervalStore, StoredBlock
from portal.usage.unpacked import unpacked
from portal.visibility import VisibleMeter


async def csv_of(store: IntervalStore, meter: VisibleMeter, span: Span) -> AsyncIterator[bytes]:
    """One meter's rows behind the header, by day, channel and newest version; a piece is of a month, some 250 kB.

    Raises BadInput for a value that no interval file can hold.
    """
    yield smt_write.FIRST_LINE.encode()
    async for blocks in blocks_of(store, meter, span):
        await asyncio.sleep(0)  # neither database nor socket need make this wait, and others are to have their turns
        yield smt_rows(blocks)


async def csv_of_many(store: IntervalStore, meters: Sequence[VisibleMeter], span: Span) -> AsyncIterator[bytes]:
    """The rows of many meters behind one header, a meter after the other in the order given, a piece for each.

    Whoever calls has just made sure that they may be seen. A meter without data has no rows. Of memory it takes what
    IntervalStore.many takes, and the text of one meter. Raises BadInput as csv_of does.
    """
    yield smt_write.FIRST_LINE.encode()
    async for blocks in store.many(
        [meter.esi_id for meter in meters], span.first, span.last, every_version=span.every_version
    ):
        await asyncio.sleep(0)  # as above
        if blocks:
            yield smt_rows(newest_first(blocks) if span.every_version else blocks)


def smt_rows(blocks: Sequence[StoredBlock]) -> bytes:
    """The rows of blocks of one meter, as smt_write.rows has them. Raises BadInput as that does."""
    _, days, channels, _, revised, _, _, data = zip(*blocks, strict=True)
    columns = np.array(days, np.int32), np.array(channels, np.uint8), np.array(revised, np.int64)
    try:
        return chosen().format_smt(blocks[0].esi_id, *columns, data)
    except BadInput:  # dates beyond the kernel's calendar; or smt_write says what is wrong
        return "".join(map(smt_write.rows, unpacked(blocks))).encode()
