"""One change by somebody at one instant, in one transaction: what it decides, what it notes and what it mails.

Changes of people and companies come one after the other: each takes the head of the audit log before it looks, since
it must add to that log anyway. So nothing that one decides upon changes under it, on either database, and the locks of
two changes never cross.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.database import Database
from portal.audit.log import Actor, ActorKind, Event, Seal, Subject, note
from portal.audit.tables import audit_head
from portal.mail.letters import Letter
from portal.mail.outbox import post
from portal.viewer import Viewer

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A change that goes on: address is the portal's, for the links in its mail."""

    connection: AsyncConnection
    seal: Seal
    actor: Actor
    now: datetime
    address: str

    async def note(
        self,
        action: str,
        subject: Subject,
        cause: str,
        *,
        before: StrEnum | None = None,
        after: StrEnum | None = None,
        comment: str | None = None,
    ) -> None:
        """Add to the audit log what was done."""
        event = Event(
            actor=self.actor, action=action, subject=subject, cause=cause, before=before, after=after, comment=comment
        )
        await note(self.connection, self.seal, event, self.now)

    async def mail(self, letters: Sequence[Letter]) -> None:
        """Post letters: they go out once the change is committed, and not at all otherwise."""
        for letter in letters:
            await post(self.connection, letter, self.now)


Change = Callable[[Act], Awaitable[T]]
"""What is done in one act. It may run again from the start, so it changes nothing but the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Runs changes, each in a transaction of its own."""

    database: Database
    seal: Seal
    clock: Clock
    address: str

    async def run(self, actor: Actor, change: Change[T]) -> T:
        """Do a change as somebody, after those that came before it; returns its value once that is committed."""

        async def job(connection: AsyncConnection) -> T:
            await connection.execute(select(audit_head.c.id).with_for_update())
            now = self.clock.now()
            return await change(
                Act(connection=connection, seal=self.seal, actor=actor, now=now, address=self.address.rstrip("/"))
            )

        return await self.database.write(job)


def actor_of(viewer: Viewer) -> Actor:
    """Somebody who is signed in, as an actor."""
    return Actor(kind=ActorKind.ACCOUNT, words=viewer.user_id, id=viewer.account_id)
