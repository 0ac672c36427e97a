"""The real market for the histories: the portal over a SQLite file that is a copy of a settled one, and its people."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.pool import StaticPool

from gateway.database import Database
from gateway.dice import SeededDice
from gateway.identifiers import Duns
from gateway.market_notices import MarketNotice
from portal.accounts.entering import HalfOpened
from portal.accounts.expiry import AT_ONCE, expire_due
from portal.accounts.sessions import Origin, find_unfinished
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts
from portal.acting import Act, Change, actor_of
from portal.app import full_app
from portal.audit.log import SYSTEM
from portal.companies.kinds import Kind
from portal.context import Portal
from portal.market.tables import NoticeSource
from portal.seed import SeedCompany, SeedDuns, SeedWorld
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from portal.viewer import Viewer, load_viewer
from tests.clock import HandClock
from tests.portal.wire import WireBus
from tests.portal.world import CHEAP, GUIDES, person, settle

T = TypeVar("T")

WIRES, GULF = "444444444", "555555555"
POOL = ("111111111", "1111111112222", "333333333", "666666666")
"""DUNS numbers of REPs, for which companies compete."""
REFUSED_AT_THE_DOOR = Viewer(
    account_id=0,
    user_id="nobody",
    name="Nobody",
    email="nobody@example.com",
    language="en",
    kind=Kind.THIRD_PARTY,
    company_id=None,
    company=None,
    administrator=False,
    energy_data=False,
    home_devices=False,
    duns=frozenset(),
)

OPENING = SeedWorld(
    companies=(
        SeedCompany(name="The Desk", kind=Kind.OPERATOR, email="desk@operator.example"),
        SeedCompany(name="ERCOT", kind=Kind.ERCOT, email="desk@ercot.example"),
        SeedCompany(name="PUCT", kind=Kind.PUCT, email="desk@puct.example"),
        SeedCompany(name="Wires", kind=Kind.TDSP, email="desk@wires.example", duns=(SeedDuns(duns=Duns(WIRES)),)),
        SeedCompany(name="Gulf", kind=Kind.TDSP, email="desk@gulf.example", duns=(SeedDuns(duns=Duns(GULF)),)),
        SeedCompany(
            name="Lone Star",
            kind=Kind.REP,
            email="desk@lonestar.example",
            duns=(SeedDuns(duns=Duns(POOL[0])), SeedDuns(duns=Duns(POOL[1]))),
        ),
        SeedCompany(name="Coaches", kind=Kind.THIRD_PARTY, email="desk@coaches.example"),
    ),
    accounts=(
        person("team.admin", "The Desk", administrator=True),
        person("ercot.user", "ERCOT"),
        person("puct.admin", "PUCT", administrator=True),
        person("wires.admin", "Wires", administrator=True),
        person("wires.user", "Wires"),
        person("gulf.admin", "Gulf", administrator=True),
        person("star.admin", "Lone Star", administrator=True),
        person("star.user", "Lone Star", duns=(Duns(POOL[0]),)),
        person("coach.admin", "Coaches", administrator=True),
        person("maria.customer"),
        person("juan.customer"),
    ),
)


async def settle_template(file: Path, clock: HandClock) -> None:
    """Make the database from which every history begins."""
    database = Database.open(f"sqlite:///{file}")
    await settle(database, clock.now(), OPENING)
    await SqlIntervalStore.opened(database)
    await database.close()
    checkpoint(file)


def checkpoint(file: Path) -> None:
    """Put everything into the file itself, so that it can be copied."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")


