"""The one door to meters: who sees which, stated twice (as a predicate and as SQL), and minted as VisibleMeter.

A REP's account sees a meter if the current REP of record is a DUNS number of its company that is Active and granted
to the account (administrators hold all), and account and company are Active (guide 3.2, 4.3, 5.1; ROR-06, ROR-07,
GATE-01, GATE-02). A customer sees what he attached, a TDSP its own meters, ERCOT and the PUCT all. Nobody but its
TDSP sees a meter before it is provisioned, and nobody at all after its removal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Subquery,
    and_,
    bindparam,
    exists,
    false,
    func,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database, Instant
from gateway.identifiers import Duns, EsiId, GatewayId, MeterNumber
from gateway.questions import Question
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts, duns_grants
from portal.api_keys.keys import KeyHolder
from portal.companies.kinds import Kind
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.market.addresses import service_address
from portal.market.spans import Span, current_rep
from portal.market.tables import premises, rep_spans
from portal.meters.tables import attachments, meters
from portal.reads.tables import read_askers, reads
from portal.viewer import Viewer

AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleMeter:
    """A meter that its viewer may see at this moment. Only this module makes one; take it as the proof that it is."""

    id: Annotated[int, Field(exclude=True)]
    gateway: Annotated[GatewayId | None, Field(exclude=True)]
    esi_id: EsiId
    number: MeterNumber
    service_address: str
    city: str
    state: str
    zip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisiblePremise:
    """A premise whose history its viewer may see at this moment; only this module makes one."""

    esi_id: EsiId
    tdsp_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the rule asks of an account; duns are all numbers of its company by status."""

    account_id: int
    account: AccountStatus
    kind: Kind
    company_id: int | None = None
    company: CompanyStatus | None = None
    administrator: bool = False
    duns: Mapping[Duns, DunsStatus] = field(default_factory=dict)
    granted: frozenset[Duns] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFacts:
    """What the rule asks of a meter and its premise."""

    tdsp_id: int
    spans: Sequence[Span] = ()
    customer_id: int | None = None
    provisioned_at: datetime | None = None
    removed_at: datetime | None = None


def can_see(who: Standing, meter: MeterFacts, at: datetime) -> bool:
    """The rule as a predicate: may this account see this meter at this instant?"""
    if who.account is not AccountStatus.ACTIVE or meter.removed_at is not None:
        return False
    if who.kind is not Kind.CUSTOMER and who.company is not CompanyStatus.ACTIVE:
        return False
    if who.kind is Kind.TDSP:
        return meter.tdsp_id == who.company_id
    if meter.provisioned_at is None or meter.provisioned_at > at:
        return False
    if who.kind is Kind.CUSTOMER:
        return meter.customer_id == who.account_id
    if who.kind is Kind.REP:
        rep = current_rep(meter.spans, at)
        held = who.administrator or rep in who.granted
        return rep is not None and who.duns.get(rep) is DunsStatus.ACTIVE and held
    return who.kind in (Kind.ERCOT, Kind.PUCT)


_ACCOUNT = bindparam("viewer_account", type_=accounts.c.id.type)
_AT = bindparam("visible_at", type_=Instant)
_ACTIVE_ACCOUNT = and_(accounts.c.id == _ACCOUNT, accounts.c.status == AccountStatus.ACTIVE)
_ACTIVE_COMPANY = companies.c.status == CompanyStatus.ACTIVE
_ON_WALL = meters.c.removed_at.is_(None)
_PROVISIONED = and_(_ON_WALL, meters.c.provisioned_at <= _AT)
_STAFF = accounts.join(companies, companies.c.id == accounts.c.company_id)
_METERS = meters.join(premises, premises.c.esi_id == meters.c.esi_id)
_CURRENT_SPAN = and_(
    rep_spans.c.esi_id == meters.c.esi_id,
    rep_spans.c.from_at <= _AT,
    or_(rep_spans.c.to_at.is_(None), rep_spans.c.to_at > _AT),
)
_ACTIVE_NUMBER = and_(duns_numbers.c.duns == rep_spans.c.duns, duns_numbers.c.status == DunsStatus.ACTIVE)
_HELD_NOW = _METERS.join(rep_spans, _CURRENT_SPAN).join(duns_numbers, _ACTIVE_NUMBER)
"""Meters with the Active DUNS number that is their REP of record."""
_SHOWN = (
    meters.c.id,
    meters.c.number,
    meters.c.esi_id,
    meters.c.gateway,
    premises.c.house_number,
    premises.c.house_fraction,
    premises.c.leading_directional,
    premises.c.street_name,
    premises.c.street_type,
    premises.c.trailing_directional,
    premises.c.unit,
    premises.c.city,
    premises.c.state,
    premises.c.zip,
)


