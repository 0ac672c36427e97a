"""What travels about home-area devices: commands down to the gateway that serves their meter, reports up from it.

Every command has the id under which its end is told, and is abandoned at deadline_at. Every report is numbered and
repeated until receipted. An install code travels only sealed to the gateway's key (gateway.han.sealing).
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AwareDatetime, Field

from gateway.han.notices import Heard, Notice
from gateway.han.words import Cause, DeviceInfo, Stage
from gateway.identifiers import Eui64, MeterNumber, RequestId
from gateway.marks import Mark

Sealed = Annotated[str, Field(min_length=1, max_length=400, pattern=r"^[A-Za-z0-9_-]+$")]
"""An install code that only one gateway can open, for one device and one request; URL-safe base64."""
WindowS = Annotated[int, Field(ge=1, le=254)]
"""How long a network stays open for a device, s; 255 would mean for ever (ZigBee specification, 2.4.3.3.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinDevice:
    """Bring a device onto a meter's network. Down."""

    id: RequestId
    meter: MeterNumber
    device: Eui64
    sealed_code: Sealed
    window_s: WindowS
    requested_at: AwareDatetime
    deadline_at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveDevice:
    """Take a device off its network, or cancel its open join. Down."""

    id: RequestId
    meter: MeterNumber
    device: Eui64
    requested_at: AwareDatetime
    deadline_at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RekeyDevice:
    """Establish a new link key with a device. Down."""

    id: RequestId
    meter: MeterNumber
    device: Eui64
    requested_at: AwareDatetime
    deadline_at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PingDevice:
    """Ask a device for a sign of life. Down."""

    id: RequestId
    meter: MeterNumber
    device: Eui64
    requested_at: AwareDatetime
    deadline_at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeDevice:
    """Ask a device about itself anew. Down."""

    id: RequestId
    meter: MeterNumber
    device: Eui64
    requested_at: AwareDatetime
    deadline_at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SendNotice:
    """Tell one device of a meter, or all of them (None), a text, a price or a load-control event. Down."""

    id: RequestId
    meter: MeterNumber
    device: Eui64 | None
    notice: Annotated[Notice, Field(discriminator="kind")]
    requested_at: AwareDatetime
    deadline_at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateNetworkKey:
    """Give a driver's network a new network key. Down. driver may be None where only one forms a network."""

    id: RequestId
    driver: str | None
    requested_at: AwareDatetime
    deadline_at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChanged:
    """A device reached a stage: an entry of its timeline. Up; numbered.

    request is the command that led there, None if the device did it by itself; cause and next_step stand with a
    failure, info with what an interview found.
    """

    request: RequestId | None
    meter: MeterNumber
    device: Eui64
    stage: Stage
    at: AwareDatetime
    cause: Cause | None
    detail: str
    next_step: str | None
    info: DeviceInfo | None
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReported:
    """A device said or did something, or was told something. Up; numbered.

    meter is None for a device that belongs to none, such as a stranger that was turned away.
    """

    meter: MeterNumber | None
    device: Eui64
    heard: Heard
    mark: Mark


DeviceCommand = JoinDevice | RemoveDevice | RekeyDevice | PingDevice | DescribeDevice | SendNotice
