"""The API against its own OpenAPI document: no fault of the server, and no answer but those described.

Schemathesis draws the requests, those that fit the document and those that do not; `make schema` is this file alone.
"""

import asyncio
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.dice import SeededDice
from portal.accounts.sessions import open_session
from portal.accounts.tables import SessionKind, accounts
from portal.app import full_app
from portal.context import Portal
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from tests.clock import HandClock
from tests.portal.people.stand import TEAM_WORLD
from tests.portal.wire import WireBus
from tests.portal.world import CHEAP, GUIDES, settle

EXAMPLES = 50
ROLES = ("rep.admin", "wires.admin", "team.admin", "maria.customer", "ercot.admin")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class Asked:
    """The application, asked by everybody in turn; each request has a session of its own, for some end sessions."""

    def __init__(self, app: FastAPI, database: Database, clock: HandClock, loop: asyncio.AbstractEventLoop) -> None:
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://portal.test")
        self._database = database
        self._clock = clock
        self._loop = loop
        self._dice = SeededDice(13)
        self._turns = count()

    def ask(self, case: Case[Any]) -> None:
        """Send a request, and hold the answer against the document."""
        response = self._loop.run_until_complete(self._send(case))
        case.validate_response(response, checks=CHECKS)

    async def _send(self, case: Case[Any]) -> httpx.Response:
        role = ROLES[next(self._turns) % len(ROLES)]
        whose = select(accounts.c.id).where(accounts.c.user_key == role)

        async def job(connection: AsyncConnection) -> str:
            account_id = (await connection.execute(whose)).scalar_one()
            return await open_session(connection, account_id, SessionKind.TOKEN, self._dice, self._clock.now())

        token = await self._database.write(job)
        prepared = requests.Request(**case.as_transport_kwargs(base_url="http://portal.test")).prepare()
        headers = {**{name: str(value) for name, value in prepared.headers.items()}, "Authorization": f"Bearer {token}"}
        body = prepared.body
        assert body is None or isinstance(body, (str, bytes))
        response = await self._client.request(str(prepared.method), str(prepared.url), headers=headers, content=body)
        await response.request.aread()
        return response


def test_every_operation_answers_as_its_document_says(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    clock = HandClock()
    database = Database.open(f"sqlite:///{tmp_path}/schema.db")

    async def opened() -> FastAPI:
        await settle(database, clock.now(), TEAM_WORLD)
        portal = Portal.over(database, WireBus(), clock, SeededDice(7), GUIDES, passwords=CHEAP)
        return full_app(portal, await SqlIntervalStore.opened(database), RegisterStore(database))

    app = loop.run_until_complete(opened())
    asked = Asked(app, database, clock, loop)
    schema = schemathesis.openapi.from_dict(app.openapi())
    faults, operations = list[str](), 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        operations += 1

        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.generate],
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def try_operation(case: Case[Any]) -> None:
            asked.ask(case)

        try:
            try_operation()
        except (AssertionError, BaseExceptionGroup) as fault:
            faults.append(f"{operation.label}: {fault}")
    loop.run_until_complete(database.close())
    loop.close()
    assert not faults, "\n\n".join(faults)
    assert operations > 60
