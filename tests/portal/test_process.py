"""The portal as a process: it listens with and without TLS, waits for no broker, and stops when it is told to."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.clock import SystemClock
from gateway.database import Database
from portal.smt.certificates import ensure_certificates
from simulators.processes import Child, DidNotStart, metergate
from tests.portal.world import PASSWORD, settle
from tests.servers import free_port

CONFIG = """
data = "{data}"
[bus]
use = "mqtt:MqttBus"
port = {broker}
[portal]
database = "sqlite:///{data}/portal.db"
intervals = "sqlite:///{data}/intervals.db"
port = 0
tls_port = 0
certificate = "{data}/tls/server.pem"
key = "{data}/tls/server.key"
"""


def configured(folder: Path, *over: str) -> Child:
    """A portal whose broker is not there."""
    config = folder / "portal.toml"
    config.write_text(CONFIG.format(data=folder, broker=free_port()), encoding="utf-8")
    return Child("portal", metergate("portal", "--config", str(config), *over), folder / "portal.log")


@pytest.fixture
async def settled(tmp_path: Path) -> Path:
    """A folder with a settled database and certificates."""
    ensure_certificates(tmp_path / "tls", SystemClock().now())
    database = Database.open(f"sqlite:///{tmp_path}/portal.db")
    await settle(database, SystemClock().now())
    await database.close()
    return tmp_path


@pytest.fixture
async def child(settled: Path) -> AsyncIterator[Child]:
    """A portal that may still have to be stopped."""
    child = configured(settled)
    yield child
    await child.stop()


async def test_it_serves_the_same_over_http_and_tls_without_a_broker(child: Child, settled: Path) -> None:
    ready = await child.start()
    trusted = ssl.create_default_context(cafile=str(settled / "tls" / "ca.pem"))
    who = {"user_id": "rep.user", "password": PASSWORD}
    async with httpx.AsyncClient(verify=trusted) as client:
        plain = f"http://127.0.0.1:{ready['port']}"
        secure = f"https://localhost:{ready['tls_port']}"
        token = (await client.post(f"{plain}/api/v1/sessions", json=who)).json()["token"]
        me = await client.get(f"{secure}/api/v1/me", headers={"authorization": f"Bearer {token}"})
        assert me.json()["company"] == "Lone Star Power"
        assert "strict-transport-security" in me.headers
        assert (await client.get(f"{plain}/", follow_redirects=True)).headers["content-type"].startswith("text/html")


async def test_it_stops_cleanly_while_somebody_waits_and_keeps_what_was_asked(child: Child, settled: Path) -> None:
    ready = await child.start()
    base = f"http://127.0.0.1:{ready['port']}/api/v1"
    async with httpx.AsyncClient(base_url=base) as client:
        answer = await client.post("/sessions", json={"user_id": "rep.user", "password": PASSWORD})
        client.headers["authorization"] = f"Bearer {answer.json()['token']}"
        asked = await client.post("/meters/10443720000000001/reads")
        assert asked.status_code == 202
    assert await child.stop() == 0
    again = await child.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{again['port']}/api/v1") as client:
        client.headers["authorization"] = f"Bearer {answer.json()['token']}"
        read = await client.get(f"/reads/{asked.json()['id']}")
        assert read.json()["status"] == "queued"


async def test_a_certificate_that_is_not_there_is_said_in_one_sentence(settled: Path) -> None:
    (settled / "tls" / "server.key").unlink()
    with pytest.raises(DidNotStart, match=r"metergate: the certificate .* cannot be used"):
        await configured(settled).start(timeout_s=30)
