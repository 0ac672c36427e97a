"""What may become of an account, as a table over all statuses and actions (pure; guide figure 12, ACC-02 to ACC-09)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from portal.accounts.status import AccountStatus


class AccountAction(StrEnum):
    """What is done to an account."""

    APPROVE = "approve"
    DECLINE = "decline"
    EXPIRE = "expire"
    FIRST_SIGN_IN = "first_sign_in"
    LOCK = "lock"
    NEW_CREDENTIAL = "new_credential"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    REVOKE = "revoke"


class Gone(StrEnum):
    """The account is deleted: its registration counts as never made."""

    GONE = "gone"


GONE: Final = Gone.GONE
After = AccountStatus | Gone

_S, _A = AccountStatus, AccountAction

TRANSITIONS: Mapping[tuple[AccountStatus, AccountAction], After] = {
    (_S.PENDING, _A.APPROVE): _S.APPROVED,
    (_S.PENDING, _A.DECLINE): GONE,
    (_S.PENDING, _A.EXPIRE): GONE,
    (_S.APPROVED, _A.EXPIRE): GONE,
    (_S.APPROVED, _A.FIRST_SIGN_IN): _S.ACTIVE,
    (_S.APPROVED, _A.LOCK): _S.LOCKED,
    (_S.ACTIVE, _A.LOCK): _S.LOCKED,
    (_S.LOCKED, _A.NEW_CREDENTIAL): _S.ACTIVE,
    (_S.APPROVED, _A.SUSPEND): _S.SUSPENDED,
    (_S.ACTIVE, _A.SUSPEND): _S.SUSPENDED,
    (_S.LOCKED, _A.SUSPEND): _S.SUSPENDED,
    (_S.SUSPENDED, _A.REINSTATE): _S.ACTIVE,
    (_S.APPROVED, _A.REVOKE): _S.REVOKED,
    (_S.ACTIVE, _A.REVOKE): _S.REVOKED,
    (_S.LOCKED, _A.REVOKE): _S.REVOKED,
    (_S.SUSPENDED, _A.REVOKE): _S.REVOKED,
}
"""Every pair that is not here is refused. A new credential leaves any status but Locked as it is (PER-08).

Reinstated and unlocked accounts are Active even if they never signed in; what they owe is kept beside the status
(must_change_password, no password at all), and no page is theirs before they paid it (AMB-12, AMB-17).
"""


def after(status: AccountStatus, action: AccountAction) -> After | None:
    """What an account becomes, None if the action is not for its status."""
    return TRANSITIONS.get((status, action))
