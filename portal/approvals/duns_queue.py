"""DUNS numbers that companies added and that wait: decided by whoever decides upon its kind (DUN-02, DUN-03)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import Duns
from portal.accounts.credentials import LIFE
from portal.acting import Act
from portal.approvals.company_queue import MOST, WHY_DECLINE, kinds_for
from portal.companies.changing import change_duns, locked_company, locked_numbers
from portal.companies.correspondence import addresses_of_company
from portal.companies.letters import letters_of_duns
from portal.companies.machines import DunsAction
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.faults import NOT_FOR_YOU, NOT_THERE, PeopleRefused, bad_form
from portal.permissions import Action
from portal.viewer import Viewer
from portal.waiting import is_over


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingDuns:
    """A number that waits; without an answer until expires_at the request is deleted."""

    id: int
    duns: Duns
    company_id: int
    company: str
    added_at: datetime
    expires_at: datetime


async def waiting_numbers(
    connection: AsyncConnection, viewer: Viewer, now: datetime
) -> list[WaitingDuns] | PeopleRefused:
    """The added numbers that wait for this viewer's kind, the oldest first; those of new companies wait with them."""
    kinds = kinds_for(viewer, Action.SEE_REQUESTS)
    if not kinds:
        return NOT_FOR_YOU
    chosen = (
        select(duns_numbers, companies.c.name)
        .join(companies, companies.c.id == duns_numbers.c.company_id)
        .where(duns_numbers.c.status == DunsStatus.PENDING, duns_numbers.c.status_since > now - LIFE)
        .where(companies.c.status != CompanyStatus.PENDING, companies.c.kind.in_(kinds))
        .order_by(duns_numbers.c.added_at, duns_numbers.c.id)
        .limit(MOST)
    )
    return [
        WaitingDuns(
            id=row.id,
            duns=row.duns,
            company_id=row.company_id,
            company=row.name,
            added_at=row.added_at,
            expires_at=row.status_since + LIFE,
        )
        for row in await connection.execute(chosen)
    ]


async def decide_number(
    act: Act, viewer: Viewer, number_id: int, *, approve: bool, comment: str | None
) -> DunsStatus | PeopleRefused | None:
    """Approve an added number, or decline it; its status, None if the request is deleted. The company is told."""
    kinds = kinds_for(viewer, Action.DECIDE_COMPANIES)
    if not kinds:
        return NOT_THERE
    number = next(iter(await locked_numbers(act.connection, duns_numbers.c.id == number_id)), None)
    # Asked even without a number, so that the time does not tell one that is not there.
    company = await locked_company(act.connection, 0 if number is None else number.company_id)
    if number is None or company is None or company.kind not in kinds:
        return NOT_THERE
    waits = number.status is DunsStatus.PENDING and not is_over(number.status, number.status_since, act.now)
    if not waits or company.status is CompanyStatus.PENDING:
        return NOT_THERE
    if not approve and not comment:
        return bad_form({"comment": WHY_DECLINE})
    action = DunsAction.APPROVE if approve else DunsAction.DECLINE
    await change_duns(act, number, action, f"decided by {viewer.company}", comment)
    to = await addresses_of_company(act.connection, company.id)
    await act.mail(letters_of_duns(to, number, company.name, action, comment))
    return DunsStatus.ACTIVE if approve else None
