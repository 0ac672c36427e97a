"""What may become of a company and of a DUNS number, as tables over all statuses and actions (pure; figures 13, 14)."""

from collections.abc import Mapping
from enum import StrEnum

from portal.accounts.machine import GONE, Gone
from portal.companies.status import CompanyStatus, DunsStatus


class CompanyAction(StrEnum):
    """What is done to a company."""

    APPROVE = "approve"
    DECLINE = "decline"
    EXPIRE = "expire"
    FIRST_SIGN_IN = "first_sign_in"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    REVOKE = "revoke"


class DunsAction(StrEnum):
    """What is done to a DUNS number."""

    APPROVE = "approve"
    DECLINE = "decline"
    EXPIRE = "expire"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    REVOKE = "revoke"
    REMOVE = "remove"


_C, _CA = CompanyStatus, CompanyAction

COMPANY_TRANSITIONS: Mapping[tuple[CompanyStatus, CompanyAction], CompanyStatus | Gone] = {
    (_C.PENDING, _CA.APPROVE): _C.APPROVED,
    (_C.PENDING, _CA.DECLINE): GONE,
    (_C.PENDING, _CA.EXPIRE): GONE,
    (_C.APPROVED, _CA.EXPIRE): GONE,
    (_C.APPROVED, _CA.FIRST_SIGN_IN): _C.ACTIVE,
    (_C.ACTIVE, _CA.SUSPEND): _C.SUSPENDED,
    (_C.SUSPENDED, _CA.REINSTATE): _C.ACTIVE,
    (_C.APPROVED, _CA.REVOKE): _C.REVOKED,
    (_C.ACTIVE, _CA.REVOKE): _C.REVOKED,
    (_C.SUSPENDED, _CA.REVOKE): _C.REVOKED,
}
"""COM-02 to COM-06; every pair that is not here is refused."""

_D, _DA = DunsStatus, DunsAction

DUNS_TRANSITIONS: Mapping[tuple[DunsStatus, DunsAction], DunsStatus | Gone] = {
    (_D.PENDING, _DA.APPROVE): _D.ACTIVE,
    (_D.PENDING, _DA.DECLINE): GONE,
    (_D.PENDING, _DA.EXPIRE): GONE,
    (_D.ACTIVE, _DA.SUSPEND): _D.SUSPENDED,
    (_D.SUSPENDED, _DA.REINSTATE): _D.ACTIVE,
    (_D.ACTIVE, _DA.REVOKE): _D.REVOKED,
    (_D.SUSPENDED, _DA.REVOKE): _D.REVOKED,
    (_D.PENDING, _DA.REMOVE): GONE,
    (_D.ACTIVE, _DA.REMOVE): GONE,
    (_D.SUSPENDED, _DA.REMOVE): GONE,
}
"""DUN-02 to DUN-05, and removal by the company itself (REG-15), which needs no approval."""


def company_after(status: CompanyStatus, action: CompanyAction) -> CompanyStatus | Gone | None:
    """What a company becomes, None if the action is not for its status."""
    return COMPANY_TRANSITIONS.get((status, action))


def duns_after(status: DunsStatus, action: DunsAction) -> DunsStatus | Gone | None:
    """What a DUNS number becomes, None if the action is not for its status."""
    return DUNS_TRANSITIONS.get((status, action))
