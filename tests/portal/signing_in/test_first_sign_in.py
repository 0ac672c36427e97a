"""The first sign-in: nothing is open until it is done, and it is done once."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from portal.accounts.credentials import LIFE
from portal.accounts.presets import Preset
from portal.accounts.status import AccountStatus
from portal.companies.status import CompanyStatus
from portal.companies.tables import companies
from tests.portal.signing_in.site import OWN, SHORT, Site

FIRST = "/first-sign-in"
MODERN = pytest.mark.parametrize("site", [Preset.MODERN], indirect=True)
STEPS = {
    "new_password": SHORT,
    "password_again": SHORT,
    "security_question": "first_pet",
    "security_answer": "Rex",
}


async def approved(site: Site, user_id: str) -> str:
    """Approve an account whose owner has never signed in; the secret of what was mailed."""
    await site.change(user_id, status=AccountStatus.APPROVED, password_hash=None)
    return (await site.give(user_id)).secret


async def test_a_half_open_session_opens_no_page_and_no_api(site: Site) -> None:
    temporary = await approved(site, "rep.user")
    person = site.person()
    await person.sign_in("rep.user", temporary)
    assert person.path == FIRST
    half = person.secret
    for path in ("/usage/meters", "/account/profile", "/account/security", "/help", "/sign-in/code"):
        answer = await person.http.get(path)
        assert (answer.status_code, answer.headers["location"].split("?")[0]) in {(303, "/"), (303, FIRST)}, path
    for headers in ({}, {"authorization": f"Bearer {half}"}):
        assert (await person.http.get("/api/v1/me", headers=headers)).status_code == 401


async def test_the_first_sign_in_makes_the_account_active_with_a_new_secret(site: Site) -> None:
    person = site.person()
    await person.sign_in("rep.user", await approved(site, "rep.user"))
    half = person.secret
    await person.send(FIRST, STEPS)
    assert person.path == "/usage/meters"
    assert person.secret not in ("", half)
    row = await site.account("rep.user")
    assert (row.status, row.must_change_password, row.security_question) == (AccountStatus.ACTIVE, False, "first_pet")
    assert await site.noted() == [
        ("account.password", None, None),
        ("account.first_sign_in", "approved", "active"),
    ]
    person.http.cookies.clear()
    person.http.cookies.set("__Host-metergate", half, domain="portal.test")
    assert (await person.open("/usage/meters")).url.path == "/"
    again = site.person()
    assert (await again.sign_in("rep.user", SHORT)).url.path == "/usage/meters"


async def test_com_04_the_first_administrator_makes_the_company_active_too(site: Site) -> None:
    """COM-04: "The REP Company's first Administrator has successfully logged in for the first time." """
    person = site.person()
    temporary = await approved(site, "blue.admin")
    company = await site.company("Bluebonnet Energy")
    await set_company(site, "Bluebonnet Energy", CompanyStatus.APPROVED)
    await person.sign_in("blue.admin", temporary)
    await person.send(FIRST, STEPS)
    assert person.path == "/usage/meters"
    assert (await site.company("Bluebonnet Energy")).status is CompanyStatus.ACTIVE
    assert (await site.company("Bluebonnet Energy")).revision == company.revision + 1
    assert ("company.first_sign_in", "approved", "active") in await site.noted()


async def test_an_ordinary_user_of_an_approved_company_is_not_its_first_administrator(site: Site) -> None:
    temporary = await approved(site, "rep.user")
    await set_company(site, "Lone Star Power", CompanyStatus.APPROVED)
    person = site.person()
    await person.sign_in("rep.user", temporary)
    assert "Your company has no access" in person.faults["user_id"]
    assert (await site.company("Lone Star Power")).status is CompanyStatus.APPROVED


async def test_every_rule_of_the_first_sign_in_is_told_beside_its_field(site: Site) -> None:
    person = site.person()
    await person.sign_in("rep.user", temporary := await approved(site, "rep.user"))
    await person.send(FIRST, {"new_password": "short", "password_again": "other"})
    assert set(person.faults) == {"password_again", "security_question", "security_answer"}
    for password, words in (
        ("short", "between 6 and 24"),
        ("x" * 25, "between 6 and 24"),
        ("REP.user", "cannot be the same as your User ID"),
        (temporary, "cannot be the same as your previous password"),
    ):
        await person.send(FIRST, STEPS | {"new_password": password, "password_again": password})
        assert words in person.faults["new_password"], password
        assert password not in person.page.text.replace(">REP.user<", "")
    await person.send(FIRST, STEPS | {"security_question": "made_up", "security_answer": "  "})
    assert set(person.faults) == {"security_question", "security_answer"}
    assert (await site.account("rep.user")).status is AccountStatus.APPROVED


async def test_a_temporary_password_is_good_for_fourteen_days_and_not_a_second_more(site: Site) -> None:
    temporary = await approved(site, "rep.user")
    site.clock.set(site.clock.now() + LIFE)
    person = site.person()
    assert (await person.sign_in("rep.user", temporary)).url.path == FIRST
    site.clock.set(site.clock.now() + timedelta(seconds=1))
    late = site.person()
    await late.sign_in("rep.user", temporary)
    assert "more than 14 days old" in late.faults["user_id"]
    fresh = (await site.give("rep.user")).secret
    assert (await late.sign_in("rep.user", fresh)).url.path == FIRST


async def test_a_new_temporary_password_undoes_a_step_that_was_open(site: Site) -> None:
    person = site.person()
    await person.sign_in("rep.user", await approved(site, "rep.user"))
    await site.give("rep.user")
    await person.send(FIRST, STEPS)
    assert person.path == "/"
    assert (await site.account("rep.user")).status is AccountStatus.APPROVED


async def test_whoever_is_suspended_meanwhile_does_not_complete_it(site: Site) -> None:
    person = site.person()
    await person.sign_in("rep.user", await approved(site, "rep.user"))
    await site.change("rep.user", status=AccountStatus.SUSPENDED)
    await person.send(FIRST, STEPS)
    assert person.page.status_code == 403
    assert (await site.account("rep.user")).status is AccountStatus.SUSPENDED


async def test_a_change_without_the_half_open_sessions_token_is_refused(site: Site) -> None:
    person = site.person()
    await person.sign_in("rep.user", await approved(site, "rep.user"))
    for data, headers in ((STEPS, {}), (STEPS | {"csrf": "x"}, {}), (STEPS, {"Origin": "https://evil.example"})):
        assert (await person.http.post(FIRST, data=data, headers=headers)).status_code == 403
    assert (await site.account("rep.user")).status is AccountStatus.APPROVED


@MODERN
async def test_a_link_makes_an_approved_account_active_once(site: Site) -> None:
    secret = await approved(site, "rep.user")
    person, other = site.person(), site.person()
    for browser in (person, other):
        assert (await browser.open(f"/set-password?key={secret}")).status_code == 200
    assert (await site.account("rep.user")).status is AccountStatus.APPROVED
    await person.send("/set-password", {"new_password": OWN, "password_again": OWN})
    assert person.path == "/usage/meters"
    assert (await site.account("rep.user")).status is AccountStatus.ACTIVE
    await other.send("/set-password", {"new_password": OWN + "!", "password_again": OWN + "!"})
    assert other.page.status_code == 410
    assert (await other.open(f"/set-password?key={secret}")).status_code == 410
    assert (await other.sign_in("rep.user", OWN)).url.path == "/usage/meters"


@MODERN
async def test_a_link_is_good_for_fourteen_days_and_not_a_second_more(site: Site) -> None:
    secret = await approved(site, "rep.user")
    person = site.person()
    site.clock.set(site.clock.now() + LIFE)
    assert (await person.open(f"/set-password?key={secret}")).status_code == 200
    site.clock.set(site.clock.now() + timedelta(seconds=1))
    await person.send("/set-password", {"new_password": OWN, "password_again": OWN})
    assert person.page.status_code == 410
    assert (await site.account("rep.user")).status is AccountStatus.APPROVED


@MODERN
async def test_a_newer_link_takes_the_place_of_the_one_before(site: Site) -> None:
    first = await approved(site, "rep.user")
    second = (await site.give("rep.user")).secret
    person = site.person()
    assert (await person.open(f"/set-password?key={first}")).status_code == 410
    assert (await person.open(f"/set-password?key={second}")).status_code == 200
    assert (await person.open("/set-password?key=")).status_code == 410
    assert (await person.open("/set-password?key=%00%F0guess")).status_code == 410


@MODERN
async def test_an_administrator_owes_a_second_factor_before_anything_is_open(site: Site) -> None:
    secret = await approved(site, "rep.admin")
    person = site.person()
    await person.open(f"/set-password?key={secret}")
    await person.send("/set-password", {"new_password": OWN, "password_again": OWN})
    assert (person.path, "Set up a second factor" in person.page.text) == (FIRST, True)
    assert (await site.account("rep.admin")).status is AccountStatus.APPROVED
    half = person.secret
    assert (await person.http.get("/usage/meters")).headers["location"].startswith("/?")
    await person.open(FIRST)
    await person.send(f"{FIRST}/authenticator", {"code": "000000"})
    assert "not right" in person.faults["code"]
    await person.set_up_app(f"{FIRST}/authenticator")
    assert "recovery codes" in person.page.text
    assert person.secret != half
    assert (await person.open("/")).url.path == "/usage/meters"
    assert (await site.account("rep.admin")).status is AccountStatus.ACTIVE


@MODERN
async def test_an_active_administrator_without_a_second_factor_must_set_one_up(site: Site) -> None:
    person = site.person()
    await person.sign_in("rep.admin")
    assert person.path == FIRST
    token = await person.http.post(
        "/api/v1/sessions", json={"user_id": "rep.admin", "password": "correct horse battery"}
    )
    assert token.status_code == 403
    assert (await site.person().sign_in("rep.user")).url.path == "/usage/meters"


async def set_company(site: Site, name: str, status: CompanyStatus) -> None:
    change = update(companies).where(companies.c.name == name).values(status=status)
    await site.portal.database.write(lambda connection: connection.execute(change))
