"""Every command and event on the bus, as frozen values: the payload is the value, field by field.

Commands are imperatives and go down to one gateway; events are past tense and come up from one.
A Mark numbers what a gateway reports, so that the portal can receipt it and nothing rests on a broker.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.errors import FailureReason
from gateway.identifiers import EsiId, GatewayId, MeterNumber, RequestId
from gateway.reads import Age, RegisterRead


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRead:
    """Read a meter's registers now. Down. The gateway abandons it at deadline_at."""

    id: RequestId
    meter: MeterNumber
    esi_id: EsiId
    requested_at: datetime
    deadline_at: datetime


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
    at: datetime


class OutcomeStatus(StrEnum):
    """How a request ended. Only DONE counts against the limit."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A gateway's running number for what it reports: seq counts from 1 within one journal."""

    journal: str
    seq: int


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
    accepted_at: datetime | None
    on_air_at: datetime | None
    ended_at: datetime
    read: RegisterRead | None
    age: Age | None
    next_allowed_at: datetime | None
    used_today: int | None
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
    since: datetime
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayState:
    """A gateway's birth, its state, or (as last will) its death. Up; retained.

    boot_id is new at every start, so that an old will cannot end a new birth. receipted is the last mark that this
    gateway no longer repeats: a portal whose database was restored from before it must not wait for what it covers.
    """

    gateway: GatewayId
    online: bool
    boot_id: str
    at: datetime
    version: str
    meters: int
    links: tuple[LinkState, ...]
    receipted: Mark | None = None


Message = RequestRead | ReadProgressed | ReadEnded | Receipt | GatewayState
