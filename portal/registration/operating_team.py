"""The operating team's first account, from which everybody else is admitted; there is no default password anywhere."""

from datetime import datetime

from sqlalchemy import insert, select

from portal.accounts import credentials
from portal.accounts.changing import account_subject, change_account
from portal.accounts.credentials import Credential
from portal.accounts.machine import AccountAction
from portal.acting import Act
from portal.companies.changing import company_subject
from portal.companies.kinds import Kind
from portal.companies.status import CompanyStatus
from portal.companies.tables import companies
from portal.faults import PeopleRefused, bad_form, not_now
from portal.registration.people import add_person, is_taken
from portal.registration.person_form import TAKEN, Person

NAME = "Operating team"
ALREADY = "There is an operating team already: its administrators approve whoever asks for access to it."


async def found_team(act: Act, person: Person, credential: Credential) -> datetime | PeopleRefused:
    """Make the team and its first administrator, whom a link lets in; returns until when. Refused if there is a team.

    The team is Active at once, and its administrator Approved: he owes a first sign-in like everybody (AMB-13).
    """
    there = select(companies.c.id).where(companies.c.kind == Kind.OPERATOR)
    if (await act.connection.execute(there)).first() is not None:
        return not_now(ALREADY)
    if await is_taken(act, person.user_id):
        return bad_form({"user_id": TAKEN})
    values = {
        "kind": Kind.OPERATOR,
        "name": NAME,
        "email": person.email,
        "status": CompanyStatus.ACTIVE,
        "status_since": act.now,
        "registered_at": act.now,
    }
    company = (await act.connection.execute(insert(companies).values(values).returning(companies))).one()
    await act.note("company.register", company_subject(company), "metergate portal init", after=company.status)
    row = await add_person(act, person, company.id, administrator=True)
    await act.note("account.register", account_subject(row), "metergate portal init", after=row.status)
    await change_account(act, row, AccountAction.APPROVE, "metergate portal init")
    await credentials.give(act.connection, row.id, credential, act.now)
    return act.now + credentials.LIFE