def _seen_by(kind: Kind) -> Select[Any]:
    """The rule as SQL, for one kind of viewer: the rows of meters joined with premises."""
    seen = select(*_SHOWN)
    if kind is Kind.CUSTOMER:
        held = _METERS.join(attachments, attachments.c.esi_id == meters.c.esi_id)
        held = held.join(accounts, and_(accounts.c.id == attachments.c.account_id, accounts.c.company_id.is_(None)))
        return seen.select_from(held).where(_ACTIVE_ACCOUNT, _PROVISIONED)
    staff = and_(_ACTIVE_ACCOUNT, _ACTIVE_COMPANY, companies.c.kind == kind)
    if kind is Kind.TDSP:
        return seen.select_from(_METERS.join(_STAFF, companies.c.id == premises.c.tdsp_id)).where(staff, _ON_WALL)
    if kind is Kind.REP:
        held = _HELD_NOW.join(_STAFF, companies.c.id == duns_numbers.c.company_id)
        grant = select(duns_grants.c.duns_id).where(
            duns_grants.c.account_id == accounts.c.id, duns_grants.c.duns_id == duns_numbers.c.id
        )
        return seen.select_from(held).where(staff, _PROVISIONED, or_(accounts.c.administrator, grant.exists()))
    if kind in (Kind.ERCOT, Kind.PUCT):
        there = select(accounts.c.id).select_from(_STAFF).where(staff).exists()
        return seen.select_from(_METERS).where(there, _PROVISIONED)
    return seen.select_from(_METERS).where(false())


_SEEN = {kind: _seen_by(kind) for kind in Kind}
_ONE = {kind: seen.where(meters.c.esi_id == bindparam("wanted")) for kind, seen in _SEEN.items()}
_ONE_ASKED = {kind: Question(one) for kind, one in _ONE.items()}
_LISTED = {kind: Question(seen.order_by(meters.c.esi_id).limit(bindparam("most"))) for kind, seen in _SEEN.items()}
_HOLDER = accounts.alias("holder")
_HELD_BY = Question(
    _SEEN[Kind.REP]
    .join(attachments, attachments.c.esi_id == meters.c.esi_id)
    .join(_HOLDER, _HOLDER.c.id == attachments.c.account_id)
    .with_only_columns(meters.c.esi_id, _HOLDER.c.first_name, _HOLDER.c.last_name, _HOLDER.c.email)
    .order_by(meters.c.esi_id)
    .limit(bindparam("most"))
)
_COUNTED = {
    kind: Question(
        select(func.count().label("count")).select_from(
            seen.with_only_columns(meters.c.id).limit(bindparam("up_to")).subquery()
        )
    )
    for kind, seen in _SEEN.items()
}


_COMPANY = bindparam("of_company", type_=companies.c.id.type)
_OF_COMPANY = (
    select(*_SHOWN, premises.c.tdsp_id)
    .select_from(_HELD_NOW.join(companies, companies.c.id == duns_numbers.c.company_id))
    .where(companies.c.id == _COMPANY, companies.c.kind == Kind.REP, _ACTIVE_COMPANY, _PROVISIONED)
)


def meters_of_rep(company_id: int, at: datetime) -> Select[Any]:
    """The meters that a REP's company sees, all its Active DUNS numbers together, as an administrator of it would.

    For what is made for a company and not for a person; a company that is no REP, or is not Active, sees none. Beside
    what `mint` needs a row has tdsp_id.
    """
    return _OF_COMPANY.params(of_company=company_id, visible_at=at)


