"""The JSON API of people and companies, from registration to revocation, over HTTP."""

import base64
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.database import Database
from gateway.dice import SeededDice
from portal.accounts.presets import Preset
from portal.app import build_app
from portal.context import MOST_REGISTRATIONS, MOST_SEARCHES, Portal
from portal.settings import PortalSettings
from tests.clock import HandClock
from tests.portal.conftest import SignIn
from tests.portal.people.images import image
from tests.portal.people.stand import Office, company_form, person_form
from tests.portal.wire import WireBus
from tests.portal.world import CHEAP, LONE_STAR

GUIDES = PortalSettings(preset=Preset.SMT)
"""The guide's rules of signing in."""


@pytest.fixture
def database_url(tmp_path: Any) -> str:
    """These are about HTTP: SQLite suffices."""
    return f"sqlite:///{tmp_path}/test.db"


@pytest.fixture
async def app(database: Database, clock: HandClock) -> FastAPI:
    """The application, with nothing behind it that runs."""
    return build_app(Portal.over(database, WireBus(), clock, SeededDice(7), GUIDES, passwords=CHEAP))


def company_body(**fields: Any) -> dict[str, Any]:
    """A registration without faults."""
    return {"company": company_form().model_dump(), "person": person_form().model_dump(), **fields}


def access_body(user_id: str = "pat.pecan") -> dict[str, Any]:
    """A request for access to Lone Star without faults."""
    return {"company": 1, "person": person_form(user_id).model_dump()}


async def test_a_company_comes_in_and_goes_its_way(guest: httpx.AsyncClient, signed_in: SignIn, office: Office) -> None:
    logo = base64.b64encode(image()).decode()
    made = await guest.post("/registrations/companies", json=company_body(logo=logo))
    assert (made.status_code, made.json()["status"]) == (201, "pending")
    wires, team = await signed_in("wires.admin"), await signed_in("team.admin")
    (waiting,) = (await wires.get("/approvals/companies")).json()
    assert (waiting["name"], waiting["duns"]) == ("Pecan Power", ["777777777"])
    assert (await team.get("/approvals/companies")).json() == []
    place = f"/approvals/companies/{waiting['id']}"
    approved = await wires.post(place, json={"approve": True})
    assert approved.json() == {"id": waiting["id"], "status": "approved"}
    assert (await wires.post(place, json={"approve": True})).status_code == 404
    shown = (await team.get(f"/companies/{waiting['id']}")).json()
    assert (shown["status"], shown["actions"], shown["duns"][0]["status"]) == ("approved", ["revoke"], "active")
    revoked = await team.post(f"/companies/{waiting['id']}/revoke", json={"comment": "A mistake."})
    assert revoked.json()["status"] == "revoked"
    assert await office.status("pat.pecan") == "revoked"


async def test_every_fault_of_a_form_is_in_one_problem(guest: httpx.AsyncClient) -> None:
    body = {"company": {"zip": "1"}, "person": {"user_id": "rep.user", "terms": True}, "logo": "!"}
    answer = await guest.post("/registrations/companies", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["type"], problem["reason"]) == ("urn:metergate:problem:bad-form", "form")
    where = [fault["where"] for fault in problem["faults"]]
    assert {"company.name", "company.zip", "person.email", "logo"} <= set(where)
    assert len(where) == len(set(where))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "operator"},
        {"kind": "customer"},
        {"colour": "blue"},
        {"logo": "x" * 50_000},
        {"company": {**company_form().model_dump(), "status": "active"}},
        {"company": {**company_form().model_dump(), "name": "two\nlines"}},
        {"company": {**company_form().model_dump(), "city": "x" * 401}},
        {"company": {**company_form().model_dump(), "duns": ["1"] * 51}},
        {"person": {**person_form().model_dump(), "administrator": True}},
        {"person": {**person_form().model_dump(), "first_name": "\x00"}},
    ],
)
async def test_what_a_form_does_not_have_or_cannot_hold_is_refused(
    guest: httpx.AsyncClient, office: Office, change: dict[str, Any]
) -> None:
    assert (await guest.post("/registrations/companies", json=company_body(**change))).status_code == 422
    assert await office.actions() == []


async def test_registrations_and_searches_are_counted_by_address(guest: httpx.AsyncClient, clock: HandClock) -> None:
    answers = [await guest.post("/registrations/accounts", json={**access_body(), "company": 99}) for _ in range(21)]
    assert MOST_REGISTRATIONS == 20
    assert [answer.status_code for answer in answers] == [422] * 20 + [429]
    assert answers[-1].headers["retry-after"] == "3600"
    searches = [await guest.get("/companies?name=lo*") for _ in range(MOST_SEARCHES + 1)]
    assert [answer.status_code for answer in searches] == [200] * MOST_SEARCHES + [429]


