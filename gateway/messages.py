"""Every command and event on the bus, as frozen values: the payload is the value, field by field.

Commands are imperatives and go down to one gateway; events are past tense and come up from one. A Mark numbers what a
gateway reports, so that the portal can receipt it and nothing rests on a broker. Instants carry their offset and
integers fit 64 bits, which is checked where a message is decoded.
"""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import AwareDatetime

from gateway.collected import IntervalsCollected, RegistersCollected, RegistersReported
from gateway.errors import FailureReason
from gateway.han.messages import (
    DescribeDevice,
    DeviceChanged,
    DeviceCommand,
    DeviceReported,
    JoinDevice,
    PingDevice,
    RekeyDevice,
    RemoveDevice,
    RotateNetworkKey,
    Sealed,
    SendNotice,
)
from gateway.han.words import Cause, DeviceInfo
from gateway.identifiers import EsiId, Eui64, GatewayId, MeterNumber, RequestId
from gateway.marks import Mark as Mark
from gateway.marks import OutcomeStatus as OutcomeStatus
from gateway.reads import Age, RegisterRead, Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRead:
    """Read a meter's registers now. Down. The gateway abandons it at deadline_at."""

    id: RequestId
    meter: MeterNumber
    esi_id: EsiId
    requested_at: AwareDatetime
    deadline_at: AwareDatetime


class ReadStage(StrEnum):
    """How far a request has come at the gateway."""

    ACCEPTED = "accepted"
    ON_AIR = "on_air"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadProgressed:
    """A request reached a stage. Up; unnumbered, for people who wait: losing one loses nothing."""

    id: RequestId
    meter: MeterNumber
    stage: ReadStage
    at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEnded:
    """A request's one outcome. Up; numbered and repeated until receipted.

    read and age are present when DONE, reason and detail otherwise; on_air_at is when the driver was first asked, None
    if it never was. next_allowed_at is the exact instant of the next
    permitted read and used_today the successes of this Chicago day, both by the gateway's clock; None where the
    gateway does not know the meter.
    """

    id: RequestId
    meter: MeterNumber
    status: OutcomeStatus
    reason: FailureReason | None
    detail: str
    accepted_at: AwareDatetime | None
    on_air_at: AwareDatetime | None
    ended_at: AwareDatetime
    read: RegisterRead | None
    age: Age | None
    next_allowed_at: AwareDatetime | None
    used_today: Whole | None
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignMeter:
    """Serve a meter from now on: read it through a driver at an address. Down; sent until it has ended.

    A ZigBee meter comes with its install code and is joined first. successes are the instants at which its successful
    reads of the last 26 h were accepted elsewhere: they count in its limit.
    """

    id: RequestId
    meter: MeterNumber
    driver: str
    address: str
    sealed_code: Sealed | None
    successes: tuple[AwareDatetime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawMeter:
    """Serve a meter no more, and tell its successful reads. Down; sent until it has ended."""

    id: RequestId
    meter: MeterNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnded:
    """What became of a command. Up; numbered.

    meter is None if the command was about a whole network. cause, detail and next_step say why it failed or was refused
    (detail also what is left to do after a success); info is a device's answer about itself, round_trip_ms a ping's.
    successes, of a withdrawal, are when the meter's successful reads of the last 26 h were accepted.
    """

    id: RequestId
    meter: MeterNumber | None
    device: Eui64 | None
    status: OutcomeStatus
    cause: Cause | None
    detail: str
    next_step: str | None
    info: DeviceInfo | None
    round_trip_ms: Whole | None
    successes: tuple[AwareDatetime, ...] | None
    ended_at: AwareDatetime
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Everything up to and including this mark is recorded at the portal. Down; cumulative."""

    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """One driver's connection: whether it is up, since when, and the last trouble in words."""

    driver: str
    up: bool
    since: AwareDatetime
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayState:
    """A gateway's birth, its state, or (as last will) its death. Up; retained.

    boot_id is new at every start, so that an old will cannot end a new birth. receipted is the last mark that this
    gateway no longer repeats: a portal whose database was restored from before it must not wait for what it covers.
    sealing_key is the public key to which install codes are sealed (base64), None if it takes none.
    """

    gateway: GatewayId
    online: bool
    boot_id: str
    at: AwareDatetime
    version: str
    meters: Whole
    links: tuple[LinkState, ...]
    receipted: Mark | None = None
    sealing_key: str | None = None


MeterCommand = AssignMeter | WithdrawMeter
Command = DeviceCommand | MeterCommand | RotateNetworkKey
"""What a gateway is asked to do beside reads; CommandEnded answers each."""

Report = (
    ReadEnded
    | CommandEnded
    | DeviceChanged
    | DeviceReported
    | IntervalsCollected
    | RegistersCollected
    | RegistersReported
)
"""What a gateway tells until it is receipted: all of it in one sequence of marks."""

Message = (
    RequestRead
    | Receipt
    | JoinDevice
    | RemoveDevice
    | RekeyDevice
    | PingDevice
    | DescribeDevice
    | SendNotice
    | RotateNetworkKey
    | AssignMeter
    | WithdrawMeter
    | ReadProgressed
    | ReadEnded
    | CommandEnded
    | DeviceChanged
    | DeviceReported
    | IntervalsCollected
    | RegistersCollected
    | RegistersReported
    | GatewayState
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownReport:
    """A report of a kind that this side does not know yet: its sender is newer. Only its number can be taken."""

    kind: str
    mark: Mark
