"""Who may enter the portal at all (pure; guide 4.2 and 4.3, GATE-01)."""

from enum import StrEnum

from portal.accounts.status import AccountStatus
from portal.companies.kinds import Kind
from portal.companies.status import CompanyStatus


class EntryRefusal(StrEnum):
    """Why somebody who proved who he is may not enter."""

    FIRST_SIGN_IN = "first_sign_in"
    ACCOUNT = "account"
    COMPANY = "company"
    DUNS = "duns"


def entry_refusal(
    account: AccountStatus, kind: Kind, company: CompanyStatus | None, *, has_active_duns: bool
) -> EntryRefusal | None:
    """None if the account may enter: it and its company are Active, and for a REP one of its DUNS numbers is.

    An Approved account owes its first sign-in, which makes it Active (AMB-13). company is None for customers.
    """
    if account is AccountStatus.APPROVED:
        return EntryRefusal.FIRST_SIGN_IN
    if account is not AccountStatus.ACTIVE:
        return EntryRefusal.ACCOUNT
    if kind is Kind.CUSTOMER:
        return None
    if company is not CompanyStatus.ACTIVE:
        return EntryRefusal.COMPANY
    if kind is Kind.REP and not has_active_duns:
        return EntryRefusal.DUNS
    return None