async def test_a_search_tells_names_and_nothing_else(guest: httpx.AsyncClient) -> None:
    (found,) = (await guest.get("/companies?letter=L")).json()
    assert found == {"id": 1, "name": "Lone Star Power", "ercot_names": ["Lone Star Business"]}
    assert (await guest.get("/companies?name=l*")).json()["faults"][0]["where"] == "name"
    assert (await guest.get("/companies")).status_code == 422


async def test_a_taken_email_is_not_told(guest: httpx.AsyncClient) -> None:
    form = person_form("another.one", email="rep.user@example.com", email_again="rep.user@example.com")
    answer = await guest.post("/registrations/accounts", json={"company": 1, "person": form.model_dump()})
    assert answer.status_code == 201
    assert "email" not in answer.text


async def test_requests_are_answered_one_by_one_and_many_at_once(
    guest: httpx.AsyncClient, signed_in: SignIn, office: Office
) -> None:
    ids = []
    for number in range(4):
        made = await guest.post("/registrations/accounts", json=access_body(f"asker.{number}"))
        ids.append(made.json()["account_id"])
    client = await signed_in("rep.admin")
    assert [each["id"] for each in (await client.get("/approvals/accounts")).json()] == ids
    one = await client.post(f"/approvals/accounts/{ids[0]}", json={"approve": True, "duns": [LONE_STAR]})
    assert one.json() == {"id": ids[0], "status": "approved", "reason": None, "refused": None}
    none = await client.post(f"/approvals/accounts/{ids[1]}", json={"approve": True, "duns": []})
    assert none.json()["faults"][0]["where"] == "duns"
    quick = await client.post("/approvals/accounts", json={"approve": True, "accounts": [ids[1], 999], "comment": "Hi"})
    assert [(each["status"], each["reason"]) for each in quick.json()] == [("approved", None), (None, "not_there")]
    assert "Hi" not in (await office.mail("asker.1@pecan.example"))[0].text
    no = await client.post("/approvals/accounts", json={"approve": False, "accounts": ids[2:]})
    assert {each["reason"] for each in no.json()} == {"form"}
    no = await client.post("/approvals/accounts", json={"approve": False, "accounts": ids[2:], "comment": "Sorry."})
    assert [(each["status"], each["refused"]) for each in no.json()] == [(None, None)] * 2
    assert (await (await signed_in("rep.user")).get("/approvals/accounts")).status_code == 403


async def test_accounts_are_listed_edited_and_barred(signed_in: SignIn, office: Office) -> None:
    client = await signed_in("rep.admin")
    listed = (await client.get("/accounts")).json()
    assert (listed["count"], listed["screen"]) == (2, "list")
    found = (await client.get("/accounts", params={"user_id": "*user", "duns": LONE_STAR})).json()["accounts"]
    user = (await client.get(f"/accounts/{found[0]['id']}")).json()
    assert (user["user_id"], user["actions"]) == ("rep.user", ["suspend", "revoke"])
    place, body = f"/accounts/{user['id']}", {"revision": user["revision"], "duns": [LONE_STAR], "energy_data": True}
    saved = await client.put(place, json=body)
    assert saved.json()["energy_data"] is True
    stale = await client.put(place, json=body)
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:metergate:problem:changed-meanwhile")
    without = await client.post("/accounts/suspend", json={"accounts": [user["id"]]})
    assert without.json()["faults"][0]["where"] == "comment"
    barred = await client.post("/accounts/suspend", json={"accounts": [user["id"]], "comment": "Away."})
    assert barred.json()[0]["status"] == "suspended"
    back = await client.post("/accounts/reinstate", json={"accounts": [user["id"]]})
    assert back.json()[0]["status"] == "active"
    gone = await client.post("/accounts/revoke", json={"accounts": [user["id"], 1], "comment": "Left."})
    assert [each["reason"] for each in gone.json()] == [None, "last_administrator"]
    for stranger in ("blue.admin", "wires.admin", "ercot.admin"):
        other = await signed_in(stranger)
        theirs, nobodys = await other.get(place), await other.get("/accounts/9999")
        assert (theirs.status_code, theirs.content) == (404, nobodys.content)
        assert (await other.put(place, json=body)).content == nobodys.content


