"""`make demo-check`: the demo on free ports and empty data, driven like a person and like a program.

One line for each step with its time; exit code 1 at the first failure, with the ends of the processes' logs.
"""

import asyncio
import ftplib
import html
import json
import re
import socket
import ssl
import statistics
import sys
import tempfile
import tomllib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncssh
from aiohttp.abc import AbstractResolver, ResolveResult
from smart_meter_texas import Account, Client, Meter  # type: ignore[import-untyped]  # it ships no types

from gateway.clock import SystemClock, central_date
from gateway.config import find
from gateway.database import Database
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import StoredDay
from simulators.demo_world import FILES_USER
from simulators.processes import Child, metergate
from simulators.street import street
from tests.demo_devices import JOINS, Terminal, join_a_display, join_many, summary, tell_and_remove
from tests.servers import free_port

CLOCK = SystemClock()
READS = 50
MEDIAN_S = 0.5
DEMO_S = 180.0
COLLECTED_S = 60.0
SEED = 7


class Step:
    """Says what is being done and how long it took."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.note = ""

    async def __aenter__(self) -> "Step":
        self.began = CLOCK.monotonic()
        return self

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        mark = "✗" if kind else "✓"
        took_s = CLOCK.monotonic() - self.began
        sys.stdout.write(f"{mark} {self.what}{': ' if self.note else ''}{self.note} ({took_s:.1f} s)\n")
        sys.stdout.flush()


class ToLoopback(AbstractResolver):
    """Sends every host name to one port of this machine: the client keeps its own addresses."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Loopback, whatever was asked."""
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=self.port, family=socket.AF_INET, proto=0, flags=0
            )
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def demo(data: Path) -> AsyncIterator[dict[str, int]]:
    """The demo, running; yields its ports."""
    ports = {name: free_port() for name in ("bus.port", "portal.port", "portal.tls_port", "demo.radio_port")}
    ports |= {"broker.port": ports["bus.port"], "demo.control_port": free_port(), "demo.modbus_port": free_port()}
    ports |= {f"portal.{name}": free_port() for name in ("mail.mailbox_port", "files.ftps_port", "files.sftp_port")}
    radio = f"drivers.zigbee.radio=socket://127.0.0.1:{ports['demo.radio_port']}"
    over = [f"--set={key}={port}" for key, port in ports.items()] + [f"--set=data={data}", f"--set={radio}"]
    child = Child("demo", metergate("demo", *over))
    try:
        async with Step("the demo is up") as step:
            await child.start(DEMO_S)
            step.note = " ".join(line for line in child.lines if line.startswith("✓")).replace("✓", "").strip()
        yield ports
    except BaseException:
        for log in sorted(data.glob("*.log")):
            tail = "\n  ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
            sys.stdout.write(f"--- {log.name}\n  {tail}\n")
        raise
    finally:
        async with Step("the demo stops"):
            await child.stop(30)


async def as_a_person(port: int, user_id: str, password: str) -> None:
    """Sign in, find the meters, open one, press On Demand Read, and see the value."""
    page = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with Step("the page and its stylesheet"):
            first = await text(browser, "GET", page + "/")
            sheet = re.search(r'href="(/static/[^"]+\.css)"', first)
            assert sheet, "no stylesheet"
            assert "--paper" in await text(browser, "GET", page + sheet[1])
        async with Step(f"{user_id} signs in"):
            form = {**hidden(first), "user_id": user_id, "password": password}
            after = await text(browser, "POST", page + "/login", data=form)
            assert "Sign in</h1>" not in after, "not signed in"
        async with Step("the list of meters") as step:
            listed = await text(browser, "GET", page + "/usage/meters")
            found = re.findall(r'href="(/usage/meters/\d{17})"', listed)
            assert found, "no meters listed"
            step.note = f"{len(set(found))} meters"
        for what, path in (("a Modbus meter", found[-1]), ("a ZigBee meter", found[-2])):
            async with Step(f"On Demand Read of {what}, from the click to the value") as step:
                step.note, shown = await click(browser, page + path, what.split()[1].lower())
        async with Step("the second click is refused until the hour has passed"):
            assert re.search(r"<button[^>]*disabled", shown), "the button is not disabled"


