"""Senders die at any step, and every letter is in the mailbox once: leases bring it back, its Message-ID tells twins.

Dying is a stop that no handler of the sender sees: what the database committed and the mail server took stands, the
rest is gone. One test stops a sender between its steps, another kills a process of its own.
"""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import SystemClock
from gateway.database import Database, Job
from portal.mail.letters import Letter
from portal.mail.mail_receiver import receiving
from portal.mail.mailbox import Mailbox
from portal.mail.outbox import post
from portal.mail.sender import MailSender
from portal.mail.settings import MailSettings, Protection
from portal.mail.tables import letters
from portal.mail.transport import SmtpTransport, Undelivered
from portal.orders.files import may_go
from tests.clock import HandClock
from tests.portal.mail.post_office import post_office
from tests.portal.world import settle

KILLS = 30
PROCESS_KILLS = 8
LETTERS = 12
SENDER = Path(__file__).with_name("sender_process.py")


class Killed(BaseException):
    """The process is gone."""


class Fate:
    """Kills at the step of that number."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def step(self) -> None:
        """One more step was done."""
        self._left -= 1
        if self._left <= 0:
            raise Killed


class MortalDatabase:
    """A database that its process may not live to hear from: killed before a commit, or after it."""

    def __init__(self, database: Database, fate: Fate) -> None:
        self._database, self._fate = database, fate

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        async with self._database.reading() as connection:
            yield connection

    async def write(self, job: Job[Any]) -> Any:
        self._fate.step()
        done = await self._database.write(job)
        self._fate.step()
        return done


class MortalTransport:
    """A way to the mail server on which the sender may die: before the mail is handed over, or after it was taken."""

    def __init__(self, transport: SmtpTransport, fate: Fate) -> None:
        self._transport, self._fate = transport, fate

    async def send(self, mail: bytes, recipient: str) -> Undelivered | None:
        self._fate.step()
        end = await self._transport.send(mail, recipient)
        self._fate.step()
        return end


async def post_all(database: Database, count: int, now: Any) -> None:
    for number in range(count):
        letter = Letter(to="desk@lonestar.example", subject=f"letter {number}", text="x")
        await database.write(partial(post, letter=letter, now=now))


async def unsent(database: Database) -> int:
    async with database.reading() as connection:
        waiting = select(func.count()).select_from(letters).where(letters.c.sent_at.is_(None))
        return await connection.scalar(waiting) or 0


@pytest.mark.parametrize("seed", range(3))
async def test_every_letter_is_in_the_mailbox_once_whatever_step_its_senders_die_at(
    database: Database, clock: HandClock, tmp_path: Path, seed: int
) -> None:
    chance, kills, began = Random(seed), 0, clock.now()
    await post_all(database, LETTERS, clock.now())
    async with post_office() as office:
        settings = MailSettings(
            host="127.0.0.1", port=office.port, protection=Protection.NONE, letters_at_once=2, most_attempts=1000
        )

        async def live_and_die(sender: MailSender) -> int:
            try:
                while await sender.turn():
                    pass
            except Killed:
                return 1
            return 0

        while await unsent(database) or kills < KILLS:
            assert clock.now() < began + timedelta(days=30), "letters that never go out"
            fates = [Fate(chance.randint(1, 8) if kills < KILLS else 10_000) for _ in range(2)]
            lives = [
                live_and_die(
                    MailSender(
                        MortalDatabase(database, fate),  # type: ignore[arg-type]  # what the sender uses of it
                        MortalTransport(SmtpTransport(settings), fate),
                        clock,
                        settings,
                        tmp_path,
                        may_go,
                    )
                )
                for fate in fates
            ]
            kills += sum(await asyncio.gather(*lives))
            clock.set(clock.now() + timedelta(seconds=settings.lease_s))
            if kills < KILLS and not await unsent(database):
                await post_all(database, 1, clock.now())
    async with database.reading() as connection:
        posted = await connection.scalar(select(func.count()).select_from(letters)) or 0
    seen = Counter(office.identities)
    mailbox = Mailbox(tmp_path / "mailbox", 1000)
    for mail in office.mails:
        mailbox.keep(mail)
    assert kills >= KILLS
    assert len(seen) == posted == len(mailbox.letters())
    assert max(office.at_once.values()) == 1, "no two senders had a letter at the same time"
    assert sum(seen.values()) > posted, "some died between the server's word and their own note, or this shows nothing"


async def test_every_letter_is_in_the_mailbox_once_however_its_process_is_killed(tmp_path: Path) -> None:
    chance = Random(2026)
    database = Database.open(f"sqlite:///{tmp_path}/mail.db")
    await settle(database, SystemClock().now())
    mailbox = Mailbox(tmp_path / "mailbox", 1000)
    left_over = list[int]()
    async with receiving(mailbox, 0) as port:
        while len(left_over) < PROCESS_KILLS or await unsent(database):
            if len(left_over) < PROCESS_KILLS:
                await post_all(database, 4, SystemClock().now())
            process = await asyncio.create_subprocess_exec(
                sys.executable, str(SENDER), f"{tmp_path}/mail.db", str(port), stdout=asyncio.subprocess.PIPE
            )
            assert process.stdout is not None
            assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
            if len(left_over) < PROCESS_KILLS:
                with suppress(TimeoutError):
                    # Some milliseconds into its work: letters are taken, handed over and noted.
                    await asyncio.wait_for(process.wait(), chance.uniform(0.001, 0.06))
                if process.returncode is None:
                    os.kill(process.pid, signal.SIGKILL)
            await asyncio.wait_for(process.wait(), 60)
            left_over.append(await unsent(database))
    async with database.reading() as connection:
        posted = await connection.scalar(select(func.count()).select_from(letters))
    await database.close()
    assert any(left_over), "some process died in the middle of its work, or this shows nothing"
    assert len(mailbox.letters()) == posted
