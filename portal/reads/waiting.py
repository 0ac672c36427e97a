"""Waiting for a read to change, inside one process: whoever waits is handed the read as it was just recorded."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.identifiers import RequestId
from portal.reads.shown import OnDemandRead


class Bells:
    """One bell per read that somebody waits for; nothing is kept for reads that nobody waits for."""

    def __init__(self) -> None:
        self._listening: dict[RequestId, set[asyncio.Queue[OnDemandRead]]] = {}

    def __contains__(self, read_id: RequestId) -> bool:
        return read_id in self._listening

    @contextmanager
    def listening(self, read_id: RequestId) -> Iterator[asyncio.Queue[OnDemandRead]]:
        """Each change of the read from now on, in order; a read changes a handful of times at most."""
        changes: asyncio.Queue[OnDemandRead] = asyncio.Queue()
        self._listening.setdefault(read_id, set()).add(changes)
        try:
            yield changes
        finally:
            others = self._listening[read_id]
            others.discard(changes)
            if not others:
                del self._listening[read_id]

    def ring(self, read: OnDemandRead) -> None:
        """Tell whoever waits what the read is now."""
        for changes in self._listening.get(read.id, ()):
            changes.put_nowait(read)
