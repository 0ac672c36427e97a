"""A gateway as a process, from its configuration, over a broker in another: birth, one read, death in both ways."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.config import Credentials, Secret
from gateway.dice import SystemDice
from gateway.identifiers import EsiId, GatewayId, MeterNumber, RequestId
from gateway.messages import GatewayState, OutcomeStatus, ReadEnded, Receipt, RequestRead
from mqtt.client import MqttBus
from simulators.processes import Child, DidNotStart, metergate
from tests.mqtt.places import Party
from tests.postgres import PrivatePostgres
from tests.servers import free_port

CLOCK, DICE = SystemClock(), SystemDice()
GATEWAY, METER = GatewayId("gw-1"), MeterNumber("900000116")
LIMIT_S = 30.0
CONFIG = """
data = "{data}"
[bus]
use = "mqtt:MqttBus"
[broker]
port = 0
[broker.users]
portal = {{ env = "PROCESS_WORD" }}
gw-1 = {{ env = "PROCESS_WORD" }}
[gateway]
id = "gw-1"
database = "sqlite:///{{data}}/gateway.db"
assignments = "{{data}}/meters.csv"
repeat_s = 0.2
[gateway.credentials]
username = "gw-1"
password = {{ env = "PROCESS_WORD" }}
[drivers.desk]
use = "simulators.desk:DeskDriver"
"""


@dataclass
class House:
    """A running broker, and how to start gateways and portals at it."""

    config: Path
    port: str

    def gateway(self, *over: str) -> Child:
        """The gateway, not started yet."""
        words = (f"bus.port={self.port}", *over)
        return Child(
            "gateway", metergate("gateway", "--config", str(self.config), *(f"--set={word}" for word in words))
        )

    @asynccontextmanager
    async def portal(self) -> AsyncIterator[Party]:
        """A party that hears what every gateway says."""
        settings = MqttBus.Settings(port=int(self.port))
        credentials = Credentials(username="portal", password=Secret(env="PROCESS_WORD"))
        party = Party(MqttBus(settings, credentials, None, CLOCK, DICE))
        await party.begin()
        try:
            yield party
        finally:
            await party.end()


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A configuration with one meter on a desk, and the embedded broker as a process."""
    monkeypatch.setenv("PROCESS_WORD", "word")
    (tmp_path / "meters.csv").write_text(f"meter,driver,address\n{METER},desk,1\n", encoding="utf-8")
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG.format(data=tmp_path), encoding="utf-8")
    broker = Child("broker", metergate("broker", "--config", str(config)))
    try:
        yield House(config, (await broker.start())["port"])
    finally:
        await broker.stop()


@pytest.fixture
async def gateway(house: House) -> AsyncIterator[Child]:
    """A gateway that may still have to be stopped."""
    child = house.gateway()
    yield child
    await child.stop()


def asked(meter: MeterNumber = METER) -> RequestRead:
    now = CLOCK.now()
    return RequestRead(
        id=RequestId(DICE.request_id(now)), meter=meter, esi_id=EsiId("1" * 17), requested_at=now,
        deadline_at=now + timedelta(seconds=60),
    )  # fmt: skip


def states(party: Party) -> list[GatewayState]:
    return [one.message for one in party.received if isinstance(one.message, GatewayState)]


def outcomes(party: Party) -> list[ReadEnded]:
    return [one.message for one in party.received if isinstance(one.message, ReadEnded)]


async def until_online(party: Party, *, online: bool) -> GatewayState:
    """The first state that says so."""
    async with asyncio.timeout(LIMIT_S):
        while not (found := [state for state in states(party) if state.online is online]):
            await party.until(len(party.received) + 1)
    return found[0]


async def outcome(party: Party, request: RequestRead) -> ReadEnded:
    """How a request ended, once it is told."""
    async with asyncio.timeout(LIMIT_S):
        while not (found := [ended for ended in outcomes(party) if ended.id == request.id]):
            await party.until(len(party.received) + 1)
    return found[0]


async def test_it_is_born_reads_once_and_says_goodbye(house: House, gateway: Child) -> None:
    assert await gateway.start() == {"gateway": "gw-1", "meters": "1"}
    async with house.portal() as portal:
        born = await until_online(portal, online=True)
        assert (born.gateway, born.meters) == (GATEWAY, 1)
        request = asked()
        await portal.bus.publish(GATEWAY, request)
        ended = await outcome(portal, request)
        assert ended.status is OutcomeStatus.DONE
        assert ended.read is not None
        assert ended.read.meter == METER
        assert ended.mark.seq == 1
        await portal.bus.publish(GATEWAY, Receipt(mark=ended.mark))
        again = asked()
        await portal.bus.publish(GATEWAY, again)
        refused = await outcome(portal, again)
        assert refused.status is OutcomeStatus.REFUSED
        assert refused.next_allowed_at is not None
        assert refused.next_allowed_at > CLOCK.now()
        assert await gateway.stop() == 0
        assert (await until_online(portal, online=False)).boot_id == born.boot_id
    async with house.portal() as newcomer:
        assert not (await until_online(newcomer, online=False)).online
        assert len(states(newcomer)) == 1


async def test_what_is_not_receipted_is_told_again_after_a_restart(house: House, gateway: Child) -> None:
    await gateway.start()
    async with house.portal() as portal:
        await until_online(portal, online=True)
        request = asked()
        await portal.bus.publish(GATEWAY, request)
        first = await outcome(portal, request)
    await gateway.kill()
    await gateway.start()
    async with house.portal() as portal:
        assert await outcome(portal, request) == first


async def test_whoever_listens_hears_that_it_was_killed(house: House, gateway: Child) -> None:
    await gateway.start()
    async with house.portal() as portal:
        born = await until_online(portal, online=True)
        await gateway.kill()
        assert (await until_online(portal, online=False)).boot_id == born.boot_id


async def test_it_starts_and_stops_without_a_broker(house: House) -> None:
    child = house.gateway(f"bus.port={free_port()}")
    await child.start()
    await child.said("the bus is down and will be tried again")
    assert await child.stop() == 0


@pytest.mark.parametrize("command", ["gateway", "portal"])
async def test_a_database_that_is_not_there_is_said_in_one_sentence(
    house: House, postgres: PrivatePostgres, command: str
) -> None:
    place = f"{command}.database=postgresql://metergate@127.0.0.1:{postgres.port}/nothing_there"
    child = Child(command, metergate(command, "--config", str(house.config), f"--set={place}"))
    with pytest.raises(DidNotStart):
        await child.start()
    [sentence] = child.lines
    assert sentence.startswith("metergate: the ")
    assert 'database "nothing_there" does not exist' in sentence


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ("drivers.desk.use=simulators.desk:Nobody", "'simulators.desk:Nobody' cannot be used"),
        ("drivers.desk.use=gateway.config:load", "nothing that takes settings"),
        ("drivers.desk.speed=9", "[drivers.desk] speed: "),
        ("gateway.assignments=/nowhere/meters.csv", "assignments /nowhere/meters.csv cannot be read"),
        ("drivers={}", "names drivers that are not configured: desk"),
        ("gateway.database=postgresql://metergate@127.0.0.1:1/gateway", "the journal cannot be opened: "),
    ],
)
async def test_what_keeps_it_from_starting_is_one_sentence(house: House, over: str, sentence: str) -> None:
    child = house.gateway(over)
    with pytest.raises(DidNotStart):
        await child.start()
    assert await child.wait() == 1
    told: Sequence[str] = [line for line in child.lines if line.startswith("metergate: ")]
    assert len(told) == len(child.lines) == 1
    assert sentence in told[0]
