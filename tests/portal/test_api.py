"""The JSON API: what each party gets, what nobody gets, and the form of every problem."""

import asyncio
import re
from datetime import timedelta
from html.parser import HTMLParser

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy import select, update

from gateway.dice import SeededDice
from gateway.identifiers import MeterNumber
from gateway.messages import GatewayState, LinkState
from gateway.ports import Delivery
from portal.accounts.sessions import open_session
from portal.accounts.tables import SessionKind, accounts, sessions
from portal.context import Portal
from portal.market.tables import rep_spans
from tests.clock import HandClock, turns
from tests.portal.conftest import SignIn
from tests.portal.wire import Answers, WireBus, noted_sent
from tests.portal.world import BLUEBONNET, GATEWAY, esi

UNKNOWN_READ = "00000000-0000-7000-8000-000000000000"


OTHERS = {
    "request_id": "1",
    "company_id": 1,
    "account_id": 1,
    "number_id": 1,
    "device": "000D6F0007A0B1C2",
    "action": "ping",
    "command_id": UNKNOWN_READ,
    "key_id": "1",
    "batch_id": UNKNOWN_READ,
    "wish_id": UNKNOWN_READ,
    "webhook_id": UNKNOWN_READ,
    "delivery_id": "1",
    "definition_id": UNKNOWN_READ,
    "agreement_id": "1",
    "gateway": GATEWAY,
    "number": "1",
    "name": "daily",
    "start": "2026-05-11T05:00:00Z",
    "session_id": "0123456789abcdef",
}
"""What stands in paths beside meters and reads."""


async def test_the_list_holds_the_viewers_meters_in_order(signed_in: SignIn) -> None:
    page = (await (await signed_in("rep.admin")).get("/meters")).json()
    assert [meter["esi_id"] for meter in page["meters"]] == [esi(1), esi(2), esi(5)]
    assert page["meters"][0] == {
        "esi_id": esi(1),
        "number": "M00001",
        "service_address": "1 Elm St",
        "city": "Austin",
        "state": "TX",
        "zip": "78701",
    }
    assert (page["total"], page["next_after"]) == (3, None)


async def test_a_meter_is_found_by_esi_id_and_by_number(signed_in: SignIn) -> None:
    client = await signed_in("rep.admin")
    for search in ({"esi_id": esi(2)}, {"number": "M00002"}):
        page = (await client.get("/meters", params=search)).json()
        assert [meter["number"] for meter in page["meters"]] == ["M00002"]
    assert (await client.get("/meters", params={"number": "M00003"})).json()["meters"] == []


async def test_the_list_goes_on_after_an_esi_id(signed_in: SignIn) -> None:
    page = (await (await signed_in("rep.admin")).get("/meters", params={"after": esi(1)})).json()
    assert [meter["esi_id"] for meter in page["meters"]] == [esi(2), esi(5)]


async def test_a_read_goes_from_the_click_to_the_value(
    signed_in: SignIn, bus: WireBus, portal: Portal, answers: Answers
) -> None:
    client = await signed_in("rep.user")
    asked = await client.post(f"/meters/{esi(1)}/reads")
    assert asked.status_code == 202
    place = asked.headers["location"]
    assert place == f"/api/v1/reads/{asked.json()['id']}"
    joined = await client.post(f"/meters/{esi(1)}/reads")
    assert (joined.status_code, joined.headers["location"]) == (200, place)
    await portal.desk.handle([answers.done(await bus.request())])
    read = (await client.get(place.removeprefix("/api/v1"))).json()
    assert read["status"] == "done"
    assert read["value"]["delivered_wh"] == 12_345_678
    assert read["value"]["received_wh"] is None
    assert read["age"] == {"freshness": "fresh", "at_most_s": 0}
    history = (await client.get(f"/meters/{esi(1)}/reads")).json()
    assert history == [read]


async def test_waiting_answers_when_the_read_changes(
    signed_in: SignIn, bus: WireBus, portal: Portal, answers: Answers
) -> None:
    client = await signed_in("rep.user")
    read_id = (await client.post(f"/meters/{esi(1)}/reads")).json()["id"]
    await portal.desk.handle([answers.done(await bus.request())])
    read = await client.get(f"/reads/{read_id}", params={"wait": 20, "since": "queued"})
    assert read.json()["status"] == "done"


