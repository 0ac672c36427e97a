"""The outbox of mail: a letter is posted in the transaction of what it tells, taken by a sender, and settled.

Of several senders one has a letter at a time: taking it leases it. A sender that dies lets its lease run out; then
another takes the letter, under the same Message-ID. That a mail server took a letter is true whoever says it, so it is
kept at any time; that it did not is believed only from who has the letter now.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Update, and_, delete, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.mail.letters import Attachment, Letter
from portal.mail.tables import letters

MOST_ERROR = 300
_WAITS = and_(letters.c.sent_at.is_(None), letters.c.failed_at.is_(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A letter that a sender has to itself for a while; attempt counts from 1."""

    id: int
    attempt: int
    created_at: datetime
    row: Row[Any]

    def letter(self) -> Letter:
        """What was posted. Raises BadInput if it would not be taken today: others are not to wait for that one."""
        return Letter(
            to=self.row.recipient,
            subject=self.row.subject,
            text=self.row.text,
            html=self.row.html,
            attachments=tuple(Attachment(**each) for each in self.row.attachments),
        )


async def post(connection: AsyncConnection, letter: Letter, now: datetime) -> None:
    """Keep a letter in the caller's transaction: it goes out once that is committed, and not at all otherwise."""
    values = {
        "recipient": letter.to,
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "attachments": [asdict(each) for each in letter.attachments],
        "created_at": now,
        "next_at": now,
    }
    await connection.execute(insert(letters).values(values))


async def is_due(connection: AsyncConnection, now: datetime) -> bool:
    """Whether any letter could be taken now."""
    return bool(await connection.scalar(select(exists().where(_due(now)))))


async def take(connection: AsyncConnection, now: datetime, lease_s: float, most: int) -> list[Taken]:
    """Lease the letters that are due, the longest due first; each is one more attempt."""
    chosen = select(letters).where(_due(now)).order_by(letters.c.next_at, letters.c.id).limit(most)
    rows = (await connection.execute(chosen.with_for_update(skip_locked=True))).all()
    if rows:
        until = now + timedelta(seconds=lease_s)
        leased = update(letters).where(letters.c.id.in_([row.id for row in rows]))
        await connection.execute(leased.values(attempts=letters.c.attempts + 1, leased_until=until))
    return [Taken(id=row.id, attempt=row.attempts + 1, created_at=row.created_at, row=row) for row in rows]


async def note_sent(connection: AsyncConnection, taken: Taken, now: datetime) -> None:
    """A mail server took the letter."""
    sent = update(letters).where(letters.c.id == taken.id, letters.c.sent_at.is_(None))
    await connection.execute(sent.values(sent_at=now, failed_at=None, leased_until=None, error=None))


async def put_back(connection: AsyncConnection, taken: Taken, next_at: datetime, error: str) -> None:
    """The letter is to be tried again at an instant."""
    await connection.execute(_held(taken).values(next_at=next_at, leased_until=None, error=error[:MOST_ERROR]))


async def give_up(connection: AsyncConnection, taken: Taken, now: datetime, error: str) -> None:
    """The letter is not tried again, unless somebody says so."""
    await connection.execute(_held(taken).values(failed_at=now, leased_until=None, error=error[:MOST_ERROR]))


async def try_again(connection: AsyncConnection, letter_id: int, now: datetime) -> bool:
    """Let a letter that failed, or waits for its next try, be tried now; False if there is none to try."""
    waiting = update(letters).where(letters.c.id == letter_id, letters.c.sent_at.is_(None))
    free = or_(letters.c.leased_until.is_(None), letters.c.leased_until <= now)
    # Its attempts are what a sender holds it by, so they are never counted anew.
    return (await connection.execute(waiting.where(free).values(failed_at=None, next_at=now))).rowcount == 1


async def outstanding(connection: AsyncConnection, most: int, *, every: bool) -> Sequence[Row[Any]]:
    """The newest letters that wait or failed, or of all; without their texts."""
    shown = [column for column in letters.c if column.name not in ("text", "html", "attachments")]
    chosen = select(*shown).order_by(letters.c.id.desc()).limit(most)
    return (await connection.execute(chosen if every else chosen.where(letters.c.sent_at.is_(None)))).all()


async def drop_old(connection: AsyncConnection, before: datetime) -> None:
    """Remove letters that were sent or given up before an instant, for they hold what people were told."""
    await connection.execute(delete(letters).where(or_(letters.c.sent_at < before, letters.c.failed_at < before)))


def _due(now: datetime) -> Any:
    free = or_(letters.c.leased_until.is_(None), letters.c.leased_until <= now)
    return and_(_WAITS, letters.c.next_at <= now, free)


def _held(taken: Taken) -> Update:
    """The letter, as long as nobody took it after this sender did."""
    return update(letters).where(letters.c.id == taken.id, letters.c.attempts == taken.attempt, _WAITS)
