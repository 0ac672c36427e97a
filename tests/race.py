"""A thousand callers race for one meter over HTTP, against two portal processes, on both databases.

    python -m tests.race [rounds]

Each round takes a meter that nobody has read. Exactly one read may be executed and one success recorded; everybody
else joins it or is refused with the exact instant of the next. Then the in-flight gate is switched off, and the same
check must fail: a race that cannot be lost proves nothing.
"""

import asyncio
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from sqlalchemy import select

from gateway.database import Database
from portal.reads.tables import reads
from tests.postgres import PrivatePostgres
from tests.stack import Plan, Stack, running

CALLERS = 1000
PORTALS = 2
DATABASES = ("sqlite", "postgresql")
ROUND_S = 120.0
ENDS = ("done", "failed", "refused")


@dataclass(frozen=True)
class Round:
    """What one race came to."""

    answers: Counter[str]
    read_ids: int
    next_times: int
    recorded: int
    successes: int
    executed: int

    @property
    def faults(self) -> list[str]:
        """What is wrong with it, in words."""
        wrong = {
            f"{self.read_ids} reads were handed out": self.read_ids != 1,
            f"{self.recorded} reads were recorded": self.recorded != 1,
            f"{self.successes} successes were recorded": self.successes != 1,
            f"{self.executed} reads were executed": self.executed != 1,
            f"{self.next_times} different next times were told": self.next_times > 1,
            f"unforeseen answers: {dict(self.answers)}": bool(set(self.answers) - {"asked", "joined", "refused"}),
            f"{self.answers['asked']} callers were told that they were first": self.answers["asked"] != 1,
        }
        return [words for words, so in wrong.items() if so]


async def race(stack: Stack, database: Database, session: aiohttp.ClientSession, number: int, callers: int) -> Round:
    """Let everybody ask for the meter of that number at once, then look at what was told and done."""
    premise = stack.street[number]
    before = (await stack.executed()).get(premise.meter, 0)
    answers: Counter[str] = Counter()
    ids: set[str] = set()
    times: set[str] = set()

    async def call(caller: int) -> None:
        path = f"/api/v1/meters/{premise.esi_id}/reads"
        async with session.post(stack.url(path, caller % PORTALS)) as answer:
            body = await answer.json()
        if answer.status in (200, 202):
            answers["asked" if answer.status == 202 else "joined"] += 1
            ids.add(body["id"])
        elif answer.status == 429:
            answers["refused"] += 1
            times.add(body["retry_at"])
        else:
            answers[f"{answer.status} {body}"[:200]] += 1

    async with asyncio.timeout(ROUND_S):
        await asyncio.gather(*(call(caller) for caller in range(callers)))
        for read_id in sorted(ids):
            await ended(stack, session, read_id)
    async with database.reading() as connection:
        rows = (await connection.execute(select(reads.c.status).where(reads.c.meter == premise.meter))).all()
    executed = (await stack.executed()).get(premise.meter, 0) - before
    done = sum(row.status == "done" for row in rows)
    return Round(answers, len(ids), len(times), len(rows), done, executed)


async def ended(stack: Stack, session: aiohttp.ClientSession, read_id: str) -> None:
    """Wait for a read's end: a long poll returns at every stage that it reaches."""
    status = "queued"
    while status not in ENDS:
        async with session.get(stack.url(f"/api/v1/reads/{read_id}?wait=20&since={status}")) as answer:
            status = (await answer.json())["status"]


async def races(url: str | None, rounds: int, *, gate: bool, callers: int = CALLERS) -> list[Round]:
    """So many races on an empty database (None: a SQLite file of its own), with or without the in-flight gate."""
    settings = [f"portal.reads.one_in_flight={str(gate).lower()}", "drivers.desk.takes_s=0.05"]
    plan = Plan(meters=rounds, database=url, portals=PORTALS, driver="desk", settings=settings)
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), plan) as stack:
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector) as opening:
                token = await stack.token(opening)
                database = Database.open(stack.database_url)
                headers = {"Authorization": f"Bearer {token}"}
                async with aiohttp.ClientSession(
                    connector=connector, headers=headers, connector_owner=False
                ) as session:
                    found = [await race(stack, database, session, number, callers) for number in range(rounds)]
                await database.close()
    return found


async def main(rounds: int) -> int:
    """Race on every engine; returns how many things went wrong."""
    wrong = 0
    with ExitStack() as exits:
        server = exits.enter_context(PrivatePostgres.started())
        for engine in DATABASES:
            for gate in (True, False):
                url = exits.enter_context(server.fresh_database()) if engine == "postgresql" else None
                found = await races(url, rounds if gate else 3, gate=gate)
                bad = [fault for one in found for fault in one.faults]
                total = sum((one.answers for one in found), Counter[str]())
                _say(f"{engine}, gate {'on' if gate else 'off'}: {len(found)} races of {CALLERS}: {dict(total)}")
                for fault in bad[:5]:
                    _say(f"    {fault}")
                wrong += len(bad) if gate else int(not bad)
                _say("    every race had one read and one success" if not bad else f"    {len(bad)} faults")
    return wrong


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)) else 0)
