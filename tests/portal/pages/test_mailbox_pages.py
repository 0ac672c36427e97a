"""The demonstration's mailbox as pages: for this machine only, and a letter can do nothing there."""

from collections.abc import AsyncIterator
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from fastapi import FastAPI
from playwright.async_api import expect

from portal.app import full_app
from portal.mail.mailbox import Mailbox
from portal.mail.settings import MailSettings
from portal.settings import PortalSettings
from portal.usage.registers import RegisterStore
from tests.portal.pages.house import HTML, House, open_house
from tests.portal.pages.real_browser import ShiftedClock, chromium, served

HOSTILE = (
    "<!doctype html><h1>Your report</h1><p><a href='/help'>Open it</a></p><script>document.title='owned'</script>"
    "<img src='https://elsewhere.example/pixel.png'><form action='/logout' method='post'><button>x</button></form>"
)


def letter(number: int = 1) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = f"<{number}@metergate.example>"
    message["From"] = "metergate <metergate@metergate.example>"
    message["To"] = "maria@home.example"
    message["Date"] = "Wed, 25 Nov 2026 10:00:00 -0600"
    message["Subject"] = "Order 17 <script> & more"
    message.set_content("It is ready: https://portal.example/orders/17\n<b>not bold</b>\n")
    message.add_alternative(HOSTILE, subtype="html")
    message.add_attachment(b"<script>alert(1)</script>", maintype="text", subtype="html", filename='us"age.html')
    return message.as_bytes()


def with_mailbox(house: House, mailbox: Path | None) -> FastAPI:
    """The house's application as it is with a mailbox."""
    settings = PortalSettings(mail=MailSettings(mailbox=mailbox))
    return full_app(replace(house.app.state.portal, settings=settings), house.intervals, RegisterStore(house.database))


@pytest.fixture
async def mailed(house: House, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A browser on this machine, and one letter."""
    Mailbox(tmp_path / "mailbox", 10).keep(letter())
    transport = httpx.ASGITransport(with_mailbox(house, tmp_path / "mailbox"), client=("127.0.0.1", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080", headers=HTML) as client:
        yield client


async def address_of_letter(client: httpx.AsyncClient) -> str:
    page = (await client.get("/dev/mail")).text
    return page.split('<td><a href="')[1].split('"')[0]


async def test_it_shows_letters_to_whoever_is_not_signed_in_on_this_machine(mailed: httpx.AsyncClient) -> None:
    page = await mailed.get("/dev/mail")
    assert page.status_code == 200
    assert "Order 17 &lt;script&gt; &amp; more" in page.text
    one = await mailed.get(await address_of_letter(mailed))
    assert "&lt;b&gt;not bold&lt;/b&gt;" in one.text
    assert 'href="https://portal.example/orders/17"' in one.text
    assert "us&#34;age" not in one.text
    assert "usage.html" in one.text


@pytest.mark.parametrize("client", ["10.0.0.7", "2001:db8::1", "testclient"])
async def test_nobody_elsewhere_sees_it(house: House, tmp_path: Path, client: str) -> None:
    Mailbox(tmp_path / "mailbox", 10).keep(letter())
    transport = httpx.ASGITransport(with_mailbox(house, tmp_path / "mailbox"), client=(client, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as elsewhere:
        for path in ("/dev/mail", "/dev/mail/x", "/dev/mail/x/html", "/dev/mail/x/files/0"):
            assert (await elsewhere.get(path)).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [{"host": "portal.example"}, {"host": "127.0.0.1.evil.example"}, {"x-forwarded-for": "10.0.0.7"},
     {"forwarded": "for=10.0.0.7"}, {"via": "1.1 proxy"}, {"host": ""}],
)  # fmt: skip
async def test_another_name_or_a_proxy_is_not_this_machine(mailed: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await mailed.get("/dev/mail")).status_code == 200
    assert (await mailed.get("/dev/mail", headers=headers)).status_code == 404


async def test_without_a_mailbox_in_the_configuration_there_is_no_such_page(house: House) -> None:
    transport = httpx.ASGITransport(with_mailbox(house, None), client=("127.0.0.1", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.get("/dev/mail")).status_code == 404


async def test_a_letters_html_and_files_are_served_as_somebody_elses(mailed: httpx.AsyncClient) -> None:
    one = await address_of_letter(mailed)
    html = await mailed.get(f"{one}/html")
    policy = html.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    file = await mailed.get(f"{one}/files/0")
    assert file.content == b"<script>alert(1)</script>"
    assert file.headers["content-disposition"] == "attachment; filename*=UTF-8''usage.html"
    assert file.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert (await mailed.get(f"{one}/files/1")).status_code == 404
    assert (await mailed.get(f"{one}/files/-1")).status_code == 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_it_is_usable_in_a_browser_and_a_letter_runs_nothing(tmp_path: Path, scheme: str, width: int) -> None:
    Mailbox(tmp_path / "mailbox", 10).keep(letter())
    kept_back: list[tuple[str, str | None]] = []
    async with open_house(tmp_path, ShiftedClock()) as plain:
        house = replace(plain, app=with_mailbox(plain, tmp_path / "mailbox"))
        async with served(house) as address, chromium() as browser:
            context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})  # type: ignore[arg-type]  # a word of the two
            context.on("requestfailed", lambda request: kept_back.append((request.url, request.failure)))
            page = await context.new_page()
            await page.goto(f"{address}/dev/mail")
            await page.screenshot(path=tmp_path / "list.png")
            assert (await Axe().run(page)).violations_count == 0
            await page.click("td a")
            frame = page.frame_locator("iframe")
            await expect(frame.locator("h1")).to_have_text("Your report")
            await page.screenshot(path=tmp_path / "letter.png", full_page=True)
            assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            assert await page.title() != "owned"
            async with context.expect_page() as opened:
                await frame.locator("a").click()
            await (await opened.value).wait_for_load_state()
            assert (await opened.value).url.startswith(address), "a letter's link opens a tab of its own"
            async with page.expect_download() as kept:
                await page.click("a[download]")
            assert (await kept.value).suggested_filename == "usage.html"
            await context.close()
    assert ("https://elsewhere.example/pixel.png", "csp") in kept_back, "the browser itself refused to fetch it"
