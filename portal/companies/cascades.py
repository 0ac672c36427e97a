"""What falls with a company or with a DUNS number (COM-02, COM-03, COM-06, DUN-05)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, exists, or_, select

from portal.accounts.changing import account_subject, change_account, locked_accounts
from portal.accounts.machine import GONE, AccountAction
from portal.accounts.status import AccountStatus
from portal.accounts.status_letters import letter_of_change, letter_of_decline
from portal.accounts.tables import accounts, duns_grants
from portal.acting import Act
from portal.companies.changing import change_company, change_duns, duns_subject, locked_numbers
from portal.companies.machines import CompanyAction, DunsAction
from portal.companies.status import DunsStatus
from portal.companies.tables import duns_numbers

_IN = (AccountStatus.APPROVED, AccountStatus.ACTIVE, AccountStatus.LOCKED, AccountStatus.SUSPENDED)
"""The accounts that can be revoked."""


async def drop_company(
    act: Act, row: Row[Any], action: CompanyAction, cause: str, comment: str | None = None
) -> Sequence[Row[Any]]:
    """Delete a company that never came to be, with its accounts and numbers; returns the accounts that there were.

    Whatever status its accounts have: nobody has signed in yet, or the company would be Active.
    """
    gone = await locked_accounts(act.connection, accounts.c.company_id == row.id)
    for account in gone:
        await act.connection.execute(delete(accounts).where(accounts.c.id == account.id))
        name = f"account.{action.value}"
        await act.note(name, account_subject(account), cause, before=account.status, after=GONE)
    for number in await locked_numbers(act.connection, duns_numbers.c.company_id == row.id):
        await act.connection.execute(delete(duns_numbers).where(duns_numbers.c.id == number.id))
        await act.note(f"duns.{action.value}", duns_subject(number), cause, before=number.status, after=GONE)
    await change_company(act, row, action, cause, comment)
    return gone


async def revoke_all_of(act: Act, row: Row[Any], cause: str, comment: str) -> None:
    """Revoke every account of a company that is revoked, and tell its owner; requests for accounts are declined.

    Its DUNS numbers are revoked too, so that they can be registered anew with a new company (COM-06).
    """
    for account in await locked_accounts(act.connection, accounts.c.company_id == row.id):
        if account.status is AccountStatus.PENDING:
            await change_account(act, account, AccountAction.DECLINE, cause, comment)
            await act.mail([letter_of_decline(account, comment)])
        elif await change_account(act, account, AccountAction.REVOKE, cause, comment) is not None:
            await act.mail([letter_of_change(account, AccountAction.REVOKE, comment)])
    for number in await locked_numbers(act.connection, duns_numbers.c.company_id == row.id):
        pending = number.status is DunsStatus.PENDING
        await change_duns(act, number, DunsAction.DECLINE if pending else DunsAction.REVOKE, cause)


async def revoke_those_with_only(act: Act, number: Row[Any], comment: str | None) -> None:
    """Revoke the accounts that have no other number than one that was just revoked, and tell their owners (DUN-05).

    Administrators hold every number of their company (AMB-16), so they fall with its last one.
    """
    other = select(duns_numbers.c.id).where(
        duns_numbers.c.company_id == number.company_id, duns_numbers.c.status != DunsStatus.REVOKED
    )
    held = select(duns_grants.c.duns_id).where(duns_grants.c.account_id == accounts.c.id)
    has_it = or_(accounts.c.administrator, held.where(duns_grants.c.duns_id == number.id).exists())
    has_other = or_(accounts.c.administrator & exists(other), held.where(duns_grants.c.duns_id.in_(other)).exists())
    left = await locked_accounts(
        act.connection,
        accounts.c.company_id == number.company_id,
        accounts.c.status.in_(_IN),
        has_it,
        ~has_other,
    )
    cause = f"the DUNS number {number.duns}, the only one of this account, was revoked"
    for account in left:
        await change_account(act, account, AccountAction.REVOKE, cause, comment)
        await act.mail([letter_of_change(account, AccountAction.REVOKE, comment or f"Because {cause}.")])
