"""MqttBus where the other side misbehaves: brokers that freeze, refuse or never answer; TLS and certificates."""

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.config import Credentials, decode
from gateway.errors import BadConfig, LinkLost
from mqtt.client import MqttBus, MqttSettings
from tests.mqtt.certificates import Authority
from tests.mqtt.places import CLOCK, DEADLINE_S, DICE, ONE, BrokerPlace, Party, mosquitto
from tests.mqtt.samples import receipt
from tests.servers import Mosquitto, private_mosquitto


@pytest.fixture
async def debian(tmp_path: Path) -> AsyncIterator[BrokerPlace]:
    """A private Mosquitto."""
    async with mosquitto(tmp_path) as place:
        yield place


@pytest.fixture
async def silent_port() -> AsyncIterator[tuple[int, "asyncio.Queue[bool]"]]:
    """A port where something takes connections and says nothing, and a queue that tells of each one's end."""
    ended: asyncio.Queue[bool] = asyncio.Queue()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(1024):
                pass
        finally:
            writer.close()
            ended.put_nowait(True)

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], ended
    server.close()


def bus_to(port: int, **settings: float) -> MqttBus:
    return MqttBus(MqttSettings(port=port, **settings), Credentials(), ONE, CLOCK, DICE)  # type: ignore[arg-type]  # numbers of either kind


async def test_a_broker_that_freezes_ends_the_connection_at_the_next_publication(debian: BrokerPlace) -> None:
    assert isinstance(debian.broker, Mosquitto)
    portal = Party(debian.bus(None, publish_timeout_s=0.2, connect_timeout_s=0.3))
    await portal.begin()
    debian.broker.pause()
    with pytest.raises(LinkLost, match="acknowledge"):
        await portal.bus.publish(ONE, receipt(1))
    assert isinstance(await portal.trouble(), LinkLost)
    with pytest.raises(LinkLost):
        await portal.begin()
    debian.broker.resume()
    await portal.begin()
    await portal.bus.publish(ONE, receipt(1))
    await portal.end()


async def test_a_frozen_broker_does_not_hold_up_the_end(debian: BrokerPlace) -> None:
    assert isinstance(debian.broker, Mosquitto)
    portal = Party(debian.bus(None, connect_timeout_s=0.3))
    await portal.begin()
    debian.broker.pause()
    async with asyncio.timeout(DEADLINE_S):
        await portal.end()


async def test_where_nobody_listens_the_link_is_lost_at_once() -> None:
    with pytest.raises(LinkLost):
        await Party(bus_to(1)).begin()


async def test_a_broker_that_never_answers_is_given_up_and_hung_up_on(
    silent_port: tuple[int, "asyncio.Queue[bool]"],
) -> None:
    port, ended = silent_port
    with pytest.raises(LinkLost):
        await Party(bus_to(port, connect_timeout_s=0.2)).begin()
    async with asyncio.timeout(DEADLINE_S):
        await ended.get()


async def test_a_cancelled_attempt_leaves_no_connection(silent_port: tuple[int, "asyncio.Queue[bool]"]) -> None:
    port, ended = silent_port
    task = asyncio.create_task(bus_to(port, connect_timeout_s=0.5).run(_nothing, _nobody))
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(DEADLINE_S):
        with pytest.raises(asyncio.CancelledError):
            await task
        await ended.get()


async def _nothing(deliveries: object) -> None:
    """Handle by doing nothing."""


async def _nobody() -> None:
    """Greet nobody."""


@pytest.mark.filterwarnings(
    "ignore:unclosed.*SSLSocket:ResourceWarning"
)  # paho leaves a refused socket to the collector
async def test_a_gateway_is_known_by_its_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server, client, stranger = authority.issue("127.0.0.1"), authority.issue(ONE), Authority(tmp_path / "other")
    extra = [
        f"cafile {authority.certificate}",
        f"certfile {server.certificate}",
        f"keyfile {server.key}",
        "require_certificate true",
        "use_identity_as_username true",
    ]
    async with private_mosquitto(tmp_path, {"portal": "word"}, extra=extra) as broker:
        settings = MqttSettings(port=broker.port, ca_file=authority.certificate)

        def bus(credentials: Credentials, own: MqttSettings = settings) -> MqttBus:
            return MqttBus(own, credentials, ONE, CLOCK, DICE)

        mine = Credentials(certificate=client.certificate, key=client.key)
        gateway = Party(bus(mine))
        await gateway.begin()
        await gateway.end()
        foreign = stranger.issue(ONE)
        for credentials, own in [
            (Credentials(), settings),
            (Credentials(certificate=foreign.certificate, key=foreign.key), settings),
            (mine, MqttSettings(port=broker.port, ca_file=stranger.certificate)),
        ]:
            with pytest.raises(LinkLost):
                await Party(bus(credentials, own)).begin()
        with pytest.raises(BadConfig):
            await Party(bus(Credentials(certificate=tmp_path / "missing.pem"))).begin()
        gc.collect()


def test_settings_outside_their_limits_are_refused_by_name() -> None:
    with pytest.raises(BadConfig, match="in_flight"):
        decode({"in_flight": 0}, MqttSettings, "[bus]")
    with pytest.raises(BadConfig, match="hots"):
        decode({"hots": "x"}, MqttSettings, "[bus]")
