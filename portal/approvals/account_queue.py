"""Requests for accounts of a company: a queue that its administrators share (guide 5.2; ADM-03 to ADM-12).

The first answer binds. To approve without a choice is Quick Approve: all of the company's numbers, no permission.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import Duns
from portal.accounts import credentials
from portal.accounts.changing import (
    MOST_ADMINISTRATORS,
    administrators_that_count,
    change_account,
    locked_account,
)
from portal.accounts.credentials import LIFE, Credential
from portal.accounts.machine import AccountAction
from portal.accounts.status import AccountStatus
from portal.accounts.status_letters import letter_of_approval, letter_of_decline
from portal.accounts.tables import accounts, duns_grants
from portal.acting import Act
from portal.companies.kinds import NUMBERED
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.faults import FIVE_ADMINISTRATORS, NOT_FOR_YOU, NOT_THERE, PeopleRefused, bad_form
from portal.permissions import Action
from portal.viewer import Viewer
from portal.waiting import is_over

WHY_DECLINE = "Write why it is declined: the comments are mailed to whoever asked."
ONE_NUMBER = "Select at least one DUNS number."
NO_SUCH_NUMBER = "Select DUNS numbers of the company from the list."
MOST = 500
GRANTED_AT_ONCE = (DunsStatus.ACTIVE, DunsStatus.SUSPENDED)
"""What Quick Approve grants: a number that still waits for its approval is granted one by one afterwards (CPR-04)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingAccount:
    """A request that waits; without an answer until expires_at it is deleted."""

    id: int
    user_id: str
    first_name: str
    middle_initial: str | None
    last_name: str
    suffix: str | None
    email: str
    phone: str | None
    administrator: bool
    requested_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What a user is granted: DUNS numbers of the company, and the two optional permissions."""

    duns: frozenset[Duns]
    energy_data: bool = False
    home_devices: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Yes, with a credential; without permissions it is Quick Approve."""

    credential: Credential
    permissions: Permissions | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """No, and why."""

    comment: str | None


Answer = Approval | Decline


async def waiting_accounts(
    connection: AsyncConnection, viewer: Viewer, now: datetime
) -> list[WaitingAccount] | PeopleRefused:
    """The requests that wait for the administrators of the viewer's company, the oldest first."""
    if not viewer.may(Action.CHANGE_ACCOUNTS):
        return NOT_FOR_YOU
    chosen = (
        select(accounts)
        .where(accounts.c.company_id == viewer.company_id, accounts.c.status == AccountStatus.PENDING)
        .where(accounts.c.status_since > now - LIFE)
        .order_by(accounts.c.registered_at, accounts.c.id)
        .limit(MOST)
    )
    return [
        WaitingAccount(
            id=row.id,
            user_id=row.user_id,
            first_name=row.first_name,
            middle_initial=row.middle_initial,
            last_name=row.last_name,
            suffix=row.suffix,
            email=row.email,
            phone=row.phone,
            administrator=row.administrator,
            requested_at=row.registered_at,
            expires_at=row.status_since + LIFE,
        )
        for row in await connection.execute(chosen)
    ]


async def decide_accounts(
    act: Act, viewer: Viewer, answers: Mapping[int, Answer]
) -> dict[int, AccountStatus | PeopleRefused | None]:
    """Answer requests, each by itself: the status of each, None if it is deleted, or why it stays as it was."""
    return {account_id: await decide_account(act, viewer, account_id, answer) for account_id, answer in answers.items()}


async def decide_account(
    act: Act, viewer: Viewer, account_id: int, answer: Answer
) -> AccountStatus | PeopleRefused | None:
    """Answer one request; its owner is told."""
    row = await locked_account(act.connection, account_id)
    if row is None or row.company_id is None or row.company_status is not CompanyStatus.ACTIVE:
        return NOT_THERE
    if not viewer.may(Action.CHANGE_ACCOUNTS, viewer.whose(row.company_id, row.kind)):
        return NOT_THERE
    if row.status is not AccountStatus.PENDING or is_over(row.status, row.status_since, act.now):
        return NOT_THERE
    cause = f"answered by {viewer.user_id}"
    if isinstance(answer, Decline):
        if not answer.comment:
            return bad_form({"comment": WHY_DECLINE})
        await change_account(act, row, AccountAction.DECLINE, cause, answer.comment)
        await act.mail([letter_of_decline(row, answer.comment)])
        return None
    return await _approve(act, row, answer, cause)


async def _approve(act: Act, row: Row[Any], answer: Approval, cause: str) -> AccountStatus | PeopleRefused:
    numbers = await numbers_of(act.connection, row.company_id)
    wanted = answer.permissions
    if wanted is not None:
        fault = numbers_fault(row, wanted.duns, numbers)
        if fault is not None:
            return bad_form({"duns": fault})
    if row.administrator and await administrators_that_count(act.connection, row.company_id, row.id) >= (
        MOST_ADMINISTRATORS
    ):
        return FIVE_ADMINISTRATORS
    if wanted is None:
        at_once = frozenset(number.duns for number in numbers if number.status in GRANTED_AT_ONCE)
        wanted = Permissions(duns=at_once)
    await change_account(act, row, AccountAction.APPROVE, cause, answer.comment)
    await grant(act, row, wanted, numbers)
    await credentials.give(act.connection, row.id, answer.credential, act.now)
    await act.mail([letter_of_approval(row, answer.credential, act.address, answer.comment)])
    return AccountStatus.APPROVED


async def numbers_of(connection: AsyncConnection, company_id: int) -> Sequence[Row[Any]]:
    """The numbers of a company that can be granted: all but revoked ones."""
    chosen = (
        select(duns_numbers, companies.c.kind)
        .join(companies, companies.c.id == duns_numbers.c.company_id)
        .where(duns_numbers.c.company_id == company_id, duns_numbers.c.status != DunsStatus.REVOKED)
        .order_by(duns_numbers.c.id)
    )
    return (await connection.execute(chosen)).all()


def numbers_fault(row: Row[Any], wanted: frozenset[Duns], numbers: Sequence[Row[Any]]) -> str | None:
    """What is wrong with the numbers chosen for a user (ADM-08). Administrators hold all, whatever is chosen."""
    if row.administrator:
        return None
    if not wanted <= {number.duns for number in numbers}:
        return NO_SUCH_NUMBER
    return ONE_NUMBER if not wanted and row.kind in NUMBERED else None


async def grant(act: Act, row: Row[Any], wanted: Permissions, numbers: Sequence[Row[Any]]) -> None:
    """Let an account have these numbers and permissions and no others; administrators have all without a grant."""
    await act.connection.execute(delete(duns_grants).where(duns_grants.c.account_id == row.id))
    if row.administrator:
        return
    chosen = [{"account_id": row.id, "duns_id": each.id} for each in numbers if each.duns in wanted.duns]
    if chosen:
        await act.connection.execute(insert(duns_grants), chosen)
    flags = {"energy_data": wanted.energy_data, "home_devices": wanted.home_devices}
    await act.connection.execute(update(accounts).where(accounts.c.id == row.id).values(flags))
