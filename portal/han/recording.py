"""What gateways say of devices and of commands, recorded within the listener's transaction.

It may arrive twice, late or out of order, and from a gateway that lies. A command's end counts only from the gateway
that was asked; a device's word only from the gateway that serves its meter, or is being left, or takes it over; and a
device goes to another meter only by a command of ours. The rest is an incident.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import and_, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.han.messages import DeviceChanged, DeviceReported
from gateway.han.states import GONE
from gateway.han.words import DeviceInfo
from gateway.identifiers import Eui64, GatewayId, MeterNumber, RequestId
from gateway.messages import Command, CommandEnded, OutcomeStatus
from gateway.ports import Delivery
from portal.gateways.incidents import Incident
from portal.gateways.plausible import implausible_instant
from portal.gateways.tables import IncidentKind
from portal.gateways.words import clean
from portal.han.commands import leave_outbox, tell_joins
from portal.han.status import TRANSITIONS, CommandKind, Told
from portal.han.tables import han_commands, han_devices, han_reports, han_timeline
from portal.meters import assignment
from portal.meters.steps import Step
from portal.meters.tables import meter_assignments, meters
from portal.schema import insert_unless_there

DETAIL = 300
NEXT_STEP = 200
_INFO = TypeAdapter(DeviceInfo)
_COMMANDS = (
    select(han_commands).where(han_commands.c.id.in_(bindparam("ids", expanding=True))).order_by(han_commands.c.id)
)
_METERS = (
    select(
        meters.c.id,
        meters.c.number,
        meters.c.gateway,
        meter_assignments.c.step,
        meter_assignments.c.gateway.label("leaving"),
        meter_assignments.c.to_gateway,
    )
    .outerjoin(meter_assignments, meter_assignments.c.meter_id == meters.c.id)
    .where(meters.c.number.in_(bindparam("numbers", expanding=True)), meters.c.removed_at.is_(None))
)
_DEVICES = select(han_devices).where(han_devices.c.device.in_(bindparam("devices", expanding=True)))
_ENTRY = {
    dialect: insert_unless_there(dialect, han_timeline, "gateway", "journal", "seq")
    for dialect in ("sqlite", "postgresql")
}
_REPORT = {
    dialect: insert_unless_there(dialect, han_reports, "gateway", "journal", "seq")
    for dialect in ("sqlite", "postgresql")
}

Said = CommandEnded | DeviceChanged | DeviceReported


@dataclass(slots=True)
class DeviceNews:
    """What a batch came to: the commands that ended, whatever changed by its id, and the commands to send now."""

    ended: list[RequestId] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    to_send: list[tuple[GatewayId, Command]] = field(default_factory=list)
    incidents: dict[Incident, str] = field(default_factory=dict)


async def record_devices(connection: AsyncConnection, deliveries: Sequence[Delivery], now: datetime) -> DeviceNews:
    """Record what a batch says of devices and commands, in order; doing so again changes nothing more."""
    told = [(each.gateway, each.message, each.sent_at) for each in deliveries if isinstance(each.message, Said)]
    news = DeviceNews()
    if not told:
        return news
    page = _Page(connection, news, now)
    await page.look([message for _, message, _ in told])
    for gateway, message, sent_at in told:
        if isinstance(message, CommandEnded):
            await page.command_ended(gateway, message, now - sent_at if sent_at else timedelta())
        elif isinstance(message, DeviceChanged):
            await page.device_changed(gateway, message)
        else:
            await page.device_reported(gateway, message)
    return news


class _Page:
    """The rows that a batch speaks of, and what its messages make of them, one after the other."""

    def __init__(self, connection: AsyncConnection, news: DeviceNews, now: datetime) -> None:
        self.connection = connection
        self.dialect = connection.dialect.name
        self.news = news
        self.now = now
        self.commands: dict[RequestId, dict[str, Any]] = {}
        self.meters: dict[MeterNumber, Any] = {}
        self.devices: dict[Eui64, dict[str, Any]] = {}

    async def look(self, told: Iterable[Said]) -> None:
        """Load what a batch speaks of, the commands locked."""
        ids, numbers, devices = set[str](), set[str](), set[str]()
        for message in told:
            numbers |= {message.meter} if message.meter else set()
            ids |= {message.id} if isinstance(message, CommandEnded) else set()
            if isinstance(message, DeviceChanged):
                ids |= {message.request} if message.request else set()
                devices.add(message.device)
        rows = await self.connection.execute(_COMMANDS.with_for_update(), {"ids": sorted(ids)})
        self.commands = {row["id"]: dict(row) for row in rows.mappings()}
        for row in await self.connection.execute(_METERS, {"numbers": sorted(numbers)}):
            self.meters[row.number] = row
        for each in (await self.connection.execute(_DEVICES, {"devices": sorted(devices)})).mappings():
            self.devices[each["device"]] = dict(each)

    async def command_ended(self, gateway: GatewayId, message: CommandEnded, ahead: timedelta) -> None:
        """A command's end; our own giving up is replaced by it, an end is not."""
        if fault := implausible_instant("ended_at", message.ended_at, self.now):
            self._refuse(gateway, IncidentKind.IMPLAUSIBLE, message.id, fault)
            return
        row = self.commands.get(message.id)
        if row is None:
            self._refuse(gateway, IncidentKind.UNKNOWN_COMMAND, message.id, "the end of a command that nobody gave")
            return
        if (row["gateway"], row["meter"], row["device"]) != (gateway, message.meter, message.device):
            words = "the end of a command that was given to another gateway"
            self._refuse(gateway, IncidentKind.FOREIGN_COMMAND, message.id, words)
            return
        status = TRANSITIONS.get((row["status"], Told(message.status)))
        self.news.ended.append(message.id)
        if status is None:
            return
        end = {
            "status": status,
            "ended_at": message.ended_at,
            "recorded_at": self.now,
            "cause": message.cause,
            "detail": clean(message.detail, DETAIL),
            "next_step": clean(message.next_step, NEXT_STEP) if message.next_step else None,
            "info": _plain(message.info),
            "round_trip_ms": message.round_trip_ms,
        }
        row |= end
        await self.connection.execute(update(han_commands).where(han_commands.c.id == message.id).values(end))
        await leave_outbox(self.connection, message.id)
        await tell_joins(self.connection, [row], self.now)
        self.news.changed.add(message.id)
        if message.info is not None and message.device is not None and message.status is OutcomeStatus.DONE:
            described = and_(han_devices.c.device == message.device, han_devices.c.meter_id == row["meter_id"])
            await self.connection.execute(update(han_devices).where(described).values(info=_plain(message.info)))
            self.news.changed.add(message.device)
        if row["kind"] in (CommandKind.ASSIGN, CommandKind.WITHDRAW):
            self.news.to_send += await assignment.ended(self.connection, row, message, ahead, self.now)
            self.news.changed.add(row["meter"])

    async def device_changed(self, gateway: GatewayId, message: DeviceChanged) -> None:
        """An entry of a device's timeline; the newest one says where the device is."""
        meter_id = self._meter(gateway, message, message.at)
        if meter_id is None:
            return
        device = self.devices.get(message.device)
        moved = device is not None and device["meter_id"] != meter_id and device["stage"] not in GONE
        if moved and not self._is_ours(gateway, message):
            words = "a device that is at another meter"
            self._refuse(gateway, IncidentKind.FOREIGN_DEVICE, message.device, words)
            return
        entry = {
            "device": message.device,
            "meter_id": meter_id,
            "gateway": gateway,
            "stage": message.stage,
            "cause": message.cause,
            "detail": clean(message.detail, DETAIL),
            "next_step": clean(message.next_step, NEXT_STEP) if message.next_step else None,
            "info": _plain(message.info),
            "journal": message.mark.journal,
            "seq": message.mark.seq,
        }
        added = await self.connection.execute(
            _ENTRY[self.dialect], {**entry, "request_id": message.request, "at": message.at}
        )
        if added.rowcount:
            self.news.changed |= {message.device} | ({message.request} if message.request else set())
            await self._renew({**entry, "changed_at": message.at}, device)

    async def device_reported(self, gateway: GatewayId, message: DeviceReported) -> None:
        """Something that a device said or did."""
        meter_id = None
        if message.meter is not None:
            meter_id = self._meter(gateway, message, message.heard.at)
            if meter_id is None:
                return
        elif fault := implausible_instant("at", message.heard.at, self.now):
            self._refuse(gateway, IncidentKind.IMPLAUSIBLE, message.device, fault)
            return
        row = {
            "device": message.device,
            "meter_id": meter_id,
            "gateway": gateway,
            "answer": message.heard.answer,
            "event": message.heard.event,
            "at": message.heard.at,
            "detail": clean(message.heard.detail, DETAIL),
            "journal": message.mark.journal,
            "seq": message.mark.seq,
        }
        await self.connection.execute(_REPORT[self.dialect], row)
        self.news.changed.add(message.device)

    async def _renew(self, new: dict[str, Any], old: dict[str, Any] | None) -> None:
        """Let the newest entry say how a device stands; what it was like is remembered until it is described anew."""
        if old is not None:
            alike = (old["gateway"], old["journal"]) == (new["gateway"], new["journal"])
            newer = new["seq"] > old["seq"] if alike else new["changed_at"] >= old["changed_at"]
            if not newer:
                return
            new["info"] = new["info"] or old["info"]
            this = han_devices.c.device == new["device"]
            await self.connection.execute(update(han_devices).where(this).values(new))
        else:
            await self.connection.execute(insert(han_devices), new)
        self.devices[new["device"]] = new

    def _meter(self, gateway: GatewayId, message: DeviceChanged | DeviceReported, at: datetime) -> int | None:
        """The meter that a message speaks of, if this gateway may speak of it; otherwise an incident."""
        if fault := implausible_instant("at", at, self.now):
            self._refuse(gateway, IncidentKind.IMPLAUSIBLE, message.device, fault)
            return None
        row = self.meters.get(message.meter) if message.meter else None
        if row is None or not _serves(gateway, row):
            words = "a device of a meter that this gateway does not serve"
            self._refuse(gateway, IncidentKind.FOREIGN_DEVICE, message.device, words)
            return None
        meter_id: int = row.id
        return meter_id

    def _is_ours(self, gateway: GatewayId, message: DeviceChanged) -> bool:
        """Whether a command of ours asked for what a device is said to have done."""
        row = self.commands.get(message.request) if message.request else None
        if row is None or row["gateway"] != gateway or row["meter"] != message.meter:
            return False
        return row["device"] == message.device or row["kind"] is CommandKind.ASSIGN

    def _refuse(self, gateway: GatewayId, kind: IncidentKind, subject: str, words: str) -> None:
        self.news.incidents[Incident(gateway=gateway, kind=kind, subject=subject)] = words


def _serves(gateway: GatewayId, row: Any) -> bool:
    """Whether a gateway serves a meter, is being left by it, or takes it over."""
    if row.gateway == gateway:
        return True
    if row.step is Step.WITHDRAWING:
        return bool(row.leaving == gateway)
    return row.step is Step.ASSIGNING and bool(row.to_gateway == gateway)


def _plain(info: DeviceInfo | None) -> Any:
    return None if info is None else _INFO.dump_python(info, mode="json")
