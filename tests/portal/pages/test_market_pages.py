"""The operating team's pages, and the menus of every kind of viewer."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from portal.accounts.machine import AccountAction
from portal.accounts.tables import accounts
from portal.companies.kinds import Kind
from portal.companies.machines import CompanyAction, DunsAction
from portal.companies.tables import companies, duns_numbers
from portal.pages.audit_view import ACTIONS
from portal.pages.done_words import DONE, and_done, done_words
from portal.seed import SeedCompany
from tests.clock import HandClock
from tests.portal.pages.house import House, faults_of, open_house
from tests.portal.pages.test_approval_pages import signed_in
from tests.portal.people.stand import TEAM_WORLD, Office
from tests.portal.world import LONE_STAR

COMPANIES, AUDIT = "/market/companies", "/market/audit"
MANY = replace(
    TEAM_WORLD,
    companies=(
        *TEAM_WORLD.companies,
        *(SeedCompany(name=f"Shop {number:03}", kind=Kind.THIRD_PARTY, email="a@b.example") for number in range(120)),
    ),
)


def names(text: str) -> list[str]:
    """The companies of a list."""
    return re.findall(rf'<td><a href="{COMPANIES}/\d+">([^<]+)</a>', text)


async def company(office: Office, name: str = "Lone Star Power") -> int:
    """A company's number."""
    return int((await office.row(companies, name=name)).id)


async def test_companies_are_listed_and_narrowed_by_name_kind_and_status(town: House) -> None:
    browser = await signed_in(town, "team.user")
    assert len(names((await browser.get(COMPANIES)).text)) == len(TEAM_WORLD.companies)
    assert names((await browser.get(f"{COMPANIES}?kind=tdsp&status=active")).text) == [
        "Hill Country Wires",
        "Gulf Wires",
    ]
    assert names((await browser.get(f"{COMPANIES}?name=lone*")).text) == ["Lone Star Power"]
    none = await browser.get(f"{COMPANIES}?status=revoked")
    assert "No company matches all of this." in none.text
    wrong = await browser.get(f"{COMPANIES}?name=*")
    assert (wrong.status_code, list(faults_of(wrong))) == (422, ["name"])


async def test_a_long_list_goes_on_with_what_was_asked(tmp_path: Path, clock: HandClock) -> None:
    async with open_house(tmp_path, clock, MANY) as house:
        browser = await signed_in(house, "team.user")
        page = await browser.get(f"{COMPANIES}?kind=third_party&name=shop*")
        onward = re.search(r'href="([^"]+after=\d+)">The next 100', page.text)
        assert onward is not None
        rest = await browser.get(onward[1].replace("&amp;", "&"))
        assert [len(names(each.text)) for each in (page, rest)] == [100, 20]
        assert "The next 100" not in rest.text


async def test_a_company_is_suspended_reinstated_and_revoked_with_comments(town: House, office: Office) -> None:
    browser, number = await signed_in(town, "team.admin"), await company(office)
    for verb, status in (("suspend", "suspended"), ("reinstate", "active"), ("revoke", "revoked")):
        address = f"{COMPANIES}/{number}/{verb}"
        page = await browser.get(address)
        if verb != "reinstate":
            blank = await browser.send(page, address, {})
            assert faults_of(blank) == {"comment": "Enter comments"}
        done = await browser.send(page, address, {"comment": "For a reason."})
        assert done.url.params["done"] in DONE
        assert DONE[done.url.params["done"]] in done.text
        assert await office.company_status("Lone Star Power") == status
    assert await office.status("rep.user") == "revoked"
    assert "A Revoked company stays so." in (await browser.get(f"{COMPANIES}/{number}")).text


async def test_a_number_is_suspended_reinstated_and_revoked_at_its_tdsps_request(town: House, office: Office) -> None:
    browser, number = await signed_in(town, "team.admin"), await company(office)
    duns = (await office.row(duns_numbers, duns=LONE_STAR)).id
    for verb, status in (("suspend", "suspended"), ("reinstate", "active"), ("revoke", "revoked")):
        address = f"{COMPANIES}/{number}/duns/{duns}/{verb}"
        page = await browser.get(address)
        assert faults_of(await browser.send(page, address, {})) == {"comment": "Enter comments"}
        done = await browser.send(page, address, {"comment": "Hill Country Wires asks."})
        assert DONE[done.url.params["done"]] in done.text
        assert await office.duns_status(LONE_STAR) == status
    assert await office.status("rep.user") == "revoked"


async def test_what_a_status_does_not_allow_has_no_page_and_is_refused_in_words(town: House, office: Office) -> None:
    browser, number = await signed_in(town, "team.admin"), await company(office)
    page = await browser.get(f"{COMPANIES}/{number}/suspend")
    assert (await browser.get(f"{COMPANIES}/{number}/reinstate")).status_code == 404
    await browser.send(page, f"{COMPANIES}/{number}/suspend", {"comment": "One."})
    again = await browser.send(page, f"{COMPANIES}/{number}/suspend", {"comment": "Two."})
    assert again.status_code == 409
    assert faults_of(again) == {"comment": "A company that is Suspended cannot be changed so."}


