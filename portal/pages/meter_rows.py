"""What the pages ask of the database about one visible meter, and about the list of a viewer's meters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.identifiers import EsiId, RequestId
from gateway.questions import Question
from gateway.read_policy import ReadLimits
from portal.accounts.tables import accounts
from portal.companies.kinds import Kind
from portal.companies.tables import companies
from portal.market.tables import premises, rep_spans
from portal.meters.pattern_search import search_by_pattern
from portal.meters.tables import attachments, meters
from portal.pages.meter_list import SHOW_ALL_UP_TO, Column, Row
from portal.pages.meter_search import Search
from portal.pages.read_card import Allowance, Tag, allowance, outcome_tag, took_s, trouble
from portal.reads.ask import LOOK_BACK
from portal.reads.history import reads_of
from portal.reads.shown import OnDemandRead, shown
from portal.reads.status import ReadStatus, is_open
from portal.reads.tables import read_askers, reads
from portal.viewer import Viewer
from portal.visibility import VisibleMeter, ask_holders, ask_meters, mint, visible_meters

READS_SHOWN = 10
READS_LOOKED_AT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFacts:
    """What heads a meter's page: whose wires, energized or not (None: not told), REP of record since when."""

    tdsp: str
    energized: bool | None
    provisioned: bool
    rep_since: datetime | None


_CURRENT = and_(
    rep_spans.c.esi_id == premises.c.esi_id,
    rep_spans.c.from_at <= bindparam("at"),
    or_(rep_spans.c.to_at.is_(None), rep_spans.c.to_at > bindparam("at")),
)
_FACTS = Question(
    select(companies.c.name, meters.c.status, meters.c.provisioned_at, rep_spans.c.from_at)
    .select_from(meters.join(premises).join(companies, companies.c.id == premises.c.tdsp_id))
    .outerjoin(rep_spans, _CURRENT)
    .where(meters.c.id == bindparam("meter"))
)


async def meter_facts(database: Database, meter: VisibleMeter, at: datetime) -> MeterFacts:
    """The facts of a meter at an instant."""
    (row,) = await database.ask(_FACTS, meter=meter.id, at=at)
    return MeterFacts(
        tdsp=row.name,
        energized=None if row.status is None else row.status.upper() == "E",
        provisioned=row.provisioned_at is not None and row.provisioned_at <= at,
        rep_since=row.from_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    """A read in a table; asked_by names the askers of the viewer's own company, empty if there are none."""

    read: OnDemandRead
    asked_by: str
    gateway: str

    @property
    def tag(self) -> Tag:
        """The outcome as a word."""
        return outcome_tag(self.read)

    @property
    def trouble(self) -> str | None:
        """Why there is no value."""
        return trouble(self.read)

    @property
    def took(self) -> float | None:
        """Seconds from the request to its end."""
        return took_s(self.read)

    @property
    def pending(self) -> bool:
        """Whether it may still end."""
        return is_open(self.read.status)


async def last_reads(database: Database, meter: VisibleMeter, viewer: Viewer) -> list[ReadRow]:
    """The newest reads of the premise that the viewer sees, newest first."""
    rows = await reads_of(database, meter, viewer, READS_SHOWN)
    names = await _askers(database, meter, viewer) if rows else {}
    return [
        ReadRow(read=shown(row), asked_by=", ".join(names.get(row["id"], ())), gateway=row["gateway"]) for row in rows
    ]


_LATEST = (
    select(reads.c.id)
    .where(reads.c.esi_id == bindparam("esi_id", type_=reads.c.esi_id.type))
    .order_by(reads.c.asked_at.desc(), reads.c.id.desc())
    .limit(bindparam("most"))
)
_ASKERS = Question(
    select(read_askers.c.read_id, accounts.c.first_name, accounts.c.last_name)
    .join(accounts)
    .where(
        read_askers.c.read_id.in_(_LATEST),
        or_(accounts.c.id == bindparam("own_account"), accounts.c.company_id == bindparam("own_company")),
    )
    .order_by(read_askers.c.asked_at, accounts.c.id)
)


async def _askers(database: Database, meter: VisibleMeter, viewer: Viewer) -> dict[RequestId, list[str]]:
    """Who of the viewer's own asked for the latest reads of a premise, in the order of asking.

    A customer sees fewer reads than the premise has, so more of them are looked through.
    """
    own = {"own_account": viewer.account_id, "own_company": viewer.company_id}
    names: dict[RequestId, list[str]] = {}
    for row in await database.ask(_ASKERS, esi_id=meter.esi_id, most=READS_LOOKED_AT, **own):
        names.setdefault(row.read_id, []).append(f"{row.first_name} {row.last_name}")
    return names


_ACCEPTED = Question(
    select(reads.c.accepted_at).where(
        reads.c.meter_id == bindparam("meter"),
        reads.c.status == ReadStatus.DONE,
        reads.c.accepted_at > bindparam("since"),
    )
)


async def meter_allowance(database: Database, meter: VisibleMeter, now: datetime, limits: ReadLimits) -> Allowance:
    """What the read policy says of a meter, on what is recorded here; its gateway decides finally."""
    accepted = await database.ask(_ACCEPTED, meter=meter.id, since=now - LOOK_BACK)
    return allowance([row.accepted_at for row in accepted], now, limits)


async def listed_meters(
    database: Database, viewer: Viewer, at: datetime, search: Search | None = None, *, customers: bool = True
) -> list[Row]:
    """A viewer's meters, at most 500, or those of them that a search finds (MTR-10), with their customers or not."""
    if search is None:
        found = await ask_meters(database, viewer, at, SHOW_ALL_UP_TO)
        return _rows(found, await ask_holders(database, viewer, at, SHOW_ALL_UP_TO) if customers else {})
    column = meters.c.esi_id if search.by is Column.ESI_ID else meters.c.number
    if search.pattern:
        listed = await search_by_pattern(database, viewer, at, column, search.pattern, SHOW_ALL_UP_TO)
    else:
        asked = visible_meters(viewer, at).where(column.in_(search.values)).order_by(meters.c.esi_id)
        async with database.reading() as connection:
            listed = [mint(row) for row in await connection.execute(asked)]
    if not customers or viewer.kind is not Kind.REP:
        return _rows(listed, {})
    async with database.reading() as connection:
        return _rows(listed, await _customers(connection, [meter.esi_id for meter in listed]))


def _rows(found: Sequence[VisibleMeter], people: Mapping[EsiId, tuple[str, str]]) -> list[Row]:
    nobody = ("", "")
    pairs = ((meter, people.get(meter.esi_id, nobody)) for meter in found)
    return [Row(meter=meter, customer=customer, email=email) for meter, (customer, email) in pairs]


async def _customers(connection: AsyncConnection, esi_ids: Sequence[EsiId]) -> dict[EsiId, tuple[str, str]]:
    """Name and email of the customers who attached meters (MTR-03, CUS-04)."""
    asked = (
        select(attachments.c.esi_id, accounts.c.first_name, accounts.c.last_name, accounts.c.email)
        .join(accounts)
        .where(attachments.c.esi_id.in_(esi_ids))
    )
    return {row.esi_id: (f"{row.first_name} {row.last_name}", row.email) for row in await connection.execute(asked)}
