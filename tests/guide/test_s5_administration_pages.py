"""Guide 4.2 and 5 on the pages: the shared queue, the account list, and statuses changed for several at once."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from portal.accounts.tables import accounts
from portal.registration.access_request import AskedRole
from tests.clock import HandClock
from tests.portal.pages.house import Browser, House, faults_of, open_house
from tests.portal.people.stand import TEAM_WORLD, Office, person_form
from tests.portal.world import LONE_STAR, person

PENDING, USERS = "/account/pending", "/account/users"


async def signed_in(town: House, user_id: str = "rep.admin") -> Browser:
    """A browser in which somebody is signed in."""
    browser = town.client()
    await browser.sign_in(user_id)
    return browser


def ids_in(page: httpx.Response) -> list[int]:
    """The rows that can be ticked."""
    return [int(each) for each in re.findall(r'name="chosen" value="(\d+)"', page.text)]


async def id_of(clerk: Office, user_id: str) -> int:
    """An account's number."""
    return int((await clerk.row(accounts, user_key=user_id)).id)


async def test_adm_04_one_administrators_answer_takes_a_request_from_everybodys_queue(
    town: House, clerk: Office
) -> None:
    """ADM-04: "If any one (1) Administrator approves or declines a registration request, the request is removed from
    the Administrator's pending work queue for all Company Administrators."."""
    second = await clerk.asked(role=AskedRole.ADMINISTRATOR, form=person_form("rep.second"))
    await clerk.approve(second)
    mine = await signed_in(town)
    asked = await clerk.asked()
    assert ids_in(await mine.get(PENDING)) == [asked]
    await clerk.approve(asked, "rep.admin")
    assert ids_in(await mine.get(PENDING)) == []
    late = await mine.get(f"{PENDING}/{asked}")
    assert "Somebody has answered that request already" in late.text


async def test_adm_13_a_request_that_nobody_answered_in_14_days_is_in_no_queue(
    town: House, clerk: Office, clock: HandClock
) -> None:
    """ADM-13: "If a Company Administrator does not take action on a pending registration request within 14 days, the
    requestor will be notified by email and the registration request will be deleted."."""
    asked = await clerk.asked()
    await clock.advance(timedelta(days=14).total_seconds())
    browser = await signed_in(town)
    assert ids_in(await browser.get(PENDING)) == []
    assert (await browser.get(f"{PENDING}/{asked}")).url.params["done"] == "answered-already"


@pytest.mark.parametrize(("others", "at_once", "show_all"), [(23, True, False), (24, False, True), (499, False, False)])
async def test_adm_14_25_accounts_are_shown_at_once_and_500_by_show_all(
    tmp_path: Path, clock: HandClock, others: int, at_once: bool, show_all: bool
) -> None:
    """ADM-14: "If you have 25 or fewer Accounts associated with your Company, your Account List will automatically
    display." "If you have more than 500 Accounts ..., the 'Show All' link will not appear."."""
    more = tuple(person(f"crowd.{number:03}", "Lone Star Power", duns=(LONE_STAR,)) for number in range(others))
    async with open_house(tmp_path, clock, replace(TEAM_WORLD, accounts=(*TEAM_WORLD.accounts, *more))) as town:
        browser = await signed_in(town)
        page = await browser.get(USERS)
        assert len(ids_in(page)) == (others + 2 if at_once else 0)
        assert ("Show All</a>" in page.text) is show_all
        assert len(ids_in(await browser.get(f"{USERS}?all=1"))) == (others + 2 if at_once or show_all else 0)


