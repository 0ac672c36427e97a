"""What gateways say of reads, devices and themselves, recorded a batch at a time in one transaction.

Everything may arrive twice, late or out of order, and from a gateway that lies: an outcome counts only from the
gateway that was asked, for the meter that was asked about; the rest is an incident for the operator. Numbered reports
are receipted only after the commit, and only as far as nothing is missing before them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import GatewayId, RequestId
from gateway.messages import GatewayState, Mark, ReadEnded, ReadProgressed, UnknownReport
from gateway.ports import Delivery
from portal.gateways.incidents import Incident, keep_incidents
from portal.gateways.plausible import fits
from portal.gateways.recording import keep_states, move_marks
from portal.gateways.tables import IncidentKind
from portal.han.recording import DeviceNews, Said, record_devices
from portal.reads.outcomes import END_COLUMNS, STAGE_COLUMNS, columns_of, implausible, implausible_stage
from portal.reads.status import TRANSITIONS, Told, is_open
from portal.reads.tables import read_outbox, reads
from portal.usage.collected import Collected
from portal.webhooks.events import tell
from portal.webhooks.tables import EventKind
from portal.webhooks.told import read_finished

_ROWS = (
    select(reads)
    .where(reads.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(reads.c.id)
    .with_for_update(key_share=True)
)
_UPDATE = update(reads).where(reads.c.id == bindparam("of_read"))
_LEAVE_OUTBOX = delete(read_outbox).where(read_outbox.c.read_id.in_(bindparam("ids", expanding=True)))


@dataclass(slots=True)
class Recorded:
    """What a batch came to: the reads that it spoke of as their rows now are, and the marks to receipt per gateway.

    A read that another process recorded first is among them: whoever waits for it here must hear of it too.
    """

    rows: dict[RequestId, dict[str, Any]] = field(default_factory=dict)
    marks: dict[GatewayId, list[Mark]] = field(default_factory=dict)
    devices: DeviceNews = field(default_factory=DeviceNews)


class _Batch:
    """The rows that a batch speaks of, and what its messages make of them, one after the other."""

    def __init__(self, rows: dict[RequestId, dict[str, Any]], now: datetime) -> None:
        self.rows = rows
        self.now = now
        self.spoken: set[RequestId] = set()
        self.staged: set[RequestId] = set()
        self.ended: set[RequestId] = set()
        self.states: list[GatewayState] = []
        self.reported: dict[tuple[GatewayId, str], set[int]] = {}
        self.receipted: dict[tuple[GatewayId, str], int] = {}
        self.incidents: dict[Incident, str] = {}
        self.of_devices: list[Delivery] = []

    def take(self, delivery: Delivery) -> None:
        """Apply one message."""
        message = delivery.message
        if isinstance(message, ReadProgressed):
            self._progressed(delivery.gateway, message)
        elif isinstance(message, ReadEnded):
            self._ended(delivery.gateway, message)
        elif isinstance(message, GatewayState):
            self._stated(delivery.gateway, message)
        elif isinstance(message, Said):
            if self._numbered(delivery.gateway, message.mark, type(message).__name__):
                self.of_devices.append(delivery)
        elif isinstance(message, Collected):
            self._numbered(delivery.gateway, message.mark, type(message).__name__)
        elif isinstance(message, UnknownReport) and self._numbered(delivery.gateway, message.mark, message.kind):
            words = "a report of a kind that is not known here: the gateway is newer than this portal"
            self._refuse(delivery.gateway, IncidentKind.UNKNOWN_REPORT, message.kind, words)

    def _numbered(self, gateway: GatewayId, mark: Mark, subject: str) -> bool:
        """Note the number of a report; one that cannot be kept is an incident."""
        if not fits(mark):
            self._refuse(gateway, IncidentKind.IMPLAUSIBLE, subject, "a mark out of range")
            return False
        self.reported.setdefault((gateway, mark.journal), set()).add(mark.seq)
        return True

    def _stated(self, gateway: GatewayId, message: GatewayState) -> None:
        if message.gateway != gateway:
            self._refuse(gateway, IncidentKind.FALSE_NAME, message.gateway, "a state under another's name")
            return
        self.states.append(message)
        mark = message.receipted
        if mark is not None and fits(mark):
            place = gateway, mark.journal
            self.receipted[place] = max(mark.seq, self.receipted.get(place, 0))

    def _progressed(self, gateway: GatewayId, message: ReadProgressed) -> None:
        if fault := implausible_stage(message, self.now):
            self._refuse(gateway, IncidentKind.IMPLAUSIBLE, message.id, fault)
            return
        row = self._owned(gateway, message)
        if row is None or not is_open(row["status"]):
            return
        column = f"{message.stage}_at"
        row[column] = row[column] or message.at
        row["status"] = TRANSITIONS.get((row["status"], Told(message.stage)), row["status"])
        self.staged.add(message.id)

    def _ended(self, gateway: GatewayId, message: ReadEnded) -> None:
        if not self._numbered(gateway, message.mark, message.id):
            return
        if fault := implausible(message, self.now):
            self._refuse(gateway, IncidentKind.IMPLAUSIBLE, message.id, fault)
            return
        row = self._owned(gateway, message)
        if row is None:
            return
        status = TRANSITIONS.get((row["status"], Told(message.status)))
        if status is None:
            return
        row |= columns_of(message)
        if message.accepted_at is not None:
            # The hour that is offered here runs on our clock, however far off the gateway's is.
            row["accepted_at"] = min(max(message.accepted_at, row["asked_at"]), self.now)
            if message.next_allowed_at is not None:
                row["next_allowed_at"] = message.next_allowed_at + (row["accepted_at"] - message.accepted_at)
        row["on_air_at"] = message.on_air_at or row["on_air_at"]
        row["status"], row["recorded_at"] = status, self.now
        self.ended.add(message.id)

    def _owned(self, gateway: GatewayId, message: ReadProgressed | ReadEnded) -> dict[str, Any] | None:
        """The read that a message speaks of, if this gateway was asked for it; otherwise an incident."""
        row = self.rows.get(message.id)
        if row is None:
            self._refuse(gateway, IncidentKind.UNKNOWN_READ, message.id, "a read that was never asked for")
        elif row["gateway"] != gateway or row["meter"] != message.meter:
            self._refuse(gateway, IncidentKind.FOREIGN_READ, message.id, "a read that was asked of another gateway")
        else:
            self.spoken.add(message.id)
            return row
        return None

    def _refuse(self, gateway: GatewayId, kind: IncidentKind, subject: str, words: str) -> None:
        self.incidents[Incident(gateway=gateway, kind=kind, subject=subject)] = words

    async def keep(self, connection: AsyncConnection, most_incidents: int) -> Recorded:
        """Write what changed: one statement for all stages, one for all ends."""
        staged, ended = sorted(self.staged - self.ended), sorted(self.ended)
        if staged:
            await connection.execute(_UPDATE, [self._columns(read_id, STAGE_COLUMNS) for read_id in staged])
        if ended:
            columns = (*STAGE_COLUMNS, *END_COLUMNS)
            await connection.execute(_UPDATE, [self._columns(read_id, columns) for read_id in ended])
            await connection.execute(_LEAVE_OUTBOX, {"ids": ended})
            told = [read_finished(self.rows[read_id]) for read_id in ended]
            await tell(connection, EventKind.READ_FINISHED, told, self.now)
        devices = await record_devices(connection, self.of_devices, self.now)
        marks = await move_marks(connection, self.reported, self.receipted, self.now)
        self.incidents |= devices.incidents | await keep_states(connection, self.states, self.now)
        await keep_incidents(connection, self.incidents, self.now, most_incidents)
        rows = {read_id: self.rows[read_id] for read_id in sorted(self.spoken)}
        return Recorded(rows=rows, marks=marks, devices=devices)

    def _columns(self, read_id: RequestId, names: Sequence[str]) -> dict[str, Any]:
        row = self.rows[read_id]
        return {"of_read": read_id, **{name: row[name] for name in names}}


async def record(
    connection: AsyncConnection,
    deliveries: Sequence[Delivery],
    now: datetime,
    most_incidents: int,
    sent_at: Callable[[RequestId], datetime | None] = lambda _: None,
    refused: Mapping[Incident, str] = MappingProxyType({}),
) -> Recorded:
    """Apply a batch of messages, in order. Running it again with the same messages changes nothing more.

    sent_at tells when this process sent a read's request, for the reads that end before that is written down. Of what
    was collected only the marks move here: whoever calls has kept it, and names as refused what was not believed.
    """
    speaking = (d.message for d in deliveries)
    ids = sorted({message.id for message in speaking if isinstance(message, ReadProgressed | ReadEnded)})
    rows = {row["id"]: dict(row) for row in (await connection.execute(_ROWS, {"ids": ids})).mappings()} if ids else {}
    for read_id, row in rows.items():
        row["sent_at"] = row["sent_at"] or sent_at(read_id)
    batch = _Batch(rows, now)
    batch.incidents.update(refused)
    for delivery in deliveries:
        batch.take(delivery)
    return await batch.keep(connection, most_incidents)
