"""The durable pipeline: on-demand reads from the portal's desk to a gateway and back, committed to disk on both sides.

    python tests/bench/pipeline.py [seconds [in flight]]

The portal's desk and 64 callers are this process, the gateway with meters that answer at once another, a private
Mosquitto the third. Both databases are SQLite with synchronous FULL; limits are on, so every read asks a new meter.
In the same run stand the bare echo over the same client and over paho, the fastest client measured here.
"""

import asyncio
import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gateway.clock import SystemClock
from gateway.config import Credentials, Secret
from gateway.database import Database
from gateway.dice import SystemDice
from gateway.identifiers import Duns, EsiId, GatewayId, MeterNumber
from gateway.links import Backoff, keep
from gateway.memory import settle_memory
from mqtt.client import MqttBus
from portal.companies.kinds import Kind
from portal.reads.ask import Asked
from portal.reads.desk import ReadDesk
from portal.reads.status import ReadStatus
from portal.seed import SeedAccount, SeedCompany, SeedDuns, SeedGateway, SeedMeter, SeedPremise, SeedWorld
from portal.visibility import mint, visible_meters
from simulators.processes import Child, metergate
from tests.bench import echo
from tests.bench.echo import Tally, say
from tests.portal.world import settle, viewer
from tests.servers import Mosquitto, private_mosquitto

METERS = 24_000
GATEWAY = GatewayId("gw-1")
TDSP = "Bench Wires"
WINDOW = 1024
WARM_UP = 200


def esi_id(number: int) -> EsiId:
    """The premise of that number."""
    return EsiId(f"10443720{number:09d}")


def meter(number: int) -> MeterNumber:
    """The meter of that number."""
    return MeterNumber(f"{900_000_000 + number}")


async def settled(folder: Path) -> Database:
    """A portal's database with one TDSP and its meters."""
    clock = SystemClock()
    now = clock.now()
    since = now - timedelta(days=1)
    database = Database.open(f"sqlite:///{folder}/portal.db")
    world = SeedWorld(
        companies=[
            SeedCompany(name=TDSP, kind=Kind.TDSP, email="w@example.com", duns=(SeedDuns(duns=Duns("957870001")),))
        ],
        accounts=[
            SeedAccount(
                user_id="operator", password="bench", first_name="B", last_name="B", email="b@example.com",
                company=TDSP, administrator=True,
            )
        ],
        gateways=[SeedGateway(id=GATEWAY, tdsp=TDSP)],
        premises=[
            SeedPremise(
                esi_id=esi_id(n), tdsp=TDSP, house_number=str(n), street_name="Bench", city="Austin", zip="78701"
            )
            for n in range(METERS)
        ],
        meters=[
            SeedMeter(number=meter(n), esi_id=esi_id(n), gateway=GATEWAY, installed_at=since, provisioned_at=since)
            for n in range(METERS)
        ],
    )  # fmt: skip
    await settle(database, now, world)
    return database


def gateway_process(folder: Path, broker: Mosquitto) -> Child:
    """A gateway with a desk of meters that answer at once."""
    (folder / "meters.csv").write_text(
        "meter,driver,address\n" + "".join(f"{meter(n)},desk,{n}\n" for n in range(METERS)), encoding="utf-8"
    )
    (folder / "gateway.toml").write_text(
        f"""
data = "{folder}"
[bus]
use = "mqtt:MqttBus"
port = {broker.port}
in_flight = {WINDOW}
[gateway]
id = "{GATEWAY}"
database = "sqlite:///{{data}}/gateway.db"
assignments = "{{data}}/meters.csv"
concurrency = 256
[gateway.credentials]
username = "{GATEWAY}"
password = {{ env = "BENCH_WORD" }}
[drivers.desk]
use = "simulators.desk:DeskDriver"
""",
        encoding="utf-8",
    )
    return Child("gateway", metergate("gateway", "--config", str(folder / "gateway.toml")), folder / "gateway.log")


async def drive(desk: ReadDesk, database: Database, seconds: float, in_flight: int) -> Tally:
    """Read one meter after another from so many callers, and check every value that comes back."""
    operator = await viewer(database, "operator")
    async with database.reading() as connection:
        rows = (await connection.execute(visible_meters(operator, SystemClock().now()))).all()
    meters = iter([mint(row) for row in rows])

    async def one() -> None:
        answer = await desk.ask(next(meters), operator)
        assert isinstance(answer, Asked), answer
        read = await desk.wait(answer.id, 60)
        assert read is not None
        assert read.status is ReadStatus.DONE, read

    await asyncio.gather(*(one() for _ in range(WARM_UP)))
    settle_memory()
    tally = Tally()

    async def caller() -> None:
        while time.perf_counter() - tally.began < seconds:
            began = time.perf_counter()
            await one()
            tally.taken.append(time.perf_counter() - began)

    await asyncio.gather(*(caller() for _ in range(in_flight)))
    return tally.stop()


async def pipeline(folder: Path, broker: Mosquitto, seconds: float, in_flight: int) -> Tally:
    """The whole path, measured."""
    os.environ["BENCH_WORD"] = "bench"
    clock, dice = SystemClock(), SystemDice()
    database = await settled(folder)
    credentials = Credentials(username="portal", password=Secret(env="BENCH_WORD"))
    bus = MqttBus(MqttBus.Settings(port=broker.port, in_flight=WINDOW), credentials, None, clock, dice)
    desk = ReadDesk(database, bus, clock, dice)
    gateway = gateway_process(folder, broker)
    running = [
        asyncio.create_task(keep("the bus", lambda: bus.run(desk.handle, desk.greet), clock, Backoff())),
        asyncio.create_task(desk.run()),
    ]
    try:
        await gateway.start()
        return await drive(desk, database, seconds, in_flight)
    finally:
        await gateway.stop()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await database.close()


async def main(seconds: float = 5.0, in_flight: int = 64) -> float:
    """Print the pipeline beside both echoes; returns the pipeline's reads per second."""
    say(f"client window {WINDOW}, broker window {WINDOW}, {in_flight} in flight, QoS 1, synchronous FULL on both sides")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with private_mosquitto(folder, echo.USERS, max_inflight=WINDOW) as broker:
            tally = await pipeline(folder, broker, seconds, in_flight)
            rate = tally.rate
            say(tally.line("pipeline", in_flight))
            for peer, what in (("bus", "the same client"), ("paho", "the fastest client measured")):
                async with echo.another("answer", peer, str(broker.port)):
                    other = await echo.ASKERS[peer](broker.port, in_flight)
                say(other.line(f"echo {peer}", in_flight))
                say(f"the pipeline reaches {rate / other.rate:.0%} of a bare echo over {what}")
    return rate


if __name__ == "__main__":
    words = dict(enumerate(sys.argv))
    asyncio.run(main(float(words.get(1, 5)), int(words.get(2, 64))))
