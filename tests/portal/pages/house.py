"""The real portal for the tests of its pages: the real application, with the test as its gateways."""

import asyncio
import html
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx
from fastapi import FastAPI
from sqlalchemy import select

from gateway.clock import Clock
from gateway.database import Database
from gateway.dice import SeededDice
from gateway.identifiers import GatewayId
from gateway.messages import RequestRead
from portal.accounts.presets import Preset
from portal.app import full_app
from portal.context import Portal
from portal.files.settings import FilesSettings
from portal.reads.desk import ReadDesk
from portal.reads.status import is_open
from portal.reads.tables import reads
from portal.seed import SeedWorld
from portal.settings import PortalSettings
from portal.usage.intervals import MeterDay
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import SourceFile
from portal.vee.explain import Explainer
from portal.vee.overview import Overview
from tests.portal.wire import Answers, WireBus
from tests.portal.world import CHEAP, PASSWORD, WORLD, settle

HOST = "http://portal.test"
HTML = {"Accept": "text/html,application/xhtml+xml"}
CSRF = re.compile(r'name="csrf" value="([^"]+)"')
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
FAULT = re.compile(r'<li><a href="#([a-z_0-9-]+)">([^<]+)</a></li>')


@dataclass(frozen=True, slots=True)
class House:
    """A running portal: its application, its database and the wire on which the test answers as a gateway."""

    app: FastAPI
    database: Database
    desk: ReadDesk
    intervals: SqlIntervalStore
    ledger: Database
    bus: WireBus
    clock: Clock
    registers: RegisterStore
    files: Path

    def answers(self, gateway: str = "gw-1") -> Answers:
        """A gateway's side of the conversation."""
        return Answers(GatewayId(gateway), self.clock)  # type: ignore[arg-type]  # it only asks for now()

    def requests(self) -> list[RequestRead]:
        """What was sent to gateways and not taken yet; takes it."""
        sent = []
        while not self.bus.published.empty():
            sent.append(self.bus.published.get_nowait()[1])
        return [message for message in sent if isinstance(message, RequestRead)]

    async def report(self, *days: MeterDay) -> None:
        """Let a TDSP report meter-days."""
        name = f"{days[0].day}-{days[0].esi_id}"
        source = SourceFile(name=name, sha256=sha256(name.encode()).hexdigest(), received_at=self.clock.now())
        await self.intervals.load(source, lambda: iter(days))

    async def settled(self) -> None:
        """Wait until every read that was asked for has ended."""
        async with self.database.reading() as connection:
            read_ids = list(await connection.scalars(select(reads.c.id)))
        for read_id in read_ids:
            ended = await self.desk.wait(read_id, 10)
            assert ended is not None
            assert not is_open(ended.status)

    def client(self, *, raise_app_exceptions: bool = True) -> "Browser":
        """A browser of its own, not signed in."""
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=raise_app_exceptions)
        return Browser(httpx.AsyncClient(transport=transport, base_url=HOST, headers=HTML))


class Browser:
    """What a browser without JavaScript does: keeps cookies, follows redirects, sends a form's hidden token."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.http = client

    async def sign_in(self, user_id: str, password: str = PASSWORD) -> httpx.Response:
        """Fill in the form of the start page."""
        fields = {"user_id": user_id, "password": password}
        return await self.http.post("/login", data=fields, follow_redirects=True)

    async def get(self, path: str) -> httpx.Response:
        """A page, after redirects."""
        return await self.http.get(path, follow_redirects=True)

    async def send(
        self,
        page: httpx.Response,
        action: str,
        fields: Mapping[str, str | Sequence[str]],
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
    ) -> httpx.Response:
        """Send the form of a page, with the hidden fields that it has; files by their field's name."""
        start = page.text.find(f'action="{action}"')
        assert start >= 0, f"no form for {action} on {page.url}"
        hidden = HIDDEN.findall(page.text[start : page.text.index("</form>", start)])
        data = {name: html.unescape(value) for name, value in hidden} | dict(fields)
        return await self.http.post(action, data=data, files=files, follow_redirects=True)

    async def push(self, page: str, action: str, chosen: Sequence[int]) -> httpx.Response:
        """Tick some rows of a list and push the button that changes them at once."""
        shown = await self.get(page)
        button = re.search(rf'formaction="{action}" name="csrf" value="([^"]+)"', shown.text)
        assert button is not None, f"no button for {action} on {shown.url}"
        ticked = {"chosen": [str(each) for each in chosen], "csrf": button[1]}
        return await self.http.post(action, data=ticked, follow_redirects=True)

    async def press(self, page: str, action: str) -> httpx.Response:
        """Press the button of a form on a page."""
        token = CSRF.search((await self.get(page)).text)
        return await self.http.post(action, data={"csrf": token[1] if token else ""}, follow_redirects=True)


def faults_of(page: httpx.Response) -> dict[str, str]:
    """What the summary of a page says is wrong, by the field that it leads to."""
    return {name: html.unescape(words) for name, words in FAULT.findall(page.text)}


@asynccontextmanager
async def open_house(
    folder: Path, clock: Clock, world: SeedWorld = WORLD, preset: Preset = Preset.SMT
) -> AsyncIterator[House]:
    """A portal on SQLite with a world in it, its desk running; the test takes from its bus and answers."""
    database = Database.open(f"sqlite:///{folder}/portal.db")
    await settle(database, clock.now(), world)
    bus = WireBus()
    files = folder / "files"
    settings = PortalSettings(help_desk="help@example.com", preset=preset, files=FilesSettings(folder=files))
    intervals_database = Database.open(f"sqlite:///{folder}/intervals.db")
    store = await SqlIntervalStore.opened(intervals_database)
    registers = RegisterStore(intervals_database)
    portal = Portal.over(
        database,
        bus,
        clock,
        SeededDice(7),
        settings,
        passwords=CHEAP,
        intervals=store,
        registers=registers,
        overview=Overview(intervals_database),
        explainer=Explainer(database, intervals_database, store, clock, settings.vee),
    )
    running = [
        asyncio.create_task(portal.desk.run()),
        asyncio.create_task(bus.run(portal.desk.handle, portal.desk.greet)),
    ]
    app = full_app(portal, store, registers)
    yield House(app, database, portal.desk, store, intervals_database, bus, clock, registers, files)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await intervals_database.close()
    await database.close()
