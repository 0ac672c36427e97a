"""Who asks: an account with its company, kind, permissions and Active DUNS numbers, loaded anew for each request."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, bindparam, exists, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import Duns
from portal.accounts.entry import EntryRefusal, entry_refusal
from portal.accounts.tables import accounts, duns_grants
from portal.companies.kinds import Kind
from portal.companies.status import DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.permissions import Action, Role, Whose, may, whose_company


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Somebody who may enter. duns are the Active numbers granted to the account, all of them to administrators.

    company_id and company are None for customers; energy_data and home_devices are ADM-09 and ADM-10.
    """

    account_id: int
    user_id: str
    name: str
    email: str
    language: str
    kind: Kind
    company_id: int | None
    company: str | None
    administrator: bool
    energy_data: bool
    home_devices: bool
    duns: frozenset[Duns]

    @property
    def role(self) -> Role:
        """What the table of permissions asks of this viewer, who may enter."""
        return Role(
            kind=self.kind,
            administrator=self.administrator,
            energy_data=self.energy_data,
            home_devices=self.home_devices,
        )

    def may(self, action: Action, whose: Whose = Whose.OWN) -> bool:
        """Whether this viewer may do something, by the one table (portal/permissions.py)."""
        return may(self.role, action, whose)

    def whose(self, company_id: int, kind: Kind) -> Whose:
        """Whose thing a company is, seen from this viewer."""
        return whose_company(kind, own=company_id == self.company_id)

    @property
    def may_request_reads(self) -> bool:
        """Whether on-demand reads are for this kind of viewer: ERCOT and the PUCT only look."""
        return self.may(Action.REQUEST_READS)


_COMMA: Any = literal_column("','")
"""A plain text would become a value of SQLAlchemy's own kind, which only its engines fill in."""
_HELD = (
    select(func.aggregate_strings(duns_numbers.c.duns, _COMMA))
    .where(
        duns_numbers.c.company_id == accounts.c.company_id,
        duns_numbers.c.status == DunsStatus.ACTIVE,
        or_(
            accounts.c.administrator,
            # By itself it would correlate with the select around it alone, and take anybody's grant for this account's.
            exists()
            .where(duns_grants.c.account_id == accounts.c.id, duns_grants.c.duns_id == duns_numbers.c.id)
            .correlate(accounts, duns_numbers),
        ),
    )
    .correlate(accounts)
    .scalar_subquery()
    .label("held")
)
OF_COMPANY = (
    companies.c.kind.label("kind"),
    companies.c.name.label("company"),
    companies.c.status.label("company_status"),
    _HELD,
)
ACCOUNTS: Select[Any] = select(accounts, *OF_COMPANY).select_from(accounts.outerjoin(companies))
"""An account with what its company adds, and its Active DUNS numbers as one text; viewers are made of such rows."""

VIEWER: Select[Any] = ACCOUNTS.with_only_columns(
    *(
        accounts.c[name]
        for name in (
            "id", "user_id", "company_id", "status", "administrator", "energy_data", "home_devices", "email",
            "first_name", "last_name", "language", "must_change_password",
        )
    ),
    *OF_COMPANY,
)  # fmt: skip
"""The same without what no viewer is made of."""

_BY_ID = VIEWER.where(accounts.c.id == bindparam("account"))


async def load_viewer(connection: AsyncConnection, account_id: int) -> Viewer | EntryRefusal | None:
    """The viewer behind an account, why it may not enter, or None if there is no such account."""
    row = (await connection.execute(_BY_ID, {"account": account_id})).one_or_none()
    return None if row is None else viewer_of(row)


def active_duns(row: Row[Any]) -> frozenset[Duns]:
    """The Active numbers of the account behind a row of ACCOUNTS."""
    return frozenset(map(Duns, row.held.split(","))) if row.held else frozenset()


def viewer_of(row: Row[Any]) -> Viewer | EntryRefusal:
    """The viewer behind a row of VIEWER, or why the account may not enter."""
    kind = row.kind or Kind.CUSTOMER
    duns = active_duns(row)
    refusal = entry_refusal(row.status, kind, row.company_status, has_active_duns=bool(duns))
    if refusal is not None:
        return refusal
    return Viewer(
        account_id=row.id,
        user_id=row.user_id,
        name=f"{row.first_name} {row.last_name}",
        email=row.email,
        language=row.language,
        kind=kind,
        company_id=row.company_id,
        company=row.company,
        administrator=row.administrator,
        energy_data=row.administrator or row.energy_data,
        home_devices=row.administrator or row.home_devices,
        duns=duns,
    )
