"""Reads of simulated meters while portal, gateway and broker are killed with SIGKILL at random moments.

    python -m tests.crash [short]

Waves of reads are asked for over HTTP, and each wave is followed within a moment by a kill and a restart. Then
everything must settle: every accepted request has exactly one outcome, on which portal and gateway agree; no meter
has two successes; no meter executed more reads than were asked of it; no claim is left open. The same storm then
runs without the claim, without the outbox's rule and without receipts, and each time the check must fail.
"""

import asyncio
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from sqlalchemy import select, text

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.dice import SeededDice
from gateway.journal.tables import requests
from portal.reads.tables import read_outbox, reads
from simulators.processes import Child
from tests.servers import Mosquitto
from tests.stack import Plan, Stack, running

LATENCY_MS = 25
"""A message is so long in the air: an exchange with a meter takes 50 ms."""
CALM_S = 2.0
"""The longest pause between a restart and the next wave."""
SETTLE_S = 150.0
ASK_S = 60.0
OPEN = ("queued", "sent", "accepted", "on_air")
CLOCK = SystemClock()


@dataclass(frozen=True, kw_only=True)
class Storm:
    """How many reads, how many kills of whom, how long the dead stay dead, and under which settings."""

    name: str
    reads: int
    kills: int
    targets: tuple[str, ...] = ("portal", "gateway", "broker")
    outage_s: float = 0.0
    settings: tuple[str, ...] = ()
    settle_s: float = SETTLE_S
    must_fail: bool = False


PATIENT = ("limits.deadline_s=60",)
HASTY = ("limits.deadline_s=2", "portal.reads.grace_s=0.5")


def storms(*, short: bool) -> list[Storm]:
    """The storm with every rule in force, and once without each rule."""
    many, few = (60, 6) if short else (500, 30), (60, 6) if short else (160, 12)
    return [
        Storm(name="every rule in force", reads=many[0], kills=many[1], settings=PATIENT),
        Storm(
            name="without the claim before the radio", reads=few[0], kills=few[1], must_fail=True,
            settings=(*PATIENT, "gateway.claim_first=false"),
        ),
        Storm(
            name="with the outbox ending at the broker's word", reads=few[0], kills=few[1], must_fail=True,
            targets=("gateway", "broker"), settings=(*PATIENT, "portal.reads.outbox_until_result=false"),
        ),
        Storm(
            name="every rule in force, late outcomes", reads=few[0], kills=few[1], targets=("portal",), outage_s=3.0,
            settings=HASTY,
        ),
        Storm(
            name="without receipts, late outcomes", reads=few[0], kills=few[1], targets=("portal",), outage_s=3.0,
            settings=(*HASTY, "gateway.until_receipt=false"), must_fail=True,
        ),
    ]  # fmt: skip


@dataclass
class Tally:
    """What was accepted, and whom the storm killed."""

    accepted: dict[str, str] = field(default_factory=dict)
    killed: Counter[str] = field(default_factory=Counter)


async def ask(stack: Stack, session: aiohttp.ClientSession, number: int, tally: Tally) -> None:
    """Ask until somebody is there to accept it."""
    premise = stack.street[number]
    async with asyncio.timeout(ASK_S):
        while premise.esi_id not in tally.accepted:
            try:
                async with session.post(stack.url(f"/api/v1/meters/{premise.esi_id}/reads")) as answer:
                    if answer.status in (200, 202):
                        tally.accepted[premise.esi_id] = (await answer.json())["id"]
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


async def strike(stack: Stack, target: str, storm: Storm, tally: Tally) -> None:
    """Kill one and start it again."""
    tally.killed[target] += 1
    victims: dict[str, Child | Mosquitto] = {
        "portal": stack.portals[0], "gateway": stack.gateway, "broker": stack.broker,
    }  # fmt: skip
    victim = victims[target]
    await victim.kill()
    await asyncio.sleep(storm.outage_s)
    await victim.start()


