"""Pages and API answers with session and authorisation, against a bare FastAPI endpoint on the same server.

    python tests/bench/pages.py [meters]

The market's database holds so many meters of a hundred retailers (100,000 if not said), the reader is a retailer's
user who sees 25 of them and one who sees all of his company's. Each server is a process of its own; 16 connections
that stay open ask one after the other, in turns with the bare endpoint, and the median of the ratios counts. On SQLite
and, where it is installed, PostgreSQL.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
from fastapi import FastAPI
from sqlalchemy import Table, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gateway.clock import SystemClock, central_date
from gateway.database import Database
from gateway.dice import SystemDice
from gateway.identifiers import Duns, EsiId, GatewayId, MeterNumber
from mqtt.memory import MemoryBroker, MemoryBus
from portal.accounts.presets import Preset
from portal.app import full_app
from portal.companies.kinds import Kind
from portal.companies.tables import companies
from portal.context import Portal
from portal.http_server import http_server, listen
from portal.market.tables import premises, rep_spans
from portal.meters.tables import meters
from portal.seed import SeedAccount, SeedCompany, SeedDuns, SeedGateway, SeedWorld
from portal.settings import PortalSettings
from portal.usage.intervals import Channel, MeterDay
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import SourceFile
from tests.bench._verdicts import goal
from tests.bench.echo import another, say
from tests.portal.world import settle
from tests.postgres import PrivatePostgres, binaries

CONNECTIONS = 16
ROUND_S = 1.0
ROUNDS = 5
COMPANIES = 100
LIMIT_S = 180.0
LISTED = 25
REPORTED = 1000
WORD = "correct horse battery"
BEGAN = datetime(2025, 1, 1, 6, tzinfo=UTC)
GATEWAY = GatewayId("gw-1")
AT_ONCE = 5000
HOUSES = 40
SYLLABLES = [
    "oak",
    "elm",
    "ash",
    "ce",
    "dar",
    "mag",
    "no",
    "lia",
    "pe",
    "can",
    "wil",
    "low",
    "cy",
    "press",
    "pop",
    "lar",
    "bir",
    "ch",
    "ju",
    "ni",
    "per",
    "ma",
    "ple",
]


def esi_id(number: int) -> EsiId:
    """The premise of that number."""
    return EsiId(f"10443720{number:09d}")


def street(number: int) -> str:
    """The street of a premise: as many names as a large city has, forty houses on each."""
    name = number // HOUSES
    return "".join(SYLLABLES[name // each % len(SYLLABLES)] for each in (1, 23, 529)).title()


def duns(number: int) -> Duns:
    """The DUNS number of a retailer."""
    return Duns(f"{100_000_000 + number}")


async def built(url: str, count: int) -> None:
    """A market of so many meters: the first retailer has 25 of them, the others share the rest."""
    database = Database.open(url)
    reps = [
        SeedCompany(name=f"Retailer {n:03}", kind=Kind.REP, email=f"r{n}@example.com", duns=(SeedDuns(duns=duns(n)),))
        for n in range(COMPANIES)
    ]
    wires = SeedCompany(name="Wires", kind=Kind.TDSP, email="w@example.com", duns=(SeedDuns(duns=Duns("957870001")),))
    people = [
        SeedAccount(
            user_id=user_id, password=WORD, first_name="R", last_name="S", email=f"{user_id}@example.com",
            company=company, administrator=True,
        )
        for user_id, company in [*((f"reader.{n}", f"Retailer {n:03}") for n in (0, 1, 2)), ("wires.1", "Wires")]
    ]  # fmt: skip
    world = SeedWorld(companies=[*reps, wires], accounts=people, gateways=[SeedGateway(id=GATEWAY, tdsp="Wires")])
    await settle(database, SystemClock().now(), world)
    async with database.reading() as connection:
        tdsp = await connection.scalar(select(companies.c.id).where(companies.c.name == "Wires"))
    for start in range(0, count, AT_ONCE):
        some = range(start, min(start + AT_ONCE, count))

        async def job(connection: AsyncConnection, some: range = some) -> None:
            for table, rows in _rows(some, tdsp or 0):
                await connection.execute(insert(table), rows)

        await database.write(job)
    if database.dialect == "postgresql":
        await database.write(lambda connection: connection.execute(text("analyze")))  # as autovacuum does
    await database.close()


def _rows(some: range, tdsp: int) -> list[tuple[Table, list[dict[str, object]]]]:
    owner = [0 if n < LISTED else 1 + n % (COMPANIES - 1) for n in some]
    places = [
        {"esi_id": esi_id(n), "tdsp_id": tdsp, "house_number": str(n % HOUSES + 1), "street_name": street(n),
         "city": "Austin", "state": "TX", "zip": "78701", "status": "A", "time_zone": "America/Chicago"}
        for n in some
    ]  # fmt: skip
    spans = [{"esi_id": esi_id(n), "duns": duns(who), "from_at": BEGAN} for n, who in zip(some, owner, strict=True)]
    walls = [
        {"number": MeterNumber(f"M{n:08}"), "esi_id": esi_id(n), "gateway": GATEWAY, "installed_at": BEGAN,
         "provisioned_at": BEGAN}
        for n in some
    ]  # fmt: skip
    return [(premises, places), (rep_spans, spans), (meters, walls)]


async def serve(url: str, intervals_url: str) -> None:
    """Be the portal, until killed."""
    clock, dice = SystemClock(), SystemDice()
    database, intervals = Database.open(url), Database.open(intervals_url)
    store = await SqlIntervalStore.opened(intervals)
    yesterday = central_date(clock.now()) - timedelta(days=1)
    await reported(store, yesterday)
    registers = RegisterStore(intervals)
    bus = MemoryBus(MemoryBroker(clock, dice), None, clock, dice)
    settings = PortalSettings(preset=Preset.SMT)
    portal = Portal.over(database, bus, clock, dice, settings, intervals=store, registers=registers)
    await _serve(full_app(portal, store, registers))


async def reported(store: SqlIntervalStore, day: date) -> None:
    """Give the first thousand meters a day of intervals."""
    known = [
        MeterDay(
            esi_id=esi_id(number), day=day, channel=Channel.CONSUMPTION, revised_at=None,
            values=tuple(range(number % 7, number % 7 + 96)), estimated=(False,) * 96,
        )
        for number in range(REPORTED)
    ]  # fmt: skip
    source = SourceFile(name="yesterday", sha256="yesterday", received_at=SystemClock().now())
    await store.load(source, lambda: iter(known))


async def serve_bare() -> None:
    """Be a FastAPI application with one endpoint that returns the shape of a meter, until killed."""
    app = FastAPI()

    @app.get("/meter")
    async def meter() -> dict[str, str]:
        return {"esi_id": esi_id(0), "number": "M00000000", "service_address": "0 Oak 0", "city": "Austin"}

    await _serve(app)


async def _serve(app: FastAPI) -> None:
    place = listen("127.0.0.1", 0)
    server = http_server(app)
    serving = asyncio.create_task(server.serve([place]))
    await server.listening.wait()
    say(str(place.getsockname()[1]))
    await serving


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as the bytes that travel."""

    port: int
    path: str
    headers: Mapping[str, str]

    def wire(self) -> bytes:
        """The request in HTTP/1.1."""
        lines = [f"GET {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()


async def rate(asked: Asked) -> float:
    """Answers a second over connections that stay open. Every answer must be a 200."""
    end = time.perf_counter() + ROUND_S

    async def ask() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", asked.port, limit=1 << 20)
        wire, count = asked.wire(), 0
        while time.perf_counter() < end:
            writer.write(wire)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head[:200]
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            if lengths:
                await reader.readexactly(int(lengths[0].split(b":")[1]))
            else:
                await reader.readuntil(b"\r\n0\r\n\r\n")
            count += 1
        writer.close()
        return count

    began = time.perf_counter()
    counts = await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return sum(counts) / (time.perf_counter() - began)


async def signed_in(port: int, user_id: str) -> tuple[dict[str, str], dict[str, str]]:
    """The headers of a program and of a browser that are signed in."""
    who = {"user_id": user_id, "password": WORD}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        token = (await client.post("/api/v1/sessions", json=who)).raise_for_status().json()["token"]
        await client.post("/login", data=who)
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return {"Authorization": f"Bearer {token}"}, {"Cookie": cookie, "Accept": "text/html"}


async def compared(name: str, bare_port: int, port: int, count: int) -> None:
    """The ratios on one database, each request in turns with the bare endpoint."""
    program, browser = await signed_in(port, "reader.0")
    _, other = await signed_in(port, "reader.1")
    far = next(n for n in range(REPORTED - 1, 0, -1) if 1 + n % (COMPANIES - 1) == 1)
    yesterday = central_date(SystemClock().now()) - timedelta(days=1)
    span = f"start={yesterday}&end={yesterday}"
    ways = {
        "one meter, JSON": (Asked(port, f"/api/v1/meters/{esi_id(0)}", program), 0.20),
        "one day, JSON": (Asked(port, f"/api/v1/meters/{esi_id(0)}/usage?{span}", program), None),
        "one meter, page": (Asked(port, f"/usage/meters/{esi_id(0)}", browser), 0.12),
        "one meter of many, page": (Asked(port, f"/usage/meters/{esi_id(far)}", other), 0.12),
        "list of 25, page": (Asked(port, "/usage/meters", browser), 0.12),
        "search among many, page": (Asked(port, f"/usage/meters?by=esi_id&value={esi_id(far)}", other), None),
    }
    bare = Asked(bare_port, "/meter", {})
    for what, (asked, wanted) in ways.items():
        await rate(asked)
        rates = [(await rate(asked), await rate(bare)) for _ in range(ROUNDS)]
        ratios = [own / plain for own, plain in rates]
        own = statistics.median(each for each, _ in rates)
        shown = f"{name}: {what}, {own:,.0f}/s, {min(ratios):.2f} to {max(ratios):.2f}"
        if wanted is None:
            say(f"{shown:76} {statistics.median(ratios):8.2f} of bare")
        else:
            goal(f"{shown:76}", statistics.median(ratios), wanted)


async def on(name: str, url: str, folder: Path, count: int) -> None:
    """Build one market, serve it, and compare."""
    await built(url, count)
    async with (
        another("bare", script=__file__, limit_s=LIMIT_S) as bare_port,
        another("serve", url, f"sqlite:///{folder}/{name}.db", script=__file__, limit_s=LIMIT_S) as port,
    ):
        await compared(name, int(bare_port), int(port), count)


def main(count: int) -> None:
    """Both databases, one after the other."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        asyncio.run(on("SQLite", f"sqlite:///{folder}/market.db", folder, count))
        if binaries():
            server = stack.enter_context(PrivatePostgres.started())
            asyncio.run(on("PostgreSQL", stack.enter_context(server.fresh_database()), folder, count))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["bare"]:
            asyncio.run(serve_bare())
        case ["serve", url, intervals]:
            asyncio.run(serve(url, intervals))
        case words:
            main(int(words[0]) if words else 100_000)
