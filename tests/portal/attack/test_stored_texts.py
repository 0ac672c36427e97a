"""Every text in the database was written by somebody malicious, and every page is looked at: it stays text.

The pages are found as people find them, by following links from where a role lands, so that a new page is looked at
without being named here.
"""

import logging
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from sqlalchemy import String, Table, Text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.tables import accounts, sessions
from portal.companies.tables import companies, duns_numbers
from portal.market.tables import premises
from portal.meters.tables import meters
from tests.clock import HandClock
from tests.portal.pages.house import HOST, Browser, House, open_house
from tests.portal.people.stand import TEAM_WORLD
from tests.portal.world import esi

NASTY = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>=cmd|' /C calc'!A0"
WORDS: dict[Table, tuple[str, ...]] = {
    companies: ("name", "email", "address_1", "address_2", "city", "state", "zip", "country", "phone"),
    accounts: ("user_id", "email", "first_name", "middle_initial", "last_name", "suffix", "phone", "business_name"),
    duns_numbers: ("ercot_name",),
    premises: tuple(
        each.name
        for each in premises.c
        if type(each.type) in (String, Text) and each.name not in ("time_zone", "status")
    ),
    meters: tuple(each.name for each in meters.c if type(each.type) in (String, Text) and each.name != "status"),
    sessions: ("agent", "address"),
}
"""Columns whose texts people chose."""
MOST_PAGES = 120
LINK = re.compile(r"^/(?!static/|logout|api/)")
PEOPLE = ("rep.admin", "rep.user", "wires.admin", "ercot.admin", "coach.user", "maria.customer", "team.admin")


class Danger(HTMLParser):
    """Finds what no template of ours writes, and the links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if any(name.startswith("on") for name in named) or tag == "img":
            self.found.append(f"<{tag} {named}>")
        if tag == "script" and not (named.get("src") or "").startswith("/static/"):
            self.found.append(f"<{tag} {named}>")
        for name in ("href", "src", "action", "formaction"):
            target = named.get(name) or ""
            if urlsplit(target).scheme not in ("", "http", "https", "mailto", "tel"):
                self.found.append(f"{name}={target}")
        if tag == "a":
            self.links.append(named.get("href") or "")


@pytest.fixture
async def hostile(tmp_path: Path) -> AsyncIterator[House]:
    """The small world with an operating team, before somebody rewrites its texts."""
    async with open_house(tmp_path, HandClock(), TEAM_WORLD) as house:
        yield house


async def spoil(house: House) -> None:
    """Write the text into every column of words."""

    async def job(connection: AsyncConnection) -> None:
        for table, columns in WORDS.items():
            await connection.execute(update(table).values(dict.fromkeys(columns, NASTY)))

    await house.database.write(job)


async def crawl(browser: Browser) -> AsyncIterator[tuple[str, httpx.Response, Danger]]:
    """Every page that links lead to, from where somebody lands, and what is found on it."""
    seen, waiting = set[str](), ["/", f"/usage/meters/{esi(1)}"]
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        page = await browser.get(path)
        assert page.status_code in (200, 400, 404), (path, page.status_code)
        looked = Danger()
        if page.headers["content-type"].startswith("text/html"):
            looked.feed(page.text)
        for link in looked.links:
            target = urlsplit(urljoin(f"{HOST}{path}", link))
            if target.netloc == urlsplit(HOST).netloc and LINK.match(target.path):
                waiting.append(target.path + (f"?{target.query}" if target.query else ""))
        yield path, page, looked


@pytest.mark.parametrize("who", PEOPLE)
async def test_what_people_wrote_stays_text_on_every_page_that_links_lead_to(hostile: House, who: str) -> None:
    browser, shown = hostile.client(), 0
    assert (await browser.sign_in(who)).status_code == 200
    await spoil(hostile)
    async for path, page, looked in crawl(browser):
        assert all(ord(sign) >= 32 and "<script" not in value for value in page.headers.values() for sign in value)
        assert not looked.found, (path, looked.found)
        shown += "&lt;script&gt;" in page.text
    assert shown > 3, "the text was nowhere to be seen, so nothing was tried"


@pytest.mark.parametrize("who", PEOPLE)
async def test_the_help_that_a_page_leads_to_is_there(hostile: House, who: str) -> None:
    browser, wanted = hostile.client(), dict[str, str]()
    assert (await browser.sign_in(who)).status_code == 200
    async for path, _, looked in crawl(browser):
        wanted |= {urlsplit(link).fragment: path for link in looked.links if link.startswith("/help#")}
    there = (await browser.get("/help")).text
    assert {name: path for name, path in wanted.items() if f'id="{name}"' not in there} == {}
    assert len(wanted) > 2


async def test_what_finds_danger_finds_it() -> None:
    looked = Danger()
    looked.feed(f"<p>{NASTY}</p><a href='javascript:alert(1)'>x</a><b onclick='y'>z</b>")
    assert len(looked.found) == 4, looked.found


async def test_no_line_of_the_log_is_written_by_a_visitor(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    forged = "x\r\nCRITICAL metergate: forged"
    caplog.set_level(logging.DEBUG)
    async with open_house(tmp_path, HandClock(), TEAM_WORLD) as house:
        browser: Browser = house.client()
        for _ in range(6):
            await browser.http.post("/login", data={"user_id": forged, "password": forged})
        await browser.http.post("/api/v1/sessions", json={"user_id": forged, "password": forged})
        await browser.http.get("/usage/meters/x%0d%0aCRITICAL%20metergate:%20forged?find=%0d%0aforged")
        await browser.http.get("/", headers={"user-agent": "x forged"})
        await browser.http.post("/register", data=dict.fromkeys(("esi_id", "number", "email", "first_name"), forged))
    lines = [record.getMessage() for record in caplog.records]
    assert not [line for line in lines if "\n" in line or "\r" in line]
