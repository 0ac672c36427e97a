"""Manage Users: the list and its search, Edit User, and statuses changed one by one and several at once."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from portal.accounts.tables import accounts
from portal.pages.choosing import way_back
from portal.pages.user_list import Column
from tests.clock import HandClock
from tests.portal.pages.house import House, faults_of, open_house
from tests.portal.pages.test_approval_pages import signed_in
from tests.portal.people.stand import TEAM_WORLD, Office
from tests.portal.world import LONE_STAR, LONE_STAR_SECOND, person

USERS = "/account/users"
CROWD = replace(
    TEAM_WORLD,
    accounts=(
        *TEAM_WORLD.accounts,
        *(person(f"user.{number:02}", "Lone Star Power", duns=(LONE_STAR,)) for number in range(30)),
    ),
)


def listed(text: str) -> list[str]:
    """The user ids of a list, in its order."""
    return re.findall(r'<td class="id">([^<]+)</td>', text)


async def id_of(office: Office, user_id: str) -> int:
    """An account's number."""
    return int((await office.row(accounts, user_key=user_id)).id)


async def test_a_short_list_is_shown_at_once_and_sorted_by_any_column(town: House) -> None:
    browser = await signed_in(town)
    page = await browser.get(USERS)
    assert sorted(listed(page.text)) == ["rep.admin", "rep.user"]
    for column in Column:
        up = listed((await browser.get(f"{USERS}?sort={column}")).text)
        turned = await browser.get(f"{USERS}?sort={column}&order=desc")
        assert up == ["rep.admin", "rep.user"], column
        assert sorted(listed(turned.text)) == up, column
        assert 'aria-sort="descending"' in turned.text, column
    assert listed((await browser.get(f"{USERS}?sort=user_id&order=desc")).text) == ["rep.user", "rep.admin"]


async def test_a_crowd_is_searched_and_a_change_leads_back_to_what_was_found(tmp_path: Path, clock: HandClock) -> None:
    async with open_house(tmp_path, clock, CROWD) as house:
        office, browser = Office.over(house.database, clock), await signed_in(house)
        assert listed((await browser.get(USERS)).text) == []
        query = f"{USERS}?user_id=user.0*&sort=user_id"
        found = await browser.get(query)
        assert listed(found.text) == [f"user.{number:02}" for number in range(10)]
        back = re.search(r'name="back" value="([^"]+)"', found.text)
        assert back is not None
        one = await id_of(office, "user.03")
        page = await browser.get(f"{USERS}/suspend?chosen={one}&back={back[1].replace('&amp;', '%26')}")
        done = await browser.send(page, f"{USERS}/suspend", {"chosen": [str(one)], "comment": "Away."})
        assert len(listed(done.text)) == 10
        assert done.url.params["user_id"] == "user.0*"
        assert "Suspended. The owners are told by mail" in done.text


def test_a_change_never_leads_anywhere_but_to_the_list() -> None:
    for text in ("//evil.example", "https://evil.example", "/account/usersevil", "/account/users?a=\n", "", "/help"):
        assert way_back(text, USERS) == USERS
    assert way_back(f"{USERS}?letter=D", USERS) == f"{USERS}?letter=D"


async def test_a_search_that_finds_nobody_says_so_and_a_wrong_one_is_told_why(town: House) -> None:
    browser = await signed_in(town)
    none = await browser.get(f"{USERS}?last_name=zz*")
    assert "No account of your company matches all of this." in none.text
    wrong = await browser.get(f"{USERS}?first_name=a*&last_name=*&user_id=x*y*z&status=asleep&duns=1")
    assert wrong.status_code == 422
    assert set(faults_of(wrong)) == {"first_name", "last_name", "user_id", "status", "duns"}
    assert 'value="x*y*z"' in wrong.text


async def test_edit_user_saves_numbers_permissions_and_status(town: House, office: Office) -> None:
    browser, user = await signed_in(town), await id_of(office, "rep.user")
    page = await browser.get(f"{USERS}/edit?chosen={user}")
    assert page.url.path == f"{USERS}/{user}"
    assert re.search(rf'value="{LONE_STAR}" type="checkbox" checked', page.text)
    assert "Reinstate</option>" not in page.text
    blank = await browser.send(page, f"{USERS}/{user}", {"access": "suspend"})
    assert faults_of(blank)["duns"] == "Select at least one DUNS number."
    assert "comment" in faults_of(blank)
    fields = {"duns": [LONE_STAR, LONE_STAR_SECOND], "energy_data": "yes", "access": "suspend", "comment": "Away."}
    done = await browser.send(blank, f"{USERS}/{user}", fields)
    assert (done.url.path, done.url.params["done"]) == (USERS, "account-saved")
    row = await office.row(accounts, id=user)
    assert (row.status, row.energy_data, row.home_devices) == ("suspended", True, False)
    assert "Reinstate</option>" in (await browser.get(f"{USERS}/{user}")).text


