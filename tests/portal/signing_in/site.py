"""A portal whose pages are tried by people without JavaScript, on both databases, under either preset."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pyotp
from fastapi import FastAPI
from sqlalchemy import select, update

from gateway.dice import SeededDice
from portal.accounts.credentials import Credential, Credentials, give
from portal.accounts.passwords import Passwords
from portal.accounts.presets import Preset
from portal.accounts.tables import accounts, sessions
from portal.accounts.totp import STEP_S
from portal.audit.tables import audit
from portal.companies.tables import companies
from portal.context import Portal
from portal.mail.tables import letters
from tests.clock import HandClock
from tests.portal.world import PASSWORD

HOST = "https://portal.test"
HTML = {"Accept": "text/html,application/xhtml+xml"}
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
SECRET = re.compile(r'class="id secret">([A-Z2-7 ]+)<')
RECOVERY = re.compile(r'<li class="id">([a-z2-7]{5}-[a-z2-7]{5})</li>')
FAULT = re.compile(r'<li><a href="#([a-z_]+)">([^<]+)</a></li>')
OWN = "mauve otters recite algebra"
"""A password that every rule takes but the guide's length."""
SHORT = "Otter-42-Mauve"
"""One that the guide's rules take."""


class Counting(Passwords):
    """The real hashes, which cost little and are counted."""

    def __init__(self) -> None:
        super().__init__(SeededDice(1), memory_kib=64, passes=1)
        self.work = 0

    async def hash(self, password: str) -> str:
        """One piece of work."""
        self.work += 1
        return await super().hash(password)

    async def verify(self, kept: str | None, password: str) -> bool:
        """One piece of work."""
        self.work += 1
        return await super().verify(kept, password)


@dataclass(frozen=True, slots=True)
class Site:
    """A portal with its pages, and what the test looks at behind them."""

    app: FastAPI
    portal: Portal
    clock: HandClock
    work: Counting

    def person(self) -> "Person":
        """A browser of its own."""
        transport = httpx.ASGITransport(app=self.app)
        return Person(self, httpx.AsyncClient(transport=transport, base_url=HOST, headers=HTML))

    async def change(self, user_id: str, **values: Any) -> None:
        """Change an account's row."""
        change = update(accounts).where(accounts.c.user_key == user_id).values(**values)
        await self.portal.database.write(lambda connection: connection.execute(change))

    async def give(self, user_id: str) -> Credential:
        """Let an administrator send a new temporary password, or a link."""
        credential = await self.portal.credentials.make()
        account = await self.account(user_id)
        now = self.clock.now()
        await self.portal.database.write(lambda connection: give(connection, account.id, credential, now))
        return credential

    async def account(self, user_id: str) -> Any:
        """An account's row."""
        async with self.portal.database.reading() as connection:
            return (await connection.execute(select(accounts).where(accounts.c.user_key == user_id))).one()

    async def company(self, name: str) -> Any:
        """A company's row."""
        async with self.portal.database.reading() as connection:
            return (await connection.execute(select(companies).where(companies.c.name == name))).one()

    async def letters(self) -> list[Any]:
        """What was mailed, the oldest first."""
        async with self.portal.database.reading() as connection:
            return list((await connection.execute(select(letters).order_by(letters.c.id))).all())

    async def noted(self) -> list[tuple[str, str | None, str | None]]:
        """The audit log: action, status before and after."""
        async with self.portal.database.reading() as connection:
            rows = await connection.execute(select(audit).order_by(audit.c.number))
            return [(row.action, row.before, row.after) for row in rows]

    async def open_sessions(self) -> int:
        """How many sessions there are."""
        async with self.portal.database.reading() as connection:
            return len((await connection.execute(select(sessions))).all())


@dataclass(slots=True)
class Person:
    """A browser without JavaScript: keeps cookies, follows redirects, sends a page's hidden fields back."""

    site: Site
    http: httpx.AsyncClient
    page: httpx.Response = field(default_factory=lambda: httpx.Response(200))

    async def open(self, path: str) -> httpx.Response:
        """Go to a page."""
        self.page = await self.http.get(path, follow_redirects=True)
        return self.page

    async def send(self, action: str, fields: Mapping[str, str] | None = None) -> httpx.Response:
        """Send a form of the page that is open."""
        text = self.page.text
        start = text.find(f'action="{action}"')
        assert start >= 0, f"no form for {action} on {self.page.url}"
        hidden = dict(HIDDEN.findall(text[start : text.index("</form>", start)]))
        data = {name: html.unescape(value) for name, value in hidden.items()} | dict(fields or {})
        self.page = await self.http.post(action, data=data, follow_redirects=True)
        return self.page

    async def sign_in(self, user_id: str, password: str = PASSWORD) -> httpx.Response:
        """By the form of the start page."""
        await self.open("/")
        return await self.send("/login", {"user_id": user_id, "password": password})

    async def set_up_app(self, action: str) -> pyotp.TOTP:
        """Put the secret on the page into an app and confirm it; the page shows recovery codes then."""
        found = SECRET.search(self.page.text)
        assert found is not None, self.page.text
        app = pyotp.TOTP(found[1].replace(" ", ""))
        await self.send(action, {"code": self.code(app)})
        return app

    def code(self, app: pyotp.TOTP) -> str:
        """What the app shows now."""
        return app.generate_otp(int(self.site.clock.now().timestamp()) // STEP_S)

    @property
    def path(self) -> str:
        """Where the browser is."""
        return self.page.url.path

    @property
    def faults(self) -> dict[str, str]:
        """What the open page says is wrong, by field."""
        return {name: html.unescape(words) for name, words in FAULT.findall(self.page.text)}

    @property
    def secret(self) -> str:
        """The session's secret."""
        return self.http.cookies.get("__Host-metergate") or ""


def credentials_of(preset: Preset) -> Credentials:
    """A maker of credentials of another preset than the site's."""
    return Credentials(preset, Passwords(SeededDice(2), memory_kib=64, passes=1), SeededDice(3))
