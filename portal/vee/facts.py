"""Reads what a verdict needs of a day: its versions with their receipts, and the days around it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from gateway.database import Database
from gateway.identifiers import EsiId
from portal.usage.intervals import Channel
from portal.usage.store import IntervalStore
from portal.usage.tables import source_files
from portal.vee.checks import Severity
from portal.vee.estimate import Receipt
from portal.vee.like_day import Reference, earliest
from portal.vee.places import places_of
from portal.vee.settings import VeeSettings
from portal.vee.tables import findings, receipts
from portal.vee.verdict import Version

COLLECTED = "collected by "
"""How portal.usage.collected names what gateways told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is known around a day: possible references, and the neighbours of its first and last quarter hour."""

    history: Mapping[date, Reference]
    before: int | None
    after: int | None


class FactsReader:
    """Over the interval store and the database that it is in."""

    def __init__(self, store: IntervalStore, database: Database) -> None:
        self._store, self._database = store, database

    async def versions(self, esi_id: EsiId, first: date, last: date) -> Mapping[tuple[date, Channel], list[Version]]:
        """Every version of some days of a meter by day and channel, rising."""
        stored = await self._store.versions(esi_id, first, last)
        names = await self._names({each.version for each in stored})
        proofs = await self._receipts(esi_id, first, last)
        found: dict[tuple[date, Channel], list[Version]] = defaultdict(list)
        for each in stored:
            data = each.data
            ours = proofs.get((data.day, data.channel, each.version), [])
            name = names[each.version]
            found[data.day, data.channel].append(
                Version(
                    version=each.version,
                    name=name,
                    received_at=each.received_at,
                    revised_at=data.revised_at,
                    values=data.values,
                    estimated=data.estimated,
                    collected=not ours and name.startswith(COLLECTED),
                    receipts=tuple(receipt for receipt, _ in ours),
                    replaced=ours[0][1] if ours else 0,
                )
            )
        return found

    async def around(self, esi_id: EsiId, channel: Channel, day: date, policy: VeeSettings) -> Around:
        """The days that estimation of a day may look at."""
        first, last = min(earliest(day, policy), day - timedelta(days=1)), day + timedelta(days=1)
        doubtful = await self._doubtful(esi_id, channel, first, last)
        history: dict[date, Reference] = {}
        edges: dict[date, tuple[int | None, int | None]] = {}
        for each in await self._store.current(esi_id, first, last):
            data = each.data
            if data.channel is not channel or data.day == day:
                continue
            wrong = doubtful.get((data.day, each.version), frozenset())
            sound = [
                place not in wrong and (not flag or policy.estimated_as_reference)
                for place, flag in enumerate(data.estimated)
            ]
            history[data.day] = Reference(values=data.values, usable=sound)
            edges[data.day] = (
                None if data.estimated[0] or 0 in wrong else data.values[0],
                None if data.estimated[-1] or len(data.values) - 1 in wrong else data.values[-1],
            )
        none = (None, None)
        before, after = edges.get(day - timedelta(days=1), none)[1], edges.get(last, none)[0]
        return Around(history=history, before=before, after=after)

    async def _names(self, versions: set[int]) -> dict[int, str]:
        statement = select(source_files.c.id, source_files.c.name).where(source_files.c.id.in_(versions))
        async with self._database.reading() as connection:
            return {row.id: row.name for row in await connection.execute(statement)}

    async def _receipts(
        self, esi_id: EsiId, first: date, last: date
    ) -> Mapping[tuple[date, Channel, int], list[tuple[Receipt, int]]]:
        columns = receipts.c
        statement = (
            select(receipts, source_files.c.id.label("version"))
            .join(source_files, source_files.c.sha256 == columns.sha256)
            .where(columns.esi_id == esi_id, columns.day.between(first, last))
            .order_by(columns.day, columns.channel, source_files.c.id, columns.first)
        )
        found: dict[tuple[date, Channel, int], list[tuple[Receipt, int]]] = defaultdict(list)
        async with self._database.reading() as connection:
            for row in await connection.execute(statement):
                receipt = Receipt(rule=row.rule, places=places_of(row.places), inputs=row.inputs)
                found[row.day, row.channel, row.version].append((receipt, row.replaced))
        return found

    async def _doubtful(
        self, esi_id: EsiId, channel: Channel, first: date, last: date
    ) -> Mapping[tuple[date, int], frozenset[int]]:
        """Places of values that failed a check, by day and version: they are never references."""
        rows = await self.found(esi_id, first, last)
        doubtful: dict[tuple[date, int], frozenset[int]] = {}
        for row in rows:
            if row.channel is channel and row.severity is Severity.FAILURE:
                key = (row.day, row.version)
                doubtful[key] = doubtful.get(key, frozenset()) | frozenset(places_of(row.places))
        return doubtful

    async def found(self, esi_id: EsiId, first: date, last: date) -> Sequence[Any]:
        """The findings of a meter on some days, by day, channel and version."""
        columns = findings.c
        statement = (
            select(findings)
            .where(columns.esi_id == esi_id, columns.day.between(first, last))
            .order_by(columns.day, columns.channel, columns.version, columns.check)
        )
        async with self._database.reading() as connection:
            return (await connection.execute(statement)).all()
