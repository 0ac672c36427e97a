"""The statuses of an account (ACC-01)."""

from enum import StrEnum


class AccountStatus(StrEnum):
    """Where an account stands (guide figure 12)."""

    PENDING = "pending"
    APPROVED = "approved"
    ACTIVE = "active"
    LOCKED = "locked"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
