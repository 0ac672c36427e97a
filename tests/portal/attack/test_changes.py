"""Every change that the application offers: none can be forged from another site, and no body brings more than it may.

Both are tried over the application's own routes, so that a new route is tried too.
"""

from collections.abc import Iterator
from string import Formatter
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from sqlalchemy import select

from gateway.database import Database
from gateway.dice import SeededDice
from portal.accounts.sessions import open_session
from portal.accounts.tables import SessionKind, accounts, sessions
from portal.app import full_app
from portal.audit.tables import audit
from portal.context import Portal
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from tests.clock import HandClock
from tests.portal.people.stand import TEAM_WORLD
from tests.portal.wire import WireBus
from tests.portal.world import CHEAP, GUIDES, esi, settle

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
BEFORE_A_SESSION = frozenset(
    {
        *("/login", "/theme", "/set-password"),
        *("/forgot-password", "/forgot-password/answer", "/forgot-user-id"),
        *("/api/v1/sessions", "/api/v1/password-recovery", "/api/v1/password-recovery/question"),
        *("/api/v1/user-id-recovery", "/api/v1/registrations/companies", "/api/v1/registrations/accounts"),
        *("/api/v1/registrations/customers", "/register", "/private/register/company", "/private/register/person"),
        *("/private/register/access/person", "/agreements/{secret}"),
    }
)
"""What nobody need be signed in for. Those of pages refuse what another site sends, by its headers."""
THINGS = {
    "desk": "usage",
    "kind": "text",
    "delivery_id": "1",
    **dict.fromkeys(
        ("command_id", "list_id", "batch_id", "wish_id", "webhook_id", "definition_id"),
        "00000000-0000-7000-8000-000000000000",
    ),
    **dict.fromkeys(("company_id", "account_id", "number_id", "number", "key_id", "request_id", "agreement_id"), "1"),
    "esi_id": esi(1),
    "device": "000D6F0007A0B1C2",
    "action": "suspend",
    "gateway": "gw-1",
    "session_id": "0123456789abcdef",
}


def changes(app: FastAPI) -> Iterator[tuple[str, str, APIRoute]]:
    """Method, path and route of every change."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            for method in CHANGING & (route.methods or set()):
                yield method, str(context.path), route


@pytest.fixture
async def full(database_url: str, clock: HandClock) -> Any:
    """The whole application over the world with an operating team, and its database."""
    database = Database.open(database_url)
    await settle(database, clock.now(), TEAM_WORLD)
    portal = Portal.over(database, WireBus(), clock, SeededDice(7), GUIDES, passwords=CHEAP)
    yield full_app(portal, await SqlIntervalStore.opened(database), RegisterStore(database)), database
    await database.close()


async def cookie_of(database: Database, user_id: str, kind: SessionKind, clock: HandClock) -> tuple[str, str]:
    """A session's cookie and its token against forgery."""

    async def job(connection: Any) -> tuple[str, str]:
        account = await connection.scalar(select(accounts.c.id).where(accounts.c.user_key == user_id))
        secret = await open_session(connection, account, kind, SeededDice(11), clock.now())
        csrf = await connection.scalar(select(sessions.c.csrf).where(sessions.c.account_id == account))
        return secret, csrf

    return await database.write(job)


FORGERIES = {
    "no token": {},
    "another token": {"x-csrf-token": "A" * 43},
    "the token, but from another site": {"x-csrf-token": "{csrf}", "origin": "https://evil.example"},
    "the token, but the browser says cross-site": {"x-csrf-token": "{csrf}", "sec-fetch-site": "cross-site"},
}


