"""Guide 1, 4.2, 4.3 and figure 12: two ways in, and who gets in by them."""

from typing import Any

import pytest
from sqlalchemy import delete, update

from portal.accounts.status import AccountStatus
from portal.accounts.tables import duns_grants
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from tests.portal.signing_in.conftest import site
from tests.portal.signing_in.site import SHORT, Site
from tests.portal.world import LONE_STAR, PASSWORD

__all__ = ["site"]

STEPS = {
    "new_password": SHORT,
    "password_again": SHORT,
    "security_question": "first_car",
    "security_answer": "Beetle",
}


async def write(site: Site, statement: Any) -> None:
    await site.portal.database.write(lambda connection: connection.execute(statement))


def company(status: CompanyStatus) -> Any:
    return update(companies).where(companies.c.name == "Lone Star Power").values(status=status)


def duns(status: DunsStatus) -> Any:
    return update(duns_numbers).where(duns_numbers.c.duns == LONE_STAR).values(status=status)


async def test_ent_02_and_ent_03_registration_differs_between_the_two_entries(site: Site) -> None:
    """ENT-02, ENT-03: a REP, a third party and a TDSP register at the private entry point, customers at the public."""
    person = site.person()
    public, private = (await person.open("/")).text, (await person.open("/private")).text
    assert ('href="/register"' in public, 'href="/private/register"' in public) == (True, False)
    assert ('href="/register"' in private, 'href="/private/register"' in private) == (False, True)
    for page in (public, private):
        assert 'href="/">Customers' in page.replace(' aria-current="page"', "")
        assert 'href="/private">Market participants' in page.replace(' aria-current="page"', "")


@pytest.mark.parametrize("entry", ["/", "/private"])
@pytest.mark.parametrize("user_id", ["rep.user", "wires.admin", "ercot.user", "coach.user", "maria.customer"])
async def test_ent_04_and_ent_05_every_kind_signs_in_at_either_entry(site: Site, entry: str, user_id: str) -> None:
    """ENT-04: existing account holders may log in from either entry point, whatever kind they are (ENT-05)."""
    person = site.person()
    await person.open(entry)
    await person.send("/login", {"user_id": user_id, "password": "wrong"})
    assert f'name="entry" value="{entry}"' in person.page.text
    await person.send("/login", {"user_id": user_id, "password": PASSWORD})
    assert (person.page.status_code, person.path) != (200, "/login")
    assert "Sign out" in person.page.text


async def test_acc_04_an_approved_account_may_only_complete_its_first_sign_in(site: Site) -> None:
    """ACC-04, AMB-13: "A temporary password for your new Account has been sent" "but you have not yet logged in for
    the first time."
    """
    await site.change("rep.user", status=AccountStatus.APPROVED)
    temporary = (await site.give("rep.user")).secret
    person = site.person()
    await person.sign_in("rep.user", temporary)
    assert person.path == "/first-sign-in"
    assert (await person.http.get("/usage/meters")).status_code == 303
    api = await person.http.post("/api/v1/sessions", json={"user_id": "rep.user", "password": temporary})
    assert (api.status_code, api.json()["type"]) == (403, "urn:metergate:problem:no-entry")


async def test_acc_06_active_is_only_who_changed_the_password_and_chose_a_question(site: Site) -> None:
    """ACC-06: "You have successfully logged in for the first time, changed your temporary password, and selected a
    security question for your Account."
    """
    await site.change("rep.user", status=AccountStatus.APPROVED)
    person = site.person()
    await person.sign_in("rep.user", (await site.give("rep.user")).secret)
    for missing in STEPS:
        await person.send("/first-sign-in", STEPS | {missing: ""})
        assert (await site.account("rep.user")).status is AccountStatus.APPROVED, missing
    await person.send("/first-sign-in", STEPS)
    assert (await site.account("rep.user")).status is AccountStatus.ACTIVE


async def test_acc_07_a_new_temporary_password_sets_a_locked_account_to_active(site: Site) -> None:
    """ACC-07: "When your new temporary password is issued, your Account Status will return to Active." """
    account = await site.account("rep.user")
    await site.portal.owner.change_question(account.id, "first_car", "Beetle")
    person = site.person()
    for _ in range(5):
        await person.sign_in("rep.user", "wrong")
    assert (await site.account("rep.user")).status is AccountStatus.LOCKED
    await site.portal.recovery.send_password("rep.user", "beetle")
    assert (await site.account("rep.user")).status is AccountStatus.ACTIVE
    assert ("account.new_credential", "locked", "active") in await site.noted()


BARS = {
    "account suspended": ("account", AccountStatus.SUSPENDED),
    "account revoked": ("account", AccountStatus.REVOKED),
    "account locked": ("account", AccountStatus.LOCKED),
    "company suspended": ("company", CompanyStatus.SUSPENDED),
    "company revoked": ("company", CompanyStatus.REVOKED),
    "duns suspended": ("duns", DunsStatus.SUSPENDED),
    "duns revoked": ("duns", DunsStatus.REVOKED),
}


@pytest.mark.parametrize("bar", BARS)
async def test_gate_01_whatever_is_not_active_bars_at_the_very_next_request(site: Site, bar: str) -> None:
    """GATE-01: "Your Account Status, your Company Status, and the status for at least one of your DUNS numbers must
    all be Active for you to gain access to SMT."
    """
    person = site.person()
    await person.sign_in("rep.user")
    token = (await person.http.post("/api/v1/sessions", json={"user_id": "rep.user", "password": PASSWORD})).json()
    bearer = {"authorization": f"Bearer {token['token']}"}
    assert (await person.http.get("/api/v1/me", headers=bearer)).status_code == 200
    what, status = BARS[bar]
    if what == "account":
        await site.change("rep.user", status=status)
    else:
        await write(site, company(status) if isinstance(status, CompanyStatus) else duns(DunsStatus(status)))
    assert (await person.http.get("/usage/meters")).headers["location"].startswith("/?next=")
    assert (await person.http.get("/api/v1/me", headers=bearer)).status_code == 401
    again = site.person()
    assert (await again.sign_in("rep.user")).url.path == "/login"


async def test_gate_01_a_grant_that_is_lost_bars_too(site: Site) -> None:
    """GATE-01: "at least one of your DUNS numbers", those that are granted to the account."""
    person = site.person()
    await person.sign_in("rep.user")
    account = await site.account("rep.user")
    await write(site, delete(duns_grants).where(duns_grants.c.account_id == account.id))
    assert (await person.http.get("/usage/meters")).headers["location"].startswith("/?next=")
