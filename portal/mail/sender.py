"""Sending what waits in the outbox: taken by lease, handed to the mail server, settled; again with growing pauses."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.database import Database
from gateway.errors import BadInput
from portal.files.folders import read_inside
from portal.mail.letters import Letter
from portal.mail.mail_text import mail_bytes, message_id
from portal.mail.outbox import Taken, drop_old, give_up, is_due, note_sent, put_back, take
from portal.mail.settings import MailSettings
from portal.mail.transport import Transport, Undelivered

log = logging.getLogger(__name__)

MayGo = Callable[[AsyncConnection, str, datetime], Awaitable[bool]]
"""Whether a file, by its path in the folder of files, may leave by mail at an instant."""
TIDY_S = 3600.0
LEASE_SHARE = 0.8
"""The part of its lease that a sender uses at most, so that it does not speak for a letter that is another's again."""


def pause_s(attempt: int, settings: MailSettings) -> float:
    """How long a letter rests after its attempt of that number, which counts from 1."""
    return float(min(settings.retry_first_s * 2 ** min(attempt - 1, 40), settings.retry_last_s))


class MailSender:
    """One sender among any number on one database. Without a transport letters wait, and the log says so once."""

    def __init__(
        self,
        database: Database,
        transport: Transport | None,
        clock: Clock,
        settings: MailSettings,
        folder: Path,
        may_go: MayGo,
    ) -> None:
        self._database = database
        self._transport = transport
        self._clock = clock
        self._settings = settings
        self._folder = folder
        self._may_go = may_go
        self._told = False
        self._tidied_s: float | None = None

    async def run(self) -> None:
        """Send what is due, until cancelled."""
        while True:
            await self._tidy()
            if not await self.turn():
                await self._clock.sleep(self._settings.look_s)

    async def turn(self) -> int:
        """Take what is due, up to a number, and send it; returns how many that were."""
        now = self._clock.now()
        async with self._database.reading() as connection:
            if not await is_due(connection, now):
                return 0
        if self._transport is None:
            self._tell_once()
            return 0
        taking = partial(take, now=now, lease_s=self._settings.lease_s, most=self._settings.letters_at_once)
        taken = await self._database.write(taking)
        ends = await asyncio.gather(*(self._deliver(each, self._transport) for each in taken), return_exceptions=True)
        for end in ends:  # only now, so that one letter's fault does not cut off another halfway
            if isinstance(end, BaseException):
                raise end
        return len(taken)

    def _tell_once(self) -> None:
        if not self._told:
            log.warning("letters wait: no mail server is configured (portal.mail.host); metergate mail list shows them")
            self._told = True

    async def _deliver(self, taken: Taken, transport: Transport) -> None:
        try:
            letter = taken.letter()
            await self._check(letter)
            mail = await asyncio.get_running_loop().run_in_executor(None, self._mail_of, taken, letter)
            async with asyncio.timeout(self._settings.lease_s * LEASE_SHARE):
                trouble = await transport.send(mail, letter.to)
        except TimeoutError:
            trouble = Undelivered(words="the mail server took longer than a letter may take")
        except BadInput as error:
            trouble = Undelivered(words=str(error), final=True)
        except Exception as error:  # the edge of a letter's task: whatever is wrong with it, the others go out
            log.exception("letter %d met a fault", taken.id)
            trouble = Undelivered(words=f"a fault of ours: {type(error).__name__}; the log has more")
        await self._settle(taken, trouble)

    async def _check(self, letter: Letter) -> None:
        """Raises BadInput for an attachment that may not go out any more: a letter can have waited for days."""
        if letter.attachments:
            async with self._database.reading() as connection:
                for each in letter.attachments:
                    if not await self._may_go(connection, each.path, self._clock.now()):
                        raise BadInput(f"the attachment {each.name} may not go out any more")

    async def _settle(self, taken: Taken, trouble: Undelivered | None) -> None:
        """Write down what became of an attempt."""
        now = self._clock.now()
        if trouble is None:
            await self._database.write(partial(note_sent, taken=taken, now=now))
            log.info("letter %d was sent", taken.id)
        elif trouble.final or taken.attempt >= self._settings.most_attempts:
            await self._database.write(partial(give_up, taken=taken, now=now, error=trouble.words))
            log.error("letter %d has failed at attempt %d: %s", taken.id, taken.attempt, trouble.words)
        else:
            next_at = now + timedelta(seconds=pause_s(taken.attempt, self._settings))
            await self._database.write(partial(put_back, taken=taken, next_at=next_at, error=trouble.words))
            log.warning("letter %d waits after attempt %d: %s", taken.id, taken.attempt, trouble.words)

    def _mail_of(self, taken: Taken, letter: Letter) -> bytes:
        """The mail's bytes, its attachments read now. Raises BadInput, which trying again would not mend."""
        settings = self._settings
        files = []
        for each in letter.attachments:
            content = read_inside(self._folder, each.path, settings.most_attachment_bytes)
            if content is None:
                raise BadInput(f"the attachment {each.name} is not there any more, or is too large for mail")
            files.append(content)
        identity = message_id(taken.id, taken.created_at, settings.sender)
        return mail_bytes(letter, files, sender=settings.sender, identity=identity, at=taken.created_at)

    async def _tidy(self) -> None:
        """Remove old letters, once an hour."""
        now_s = self._clock.monotonic()
        if self._tidied_s is None or now_s - self._tidied_s >= TIDY_S:
            self._tidied_s = now_s
            before = self._clock.now() - timedelta(days=self._settings.kept_days)
            await self._database.write(partial(drop_old, before=before))
