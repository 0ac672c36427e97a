"""Reading the audit log: a company's own lines for its administrators, all of them for the operating team."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.audit.tables import audit
from portal.faults import NOT_FOR_YOU, PeopleRefused
from portal.permissions import Action, Whose
from portal.viewer import Viewer

PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """What happened: who did what to whom, from which status to which, and why."""

    number: int
    at: datetime
    actor: str
    action: str
    subject_kind: str
    subject_id: str
    subject: str
    company_id: int | None
    before: str | None
    after: str | None
    cause: str
    comment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Up to 100 lines, the newest first; next_before continues the list, None at its end."""

    lines: list[AuditLine]
    next_before: int | None


async def read_audit(
    connection: AsyncConnection,
    viewer: Viewer,
    *,
    before: int | None = None,
    company_id: int | None = None,
    subject_kind: str | None = None,
    subject_id: str | None = None,
) -> AuditPage | PeopleRefused:
    """The lines before a number, narrowed to a company or a subject."""
    every = viewer.may(Action.SEE_AUDIT, Whose.OTHER)
    if not every and not viewer.may(Action.SEE_AUDIT):
        return NOT_FOR_YOU
    names = list(AuditLine.__dataclass_fields__)
    chosen = select(*(audit.c[name] for name in names)).order_by(audit.c.number.desc()).limit(PAGE + 1)
    if not every:
        chosen = chosen.where(audit.c.company_id == viewer.company_id)
    if company_id is not None:
        chosen = chosen.where(audit.c.company_id == company_id)
    if before is not None:
        chosen = chosen.where(audit.c.number < before)
    if subject_kind is not None:
        chosen = chosen.where(audit.c.subject_kind == subject_kind)
    if subject_id is not None:
        chosen = chosen.where(audit.c.subject_id == subject_id)
    rows = (await connection.execute(chosen)).all()
    lines = [AuditLine(**row._mapping) for row in rows[:PAGE]]
    return AuditPage(lines=lines, next_before=lines[-1].number if len(rows) > PAGE else None)
