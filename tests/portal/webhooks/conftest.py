"""Fixtures of webhooks: a portal that may tell loopback, a receiver there, and what sends."""

from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.database import Database
from gateway.dice import SeededDice
from portal.app import build_app
from portal.context import Portal
from tests.clock import HandClock
from tests.portal.conftest import SignIn, running
from tests.portal.webhooks.receiver import Receiver, receiving
from tests.portal.webhooks.stand import SETTINGS, Teller
from tests.portal.wire import WireBus
from tests.portal.world import CHEAP, GUIDES, PASSWORD


@pytest.fixture
async def portal(database: Database, bus: WireBus, clock: HandClock) -> AsyncIterator[Portal]:
    """A portal over the small world whose webhooks may go to this machine."""
    portal = Portal.over(database, bus, clock, SeededDice(7), SETTINGS, passwords=CHEAP)
    async with running(portal):
        yield portal


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A company's program that takes webhooks."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def teller(portal: Portal, clock: HandClock) -> Teller:
    """What sends when the test says so."""
    return Teller(portal, clock)


@pytest.fixture
async def strict(database: Database, bus: WireBus, clock: HandClock) -> AsyncIterator[SignIn]:
    """Signs people in at a portal as it is shipped: webhooks go to public addresses over https."""
    portal = Portal.over(database, bus, clock, SeededDice(9), GUIDES, passwords=CHEAP)
    clients = list[httpx.AsyncClient]()

    async def sign_in(user_id: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(build_app(portal))
        client = httpx.AsyncClient(transport=transport, base_url="http://portal.test/api/v1")
        clients.append(client)
        token = (await client.post("/sessions", json={"user_id": user_id, "password": PASSWORD})).json()["token"]
        client.headers["authorization"] = f"Bearer {token}"
        return client

    yield sign_in
    for client in clients:
        await client.aclose()
