"""Devices, their timelines, what they said, and the commands to gateways, as they are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from gateway.han.notices import Answer
from gateway.han.words import Cause, DeviceInfo, Stage
from gateway.identifiers import EsiId, Eui64, GatewayId, MeterNumber, RequestId
from portal.han.status import CommandKind, CommandStatus, rank

_INFO: TypeAdapter[DeviceInfo | None] = TypeAdapter(DeviceInfo | None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """A stage that a device reached, at an instant of its gateway's clock; request is None if it did so by itself."""

    stage: Stage
    at: datetime
    request: RequestId | None
    cause: Cause | None
    detail: str | None
    next_step: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device as its gateway last told it, with its timeline at this meter where that was asked for.

    info is what its last interview found. version grows whenever anything of it changes.
    """

    device: Eui64
    stage: Stage
    changed_at: datetime
    cause: Cause | None
    detail: str | None
    next_step: str | None
    info: DeviceInfo | None
    version: int
    timeline: tuple[TimelineEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceWord:
    """Something that a device said or did, or how a notice to it fared; event is the notice's id."""

    id: int
    device: Eui64
    answer: Answer
    event: int | None
    at: datetime
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayCommand:
    """One command to a gateway, and what became of it.

    asked_at and sent_at are by the portal's clock, ended_at by the gateway's. cause, detail and next_step say why it
    failed, was refused or expired, detail also what is left to do after a success; timeline is what its device went
    through for it; version grows with every change. What is about a gateway's whole network has no meter.
    """

    id: RequestId
    kind: CommandKind
    esi_id: EsiId | None
    meter: MeterNumber | None
    gateway: GatewayId
    device: Eui64 | None
    event: int | None
    notice: dict[str, Any] | None
    status: CommandStatus
    asked_at: datetime
    deadline_at: datetime | None
    sent_at: datetime | None
    ended_at: datetime | None
    cause: Cause | None
    detail: str | None
    next_step: str | None
    info: DeviceInfo | None
    round_trip_ms: int | None
    version: int
    timeline: tuple[TimelineEntry, ...]


def entry_of(row: Mapping[str, Any]) -> TimelineEntry:
    """From a row of han_timeline."""
    return TimelineEntry(
        stage=row["stage"],
        at=row["at"],
        request=row["request_id"],
        cause=row["cause"],
        detail=row["detail"],
        next_step=row["next_step"],
    )


def device_of(row: Mapping[str, Any], timeline: Sequence[TimelineEntry], version: int) -> Device:
    """From a row of han_devices."""
    return Device(
        device=row["device"],
        stage=row["stage"],
        changed_at=row["changed_at"],
        cause=row["cause"],
        detail=row["detail"],
        next_step=row["next_step"],
        info=_INFO.validate_python(row["info"]),
        version=version,
        timeline=tuple(timeline),
    )


def command_of(row: Mapping[str, Any], timeline: Sequence[TimelineEntry]) -> GatewayCommand:
    """From a row of han_commands."""
    return GatewayCommand(
        id=row["id"],
        kind=row["kind"],
        esi_id=row["esi_id"],
        meter=row["meter"],
        gateway=row["gateway"],
        device=row["device"],
        event=row["event"],
        notice=row["notice"],
        status=row["status"],
        asked_at=row["asked_at"],
        deadline_at=row["deadline_at"],
        sent_at=row["sent_at"],
        ended_at=row["ended_at"],
        cause=row["cause"],
        detail=row["detail"],
        next_step=row["next_step"],
        info=_INFO.validate_python(row["info"]),
        round_trip_ms=row["round_trip_ms"],
        version=rank(row["status"]) + len(timeline),
        timeline=tuple(timeline),
    )
