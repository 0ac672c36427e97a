"""Customers register: every fault at once, the way in by mail under either preset, and fourteen days to sign in."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from portal.accounts.credentials import LIFE
from portal.accounts.expiry import expire_due
from portal.accounts.presets import Preset
from portal.accounts.tables import accounts
from portal.customers.attaching import HELD, NO_SUCH_PAIR
from portal.customers.guessing import MOST_MISSES, Guesses
from portal.customers.registration import (
    Customer,
    CustomerForm,
    RegisteredCustomer,
    check_customer,
    register_guarded,
)
from portal.faults import PeopleRefusal, PeopleRefused
from portal.meters.tables import attachments
from portal.registration.person_form import TAKEN
from tests.clock import HandClock
from tests.portal.customers.test_attaching import tried
from tests.portal.people.stand import Office
from tests.portal.world import esi

MAIL = "ana@home.example"


def form(**fields: Any) -> CustomerForm:
    """A form without faults, but for the fields given."""
    good = {"kind": "residential", "first_name": "Ana", "last_name": "Lopez", "user_id": "ana.lopez", "terms": True}
    return CustomerForm(**{**good, "email": MAIL, "email_again": MAIL, **fields})


async def register(office: Office, guesses: Guesses | None = None, **fields: Any) -> Any:
    customer = check_customer(form(**fields))
    assert isinstance(customer, Customer), customer
    credential = await office.credential()
    return await register_guarded(office.acting, guesses or Guesses(office.clock), "10.0.0.1", customer, credential)


def test_all_faults_come_at_once_by_field() -> None:
    refused = check_customer(CustomerForm(kind="church", language="fr", esi_id="1", meter_number="?"))
    assert isinstance(refused, PeopleRefused)
    assert set(refused.faults) == {
        *("kind", "language", "first_name", "last_name", "email", "user_id", "terms", "esi_id", "meter_number")
    }
    business = check_customer(form(kind="business"))
    assert isinstance(business, PeopleRefused)
    assert dict(business.faults) == {"business_name": "Enter the name of your business."}


@pytest.mark.parametrize("given", [{"esi_id": esi(2)}, {"meter_number": "M00002"}])
def test_half_a_pair_is_none(given: dict[str, str]) -> None:
    refused = check_customer(form(**given))
    assert isinstance(refused, PeopleRefused)
    assert set(refused.faults) == {"esi_id", "meter_number"} - set(given)


async def test_a_business_registers_with_its_first_meter(office: Office) -> None:
    more: dict[str, Any] = {
        "kind": "business",
        "business_name": "Pecan Bakery",
        "esi_id": esi(2),
        "meter_number": "m00002",
    }
    done = await register(office, **more)
    assert isinstance(done, RegisteredCustomer)
    row = await office.row(accounts, id=done.account_id)
    assert (row.status, row.company_id, row.customer_kind, row.business_name) == (
        *("approved", None, "business", "Pecan Bakery"),
    )
    (letter,) = await office.mail(MAIL)
    assert "/set-password?key=" in letter.text
    assert await tried(office, 2) == "held"
    assert await office.actions() == [
        "account.register ana.lopez None>pending",
        "account.approve ana.lopez pending>approved",
        f"meter.attach {esi(2)} None>None",
    ]


async def test_under_the_guides_rules_the_letter_brings_a_temporary_password(office: Office, clock: HandClock) -> None:
    guides = Office.over(office.database, clock, Preset.SMT)
    await register(guides)
    (letter,) = await office.mail(MAIL)
    assert ("Your temporary password is:" in letter.text, "key=" in letter.text) == (True, False)


async def test_what_is_taken_or_held_leaves_nothing_behind(office: Office) -> None:
    before = len(await office.rows(accounts))
    held = await register(office, user_id="Maria.Customer", esi_id=esi(1), meter_number="M00001")
    assert dict(held.faults) == {"user_id": TAKEN, "meter_number": HELD}
    unknown = await register(office, esi_id=esi(99), meter_number="M00001")
    assert dict(unknown.faults) == {"meter_number": NO_SUCH_PAIR}
    assert (len(await office.rows(accounts)), await office.mail(), await office.actions()) == (before, [], [])


async def test_guessing_meters_by_registering_is_counted_with_the_address(office: Office, clock: HandClock) -> None:
    guesses = Guesses(clock)
    for n in range(MOST_MISSES):
        await register(office, guesses, user_id=f"ana.{n}", esi_id=esi(2), meter_number=f"X{n}")
    refused = await register(office, guesses, esi_id=esi(2), meter_number="M00002")
    assert refused.reason is PeopleRefusal.TOO_OFTEN
    assert isinstance(await register(office, guesses), RegisteredCustomer), "without a meter nothing is guessed"


async def test_of_many_at_once_one_has_the_user_id_and_one_the_meter(office: Office) -> None:
    pair: dict[str, Any] = {"esi_id": esi(2), "meter_number": "M00002"}
    same = await asyncio.gather(*(register(office, **pair) for _ in range(4)))
    assert sum(isinstance(each, RegisteredCustomer) for each in same) == 1
    others = await asyncio.gather(*(register(office, user_id=f"ana.{n}", **pair) for n in range(4)))
    assert [dict(each.faults) for each in others] == [{"meter_number": HELD}] * 4


async def test_without_a_sign_in_the_account_is_deleted_and_its_meter_free(office: Office, clock: HandClock) -> None:
    await register(office, esi_id=esi(2), meter_number="M00002")
    clock.set(clock.now() + LIFE - timedelta(seconds=1))
    assert await office.run(expire_due) == 0
    clock.set(clock.now() + timedelta(seconds=1))
    assert await office.run(expire_due) == 1
    assert await office.status("ana.lopez") is None
    assert (await office.mail(MAIL))[-1].subject == "Your account has expired"
    assert await tried(office, 2) == "attached"
    async with office.database.reading() as connection:
        held = await connection.execute(attachments.select().where(attachments.c.esi_id == esi(2)))
        assert len(held.all()) == 1
