"""What the tests of people begin with: an operating team, forms without faults, and a way to act as somebody."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Row, Table, select

from gateway.clock import Clock
from gateway.database import Database
from gateway.dice import SeededDice
from portal.accounts.credentials import Credential, Credentials
from portal.accounts.machine import AccountAction
from portal.accounts.presets import Preset
from portal.accounts.tables import accounts
from portal.acting import Acting, Change, actor_of
from portal.administration.changes import change_statuses
from portal.approvals.account_queue import Answer, Approval, Decline, Permissions, decide_account
from portal.approvals.company_queue import decide_company
from portal.audit.log import SYSTEM, Seal
from portal.audit.tables import audit
from portal.companies.kinds import Kind
from portal.companies.tables import companies, duns_numbers
from portal.faults import PeopleRefused
from portal.mail.tables import letters
from portal.registration.access_request import AskedRole, RequestedAccess, check_request, request_access
from portal.registration.company_form import CompanyForm
from portal.registration.new_company import RegisteredCompany, check_new_company, register_company
from portal.registration.people import registering
from portal.registration.person_form import PersonForm
from portal.seed import SeedCompany
from tests.portal.world import CHEAP, WORLD, person, viewer

T = TypeVar("T")

TEAM_WORLD = replace(
    WORLD,
    companies=(*WORLD.companies, SeedCompany(name="The Desk", kind=Kind.OPERATOR, email="desk@operator.example")),
    accounts=(
        *WORLD.accounts,
        person("team.admin", "The Desk", administrator=True),
        person("team.user", "The Desk"),
        person("wires.user", "Hill Country Wires"),
        person("ercot.admin", "ERCOT", administrator=True),
    ),
)
"""The small world with an operating team."""


def company_form(**fields: Any) -> CompanyForm:
    """The form of a company without faults, but for the fields given."""
    form = {
        "name": "Pecan Power",
        "address_1": "1 Pecan St",
        "city": "Austin",
        "zip": "78701",
        "phone": "512-555-0100",
        "email": "desk@pecan.example",
        "email_again": "desk@pecan.example",
        "duns": ["777777777"],
    }
    return CompanyForm(**{**form, **fields})


def person_form(user_id: str = "pat.pecan", **fields: Any) -> PersonForm:
    """The form of a person without faults, but for the fields given."""
    email = f"{user_id}@pecan.example".replace(" ", "")
    form = {
        "first_name": "Pat",
        "last_name": "Pecan",
        "email": email,
        "email_again": email,
        "user_id": user_id,
        "terms": True,
    }
    return PersonForm(**{**form, **fields})


@dataclass(frozen=True, slots=True)
class Office:
    """Acts as people of the world, over a database and a clock."""

    database: Database
    clock: Clock
    credentials: Credentials
    acting: Acting

    @classmethod
    def over(cls, database: Database, clock: Clock, preset: Preset = Preset.MODERN) -> "Office":
        """An office whose first credentials are of a preset."""
        acting = Acting(database=database, seal=Seal(), clock=clock, address="http://portal.test/")
        return cls(database, clock, Credentials(preset, CHEAP, SeededDice(11)), acting)

    async def credential(self) -> Credential:
        """A new one."""
        return await self.credentials.make()

    async def run(self, change: Change[T], user_id: str | None = None) -> T:
        """Act as somebody of the world, or as the portal itself."""
        actor = SYSTEM if user_id is None else actor_of(await viewer(self.database, user_id))
        return await self.acting.run(actor, change)

    async def register(
        self, company: CompanyForm | None = None, first: PersonForm | None = None, kind: Kind = Kind.REP
    ) -> RegisteredCompany | PeopleRefused:
        """A new company registers."""
        new = check_new_company(company or company_form(), first or person_form(), kind)
        if isinstance(new, PeopleRefused):
            return new
        return await self.acting.run(registering(new.first), lambda act: register_company(act, new))

    async def registered(self, **more: Any) -> RegisteredCompany:
        """A new company that must be taken."""
        found = await self.register(**more)
        assert isinstance(found, RegisteredCompany), found
        return found

    async def ask(
        self, company: str = "Lone Star Power", role: AskedRole = AskedRole.USER, form: PersonForm | None = None
    ) -> RequestedAccess | PeopleRefused:
        """Somebody asks for access to a company of the world."""
        checked = check_request(form or person_form())
        if isinstance(checked, PeopleRefused):
            return checked
        company_id = (await self.row(companies, name=company)).id
        return await self.acting.run(registering(checked), lambda act: request_access(act, company_id, role, checked))

    async def asked(self, **more: Any) -> int:
        """The account of a request that must be taken."""
        found = await self.ask(**more)
        assert isinstance(found, RequestedAccess), found
        return found.account_id

    async def approve(
        self,
        account_id: int,
        user_id: str = "rep.admin",
        permissions: Permissions | None = None,
        comment: str | None = None,
    ) -> Any:
        """An administrator approves a request."""
        return await self.answer(
            account_id, Approval(credential=await self.credential(), permissions=permissions, comment=comment), user_id
        )

    async def decline(self, account_id: int, comment: str | None, user_id: str = "rep.admin") -> Any:
        """An administrator declines a request."""
        return await self.answer(account_id, Decline(comment=comment), user_id)

    async def answer(self, account_id: int, answer: Answer, user_id: str = "rep.admin") -> Any:
        """An administrator answers a request."""
        who = await viewer(self.database, user_id)
        return await self.acting.run(actor_of(who), lambda act: decide_account(act, who, account_id, answer))

    async def decide(
        self, company_id: int, *, approve: bool, comment: str | None = None, user_id: str = "wires.admin"
    ) -> Any:
        """Somebody decides upon a company."""
        who = await viewer(self.database, user_id)
        credential = await self.credential() if approve else None
        return await self.acting.run(
            actor_of(who), lambda act: decide_company(act, who, company_id, credential, comment)
        )

    async def change(
        self, user_ids: Sequence[str], action: AccountAction, comment: str | None, by: str = "rep.admin"
    ) -> Any:
        """Somebody changes the statuses of accounts; the results in their order, or why nothing was done."""
        who = await viewer(self.database, by)
        ids = [(await self.row(accounts, user_key=user_id)).id for user_id in user_ids]
        results = await self.acting.run(actor_of(who), lambda act: change_statuses(act, who, ids, action, comment))
        return results if isinstance(results, PeopleRefused) else [results[each] for each in ids]

    async def row(self, table: Table, **values: Any) -> Row[Any]:
        """The one row of these values."""
        (found,) = await self.rows(table, **values)
        return found

    async def rows(self, table: Table, **values: Any) -> Sequence[Row[Any]]:
        """The rows of these values, by id or number."""
        key = table.c.number if table is audit else table.c.id
        chosen = select(table).where(*(table.c[name] == value for name, value in values.items())).order_by(key)
        async with self.database.reading() as connection:
            return (await connection.execute(chosen)).all()

    async def status(self, user_id: str) -> str | None:
        """Where an account stands, None if it is gone."""
        found = await self.rows(accounts, user_key=user_id)
        return found[0].status.value if found else None

    async def company_status(self, name: str) -> str | None:
        """Where a company stands, None if it is gone."""
        found = await self.rows(companies, name=name)
        return found[0].status.value if found else None

    async def duns_status(self, duns: str) -> str | None:
        """Where a DUNS number stands, None if it is gone."""
        found = await self.rows(duns_numbers, duns=duns)
        return found[-1].status.value if found else None

    async def mail(self, to: str | None = None) -> list[Row[Any]]:
        """The letters that were posted, to everybody or to one address."""
        return [row for row in await self.rows(letters) if to is None or row.recipient == to]

    async def actions(self) -> list[str]:
        """What the audit log tells, in order."""
        return [f"{row.action} {row.subject} {row.before}>{row.after}" for row in await self.rows(audit)]

    async def causes(self) -> list[str]:
        """Why what the audit log tells happened, in order."""
        return [row.cause for row in await self.rows(audit)]
