"""Fixtures of the portal's tests: a hand-moved clock, a settled database on each engine, a running desk, clients."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from fastapi import FastAPI

from gateway.database import Database
from gateway.dice import SeededDice
from portal.app import build_app
from portal.context import Portal
from portal.han.desk import DeviceDesk
from portal.market.desk import MarketDesk
from portal.reads.desk import ReadDesk
from tests.clock import HandClock
from tests.portal.asking import make_desk
from tests.portal.wire import Answers, WireBus
from tests.portal.world import CHEAP, GATEWAY, GUIDES, PASSWORD, settle

SignIn = Callable[[str], Awaitable[httpx.AsyncClient]]


@asynccontextmanager
async def running(desk: ReadDesk | DeviceDesk | MarketDesk | Portal) -> AsyncIterator[None]:
    """A desk, or all of a portal's, that sends and sweeps while the block lasts."""
    task = asyncio.create_task(desk.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def clock() -> HandClock:
    """A clock that the test moves."""
    return HandClock()


@pytest.fixture
async def database(database_url: str, clock: HandClock) -> AsyncIterator[Database]:
    """The small world in a database of its own."""
    database = Database.open(database_url)
    await settle(database, clock.now())
    yield database
    await database.close()


@pytest.fixture
def bus() -> WireBus:
    """The wire between the desk and the test."""
    return WireBus()


@pytest.fixture
def answers(clock: HandClock) -> Answers:
    """What the world's gateway says."""
    return Answers(GATEWAY, clock)


@pytest.fixture
async def desk(database: Database, bus: WireBus, clock: HandClock) -> AsyncIterator[ReadDesk]:
    """A desk that runs, without a portal around it."""
    desk = make_desk(database, bus, clock)
    async with running(desk):
        yield desk


@pytest.fixture
async def portal(database: Database, bus: WireBus, clock: HandClock) -> AsyncIterator[Portal]:
    """A portal over the small world, its desk running."""
    portal = Portal.over(database, bus, clock, SeededDice(7), GUIDES, passwords=CHEAP)
    async with running(portal):
        yield portal


@pytest.fixture
def app(portal: Portal) -> FastAPI:
    """The portal as an application."""
    return build_app(portal)


@pytest.fixture
async def guest(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A program that is not signed in."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://portal.test/api/v1") as client:
        yield client


@pytest.fixture
async def signed_in(app: FastAPI) -> AsyncIterator[SignIn]:
    """Signs a user id of the world in, and gives its client with the token."""
    clients: list[httpx.AsyncClient] = []

    async def sign_in(user_id: str) -> httpx.AsyncClient:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://portal.test/api/v1")
        clients.append(client)
        answer = await client.post("/sessions", json={"user_id": user_id, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        client.headers["authorization"] = f"Bearer {answer.json()['token']}"
        return client

    yield sign_in
    for client in clients:
        await client.aclose()
