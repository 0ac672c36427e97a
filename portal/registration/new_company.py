"""A new company registers with its first administrator, and waits for approval (guide 2.1; REG-02, REG-03, COM-02)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, func, insert, select

from gateway.identifiers import Duns
from portal.accounts.changing import account_subject
from portal.acting import Act
from portal.companies.changing import company_subject
from portal.companies.correspondence import addresses_of_judges
from portal.companies.kinds import Kind
from portal.companies.letters import letters_of_new_company, letters_of_registration
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.faults import PeopleRefused, bad_form
from portal.registration.company_form import CompanyForm, CompanyWords, check_company
from portal.registration.people import add_person, is_taken
from portal.registration.person_form import TAKEN, Person, PersonForm, check_person

NAME_TAKEN = "A company of this name is registered already. To join it, request access to it."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCompany:
    """A company without faults that wants to register; logo is a PNG (portal/companies/logo.py)."""

    kind: Kind
    words: CompanyWords
    numbers: Sequence[Duns]
    first: Person
    logo: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredCompany:
    """A company that waits for approval, and its first administrator."""

    company_id: int
    account_id: int
    name: str
    status: CompanyStatus = CompanyStatus.PENDING


def check_new_company(
    company: CompanyForm, person: PersonForm, kind: Kind = Kind.REP, logo: bytes | None = None
) -> NewCompany | PeopleRefused:
    """Both pages of the registration together; faults are named `company.name`, `person.email`."""
    words, first = check_company(company, kind), check_person(person)
    if isinstance(words, dict) or isinstance(first, dict):
        faults = {f"company.{field}": fault for field, fault in words.items()} if isinstance(words, dict) else {}
        if isinstance(first, dict):
            faults |= {f"person.{field}": fault for field, fault in first.items()}
        return bad_form(faults)
    return NewCompany(kind=kind, words=words[0], numbers=words[1], first=first, logo=logo)


async def register_company(act: Act, new: NewCompany) -> RegisteredCompany | PeopleRefused:
    """Write it down, Pending, and tell those who decide, and the company (MAIL-02)."""
    faults = await _collisions(act, new)
    if faults:
        return bad_form(faults)
    row = await _add_company(act, new)
    first = await add_person(act, new.first, row.id, administrator=True)
    cause = "registered with its first administrator"
    await act.note("company.register", company_subject(row), cause, after=row.status)
    await act.note("account.register", account_subject(first), cause, after=first.status)
    judges = await addresses_of_judges(act.connection, new.kind)
    await act.mail(letters_of_new_company(judges, row, new.numbers, act.address))
    await act.mail(letters_of_registration([row.email], row))
    return RegisteredCompany(company_id=row.id, account_id=first.id, name=row.name)


async def standing_elsewhere(act: Act, numbers: Sequence[Duns]) -> list[Duns]:
    """Those of some numbers that are Pending, Active or Suspended at any company (AMB-15)."""
    chosen = select(duns_numbers.c.duns).where(
        duns_numbers.c.duns.in_(numbers), duns_numbers.c.status != DunsStatus.REVOKED
    )
    return sorted(await act.connection.scalars(chosen))


def standing_fault(numbers: Sequence[Duns]) -> str:
    """The words about numbers that stand elsewhere."""
    return f"{', '.join(numbers)}: registered already. A DUNS number belongs to one company at a time."


async def name_stands(act: Act, name: str, besides: int | None = None) -> bool:
    """Whether another company that is not revoked has a name."""
    chosen = select(companies.c.id).where(
        func.lower(companies.c.name) == name.lower(), companies.c.status != CompanyStatus.REVOKED
    )
    if besides is not None:
        chosen = chosen.where(companies.c.id != besides)
    return (await act.connection.execute(chosen)).first() is not None


async def add_number(act: Act, company_id: int, duns: Duns) -> Row[Any]:
    """A Pending DUNS number of a company; returns its row."""
    values = {
        "company_id": company_id,
        "duns": duns,
        "status": DunsStatus.PENDING,
        "status_since": act.now,
        "added_at": act.now,
    }
    row: Row[Any] = (await act.connection.execute(insert(duns_numbers).values(values).returning(duns_numbers))).one()
    return row


async def _collisions(act: Act, new: NewCompany) -> dict[str, str]:
    """What the registration has that somebody else has already."""
    faults = {}
    if await name_stands(act, new.words.name):
        faults["company.name"] = NAME_TAKEN
    standing = await standing_elsewhere(act, new.numbers)
    if standing:
        faults["company.duns"] = standing_fault(standing)
    if await is_taken(act, new.first.user_id):
        faults["person.user_id"] = TAKEN
    return faults


async def _add_company(act: Act, new: NewCompany) -> Row[Any]:
    values = {
        **asdict(new.words),
        "kind": new.kind,
        "logo": new.logo,
        "status": CompanyStatus.PENDING,
        "status_since": act.now,
        "registered_at": act.now,
    }
    row: Row[Any] = (await act.connection.execute(insert(companies).values(values).returning(companies))).one()
    for duns in new.numbers:
        await add_number(act, row.id, duns)
    return row
