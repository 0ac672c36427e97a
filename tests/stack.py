"""The system as real processes on free ports, with what crash, race and benchmark runs need to look inside."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.identifiers import Duns, GatewayId
from portal.companies.kinds import Kind
from portal.market.spans import Span
from portal.seed import SeedAccount, SeedCompany, SeedDuns, SeedGateway, SeedMeter, SeedPremise, SeedWorld
from simulators.lab import assignments_csv
from simulators.processes import Child, metergate
from simulators.street import Premise, street
from tests.portal.world import settle
from tests.servers import Mosquitto, free_port, private_mosquitto

GATEWAY = GatewayId("gw-stack")
TDSP, REP = "Stack Wires", "Stack Power"
REP_DUNS = Duns("118802441")
PASSWORD = "stack password of the tests"
SEED = 11


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a stack is like. driver is zigbee (the whole chain to simulated radios) or desk (meters in the gateway)."""

    meters: int
    database: str | None = None
    portals: int = 1
    driver: str = "zigbee"
    latency_ms: float = 0.0
    settings: Sequence[str] = ()
    """Settings as on a command line, over what the stack writes."""


@dataclass(kw_only=True)
class Stack:
    """Running processes, where they listen, and their databases."""

    plan: Plan
    folder: Path
    broker: Mosquitto
    street: list[Premise]
    database_url: str
    control_port: int
    portal_ports: list[int]
    portals: list[Child] = field(default_factory=list)
    gateway: Child
    meters: Child | None

    @property
    def ledger(self) -> Path:
        """The desk driver's list of executed reads."""
        return self.folder / "ledger"

    def url(self, path: str, portal: int = 0) -> str:
        """A path at one of the portals."""
        return f"http://127.0.0.1:{self.portal_ports[portal]}{path}"

    async def token(self, session: aiohttp.ClientSession, user_id: str = "operator", portal: int = 0) -> str:
        """Sign in over HTTP."""
        body = {"user_id": user_id, "password": PASSWORD}
        async with session.post(self.url("/api/v1/sessions", portal), json=body) as answer:
            assert answer.status == 201, await answer.text()
            token: str = (await answer.json())["token"]
            return token

    async def executed(self) -> dict[str, int]:
        """How many reads each meter executed, by its own count."""
        if self.meters is None:
            lines = self.ledger.read_text(encoding="utf-8").split() if self.ledger.exists() else []
            return {meter: lines.count(meter) for meter in set(lines)}
        reader, writer = await asyncio.open_connection("127.0.0.1", self.control_port, limit=1 << 24)
        writer.write(b'{"stats": true}\n')
        counts: dict[str, Any] = json.loads(await reader.readline())
        writer.close()
        await writer.wait_closed()
        return {str(meter): int(count) for meter, count in counts.get("reads", counts).items()}


@asynccontextmanager
async def running(folder: Path, plan: Plan) -> AsyncIterator[Stack]:
    """A stack from broker to meters, started; everything ends with the context."""
    os.environ["STACK_WORD"] = "stack"
    async with AsyncExitStack() as exits:
        users = {"portal": "stack", GATEWAY: "stack"}
        broker = await exits.enter_async_context(
            private_mosquitto(folder, users, username_as_clientid=False, max_inflight=1024, max_queued=100_000)
        )
        stack = _lay_out(folder, plan, broker)
        await seeded(stack.database_url, stack.street)
        children = [stack.gateway, *stack.portals, *([stack.meters] if stack.meters else [])]
        for child in children:
            exits.push_async_callback(child.stop)
        if stack.meters:
            await stack.meters.start()
        await asyncio.gather(*(child.start() for child in (stack.gateway, *stack.portals)))
        await stack.gateway.said("is up")
        yield stack


