"""The queues: requests of colleagues, of companies and of DUNS numbers, answered one by one and several at once."""

import pytest

from portal.accounts.tables import accounts
from portal.companies.kinds import Kind
from portal.companies.letters import ACCOUNT_QUEUE, COMPANY_QUEUE, DUNS_QUEUE
from portal.companies.tables import duns_numbers
from portal.pages.pending_routes import DECLINE
from portal.pages.requests_routes import DECLINE_COMPANIES, DECLINE_NUMBERS
from portal.registration.access_request import AskedRole
from tests.portal.pages.house import Browser, House, faults_of
from tests.portal.people.stand import Office, company_form, person_form
from tests.portal.world import LONE_STAR, LONE_STAR_SECOND

PENDING, REQUESTS, DUNS = "/account/pending", "/market/requests", "/market/duns"


async def signed_in(town: House, user_id: str = "rep.admin") -> Browser:
    """A browser in which somebody is signed in."""
    browser = town.client()
    await browser.sign_in(user_id)
    return browser


async def three_requests(office: Office) -> list[int]:
    """Three who ask for access to Lone Star."""
    return [await office.asked(form=person_form(f"new.user.{number}")) for number in range(3)]


async def test_an_empty_queue_says_why_and_what_next(town: House) -> None:
    page = await (await signed_in(town)).get(PENDING)
    assert "Nobody waits for your approval." in page.text
    assert 'href="/account/users"' in page.text


async def test_approve_works_on_several_and_leads_back_with_a_note(town: House, office: Office) -> None:
    first, second, third = await three_requests(office)
    browser = await signed_in(town)
    page = await browser.push(PENDING, f"{PENDING}/approve", [first, second])
    assert [step.status_code for step in page.history] == [303]
    assert page.url.params["done"] == "account-approved"
    assert "Approved. The mail with the way to sign in is on its way." in page.text
    assert [await office.status(f"new.user.{number}") for number in range(3)] == ["approved", "approved", "pending"]
    assert f'value="{third}"' in page.text
    assert f'value="{first}"' not in page.text


async def test_nothing_chosen_is_told_for_every_button(town: House, office: Office) -> None:
    await three_requests(office)
    browser = await signed_in(town)
    for page in (
        await browser.push(PENDING, f"{PENDING}/approve", []),
        await browser.get(f"{PENDING}/edit"),
        await browser.get(DECLINE.action),
    ):
        assert page.status_code == 422
        assert list(faults_of(page)) == ["chosen"]
        assert 'id="chosen"' in page.text


async def test_decline_asks_for_comments_and_names_who_is_declined(town: House, office: Office) -> None:
    first, second, third = await three_requests(office)
    browser = await signed_in(town)
    page = await browser.get(f"{DECLINE.action}?chosen={first}&chosen={second}&chosen=999")
    assert page.text.count('type="checkbox"') == 2
    blank = await browser.send(page, DECLINE.action, {"chosen": [str(first), str(second)], "comment": " "})
    assert faults_of(blank) == {"comment": "Enter comments"}
    assert await office.status("new.user.0") == "pending"
    done = await browser.send(page, DECLINE.action, {"chosen": [str(first)], "comment": "Not one of us."})
    assert done.url.params["done"] == "account-declined"
    assert [await office.status(f"new.user.{number}") for number in range(3)] == [None, "pending", "pending"]
    assert "Not one of us." in (await office.mail("new.user.0@pecan.example"))[-1].text
    assert third