async def test_the_team_edits_accounts_of_any_company_and_goes_back_to_it(town: House, office: Office) -> None:
    browser, number = await signed_in(town, "team.admin"), await company(office)
    admin = (await office.row(accounts, user_key="rep.admin")).id
    page = await browser.get(f"{COMPANIES}/{number}")
    assert f'href="/account/users/{admin}"' in page.text
    page = await browser.get(f"/account/users/{admin}")
    done = await browser.send(page, f"/account/users/{admin}", {"access": "suspend", "comment": "By the team."})
    assert done.url.path == f"{COMPANIES}/{number}"
    assert await office.status("rep.admin") == "suspended"


async def test_the_teams_users_look_and_change_nothing(town: House, office: Office) -> None:
    browser, number = await signed_in(town, "team.user"), await company(office)
    page = (await browser.get(f"{COMPANIES}/{number}")).text
    assert "Suspend" not in page
    user = (await office.row(accounts, user_key="rep.user")).id
    assert "Save Account" not in (await browser.get(f"/account/users/{user}")).text
    assert (await browser.get(f"{COMPANIES}/{number}/suspend")).status_code == 404


@pytest.mark.parametrize("user_id", ["rep.admin", "wires.admin", "ercot.admin", "maria.customer"])
async def test_nobody_else_has_the_operating_teams_pages(town: House, office: Office, user_id: str) -> None:
    browser, number = await signed_in(town, user_id), await company(office)
    for path in (COMPANIES, f"{COMPANIES}/{number}", f"{COMPANIES}/{number}/suspend", f"{AUDIT}?company={number}"):
        assert (await browser.get(path)).status_code == 403, path
    if user_id == "maria.customer":
        assert (await browser.get(AUDIT)).status_code == 403


async def test_the_audit_log_of_the_market_is_narrowed_to_a_company(town: House, office: Office) -> None:
    await office.asked()
    browser = await signed_in(town, "team.user")
    one, other = await company(office), await company(office, "Bluebonnet Energy")
    assert "pat.pecan" in (await browser.get(AUDIT)).text
    assert "pat.pecan" in (await browser.get(f"{AUDIT}?company={one}")).text
    empty = await browser.get(f"{AUDIT}?company={other}")
    assert "Nothing has been done yet." in empty.text
    assert (await browser.get(f"{AUDIT}?company=x")).status_code == 404


MENUS = {
    "rep.user": (
        ["My Account", "Usage", "Help"],
        ["Customer Meters (ROR)", "Agreements", "Company Profile", "My Profile"],
    ),
    "wires.admin": (
        ["My Account", "Fleet", "Market", "Help"],
        ["Pending Approval", "Manage Users", "Company Profile", "My Profile", "API Keys", "Webhooks"],
    ),
    "wires.user": (["My Account", "Fleet", "Help"], ["Company Profile", "My Profile"]),
    "ercot.admin": (
        ["My Account", "Usage", "Help"],
        ["Pending Approval", "Manage Users", "Company Profile", "My Profile", "API Keys", "Webhooks"],
    ),
    "ercot.user": (["My Account", "Usage", "Help"], ["Company Profile", "My Profile"]),
    "coach.user": (["My Account", "Usage", "Help"], ["Company Profile", "My Profile"]),
    "team.admin": (
        ["My Account", "Market", "Help"],
        ["Pending Approval", "Manage Users", "Company Profile", "My Profile", "API Keys", "Webhooks"],
    ),
    "maria.customer": (["My Account", "Usage", "Help"], ["My Meters", "My Profile"]),
}


@pytest.mark.parametrize("user_id", MENUS)
async def test_every_kind_and_role_has_its_own_menus_and_each_place_is_there(town: House, user_id: str) -> None:
    browser = await signed_in(town, user_id)
    page = (await browser.get("/account/profile")).text
    tabs, side = (page[page.index(f'<nav class="{name}"') :] for name in ("tabs", "side"))
    found = [re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', each[: each.index("</nav>")]) for each in (tabs, side)]
    assert tuple([words for _, words in each] for each in found) == MENUS[user_id]
    for href, words in found[0] + found[1]:
        assert (await browser.get(href)).status_code == 200, words


async def test_an_address_brings_no_words_of_its_own(town: House) -> None:
    assert done_words({"done": "<b>hacked</b>"}) == ""
    assert and_done("/a?b=1", "x") == "/a?b=1&done=x"
    page = await (await signed_in(town)).get("/account/users?done=Your+account+is+lost")
    assert "lost" not in page.text.split("<main")[1].replace('name="back"', "")


def test_every_word_of_the_log_for_people_has_words() -> None:
    said = {
        *(f"account.{each}" for each in AccountAction),
        *(f"company.{each}" for each in CompanyAction),
        *(f"duns.{each}" for each in DunsAction),
    }
    assert said <= set(ACTIONS)