async def test_a_profile_is_saved_with_its_logo_and_numbers(signed_in: SignIn, office: Office) -> None:
    client = await signed_in("rep.admin")
    shown = (await client.get("/companies/mine")).json()
    assert (shown["may_edit"], shown["has_logo"], next(each["duns"] for each in shown["duns"])) == (
        True,
        False,
        LONE_STAR,
    )
    assert "status" not in shown
    assert (await client.get("/companies/mine/logo")).status_code == 404
    fields = company_form(name=shown["name"], email=shown["email"], email_again="").model_dump(exclude={"duns"})
    body = {
        **fields,
        "revision": shown["revision"],
        "duns_added": ["888888888"],
        "logo": base64.b64encode(image("JPEG")).decode(),
    }
    saved = await client.put("/companies/mine", json=body)
    assert [each["status"] for each in saved.json()["duns"]] == ["active", "active", "pending"]
    logo = await client.get("/companies/mine/logo")
    assert (logo.headers["content-type"], logo.content[:4]) == ("image/png", b"\x89PNG")
    assert (await client.put("/companies/mine", json=body)).status_code == 409
    bad = await client.put("/companies/mine", json={**body, "logo": base64.b64encode(b"<svg/>").decode()})
    assert bad.json()["faults"] == [{"where": "logo", "what": "Choose a PNG, JPEG or GIF image."}]
    user = await signed_in("rep.user")
    assert (await user.get("/companies/mine")).json()["may_edit"] is False
    assert (await user.put("/companies/mine", json=body)).status_code == 403
    gulf = await signed_in("gulf.admin")
    (number,) = (await gulf.get("/approvals/duns")).json()
    approved = await gulf.post(f"/approvals/duns/{number['id']}", json={"approve": True})
    assert approved.json() == {"id": number["id"], "status": "active"}


async def test_the_operating_team_looks_after_companies_and_nobody_else_does(signed_in: SignIn) -> None:
    team, looker = await signed_in("team.admin"), await signed_in("team.user")
    every = (await looker.get("/companies/all")).json()
    assert {each["name"] for each in every} >= {"Lone Star Power", "ERCOT", "The Desk"}
    assert [each["name"] for each in (await team.get("/companies/all?name=lone*")).json()] == ["Lone Star Power"]
    shown = (await team.get("/companies/1")).json()
    number = shown["duns"][0]
    assert (shown["actions"], number["actions"]) == (["suspend", "revoke"], ["suspend", "revoke"])
    assert (await looker.get("/companies/1")).json()["actions"] == []
    for stranger in ("rep.admin", "wires.admin", "ercot.admin"):
        client = await signed_in(stranger)
        for answer in (
            await client.get("/companies/all"),
            await client.get("/companies/1"),
            await client.post("/companies/1/suspend", json={"comment": "x"}),
            await client.post(f"/companies/1/duns/{number['id']}/suspend", json={"comment": "x"}),
        ):
            assert answer.status_code == 403, stranger
    assert (await looker.post("/companies/1/suspend", json={"comment": "x"})).status_code == 403
    suspended = await team.post(f"/companies/1/duns/{number['id']}/suspend", json={"comment": "The TDSP asks."})
    assert suspended.json()["duns"][0]["status"] == "suspended"
    assert (await team.post(f"/companies/2/duns/{number['id']}/revoke", json={"comment": "x"})).status_code == 404
    assert (await team.post("/companies/1/suspend", json={})).json()["faults"][0]["where"] == "comment"
    assert (await team.post("/companies/1/reinstate", json={})).status_code == 409
    assert (await team.post("/companies/1/approve", json={})).status_code == 409
    own = [each["id"] for each in every if each["kind"] == "operator"]
    assert (await team.post(f"/companies/{own[0]}/revoke", json={"comment": "x"})).status_code == 403


async def test_the_audit_log_is_a_companys_own_and_all_of_it_the_operating_teams(
    signed_in: SignIn, office: Office, clock: HandClock
) -> None:
    await office.asked()
    await office.registered(first=person_form("other.first"))
    mine = (await (await signed_in("rep.admin")).get("/audit")).json()
    assert [(each["action"], each["subject"]) for each in mine["lines"]] == [("account.register", "pat.pecan")]
    team = await signed_in("team.user")
    assert len((await team.get("/audit")).json()["lines"]) == 3
    assert len((await team.get("/audit?company=1")).json()["lines"]) == 1
    assert (await (await signed_in("rep.user")).get("/audit")).status_code == 403
    assert (await (await signed_in("blue.admin")).get("/audit?company=1")).json()["lines"] == []
    for number in range(120):
        await office.asked(form=person_form(f"asker.{number}"))
    first = (await team.get("/audit")).json()
    rest = (await team.get(f"/audit?before={first['next_before']}")).json()
    numbers = [each["number"] for each in first["lines"] + rest["lines"]]
    assert numbers == list(range(123, 0, -1))
    assert rest["next_before"] is None


async def test_the_operating_team_sees_no_meter(signed_in: SignIn) -> None:
    team = await signed_in("team.admin")
    assert (await team.get("/meters")).json()["meters"] == []
