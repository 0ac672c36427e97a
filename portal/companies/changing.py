"""Changing where companies and DUNS numbers stand: by the machines, with a line in the audit log for each."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.machine import GONE, Gone
from portal.acting import Act
from portal.audit.log import Subject
from portal.companies.machines import CompanyAction, DunsAction, company_after, duns_after
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.files.tables import file_credentials


def company_subject(row: Row[Any]) -> Subject:
    """A company in the audit log."""
    return Subject(kind="company", id=row.id, words=row.name, company_id=row.id)


def duns_subject(row: Row[Any]) -> Subject:
    """A DUNS number in the audit log."""
    return Subject(kind="duns", id=row.id, words=str(row.duns), company_id=row.company_id)


async def locked_company(connection: AsyncConnection, company_id: int) -> Row[Any] | None:
    """One company, locked until the transaction ends."""
    chosen = select(companies).where(companies.c.id == company_id).with_for_update()
    return (await connection.execute(chosen)).one_or_none()


async def locked_numbers(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """DUNS numbers, locked until the transaction ends; in the order of their ids."""
    chosen = select(duns_numbers).where(*conditions).order_by(duns_numbers.c.id).with_for_update()
    return (await connection.execute(chosen)).all()


async def change_company(
    act: Act, row: Row[Any], action: CompanyAction, cause: str, comment: str | None = None
) -> CompanyStatus | Gone | None:
    """Do something to a locked company; what it is then, or None, with nothing done, if its status does not allow it.

    A company that is deleted must have neither accounts nor numbers any more.
    """
    result = company_after(row.status, action)
    if result is None:
        return None
    if result is GONE:
        await act.connection.execute(delete(file_credentials).where(file_credentials.c.company_id == row.id))
        await act.connection.execute(delete(companies).where(companies.c.id == row.id))
    else:
        values = {"status": result, "status_since": act.now, "revision": companies.c.revision + 1}
        await act.connection.execute(update(companies).where(companies.c.id == row.id).values(values))
    await act.note(
        f"company.{action.value}", company_subject(row), cause, before=row.status, after=result, comment=comment
    )
    return result


async def change_duns(
    act: Act, row: Row[Any], action: DunsAction, cause: str, comment: str | None = None
) -> DunsStatus | Gone | None:
    """Do something to a locked DUNS number; what it is then, or None if its status does not allow it.

    A number that is deleted is taken from every account with it.
    """
    result = duns_after(row.status, action)
    if result is None:
        return None
    if result is GONE:
        await act.connection.execute(delete(duns_numbers).where(duns_numbers.c.id == row.id))
    else:
        values = {"status": result, "status_since": act.now}
        await act.connection.execute(update(duns_numbers).where(duns_numbers.c.id == row.id).values(values))
    await act.note(f"duns.{action.value}", duns_subject(row), cause, before=row.status, after=result, comment=comment)
    return result
