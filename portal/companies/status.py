"""The statuses of a company (COM-01) and of a DUNS number (DUN-01)."""

from enum import StrEnum


class CompanyStatus(StrEnum):
    """Where a company stands (guide figure 13)."""

    PENDING = "pending"
    APPROVED = "approved"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class DunsStatus(StrEnum):
    """Where a DUNS number stands (guide figure 14)."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
