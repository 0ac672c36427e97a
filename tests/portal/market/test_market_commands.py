"""`metergate market` and `metergate keys` as their operator types them, over a database of its own."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.errors import BadInput
from portal.api_keys import commands as keys
from portal.market import commands as market
from portal.market.tables import market_notices, premises
from tests.portal.world import BLUEBONNET, LONE_STAR, WIRES, esi, settle

Say = Callable[..., Result]
HEAD = "kind,id,esi_id,effective_at,change,rep_duns,read_cycle"
NOW = SystemClock().now()


@pytest.fixture
def say(tmp_path: Path) -> Say:
    """Runs a command line over the small world."""

    async def prepare() -> None:
        database = Database.open(f"sqlite:///{tmp_path}/portal.db")
        await settle(database, NOW)
        await database.close()

    asyncio.run(prepare())
    places = (f"portal.database=sqlite:///{tmp_path}/portal.db", "portal.load.settle_s=0", "portal.load.poll_s=0.01")
    over = [word for place in places for word in ("--set", place)]

    def run(*words: str) -> Result:
        apps = {"market": market.app, "keys": keys.app}
        return CliRunner().invoke(apps[words[0]], [*words[1:], "--config", "demo.toml", *over])

    return run


def kept(tmp_path: Path, column: object) -> list[object]:
    async def look() -> list[object]:
        database = Database.open(f"sqlite:///{tmp_path}/portal.db")
        async with database.reading() as connection:
            found = list((await connection.execute(select(column))).scalars())  # type: ignore[call-overload]  # any column
        await database.close()
        return found

    return asyncio.run(look())


def a_file(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "notices.csv"
    path.write_text("\n".join((HEAD, *rows)) + "\n")
    return path


def at(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def test_every_row_is_a_notice_of_its_own_and_the_exit_code_tells(say: Say, tmp_path: Path) -> None:
    path = a_file(
        tmp_path,
        f"rep_of_record_changed,1,{esi(1)},{at(NOW)},switch,{BLUEBONNET},",
        f"rep_of_record_changed,2,{esi(999)},{at(NOW)},switch,{BLUEBONNET},",
        f"premise_changed,3,{esi(2)},{at(NOW + timedelta(days=2))},,,07",
        "premise_changed,4,nothing,never,,,07",
    )
    first = say("market", "load", str(path), "--tdsp", WIRES)
    assert first.exit_code == 1
    assert first.stdout == f"{path}: 1 applied, 1 waiting for their instant, 2 refused\n"
    unknown, bad = first.stderr.splitlines()
    words = "You have no premise with this ESI ID at that instant. (unknown_esi_id)"
    assert unknown == f"metergate: {path}: line 3, id 2: {words}"
    assert bad.startswith(f"metergate: {path}: line 5, esi_id: 'nothing': ")
    again = say("market", "load", str(path), "--tdsp", WIRES)
    assert (again.exit_code, again.stdout) == (1, first.stdout)
    assert len(kept(tmp_path, market_notices.c.id)) == 3


def test_a_file_without_a_fault_ends_well(say: Say, tmp_path: Path) -> None:
    path = a_file(tmp_path, *(f"premise_changed,{n},{esi(1)},{at(NOW)},,,{n % 100:02}" for n in range(1203)))
    assert say("market", "load", str(path), "--tdsp", WIRES).exit_code == 0
    assert kept(tmp_path, premises.c.read_cycle)[0] == "02", "the last of one instant holds"


def test_the_sender_must_be_a_tdsp(say: Say, tmp_path: Path) -> None:
    for duns, words in ((LONE_STAR, "no TDSP has"), ("12", "not a DUNS number")):
        refused = say("market", "load", str(a_file(tmp_path)), "--tdsp", duns)
        assert isinstance(refused.exception, BadInput)
        assert words in str(refused.exception)
    nothing = say("market", "load", "--tdsp", WIRES)
    assert isinstance(nothing.exception, BadInput)


def test_keys_are_made_listed_and_ended(say: Say) -> None:
    made = say("keys", "make", "Hill Country Wires", "nightly feed", "--scope", "market:write", "--days", "30")
    assert made.exit_code == 0, made.output
    key = made.stdout.split()[-1]
    assert key.startswith("mgk_")
    listed = say("keys", "list", "Hill Country Wires").stdout
    assert f"{key[:12]}...  nightly feed  market:write  never used  stands" in listed
    assert key not in listed
    assert say("keys", "revoke", "Hill Country Wires", "1").exit_code == 0
    assert "ended" in say("keys", "list", "Hill Country Wires").stdout
    unknown = say("keys", "revoke", "Lone Star Power", "1")
    assert isinstance(unknown.exception, BadInput)