async def test_edit_permissions_takes_one_request_and_grants_what_was_ticked(town: House, office: Office) -> None:
    first, second, _ = await three_requests(office)
    browser = await signed_in(town)
    two = await browser.get(f"{PENDING}/edit?chosen={first}&chosen={second}")
    assert faults_of(two) == {"chosen": "Select one: this is done for one at a time"}
    assert two.text.count(" checked>") == 2
    page = await browser.get(f"{PENDING}/edit?chosen={first}")
    assert page.url.path == f"{PENDING}/{first}"
    blank = await browser.send(page, f"{PENDING}/{first}", {})
    assert faults_of(blank) == {
        "duns": "Select at least one DUNS number.",
        "access": "Choose Approve or Decline",
    }
    fields = {"duns": [LONE_STAR_SECOND], "home_devices": "yes", "access": "approve", "comment": "Welcome!"}
    done = await browser.send(blank, f"{PENDING}/{first}", fields)
    assert done.url.params["done"] == "account-approved"
    row = await office.row(accounts, id=first)
    assert (row.status, row.energy_data, row.home_devices) == ("approved", False, True)
    assert "Welcome!" in (await office.mail("new.user.0@pecan.example"))[-1].text


async def test_to_decline_on_the_edit_screen_takes_comments_and_no_number(town: House, office: Office) -> None:
    first, *_ = await three_requests(office)
    browser = await signed_in(town)
    page = await browser.get(f"{PENDING}/{first}")
    blank = await browser.send(page, f"{PENDING}/{first}", {"access": "decline"})
    assert list(faults_of(blank)) == ["comment"]
    done = await browser.send(blank, f"{PENDING}/{first}", {"access": "decline", "comment": "No."})
    assert done.url.params["done"] == "account-declined"
    assert await office.status("new.user.0") is None


async def test_the_fifth_administrator_is_refused_in_words_and_the_others_are_done(town: House, office: Office) -> None:
    asked = [
        await office.asked(role=AskedRole.ADMINISTRATOR, form=person_form(f"new.admin.{number}")) for number in range(4)
    ]
    browser = await signed_in(town)
    page = await browser.push(PENDING, f"{PENDING}/approve", asked)
    assert page.status_code == 409
    assert "<strong>Pat Pecan (new.admin.3)</strong>: A company has at most four administrators" in page.text
    assert "<title>Error:" in page.text
    assert [await office.status(f"new.admin.{number}") for number in range(4)] == [*["approved"] * 3, "pending"]
    one = await browser.get(f"{PENDING}/{asked[3]}")
    assert 'name="duns"' not in one.text
    again = await browser.send(one, f"{PENDING}/{asked[3]}", {"access": "approve"})
    assert again.status_code == 409
    assert faults_of(again)["access"].startswith("A company has at most four administrators")


async def test_what_somebody_else_answered_is_told_as_such(town: House, office: Office) -> None:
    first, second, _ = await three_requests(office)
    browser = await signed_in(town)
    page = await browser.get(f"{PENDING}/{first}")
    await office.approve(first)
    late = await browser.send(page, f"{PENDING}/{first}", {"duns": [LONE_STAR], "access": "approve"})
    assert late.url.params["done"] == "answered-already"
    assert "Somebody has answered that request already" in late.text
    await office.approve(second)
    both = await browser.http.post(f"{PENDING}/approve", data={"chosen": [str(second)], "csrf": await token(browser)})
    assert "There is no such thing here, or somebody has dealt with it already." in both.text


async def token(browser: Browser) -> str:
    """The session's token, from the queue."""
    return (await browser.get(PENDING)).text.split('name="csrf" value="')[1].split('"')[0]


@pytest.mark.parametrize("user_id", ["rep.user", "ercot.user", "maria.customer"])
async def test_who_is_no_administrator_has_no_queue(town: House, office: Office, user_id: str) -> None:
    first, *_ = await three_requests(office)
    browser = await signed_in(town, user_id)
    for path in (PENDING, f"{PENDING}/{first}", f"{DECLINE.action}?chosen={first}", REQUESTS, DUNS):
        assert (await browser.get(path)).status_code == 403, path


async def test_another_companys_request_is_not_there(town: House, office: Office) -> None:
    first, *_ = await three_requests(office)
    browser = await signed_in(town, "blue.admin")
    page = await browser.get(f"{PENDING}/{first}")
    assert page.url.params["done"] == "answered-already"
    assert "new.user.0" not in page.text
    posted = await browser.http.post(f"{PENDING}/approve", data={"chosen": [str(first)], "csrf": await token(browser)})
    assert posted.status_code == 409
    assert "new.user.0" not in posted.text
    assert await office.status("new.user.0") == "pending"


