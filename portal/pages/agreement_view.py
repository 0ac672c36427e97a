"""What the pages of agreements show: kinds and states in words, and what happened, in order (pure; HAN-05)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.agreements.machine import MANAGED_BY, MOST_LETTERS, STANDING, AgreementKind, AgreementStatus, EndedBy
from portal.agreements.shown import Agreement
from portal.viewer import Viewer

KINDS: Mapping[AgreementKind, tuple[str, str]] = {
    AgreementKind.ENERGY_DATA: ("Energy Data", "your company may see the energy that the meter measures"),
    AgreementKind.HOME_DEVICE: ("In-Home Device", "your company may add a device to the meter, and remove it"),
    AgreementKind.DEVICE_SERVICES: (
        "In-Home Device Services",
        "devices as above, and messages, prices and requests to use less are sent to them",
    ),
}
"""The guide's names, each with what it allows."""
STATUSES: Mapping[AgreementStatus, tuple[str, str]] = {
    AgreementStatus.PENDING: ("Pending", "info"),
    AgreementStatus.ACTIVE: ("Active", "good"),
    AgreementStatus.NOT_ACCEPTED: ("Not accepted", "warn"),
    AgreementStatus.EXPIRED: ("Expired", ""),
    AgreementStatus.COMPLETED: ("Completed", ""),
    AgreementStatus.TERMINATED: ("Terminated", ""),
}
"""Each with the kind of its tag."""
ENDED: Mapping[EndedBy, str] = {
    EndedBy.COMPANY: "Your company ended it",
    EndedBy.CUSTOMER: "The customer ended it",
    EndedBy.SWITCH: "It ended with a switch: another company became the REP of record",
    EndedBy.MOVE_OUT: "It ended because whoever agreed moved out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementRow:
    """An agreement on a page; may_resend and may_end say what this viewer can do with it now."""

    agreement: Agreement
    href: str
    kind: str
    means: str
    status: str
    tag: str
    may_resend: bool
    may_end: bool
    happened: Sequence[tuple[datetime, str]]


def agreement_row(agreement: Agreement, viewer: Viewer, home: str, now: datetime) -> AgreementRow:
    """An agreement as a viewer is shown it; home is the list's address."""
    kind, means = KINDS[agreement.kind]
    status, tag = STATUSES[agreement.status]
    is_his = viewer.may(MANAGED_BY[agreement.kind])
    is_open = agreement.status is AgreementStatus.PENDING and agreement.due_at is not None and agreement.due_at > now
    return AgreementRow(
        agreement=agreement,
        href=f"{home}/{agreement.id}",
        kind=kind,
        means=means,
        status=status,
        tag=tag,
        may_resend=is_his and is_open and agreement.letters < MOST_LETTERS,
        may_end=is_his and agreement.status in STANDING,
        happened=_happened(agreement),
    )


def kinds_for(viewer: Viewer) -> list[AgreementKind]:
    """The kinds that somebody may ask customers for (ADM-09, ADM-10)."""
    return [kind for kind in AgreementKind if viewer.may(MANAGED_BY[kind])]


def _happened(agreement: Agreement) -> list[tuple[datetime, str]]:
    again = ", and once more since" if agreement.letters > 1 else ""
    told = [(agreement.made_at, f"Your company asked; the letter went to {agreement.email}{again}")]
    if agreement.accepted_at is not None:
        told.append((agreement.accepted_at, f"The customer agreed, for {_months(agreement.months)}"))
    if agreement.status is AgreementStatus.NOT_ACCEPTED:
        told.append((agreement.status_since, "The customer did not agree"))
    if agreement.status is AgreementStatus.EXPIRED:
        told.append((agreement.status_since, "Nobody answered in time"))
    if agreement.status is AgreementStatus.COMPLETED:
        told.append((agreement.status_since, f"{_months(agreement.months)} had passed"))
    if agreement.ended_by is not None:
        told.append((agreement.status_since, ENDED[agreement.ended_by]))
    return told


def _months(months: int) -> str:
    return f"{months} month{'' if months == 1 else 's'}"
