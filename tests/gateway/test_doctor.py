"""The doctor is silent about what is well, and names each sickness with what to do about it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.config import load
from gateway.doctor import Finding, examine
from portal.smt.certificates import SERVER_LIFE, ensure_certificates
from simulators.processes import Child, DidNotStart, metergate
from tests.postgres import PrivatePostgres
from tests.servers import free_port

NOW = SystemClock().now()
GOOD = """
data = "{data}"
[bus]
use = "mqtt:MqttBus"
port = {broker}
[gateway]
id = "gw-1"
database = "sqlite:///{{data}}/gateway.db"
assignments = "{{data}}/meters.csv"
[gateway.credentials]
username = "gw-1"
password = {{ file = "{{data}}/word" }}
[drivers.zigbee]
use = "drivers.zigbee:ZigBeeDriver"
radio = "/dev/null"
[drivers.desk]
use = "simulators.desk:DeskDriver"
[limits]
reads_per_hour = 1
[portal]
database = "sqlite:///{{data}}/portal.db"
intervals = "sqlite:///{{data}}/intervals.db"
certificate = "{{data}}/tls/server.pem"
key = "{{data}}/tls/server.key"
"""


@pytest.fixture
async def good(tmp_path: Path) -> AsyncIterator[Path]:
    """A configuration with which everything is well: somebody listens where its broker should be."""
    (tmp_path / "word").write_text("word\n", encoding="utf-8")
    (tmp_path / "meters.csv").write_text("meter,driver,address\n900000116,desk,1\n", encoding="utf-8")
    ensure_certificates(tmp_path / "tls", NOW)
    listener = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    config = tmp_path / "good.toml"
    config.write_text(GOOD.format(data=tmp_path, broker=listener.sockets[0].getsockname()[1]), encoding="utf-8")
    yield config
    listener.close()
    await listener.wait_closed()


async def sick(config: Path, *over: str) -> list[Finding]:
    """What is to be mended in a configuration with some keys set over it."""
    return [finding for finding in await examine(load(config, over)) if finding.advice]


async def only(config: Path, *over: str) -> Finding:
    """The one thing that is to be mended."""
    [finding] = await sick(config, *over)
    return finding


async def test_about_a_good_configuration_there_is_nothing_to_say(good: Path) -> None:
    assert await sick(good) == []


async def test_looking_changes_nothing(good: Path) -> None:
    before = sorted(good.parent.rglob("*"))
    await examine(load(good))
    assert sorted(good.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("over", "what", "advice"),
    [
        ("gatewya.id=gw-2", "table [gatewya]", "is it spelt right?"),
        ("colour=blue", "table [colour]", "is it spelt right?"),
        ("gateway.window=0", "table [gateway]", "window"),
        ("limits.reads_per_minute=1", "table [limits]", "reads_per_minute"),
        ("drivers.desk.use=simulators.desk:Nothing", "table [drivers.desk]", "Nothing"),
        ("drivers.desk.use=gateway.config:load", "table [drivers.desk]", "nothing that takes settings"),
        ("drivers.other=7", "table [drivers.other]", "cannot be used"),
        ('gateway.credentials.password={ env = "NOBODY_SET_THIS" }', "secret gateway.credentials.password", "not set"),
        ("gateway.credentials.password.file=/nowhere/word", "secret gateway.credentials.password", "cannot be read"),
        ("drivers.zigbee.radio=/dev/nothing", "the radio of zigbee", "no such device"),
        ("gateway.assignments=/nowhere/meters.csv", "assignments /nowhere", "cannot be read"),
        ("portal.certificate=/nowhere/server.pem", "portal.certificate", "cannot be read"),
        ("bus.ca_file=/nowhere/ca.pem", "bus.ca_file", "cannot be read"),
        ("gateway.database=mysql://somewhere/db", "gateway.database", "neither a SQLite file nor a PostgreSQL"),
        ("gateway.database=nonsense://", "gateway.database", "nonsense"),
    ],
)
async def test_a_sickness_is_named(good: Path, over: str, what: str, advice: str) -> None:
    found = await sick(good, over)
    assert [finding for finding in found if what in finding.what and advice in finding.advice], found


async def test_a_secret_that_is_empty_is_named(good: Path) -> None:
    (good.parent / "word").write_text("\n", encoding="utf-8")
    assert (await only(good)).advice == "It is empty."


async def test_a_secret_of_the_wrong_kind_does_not_end_the_examination(good: Path) -> None:
    found = await sick(good, "gateway.credentials.password={ env = 7 }")
    assert [finding.what for finding in found] == ["table [gateway]", "secret gateway.credentials.password"]


async def test_a_broker_that_is_not_there_is_named(good: Path) -> None:
    port = free_port()
    finding = await only(good, f"bus.port={port}")
    assert finding.what == f"the broker at 127.0.0.1:{port}"
    assert "Is it started" in finding.advice


@pytest.mark.parametrize("port", ["many", "99999", "[]"])
async def test_a_port_that_is_none_is_named(good: Path, port: str) -> None:
    found = await sick(good, f"bus.port={port}")
    assert {finding.what.split(" at ")[0] for finding in found} == {"table [bus]", "the broker"}


async def test_a_radio_on_the_network_that_is_not_there_is_named(good: Path) -> None:
    port = free_port()
    over = [f"drivers.zigbee.radio=socket://127.0.0.1:{port}"]
    [finding] = [found for found in await examine(load(good, over), radios=True) if found.advice]
    assert finding.what == f"the radio of zigbee at 127.0.0.1:{port}"


async def test_a_radio_on_the_network_is_left_in_peace_unless_asked(good: Path) -> None:
    callers: list[str] = []

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append("somebody")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as radio:
        over = [f"drivers.zigbee.radio=socket://127.0.0.1:{radio.sockets[0].getsockname()[1]}"]
        await examine(load(good, over))
        assert callers == []
        await examine(load(good, over), radios=True)
        await asyncio.sleep(0)
    assert callers == ["somebody"]


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"number,driver\n", "the first line must be"),
        (b"meter,driver,address\nno meter number!,desk,1\n", "line 2"),
        (b"meter,driver,address\n900000116,modbus,1\n", "not configured: modbus"),
        (b"meter,driver,address\n\xff\xfe,desk,1\n", "decode"),
    ],
)
async def test_assignments_that_cannot_be_used_are_named(good: Path, content: bytes, advice: str) -> None:
    (good.parent / "meters.csv").write_bytes(content)
    finding = await only(good)
    assert finding.what.startswith("assignments ")
    assert advice in finding.advice


@pytest.mark.parametrize(("ago", "advice"), [(timedelta(days=1), "now"), (timedelta(days=-3), "soon")])
async def test_a_certificate_that_has_ended_or_soon_will_is_named(good: Path, ago: timedelta, advice: str) -> None:
    for file in (good.parent / "tls").iterdir():
        file.unlink()
    ensure_certificates(good.parent / "tls", NOW - SERVER_LIFE - ago)
    finding = await only(good)
    assert finding.what.startswith("portal.certificate")
    assert finding.advice == f"Renew {good.parent}/tls/server.pem {advice}."


async def test_a_key_of_another_certificate_is_named(good: Path) -> None:
    other = ensure_certificates(good.parent / "other", NOW)
    finding = await only(good, f"portal.key={other.key}")
    assert finding.what.startswith("portal.key")
    assert "mismatch" in finding.advice


async def test_a_postgresql_that_is_down_is_named_and_one_that_is_up_is_not(
    good: Path, postgres: PrivatePostgres
) -> None:
    down = await only(good, f"gateway.database=postgresql://metergate@127.0.0.1:{free_port()}/postgres")
    assert down.what == "gateway.database answers"
    assert "Connect" in down.advice
    none = await only(good, f"portal.intervals=postgresql://metergate@127.0.0.1:{postgres.port}/nothing_there")
    assert 'database "nothing_there" does not exist' in none.advice
    with postgres.fresh_database() as url:
        assert await sick(good, f"portal.database={url}") == []


async def test_a_database_whose_address_is_a_secret_is_looked_at_and_its_password_not_told(
    good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCTORS_DATABASE", f"postgresql://metergate:hush@127.0.0.1:{free_port()}/db")
    finding = await only(good, 'portal.database={ env = "DOCTORS_DATABASE" }')
    assert finding.what == "portal.database answers"
    assert "hush" not in finding.advice


async def test_a_database_that_never_answers_is_given_up(good: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with asyncio.timeout(20):
        finding = await only(good, f"portal.database=postgresql://metergate@127.0.0.1:{port}/db")
    listener.close()
    assert "No answer within" in finding.advice


async def test_the_command_ends_with_1_if_there_is_something_to_mend(good: Path) -> None:
    well = Child("doctor", metergate("doctor", "--config", str(good)))
    await well.run(60)
    assert well.lines[-1].endswith("checks, all well")
    ill = Child("doctor", metergate("doctor", "--config", str(good), f"--set=bus.port={free_port()}"))
    with pytest.raises(DidNotStart, match=r"ended with 1: .*checks, 1 to mend"):
        await ill.run(60)
