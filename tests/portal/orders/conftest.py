"""Fixtures of report orders: the small world with usage in it, a portal over it, and a worker beside it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.database import Database
from gateway.dice import SeededDice
from portal.accounts.presets import Preset
from portal.context import Portal
from portal.files.settings import FilesSettings
from portal.orders.settings import OrderSettings
from portal.settings import PortalSettings
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from tests.clock import HandClock
from tests.portal.conftest import running
from tests.portal.orders.stand import Stand, keep_usage
from tests.portal.wire import WireBus
from tests.portal.world import CHEAP


@pytest.fixture
async def stand(database: Database, clock: HandClock, tmp_path: Path) -> Stand:
    """The world's database with usage of its meters, and a folder for files."""
    intervals, registers = await SqlIntervalStore.opened(database), RegisterStore(database)
    await keep_usage(intervals, registers, clock.now())
    return Stand(database=database, clock=clock, root=tmp_path / "files", intervals=intervals, registers=registers)


@pytest.fixture
async def portal(stand: Stand, bus: WireBus) -> AsyncIterator[Portal]:
    """A portal that takes orders of up to four meters, three of them open at once."""
    settings = PortalSettings(
        preset=Preset.SMT,
        files=FilesSettings(folder=stand.root),
        orders=OrderSettings(most_meters=4, most_open=3),
    )
    portal = Portal.over(
        stand.database,
        bus,
        stand.clock,
        SeededDice(7),
        settings,
        passwords=CHEAP,
        intervals=stand.intervals,
        registers=stand.registers,
    )
    async with running(portal):
        yield portal
