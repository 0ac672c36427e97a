"""How long what waits may wait: fourteen days to the second (pure; ACC-03, ACC-05, COM-02, COM-03, DUN-02)."""

from datetime import datetime

from portal.accounts.credentials import LIFE
from portal.accounts.status import AccountStatus
from portal.companies.status import CompanyStatus, DunsStatus

_WAITING = frozenset({"pending", "approved"})
"""The statuses that end by themselves, of accounts, companies and DUNS numbers alike."""


def due_at(status: AccountStatus | CompanyStatus | DunsStatus, since: datetime) -> datetime | None:
    """The instant at which a status ends by itself, None if it does not."""
    return since + LIFE if status.value in _WAITING else None


def is_over(status: AccountStatus | CompanyStatus | DunsStatus, since: datetime, now: datetime) -> bool:
    """Whether the time of a status is over: nobody can approve what is only not deleted yet."""
    due = due_at(status, since)
    return due is not None and now >= due