async def click(browser: aiohttp.ClientSession, meter: str, driver: str) -> tuple[str, str]:
    """Press On Demand Read on a meter's page, and look at it until there is a value that came by that driver."""
    form = hidden(await text(browser, "GET", meter))
    await text(browser, "POST", f"{meter}/reads", data=form)
    value = None
    async with asyncio.timeout(30):
        while value is None:
            shown = await text(browser, "GET", meter)
            value = re.search(r"<dt>Delivered</dt><dd>([\d,]+\.\d{3})", shown)
    assert re.search(rf"<dt>Path</dt><dd>\s*{driver}", shown), f"the value did not come by {driver}"
    return f"{html.unescape(value[1])} kWh", shown


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in fields}


async def text(browser: aiohttp.ClientSession, method: str, url: str, **options: Any) -> str:
    """A page's text; anything but 200 at the end of its redirects is a failure."""
    async with browser.request(method, url, **options) as answer:
        body = await answer.text()
        assert answer.status == 200, f"{method} {url}: {answer.status} {body[:300]}"
        return body


async def the_meters_logs(intervals: Path) -> None:
    """Yesterday of a whole street is not in the file that was loaded: the meters' own logs bring it."""
    yesterday = central_date(CLOCK.now()) - timedelta(days=1)
    first, *_ = street(SEED, 1)
    async with Step("yesterday of a ZigBee meter comes from its own log") as step:
        database = Database.open(f"sqlite:///{intervals}")
        stored: Sequence[StoredDay] = ()
        try:
            async with asyncio.timeout(COLLECTED_S):
                while not stored:
                    await CLOCK.sleep(0.2)
                    stored = await SqlIntervalStore(database).current(first.esi_id, yesterday, yesterday)
        finally:
            await database.close()
        assert list(stored[0].data.values) == list(first.load.day(yesterday).delivered), stored
        step.note = f"{stored[0].data.total_wh / 1000:.3f} kWh"


async def as_a_smart_meter_texas_client(port: int, authority: Path, user_id: str, password: str) -> None:
    """The published smart-meter-texas 0.5.6, unmodified: only its network is led here."""
    trust = ssl.create_default_context(cafile=authority)
    connector = aiohttp.TCPConnector(resolver=ToLoopback(port))
    async with aiohttp.ClientSession(connector=connector) as session:
        account = Account(user_id, password)
        client = Client(session, account, trust)
        async with Step("smart-meter-texas 0.5.6 signs in"):
            await client.authenticate()
        async with Step("its meters") as step:
            [meter, *_] = await account.fetch_meters(client)
            assert isinstance(meter, Meter)
            step.note = f"{meter.esiid}, meter {meter.meter}, {meter.address}"
        async with Step("its 15-minute data of yesterday") as step:
            await meter.get_15min(client)
            consumption = meter.read_15min_consumption
            assert consumption is not None
            assert len(consumption) in (92, 96, 100), len(consumption)
            step.note = f"{len(consumption)} intervals, {sum(float(kwh) for _, kwh in consumption):.3f} kWh"
        async with Step("its on-demand read (15 s of it are its own pause)") as step:
            await meter.read_meter(client)
            step.note = f"{meter.reading:.3f} kWh at {meter.reading_datetime:%H:%M:%S} UTC"


async def as_an_operator(port: int, control_port: int, password: str) -> None:
    """A display joins its meter as the demo's last words say, is told things, and is removed again."""
    terminal = Terminal(
        portal=f"http://127.0.0.1:{port}", user="operator", password=password, control_port=control_port
    )
    async with Step("metergate han join, while metergate lab join switches a display on") as step:
        meter, device, step.note = await join_a_display(terminal)
    async with Step("price, text, ping and remove of the display") as step:
        step.note = await tell_and_remove(terminal, meter, device)


async def as_a_program(port: int, control_port: int, user_id: str, password: str) -> None:
    """50 reads of 50 meters over the API, and 20 joins, one after the other: the medians are promises."""
    api = f"http://127.0.0.1:{port}/api/v1"
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{api}/sessions", json={"user_id": user_id, "password": password}) as answer:
            assert answer.status == 201, await answer.text()
            session.headers["Authorization"] = f"Bearer {(await answer.json())['token']}"
        async with Step(f"{READS} reads of {READS} meters through the whole chain") as step:
            took_s = [await one_read(session, api, esi_id) async for esi_id in unread(session, api)]
            median_s = statistics.median(took_s)
            step.note = f"median {median_s * 1000:.0f} ms, slowest {max(took_s) * 1000:.0f} ms"
            assert len(took_s) == READS, len(took_s)
            assert median_s < MEDIAN_S, step.note
        async with Step(f"{JOINS} devices join {JOINS} meters, from the request to active") as step:
            step.note = summary(await join_many(session, api, control_port))


