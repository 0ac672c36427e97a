"""Letters about companies and their DUNS numbers (pure; MAIL-01, MAIL-02, MAIL-04, MAIL-05, MAIL-06)."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from portal.accounts.credentials import LIFE, Credential
from portal.accounts.status_letters import comments, ways_in
from portal.companies.kinds import KIND_WORDS, Kind
from portal.companies.machines import CompanyAction, DunsAction
from portal.companies.status import CompanyStatus
from portal.mail.letters import MOST_SUBJECT, Letter
from portal.mail.wording import Link, Part, worded

COMPANY_QUEUE = "/market/requests"
DUNS_QUEUE = "/market/duns"
ACCOUNT_QUEUE = "/account/pending"

_COMPANY = {
    CompanyAction.SUSPEND: ("was suspended", "None of its people can sign in until it is reinstated."),
    CompanyAction.REINSTATE: ("was reinstated", "Its people can sign in again."),
    CompanyAction.REVOKE: ("was revoked", "All of its accounts were revoked with it. This cannot be undone."),
}
_DUNS = {
    DunsAction.APPROVE: ("was approved", "Administrators see its meters now; users do once it is granted to them."),
    DunsAction.DECLINE: ("was declined", "The request for it was deleted."),
    DunsAction.EXPIRE: ("has expired", f"Nobody approved it within {LIFE.days} days, so the request was deleted."),
    DunsAction.SUSPEND: (
        "was suspended",
        "This was done at the TDSP's request. Meters whose REP of record it is cannot be seen until it is reinstated.",
    ),
    DunsAction.REINSTATE: ("was reinstated", "Meters whose REP of record it is can be seen again."),
    DunsAction.REVOKE: (
        "was revoked",
        "This was done at the TDSP's request and cannot be undone. Accounts that had no other number were revoked.",
    ),
}


def letters_of_company(to: Iterable[str], row: Row[Any], action: CompanyAction, comment: str | None) -> list[Letter]:
    """The operating team changed where a company stands (COM-05, COM-06)."""
    what, words = _COMPANY[action]
    parts = [f"Your company {row.name} {what}. {words}", *comments(comment)]
    return _to_all(to, f"{row.name} {what}", parts)


def letters_of_duns(
    to: Iterable[str], row: Row[Any], company: str, action: DunsAction, comment: str | None
) -> list[Letter]:
    """Where a DUNS number stands changed (DUN-02 to DUN-05)."""
    what, words = _DUNS[action]
    parts = [f"The DUNS number {row.duns} of {company} {what}. {words}", *comments(comment)]
    return _to_all(to, f"DUNS number {row.duns} {what}", parts)


def letters_of_new_company(to: Iterable[str], row: Row[Any], numbers: Iterable[str], address: str) -> list[Letter]:
    """To those who decide: a company waits for approval (REG-03)."""
    listed = ", ".join(numbers)
    parts: list[Part] = [
        f"{row.name} registered as a {KIND_WORDS[row.kind]} and waits for approval"
        + (f", with the DUNS numbers {listed}." if listed else "."),
        f"Without a decision within {LIFE.days} days the registration is deleted.",
        Link("Companies that wait", f"{address}{COMPANY_QUEUE}"),
    ]
    return _to_all(to, f"{row.name} waits for approval", parts)


def letters_of_registration(to: Iterable[str], row: Row[Any]) -> list[Letter]:
    """To a company: its registration was received (MAIL-02)."""
    judge = "a TDSP's administrator" if row.kind is Kind.REP else "the operating team"
    words = f"The registration of {row.name} was received. It waits for approval by {judge}; you will be told."
    return _to_all(to, f"The registration of {row.name} was received", [words])


def letters_of_request(to: Iterable[str], person: Any, company: str, address: str) -> list[Letter]:
    """To a company's administrators: somebody asks for access (REG-30, ADM-03)."""
    role = "an administrator" if person.administrator else "a user"
    parts: list[Part] = [
        (
            f"{person.first_name} {person.last_name} ({person.email}) asks for access to {company} as {role}, under "
            f"the user ID {person.user_id}."
        ),
        f"Without a decision within {LIFE.days} days the request is deleted.",
        Link("Requests that wait", f"{address}{ACCOUNT_QUEUE}"),
    ]
    return _to_all(to, f"A request for access to {company}", parts)


def letters_of_added_numbers(to: Iterable[str], company: str, numbers: Iterable[str], address: str) -> list[Letter]:
    """To those who decide: a company added DUNS numbers (MAIL-05, CPR-03)."""
    parts: list[Part] = [
        f"{company} added DUNS numbers that wait for approval: {', '.join(numbers)}.",
        Link("DUNS numbers that wait", f"{address}{DUNS_QUEUE}"),
    ]
    return _to_all(to, f"{company} waits for approval of a DUNS number", parts)


def letter_of_approved_company(first: Row[Any], credential: Credential, address: str, comment: str | None) -> Letter:
    """To the first administrator: the company and the account were approved (MAIL-01, MAIL-03)."""
    parts: list[Part] = [
        (
            f"Your company {first.company} was approved, and with it your account {first.user_id}: you are its first "
            "administrator."
        ),
        *ways_in(credential, address),
        (
            f"Sign in within {LIFE.days} days: after that the company and the account are deleted, and you would have "
            "to register again. Others can register for your company once you have signed in."
        ),
        *comments(comment),
    ]
    return worded(first.email, "Your company was approved", parts)


def letter_of_declined_company(first: Row[Any], comment: str | None) -> Letter:
    """To the first administrator: the company was declined (MAIL-01)."""
    words = f"The registration of your company {first.company} was declined, and is deleted with your account."
    return worded(first.email, "The registration of your company was declined", [words, *comments(comment)])


def letter_of_expired_company(first: Row[Any], before: CompanyStatus) -> Letter:
    """To the first administrator: the company fell, for want of an approval or of a first sign-in (COM-02, COM-03)."""
    why = "nobody approved it" if before is CompanyStatus.PENDING else "you did not sign in"
    words = (
        f"The registration of your company {first.company} was deleted with your account {first.user_id}, because "
        f"{why} within {LIFE.days} days. To get access, register the company again."
    )
    return worded(first.email, "The registration of your company has expired", [words])


def _to_all(to: Iterable[str], subject: str, parts: list[Part] | list[str]) -> list[Letter]:
    return [worded(address, subject[:MOST_SUBJECT], parts) for address in to]