async def test_a_tdsps_administrator_sees_a_companys_details_and_approves_it(town: House, office: Office) -> None:
    new = await office.registered()
    browser = await signed_in(town, "wires.admin")
    page = await browser.get(REQUESTS)
    for words in ("Pecan Power", "777777777", "1 Pecan St, Austin, TX 78701", "Pat Pecan", "pat.pecan@pecan.example"):
        assert words in page.text
    one = await browser.get(f"{REQUESTS}/{new.company_id}")
    assert "desk@pecan.example" in one.text
    done = await browser.push(f"{REQUESTS}/{new.company_id}", f"{REQUESTS}/approve", [new.company_id])
    assert done.url.params["done"] == "companies-approved"
    assert await office.company_status("Pecan Power") == "approved"
    late = await (await signed_in(town, "gulf.admin")).get(f"{REQUESTS}/{new.company_id}")
    assert "Somebody has answered that request already" in late.text


async def test_companies_are_declined_with_comments(town: House, office: Office) -> None:
    new = await office.registered()
    browser = await signed_in(town, "wires.admin")
    page = await browser.get(f"{DECLINE_COMPANIES.action}?chosen={new.company_id}")
    blank = await browser.send(page, DECLINE_COMPANIES.action, {"chosen": [str(new.company_id)]})
    assert list(faults_of(blank)) == ["comment"]
    fields = {"chosen": [str(new.company_id)], "comment": "Unknown to us."}
    assert (await browser.send(page, DECLINE_COMPANIES.action, fields)).url.params["done"] == "companies-declined"
    assert await office.company_status("Pecan Power") is None
    assert "Unknown to us." in (await office.mail("pat.pecan@pecan.example"))[-1].text


async def test_added_numbers_are_approved_and_declined(town: House, office: Office) -> None:
    admin = await signed_in(town)
    page = await admin.get("/account/company/edit")
    form = company_form(name="Lone Star Power", email="desk@lonestar.example").model_dump(exclude={"duns"})
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    added = {"duns_added": "888888888, 888888889", "email_again": ""}
    saved = await admin.send(page, "/account/company/edit", fields | added)
    assert "wait for approval" in saved.text
    browser = await signed_in(town, "wires.admin")
    ids = [(await office.row(duns_numbers, duns=number)).id for number in ("888888888", "888888889")]
    assert "888888888" in (await browser.get(DUNS)).text
    done = await browser.push(DUNS, f"{DUNS}/approve", ids[:1])
    assert done.url.params["done"] == "numbers-approved"
    page = await browser.get(f"{DECLINE_NUMBERS.action}?chosen={ids[1]}")
    done = await browser.send(page, DECLINE_NUMBERS.action, {"chosen": [str(ids[1])], "comment": "Not yours."})
    assert done.url.params["done"] == "numbers-declined"
    assert [await office.duns_status(each) for each in ("888888888", "888888889")] == ["active", None]


async def test_the_operating_teams_users_see_requests_and_decide_nothing(town: House, office: Office) -> None:
    new = await office.registered(kind=Kind.THIRD_PARTY, company=company_form(duns=[]))
    page = await (await signed_in(town, "team.user")).get(REQUESTS)
    assert "Pecan Power" in page.text
    assert "Approve</button>" not in page.text
    admin = await signed_in(town, "team.admin")
    await admin.push(REQUESTS, f"{REQUESTS}/approve", [new.company_id])
    assert await office.company_status("Pecan Power") == "approved"


async def test_the_links_of_the_mail_lead_to_the_queues(town: House) -> None:
    judge, admin = await signed_in(town, "wires.admin"), await signed_in(town)
    for browser, path in ((judge, COMPANY_QUEUE), (judge, DUNS_QUEUE), (admin, ACCOUNT_QUEUE)):
        assert (await browser.get(path)).status_code == 200