async def test_what_was_saved_meanwhile_is_shown_beside_what_was_typed(town: House, office: Office) -> None:
    browser, user = await signed_in(town), await id_of(office, "rep.user")
    first, second = await browser.get(f"{USERS}/{user}"), await browser.get(f"{USERS}/{user}")
    await browser.send(first, f"{USERS}/{user}", {"duns": [LONE_STAR_SECOND], "access": "keep"})
    fields = {"duns": [LONE_STAR], "energy_data": "yes", "access": "suspend", "comment": "My words."}
    clash = await browser.send(second, f"{USERS}/{user}", fields)
    assert clash.status_code == 409
    assert list(faults_of(clash)) == ["now"]
    now = clash.text[clash.text.index("What is there now") : clash.text.index("Edit User")]
    assert (LONE_STAR_SECOND in now, f"{LONE_STAR}<" in now) == (True, False)
    assert "My words.</textarea>" in clash.text
    assert '<option value="suspend" selected>' in clash.text
    assert not (await office.row(accounts, id=user)).energy_data
    again = await browser.send(clash, f"{USERS}/{user}", fields)
    assert again.url.params["done"] == "account-saved"
    assert (await office.row(accounts, id=user)).status == "suspended"


async def test_several_are_suspended_reinstated_and_revoked(town: House, office: Office) -> None:
    browser, user = await signed_in(town), await id_of(office, "rep.user")
    for verb in ("suspend", "revoke"):
        blank = await browser.get(f"{USERS}/{verb}?chosen={user}")
        page = await browser.send(blank, f"{USERS}/{verb}", {"chosen": [str(user)]})
        assert faults_of(page) == {"comment": "Enter comments"}
        assert (await browser.get(f"{USERS}/{verb}")).status_code == 422
    page = await browser.get(f"{USERS}/suspend?chosen={user}")
    await browser.send(page, f"{USERS}/suspend", {"chosen": [str(user)], "comment": "Away."})
    assert await office.status("rep.user") == "suspended"
    done = await browser.push(USERS, f"{USERS}/reinstate", [user])
    assert "Reinstated. The accounts are Active" in done.text
    assert await office.status("rep.user") == "active"
    page = await browser.get(f"{USERS}/revoke?chosen={user}")
    await browser.send(page, f"{USERS}/revoke", {"chosen": [str(user)], "comment": "Left."})
    assert await office.status("rep.user") == "revoked"
    assert "A Revoked account stays so." in (await browser.get(f"{USERS}/{user}")).text


async def test_the_last_administrator_is_refused_in_words_and_the_others_are_done(town: House, office: Office) -> None:
    browser = await signed_in(town)
    ids = [str(await id_of(office, each)) for each in ("rep.admin", "rep.user")]
    page = await browser.get(f"{USERS}/suspend?chosen={ids[0]}&chosen={ids[1]}")
    page = await browser.send(page, f"{USERS}/suspend", {"chosen": ids, "comment": "All of you."})
    assert page.status_code == 409
    assert "<strong>Rep Doe (rep.admin)</strong>: This is the company&#39;s only active administrator." in page.text
    assert [await office.status(each) for each in ("rep.admin", "rep.user")] == ["active", "suspended"]
    one = await browser.get(f"{USERS}/{ids[0]}")
    refused = await browser.send(one, f"{USERS}/{ids[0]}", {"access": "revoke", "comment": "x"})
    assert faults_of(refused)["access"].startswith("This is the company's only active administrator.")


async def test_what_a_status_does_not_allow_is_told_in_words(town: House, office: Office) -> None:
    browser, user = await signed_in(town), await id_of(office, "rep.user")
    page = await browser.push(USERS, f"{USERS}/reinstate", [user])
    assert "Only a Suspended account can be reinstated; this one is Active." in page.text
    assert (await browser.push(USERS, f"{USERS}/reinstate", [])).status_code == 422


async def test_no_more_than_a_hundred_are_changed_at_once_and_none_is_left_out_silently(town: House) -> None:
    browser, many = await signed_in(town), "&".join(f"chosen={number}" for number in range(1, 102))
    page = await browser.get(f"{USERS}/suspend?{many}")
    assert faults_of(page) == {"chosen": "Select at most 100 at once"}
    page = await browser.push(USERS, f"{USERS}/reinstate", list(range(1, 102)))
    assert faults_of(page) == {"chosen": "Select at most 100 at once"}
    page = await browser.get(f"{USERS}/suspend?chosen=1")
    page = await browser.send(
        page, f"{USERS}/suspend", {"chosen": [str(each) for each in range(1, 102)], "comment": "x"}
    )
    assert faults_of(page) == {"chosen": "Select at most 100 at once"}


async def test_accounts_of_another_company_are_not_there(town: House, office: Office) -> None:
    browser, other = await signed_in(town), await id_of(office, "blue.admin")
    assert (await browser.get(f"{USERS}/{other}")).status_code == 404
    for verb in ("suspend", "revoke"):
        page = await browser.get(f"{USERS}/{verb}?chosen={other}")
        assert (page.status_code, "blue.admin" in page.text) == (422, False)
    page = await browser.push(USERS, f"{USERS}/reinstate", [other])
    assert (page.status_code, "blue.admin" in page.text) == (409, False)
    sent = await browser.http.post(f"{USERS}/{other}", data={"csrf": "x"})
    assert sent.status_code == 403


@pytest.mark.parametrize("user_id", ["rep.user", "maria.customer"])
async def test_who_is_no_administrator_manages_nobody(town: House, office: Office, user_id: str) -> None:
    browser, admin = await signed_in(town, user_id), await id_of(office, "rep.admin")
    assert (await browser.get(USERS)).status_code == 403
    assert (await browser.get(f"{USERS}/{admin}")).status_code == 404
