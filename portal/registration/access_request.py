"""Somebody asks for access to a company that is there, as an administrator or as a user (guide 2.2; REG-29 to 32)."""

from dataclasses import dataclass
from enum import StrEnum

from portal.accounts.changing import account_subject
from portal.accounts.status import AccountStatus
from portal.acting import Act
from portal.companies.changing import locked_company
from portal.companies.correspondence import addresses_of_company
from portal.companies.letters import letters_of_request
from portal.companies.status import CompanyStatus
from portal.faults import PeopleRefused, bad_form
from portal.registration.people import add_person, is_taken
from portal.registration.person_form import TAKEN, Person, PersonForm, check_person


class AskedRole(StrEnum):
    """As what somebody asks for access (REG-29)."""

    ADMINISTRATOR = "administrator"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedAccess:
    """A request that waits for one of the company's administrators."""

    account_id: int
    company: str
    role: AskedRole
    status: AccountStatus = AccountStatus.PENDING


def check_request(person: PersonForm) -> Person | PeopleRefused:
    """The page of the person; faults are named `person.email`."""
    checked = check_person(person)
    if isinstance(checked, dict):
        return bad_form({f"person.{field}": fault for field, fault in checked.items()})
    return checked


async def request_access(act: Act, company_id: int, role: AskedRole, person: Person) -> RequestedAccess | PeopleRefused:
    """Write the request down, Pending, and tell the company and its administrators (MAIL-02, REG-30)."""
    company = await locked_company(act.connection, company_id)
    if company is None or company.status is not CompanyStatus.ACTIVE:
        return bad_form({"company": "Select a company from the list."})
    if await is_taken(act, person.user_id):
        return bad_form({"person.user_id": TAKEN})
    row = await add_person(act, person, company_id, administrator=role is AskedRole.ADMINISTRATOR)
    await act.note("account.register", account_subject(row), f"asked for access as {role.value}", after=row.status)
    to = await addresses_of_company(act.connection, company_id)
    await act.mail(letters_of_request(to, row, company.name, act.address))
    return RequestedAccess(account_id=row.id, company=company.name, role=role)