async def test_a_read_is_gone_for_whoever_lost_the_meter_while_waiting(
    signed_in: SignIn, bus: WireBus, portal: Portal, clock: HandClock, answers: Answers
) -> None:
    client = await signed_in("rep.user")
    read_id = (await client.post(f"/meters/{esi(1)}/reads")).json()["id"]
    request = await bus.request()
    await noted_sent(portal.desk, clock, request.id)
    waiting = asyncio.create_task(client.get(f"/reads/{read_id}", params={"wait": 20, "since": "sent"}))
    async with asyncio.timeout(10):
        while request.id not in portal.desk._bells:
            await turns()
    switch = update(rep_spans).where(rep_spans.c.esi_id == esi(1)).values(duns=BLUEBONNET)
    await portal.database.write(lambda connection: connection.execute(switch))
    await portal.desk.handle([answers.done(request)])
    assert (await waiting).status_code == 404
    other = await signed_in("blue.admin")
    assert (await other.get(f"/reads/{read_id}")).json()["status"] == "done"


async def test_a_limited_meter_says_exactly_when(
    signed_in: SignIn, bus: WireBus, portal: Portal, clock: HandClock, answers: Answers
) -> None:
    client = await signed_in("rep.user")
    await client.post(f"/meters/{esi(1)}/reads")
    await portal.desk.handle([answers.done(await bus.request())])
    clock.set(clock.now() + timedelta(seconds=600.5))
    refused = await client.post(f"/meters/{esi(1)}/reads")
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "3000"
    body = refused.json()
    assert body["type"] == "urn:metergate:problem:read-limit"
    assert body["retry_at"] == "2026-07-01T16:00:00Z" or body["retry_at"] == "2026-07-01T16:00:00+00:00"
    assert (body["used_today"], body["per_day"], body["reason"]) == (1, 24, "hour")


async def test_ercot_may_look_but_not_read(signed_in: SignIn) -> None:
    client = await signed_in("ercot.user")
    assert (await client.get(f"/meters/{esi(1)}")).status_code == 200
    assert (await client.post(f"/meters/{esi(1)}/reads")).status_code == 403


async def test_a_tdsp_sees_its_gateways_and_their_incidents(
    signed_in: SignIn, portal: Portal, clock: HandClock
) -> None:
    link = LinkState(driver="zigbee", up=True, since=clock.now(), detail="")
    state = GatewayState(
        gateway=GATEWAY, online=True, boot_id="b", at=clock.now(), version="0.1", meters=3, links=(link,)
    )
    lie = GatewayState(gateway=GATEWAY, online=True, boot_id="b", at=clock.now(), version="0", meters=0, links=())
    await portal.desk.handle([Delivery(gateway=GATEWAY, message=state)])
    await portal.desk.handle([Delivery(gateway=type(GATEWAY)("gw-2"), message=lie)])
    mine, other = await signed_in("wires.admin"), await signed_in("gulf.admin")
    (shown,) = (await mine.get("/gateways")).json()
    assert (shown["id"], shown["online"], shown["links"][0]["driver"]) == ("gw-1", True, "zigbee")
    assert (await mine.get("/incidents")).json() == []
    (incident,) = (await other.get("/incidents")).json()
    assert (incident["gateway"], incident["kind"]) == ("gw-2", "false_name")
    assert (await (await signed_in("rep.admin")).get("/gateways")).status_code == 403


async def test_a_missing_meter_and_an_invisible_one_look_alike(signed_in: SignIn) -> None:
    client = await signed_in("rep.user")
    missing, foreign = await client.get(f"/meters/{esi(99)}"), await client.get(f"/meters/{esi(3)}")
    assert missing.status_code == foreign.status_code == 404
    assert missing.content == foreign.content
    assert dict(missing.headers) == dict(foreign.headers)


def paths_of(app: FastAPI) -> list[tuple[str, str]]:
    """Method and path of every route of the API that names a meter or a read; the fleet's and people's are others."""
    found = []
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            found += [(method, str(context.path)) for method in route.methods or () if _names(str(context.path))]
    return found


def _names(path: str) -> bool:
    others = (
        "{gateway}",
        "{company_id}",
        "{account_id}",
        "{number_id}",
        "{request_id}",
        "{key_id}",
        "{webhook_id}",
        "{definition_id}",
    )
    return "{" in path and not any(name in path for name in others)


async def test_no_route_shows_one_rep_the_meter_of_another(
    app: FastAPI, signed_in: SignIn, bus: WireBus, portal: Portal, answers: Answers
) -> None:
    owner, stranger = await signed_in("blue.admin"), await signed_in("rep.admin")
    read_id = (await owner.post(f"/meters/{esi(3)}/reads")).json()["id"]
    await portal.desk.handle([answers.done(await bus.request())])
    routes = paths_of(app)
    assert len(routes) >= 4
    for method, path in routes:
        theirs = path.format(esi_id=esi(3), read_id=read_id, **OTHERS).removeprefix("/api/v1")
        nobodys = path.format(esi_id=esi(99), read_id=UNKNOWN_READ, **OTHERS).removeprefix("/api/v1")
        answer, missing = await stranger.request(method, theirs), await stranger.request(method, nobodys)
        assert answer.status_code == 404, (method, path)
        assert answer.content == missing.content
        assert MeterNumber("M00003") not in answer.text