async def seeded(url: str, premises: Sequence[Premise]) -> None:
    """Migrate a database and give it one TDSP, one REP, a street, and somebody of each."""
    now = SystemClock().now()
    since = now - timedelta(days=400)
    world = SeedWorld(
        companies=[
            SeedCompany(name=TDSP, kind=Kind.TDSP, email="wires@example.com", duns=(SeedDuns(duns=Duns("957870001")),)),
            SeedCompany(name=REP, kind=Kind.REP, email="power@example.com", duns=(SeedDuns(duns=REP_DUNS),)),
        ],
        accounts=[_person("operator", TDSP), _person("rep.admin", REP)],
        gateways=[SeedGateway(id=GATEWAY, tdsp=TDSP)],
        premises=[
            SeedPremise(
                esi_id=premise.esi_id, tdsp=TDSP, house_number=premise.address.split()[0],
                street_name=" ".join(premise.address.split()[1:]), city=premise.city, zip=premise.zip,
                spans=(Span(duns=REP_DUNS, from_at=since),),
            )
            for premise in premises
        ],
        meters=[
            SeedMeter(
                number=premise.meter, esi_id=premise.esi_id, gateway=GATEWAY, installed_at=since, provisioned_at=since
            )
            for premise in premises
        ],
    )  # fmt: skip
    database = Database.open(url)
    await settle(database, now, world)
    await database.close()


def _person(user_id: str, company: str) -> SeedAccount:
    return SeedAccount(
        user_id=user_id, password=PASSWORD, first_name="Pat", last_name="Doe", email=f"{user_id}@example.com",
        company=company, administrator=True,
    )  # fmt: skip


def _lay_out(folder: Path, plan: Plan, broker: Mosquitto) -> Stack:
    """The configuration and the processes of a plan, not started yet."""
    premises = street(SEED, plan.meters)
    rows = assignments_csv(SEED, plan.meters)
    (folder / "meters.csv").write_text(rows.replace(",zigbee,", f",{plan.driver},"), encoding="utf-8")
    url = plan.database or f"sqlite:///{folder}/portal.db"
    radio_port, control_port = free_port(), free_port()
    config = folder / "stack.toml"
    config.write_text(_config(folder, plan, broker, url, radio_port), encoding="utf-8")
    over = [f"--set={line}" for line in plan.settings]
    ports = [free_port() for _ in range(plan.portals)]
    portals = [
        Child(
            f"portal {number}",
            metergate("portal", "--config", str(config), *over, f"--set=portal.port={port}"),
            folder / f"portal-{number}.log",
        )
        for number, port in enumerate(ports)
    ]
    meters = Child(
        "meters",
        metergate(
            "lab", "ncp", f"--meters={plan.meters}", f"--seed={SEED}", f"--port={radio_port}",
            f"--control-port={control_port}", f"--latency-ms={plan.latency_ms}",
        ),
        folder / "meters.log",
    )  # fmt: skip
    gateway = Child("gateway", metergate("gateway", "--config", str(config), *over), folder / "gateway.log")
    return Stack(
        plan=plan, folder=folder, broker=broker, street=premises, database_url=url, control_port=control_port,
        portal_ports=ports, portals=portals, gateway=gateway, meters=meters if plan.driver == "zigbee" else None,
    )  # fmt: skip


def _config(folder: Path, plan: Plan, broker: Mosquitto, url: str, radio_port: int) -> str:
    driver = {
        "zigbee": f'use = "drivers.zigbee:ZigBeeDriver"\nradio = "socket://127.0.0.1:{radio_port}"\n'
        'database = "{data}/zigbee.db"',
        "desk": 'use = "simulators.desk:DeskDriver"\nledger = "{data}/ledger"',
    }[plan.driver]
    return f"""
data = "{folder}"
[bus]
use = "mqtt:MqttBus"
port = {broker.port}
in_flight = 1024
[gateway]
id = "{GATEWAY}"
database = "sqlite:///{{data}}/gateway.db"
assignments = "{{data}}/meters.csv"
[gateway.credentials]
username = "{GATEWAY}"
password = {{ env = "STACK_WORD" }}
[drivers.{plan.driver}]
{driver}
[portal]
preset = "smt"
secrets_key = {{ env = "STACK_WORD" }}
database = "{url}"
intervals = "sqlite:///{{data}}/intervals.db"
[portal.credentials]
username = "portal"
password = {{ env = "STACK_WORD" }}
"""