@dataclass
class Stage:
    """One history's portal; rows are read over a plain connection of its own."""

    clock: HandClock
    database: Database
    portal: Portal
    engine: Engine
    file: Path
    app: FastAPI
    secrets: dict[int, str] = field(default_factory=dict)
    passwords: int = 0

    def rows(self, statement: Any) -> Sequence[Any]:
        """What a statement finds in what is committed."""
        with self.engine.connect() as connection:
            return connection.execute(statement).all()

    def scalar(self, statement: Any) -> Any:
        """The one value that a statement finds."""
        with self.engine.connect() as connection:
            return connection.execute(statement).scalar()

    def user_id(self, account_id: int) -> str:
        """The user id of an account."""
        found: str = self.scalar(select(accounts.c.user_id).where(accounts.c.id == account_id))
        return found

    async def viewer(self, account_id: int) -> Viewer:
        """Somebody as a request would find him; whoever may not enter is nobody."""
        async with self.database.reading() as connection:
            found = await load_viewer(connection, account_id)
        return found if isinstance(found, Viewer) else REFUSED_AT_THE_DOOR

    async def act(self, account_id: int, change: Callable[[Act, Viewer], Any]) -> Any:
        """Let somebody do something; nobody does nothing."""
        who = await self.viewer(account_id)
        if who is REFUSED_AT_THE_DOOR:
            return None
        return await self.portal.acting.run(actor_of(who), lambda act: change(act, who))

    async def run(self, change: Change[T]) -> T:
        """Let somebody without an account do something."""
        return await self.portal.acting.run(SYSTEM, change)

    async def tell(self, duns: str, notice: MarketNotice) -> None:
        """Let a TDSP tell a notice."""
        sender = await self.portal.market.sender(Duns(duns))
        if sender is not None:
            await self.portal.market.take(sender, [notice], NoticeSource.API)

    async def settle_due(self) -> None:
        """What the portal's loops do at this instant."""
        while await self.portal.acting.run(SYSTEM, expire_due) == AT_ONCE:
            continue
        await self.portal.market.take_effect()

    async def sign_in_first(self, account_id: int) -> None:
        """Somebody signs in with what was mailed to him, and completes what he owes."""
        secret = self.secrets.get(account_id)
        if secret is None:
            return
        origin = Origin(address=self.address())
        user_id = self.user_id(account_id)
        went = await self.portal.door.sign_in(user_id, secret, origin)
        if not isinstance(went, HalfOpened):
            return
        who = await find_unfinished(self.database, went.secret, self.clock.now())
        assert who is not None, "its secret was given out a moment ago"
        await self.portal.first_sign_in.take(who, origin, self.password(), "first_pet", "Rex")

    async def miss(self, account_id: int) -> None:
        """Somebody guesses passwords, five times."""
        for _ in range(5):
            await self.portal.door.sign_in(self.user_id(account_id), "no such password", Origin(address=self.address()))

    async def recover(self, account_id: int) -> None:
        """Somebody answers his security question."""
        await self.portal.recovery.send_password(self.user_id(account_id), "Rex")

    def status(self, account_id: int) -> AccountStatus | None:
        """Where an account stands."""
        found: AccountStatus | None = self.scalar(select(accounts.c.status).where(accounts.c.id == account_id))
        return found

    def address(self) -> str:
        """An address from which nobody came before: the throttle is not what is tried here."""
        self.passwords += 1
        return f"10.{self.passwords >> 16 & 255}.{self.passwords >> 8 & 255}.{self.passwords & 255}"

    def password(self) -> str:
        """A password that nobody had before."""
        self.passwords += 1
        return f"Otter-{self.passwords}-Mauve"

    def begin_at(self, beginning: Path, start: datetime) -> None:
        """Put the database back to a beginning, and its clock too."""
        with closing(sqlite3.connect(beginning)) as source, closing(sqlite3.connect(self.file)) as target:
            source.backup(target)
        self.clock.set(start)
        self.secrets.clear()


@asynccontextmanager
async def standing(beginning: Path, file: Path, start: datetime) -> AsyncIterator[Stage]:
    """A portal over a copy of a settled database; statements stay compiled from one history to the next."""
    shutil.copyfile(beginning, file)
    clock = HandClock(start)
    database = Database.open(f"sqlite:///{file}")
    portal = Portal.over(database, WireBus(), clock, SeededDice(7), GUIDES, passwords=CHEAP)
    engine = create_engine(f"sqlite:///{file}", poolclass=StaticPool)
    app = full_app(portal, await SqlIntervalStore.opened(database), RegisterStore(database))
    try:
        yield Stage(clock, database, portal, engine, file, app)
    finally:
        engine.dispose()
        await database.close()
