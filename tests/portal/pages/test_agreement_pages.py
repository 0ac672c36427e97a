"""A REP's pages of agreements: asked, listed, looked at, sent again, ended; read by those who may not change them."""

import re

import httpx
import pytest
from sqlalchemy import update

from portal.accounts.tables import accounts
from portal.agreements.machine import AgreementAction, AgreementStatus
from portal.agreements.tables import agreements
from portal.pages.agreement_view import KINDS, STATUSES
from tests.clock import HandClock
from tests.portal.agreements.asking import DEVICE, ENERGY, HOME, agreed, answer, asked
from tests.portal.pages.house import Browser, House, faults_of
from tests.portal.people.stand import Office
from tests.portal.world import esi

LIST = "/account/agreements"
ASKED = {"esi_id": esi(1), "kind": "home_device", "months": "12", "email": HOME, "language": "en"}


async def signed_in(town: House, user_id: str = "rep.admin") -> Browser:
    browser = town.client()
    await browser.sign_in(user_id)
    return browser


async def ask(browser: Browser, **fields: str) -> httpx.Response:
    return await browser.send(await browser.get(f"{LIST}/new"), LIST, ASKED | fields)


async def test_asked_on_a_page_the_customer_gets_the_letter_and_his_link_answers(town: House, office: Office) -> None:
    browser = await signed_in(town)
    assert "No customer has been asked yet" in (await browser.get(LIST)).text
    page = await ask(browser)
    assert page.url.path == f"{LIST}/1"
    for said in ("The customer is asked", "In-Home Device agreement", "Pending", HOME, "M00001"):
        assert said in page.text, said
    (letter,) = await office.mail(HOME)
    link = re.search(r"https?://[^/\s]+(/agreements/[\w-]{43})\n", letter.text)
    assert link is not None
    assert link[1] not in page.text, "the link is the customer's alone"
    answered = await town.client().http.post(link[1], data={"answer": "accept"}, follow_redirects=True)
    assert "You agreed on" in answered.text
    page = await browser.get(f"{LIST}/1")
    assert re.search(r"Active.*The customer agreed, for 12 months", page.text, re.DOTALL)
    assert "Send the letter again" not in page.text


async def test_every_fault_is_told_at_its_field_and_what_was_typed_stays(town: House, office: Office) -> None:
    browser = await signed_in(town)
    page = await ask(browser, esi_id="", kind="", months="2", email="", language="xx")
    assert page.status_code == 422
    assert [*faults_of(page)] == ["esi_id", "kind", "months", "email", "language"]
    for foreign in (esi(3), esi(99), "12345"):
        page = await ask(browser, esi_id=foreign, email="not one")
        assert faults_of(page)["esi_id"].startswith("Enter the ESI ID of a meter whose REP of record")
        assert f'value="{foreign}"' in page.text
        assert 'value="not one"' in page.text
    assert await office.rows(agreements) == []


async def test_pressed_twice_the_customer_is_asked_once(town: House, office: Office) -> None:
    browser = await signed_in(town)
    form = await browser.get(f"{LIST}/new")
    first, second = [await browser.send(form, LIST, ASKED) for _ in range(2)]
    assert (first.status_code, second.status_code) == (200, 409)
    assert "waits for the customer" in faults_of(second)["esi_id"]
    assert len(await office.mail(HOME)) == 1


async def test_the_letter_is_sent_again_once(town: House, office: Office) -> None:
    made, browser = await asked(office), await signed_in(town)
    page = await browser.press(f"{LIST}/{made.id}", f"{LIST}/{made.id}/resend")
    assert "once more, with a new link" in page.text
    assert "Send the letter again" not in page.text
    again = await browser.press(f"{LIST}/{made.id}", f"{LIST}/{made.id}/resend")
    assert (again.status_code, "sent again already" in again.text) == (409, True)
    assert len(await office.mail(HOME)) == 2
    assert (await browser.get(f"{LIST}/{made.id}/resend")).url.path == f"{LIST}/{made.id}", "a reload"


