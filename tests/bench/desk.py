"""Every page that a desk leads to, with half a million meters and a hundred companies: the server's time for each.

    python tests/bench/desk.py [meters]

A retailer with 25 meters, one with a hundredth of all, one with a third of them, and the TDSP of all. Pages are found
by following links from where each lands, a few of every kind, with the searches and sortings that no link spells out.
Asked in the server's own process, one after the other, the best of three; on SQLite and, where it is installed,
PostgreSQL. Builds for some three minutes with 500,000 meters.
"""

import asyncio
import re
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urljoin, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import httpx
from sqlalchemy import select, update

from gateway.clock import SystemClock, central_date
from gateway.database import Database
from gateway.dice import SystemDice
from mqtt.memory import MemoryBroker, MemoryBus
from portal.accounts.presets import Preset
from portal.app import full_app
from portal.context import Portal
from portal.market.tables import rep_spans
from portal.settings import PortalSettings
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from tests.bench._verdicts import goal
from tests.bench.echo import say
from tests.bench.pages import WORD, built, duns, esi_id, reported, street
from tests.postgres import PrivatePostgres, binaries

HOST = "http://portal"
GOAL_MS = 100.0
OF_A_KIND = 3
"""Pages asked for of those that differ in numbers and values only."""
MOST_PAGES = 150
SLOWEST = 5
ROUNDS = 3
LINK = re.compile(r'href="(/(?!static/|logout|api/)[^"#]*)')
SIGNED_IN = {"reader.0": "25 meters", "reader.1": "a hundredth", "reader.2": "a third", "wires.1": "the TDSP"}


def starts(number: int) -> list[str]:
    """Where somebody lands, a meter of his, and what is typed: whole values, wildcards, parts, sortings."""
    meter, walls = str(esi_id(number)), f"M{number:08}"
    patterns = (
        [f"{meter[:-3]}*", f"*{meter[-3:]}", f"{meter[:3]}*{meter[-2:]}"],
        [f"{walls[:3]}*", f"*{walls[-4:]}", "*77"],
    )
    asked = [("esi_id", each) for each in (meter, *patterns[0])] + [("number", each) for each in (walls, *patterns[1])]
    typed = [f"?by={by}&value={value}" for by, value in asked]
    sorted_by = [f"?sort={way}{name}" for name in ("esi_id", "number", "address", "city", "zip") for way in ("", "-")]
    quick = [meter[-6:], walls, street(number), f"7 {street(number)[:4]}", meter[:9]]
    return [
        "/",
        f"/usage/meters/{meter}",
        *(f"{desk}{query}" for desk in ("/usage/meters", "/account/meters") for query in (*typed, *sorted_by)),
        *(f"{desk}?show={show}" for desk in ("/usage/meters", "/account/meters") for show in ("500", "all")),
        *(f"/api/v1/meters/search?q={words.replace(' ', '+')}" for words in quick),
    ]


def kind_of(path: str) -> str:
    """A page's address with whatever tells one from another of its kind left out."""
    parts = urlsplit(path)
    names = ",".join(sorted(each.partition("=")[0] for each in parts.query.split("&") if each))
    return f"{re.sub(r'[0-9-]{2,}|[0-9]+', '#', parts.path)}?{names}"


async def asked(client: httpx.AsyncClient, path: str) -> tuple[float, httpx.Response]:
    """The least ms that a page took."""
    least = 1e9
    for _ in range(ROUNDS):
        began = time.perf_counter()
        page = await client.get(path)
        least = min(least, time.perf_counter() - began)
    return least * 1e3, page


async def walked(client: httpx.AsyncClient, number: int) -> list[tuple[float, str]]:
    """The pages that somebody comes to, each with its ms."""
    told, seen, kinds = list[tuple[float, str]](), set[str](), Counter[str]()
    typed = starts(number)
    waiting = list(reversed(typed))
    while waiting and len(told) < MOST_PAGES:
        path = waiting.pop()
        if path in seen or (path not in typed and kinds[kind_of(path)] >= OF_A_KIND):
            continue
        seen.add(path)
        kinds[kind_of(path)] += 1
        took, page = await asked(client, path)
        assert page.status_code in (200, 303, 400, 404), (path, page.status_code)
        told.append((took, path))
        if page.headers.get("content-type", "").startswith("text/html"):
            found = (urljoin(path, link.replace("&amp;", "&")) for link in LINK.findall(page.text))
            waiting += [link for link in found if not re.search(r"\.(csv|xlsx|json|xml|lse|parquet)\b|format=", link)]
    return told


async def on(name: str, url: str, folder: Path, count: int) -> None:
    """Build one market and walk through it as each."""
    began = time.perf_counter()
    await built(url, count)
    clock, dice = SystemClock(), SystemDice()
    database, intervals = Database.open(url), Database.open(f"sqlite:///{folder}/{name}.db")
    third = select(rep_spans.c.esi_id).where(rep_spans.c.duns.in_([duns(each) for each in range(3, 3 + 33)]))
    theirs = update(rep_spans).where(rep_spans.c.esi_id.in_(third)).values(duns=duns(2))
    await database.write(lambda connection: connection.execute(theirs))
    store = await SqlIntervalStore.opened(intervals)
    await reported(store, central_date(clock.now()) - timedelta(days=1))
    bus = MemoryBus(MemoryBroker(clock, dice), None, clock, dice)
    registers = RegisterStore(intervals)
    settings = replace(PortalSettings(), preset=Preset.SMT)
    portal = Portal.over(database, bus, clock, dice, settings, intervals=store, registers=registers)
    transport = httpx.ASGITransport(app=full_app(portal, store, registers))
    say(f"{name}: {count:,} meters built in {time.perf_counter() - began:.0f} s")
    for number, (user_id, what) in zip((0, 99, 100, 0), SIGNED_IN.items(), strict=True):
        async with httpx.AsyncClient(transport=transport, base_url=HOST, headers={"Accept": "text/html"}) as client:
            await client.post("/login", data={"user_id": user_id, "password": WORD}, headers={"Origin": HOST})
            told = sorted(await walked(client, number), reverse=True)
        goal(f"{name}: {what}: slowest of {len(told)} pages, ms", told[0][0], GOAL_MS, most=True)
        for took, path in told[:SLOWEST]:
            say(f"    {took:7.1f} ms  {path}")
    await database.close()
    await intervals.close()


def main(count: int) -> None:
    """Both databases, one after the other."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        asyncio.run(on("SQLite", f"sqlite:///{folder}/market.db", folder, count))
        if binaries():
            server = stack.enter_context(PrivatePostgres.started())
            asyncio.run(on("PostgreSQL", stack.enter_context(server.fresh_database()), folder, count))


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 500_000)