async def unread(session: aiohttp.ClientSession, api: str) -> AsyncIterator[str]:
    """ESI IDs of meters that nobody has read yet."""
    after, count = "", 0
    while count < READS:
        async with session.get(f"{api}/meters{after}") as answer:
            page = await answer.json()
        for meter in page["meters"]:
            async with session.get(f"{api}/meters/{meter['esi_id']}/reads") as answer:
                if not await answer.json() and count < READS:
                    count += 1
                    yield meter["esi_id"]
        if page["next_after"] is None:
            return
        after = f"?after={page['next_after']}"


async def one_read(session: aiohttp.ClientSession, api: str, esi_id: str) -> float:
    """Seconds from the request to the fresh value."""
    began = CLOCK.monotonic()
    async with session.post(f"{api}/meters/{esi_id}/reads") as answer:
        asked = await answer.json()
        assert answer.status == 202, asked
    read: dict[str, Any] = {"status": "queued"}
    while read["status"] not in ("done", "failed", "refused"):
        async with session.get(f"{api}/reads/{asked['id']}?wait=20&since={read['status']}") as answer:
            read = await answer.json()
    assert read["status"] == "done", read
    return CLOCK.monotonic() - began


async def as_a_retailers_program(ports: dict[str, int], data: Path) -> None:
    """Fetch the daily LSE files over FTPS and over SFTP; look into the mailbox."""
    secret = (data / "secrets" / "files").read_text(encoding="utf-8")
    async with Step("a day's LSE file over FTPS") as step:
        name, over_ftps = await asyncio.to_thread(_lse_over_ftps, ports["portal.files.ftps_port"], data, secret)
        assert over_ftps.startswith(b"00000001,"), over_ftps[:80]
        step.note = f"{name}, {len(over_ftps):,} bytes"
    async with Step("the same over SFTP"):
        connecting = asyncssh.connect(
            "127.0.0.1", ports["portal.files.sftp_port"], username=FILES_USER, password=secret, known_hosts=None,
            client_keys=None, config=None,
        )  # fmt: skip
        async with connecting as connection, connection.start_sftp_client() as client:
            await client.get(f"lse/{name}", data / "fetched.lse")
        assert (data / "fetched.lse").read_bytes() == over_ftps
    async with Step("the mailbox"), aiohttp.ClientSession() as browser:
        assert "<h1>Mailbox</h1>" in await text(browser, "GET", f"http://127.0.0.1:{ports['portal.port']}/dev/mail")


def _lse_over_ftps(port: int, data: Path, secret: str) -> tuple[str, bytes]:
    """The first of the folder's LSE files: its name and its bytes."""
    pieces: list[bytes] = []
    with ftplib.FTP_TLS(context=ssl.create_default_context(cafile=data / "tls" / "ca.pem"), timeout=20) as client:
        client.connect("127.0.0.1", port)
        client.login(FILES_USER, secret)
        client.prot_p()
        name = min(client.nlst("lse"))
        client.retrbinary(f"RETR lse/{name}", pieces.append)
    return name, b"".join(pieces)


async def main() -> None:
    """Every step, on data that is gone afterwards."""
    tomllib.loads(find("demo.toml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "demo"
        data.mkdir()
        async with demo(data) as ports:
            people = json.loads((data / "secrets" / "people.json").read_text(encoding="utf-8"))
            await as_a_person(ports["portal.port"], "dana", people["dana"])
            await the_meters_logs(data / "intervals.db")
            await as_a_smart_meter_texas_client(
                ports["portal.tls_port"], data / "tls" / "ca.pem", "pecan-lane", people["pecan-lane"]
            )
            await as_a_retailers_program(ports, data)
            control_port = ports["demo.control_port"]
            await as_an_operator(ports["portal.port"], control_port, people["operator"])
            await as_a_program(ports["portal.port"], control_port, "operator", people["operator"])


if __name__ == "__main__":
    asyncio.run(main())
