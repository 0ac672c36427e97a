"""An on-demand read as it is shown: stages, value, age and, where there is no value, why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.errors import FailureReason
from gateway.identifiers import EsiId, MeterNumber, RequestId
from gateway.reads import Age, MeterFlag, RegisterRead, Scale
from portal.reads.status import ReadStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDemandRead:
    """One request for a read, and what became of it.

    asked_at and sent_at are by the portal's clock, accepted_at, on_air_at and ended_at by the gateway's. value and age
    are present when done, reason and detail when failed or refused; next_allowed_at and used_today are the gateway's
    word once it ended. None is not known.
    """

    id: RequestId
    esi_id: EsiId
    meter: MeterNumber
    status: ReadStatus
    asked_at: datetime
    deadline_at: datetime
    sent_at: datetime | None
    accepted_at: datetime | None
    on_air_at: datetime | None
    ended_at: datetime | None
    reason: FailureReason | None
    detail: str | None
    value: RegisterRead | None
    age: Age | None
    next_allowed_at: datetime | None
    used_today: int | None


def shown(row: Mapping[str, Any]) -> OnDemandRead:
    """From a row of reads, by column name."""
    return OnDemandRead(
        id=row["id"],
        esi_id=row["esi_id"],
        meter=row["meter"],
        status=row["status"],
        asked_at=row["asked_at"],
        deadline_at=row["deadline_at"],
        sent_at=row["sent_at"],
        accepted_at=row["accepted_at"],
        on_air_at=row["on_air_at"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        detail=row["detail"],
        value=_value(row),
        age=None if row["freshness"] is None else Age(freshness=row["freshness"], at_most_s=row["age_at_most_s"]),
        next_allowed_at=row["next_allowed_at"],
        used_today=row["used_today"],
    )


def _value(row: Mapping[str, Any]) -> RegisterRead | None:
    if row["read_at"] is None:
        return None
    return RegisterRead(
        meter=row["meter"],
        delivered_wh=row["delivered_wh"],
        received_wh=row["received_wh"],
        demand_w=row["demand_w"],
        flags=None if row["flags"] is None else tuple(MeterFlag(flag) for flag in row["flags"]),
        latched_at=row["latched_at"],
        update_period_s=row["update_period_s"],
        read_at=row["read_at"],
        scale=Scale(
            unit=row["unit"],
            multiplier=row["multiplier"],
            divisor=row["divisor"],
            assumed=row["scale_assumed"],
        ),
        path=row["path"],
    )
