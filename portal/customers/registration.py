"""A customer registers at the public entry, perhaps with his first meter; nobody approves him (guide 10.2, B.1).

The account is Approved at once and owes its first sign-in, within the fourteen days that everybody has (ACC-05).
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy import update

from portal.accounts import credentials
from portal.accounts.changing import account_subject, change_account, locked_account
from portal.accounts.credentials import Credential
from portal.accounts.machine import AccountAction
from portal.accounts.owner import LANGUAGES
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts
from portal.acting import Act, Acting
from portal.customers.attaching import HELD, NO_SUCH_PAIR, Attaching, look, put
from portal.customers.guessing import Guesses
from portal.customers.kinds import CustomerKind
from portal.customers.letters import letter_of_registration
from portal.customers.pairs import Pair, read_pair
from portal.faults import PeopleRefused, bad_form
from portal.locales.catalogues import N_
from portal.registration.fields import Line, needed
from portal.registration.people import add_person, is_taken, registering
from portal.registration.person_form import TAKEN, Person, PersonForm, check_person

NO_KIND = N_("Choose whether you register as a household or as a business.")
NO_LANGUAGE = N_("Choose a language.")


class CustomerForm(PersonForm):
    """A customer who registers, as it was entered. The two numbers of a meter are left empty, or both are given."""

    kind: Annotated[Line, Field(description="`residential` or `business`.")] = ""
    business_name: Annotated[Line, Field(description="Of a business.")] = ""
    language: Annotated[Line, Field(description="`en` or `es`.")] = "en"
    esi_id: Annotated[Line, Field(description="Of the first meter, from the electric bill; 17 or 22 digits.")] = ""
    meter_number: Annotated[Line, Field(description="Of the same meter, from the same bill.")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer without faults; pair is None if he attaches his first meter later."""

    kind: CustomerKind
    business_name: str | None
    language: str
    person: Person
    pair: Pair | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredCustomer:
    """An account that waits for its first sign-in."""

    account_id: int
    user_id: str
    meter_attached: bool
    status: AccountStatus = AccountStatus.APPROVED


def check_customer(form: CustomerForm) -> Customer | PeopleRefused:
    """The customer, or all faults by field."""
    business = form.kind == CustomerKind.BUSINESS
    found = {
        "kind": None if form.kind in list(CustomerKind) else NO_KIND,
        "business_name": needed(form.business_name, 120, "the name of your business") if business else None,
        "language": None if form.language in LANGUAGES else NO_LANGUAGE,
    }
    faults = {field: words for field, words in found.items() if words}
    person = check_person(PersonForm(**{name: getattr(form, name) for name in PersonForm.model_fields}))
    pair = read_pair(form.esi_id, form.meter_number) if form.esi_id or form.meter_number else None
    if isinstance(person, dict) or isinstance(pair, dict) or faults:
        faults |= person if isinstance(person, dict) else {}
        faults |= pair if isinstance(pair, dict) else {}
        return bad_form(faults)
    return Customer(
        kind=CustomerKind(form.kind),
        business_name=form.business_name if business else None,
        language=form.language,
        person=person,
        pair=pair,
    )


async def register_customer(act: Act, customer: Customer, credential: Credential) -> RegisteredCustomer | PeopleRefused:
    """Write him down, Approved, with his meter if he named one, and mail him the way in."""
    faults = {}
    if await is_taken(act, customer.person.user_id):
        faults["user_id"] = TAKEN
    if customer.pair is not None:
        result, _ = await look(act, customer.pair, None)
        if result is not Attaching.ATTACHED:
            faults["meter_number"] = HELD if result is Attaching.HELD else NO_SUCH_PAIR
    if faults:
        return bad_form(faults)
    row = await add_person(act, customer.person, None, administrator=False)
    own = {"customer_kind": customer.kind, "business_name": customer.business_name, "language": customer.language}
    await act.connection.execute(update(accounts).where(accounts.c.id == row.id).values(**own))
    cause = f"registered as a {customer.kind.value} customer"
    await act.note("account.register", account_subject(row), cause, after=row.status)
    pending = await locked_account(act.connection, row.id)
    assert pending is not None, "it was written a moment ago"
    await change_account(act, pending, AccountAction.APPROVE, "customers need no approval")
    if customer.pair is not None:
        await put(act, customer.pair.esi_id, row.id)
    await credentials.give(act.connection, row.id, credential, act.now)
    await act.mail([letter_of_registration(pending, credential, act.address)])
    return RegisteredCustomer(account_id=row.id, user_id=row.user_id, meter_attached=customer.pair is not None)


async def register_guarded(
    acting: Acting, guesses: Guesses, address: str, customer: Customer, credential: Credential
) -> RegisteredCustomer | PeopleRefused:
    """The same from an address; a meter that is none counts as a guess from there."""

    async def attempt() -> RegisteredCustomer | PeopleRefused:
        return await acting.run(registering(customer.person), lambda act: register_customer(act, customer, credential))

    if customer.pair is None:
        return await attempt()
    return await guesses.guarded(
        (f"address {address}",),
        attempt,
        lambda answer: isinstance(answer, PeopleRefused) and answer.faults.get("meter_number") == NO_SUCH_PAIR,
    )
