"""The package smart-meter-texas, unmodified, against the portal over TLS, with a gateway that answers reads.

One on-demand read lasts a quarter of a minute and more: the client waits 15 s of its own before it looks.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import uvicorn
from aiohttp.abc import AbstractResolver, ResolveResult
from smart_meter_texas import Account, Client  # type: ignore[import-untyped]  # it ships no types
from smart_meter_texas.exceptions import (  # type: ignore[import-untyped]  # it ships no types
    SmartMeterTexasAPIDateError,
    SmartMeterTexasAPIError,
    SmartMeterTexasAuthError,
)

from gateway.clock import SystemClock, intervals_in
from gateway.database import Database
from gateway.dice import SystemDice
from gateway.read_policy import ReadLimits
from gateway.settings import GatewaySettings
from gateway.supervisor import Gateway
from mqtt.memory import MemoryBroker, MemoryBus
from portal.context import Portal
from portal.smt.certificates import ensure_certificates
from portal.usage.intervals import Channel, MeterDay
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import SourceFile
from tests.gateway.fakes import DictionaryDriver, Shelves, assignments, shelves
from tests.portal.smt.stand import application
from tests.portal.world import CHEAP, GATEWAY, GUIDES, PASSWORD, esi, meter, settle


class OurServer(AbstractResolver):
    """Every host is this machine, on one port."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The loopback address, whatever is asked."""
        found: ResolveResult = {
            "hostname": host,
            "host": "127.0.0.1",
            "port": self._port,
            "family": socket.AF_INET,
            "proto": 0,
            "flags": 0,
        }
        return [found]

    async def close(self) -> None:
        """Nothing to close."""


@dataclass
class Served:
    """A portal over TLS: its parts, its port, and a context that trusts its authority."""

    portal: Portal
    intervals: SqlIntervalStore
    port: int
    trusting: ssl.SSLContext
    session: aiohttp.ClientSession
    answers: list[aiohttp.ClientResponse]

    def client(self, user_id: str = "maria.customer", password: str = PASSWORD) -> Client:
        """The well-known client with an account."""
        return Client(self.session, Account(user_id, password), self.trusting)


def keeping(answers: list[aiohttp.ClientResponse]) -> aiohttp.TraceConfig:
    """Keep every answer, read to its end: those that the client drops unread would hold their connections for ever."""

    async def keep(_: aiohttp.ClientSession, __: object, ended: aiohttp.TraceRequestEndParams) -> None:
        await ended.response.read()
        answers.append(ended.response)

    tracing = aiohttp.TraceConfig()
    tracing.on_request_end.append(keep)
    return tracing


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """The small world behind uvicorn and TLS, its gateway in the same process."""
    clock, dice = SystemClock(), SystemDice()
    database = Database.open(f"sqlite:///{tmp_path}/portal.db")
    await settle(database, clock.now())
    broker = MemoryBroker(clock, dice)
    bus = MemoryBus(broker, None, clock, dice)
    portal = Portal.over(database, bus, clock, dice, GUIDES, passwords=CHEAP)
    intervals_database = Database.open(f"sqlite:///{tmp_path}/intervals.db")
    intervals = await SqlIntervalStore.opened(intervals_database)
    files = ensure_certificates(tmp_path / "tls", clock.now())
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            application(portal, intervals, RegisterStore(intervals_database)),
            ssl_certfile=str(files.certificate),
            ssl_keyfile=str(files.key),
            log_config=None,
            lifespan="off",
        )
    )
    stop = asyncio.Event()
    tasks = [
        asyncio.create_task(portal.desk.run()),
        asyncio.create_task(bus.run(portal.desk.handle, portal.desk.greet)),
        asyncio.create_task(live(broker, clock, dice, tmp_path, stop)),
    ]
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    port = listening.getsockname()[1]
    trusting = ssl.create_default_context(cafile=files.authority)
    answers: list[aiohttp.ClientResponse] = []
    connector = aiohttp.TCPConnector(resolver=OurServer(port))
    async with aiohttp.ClientSession(connector=connector, trace_configs=[keeping(answers)]) as session:
        yield Served(portal, intervals, port, trusting, session, answers)
    stop.set()
    server.should_exit = True
    await serving
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await database.close()


async def live(broker: MemoryBroker, clock: SystemClock, dice: SystemDice, folder: Path, stop: asyncio.Event) -> None:
    """A gateway's life over a database in a folder."""
    async with shelves(folder) as kept:
        await gateway_on(broker, clock, dice, kept).run(stop)


def gateway_on(broker: MemoryBroker, clock: SystemClock, dice: SystemDice, kept: Shelves) -> Gateway:
    """A whole gateway whose driver is a dictionary of one meter."""
    settings = GatewaySettings(id=GATEWAY, database="", assignments=Path("none.csv"))
    return Gateway(
        settings=settings,
        limits=ReadLimits(),
        journal=kept.journal,
        devices=kept.devices,
        meters=kept.meters,
        collected=kept.collected,
        bus=MemoryBus(broker, GATEWAY, clock, dice),
        drivers={"desk": DictionaryDriver(clock)},
        assignments=assignments(meter(1).number),
        clock=clock,
        boot_id=dice.request_id(clock.now()),
    )


