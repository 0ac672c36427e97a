"""What nobody approved, or nobody signed in to, within fourteen days: deleted and told, to the second, exactly once.

The instants follow from the rows, so that nothing is scheduled: a portal that was down does at its start what fell due
meanwhile, and of several portals each row is had by one.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.changing import change_account, locked_accounts
from portal.accounts.credentials import LIFE
from portal.accounts.machine import AccountAction
from portal.accounts.status import AccountStatus
from portal.accounts.status_letters import letter_of_expired_approval, letter_of_expired_request
from portal.accounts.tables import accounts
from portal.acting import Act, Acting
from portal.audit.log import SYSTEM
from portal.companies.cascades import drop_company
from portal.companies.changing import change_duns, locked_company, locked_numbers
from portal.companies.correspondence import addresses_of_company
from portal.companies.letters import letter_of_expired_company, letters_of_duns
from portal.companies.machines import CompanyAction, DunsAction
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.customers.letters import letter_of_expired_customer
from portal.mail.letters import Letter

AT_ONCE = 50
"""The most rows that one transaction deletes, so that nobody waits long for it."""
LOOK_AGAIN_S = 3600.0
CAUSE = f"nothing happened for {LIFE.days} days"

_WAITS: dict[Table, ColumnElement[bool]] = {
    companies: companies.c.status.in_((CompanyStatus.PENDING, CompanyStatus.APPROVED)),
    accounts: accounts.c.status.in_((AccountStatus.PENDING, AccountStatus.APPROVED))
    & or_(
        accounts.c.company_id.is_(None),
        accounts.c.company_id.in_(
            select(companies.c.id).where(companies.c.status.not_in((CompanyStatus.PENDING, CompanyStatus.APPROVED)))
        ),
    ),
    duns_numbers: (duns_numbers.c.status == DunsStatus.PENDING)
    & duns_numbers.c.company_id.in_(select(companies.c.id).where(companies.c.status != CompanyStatus.PENDING)),
}
"""What ends by itself. Customers have no company; the accounts and numbers of a company that never came to be end with
it, and not before."""


async def expire_due(act: Act, most: int = AT_ONCE) -> int:
    """Delete what is due, the longest due first, and tell; returns how many it was, at most `most`."""
    done = 0
    for company_id in await _due(act, companies, most):
        await _expire_company(act, company_id)
        done += 1
    for row in await _locked(act, accounts, most - done):
        await change_account(act, row, AccountAction.EXPIRE, CAUSE)
        await act.mail([_farewell(row)])
        done += 1
    for number in await _locked(act, duns_numbers, most - done):
        await _expire_number(act, number)
        done += 1
    return done


async def next_due(connection: AsyncConnection) -> datetime | None:
    """When something falls due next, None if nothing waits."""
    since = [
        await connection.scalar(select(func.min(table.c.status_since)).where(waits)) for table, waits in _WAITS.items()
    ]
    earliest = min((each for each in since if each is not None), default=None)
    return None if earliest is None else earliest + LIFE


async def keep_expiring(acting: Acting) -> None:
    """Do what is due, piece by piece, then sleep until something is, or an hour; until cancelled."""
    while True:
        if await acting.run(SYSTEM, expire_due) == AT_ONCE:
            continue
        async with acting.database.reading() as connection:
            due = await next_due(connection)
        wait_s = LOOK_AGAIN_S if due is None else (due - acting.clock.now()).total_seconds()
        await acting.clock.sleep(min(max(wait_s, 0.0), LOOK_AGAIN_S))


async def _due(act: Act, table: Table, most: int) -> Sequence[int]:
    chosen = select(table.c.id).where(_WAITS[table], table.c.status_since <= act.now - LIFE)
    return (await act.connection.scalars(chosen.order_by(table.c.status_since, table.c.id).limit(most))).all()


async def _locked(act: Act, table: Table, most: int) -> Sequence[Row[Any]]:
    """What is due of a table, locked, and looked at again once it is: somebody may have signed in just now."""
    ids = await _due(act, table, most)
    again = (table.c.id.in_(ids), _WAITS[table])
    if table is accounts:
        return await locked_accounts(act.connection, *again)
    return await locked_numbers(act.connection, *again)


def _farewell(row: Row[Any]) -> Letter:
    """What the owner of a deleted account is told."""
    if row.company_id is None:
        return letter_of_expired_customer(row)
    return letter_of_expired_request(row) if row.status is AccountStatus.PENDING else letter_of_expired_approval(row)


async def _expire_company(act: Act, company_id: int) -> None:
    row = await locked_company(act.connection, company_id)
    if row is None or row.status not in (CompanyStatus.PENDING, CompanyStatus.APPROVED):
        return
    for first in await drop_company(act, row, CompanyAction.EXPIRE, CAUSE):
        await act.mail([letter_of_expired_company(first, row.status)])


async def _expire_number(act: Act, number: Row[Any]) -> None:
    row = await locked_company(act.connection, number.company_id)
    assert row is not None
    await change_duns(act, number, DunsAction.EXPIRE, CAUSE)
    to = await addresses_of_company(act.connection, row.id)
    await act.mail(letters_of_duns(to, number, row.name, DunsAction.EXPIRE, None))
