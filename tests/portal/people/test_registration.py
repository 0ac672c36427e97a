"""Registering, on both databases: what is written, who is told, what is refused."""

import pytest

from portal.accounts.tables import accounts
from portal.companies.tables import companies, duns_numbers
from portal.faults import PeopleRefused
from tests.portal.people.stand import Office, company_form, person_form
from tests.portal.world import LONE_STAR


async def test_a_company_registers_with_its_first_administrator_and_those_who_decide_are_told(office: Office) -> None:
    found = await office.registered()
    company = await office.row(companies, id=found.company_id)
    first = await office.row(accounts, id=found.account_id)
    (number,) = await office.rows(duns_numbers, company_id=found.company_id)
    assert (company.status, first.status, number.status) == ("pending", "pending", "pending")
    assert first.administrator
    assert first.password_hash is None
    told = {row.recipient for row in await office.mail()}
    assert told == {
        "desk@wires.example",
        "desk@gulf.example",
        "wires.admin@example.com",
        "gulf.admin@example.com",
        "desk@pecan.example",
    }
    assert await office.actions() == [
        "company.register Pecan Power None>pending",
        "account.register pat.pecan None>pending",
    ]


async def test_all_collisions_are_told_at_once_and_nothing_is_written(office: Office) -> None:
    refused = await office.register(
        company_form(name="lone star power", duns=[str(LONE_STAR), "888888888"]), person_form("REP.Admin")
    )
    assert isinstance(refused, PeopleRefused)
    assert set(refused.faults) == {"company.name", "company.duns", "person.user_id"}
    assert await office.actions() == []
    assert await office.mail() == []


async def test_an_approved_company_goes_on_to_its_first_sign_in(office: Office) -> None:
    found = await office.registered()
    assert await office.decide(found.company_id, approve=True) == "approved"
    assert await office.company_status("Pecan Power") == "approved"
    assert await office.status("pat.pecan") == "approved"
    assert await office.duns_status("777777777") == "active"
    first = await office.row(accounts, id=found.account_id)
    assert first.link_key is not None
    (letter,) = await office.mail("pat.pecan@pecan.example")
    assert "http://portal.test/set-password?key=" in letter.text
    assert "http://portal.test/set-password?key=" in letter.html
    assert await office.decide(found.company_id, approve=True) == await office.decide(999, approve=True)


async def test_a_declined_company_leaves_nothing_but_the_audit_log(office: Office) -> None:
    found = await office.registered()
    refused = await office.decide(found.company_id, approve=False)
    assert isinstance(refused, PeopleRefused)
    assert set(refused.faults) == {"comment"}
    assert await office.decide(found.company_id, approve=False, comment="No such REP.") is None
    for table in (companies, duns_numbers, accounts):
        key = "id" if table is companies else "company_id"
        assert await office.rows(table, **{key: found.company_id}) == []
    assert (await office.actions())[2:] == [
        "account.decline pat.pecan pending>gone",
        "duns.decline 777777777 pending>gone",
        "company.decline Pecan Power pending>gone",
    ]


@pytest.mark.parametrize("answer", [True, False])
async def test_a_request_is_answered_once(office: Office, answer: bool) -> None:
    account_id = await office.asked()
    if answer:
        assert await office.approve(account_id) == "approved"
    else:
        assert await office.decline(account_id, "We do not know you.") is None
    again = await office.approve(account_id)
    assert isinstance(again, PeopleRefused)
    assert again.reason == "not_there"


async def test_every_letter_is_text_and_html_that_say_the_same(office: Office) -> None:
    new = await office.registered(company=company_form(name="Salt & <Pepper> Power"))
    await office.decide(new.company_id, approve=True, comment="Tom & Jerry")
    await office.approve(await office.asked(form=person_form("second.person")), comment="<b>Hello</b>")
    letters = await office.mail()
    assert len(letters) == 5 + 1 + 2 + 1
    for letter in letters:
        assert letter.html.startswith("<!doctype html>")
        assert "<Pepper>" not in letter.html
        assert "<b>" not in letter.html
        assert ("Salt & <Pepper> Power" in letter.text) == ("Salt &amp; &lt;Pepper&gt; Power" in letter.html)
