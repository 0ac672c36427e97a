"""The demo's world: whoever stands on its first screen can sign in and sees what the screen says, run after run."""

import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, select

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.dice import SeededDice
from gateway.identifiers import GatewayId
from portal.accounts.entering import HalfOpened, House, SignedIn
from portal.accounts.passwords import Passwords
from portal.accounts.presets import Preset
from portal.accounts.sessions import Origin
from portal.accounts.signing_in import Door, SignInRefused
from portal.accounts.throttle import Throttle
from portal.accounts.vault import Vault
from portal.audit.log import Seal
from portal.market.spans import Span
from portal.opening import MIGRATIONS
from portal.seed import seed
from portal.visibility import visible_meters
from simulators.demo_world import BLUEBONNET, BLUEBONNET_METERS, MESQUITE, PEOPLE, TDSP, Person, Reach, passwords, world
from simulators.street import Premise, street

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
METERS = 30
DICE = SeededDice(3)
HASHER = Passwords(DICE, memory_kib=8, passes=1)
SEEN = {"operator": METERS, "dana": BLUEBONNET_METERS, "miguel": METERS - BLUEBONNET_METERS, "pecan-lane": 1}


def reaches(premises: list[Premise]) -> list[Reach]:
    """A street shared out between two gateways, with Bluebonnet's meters at the first."""
    first, second = premises[: METERS - 4], premises[METERS - 4 :]
    return [
        Reach(gateway=GatewayId("gw-demo"), premises=first, bluebonnet=BLUEBONNET_METERS),
        Reach(gateway=GatewayId("gw-modbus"), premises=second, bluebonnet=0),
    ]


@dataclass
class Demo:
    """A database as the demo's portal finds it, and everybody's password."""

    database: Database
    premises: list[Premise]
    words: dict[str, str]

    async def begin(self, now: datetime) -> None:
        """What each start of the demo does."""
        start = world(reaches(self.premises), self.words, now)
        await self.database.write(lambda connection: seed(connection, start, HASHER, now))

    async def rows(self) -> dict[str, list[Any]]:
        """Everything in the database."""
        tables = MetaData()
        async with self.database.reading() as connection:
            await connection.run_sync(tables.reflect)
            return {
                table.name: sorted(map(repr, (await connection.execute(select(table))).all()))
                for table in tables.sorted_tables
            }

    async def sign_in(self, user_id: str, password: str) -> SignedIn | SignInRefused:
        """As somebody at the entrance."""
        clock = SystemClock()
        house = House(preset=Preset.SMT, seal=Seal(), clock=clock, dice=DICE)
        door = Door(self.database, HASHER, Throttle(clock), house, Vault(bytes(32), DICE))
        answer = await door.sign_in(user_id, password, Origin(address="127.0.0.1"))
        assert not isinstance(answer, HalfOpened)
        return answer


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    """A demo after its first start."""
    database = Database.open(f"sqlite:///{tmp_path}/portal.db")
    await database.migrate(MIGRATIONS)
    here = Demo(database, street(7, METERS), passwords(tmp_path / "people.json", DICE))
    await here.begin(NOW)
    yield here
    await database.close()


async def test_a_second_start_changes_nothing(demo: Demo) -> None:
    before = await demo.rows()
    await demo.begin(NOW + timedelta(days=40))
    assert await demo.rows() == before


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.user_id)
async def test_everybody_can_sign_in_and_sees_their_meters(demo: Demo, person: Person) -> None:
    answer = await demo.sign_in(person.user_id, demo.words[person.user_id])
    assert isinstance(answer, SignedIn)
    async with demo.database.reading() as connection:
        seen = (await connection.execute(visible_meters(answer.viewer, NOW))).all()
    assert len(seen) == SEEN[person.user_id]


async def test_nobody_gets_in_with_another_password(demo: Demo) -> None:
    assert isinstance(await demo.sign_in("dana", demo.words["miguel"]), SignInRefused)


def test_passwords_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    first = passwords(path, DICE)
    assert set(first) == {person.user_id for person in PEOPLE}
    assert passwords(path, DICE) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["people.json"]


def test_every_premise_has_one_rep_and_a_whole_address() -> None:
    made = world(reaches(street(7, METERS)), dict.fromkeys(SEEN, "word"), NOW)
    assert {company.name for company in made.companies} == {TDSP, BLUEBONNET, MESQUITE}
    for premise in made.premises:
        [span] = premise.spans
        assert isinstance(span, Span)
        assert span.to_at is None
        assert premise.house_number.isdigit()
        assert premise.street_name
        assert premise.street_type
    assert len({meter.esi_id for meter in made.meters}) == METERS