async def test_the_client_reads_a_meter_on_demand(served: Served) -> None:
    client = served.client()
    (found,) = await client.account.fetch_meters(client)
    assert (found.esiid, found.meter, found.address) == (esi(1), "M00001", "1 Elm St")
    data = await found.read_meter(client)
    assert data["odrstatus"] == "COMPLETED"
    assert found.reading == 1.0
    age = served.portal.clock.now() - found.reading_datetime
    assert timedelta() < age < timedelta(seconds=40)


async def test_the_client_reads_quarter_hours(served: Served) -> None:
    here = served.portal.clock.now().astimezone()  # the client reckons in the machine's time zone
    yesterday = here.date() - timedelta(days=1)
    count = intervals_in(yesterday)
    days = [
        MeterDay(
            esi_id=esi(1),
            day=yesterday,
            channel=channel,
            revised_at=served.portal.clock.now(),
            values=(wh,) * count,
            estimated=(False,) * count,
        )
        for channel, wh in ((Channel.CONSUMPTION, 1234), (Channel.GENERATION, 56))
    ]
    source = SourceFile(name="one", sha256="one", received_at=served.portal.clock.now())
    await served.intervals.load(source, lambda: iter(days))
    client = served.client()
    (found,) = await client.account.fetch_meters(client)
    surplus = await found.get_15min(client)
    assert surplus[0] == [f"{yesterday:%m/%d/%Y} 0:00", "0.056"]
    assert found.read_15min_consumption[-1] == [f"{yesterday:%m/%d/%Y} 23:45", "1.234"]
    assert len(surplus) == count


async def test_the_client_is_told_that_there_are_no_data_and_that_a_password_is_wrong(served: Served) -> None:
    client = served.client()
    (found,) = await client.account.fetch_meters(client)
    with pytest.raises(SmartMeterTexasAPIDateError):
        await found.get_15min(client)
    with pytest.raises(SmartMeterTexasAuthError):
        await served.client(password="wrong").authenticate()


async def test_the_client_stops_when_its_token_dies_while_it_thinks_it_lives(served: Served) -> None:
    client = served.client()
    (found,) = await client.account.fetch_meters(client)
    client.token = "a token that was revoked"
    served.answers.clear()
    async with asyncio.timeout(10):
        with pytest.raises(SmartMeterTexasAPIError):
            await found.get_15min(client)
    assert [answer.status for answer in served.answers] == [401] * 10 + [429]


async def raw(served: Served, request: str) -> tuple[str, str]:
    """Send one request as text over TLS; returns the status line with the headers, and the body."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", served.port, ssl=served.trusting, server_hostname="smartmetertexas.com"
    )
    writer.write(request.replace("\n", "\r\n").encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition("\r\n\r\n")
    return head, body


def post(path: str, body: str, *headers: str) -> str:
    """A request as a script writes it."""
    lines = [f"POST {path} HTTP/1.1", "Host: smartmetertexas.com", *headers, f"Content-Length: {len(body)}"]
    return "\n".join([*lines, "Connection: close", "", body])


async def test_a_flow_that_writes_headers_in_lower_case_is_served(served: Served) -> None:
    credentials = f'{{"username":"maria.customer","password":"{PASSWORD}","rememberMe":true}}'
    browser = ("user-agent: Mozilla/5.0", "origin: https://www.smartmetertexas.com", "content-type: application/json")
    head, body = await raw(served, post("/api/user/authenticate", credentials, *browser))
    assert head.startswith("HTTP/1.1 200")
    token = body.partition('"token":"')[2].partition('"')[0]
    asking = post("/api/ondemandread", f'{{"ESIID":"{esi(1)}","MeterNumber":"x"}}', f"authorization: bearer {token}")
    head, body = await raw(served, asking)
    assert head.startswith("HTTP/1.1 200")
    assert "Request submitted successfully for further processing" in body


async def test_a_script_that_begins_at_the_page_and_sends_a_form_is_answered(served: Served) -> None:
    head, body = await raw(served, "GET / HTTP/1.1\nHost: smartmetertexas.com\nConnection: close\n\n")
    assert head.startswith("HTTP/1.1 200")
    assert body.startswith("<h1>")
    form = post(
        "/commonapi/user/authenticate", "username=a&password=b", "Content-Type: application/x-www-form-urlencoded"
    )
    head, body = await raw(served, form)
    assert head.startswith("HTTP/1.1 400")
    assert "content-type: application/json" in head.lower()
    assert body == '{"message":"The body is not JSON"}'


async def test_a_body_larger_than_the_portal_takes_is_refused_in_json(served: Served) -> None:
    head, _ = await raw(served, post("/api/meter", "x" * 70_000, "Authorization: Bearer x"))
    assert head.startswith("HTTP/1.1 401")
    assert "content-type: application/json" in head.lower()
