"""Who gets mail for a company: its own address, and copies to its administrators (REG-13, REG-22)."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts
from portal.companies.kinds import Kind
from portal.companies.status import CompanyStatus
from portal.companies.tables import companies

READING = (AccountStatus.APPROVED, AccountStatus.ACTIVE, AccountStatus.LOCKED)
"""The administrators who get copies: not those who wait for approval, nor those who are barred."""


async def addresses_of_company(connection: AsyncConnection, company_id: int) -> list[str]:
    """A company's address, then its administrators', each once."""
    return await _addresses(connection, companies.c.id == company_id)


async def addresses_of_judges(connection: AsyncConnection, kind: Kind) -> list[str]:
    """Who is told that something of a company waits: every TDSP for a REP's, the operating team for all others'."""
    judge = Kind.TDSP if kind is Kind.REP else Kind.OPERATOR
    return await _addresses(connection, and_(companies.c.kind == judge, companies.c.status == CompanyStatus.ACTIVE))


async def _addresses(connection: AsyncConnection, which: ColumnElement[bool]) -> list[str]:
    own: Select[Any] = select(companies.c.email).where(which).order_by(companies.c.id)
    people: Select[Any] = (
        select(accounts.c.email)
        .join(companies, companies.c.id == accounts.c.company_id)
        .where(which, accounts.c.administrator, accounts.c.status.in_(READING))
        .order_by(accounts.c.id)
    )
    found: dict[str, str] = {}
    for statement in (own, people):
        for address in await connection.scalars(statement):
            found.setdefault(address.casefold(), address)
    return list(found.values())