async def test_adm_15_the_search_has_the_guides_fields_and_letters(town: House, clerk: Office) -> None:
    """ADM-15: "Enter search criteria in one (1) or more of the following fields", "Select a letter to display all
    Accounts with Last Names that begin with that letter."."""
    await clerk.approve(await clerk.asked())
    browser = await signed_in(town)
    page = await browser.get(USERS)
    for label in ("First Name", "Last Name", "Email Address", "User ID", "DUNS Number", "Account Status"):
        assert f">{label}</" in page.text
    pat = await id_of(clerk, "pat.pecan")
    for query in (
        "first_name=pa*",
        "last_name=*can",
        "email=pat*example",
        "user_id=PAT.PECAN",
        "status=approved",
        "letter=p",
    ):
        assert ids_in(await browser.get(f"{USERS}?{query}")) == [pat], query
    assert len(ids_in(await browser.get(f"{USERS}?duns={LONE_STAR}"))) == 3
    assert ids_in(await browser.get(f"{USERS}?duns={LONE_STAR}&first_name=pa*&letter=z")) == []
    assert list(faults_of(await browser.get(f"{USERS}?last_name=p*"))) == ["last_name"]


async def test_adm_16_suspend_takes_several_with_comments_and_not_those_suspended_already(
    town: House, clerk: Office
) -> None:
    """ADM-16: "Suspend will require you to enter comments to be sent to the Account owner". "You cannot suspend an
    Account that is already Suspended or Revoked."."""
    await clerk.approve(await clerk.asked())
    browser = await signed_in(town)
    ids = [await id_of(clerk, "rep.user"), await id_of(clerk, "pat.pecan")]
    page = await browser.get(f"{USERS}/suspend?chosen={ids[0]}&chosen={ids[1]}")
    chosen = [str(each) for each in ids]
    assert list(faults_of(await browser.send(page, f"{USERS}/suspend", {"chosen": chosen}))) == ["comment"]
    done = await browser.send(page, f"{USERS}/suspend", {"chosen": chosen, "comment": "Audit."})
    assert "Suspended. The owners are told by mail, with your comments." in done.text
    assert [await clerk.status(each) for each in ("rep.user", "pat.pecan")] == ["suspended", "suspended"]
    again = await browser.send(page, f"{USERS}/suspend", {"chosen": chosen[:1], "comment": "Audit."})
    assert "An account that is Suspended cannot be suspended." in again.text


async def test_adm_17_reinstate_takes_several_without_comments_and_only_suspended_ones(
    town: House, clerk: Office
) -> None:
    """ADM-17: "Reinstate will change the Account Status of selected Accounts to 'Active'." "Account Status must be
    Suspended in order to be reinstated."."""
    browser = await signed_in(town)
    user = await id_of(clerk, "rep.user")
    page = await browser.get(f"{USERS}/suspend?chosen={user}")
    await browser.send(page, f"{USERS}/suspend", {"chosen": [str(user)], "comment": "Away."})
    done = await browser.push(USERS, f"{USERS}/reinstate", [user])
    assert done.url.params["done"] == "accounts-reinstated"
    assert await clerk.status("rep.user") == "active"
    refused = await browser.push(USERS, f"{USERS}/reinstate", [user])
    assert "Only a Suspended account can be reinstated; this one is Active." in refused.text


async def test_com_07_no_page_of_a_company_shows_its_status_to_its_people(town: House) -> None:
    """COM-07: "You can not view your Company status."."""
    for user_id in ("rep.admin", "rep.user"):
        browser = await signed_in(town, user_id)
        page = (await browser.get("/account/company")).text
        assert "Company Status" not in page
        outside_duns = re.sub(
            r'<section class="card" aria-labelledby="duns-title">.*?</section>', "", page, flags=re.DOTALL
        )
        assert "Active" not in outside_duns


async def test_dun_06_a_user_sees_the_status_of_his_number_in_his_profile(town: House) -> None:
    """DUN-06: "You can view the status of each DUNS number for which you have access by viewing your Profile."."""
    page = (await (await signed_in(town, "rep.user")).get("/account/profile")).text
    assert re.search(rf'{LONE_STAR}</(?:td><td|span)>\s*<span class="tag good">Active', page)
