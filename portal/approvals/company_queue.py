"""New companies that wait: any TDSP's administrator answers for REPs, the operating team for all others (AMB-15).

The first answer binds: whoever comes later finds nothing that waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import Duns
from portal.accounts import credentials
from portal.accounts.changing import change_account, locked_accounts
from portal.accounts.credentials import LIFE, Credential
from portal.accounts.machine import AccountAction
from portal.accounts.tables import accounts
from portal.acting import Act
from portal.companies.cascades import drop_company
from portal.companies.changing import change_company, change_duns, locked_company, locked_numbers
from portal.companies.kinds import REGISTERED, Kind
from portal.companies.letters import letter_of_approved_company, letter_of_declined_company
from portal.companies.machines import CompanyAction, DunsAction
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.faults import NOT_FOR_YOU, NOT_THERE, PeopleRefused, bad_form
from portal.permissions import Action, whose_company
from portal.viewer import Viewer
from portal.waiting import is_over

WHY_DECLINE = "Write why it is declined: the comments are mailed to the registrant."
MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCompany:
    """A company that waits, with its first administrator; without an answer until expires_at it is deleted."""

    id: int
    kind: Kind
    name: str
    address: str
    phone: str | None
    email: str
    url: str | None
    duns: tuple[Duns, ...]
    registered_at: datetime
    expires_at: datetime
    first_user_id: str
    first_name: str
    first_email: str


def kinds_for(viewer: Viewer, action: Action) -> tuple[Kind, ...]:
    """The kinds of company on whose requests somebody may look, or decide."""
    return tuple(kind for kind in REGISTERED if viewer.may(action, whose_company(kind, own=False)))


async def waiting_companies(
    connection: AsyncConnection, viewer: Viewer, now: datetime
) -> list[WaitingCompany] | PeopleRefused:
    """The companies that wait for this viewer's kind, the oldest first."""
    kinds = kinds_for(viewer, Action.SEE_REQUESTS)
    if not kinds:
        return NOT_FOR_YOU
    chosen = (
        select(
            companies,
            accounts.c.user_id,
            accounts.c.first_name,
            accounts.c.last_name,
            accounts.c.email.label("first_email"),
        )
        .join(accounts, accounts.c.company_id == companies.c.id)
        .where(companies.c.status == CompanyStatus.PENDING, companies.c.kind.in_(kinds))
        .where(companies.c.status_since > now - LIFE)
        .order_by(companies.c.registered_at, companies.c.id)
        .limit(MOST)
    )
    rows = (await connection.execute(chosen)).all()
    numbers: dict[int, list[Duns]] = {}
    held = select(duns_numbers.c.company_id, duns_numbers.c.duns).where(
        duns_numbers.c.company_id.in_([row.id for row in rows])
    )
    for row in await connection.execute(held.order_by(duns_numbers.c.id)):
        numbers.setdefault(row.company_id, []).append(row.duns)
    return [_waiting(row, numbers.get(row.id, ())) for row in rows]


async def decide_company(
    act: Act, viewer: Viewer, company_id: int, credential: Credential | None, comment: str | None
) -> CompanyStatus | PeopleRefused | None:
    """Approve a company with its first administrator's credential, or decline it without; its status, None if deleted.

    Approval activates the company's DUNS numbers (AMB-15). A decline says why.
    """
    row = await locked_company(act.connection, company_id)
    if row is None or row.kind not in kinds_for(viewer, Action.DECIDE_COMPANIES):
        return NOT_THERE
    if row.status is not CompanyStatus.PENDING or is_over(row.status, row.status_since, act.now):
        return NOT_THERE
    if credential is None:
        if not comment:
            return bad_form({"comment": WHY_DECLINE})
        for first in await drop_company(act, row, CompanyAction.DECLINE, "the company was declined", comment):
            await act.mail([letter_of_declined_company(first, comment)])
        return None
    cause = f"approved by {viewer.company}"
    await change_company(act, row, CompanyAction.APPROVE, cause, comment)
    for number in await locked_numbers(
        act.connection, duns_numbers.c.company_id == row.id, duns_numbers.c.status == DunsStatus.PENDING
    ):
        await change_duns(act, number, DunsAction.APPROVE, cause)
    for first in await locked_accounts(act.connection, accounts.c.company_id == row.id):
        await change_account(act, first, AccountAction.APPROVE, cause, comment)
        await credentials.give(act.connection, first.id, credential, act.now)
        await act.mail([letter_of_approved_company(first, credential, act.address, comment)])
    return CompanyStatus.APPROVED


def _waiting(row: Row[Any], numbers: Sequence[Duns]) -> WaitingCompany:
    place = (row.address_1, row.address_2, row.city, f"{row.state} {row.zip}", row.country)
    return WaitingCompany(
        id=row.id,
        kind=row.kind,
        name=row.name,
        address=", ".join(part for part in place if part),
        phone=row.phone,
        email=row.email,
        url=row.url,
        duns=tuple(numbers),
        registered_at=row.registered_at,
        expires_at=row.status_since + LIFE,
        first_user_id=row.user_id,
        first_name=f"{row.first_name} {row.last_name}",
        first_email=row.first_email,
    )
