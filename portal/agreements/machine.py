"""What an agreement is about, where it can stand, and what may become of it, as a table (pure; HAN-05).

The guide names the three kinds and leaves the rest to another document: durations and statuses are those of the
published agreement interface.
"""

from calendar import monthrange
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from portal.permissions import Action

OPEN_FOR = timedelta(days=30)
"""How long the customer can answer, from the first letter on: a second letter does not make it longer."""
MOST_LETTERS = 2
DURATIONS = (1, 3, 6, 9, 12, 24, 36)
"""How long an agreement can hold, months."""


class AgreementKind(StrEnum):
    """What the customer agrees to."""

    ENERGY_DATA = "energy_data"
    HOME_DEVICE = "home_device"
    DEVICE_SERVICES = "device_services"


class AgreementStatus(StrEnum):
    """Where an agreement stands."""

    PENDING = "pending"
    ACTIVE = "active"
    NOT_ACCEPTED = "not_accepted"
    EXPIRED = "expired"
    COMPLETED = "completed"
    TERMINATED = "terminated"


class AgreementAction(StrEnum):
    """What is done to an agreement."""

    ACCEPT = "accept"
    DECLINE = "decline"
    EXPIRE = "expire"
    COMPLETE = "complete"
    TERMINATE = "terminate"


class EndedBy(StrEnum):
    """Who or what terminated an agreement."""

    COMPANY = "company"
    CUSTOMER = "customer"
    SWITCH = "switch"
    MOVE_OUT = "move_out"


_S, _A = AgreementStatus, AgreementAction

AGREEMENT_TRANSITIONS: Mapping[tuple[AgreementStatus, AgreementAction], AgreementStatus] = {
    (_S.PENDING, _A.ACCEPT): _S.ACTIVE,
    (_S.PENDING, _A.DECLINE): _S.NOT_ACCEPTED,
    (_S.PENDING, _A.EXPIRE): _S.EXPIRED,
    (_S.PENDING, _A.TERMINATE): _S.TERMINATED,
    (_S.ACTIVE, _A.COMPLETE): _S.COMPLETED,
    (_S.ACTIVE, _A.TERMINATE): _S.TERMINATED,
}
"""Every pair that is not here is refused."""

STANDING = (AgreementStatus.PENDING, AgreementStatus.ACTIVE)
"""Of these a company has at most one of a kind for a meter."""
FOR_DEVICES = (AgreementKind.HOME_DEVICE, AgreementKind.DEVICE_SERVICES)
"""Under either of these a company may add and remove home-area devices (HAN-02)."""

MANAGED_BY: Mapping[AgreementKind, Action] = {
    AgreementKind.ENERGY_DATA: Action.MANAGE_ENERGY_AGREEMENTS,
    AgreementKind.HOME_DEVICE: Action.MANAGE_DEVICE_AGREEMENTS,
    AgreementKind.DEVICE_SERVICES: Action.MANAGE_DEVICE_AGREEMENTS,
}
"""The permission that each kind takes (ADM-09, ADM-10)."""


def agreement_after(status: AgreementStatus, action: AgreementAction) -> AgreementStatus | None:
    """What an agreement becomes, None if the action is not for its status."""
    return AGREEMENT_TRANSITIONS.get((status, action))


def status_at(status: AgreementStatus, due_at: datetime | None, at: datetime) -> AgreementStatus:
    """Where an agreement stands at an instant, whether or not what is due has been written down yet."""
    if due_at is None or due_at > at:
        return status
    return AgreementStatus.EXPIRED if status is AgreementStatus.PENDING else AgreementStatus.COMPLETED


def ends_after(start: datetime, months: int) -> datetime:
    """The same time of day some months later, on the month's last day if it has no such day."""
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))
