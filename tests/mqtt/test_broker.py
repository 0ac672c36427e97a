"""The embedded broker: loopback only, bounded, and a command of its own."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from amqtt.contexts import Action  # type: ignore[import-untyped]  # amqtt has none

from gateway.config import Credentials, Secret, decode
from gateway.errors import BadConfig, LinkLost
from mqtt.broker import BrokerSettings, EmbeddedBroker, Gate
from mqtt.client import MqttBus, MqttSettings
from tests.mqtt.places import CLOCK, DEADLINE_S, DICE, ONE, Party
from tests.mqtt.samples import connect_packet, state

GATE = Gate({"portal": "p", "gw-1": "one", "empty": ""}, "portal")


@pytest.fixture
def word(monkeypatch: pytest.MonkeyPatch) -> Secret:
    """A password in the environment."""
    monkeypatch.setenv("BROKER_WORD", "word")
    return Secret(env="BROKER_WORD")


@pytest.fixture
async def strict(word: Secret) -> AsyncIterator[EmbeddedBroker]:
    """A broker with little patience and room for two."""
    settings = BrokerSettings(
        port=0, users={"portal": word, "gw-1": word}, connect_timeout_s=0.2, silence_s=0.3, connections=2
    )
    broker = EmbeddedBroker(settings)
    await broker.start()
    yield broker
    await broker.stop()


async def ends(port: int, first: bytes) -> None:
    """Connect, say something, and wait for the broker to end the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    try:
        async with asyncio.timeout(DEADLINE_S):
            while await reader.read(1024):
                pass
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com", ""])
def test_other_addresses_than_loopback_are_refused(host: str) -> None:
    with pytest.raises(BadConfig, match="loopback"):
        EmbeddedBroker(BrokerSettings(host=host))


def test_a_missing_password_is_named_at_once() -> None:
    with pytest.raises(BadConfig, match="NOT_SET_ANYWHERE"):
        EmbeddedBroker(BrokerSettings(users={"portal": Secret(env="NOT_SET_ANYWHERE")}))


def test_the_users_table_reads_from_toml() -> None:
    settings = decode({"users": {"portal": {"env": "X"}, "gw-1": {"file": "/x"}}}, BrokerSettings, "[broker]")
    assert settings.users["gw-1"].file == Path("/x")


@pytest.mark.parametrize(
    ("username", "password", "client_id", "admitted"),
    [
        ("portal", "p", "portal-7", True),
        ("portal", "p", "gw-1", False),
        ("portal", "p", None, False),
        ("gw-1", "one", "gw-1", True),
        ("gw-1", "one", "gw-2", False),
        ("gw-1", "p", "gw-1", False),
        ("gw-2", "one", "gw-2", False),
        (None, None, "x", False),
        ("gw-2", None, "gw-2", False),
        ("", "", "", False),
    ],
)
def test_a_user_comes_in_with_its_own_password_and_client_id(
    username: str | None, password: str | None, client_id: str | None, admitted: bool
) -> None:
    assert GATE.admits(username, password, client_id) is admitted


@pytest.mark.parametrize(
    ("username", "topic", "action", "allowed"),
    [
        ("gw-1", "metergate/1/up/gw-1/reads", Action.PUBLISH, True),
        ("gw-1", "metergate/1/up/gw-2/reads", Action.PUBLISH, False),
        ("gw-1", "metergate/1/down/gw-1/reads", Action.PUBLISH, False),
        ("gw-1", "metergate/1/down/gw-1/#", Action.SUBSCRIBE, True),
        ("gw-1", "metergate/1/down/+/#", Action.SUBSCRIBE, False),
        ("gw-1", "metergate/1/up/gw-1/#", Action.SUBSCRIBE, False),
        ("gw-1", "metergate/1/down/gw-2/reads", Action.RECEIVE, False),
        ("portal", "metergate/1/down/gw-1/reads", Action.PUBLISH, True),
        ("portal", "metergate/1/up/gw-1/state", Action.PUBLISH, False),
        ("portal", "metergate/1/up/+/#", Action.SUBSCRIBE, True),
        ("portal", "#", Action.SUBSCRIBE, False),
        ("+", "metergate/1/down/+/#", Action.SUBSCRIBE, False),
        (None, "metergate/1/up/gw-1/reads", Action.PUBLISH, False),
    ],
)
def test_the_access_list_is_two_lines(username: str | None, topic: str, action: Action, allowed: bool) -> None:
    assert GATE.allows(username, topic, action) is allowed


@pytest.mark.parametrize("first", [b"", b"\x10", b"\x10\x20\x00\x04MQTT"])
async def test_a_connection_that_does_not_name_itself_is_ended(strict: EmbeddedBroker, first: bytes) -> None:
    await ends(strict.port, first)


async def test_a_connection_that_falls_silent_is_ended(strict: EmbeddedBroker) -> None:
    await ends(strict.port, connect_packet(b"gw-1"))


@pytest.mark.parametrize(
    "packet",
    [b"\x10\xff\xff\xff\x7f" + b"\0" * 4096, b"\xff" * 64, b"\x00" * 64, b"GET / HTTP/1.1\r\n\r\n"],
    ids=["oversized", "all ones", "all zeros", "http"],
)
async def test_garbage_ends_its_connection_and_nobody_elses(
    strict: EmbeddedBroker, word: Secret, packet: bytes
) -> None:
    gateway = Party(bus(strict.port, word))
    await gateway.begin()
    await ends(strict.port, packet)
    await gateway.bus.publish(ONE, state(ONE))
    await gateway.end()


async def test_an_oversized_publication_ends_its_connection(strict: EmbeddedBroker) -> None:
    await ends(strict.port, connect_packet(b"gw-1") + b"\x32\xff\xff\x7f" + b"\0" * 100_000)


async def test_more_connections_than_allowed_are_closed(strict: EmbeddedBroker, word: Secret) -> None:
    taken = [await asyncio.open_connection("127.0.0.1", strict.port) for _ in range(2)]
    with pytest.raises(LinkLost):
        await Party(bus(strict.port, word)).begin()
    for _, writer in taken:
        writer.close()


def bus(port: int, word: Secret) -> MqttBus:
    credentials = Credentials(username=ONE, password=word)
    settings = MqttSettings(port=port, connect_timeout_s=0.5)
    return MqttBus(settings, credentials, ONE, CLOCK, DICE)


async def test_the_command_runs_it_until_it_is_told_to_stop(tmp_path: Path, word: Secret) -> None:
    config = tmp_path / "broker.toml"
    config.write_text('[broker.users.portal]\nenv = "BROKER_WORD"\n[broker.users.gw-1]\nenv = "BROKER_WORD"\n')
    options = ["broker", "--config", str(config), "--set", "broker.port=0"]
    script = "from gateway.cli import main; main()"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, *options, stdout=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(2 * DEADLINE_S):
            ready = (await process.stdout.readline()).decode()
            assert ready.startswith("ready port=")
            gateway = Party(bus(int(ready.partition("=")[2]), word))
            await gateway.begin()
            await gateway.bus.publish(ONE, state(ONE))
            await gateway.end()
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