async def test_it_is_ended_after_one_more_question(town: House, office: Office) -> None:
    made, browser = await agreed(office), await signed_in(town)
    asked_again = await browser.get(f"{LIST}/{made.id}/end")
    assert "This cannot be undone" in asked_again.text
    assert [row.status for row in await office.rows(agreements)] == ["active"]
    page = await browser.send(asked_again, f"{LIST}/{made.id}/end", {})
    assert "Your company ended it" in page.text
    assert (await browser.get(f"{LIST}/{made.id}/end")).url.path == f"{LIST}/{made.id}", "there is nothing to end"
    again = await browser.send(asked_again, f"{LIST}/{made.id}/end", {})
    assert (again.status_code, "is over" in again.text) == (409, True)


async def test_the_list_is_the_newest_first_by_status_and_by_pages(
    town: House, office: Office, clock: HandClock
) -> None:
    for number in range(52):
        await asked(office, secret=f"s{number}", email=f"home.{number}@example.com")
        await answer(office, f"s{number}", AgreementAction.DECLINE)
    await asked(office, kind=ENERGY)
    browser = await signed_in(town)
    page = await browser.get(LIST)
    assert (page.text.count('<span class="tag'), "home.2@" in page.text) == (50, False)
    assert page.text.index("Energy Data<") < page.text.index("home.51@") < page.text.index("home.50@")
    older = re.search(rf'href="({LIST}\?before=\d+)"', page.text)
    assert older is not None
    rest = (await browser.get(older[1])).text
    assert [f"home.{number}@" in rest for number in (3, 2, 0)] == [False, True, True]
    pending = (await browser.get(f"{LIST}?status=pending")).text
    assert ("1 agreement<" in pending, "home.51@" in pending) == (True, False)
    declined = (await browser.get(f"{LIST}?status=not_accepted")).text
    assert f"{LIST}?status=not_accepted&amp;before=" in declined
    assert "No agreement is active" in (await browser.get(f"{LIST}?status=active")).text
    assert (await browser.get(f"{LIST}?status=nonsense")).text.count('<span class="tag') == 50, "as without"


async def test_whoever_has_no_permission_reads_and_is_offered_nothing(town: House, office: Office) -> None:
    made, browser = await asked(office), await signed_in(town, "rep.user")
    page = await browser.get(LIST)
    assert ("New agreement" in page.text, "In-Home Device" in page.text) == (False, True)
    page = await browser.get(f"{LIST}/{made.id}")
    assert ("End this agreement" in page.text, "Send the letter again" in page.text) == (False, False)
    assert (await browser.get(f"{LIST}/new")).status_code == 403
    for action in ("end", "resend"):
        assert (await browser.press(LIST, f"{LIST}/{made.id}/{action}")).status_code == 403
    mine = update(accounts).where(accounts.c.user_key == "rep.user").values(energy_data=True)
    await town.database.write(lambda connection: connection.execute(mine))
    form = await browser.get(f"{LIST}/new?esi_id={esi(1)}")
    assert ('value="energy_data"' in form.text, 'value="home_device"' in form.text) == (True, False)
    assert f'value="{esi(1)}"' in form.text
    assert faults_of(await browser.send(form, LIST, ASKED)) == {"kind": "Choose what is asked for"}


@pytest.mark.parametrize("user_id", ["wires.admin", "maria.customer", "ercot.admin", "coach.user", "team.admin"])
async def test_who_is_no_rep_has_no_such_pages(town: House, office: Office, user_id: str) -> None:
    made, browser = await asked(office), await signed_in(town, user_id)
    for path in (LIST, f"{LIST}/new", f"{LIST}/{made.id}", f"{LIST}/{made.id}/end"):
        assert (await browser.get(path)).status_code == 404, path


async def test_a_meters_page_shows_what_its_rep_has_agreed_and_nobody_elses(town: House, office: Office) -> None:
    browser = await signed_in(town)
    meter = f"/usage/meters/{esi(1)}"
    assert "No agreement with the customer about this meter." in (await browser.get(meter)).text
    await agreed(office, kind=DEVICE)
    page = (await browser.get(meter)).text
    card = page[page.index('id="agreements"') :]
    assert f'href="{LIST}/1"' in card
    assert f'href="{LIST}/new?esi_id={esi(1)}"' in card
    assert 'id="agreements"' not in (await (await signed_in(town, "wires.admin")).get(meter)).text


def test_every_kind_and_status_has_words() -> None:
    assert set(STATUSES) == set(AgreementStatus)
    assert set(KINDS) == {DEVICE, ENERGY, *KINDS}
