"""`metergate files` and its commands as processes: they serve, drop, refuse in words, and stop when told."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import asyncssh
import pytest

from gateway.clock import SystemClock, central_date
from gateway.database import Database
from portal.smt.certificates import ensure_certificates
from portal.usage.intervals import Channel, MeterDay
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import SourceFile
from simulators.processes import Child, metergate
from tests.portal.world import esi, settle
from tests.servers import free_port

CONFIG = """
data = "{data}"
[portal]
database = "sqlite:///{data}/portal.db"
intervals = "sqlite:///{data}/intervals.db"
certificate = "{data}/tls/server.pem"
key = "{data}/tls/server.key"
[portal.files]
folder = "{data}/files"
host_key = "{data}/host_key"
ftps_port = 0
sftp_port = 0
passive_first = {passive}
passive_last = {passive}
lse_at = "00:00"
lse_wait_h = 0
lse_days = 3
"""
TOKEN = "Its password, which is not shown again: "


@pytest.fixture
async def config(tmp_path: Path) -> Path:
    """A configuration over the small world, with three days of one meter."""
    clock = SystemClock()
    ensure_certificates(tmp_path / "tls", clock.now())
    database = Database.open(f"sqlite:///{tmp_path}/portal.db")
    await settle(database, clock.now())
    await database.close()
    intervals = Database.open(f"sqlite:///{tmp_path}/intervals.db")
    store = await SqlIntervalStore.opened(intervals)
    today = central_date(clock.now())
    for back in range(1, 4):
        day = MeterDay(
            esi_id=esi(1),
            day=today - timedelta(days=back),
            channel=Channel.CONSUMPTION,
            revised_at=None,
            values=(100,) * 96,
            estimated=(False,) * 96,
        )
        source = SourceFile(name="x", sha256=sha256(bytes([back])).hexdigest(), received_at=clock.now())
        await store.load(source, partial(iter, (day,)))
    await intervals.close()
    path = tmp_path / "portal.toml"
    path.write_text(CONFIG.format(data=tmp_path, passive=min(free_port(), 65_000)), encoding="utf-8")
    return path


async def said(config: Path, *words: str) -> tuple[int | None, str]:
    """What a command says, and its exit code."""
    child = await asyncio.create_subprocess_exec(
        *metergate(*words, "--config", str(config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(90):
        out, _ = await child.communicate()
    return child.returncode, out.decode()


@pytest.fixture
async def child(config: Path) -> AsyncIterator[Child]:
    """The process, which may still have to be stopped."""
    child = Child("files", metergate("files", "--config", str(config)), config.with_suffix(".log"))
    yield child
    await child.stop()


async def test_a_credential_made_by_the_command_fetches_the_days_that_the_process_dropped(
    config: Path, child: Child
) -> None:
    code, out = await said(config, "files-access", "set", "Lone Star Power", "lonestar")
    assert code == 0, out
    password = out.split(TOKEN)[1].strip()
    ready = await child.start(90)
    await child.said("was placed")
    connecting = asyncssh.connect(
        "127.0.0.1", int(ready["sftp_port"]), username="lonestar", password=password, known_hosts=None,
        client_keys=None, config=None,
    )  # fmt: skip
    async with connecting as connection, connection.start_sftp_client() as client:
        assert [name for name in await client.listdir("lse") if name.endswith(".lse")]
        key = connection.get_server_host_key()
        assert key is not None
        assert ready["host_key"] == key.get_fingerprint()
    assert password not in config.with_suffix(".log").read_text()
    assert await child.stop() == 0


async def test_a_day_is_dropped_by_hand_once(config: Path) -> None:
    day = str(central_date(SystemClock().now()) - timedelta(days=2))
    code, out = await said(config, "files", "drop", "--day", day)
    assert (code, out.splitlines()[-1]) == (0, f"{day}: 1 LSE files made")
    code, out = await said(config, "files", "drop", "--day", day)
    assert (code, out.splitlines()[-1]) == (0, f"{day}: 0 LSE files made")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("files-access", "set", "Nobody Inc", "somebody"), "no company is named 'Nobody Inc'; give its number"),
        (("files-access", "set", "ERCOT", "UPPER"), "'UPPER' is no user name"),
        (("files-access", "revoke", "nobody"), "there is no user name nobody"),
        (("files", "drop", "--day", "yesterday"), "'yesterday' is not a day such as 2026-11-24"),
        (("files", "drop", "--day", "2999-01-01"), "2999-01-01 is not a day that is over"),
        (("mail", "retry", "7"), "there is no letter 7 to send again"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_sentence(config: Path, words: tuple[str, ...], answer: str) -> None:
    code, out = await said(config, *words)
    assert code == 1
    assert out.splitlines()[-1].startswith(f"metergate: {answer}")