_COMPANY_AND_METER = (companies.c.id.label("company_id"), meters.c.esi_id)
_OF_SOME = meters.c.esi_id.in_(bindparam("of_meters", expanding=True, type_=meters.c.esi_id.type))
_SEEING = union_all(
    select(*_COMPANY_AND_METER)
    .select_from(_HELD_NOW.join(companies, companies.c.id == duns_numbers.c.company_id))
    .where(_OF_SOME, companies.c.kind == Kind.REP, _ACTIVE_COMPANY, _PROVISIONED),
    select(*_COMPANY_AND_METER)
    .select_from(_METERS.join(companies, companies.c.id == premises.c.tdsp_id))
    .where(_OF_SOME, companies.c.kind == Kind.TDSP, _ACTIVE_COMPANY, _ON_WALL),
    select(*_COMPANY_AND_METER)
    .select_from(meters.join(companies, companies.c.kind.in_((Kind.ERCOT, Kind.PUCT))))
    .where(_OF_SOME, _ACTIVE_COMPANY, _PROVISIONED),
)


def companies_seeing(esi_ids: Sequence[EsiId], at: datetime) -> Subquery:
    """Which companies see some premises' meters at an instant, as an administrator of each would, as rows of
    company_id and esi_id: for what is told to companies' programs. Customers are none of them."""
    return _SEEING.params(of_meters=list(esi_ids), visible_at=at).subquery("seeing")


def visible_meters(viewer: Viewer, at: datetime) -> Select[Any]:
    """The rule as SQL: a select of the meters that a viewer sees, to be narrowed, joined, ordered and cut.

    It selects from meters and premises what `mint` needs to make a row into a VisibleMeter; conditions, orders and
    further columns may name the columns of both tables.
    """
    return _SEEN[viewer.kind].params(viewer_account=viewer.account_id, visible_at=at)


def mint(row: Row[Any]) -> VisibleMeter:
    """A row of visible_meters as the proof that it is visible."""
    return VisibleMeter(
        id=row.id,
        gateway=row.gateway,
        esi_id=row.esi_id,
        number=row.number,
        service_address=service_address(row),
        city=row.city,
        state=row.state,
        zip=row.zip,
    )


async def find_meter(connection: AsyncConnection, viewer: Viewer, esi_id: EsiId, at: datetime) -> VisibleMeter | None:
    """The meter now on the wall of a premise, or None alike if it is not there or not this viewer's."""
    values = {"viewer_account": viewer.account_id, "visible_at": at, "wanted": esi_id}
    row = (await connection.execute(_ONE[viewer.kind], values)).one_or_none()
    return None if row is None else mint(row)


async def ask_meter(database: Database, viewer: Viewer, esi_id: EsiId, at: datetime) -> VisibleMeter | None:
    """The same as find_meter, as a question of its own."""
    rows = await database.ask(_ONE_ASKED[viewer.kind], viewer_account=viewer.account_id, visible_at=at, wanted=esi_id)
    return mint(rows[0]) if rows else None


async def find_meters(
    connection: AsyncConnection, viewer: Viewer, esi_ids: Sequence[EsiId], at: datetime
) -> dict[EsiId, VisibleMeter]:
    """Those of some premises' meters that a viewer sees at an instant, asked for some hundred at a time."""
    found: dict[EsiId, VisibleMeter] = {}
    for start in range(0, len(esi_ids), AT_ONCE):
        seen = visible_meters(viewer, at).where(meters.c.esi_id.in_(esi_ids[start : start + AT_ONCE]))
        found |= {meter.esi_id: meter for meter in map(mint, await connection.execute(seen))}
    return found


def sees_all_reads(viewer: Viewer) -> bool:
    """Whether somebody sees every on-demand read of a meter that he sees: all but customers do (ROR-06)."""
    return viewer.kind is not Kind.CUSTOMER


