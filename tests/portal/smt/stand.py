"""The façade on its legs: the small world, a desk on a wire, and a client that calls as programs do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse

from gateway.database import Database
from gateway.dice import SeededDice
from gateway.identifiers import RequestId
from gateway.messages import RequestRead
from portal.app import build_app
from portal.context import Portal
from portal.reads.desk import ReadDesk
from portal.reads.shown import OnDemandRead
from portal.smt.facade import SmtFacade
from portal.smt.services.routes import SmtServices
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import IntervalStore
from tests.clock import HandClock
from tests.portal.wire import Answers, WireBus
from tests.portal.world import CHEAP, GATEWAY, GUIDES, PASSWORD, esi


def application(portal: Portal, intervals: IntervalStore, registers: RegisterStore) -> FastAPI:
    """The portal's application with the façade and the services beside a page."""
    pages = APIRouter()

    @pages.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse("<h1>metergate</h1>")

    facade = SmtFacade(portal, intervals, registers)
    services = SmtServices(portal, intervals, registers, facade.find_viewer)
    return build_app(portal, [pages, facade.router(), services.router()])


@dataclass
class Stand:
    """A signed-out façade and everything around it."""

    clock: HandClock
    database: Database
    intervals: SqlIntervalStore
    registers: RegisterStore
    desk: ReadDesk
    bus: WireBus
    gateway: Answers
    http: httpx.AsyncClient

    async def token(self, user_id: str = "maria.customer", path: str = "/commonapi/user/authenticate") -> str:
        """Sign in; returns the token."""
        credentials = {"username": user_id, "password": PASSWORD, "rememberMe": "true"}
        response = await self.http.post(path, json=credentials)
        assert response.status_code == 200, response.text
        found: str = response.json()["token"]
        return found

    async def call(self, token: str, path: str, body: Any = None, scheme: str = "Bearer") -> httpx.Response:
        """Call a path with a token."""
        return await self.http.post(path, json=body, headers={"Authorization": f"{scheme} {token}"})

    async def ask(self, token: str, number: int = 1) -> dict[str, Any]:
        """The data of ondemandread for a meter of the world."""
        body = {"ESIID": esi(number), "MeterNumber": "0"}
        response = await self.call(token, "/api/ondemandread", body)
        assert response.status_code == 200
        found: dict[str, Any] = response.json()["data"]
        return found

    async def latest(self, token: str, number: int = 1) -> dict[str, Any]:
        """The data of latestodrread for a meter of the world."""
        response = await self.call(token, "/api/usage/latestodrread", {"ESIID": esi(number)})
        assert response.status_code == 200
        found: dict[str, Any] = response.json()["data"]
        return found

    async def succeed(self, asked: dict[str, Any], delivered_wh: int | None = 12_345_678) -> OnDemandRead:
        """Let the gateway answer an ask with a value; returns when the portal has recorded it."""
        self.bus.arrive(self.gateway.done(await self.sent(asked), delivered_wh))
        return await self.ended(asked)

    async def fail(self, asked: dict[str, Any]) -> OnDemandRead:
        """Let the gateway fail an ask; returns when the portal has recorded it."""
        self.bus.arrive(self.gateway.failed(await self.sent(asked)))
        return await self.ended(asked)

    async def sent(self, asked: dict[str, Any]) -> RequestRead:
        """The request that an ask became, as the gateway gets it; repetitions of earlier ones are passed over."""
        while (request := await self.bus.request()).id != asked["correlationId"]:
            continue
        return request

    async def ended(self, asked: dict[str, Any]) -> OnDemandRead:
        """The read of an ask, once it has ended."""
        read = await self.desk.wait(RequestId(asked["correlationId"]), 10.0)
        assert read is not None
        assert read.ended_at is not None
        return read


@asynccontextmanager
async def standing(database: Database, clock: HandClock) -> AsyncIterator[Stand]:
    """A façade that serves until the end of the block."""
    bus = WireBus()
    portal = Portal.over(database, bus, clock, SeededDice(1), GUIDES, passwords=CHEAP)
    desk, intervals = portal.desk, await SqlIntervalStore.opened(database)
    registers = RegisterStore(database)
    tasks = [asyncio.create_task(desk.run()), asyncio.create_task(bus.run(desk.handle, desk.greet))]
    transport = httpx.ASGITransport(app=application(portal, intervals, registers), client=("10.1.2.3", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="https://www.smartmetertexas.com") as http:
        yield Stand(clock, database, intervals, registers, desk, bus, Answers(GATEWAY, clock), http)
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
