"""Adding to the audit log, and checking that nothing of it was changed or taken away.

A row's seal is an HMAC over its own words and the seal before it. With a key that is kept outside the database nobody
who can only write there can make a chain that holds; what was cut off at the end shows only against a head that was
noted elsewhere (`metergate audit head`).
"""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.audit.tables import audit, audit_head

NOTHING_YET = "0" * 64
PAGE = 1000
_SEALED = tuple(column.name for column in audit.c if column.name != "seal")
MOST_WORDS = 200


class ActorKind(StrEnum):
    """Who acts."""

    ACCOUNT = "account"
    API_KEY = "api_key"
    MARKET = "market"
    SYSTEM = "system"
    OPERATOR = "operator"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acted; words name him where his id means nothing any more."""

    kind: ActorKind
    words: str
    id: int | None = None


SYSTEM = Actor(kind=ActorKind.SYSTEM, words="the portal itself")
"""What happens because its time has come."""
COMMAND_LINE = Actor(kind=ActorKind.OPERATOR, words="the command line of the portal's machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was acted upon: a kind such as `account`, its id, and its name for people."""

    kind: str
    id: int | str
    words: str
    company_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened: the action in words of the code (`account.suspend`), statuses where they changed."""

    actor: Actor
    action: str
    subject: Subject
    cause: str
    before: StrEnum | None = None
    after: StrEnum | None = None
    comment: str | None = None


class Seal:
    """Seals rows under a key, which is kept outside the database; without one the chain shows only accidents."""

    def __init__(self, key: bytes = b"") -> None:
        self._key = key

    def of(self, before: str, row: dict[str, Any]) -> str:
        """The seal of a row behind one of a seal."""
        words = {name: row[name] for name in _SEALED}
        text = json.dumps([before, words], sort_keys=True, default=str, ensure_ascii=False)
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


async def note(connection: AsyncConnection, seal: Seal, event: Event, now: datetime) -> None:
    """Add an event, in the transaction of what it tells."""
    head = (await connection.execute(select(audit_head).with_for_update())).one()
    row = {
        "number": head.number + 1,
        "at": now,
        "actor_kind": event.actor.kind.value,
        "actor_id": event.actor.id,
        "actor": event.actor.words[:MOST_WORDS],
        "action": event.action,
        "subject_kind": event.subject.kind,
        "subject_id": str(event.subject.id),
        "subject": event.subject.words[:MOST_WORDS],
        "company_id": event.subject.company_id,
        "before": None if event.before is None else event.before.value,
        "after": None if event.after is None else event.after.value,
        "cause": event.cause[:MOST_WORDS],
        "comment": event.comment,
    }
    row["seal"] = seal.of(head.seal, row)
    await connection.execute(insert(audit), row)
    await connection.execute(update(audit_head).values(number=row["number"], seal=row["seal"]))


async def entries(connection: AsyncConnection, after: int = 0) -> AsyncIterator[Row[Any]]:
    """All rows behind a number, in order."""
    while True:
        chosen = select(audit).where(audit.c.number > after).order_by(audit.c.number).limit(PAGE)
        rows = (await connection.execute(chosen)).all()
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        after = rows[-1].number


async def first_broken(connection: AsyncConnection, seal: Seal) -> int | None:
    """The number of the first row that is not what was written, or that is missing; None if the whole chain holds."""
    before, expected = NOTHING_YET, 1
    async for row in entries(connection):
        if row.number != expected or not hmac.compare_digest(seal.of(before, dict(row._mapping)), row.seal):
            return expected
        before, expected = row.seal, expected + 1
    head = (await connection.execute(select(audit_head))).one()
    return None if (head.number, head.seal) == (expected - 1, before) else expected
