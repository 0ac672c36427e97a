"""What happened, written down for the webhooks that want it, in the very transaction of what it tells of.

What is about a meter goes to the companies that see it at that instant, and is asked about again whenever it is sent.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import EsiId, RequestId
from portal.agreements.shown import agreed_on_devices
from portal.companies.kinds import Kind
from portal.companies.status import CompanyStatus
from portal.companies.tables import companies
from portal.schema import insert_unless_there
from portal.visibility import AT_ONCE, companies_seeing
from portal.webhooks.tables import EventKind, webhook_deliveries, webhook_events, webhooks

_INSERT = {
    dialect: insert_unless_there(dialect, webhook_deliveries, "webhook_id", "event_id")
    for dialect in ("sqlite", "postgresql")
}
_ANY = select(webhook_events.c.webhook_id).where(webhook_events.c.kind == bindparam("kind")).limit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened. subject is what makes it one thing, so that telling it twice is telling it once.

    It is of a meter (esi_id), and then everybody's who sees that; or of one company (company_id) and nobody else's.
    """

    subject: str
    data: Mapping[str, Any]
    esi_id: EsiId | None = None
    company_id: int | None = None


async def is_anyone_told(connection: AsyncConnection, kind: EventKind) -> bool:
    """Whether any webhook wants events of a kind: most portals have none, and then nothing more is asked."""
    return (await connection.execute(_ANY, {"kind": kind})).first() is not None


async def tell(
    connection: AsyncConnection,
    kind: EventKind,
    happenings: Sequence[Happening],
    now: datetime,
    *,
    of_devices: bool = False,
) -> None:
    """Write events down for the webhooks that want them; of_devices says that they are about meters' devices."""
    if not happenings or not await is_anyone_told(connection, kind):
        return
    rows = list[dict[str, Any]]()
    for start in range(0, len(happenings), AT_ONCE):
        some = happenings[start : start + AT_ONCE]
        by_meter, by_company = await _listening(connection, kind, some, now, of_devices)
        for each in some:
            to = by_meter.get(each.esi_id, ()) if each.company_id is None else by_company.get(each.company_id, ())
            rows += [_row(webhook_id, kind, each, now) for webhook_id in to]
    if rows:
        await connection.execute(_INSERT[connection.dialect.name], rows)


async def _listening(
    connection: AsyncConnection,
    kind: EventKind,
    happenings: Sequence[Happening],
    now: datetime,
    of_devices: bool,
) -> tuple[dict[EsiId | None, list[RequestId]], dict[int, list[RequestId]]]:
    """The webhooks to be told, by meter and by company."""
    by_meter, by_company = dict[EsiId | None, list[RequestId]](), dict[int, list[RequestId]]()
    esi_ids = sorted({each.esi_id for each in happenings if each.esi_id is not None and each.company_id is None})
    if esi_ids:
        seeing = companies_seeing(esi_ids, now)
        wanted = _wanting(kind).join(seeing, seeing.c.company_id == webhooks.c.company_id)
        if of_devices:
            wanted = wanted.where(is_told_of_devices(seeing.c.company_id, seeing.c.esi_id, now))
        for row in await connection.execute(wanted.add_columns(seeing.c.esi_id)):
            by_meter.setdefault(row.esi_id, []).append(row.id)
    company_ids = sorted({each.company_id for each in happenings if each.company_id is not None})
    if company_ids:
        wanted = _wanting(kind).where(webhooks.c.company_id.in_(company_ids))
        for row in await connection.execute(wanted.add_columns(webhooks.c.company_id)):
            by_company.setdefault(row.company_id, []).append(row.id)
    return by_meter, by_company


def is_told_of_devices(company_id: ColumnElement[Any], esi_id: ColumnElement[Any], at: datetime) -> ColumnElement[bool]:
    """Whether a company is told of a meter's devices, as a condition beside companies (HAN-02): a TDSP of its own
    meters', a REP under an active agreement with the customer; nobody else is."""
    agreed = and_(companies.c.kind == Kind.REP, agreed_on_devices(company_id, esi_id, at))
    return or_(companies.c.kind == Kind.TDSP, agreed)


def _wanting(kind: EventKind) -> Select[Any]:
    joined = webhooks.join(webhook_events, webhook_events.c.webhook_id == webhooks.c.id)
    joined = joined.join(companies, companies.c.id == webhooks.c.company_id)
    wanting = (webhook_events.c.kind == kind, webhooks.c.disabled_at.is_(None))
    found = select(webhooks.c.id).select_from(joined).where(*wanting, companies.c.status == CompanyStatus.ACTIVE)
    # Nobody removes a webhook until it is told: its row would be missed by what is written here.
    return found.with_for_update(read=True, key_share=True, of=webhooks)


def _row(webhook_id: RequestId, kind: EventKind, happening: Happening, now: datetime) -> dict[str, Any]:
    return delivery_row(
        webhook_id,
        event_id_of(kind, f"{happening.subject}|{happening.company_id or ''}", now),
        kind,
        happening.data,
        now,
        esi_id=happening.esi_id if happening.company_id is None else None,
    )


def delivery_row(
    webhook_id: RequestId,
    event_id: str,
    kind: EventKind,
    data: Mapping[str, Any],
    now: datetime,
    *,
    esi_id: EsiId | None = None,
) -> dict[str, Any]:
    """A row of the outbox, due at once."""
    return {
        "webhook_id": webhook_id,
        "event_id": event_id,
        "kind": kind,
        "esi_id": esi_id,
        "data": dict(data),
        "created_at": now,
        "next_at": now,
        "takes": 0,
        "tries": 0,
    }


def event_id_of(kind: EventKind, subject: str, now: datetime) -> str:
    """The id of an event: one for all who are told of it, the same when its transaction runs again."""
    digest = hashlib.sha256(f"{kind}|{subject}|{now.isoformat()}".encode()).hexdigest()
    return f"evt_{digest[:32]}"
