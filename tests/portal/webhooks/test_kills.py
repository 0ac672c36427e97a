"""Processes that tell webhooks are killed in the midst of their work: every event arrives, told apart by its id."""

import asyncio
import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random

from sqlalchemy import func, insert, select

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.dice import SystemDice
from gateway.identifiers import RequestId
from portal.accounts.vault import Vault
from portal.companies.tables import companies
from portal.webhooks.events import delivery_row
from portal.webhooks.sender import seal_name
from portal.webhooks.tables import EventKind, webhook_deliveries, webhooks
from tests.portal.webhooks.receiver import receiving
from tests.portal.webhooks.sender_process import KEY
from tests.portal.world import settle

KILLS = 6
PROCESS = Path(__file__).with_name("sender_process.py")
HOOK = RequestId("00000000-0000-7000-8000-000000000001")


async def add_events(database: Database, numbers: range) -> None:
    now = SystemClock().now()
    rows = [delivery_row(HOOK, f"evt_{number}", EventKind.PING, {"number": number}, now) for number in numbers]
    await database.write(lambda connection: connection.execute(insert(webhook_deliveries), rows))


async def waiting(database: Database) -> int:
    async with database.reading() as connection:
        open_ones = select(func.count()).where(webhook_deliveries.c.delivered_at.is_(None))
        return await connection.scalar(open_ones) or 0


async def test_every_event_arrives_however_its_process_is_killed(database_url: str) -> None:
    chance, database, seed = Random(2026), Database.open(database_url), range(12)
    now = SystemClock().now()
    await settle(database, now)
    async with receiving() as receiver:
        async with database.reading() as connection:
            company_id = await connection.scalar(select(companies.c.id).limit(1))
        sealed = Vault(KEY, SystemDice()).seal(b"s" * 32, seal_name(HOOK))
        row = {"id": HOOK, "company_id": company_id, "name": "x", "address": receiver.address, "sealed": sealed}
        await database.write(lambda connection: connection.execute(insert(webhooks), {**row, "made_at": now}))
        left_over = list[int]()
        while len(left_over) < KILLS or await waiting(database):
            if len(left_over) < KILLS:
                await add_events(database, range(len(left_over) * 12, len(left_over) * 12 + len(seed)))
            process = await asyncio.create_subprocess_exec(
                sys.executable, str(PROCESS), database_url, stdout=asyncio.subprocess.PIPE, cwd=Path.cwd(),
                env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            )  # fmt: skip
            assert process.stdout is not None
            assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
            if len(left_over) < KILLS:
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), chance.uniform(0.005, 0.08))
                if process.returncode is None:
                    os.kill(process.pid, signal.SIGKILL)
            await asyncio.wait_for(process.wait(), 60)
            left_over.append(await waiting(database))
    await database.close()
    seen = Counter(got.event_id for got in receiver.got)
    assert any(left_over), "some process died in the middle of its work, or this shows nothing"
    assert set(seen) == {f"evt_{number}" for number in range(KILLS * 12)}
    assert all(got.signed_by("whsec_" + "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=") for got in receiver.got)
