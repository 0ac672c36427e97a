"""Making the files of an order: every meter asked for again just before it is read, and a lost one left out."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby, islice
from pathlib import Path
from typing import IO

from sqlalchemy import func, select

from gateway.clock import Clock, central_date
from gateway.database import Database
from gateway.identifiers import EsiId
from portal.files.whole_file import to_disk
from portal.meters.tables import meters
from portal.orders.queue import Taken
from portal.orders.request import OrderedReport
from portal.orders.settings import OrderSettings
from portal.orders.shelf import attempt_folder, digest, written
from portal.reports import information
from portal.reports.asked import Asked
from portal.reports.forms import ENDINGS, MEDIA_TYPES, USAGE, Format, Report, View
from portal.reports.many_meters import name_and_type, report_file
from portal.reports.rows import Sources
from portal.usage.report_days import Span
from portal.viewer import Viewer, load_viewer
from portal.visibility import VisibleMeter, find_meters


@dataclass(slots=True)
class Progress:
    """How far the making of an order is: meters times reports that are done."""

    done: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFile:
    """A file that stands on the disk; path is relative to the folder of files, found counts rows that hold anything."""

    report: Report
    format: Format
    name: str
    media_type: str
    path: str
    size: int
    sha256: str
    rows: int
    found: int


@dataclass(slots=True)
class Made:
    """What an attempt has made, and which meters are in it."""

    files: list[MadeFile] = field(default_factory=list)
    reported: set[EsiId] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Some meters of an order that its account sees now, and the Chicago date of each premise's first meter."""

    meters: dict[EsiId, VisibleMeter]
    installed: dict[EsiId, date]


class Maker:
    """Makes orders' files under a folder, from the market's tables and the stores of usage."""

    def __init__(self, database: Database, sources: Sources, settings: OrderSettings, root: Path, clock: Clock) -> None:
        self._database, self._sources = database, sources
        self._settings, self._root, self._clock = settings, root, clock

    async def make(self, taken: Taken, progress: Progress) -> Made:
        """The files of an order. Raises BadInput for a value that a format cannot hold, OSError for a full disk."""
        made = Made()
        for ordered in taken.asked.reports:
            work = self._usage if ordered.report in USAGE else self._information
            made.files.append(await work(taken, ordered, made, progress))
        return made

    async def look(self, account_id: int, esi_ids: Sequence[EsiId]) -> Seen:
        """Which of some meters an account sees at this moment: none if it may not even enter."""
        first = func.min(meters.c.installed_at)
        history = (
            select(meters.c.esi_id, first.label("at")).where(meters.c.esi_id.in_(esi_ids)).group_by(meters.c.esi_id)
        )
        async with self._database.reading() as connection:
            viewer = await load_viewer(connection, account_id)
            if not isinstance(viewer, Viewer):
                return Seen(meters={}, installed={})
            seen = await find_meters(connection, viewer, esi_ids, self._clock.now())
            installed = {row.esi_id: central_date(row.at) for row in await connection.execute(history)}
        return Seen(meters=seen, installed=installed)

    async def _usage(self, taken: Taken, ordered: OrderedReport, made: Made, progress: Progress) -> MadeFile:
        assert ordered.start is not None, "a report of usage has days"
        assert ordered.end is not None, "a report of usage has days"
        span = Span(first=ordered.start, last=ordered.end, every_version=taken.asked.view is View.VERSIONS)
        asked = Asked(report=ordered.report, span=span, format=ordered.format, utc=taken.asked.utc)
        many = len(taken.esi_ids) > 1
        name, media_type = name_and_type(_about(taken), asked, many=many)
        rows = found = 0
        folder = attempt_folder(self._root, taken.id, taken.lease)
        with written(folder, name) as target:
            file = report_file(target, self._sources, asked, self._clock.now(), many=many)
            for some in self._some(taken.esi_ids):
                lost = len(some)
                for together, here in groups(span, await self.look(taken.account_id, some), file.at_once):
                    # An inline database makes nobody wait, and the lease and the word to stop are to have their turns.
                    await asyncio.sleep(0)
                    made.reported.update(meter.esi_id for meter in together)
                    if here.first <= here.last:
                        more = await file.add(together, here)
                        rows, found = rows + more[0], found + more[1]
                    progress.done, lost = progress.done + len(together), lost - len(together)
                progress.done += lost
            await file.close()
            await asyncio.get_running_loop().run_in_executor(None, to_disk, target)
        return await self._stood(folder / name, ordered, media_type, rows, found)

    async def _information(self, taken: Taken, ordered: OrderedReport, made: Made, progress: Progress) -> MadeFile:
        name = f"{ordered.report}-information_{_about(taken)}.{ENDINGS[ordered.format]}"
        folder = attempt_folder(self._root, taken.id, taken.lease)
        rows = 0
        with written(folder, name) as target:
            target.write(information.first_line(ordered.report).encode())
            for some in self._some(taken.esi_ids):
                await asyncio.sleep(0)  # as above
                rows += await self._add_information(taken, ordered, some, made, target)
                progress.done += len(some)
            await asyncio.get_running_loop().run_in_executor(None, to_disk, target)
        return await self._stood(folder / name, ordered, MEDIA_TYPES[ordered.format], rows, rows)

    async def _add_information(
        self, taken: Taken, ordered: OrderedReport, some: Sequence[EsiId], made: Made, target: IO[bytes]
    ) -> int:
        seen = await self.look(taken.account_id, some)
        async with self._database.reading() as connection:
            words = await information.lines(connection, ordered.report, list(seen.meters.values()))
        target.write(words.encode())
        made.reported.update(seen.meters)
        return len(seen.meters)

    async def _stood(self, path: Path, ordered: OrderedReport, media_type: str, rows: int, found: int) -> MadeFile:
        size, sha256 = await asyncio.get_running_loop().run_in_executor(None, digest, path)
        return MadeFile(
            report=ordered.report,
            format=ordered.format,
            name=path.name,
            media_type=media_type,
            path=path.relative_to(self._root).as_posix(),
            size=size,
            sha256=sha256,
            rows=rows,
            found=found,
        )

    def _some(self, esi_ids: Sequence[EsiId]) -> list[Sequence[EsiId]]:
        size = self._settings.meters_at_once
        return [esi_ids[start : start + size] for start in range(0, len(esi_ids), size)]


def groups(span: Span, seen: Seen, most: int) -> Iterator[tuple[list[VisibleMeter], Span]]:
    """Meters in the order of their ESI IDs, together as long as they have the same days of a span and are not too many.

    What lies before the first meter of a premise is nobody's data (RPT-08), so a span may begin later, or be empty.
    """

    def first(esi_id: EsiId) -> date:
        return max(span.first, seen.installed[esi_id])

    for day, same in groupby(sorted(seen.meters), key=first):
        while some := list(islice(same, most)):
            yield [seen.meters[each] for each in some], replace(span, first=day)


def _about(taken: Taken) -> str:
    """What a file is named for: its meter, or the order of many."""
    return str(taken.esi_ids[0]) if len(taken.esi_ids) == 1 else f"order-{taken.number}"