async def rage(stack: Stack, storm: Storm) -> Tally:
    """Waves of reads, each with a kill among them."""
    rolls = SeededDice(5).stream(storm.name)
    tally = Tally()
    async with aiohttp.ClientSession() as opening:
        token = await stack.token(opening)
    size = -(-storm.reads // storm.kills)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=10)) as session:
        for wave in range(storm.kills):
            numbers = range(wave * size, min((wave + 1) * size, storm.reads))
            asking = [asyncio.create_task(ask(stack, session, number, tally)) for number in numbers]
            await asyncio.sleep(rolls.uniform(0.0, 0.15))
            await strike(stack, storm.targets[rolls.randrange(len(storm.targets))], storm, tally)
            await asyncio.gather(*asking)
            await asyncio.sleep(rolls.uniform(0.0, CALM_S))
    return tally


async def settled(portal: Database, journal: Database, settle_s: float) -> bool:
    """Wait until no read is open anywhere and everything is receipted; false if that does not come in time."""
    unreceipted = text("select count(*) from requests, counters where requests.seq > counters.receipted_seq")
    until = CLOCK.monotonic() + settle_s
    while CLOCK.monotonic() < until:
        async with portal.reading() as connection:
            waiting = len((await connection.execute(select(reads.c.id).where(reads.c.status.in_(OPEN)))).all())
        async with journal.reading() as connection:
            waiting += await connection.scalar(unreceipted) or 0
            waiting += len((await connection.execute(select(requests.c.id).where(requests.c.status == "open"))).all())
        if not waiting:
            return True
        await asyncio.sleep(0.5)
    return False


async def faults(stack: Stack, storm: Storm, tally: Tally) -> tuple[list[str], Counter[str]]:
    """Look at both databases and at the meters: what is wrong, and how the reads ended."""
    portal, journal = Database.open(stack.database_url), Database.open(f"sqlite:///{stack.folder}/gateway.db")
    calm = await settled(portal, journal, storm.settle_s)
    async with portal.reading() as connection:
        told = {row.id: row for row in await connection.execute(select(reads))}
        left = len((await connection.execute(select(read_outbox))).all())
    async with journal.reading() as connection:
        did = {row.id: row for row in await connection.execute(select(requests))}
    executed = await stack.executed()
    await portal.close()
    await journal.close()
    asked = Counter(row.meter for row in told.values())
    successes = [Counter(row.meter for row in rows.values() if row.status == "done") for rows in (told, did)]
    differing = [id_ for id_ in did if id_ in told and (did[id_].status == "done") != (told[id_].status == "done")]
    unfounded = [id_ for id_, row in told.items() if row.status == "done" and id_ not in did]
    never = [id_ for id_, row in told.items() if row.reason == "timeout" and id_ not in did]
    wrong = {
        "it never settled": not calm,
        "an accepted request is not recorded": bool(set(tally.accepted.values()) - set(told)),
        f"{sum(row.status in OPEN for row in told.values())} requests have no outcome": any(
            row.status in OPEN for row in told.values()
        ),
        f"{left} requests are still in the outbox": left > 0,
        f"{sum(row.status == 'open' for row in did.values())} claims are open": any(
            row.status == "open" for row in did.values()
        ),
        "a meter has two successes within the hour": any(max(each.values(), default=0) > 1 for each in successes),
        "meters executed more reads than were asked of them": any(executed[m] > asked[m] for m in executed),
        "a meter has more successes than it executed reads": any(
            count > executed.get(meter, 0) for each in successes for meter, count in each.items()
        ),
        f"portal and gateway differ about {len(differing)} reads": bool(differing),
        f"{len(unfounded)} successes are not in the gateway's journal": bool(unfounded),
        f"{len(set(did) - set(told))} requests of the gateway are not recorded": bool(set(did) - set(told)),
        f"{len(never)} requests never reached the gateway": bool(never) and "limits.deadline_s=2" not in storm.settings,
    }
    ends = Counter(f"{row.status}{f' ({row.reason})' if row.reason else ''}" for row in told.values())
    return [words for words, so in wrong.items() if so], ends


async def run(storm: Storm) -> bool:
    """One storm; whether it came out as it must."""
    began = CLOCK.monotonic()
    plan = Plan(meters=storm.reads, latency_ms=LATENCY_MS, settings=storm.settings)
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder), plan) as stack:
            tally = await rage(stack, storm)
            found, ends = await faults(stack, storm, tally)
    well = bool(found) == storm.must_fail
    say(f"{'ok  ' if well else 'FAIL'} {storm.name}: {storm.reads} reads, {dict(tally.killed)} killed, {dict(ends)}")
    for fault in found:
        say(f"       {fault}{' (as it must)' if storm.must_fail else ''}")
    say(f"       {CLOCK.monotonic() - began:.0f} s")
    return well


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(*, short: bool) -> int:
    """Every storm; returns how many came out wrong."""
    results = [await run(storm) for storm in storms(short=short)]
    return results.count(False)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(short="short" in sys.argv[1:])))
