"""The operating team's word on companies and, at a TDSP's request, on DUNS numbers (COM-05, COM-06, DUN-04, DUN-05)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import Duns
from portal.acting import Act
from portal.companies.cascades import revoke_all_of, revoke_those_with_only
from portal.companies.changing import change_company, change_duns, locked_company, locked_numbers
from portal.companies.correspondence import addresses_of_company
from portal.companies.kinds import Kind
from portal.companies.letters import letters_of_company, letters_of_duns
from portal.companies.machines import CompanyAction, DunsAction, company_after, duns_after
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.faults import NOT_FOR_YOU, NOT_THERE, PeopleRefused, bad_form, not_now
from portal.permissions import Action
from portal.registration.fields import Line
from portal.viewer import Viewer
from portal.wildcards import matches, wildcard_fault

PAGE = 100
WHY = "Write why: the comments are mailed to the company."
COMPANY_ACTIONS = (CompanyAction.SUSPEND, CompanyAction.REINSTATE, CompanyAction.REVOKE)
DUNS_ACTIONS = (DunsAction.SUSPEND, DunsAction.REINSTATE, DunsAction.REVOKE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DunsSeen:
    """A DUNS number and where it stands; actions are what the operating team may do with it now."""

    id: int
    duns: Duns
    ercot_name: str | None
    status: DunsStatus
    status_since: datetime
    actions: tuple[DunsAction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyLine:
    """A company as the operating team lists it."""

    id: int
    kind: Kind
    name: str
    status: CompanyStatus
    status_since: datetime
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanySeen(CompanyLine):
    """A company as the operating team sees it; actions are what it may do with it now."""

    registered_at: datetime
    phone: str | None
    url: str | None
    duns: tuple[DunsSeen, ...]
    actions: tuple[CompanyAction, ...]


async def list_companies(
    connection: AsyncConnection,
    viewer: Viewer,
    *,
    name: Line = "",
    kind: Kind | None = None,
    status: CompanyStatus | None = None,
    after: int = 0,
) -> list[CompanyLine] | PeopleRefused:
    """All companies behind an id, 100 at a time, narrowed by name (with its wildcard), kind and status."""
    if not viewer.may(Action.SEE_COMPANIES):
        return NOT_FOR_YOU
    if name and (fault := wildcard_fault(name)):
        return bad_form({"name": fault})
    chosen = select(companies).where(companies.c.id > after).order_by(companies.c.id).limit(PAGE)
    if name:
        chosen = chosen.where(matches(companies.c.name, name))
    if kind is not None:
        chosen = chosen.where(companies.c.kind == kind)
    if status is not None:
        chosen = chosen.where(companies.c.status == status)
    return [CompanyLine(**_line(row)) for row in await connection.execute(chosen)]


async def see_company(connection: AsyncConnection, viewer: Viewer, company_id: int) -> CompanySeen | PeopleRefused:
    """One company with its numbers."""
    if not viewer.may(Action.SEE_COMPANIES):
        return NOT_FOR_YOU
    row = (await connection.execute(select(companies).where(companies.c.id == company_id))).one_or_none()
    if row is None:
        return NOT_THERE
    may = viewer.may(Action.CHANGE_COMPANIES, viewer.whose(row.id, row.kind))
    held = select(duns_numbers).where(duns_numbers.c.company_id == company_id).order_by(duns_numbers.c.duns)
    numbers = tuple(
        DunsSeen(
            id=each.id,
            duns=each.duns,
            ercot_name=each.ercot_name,
            status=each.status,
            status_since=each.status_since,
            actions=tuple(one for one in DUNS_ACTIONS if may and duns_after(each.status, one) is not None),
        )
        for each in await connection.execute(held)
    )
    return CompanySeen(
        **_line(row),
        registered_at=row.registered_at,
        phone=row.phone,
        url=row.url,
        duns=numbers,
        actions=tuple(one for one in COMPANY_ACTIONS if may and company_after(row.status, one) is not None),
    )


async def change_company_status(
    act: Act, viewer: Viewer, company_id: int, action: CompanyAction, comment: str | None
) -> CompanyStatus | PeopleRefused:
    """Suspend, reinstate or revoke a company; it is told, and all of its accounts fall with a revocation."""
    row = await _changeable(act, viewer, company_id)
    if isinstance(row, PeopleRefused):
        return row
    if action not in COMPANY_ACTIONS or company_after(row.status, action) is None:
        return not_now(f"A company that is {row.status.value.capitalize()} cannot be changed so.")
    if action is not CompanyAction.REINSTATE and not comment:
        return bad_form({"comment": WHY})
    to = await addresses_of_company(act.connection, row.id)
    cause = f"done by {viewer.user_id} of the operating team"
    status = await change_company(act, row, action, cause, comment)
    if action is CompanyAction.REVOKE:
        await revoke_all_of(act, row, f"the company {row.name} was revoked", comment or "")
    await act.mail(letters_of_company(to, row, action, comment))
    assert isinstance(status, CompanyStatus)
    return status


async def change_duns_status(
    act: Act, viewer: Viewer, company_id: int, number_id: int, action: DunsAction, comment: str | None
) -> DunsStatus | PeopleRefused:
    """Suspend, reinstate or revoke a DUNS number at its TDSP's request; the company is told.

    With a revocation the accounts fall that have no other number.
    """
    row = await _changeable(act, viewer, company_id)
    if isinstance(row, PeopleRefused):
        return row
    mine = (duns_numbers.c.id == number_id, duns_numbers.c.company_id == company_id)
    number = next(iter(await locked_numbers(act.connection, *mine)), None)
    if number is None:
        return NOT_THERE
    if action not in DUNS_ACTIONS or duns_after(number.status, action) is None:
        return not_now(f"A DUNS number that is {number.status.value.capitalize()} cannot be changed so.")
    if not comment:
        return bad_form({"comment": "Write which TDSP asks for this, and why: the comments are mailed to the company."})
    to = await addresses_of_company(act.connection, row.id)
    cause = f"done by {viewer.user_id} of the operating team, at a TDSP's request"
    status = await change_duns(act, number, action, cause, comment)
    await act.mail(letters_of_duns(to, number, row.name, action, comment))
    if action is DunsAction.REVOKE:
        await revoke_those_with_only(act, number, comment)
    assert isinstance(status, DunsStatus)
    return status


async def _changeable(act: Act, viewer: Viewer, company_id: int) -> Row[Any] | PeopleRefused:
    if not viewer.may(Action.SEE_COMPANIES):
        return NOT_FOR_YOU
    row = await locked_company(act.connection, company_id)
    if row is None:
        return NOT_THERE
    return row if viewer.may(Action.CHANGE_COMPANIES, viewer.whose(row.id, row.kind)) else NOT_FOR_YOU


def _line(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "name": row.name,
        "status": row.status,
        "status_since": row.status_since,
        "email": row.email,
    }
