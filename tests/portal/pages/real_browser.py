"""A real browser before a real server: Chromium on a portal that listens on a free loopback port."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import uvicorn
from playwright.async_api import Browser, BrowserContext, async_playwright

from gateway.clock import SystemClock
from gateway.errors import FailureReason
from gateway.messages import ReadStage
from tests.portal.pages.house import House
from tests.portal.world import PASSWORD
from tests.servers import program

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


class ShiftedClock(SystemClock):
    """The machine's clock, moved by as much as a test says: an hour passes at once."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def now(self) -> datetime:
        """The shifted instant."""
        return super().now() + self.shift


class Meters:
    """A gateway whose meters answer at once, or when the test opens the gate, or fail for a reason."""

    def __init__(self, house: House) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails: FailureReason | None = None
        self._bus = house.bus
        self._answers = house.answers()

    async def run(self) -> None:
        """Answer what is asked, until cancelled."""
        while True:
            request = await self._bus.request()
            accepted_at = self._answers.clock.now()
            for stage in (ReadStage.ACCEPTED, ReadStage.ON_AIR):
                self._bus.arrive(self._answers.stage(request, stage))
            await self.gate.wait()
            failed = self.fails and self._answers.failed(request, self.fails)
            self._bus.arrive(failed or self._answers.done(request, accepted_at=accepted_at))


@asynccontextmanager
async def served(house: House) -> AsyncIterator[str]:
    """The house on a free loopback port, until the block ends; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(house.app, log_level="warning", lifespan="off", ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, started for this test."""
    path = program("chromium", "chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        await browser.close()


async def sign_in(context: BrowserContext, address: str, user_id: str) -> None:
    """Sign somebody in by the form, whoever was before."""
    await context.clear_cookies(name="metergate")
    page = await context.new_page()
    await page.goto(address)
    await page.fill("#user_id", user_id)
    await page.fill("#password", PASSWORD)
    await page.click("main button.main")
    await page.wait_for_url(lambda url: not url.endswith("/login"))
    await page.close()
