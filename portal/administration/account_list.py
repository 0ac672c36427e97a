"""The accounts of a company, listed and searched (guide 5.3; ADM-14, ADM-15, AMB-01)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import Duns
from portal.accounts.machine import AccountAction, after
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts, duns_grants
from portal.companies.kinds import Kind
from portal.companies.status import DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.faults import NOT_FOR_YOU, NOT_THERE, PeopleRefused, bad_form
from portal.permissions import Action, Whose
from portal.registration.fields import Line, read_duns
from portal.viewer import Viewer
from portal.wildcards import begins, matches, wildcard_fault

AT_ONCE = 25
ALL_UP_TO = 500
SEARCHED = ("first_name", "last_name", "email", "user_id")
CHOICES = (AccountAction.SUSPEND, AccountAction.REINSTATE, AccountAction.REVOKE)
"""What Web Portal Access can be changed by; which of them depends on the account's status (ADM-19)."""


class Screen(StrEnum):
    """What the list begins with: itself, a search with Show All beside it, or a search alone."""

    LIST = "list"
    SEARCH = "search"
    SEARCH_ONLY = "search_only"


def screen_for(count: int) -> Screen:
    """25 accounts are shown at once, 26 are searched, and up to 500 can still be shown (pure; ADM-14)."""
    if count <= AT_ONCE:
        return Screen.LIST
    return Screen.SEARCH if count <= ALL_UP_TO else Screen.SEARCH_ONLY


class AccountSearch(BaseModel):
    """What is searched for: all of it must match; a letter is the first of the last name."""

    model_config = ConfigDict(extra="forbid")

    first_name: Line = ""
    last_name: Line = ""
    email: Line = ""
    user_id: Line = ""
    duns: Annotated[list[Line], Field(max_length=50, description="Accounts with access to any of these.")] = []
    status: AccountStatus | None = None
    letter: Annotated[Line, Field(description="The first letter of the last name.")] = ""

    def is_empty(self) -> bool:
        """Whether nothing was entered."""
        return not self.model_dump(exclude_defaults=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDuns:
    """A DUNS number of a company, where it stands, and whether the account has access to it."""

    duns: Duns
    status: DunsStatus
    granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """An account in a list."""

    id: int
    user_id: str
    first_name: str
    middle_initial: str | None
    last_name: str
    suffix: str | None
    email: str
    phone: str | None
    administrator: bool
    status: AccountStatus
    last_login_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSeen(AccountLine):
    """An account as its administrators see it: revision must come back with a change; actions are those allowed now."""

    company_id: int
    company: str
    registered_at: datetime
    status_since: datetime
    energy_data: bool
    home_devices: bool
    duns: tuple[HeldDuns, ...]
    revision: int
    actions: tuple[AccountAction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountList:
    """What the list shows: accounts is None where one must search first; more says that the search found others."""

    count: int
    screen: Screen
    accounts: list[AccountLine] | None
    more: bool = False


async def list_accounts(
    connection: AsyncConnection,
    viewer: Viewer,
    search: AccountSearch,
    *,
    show_all: bool = False,
    company: tuple[int, Kind] | None = None,
) -> AccountList | PeopleRefused:
    """The company's accounts, all if they are few or all are asked for, else those that a search finds.

    By last name; requests that wait for approval are among them, as their status says. company is another than the
    viewer's own, for the operating team.
    """
    whose = Whose.OWN if company is None else viewer.whose(*company)
    if not viewer.may(Action.SEE_ACCOUNTS, whose):
        return NOT_FOR_YOU
    faults = search_faults(search)
    if faults:
        return bad_form(faults)
    mine = accounts.c.company_id == (viewer.company_id if company is None else company[0])
    count = await connection.scalar(select(func.count()).select_from(accounts).where(mine)) or 0
    screen = screen_for(count)
    shown = screen is Screen.LIST or (show_all and screen is Screen.SEARCH) or not search.is_empty()
    if not shown:
        return AccountList(count=count, screen=screen, accounts=None)
    chosen = select(accounts).where(mine, *_conditions(search))
    chosen = chosen.order_by(func.lower(accounts.c.last_name), func.lower(accounts.c.first_name), accounts.c.id)
    rows = (await connection.execute(chosen.limit(ALL_UP_TO + 1))).all()
    lines = [AccountLine(**_line(row)) for row in rows[:ALL_UP_TO]]
    return AccountList(count=count, screen=screen, accounts=lines, more=len(rows) > ALL_UP_TO)


async def see_account(connection: AsyncConnection, viewer: Viewer, account_id: int) -> AccountSeen | PeopleRefused:
    """One account of the viewer's company, or of any company for the operating team."""
    chosen = select(accounts, companies.c.kind, companies.c.name).join(
        companies, companies.c.id == accounts.c.company_id
    )
    row = (await connection.execute(chosen.where(accounts.c.id == account_id))).one_or_none()
    if row is None or not viewer.may(Action.SEE_ACCOUNTS, viewer.whose(row.company_id, row.kind)):
        return NOT_THERE
    return AccountSeen(
        **_line(row),
        company_id=row.company_id,
        company=row.name,
        registered_at=row.registered_at,
        status_since=row.status_since,
        energy_data=row.administrator or row.energy_data,
        home_devices=row.administrator or row.home_devices,
        duns=await held_numbers(connection, row),
        revision=row.revision,
        actions=tuple(action for action in CHOICES if after(row.status, action) is not None),
    )


async def held_numbers(connection: AsyncConnection, row: Row[Any]) -> tuple[HeldDuns, ...]:
    """The numbers of an account's company, those that it has access to among them (DUN-06, AMB-16)."""
    granted = exists().where(duns_grants.c.account_id == row.id, duns_grants.c.duns_id == duns_numbers.c.id)
    chosen = (
        select(duns_numbers.c.duns, duns_numbers.c.status, granted.label("granted"))
        .where(duns_numbers.c.company_id == row.company_id)
        .order_by(duns_numbers.c.duns)
    )
    return tuple(
        HeldDuns(duns=each.duns, status=each.status, granted=row.administrator or each.granted)
        for each in await connection.execute(chosen)
    )


def search_faults(search: AccountSearch) -> dict[str, str]:
    """What is wrong with a search, by field (pure)."""
    found = {field: wildcard_fault(getattr(search, field)) for field in SEARCHED}
    found["duns"] = read_duns(search.duns)[1]
    found["letter"] = "Select one letter." if len(search.letter) > 1 else None
    return {field: words for field, words in found.items() if words}


def _conditions(search: AccountSearch) -> Sequence[ColumnElement[bool]]:
    wanted = [matches(accounts.c[field], text) for field in SEARCHED if (text := getattr(search, field))]
    if search.letter:
        wanted.append(begins(accounts.c.last_name, search.letter))
    if search.status is not None:
        wanted.append(accounts.c.status == search.status)
    numbers = read_duns(search.duns)[0]
    if numbers:
        named = and_(duns_numbers.c.company_id == accounts.c.company_id, duns_numbers.c.duns.in_(numbers))
        held = exists().where(
            named, duns_grants.c.duns_id == duns_numbers.c.id, duns_grants.c.account_id == accounts.c.id
        )
        wanted.append(or_(held, and_(accounts.c.administrator, exists().where(named))))
    return wanted


def _line(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "user_id": row.user_id,
        "first_name": row.first_name,
        "middle_initial": row.middle_initial,
        "last_name": row.last_name,
        "suffix": row.suffix,
        "email": row.email,
        "phone": row.phone,
        "administrator": row.administrator,
        "status": row.status,
        "last_login_at": row.last_login_at,
    }