@pytest.mark.parametrize("kind", [SessionKind.PAGE, SessionKind.FIRST_SIGN_IN, SessionKind.SECOND_FACTOR])
async def test_no_change_can_be_forged(full: tuple[FastAPI, Database], clock: HandClock, kind: SessionKind) -> None:
    app, database = full
    secret, csrf = await cookie_of(database, "wires.admin", kind, clock)
    tried, passed = 0, list[str]()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://portal.test") as client:
        for method, path, _ in changes(app):
            if path in BEFORE_A_SESSION:
                continue
            place = path.format(**{name: THINGS[name] for _, name, _, _ in Formatter().parse(path) if name})
            for forgery, headers in FORGERIES.items():
                given = {name: value.format(csrf=csrf) for name, value in headers.items()}
                answer = await client.request(method, place, headers={"cookie": f"metergate={secret}", **given})
                tried += 1
                # A session of another step is no session there at all: the answer is to sign in.
                if answer.status_code not in (401, 403) and not _at_another_step(answer):
                    passed.append(f"{forgery}: {method} {path}: {answer.status_code}")
        assert not passed, "\n".join(passed)
        assert tried > 100
    async with database.reading() as connection:
        assert (await connection.execute(select(audit))).all() == []
        assert (await connection.execute(select(sessions))).all() != [], "even the session still stands"


def _at_another_step(answer: httpx.Response) -> bool:
    """Whether it leads to the page where somebody signs in, having done nothing."""
    return answer.status_code == 303 and answer.headers["location"].split("?")[0] in ("/", "/first-sign-in")


@pytest.mark.parametrize("path", sorted(path for path in BEFORE_A_SESSION if not path.startswith("/api/")))
async def test_another_site_cannot_send_the_forms_before_a_session_either(
    full: tuple[FastAPI, Database], path: str
) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(full[0]), base_url="http://portal.test") as client:
        headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "accept": "text/html"}
        answer = await client.post(path, headers=headers, data={"user_id": "rep.user", "password": "x"})
    assert "metergate" not in answer.headers.get("set-cookie", "").split("=")[0]
    assert answer.status_code in (303, 403, 422), answer.text


def bodies(app: FastAPI) -> Iterator[tuple[str, type[BaseModel]]]:
    """Every model that a body is read into, those within it included."""
    seen = set[type[BaseModel]]()
    for method, path, route in changes(app):
        if route.body_field is None:
            continue
        todo = [route.body_field.field_info.annotation]
        while todo:
            annotation = todo.pop()
            todo += getattr(annotation, "__args__", ())
            if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in seen:
                seen.add(annotation)
                todo += [each.annotation for each in annotation.model_fields.values()]
                yield f"{method} {path}", annotation


async def test_no_body_brings_fields_that_it_does_not_have(full: tuple[FastAPI, Database]) -> None:
    found = list(bodies(full[0]))
    # What FastAPI makes of a page's form fields is read field by field: what else is sent goes nowhere.
    ours = [(place, model) for place, model in found if model.__module__.startswith(("portal", "gateway"))]
    assert len(ours) > 15
    assert [(place, model.__name__) for place, model in ours if model.model_config.get("extra") != "forbid"] == []


@pytest.mark.parametrize("field", ["status", "administrator", "id", "company_id", "kind_of", "revision", "energy_data"])
async def test_nobody_registers_as_more_than_he_may(full: tuple[FastAPI, Database], field: str) -> None:
    person = {
        "first_name": "Pat",
        "last_name": "Pecan",
        "email": "p@pecan.example",
        "email_again": "p@pecan.example",
        "user_id": "pat.pecan",
        "terms": True,
    }
    async with httpx.AsyncClient(transport=httpx.ASGITransport(full[0]), base_url="http://portal.test") as client:
        for body in (
            {"company": 1, "role": "user", "person": {**person, field: True}},
            {"company": 1, "role": "user", "person": person, field: True},
        ):
            answer = await client.post("/api/v1/registrations/accounts", json=body)
            assert answer.status_code == 422, answer.text
    async with full[1].reading() as connection:
        assert (await connection.execute(select(accounts).where(accounts.c.user_key == "pat.pecan"))).all() == []
