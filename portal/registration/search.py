"""Finding the company to ask for access: by its name or by a letter; names only (REG-06, REG-26 to REG-28)."""

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.companies.kinds import REGISTERED, Kind
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.faults import PeopleRefused, bad_form
from portal.wildcards import begins, matches, wildcard_fault

MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyName:
    """A company by its names: ercot_names are those under which ERCOT knows its DUNS numbers, where they differ."""

    id: int
    name: str
    ercot_names: tuple[str, ...]


async def find_companies(
    connection: AsyncConnection, *, name: str | None = None, letter: str | None = None, kind: Kind = Kind.REP
) -> list[CompanyName] | PeopleRefused:
    """The Active companies of a kind by either of their names, at most 200, in the order of names."""
    if (name is None) == (letter is None):
        return bad_form({"name": "Enter a company's name, or select a letter."})
    if name is not None and (not name.strip() or wildcard_fault(name.strip()) is not None):
        return bad_form({"name": wildcard_fault(name.strip()) or "Enter a company's name."})
    if letter is not None and (len(letter) != 1 or not letter.isalnum()):
        return bad_form({"letter": "Select one letter."})
    wanted = [
        matches(column, name.strip()) if name is not None else begins(column, letter or "")
        for column in (companies.c.name, duns_numbers.c.ercot_name)
    ]
    known = select(duns_numbers.c.company_id).where(duns_numbers.c.status == DunsStatus.ACTIVE, wanted[1])
    chosen = (
        select(companies.c.id, companies.c.name)
        .where(companies.c.kind == kind, companies.c.status == CompanyStatus.ACTIVE)
        .where(or_(wanted[0], companies.c.id.in_(known)))
        .order_by(companies.c.name, companies.c.id)
        .limit(MOST)
    )
    rows = (await connection.execute(chosen)).all()
    return await _with_ercot_names(connection, {row.id: row.name for row in rows})


async def company_to_join(connection: AsyncConnection, company_id: int) -> CompanyName | None:
    """An Active company that one may ask for access to, None if there is none of this id."""
    chosen = select(companies.c.name).where(
        companies.c.id == company_id,
        companies.c.status == CompanyStatus.ACTIVE,
        companies.c.kind.in_(REGISTERED),
    )
    name = await connection.scalar(chosen)
    return None if name is None else next(iter(await _with_ercot_names(connection, {company_id: name})))


async def _with_ercot_names(connection: AsyncConnection, names: dict[int, str]) -> list[CompanyName]:
    chosen = (
        select(duns_numbers.c.company_id, duns_numbers.c.ercot_name)
        .where(
            duns_numbers.c.company_id.in_(names),
            duns_numbers.c.status == DunsStatus.ACTIVE,
            duns_numbers.c.ercot_name.is_not(None),
        )
        .order_by(duns_numbers.c.ercot_name)
    )
    others: dict[int, list[str]] = {}
    for row in await connection.execute(chosen):
        if row.ercot_name != names[row.company_id]:
            others.setdefault(row.company_id, []).append(row.ercot_name)
    return [
        CompanyName(id=key, name=name, ercot_names=tuple(dict.fromkeys(others.get(key, ()))))
        for key, name in names.items()
    ]
