"""`metergate portal init`: the first person comes in by a link, once, and no default password is anywhere."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.database import Database
from portal.accounts.tables import accounts
from portal.audit.tables import audit
from portal.companies.tables import companies
from tests.portal.people.stand import Office

CONFIG = """
[bus]
use = "mqtt:MqttBus"
[portal]
database = "sqlite:///{folder}/portal.db"
address = "https://portal.example"
preset = "smt"
"""
PERSON = ("--user-id", "first.person", "--email", "first@operator.example", "--first-name", "Ada", "--last-name", "Lee")


async def init(config: Path, *words: str) -> tuple[int | None, str, str]:
    """The exit code of the command, its output and its errors."""
    command = (sys.executable, "-m", "gateway", "portal", "init", "--config", str(config), *words)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A portal whose database is not there yet."""
    path = tmp_path / "portal.toml"
    path.write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    return path


async def test_the_first_person_gets_a_link_and_a_second_one_is_refused(config: Path) -> None:
    code, out, err = await init(config, *PERSON)
    assert (code, err) == (0, "")
    secret = out.split("https://portal.example/set-password?key=")[1].strip()
    again = await init(config, *PERSON)
    assert again[0] == 1
    assert again[2].startswith("metergate: There is an operating team already")
    database = Database.open(f"sqlite:///{config.parent}/portal.db")
    office = Office.over(database, SystemClock())
    row = await office.row(accounts, user_key="first.person")
    team = await office.row(companies, kind="operator")
    actors = {row.actor_kind for row in await office.rows(audit)}
    await database.close()
    assert (row.status, row.administrator, row.password_hash) == ("approved", True, None)
    assert row.link_key == sha256(secret.encode()).hexdigest()
    assert row.link_until - row.status_since == timedelta(days=14)
    assert (team.status, team.email, actors) == ("active", "first@operator.example", {"operator"})


async def test_what_is_wrong_with_the_person_is_told(config: Path) -> None:
    code, out, err = await init(config, *PERSON[:3], "nowhere", *PERSON[4:])
    assert (code, out) == (1, "")
    assert err == "metergate: email: Enter an email address such as desk@retailer.example.\n"
    assert not (config.parent / "portal.db").exists()
