"""Changing where an account stands: by the machine, with its sessions and its line in the audit log."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.machine import GONE, AccountAction, After, after
from portal.accounts.sessions import end_sessions_of
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts
from portal.acting import Act
from portal.audit.log import Subject
from portal.viewer import ACCOUNTS

MOST_ADMINISTRATORS = 4
COUNTED = (AccountStatus.APPROVED, AccountStatus.ACTIVE, AccountStatus.LOCKED, AccountStatus.SUSPENDED)
"""The administrators who count towards the four (AMB-11)."""
_ENDING = (AccountAction.SUSPEND, AccountAction.REVOKE, AccountAction.LOCK)


def account_subject(row: Row[Any]) -> Subject:
    """An account in the audit log."""
    return Subject(kind="account", id=row.id, words=row.user_id, company_id=row.company_id)


async def locked_accounts(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """Accounts with what their companies add, locked until the transaction ends; in the order of their ids."""
    chosen = ACCOUNTS.where(*conditions).order_by(accounts.c.id).with_for_update(of=accounts)
    rows: Sequence[Row[Any]] = (await connection.execute(chosen)).all()
    return rows


async def locked_account(connection: AsyncConnection, account_id: int) -> Row[Any] | None:
    """One account, locked."""
    return next(iter(await locked_accounts(connection, accounts.c.id == account_id)), None)


async def change_account(
    act: Act, row: Row[Any], action: AccountAction, cause: str, comment: str | None = None
) -> After | None:
    """Do something to a locked account; what it is then, or None, with nothing done, if its status does not allow it.

    Whoever is barred is out at once: his sessions end. A revoked account keeps nothing that could open it.
    """
    result = after(row.status, action)
    if result is None:
        return None
    if result is GONE:
        await act.connection.execute(delete(accounts).where(accounts.c.id == row.id))
    else:
        values: dict[str, Any] = {"status": result, "status_since": act.now, "revision": accounts.c.revision + 1}
        if action is AccountAction.REINSTATE:
            values["misses"] = 0
        if result is AccountStatus.REVOKED:
            values |= {"password_hash": None, "password_until": None, "link_key": None, "link_until": None}
        await act.connection.execute(update(accounts).where(accounts.c.id == row.id).values(values))
        if action in _ENDING:
            await end_sessions_of(act.connection, row.id)
    await act.note(
        f"account.{action.value}", account_subject(row), cause, before=row.status, after=result, comment=comment
    )
    return result


async def administrators_that_count(connection: AsyncConnection, company_id: int, besides: int) -> int:
    """How many administrators of a company count towards the four, one account left out."""
    counted = select(func.count()).select_from(accounts)
    return (
        await connection.scalar(
            counted.where(
                accounts.c.company_id == company_id,
                accounts.c.administrator,
                accounts.c.status.in_(COUNTED),
                accounts.c.id != besides,
            )
        )
        or 0
    )


async def is_last_active_administrator(connection: AsyncConnection, row: Row[Any]) -> bool:
    """Whether an account is the only Active administrator of its company."""
    if not row.administrator or row.status is not AccountStatus.ACTIVE:
        return False
    others = select(accounts.c.id).where(
        accounts.c.company_id == row.company_id,
        accounts.c.administrator,
        accounts.c.status == AccountStatus.ACTIVE,
        accounts.c.id != row.id,
    )
    return (await connection.execute(others.limit(1))).first() is None
