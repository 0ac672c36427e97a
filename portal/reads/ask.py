"""Asking for reads: many asks decided together, in one transaction that locks their meters.

An ask joins the meter's open read if there is one; otherwise the read policy decides over the meter's successes, and
what it grants becomes a read with its outbox row in the same transaction. The gateway decides again, and finally.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import read_policy
from gateway.clock import Clock
from gateway.database import Instant
from gateway.identifiers import GatewayId, RequestId
from gateway.messages import RequestRead
from gateway.read_policy import ReadLimits, RefusalReason
from portal.meters.tables import meters
from portal.reads.status import OPEN, ReadStatus
from portal.reads.tables import read_askers, read_outbox, reads
from portal.schema import insert_unless_there
from portal.visibility import VisibleMeter

LOOK_BACK = timedelta(hours=25)
"""How far back successes can matter: the longest Chicago day."""


class AskRefusal(StrEnum):
    """Why a read was not asked for."""

    HOUR = "hour"
    DAY = "day"
    NO_GATEWAY = "no_gateway"
    NOT_FOR_YOU = "not_for_you"
    BUSY = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One wish for a read; id becomes the read's if it is granted."""

    id: RequestId
    meter: VisibleMeter
    account_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A read was made of the ask and will be sent; used_today counts the successes of this Chicago day before it."""

    id: RequestId
    used_today: int
    per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The meter is being read already: this is that read."""

    id: RequestId


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """No read. next_allowed_at is the exact instant from which one may be had, None where time does not help."""

    reason: AskRefusal
    words: str
    next_allowed_at: datetime | None = None
    used_today: int | None = None
    per_day: int | None = None


Answer = Asked | Joined | Refused

_LOCK = (
    select(meters.c.id, meters.c.gateway)
    .where(meters.c.id.in_(bindparam("ids", expanding=True)), meters.c.removed_at.is_(None))
    .order_by(meters.c.id)
    .with_for_update()
)
_OPEN_READS = select(reads.c.meter_id, reads.c.id).where(
    reads.c.meter_id.in_(bindparam("ids", expanding=True)), reads.c.status.in_([str(status) for status in OPEN])
)
_SUCCESSES = select(reads.c.meter_id, reads.c.accepted_at).where(
    reads.c.meter_id.in_(bindparam("ids", expanding=True)),
    reads.c.status == ReadStatus.DONE,
    reads.c.accepted_at > bindparam("after", type_=Instant),
)


@dataclass(frozen=True, slots=True)
class Decided:
    """What a transaction made of its asks: an answer for each, in order, and the requests to send once committed."""

    answers: list[Answer]
    requests: list[tuple[GatewayId, RequestRead]]


