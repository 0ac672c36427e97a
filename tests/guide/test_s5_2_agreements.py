"""Guide 5.2, 9 and 2.1: three kinds of agreement, who manages them, and the mail that asks a customer for one."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from gateway.database import Database
from gateway.dice import SeededDice
from gateway.market_notices import RepChange
from portal.accounts.tables import accounts
from portal.agreements.changing import end_due
from portal.agreements.machine import AgreementAction, AgreementKind
from portal.agreements.shown import has_device_agreement
from portal.audit.log import SYSTEM
from portal.companies.tables import companies
from portal.faults import PeopleRefusal
from portal.market.desk import MarketDesk
from portal.visibility import find_meter
from tests.clock import HandClock
from tests.portal.agreements.asking import DEVICE, ENERGY, HOME, SERVICES, answer, ask, asked, end, seen
from tests.portal.market.words import rep, tell
from tests.portal.people.conftest import database, office
from tests.portal.people.stand import Office
from tests.portal.world import BLUEBONNET, esi, viewer

__all__ = ["database", "office"]

KINDS = pytest.mark.parametrize("kind", list(AgreementKind))
GRANTED_BY = {ENERGY: "energy_data", DEVICE: "home_devices", SERVICES: "home_devices"}


async def grant(office: Office, flag: str) -> None:
    """Let the retailer's user do what the permission allows."""
    mine = update(accounts).where(accounts.c.user_key == "rep.user").values({flag: True})
    await office.database.write(lambda connection: connection.execute(mine))


@KINDS
async def test_han_05_each_kind_is_asked_by_the_rep_accepted_by_the_customer_and_ended_by_either(
    office: Office, kind: AgreementKind
) -> None:
    """HAN-05: "To learn how to create and manage In-Home Device Agreements and In-Home Device Services Agreements,
    refer to the SMT Third-Party Service Provider User Guide." (and 5.2: "Create new Energy Data Agreements")."""
    first = await asked(office, kind=kind, secret="first")
    assert await answer(office, "first") == "active"
    assert (await end(office, first.id)).ended_by == "company"
    await asked(office, kind=kind, secret="second")
    assert await answer(office, "second") == "active"
    assert await answer(office, "second", AgreementAction.TERMINATE) == "terminated"
    assert [(each.kind, each.ended_by) for each in await seen(office)] == [(kind, "customer"), (kind, "company")]


@KINDS
async def test_han_05_each_kind_ends_with_a_switch_and_after_its_months(
    office: Office, clock: HandClock, kind: AgreementKind
) -> None:
    """HAN-05, AMB-21: what a customer agreed to with his REP ends when another one serves him."""
    await asked(office, kind=kind, secret="here")
    await asked(office, kind=kind, number=2, months=1, secret="there")
    assert [await answer(office, secret) for secret in ("here", "there")] == ["active"] * 2
    feed = MarketDesk(office.database, clock, SeededDice(3))
    await tell(feed, rep(clock.now(), RepChange.SWITCH, BLUEBONNET, esi(1)))
    clock.set(clock.now() + timedelta(days=31))
    await office.acting.run(SYSTEM, end_due)
    assert [(each.esi_id, each.status) for each in await seen(office)] == [
        (esi(2), "completed"),
        (esi(1), "terminated"),
    ]


async def test_han_02_either_kind_for_devices_is_what_devices_need_and_energy_data_is_not(
    office: Office, database: Database, clock: HandClock
) -> None:
    """HAN-02: "An active In-Home Device Agreement is required in order to add or remove an In-Home Device to your
    Customer's Smart Meter."."""
    who = await viewer(database, "rep.admin")
    for number, (kind, counts) in enumerate([(ENERGY, False), (DEVICE, True), (SERVICES, True)]):
        made = await asked(office, kind=kind, secret=f"{number}")
        for expected in (False, counts):
            async with database.reading() as connection:
                meter = await find_meter(connection, who, esi(1), clock.now())
                assert meter is not None
                has = await has_device_agreement(connection, who.company_id, meter, clock.now())
            assert has is expected, kind
            await answer(office, f"{number}")
        await end(office, made.id)


@pytest.mark.parametrize("kind", [DEVICE, SERVICES])
async def test_adm_10_users_make_device_agreements_with_the_permission_and_read_them_without(
    office: Office, kind: AgreementKind
) -> None:
    """ADM-10: "if you approve a user without Editing Permissions (see Step 4), the user will have read-only access to
    the In-Home Device and In-Home Device Services Agreements"."""
    await users_with_and_without(office, kind)


async def test_adm_09_users_make_energy_data_agreements_with_the_permission_and_read_them_without(
    office: Office,
) -> None:
    """ADM-09: "if you approve a user without Editing Permissions (see Step 4), the user will have read-only access to
    all your Energy Data Agreements."."""
    await users_with_and_without(office, ENERGY)


async def users_with_and_without(office: Office, kind: AgreementKind) -> None:
    made = await asked(office, kind=kind)
    assert [each.id for each in await seen(office, "rep.user")] == [made.id], "reads"
    assert (await end(office, made.id, "rep.user")).reason is PeopleRefusal.NOT_FOR_YOU
    other = "energy_data" if GRANTED_BY[kind] == "home_devices" else "home_devices"
    await grant(office, other)
    assert (await end(office, made.id, "rep.user")).reason is PeopleRefusal.NOT_FOR_YOU, "each permission for its own"
    assert (await ask(office, "rep.user", kind=kind)).reason is PeopleRefusal.NOT_FOR_YOU
    await grant(office, GRANTED_BY[kind])
    assert (await end(office, made.id, "rep.user")).status == "terminated"
    assert (await asked(office, "rep.user", kind=kind)).kind is kind


async def test_mail_13_the_letter_carries_logo_urls_and_seal_in_the_companys_name(office: Office) -> None:
    """MAIL-13, REG-16 to REG-19: "Your company logo will be displayed on all Agreement-related communications", "The
    URL will be displayed on email communications sent by SMT to your Customers", "the Smart Grid Privacy Seal logo
    will be displayed on all Agreement-related communications"."""
    await asked(office, "blue.admin", number=3, kind=ENERGY)
    url, policy = "https://lonestar.example/", "https://lonestar.example/privacy"
    profile = {"url": url, "privacy_policy_url": policy, "privacy_seal": True, "logo": b"png"}
    mine = update(companies).where(companies.c.name == "Lone Star Power").values(profile)
    await office.database.write(lambda connection: connection.execute(mine))
    await asked(office, kind=ENERGY, secret="told-by-mail")
    plain, whole = await office.mail(HOME)
    link = "http://portal.test/agreements/told-by-mail"
    assert whole.subject == "Lone Star Power asks for your consent"
    assert whole.text.endswith("-- \nLone Star Power\n")
    for said in (url, policy, "TRUSTe privacy seal", f"Read and answer: {link}\n", "M00001", "1 Elm St, Austin"):
        assert said in whole.text, said
    for shown in (f'<img src="{link}/logo" alt="Lone Star Power"', f'href="{url}"', f'href="{policy}"'):
        assert shown in whole.html, shown
    for absent in ("<img", "TRUSTe", "Privacy policy"):
        assert absent not in plain.html, f"{absent}, which that company does not have"
