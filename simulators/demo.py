"""`metergate demo`: the whole system on this machine, as real processes under one supervisor."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import config
from gateway.clock import SystemClock, central_date, central_midnight
from gateway.command_line import ConfigName, Over, stop_on_signals
from gateway.config import Config, settings
from gateway.database import Database
from gateway.dice import SeededDice, SystemDice
from gateway.identifiers import GatewayId
from portal.accounts.passwords import Passwords
from portal.commands.client import HERE
from portal.files import credentials
from portal.opening import open_database
from portal.seed import seed
from portal.settings import PortalSettings
from portal.smt.certificates import ensure_certificates
from simulators.demo_world import (
    BLUEBONNET,
    BLUEBONNET_METERS,
    FILES_USER,
    PEOPLE,
    Reach,
    files_password,
    passwords,
    world,
)
from simulators.home_devices import home_device
from simulators.lab import assignments_csv
from simulators.modbus.street import assignments
from simulators.processes import Child, DidNotStart, keep_running, metergate
from simulators.register_csv import RegisterDay, noted, write_daily, write_monthly
from simulators.smt_csv import history, write
from simulators.street import street

LOAD_TIMEOUT_S = 600.0
MODBUS_CONFIG = "demo-modbus.toml"
"""The configuration of the second gateway, which serves a line of Modbus meters."""


@settings
class DemoSettings:
    """What the demo is made of."""

    meters: Annotated[int, Field(description="Simulated ZigBee meters on the street.", ge=1)] = 64
    devices: Annotated[int, Field(description="Home-area devices in each home, not joined yet.", ge=0, le=61)] = 5
    modbus_meters: Annotated[int, Field(description="Simulated Modbus meters after them.", ge=1, le=247)] = 8
    modbus_profile: Annotated[str, Field(description="Which kind of meter these are: a profile.")] = "eastron-sdm630"
    seed: Annotated[int, Field(description="The seed of the street.", ge=0)] = 7
    months: Annotated[int, Field(description="Months of 15-minute intervals to load.", ge=0)] = 13
    radio_port: Annotated[int, Field(description="TCP port of the simulated co-processor.")] = 17001
    control_port: Annotated[int, Field(description="TCP port for faults and counts.")] = 17002
    modbus_port: Annotated[int, Field(description="TCP port of the line of Modbus meters.")] = 17003


def command(
    config_: ConfigName = "demo.toml",
    over: Over = None,
) -> None:
    """Broker, simulated meters, gateway and portal on this machine, with a year of data, until Ctrl-C."""
    configuration = config.load(config_, over or ())
    asyncio.run(Demo(configuration, ["--config", config_, *(f"--set={line}" for line in over or ())]).run())


class Demo:
    """One run of the demo over its data folder; what is there already is kept."""

    def __init__(self, configuration: Config, options: Sequence[str]) -> None:
        self.config = configuration
        self.settings = configuration.section("demo", DemoSettings)
        self.portal = configuration.section("portal", PortalSettings)
        self.data = configuration.data
        page = f"http://{self.portal.host}:{self.portal.port}"
        if "address" not in configuration.table("portal"):  # so that links in mail lead here, whatever port was set
            options = [*options, f"--set=portal.address={page}"]
        self.page, self.options = page, options
        self.clock, self.dice = SystemClock(), SystemDice()
        self.console = Console(highlight=False, soft_wrap=True)
        made = self.settings
        over = [
            f"data={self.data}",
            f"bus.port={configuration.table('bus')['port']}",
            f"drivers.modbus.link=tcp://127.0.0.1:{made.modbus_port}",
        ]
        self.modbus = config.load(MODBUS_CONFIG, over)
        self.street = street(made.seed, made.meters)
        self.modbus_street = street(made.seed, made.modbus_meters, made.meters)
        self.children = {
            name: Child(name, metergate(*words), self.data / f"{name}.log")
            for name, words in {
                "broker": ["broker", *options],
                "meters": ["lab", "ncp", *self._lab_options()],
                "modbus-meters": ["lab", "modbus", *self._modbus_lab_options()],
                "portal": ["portal", *options],
                "reports": ["reports", *options],
                "files": ["files", *options],
                "ledger": ["vee", "watch", *options],
                "gateway": ["gateway", *options],
                "modbus-gateway": ["gateway", "--config", MODBUS_CONFIG, *(f"--set={line}" for line in over)],
            }.items()
        }

    async def run(self) -> None:
        """Set everything up, say where it is, and stay until SIGINT or SIGTERM."""
        stop = asyncio.Event()
        stop_on_signals(stop)
        async with AsyncExitStack() as stack:
            for child in self.children.values():
                stack.push_async_callback(child.stop)
            life = asyncio.create_task(self._start())
            await asyncio.wait([life, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
            if not life.done():
                life.cancel()
                await asyncio.gather(life, return_exceptions=True)
                return
            life.result()
            self._say_where()
            keepers = [asyncio.create_task(keep_running(child)) for child in self.children.values()]
            await stop.wait()
            for keeper in keepers:
                keeper.cancel()
            self.console.print("stopping ...")

    async def _start(self) -> None:
        await self._step("passwords, certificates and assignments", self._prepare)
        [files, *_] = await asyncio.gather(
            self._files(),
            self._step("broker", self.children["broker"].start),
            self._step(f"{self.settings.meters} simulated meters", self.children["meters"].start),
            self._step(f"{self.settings.modbus_meters} Modbus meters", self.children["modbus-meters"].start),
            self._step("companies, people and meters in the portal", self._seed),
        )
        months = f"{self.settings.months} months of intervals and register reads"
        await asyncio.gather(
            self._step("portal", self.children["portal"].start),
            self._step("report orders", self.children["reports"].start),
            self._step("gateway and its radio", self._start_gateway, "gateway", "zigbee"),
            self._step("gateway and its Modbus line", self._start_gateway, "modbus-gateway", "modbus"),
            *([self._step(months, self._load, files)] if files else []),
        )
        # Only now, so that the days' files and the ledger find their data.
        await asyncio.gather(
            self._step("folders over FTPS and SFTP", self.children["files"].start),
            self._step("ledger of intervals", self.children["ledger"].start),
        )

    async def _step(self, what: str, work: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
        """Do one thing and tick it off with its time."""
        began = self.clock.monotonic()
        try:
            await work(*arguments)
        except DidNotStart as trouble:
            self.console.print(f"[red]✗[/] {what}")
            raise DidNotStart(f"{trouble}\nThe logs are in {self.data}; ports can be changed with --set.") from None
        self.console.print(f"[green]✓[/] {what} [dim]{self.clock.monotonic() - began:.1f} s[/]")

    async def _prepare(self) -> None:
        safe = self.data / "secrets"
        safe.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in self.config.table("broker.users"):
            if not (path := safe / name).exists():
                new = path.with_suffix(".new")
                new.touch(mode=0o600)
                new.write_text(self.dice.secret(24).hex(), encoding="utf-8")
                new.replace(path)
        vault_key = safe / "vault.key"
        if not vault_key.exists():
            vault_key.touch(mode=0o600)
            vault_key.write_text(self.dice.secret(32).hex(), encoding="utf-8")
        ensure_certificates(self.data / "tls", self.clock.now())
        meters = Path(self.config.table("gateway")["assignments"])
        meters.write_text(assignments_csv(self.settings.seed, self.settings.meters), encoding="utf-8")
        modbus_meters = Path(self.modbus.table("gateway")["assignments"])
        modbus_meters.write_text(assignments(self.modbus_street, self.settings.modbus_profile), encoding="utf-8")

    async def _seed(self) -> None:
        database: Database = await open_database(self.portal)
        now = self.clock.now()
        people = passwords(self.data / "secrets" / "people.json", self.dice)
        radio, line = (GatewayId(each.table("gateway")["id"]) for each in (self.config, self.modbus))
        reaches = [
            Reach(gateway=radio, premises=self.street, bluebonnet=BLUEBONNET_METERS),
            Reach(gateway=line, premises=self.modbus_street, bluebonnet=1),
        ]
        start = world(reaches, people, now)
        hasher = Passwords(self.dice)
        await database.write(lambda connection: seed(connection, start, hasher, now))
        kept = await hasher.hash(files_password(self.data / "secrets" / "files", self.dice))

        async def let_in(connection: AsyncConnection) -> None:
            company_id = await credentials.company_named(connection, BLUEBONNET)
            await credentials.set_password(connection, company_id, FILES_USER, kept, now)

        await database.write(let_in)
        await database.close()

    async def _start_gateway(self, name: str, driver: str) -> None:
        await self.children[name].start()
        await self.children[name].said(f"driver {driver} is up")

    async def _files(self) -> Sequence[Path]:
        """The generated files of the demo's months: intervals, daily reads, billing periods; none if they were loaded.

        The last day of meters that keep a log is not in the first: that comes from themselves.
        """
        if self.settings.months == 0 or (self.data / "intervals.loaded").exists():
            return []
        last = central_date(self.clock.now()) - timedelta(days=1)
        first = (last - timedelta(days=round(self.settings.months * 30.44))).replace(day=1)
        files = [self.data / name for name in ("IntervalData.csv", "DailyData.csv", "MonthlyData.csv")]
        loop = asyncio.get_running_loop()
        days = chain(history(self.street, first, last - timedelta(days=1)), history(self.modbus_street, first, last))
        chance = SeededDice(self.settings.seed).stream("interval file")
        begins = central_midnight(first)

        def made() -> None:
            reads: list[RegisterDay] = []
            everybody = (*self.street, *self.modbus_street)
            starts = {premise.esi_id: premise.load.delivered_wh(begins) for premise in everybody}
            write(files[0], noted(days, starts, reads), chance, self.clock.now())
            write_daily(files[1], reads)
            write_monthly(files[2], reads)

        await loop.run_in_executor(None, made)
        return files

    async def _load(self, files: Sequence[Path]) -> None:
        loader = Child("load", metergate("load", *map(str, files), *self.options), self.data / "load.log")
        await loader.run(LOAD_TIMEOUT_S)
        (self.data / "intervals.loaded").touch()
        for path in files:
            path.unlink()

    def _lab_options(self) -> list[str]:
        made = self.settings
        return [
            f"--meters={made.meters}", f"--seed={made.seed}", f"--port={made.radio_port}",
            f"--control-port={made.control_port}", f"--state={self.data / 'coprocessor.json'}",
            f"--devices={made.devices}", f"--certificates={self.data / 'certificates'}",
        ]  # fmt: skip

    def _modbus_lab_options(self) -> list[str]:
        made = self.settings
        return [
            f"--profile={made.modbus_profile}", f"--units={made.modbus_meters}", f"--seed={made.seed}",
            f"--first={made.meters}", f"--port={made.modbus_port}",
        ]  # fmt: skip

    def _say_where(self) -> None:
        people = json.loads((self.data / "secrets" / "people.json").read_text(encoding="utf-8"))
        page = self.page
        self.console.print(f"\n  [bold]{page}[/]   in a browser; sign in as")
        for person in PEOPLE:
            self.console.print(f"    {person.user_id:<11} {people[person.user_id]:<17} {person.what}")
        folder = f"{FILES_USER}@{self.portal.files.host}"
        secret = (self.data / "secrets" / "files").read_text(encoding="utf-8")
        self.console.print(f"    {FILES_USER:<11} {secret:<17} the folder of {BLUEBONNET} over FTPS and SFTP")
        self.console.print(
            f"\n  {page}/dev/mail   what the portal mails\n"
            f"  sftp -P {self.portal.files.sftp_port} {folder}   the daily LSE files; "
            f"FTPS is on port {self.portal.files.ftps_port}"
        )
        self.console.print(
            f"\n  https://{self.portal.host}:{self.portal.tls_port}  for clients of Smart Meter Texas; "
            f"trust {self.data}/tls/ca.pem\n"
            f"  metergate lab fault {self.street[3].meter} silent --port {self.settings.control_port}  "
            f"breaks that meter on purpose, none mends it\n{self._joining_words(page)}\n"
            "  Ctrl-C stops it; make demo again is quick and keeps the data; make demo-reset starts over.\n"
        )
        if not self.console.is_terminal:
            print(f"ready page={page}", flush=True)

    def _joining_words(self, page: str) -> str:
        """How to let the first home's display in: its label, the operator's command, and its switch."""
        if not self.settings.devices:
            return ""
        display = home_device(self.settings.seed, 0, 0, 0, self.street[0])
        there = "" if page == HERE else f" --portal {page}"
        port = f"--port {self.settings.control_port}"
        return (
            f"  metergate han join {display.premise.meter} {display.eui64} --user operator{there}  lets a display in; "
            f"its install code: metergate lab devices {display.eui64} {port}\n"
            f"  metergate lab join {display.eui64} {port}  switches it on meanwhile\n"
        )