class _Turn:
    """The state of the meters of one transaction, and the rows that its decisions will add."""

    def __init__(self, clock: Clock, limits: ReadLimits, *, one_in_flight: bool) -> None:
        self.clock = clock
        self.now = clock.now()
        self.limits = limits
        self.one_in_flight = one_in_flight
        self.gateways: dict[int, GatewayId | None] = {}
        self.open: dict[int, RequestId] = {}
        self.successes: dict[int, list[datetime]] = {}
        self.requests: list[tuple[GatewayId, RequestRead]] = []
        self.read_rows: list[dict[str, Any]] = []
        self.asker_rows: list[dict[str, Any]] = []

    async def look(self, connection: AsyncConnection, ids: list[int]) -> None:
        """Lock the meters and learn what matters of them; the time counts from when they are locked."""
        wanted = {"ids": ids}
        self.gateways = {row.id: row.gateway for row in await connection.execute(_LOCK, wanted)}
        self.now = self.clock.now()
        if self.one_in_flight:
            self.open = {row.meter_id: row.id for row in await connection.execute(_OPEN_READS, wanted)}
        since = {"ids": ids, "after": self.now - LOOK_BACK}
        for row in await connection.execute(_SUCCESSES, since):
            self.successes.setdefault(row.meter_id, []).append(row.accepted_at)

    def decide(self, ask: Ask) -> Answer:
        """Join, grant or refuse one ask, knowing those before it."""
        meter = ask.meter
        gateway = self.gateways.get(meter.id)
        if gateway is None:
            words = "No gateway reaches this meter, so it cannot be read on demand. Its TDSP can tell why."
            return Refused(reason=AskRefusal.NO_GATEWAY, words=words)
        if self.one_in_flight and meter.id in self.open:
            self._note_asker(self.open[meter.id], ask.account_id)
            return Joined(id=self.open[meter.id])
        successes = self.successes.get(meter.id, ())
        verdict = read_policy.decide(successes, self.now, self.limits)
        if isinstance(verdict, read_policy.Refused):
            next_at = read_policy.next_allowed(successes, self.now, self.limits)
            return refused(verdict, next_at, self.limits)
        self._grant(ask, gateway)
        return Asked(id=ask.id, used_today=verdict.used_today, per_day=self.limits.reads_per_day)

    def _grant(self, ask: Ask, gateway: GatewayId) -> None:
        request = RequestRead(
            id=ask.id,
            meter=ask.meter.number,
            esi_id=ask.meter.esi_id,
            requested_at=self.now,
            deadline_at=self.now + timedelta(seconds=self.limits.deadline_s),
        )
        self.open[ask.meter.id] = ask.id
        self.requests.append((gateway, request))
        self.read_rows.append(
            {
                "id": request.id,
                "meter_id": ask.meter.id,
                "meter": request.meter,
                "esi_id": request.esi_id,
                "gateway": gateway,
                "status": ReadStatus.QUEUED,
                "asked_at": request.requested_at,
                "deadline_at": request.deadline_at,
            }
        )
        self._note_asker(ask.id, ask.account_id)

    def _note_asker(self, read_id: RequestId, account_id: int) -> None:
        self.asker_rows.append({"read_id": read_id, "account_id": account_id, "asked_at": self.now})

    async def keep(self, connection: AsyncConnection, dialect: str) -> None:
        """Add the rows of what was decided."""
        if self.read_rows:
            await connection.execute(_INSERT_READS, self.read_rows)
            await connection.execute(_INSERT_OUTBOX, [{"read_id": row["id"]} for row in self.read_rows])
        if self.asker_rows:
            await connection.execute(_INSERT_ASKERS[dialect], self.asker_rows)


_INSERT_READS = insert(reads)
_INSERT_OUTBOX = insert(read_outbox)
_INSERT_ASKERS = {
    dialect: insert_unless_there(dialect, read_askers, "read_id", "account_id") for dialect in ("sqlite", "postgresql")
}


async def decide_all(
    connection: AsyncConnection, asks: Sequence[Ask], clock: Clock, limits: ReadLimits, *, one_in_flight: bool
) -> Decided:
    """Decide asks in their order and record the decisions."""
    ids = sorted({ask.meter.id for ask in asks})
    turn = _Turn(clock, limits, one_in_flight=one_in_flight)
    await turn.look(connection, ids)
    answers = [turn.decide(ask) for ask in asks]
    await turn.keep(connection, connection.dialect.name)
    return Decided(answers, turn.requests)


def refused(verdict: read_policy.Refused, next_at: datetime, limits: ReadLimits) -> Refused:
    """The policy's refusal in words; next_at is when it would grant."""
    used = f"{verdict.used_today} of {limits.reads_per_day} reads of today are used"
    if verdict.reason is RefusalReason.HOUR:
        words = f"This meter was read within the last hour, and a meter may be read once every hour; {used}."
    else:
        words = f"This meter may not be read again today; {used}."
    return Refused(
        reason=AskRefusal(verdict.reason),
        words=words,
        next_allowed_at=next_at,
        used_today=verdict.used_today,
        per_day=limits.reads_per_day,
    )
