"""Where interval benchmarks happen: a folder with files of many meters, made when they are first asked for."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from gateway.clock import SystemClock
from gateway.database import Database
from portal.usage.esi_ids import KnownMeters
from portal.usage.kernel.contract import Kernel
from portal.usage.load import load_file
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import SourceFile
from tests.bench._interval_data import Shapes, esi_id, file_pieces, write_file

DAY = date(2026, 5, 1)


@dataclass
class Ground:
    """A folder, and what a meter may have."""

    folder: Path
    shapes: Shapes
    files: dict[str, Path] = field(default_factory=dict)

    def file(self, written_as: str, meters: int, day: date = DAY, days: int = 1) -> Path:
        """Some days of so many meters from a day on, as csv or lse."""
        name = f"{day}-{days}-{meters}.{written_as}"
        if name not in self.files:
            self.files[name] = self.folder / name
            several = [day + timedelta(days=number) for number in range(days)]
            write_file(self.files[name], file_pieces(self.shapes, written_as, several, np.arange(meters)))
        return self.files[name]

    def forget(self, path: Path) -> None:
        """A file is not needed any more."""
        self.files.pop(path.name).unlink()


def known(meters: int) -> KnownMeters:
    """So many meters."""
    return KnownMeters(str(esi_id(number)) for number in range(meters))


def load(
    path: Path, names: KnownMeters, url: str, kernel: Kernel | None = None, before: Shapes | None = None
) -> tuple[float, float]:
    """What `metergate load` does with a file once its store is open, to the committed transaction.

    With shapes the store has had the day before of as many meters, so that they have their numbers, as on any day but
    the first. Returns seconds, and seconds of processor time of all threads of this process.
    """

    async def loaded() -> tuple[float, float]:
        database = Database.open(url)
        store = await SqlIntervalStore.opened(database)
        if before:
            pieces = np.array_split(np.arange(len(names)), 1 + len(names) // 8192)
            batches = [before.batch(piece, DAY - timedelta(days=1)) for piece in pieces]
            source = SourceFile(name="before", sha256="before", received_at=SystemClock().now())
            await store.load_batches(source, partial(iter, batches))
            store = SqlIntervalStore(database)  # a process of its own, which has to read the numbers
        began, cpu = time.perf_counter(), time.process_time()
        await load_file(store, path, names, SystemClock(), lambda count: None, kernel)
        took = time.perf_counter() - began, time.process_time() - cpu
        await database.close()
        return took

    return asyncio.run(loaded())