async def test_every_route_asks_who_is_there(app: FastAPI, guest: httpx.AsyncClient) -> None:
    open_to_all = {"/api/v1/sessions", "/api/v1/docs", "/api/v1/docs.css", "/api/v1/companies"}
    open_to_all |= {"/api/v1/registrations/companies", "/api/v1/registrations/accounts"}
    open_to_all |= {"/api/v1/registrations/customers"}
    open_to_all |= {"/api/v1/password-recovery", "/api/v1/password-recovery/question", "/api/v1/user-id-recovery"}
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        path = str(context.path)
        if not isinstance(route, APIRoute) or path in open_to_all:
            continue
        path = path.format(esi_id=esi(1), read_id=UNKNOWN_READ, **OTHERS).removeprefix("/api/v1")
        for method in route.methods or ():
            answer = await guest.request(method, path)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("PUT", "/me", 405), ("GET", "/meters/123", 422), ("POST", "/sessions", 422)],
)
async def test_every_problem_is_a_problem_body(signed_in: SignIn, method: str, path: str, status: int) -> None:
    answer = await (await signed_in("rep.user")).request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


async def test_a_body_that_is_too_large_is_not_read(guest: httpx.AsyncClient) -> None:
    async def endless() -> object:
        for _ in range(9):
            yield b"x" * 1_000_000

    for body in (b"x" * 5_000_000, endless()):
        assert (await guest.post("/sessions", content=body)).status_code == 413  # type: ignore[arg-type]  # both kinds


async def test_unknown_fields_of_a_body_are_refused(guest: httpx.AsyncClient) -> None:
    body = {"user_id": "rep.user", "password": "x", "administrator": True}
    assert (await guest.post("/sessions", json=body)).status_code == 422


async def test_answers_carry_the_security_headers(guest: httpx.AsyncClient) -> None:
    headers = (await guest.get("/docs")).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


@pytest.fixture
async def page(app: FastAPI, portal: Portal, clock: HandClock) -> httpx.AsyncClient:
    """A browser whose page is signed in by its cookie; its CSRF token stands in `page.csrf`."""
    async with portal.database.reading() as connection:
        account_id = await connection.scalar(select(accounts.c.id).where(accounts.c.user_key == "rep.user"))
    secret = await portal.database.write(
        lambda connection: open_session(connection, account_id or 0, SessionKind.PAGE, SeededDice(9), clock.now())
    )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://portal.test/api/v1", cookies={"metergate": secret}
    )


async def csrf_of(portal: Portal) -> str:
    async with portal.database.reading() as connection:
        return str(await connection.scalar(select(sessions.c.csrf)))


async def test_a_cookie_is_enough_to_look(page: httpx.AsyncClient) -> None:
    assert (await page.get("/me")).status_code == 200


async def test_a_change_by_cookie_needs_its_token_and_its_own_site(page: httpx.AsyncClient, portal: Portal) -> None:
    token = {"x-csrf-token": await csrf_of(portal)}
    change = f"/meters/{esi(1)}/reads"
    for headers in (
        {},
        {"x-csrf-token": "wrong"},
        {**token, "origin": "http://evil.test"},
        {**token, "origin": "null"},
        {**token, "sec-fetch-site": "cross-site"},
        {**token, "sec-fetch-site": "same-site"},
    ):
        assert (await page.post(change, headers=headers)).status_code == 403, headers
    own = {**token, "origin": "http://portal.test", "sec-fetch-site": "same-origin"}
    assert (await page.post(change, headers=own)).status_code == 202


async def test_a_forms_field_carries_the_token_as_well(page: httpx.AsyncClient, portal: Portal) -> None:
    form = {"csrf": await csrf_of(portal)}
    assert (await page.post(f"/meters/{esi(1)}/reads", data=form)).status_code == 202


async def test_a_pages_secret_is_no_bearer_token(page: httpx.AsyncClient, guest: httpx.AsyncClient) -> None:
    secret = page.cookies["metergate"]
    assert (await guest.get("/me", headers={"authorization": f"Bearer {secret}"})).status_code == 401


class Words(HTMLParser):
    """The text and the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


async def test_the_reference_page_shows_every_operation_without_script(app: FastAPI, guest: httpx.AsyncClient) -> None:
    page = await guest.get("/docs")
    words = Words()
    words.feed(page.text)
    assert "script" not in words.tags
    assert not re.search(r"(src|href)=\"?https?:", page.text)
    for path, operations in app.openapi()["paths"].items():
        for method in operations:
            assert f"{method.upper()} {path}" in words.text
    document = (await guest.get("/openapi.json")).json()
    assert document["paths"].keys() == app.openapi()["paths"].keys()