_PREMISE = select(premises.c.esi_id, premises.c.tdsp_id).where(premises.c.esi_id == bindparam("wanted"))
_OWN_PREMISE = (
    select(premises.c.esi_id)
    .join(companies, companies.c.id == premises.c.tdsp_id)
    .where(premises.c.esi_id == bindparam("wanted"), companies.c.id == _COMPANY, _ACTIVE_COMPANY)
)
_KEY_METER = _OF_COMPANY.where(meters.c.esi_id == bindparam("wanted"))


async def find_premise(
    connection: AsyncConnection, who: Viewer | KeyHolder, esi_id: EsiId, at: datetime
) -> VisiblePremise | None:
    """A premise by its ESI ID, or None alike if there is none or it is not theirs.

    Its TDSP sees it with or without a meter; a REP sees it while it sees the meter there, as an administrator of the
    company would if a key asks. Nobody else does.
    """
    company = {"of_company": who.company_id, "wanted": esi_id}
    if who.kind is Kind.TDSP:
        is_theirs = (await connection.execute(_OWN_PREMISE, company)).first() is not None
    elif who.kind is not Kind.REP:
        is_theirs = False
    elif isinstance(who, Viewer):
        is_theirs = await find_meter(connection, who, esi_id, at) is not None
    else:
        is_theirs = (await connection.execute(_KEY_METER, {**company, "visible_at": at})).first() is not None
    if not is_theirs:
        return None
    row = (await connection.execute(_PREMISE, {"wanted": esi_id})).one()
    return VisiblePremise(esi_id=row.esi_id, tdsp_id=row.tdsp_id)


def seen_reads(viewer: Viewer) -> ColumnElement[bool]:
    """Which on-demand reads of a visible meter its viewer sees, as a condition on reads.

    A REP of record sees all of its history (ROR-06). A customer sees the reads since he attached the meter, and those
    that he asked for: what was read for whoever lived there before is not his.
    """
    # Intervals are not cut in this way. Attachments carry no move-in date, and a customer who registers late expects
    # the history of his own use from before; without a move-in there is no earlier boundary that is known to be right.
    if sees_all_reads(viewer):
        return true()
    since = exists().where(
        attachments.c.esi_id == reads.c.esi_id,
        attachments.c.account_id == viewer.account_id,
        attachments.c.attached_at <= reads.c.asked_at,
    )
    own = exists().where(read_askers.c.read_id == reads.c.id, read_askers.c.account_id == viewer.account_id)
    return or_(since, own)


async def ask_meters(database: Database, viewer: Viewer, at: datetime, most: int) -> list[VisibleMeter]:
    """The first meters that a viewer sees, in the order of their ESI IDs."""
    values = {"viewer_account": viewer.account_id, "visible_at": at, "most": most}
    return [mint(row) for row in await database.ask(_LISTED[viewer.kind], **values)]


async def ask_holders(database: Database, viewer: Viewer, at: datetime, most: int) -> dict[EsiId, tuple[str, str]]:
    """Name and e-mail of the customers who attached a REP's meters, by ESI ID (MTR-03, CUS-04); others see none."""
    if viewer.kind is not Kind.REP:
        return {}
    rows = await database.ask(_HELD_BY, viewer_account=viewer.account_id, visible_at=at, most=most)
    return {row.esi_id: (f"{row.first_name} {row.last_name}", row.email) for row in rows}


async def count_meters(database: Database, viewer: Viewer, at: datetime, up_to: int) -> int:
    """How many meters a viewer sees, counted no further than up_to (guide 3.1 asks at 25 and at 500)."""
    values = {"viewer_account": viewer.account_id, "visible_at": at, "up_to": up_to}
    (row,) = await database.ask(_COUNTED[viewer.kind], **values)
    return int(row.count)


async def count_matching(connection: AsyncConnection, matching: Select[Any], up_to: int) -> int:
    """How many meters a narrowed select of visible_meters has, counted no further than up_to."""
    few = matching.with_only_columns(meters.c.id).limit(up_to).subquery()
    return await connection.scalar(select(func.count()).select_from(few)) or 0
