"""Agreements as a company sees its own, and as the customer sees his by the mailed link."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, exists, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.identifiers import EsiId, MeterNumber
from gateway.questions import Question
from portal.accounts.sessions import key_of
from portal.agreements.machine import FOR_DEVICES, OPEN_FOR, AgreementKind, AgreementStatus, EndedBy, status_at
from portal.agreements.tables import agreements
from portal.companies.tables import companies
from portal.market.addresses import service_address
from portal.market.tables import premises
from portal.meters.tables import meters
from portal.permissions import Action
from portal.viewer import Viewer
from portal.visibility import VisibleMeter, visible_meters

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """An agreement of the viewer's company. due_at is when one that stands ends by itself; ended_by who ended it."""

    id: int
    kind: AgreementKind
    esi_id: EsiId
    number: MeterNumber
    months: int
    email: str
    language: str
    status: AgreementStatus
    status_since: datetime
    made_at: datetime
    due_at: datetime | None
    letters: int
    accepted_at: datetime | None
    ended_by: EndedBy | None

    def status_at(self, at: datetime) -> AgreementStatus:
        """Where it stands at an instant."""
        return status_at(self.status, self.due_at, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementPage:
    """Up to 50 agreements, the newest first; next_before continues the list, None at its end."""

    agreements: list[Agreement]
    next_before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An agreement as the customer is asked for it, with what he may know of the company."""

    id: int
    company_id: int
    company: str
    url: str | None
    privacy_policy_url: str | None
    privacy_seal: bool
    has_logo: bool
    kind: AgreementKind
    months: int
    esi_id: EsiId
    number: MeterNumber
    place: str
    email: str
    language: str
    status: AgreementStatus
    status_since: datetime
    open_until: datetime
    due_at: datetime | None
    accepted_at: datetime | None
    ended_by: EndedBy | None

    def status_at(self, at: datetime) -> AgreementStatus:
        """Where it stands at an instant."""
        return status_at(self.status, self.due_at, at)


_NAMES = tuple(each.name for each in fields(Agreement))
_INVITED = (
    select(
        agreements,
        companies.c.name.label("company"),
        companies.c.url,
        companies.c.privacy_policy_url,
        companies.c.privacy_seal,
        companies.c.logo.is_not(None).label("has_logo"),
        *(each for each in premises.c if each.name != "esi_id"),
    )
    .join(companies, companies.c.id == agreements.c.company_id)
    .join(premises, premises.c.esi_id == agreements.c.esi_id)
)


def own_agreements(viewer: Viewer, at: datetime) -> Select[Any]:
    """The agreements of a viewer's company: all of them to its administrators, to users those of meters they see."""
    own = select(*(agreements.c[name] for name in _NAMES)).where(agreements.c.company_id == viewer.company_id)
    if viewer.administrator:
        return own
    return own.where(agreements.c.esi_id.in_(visible_meters(viewer, at).with_only_columns(meters.c.esi_id)))


async def list_agreements(
    connection: AsyncConnection,
    viewer: Viewer,
    at: datetime,
    *,
    before: int | None = None,
    status: AgreementStatus | None = None,
    esi_id: EsiId | None = None,
) -> AgreementPage:
    """A page of the agreements that a viewer sees; none for those who see no agreements at all."""
    if not viewer.may(Action.SEE_AGREEMENTS):
        return AgreementPage(agreements=[], next_before=None)
    chosen = own_agreements(viewer, at).order_by(agreements.c.id.desc()).limit(PAGE + 1)
    if before is not None:
        chosen = chosen.where(agreements.c.id < before)
    if status is not None:
        chosen = chosen.where(agreements.c.status == status)
    if esi_id is not None:
        chosen = chosen.where(agreements.c.esi_id == esi_id)
    found = [agreement_of(row) for row in await connection.execute(chosen)]
    more = len(found) > PAGE
    return AgreementPage(agreements=found[:PAGE], next_before=found[PAGE - 1].id if more else None)


async def find_agreement(
    connection: AsyncConnection, viewer: Viewer, agreement_id: int, at: datetime
) -> Agreement | None:
    """One agreement, or None alike if it is not there or not this viewer's."""
    if not viewer.may(Action.SEE_AGREEMENTS):
        return None
    chosen = own_agreements(viewer, at).where(agreements.c.id == agreement_id)
    row = (await connection.execute(chosen)).one_or_none()
    return None if row is None else agreement_of(row)


async def find_invitation(connection: AsyncConnection, secret: str) -> Invitation | None:
    """What a mailed link is about, None if it opens nothing."""
    row = (await connection.execute(_INVITED.where(agreements.c.link_key == key_of(secret)))).one_or_none()
    return None if row is None else _invitation(row)


async def invitation_of(connection: AsyncConnection, agreement_id: int) -> Invitation:
    """What the letter about an agreement says."""
    return _invitation((await connection.execute(_INVITED.where(agreements.c.id == agreement_id))).one())


async def logo_of_link(connection: AsyncConnection, secret: str) -> bytes | None:
    """The logo of the company behind a mailed link (REG-18)."""
    logo: bytes | None = await connection.scalar(
        select(companies.c.logo)
        .join(agreements, agreements.c.company_id == companies.c.id)
        .where(agreements.c.link_key == key_of(secret))
    )
    return logo


async def has_device_agreement(
    connection: AsyncConnection, company_id: int | None, meter: VisibleMeter, at: datetime
) -> bool:
    """Whether a company has an agreement that lets it add and remove a meter's devices at an instant (HAN-02)."""
    if company_id is None:
        return False
    found = await connection.scalar(select(agreed_on_devices(literal(company_id), literal(meter.esi_id), at)))
    return bool(found)


def agreed_on_devices(company_id: ColumnElement[Any], esi_id: ColumnElement[Any], at: datetime) -> ColumnElement[bool]:
    """The same as a condition on columns."""
    return exists().where(
        agreements.c.esi_id == esi_id,
        agreements.c.company_id == company_id,
        agreements.c.kind.in_(FOR_DEVICES),
        agreements.c.status == AgreementStatus.ACTIVE,
        or_(agreements.c.due_at.is_(None), agreements.c.due_at > at),
    )


_ABOUT_METER = Question(
    select(*(agreements.c[name] for name in _NAMES))
    .where(agreements.c.esi_id == bindparam("wanted"), agreements.c.company_id == bindparam("own"))
    .order_by(agreements.c.id.desc())
    .limit(bindparam("most"))
)


async def ask_agreements(database: Database, viewer: Viewer, meter: VisibleMeter, most: int) -> list[Agreement]:
    """The newest agreements of the viewer's company about a meter that he sees."""
    rows = await database.ask(_ABOUT_METER, wanted=meter.esi_id, own=viewer.company_id, most=most)
    return [agreement_of(row) for row in rows]


def agreement_of(row: Any) -> Agreement:
    """From a row of own_agreements."""
    return Agreement(**{name: getattr(row, name) for name in _NAMES})


def _invitation(row: Row[Any]) -> Invitation:
    own = {"place", "open_until"}
    values = {each.name: getattr(row, each.name) for each in fields(Invitation) if each.name not in own}
    return Invitation(**values, place=f"{service_address(row)}, {row.city}", open_until=row.made_at + OPEN_FOR)
