"""Letters to the owner of an account: what became of it, and how to sign in (pure; MAIL-03, MAIL-04, MAIL-07)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from portal.accounts.credentials import LIFE, Credential, CredentialKind, link_of
from portal.accounts.machine import AccountAction
from portal.mail.letters import Letter
from portal.mail.wording import Link, Part, Quoted, worded

CHANGED = {
    AccountAction.SUSPEND: (
        "Your account was suspended",
        "Your account {user_id} was suspended. You cannot sign in until it is reinstated.",
    ),
    AccountAction.REINSTATE: (
        "Your account was reinstated",
        "Your account {user_id} was reinstated: it is Active again.",
    ),
    AccountAction.REVOKE: (
        "Your account was revoked",
        "Your account {user_id} was revoked. This cannot be undone: to come in again, register a new account.",
    ),
}


def signed(company: str | None) -> str:
    """Whom a letter about an account is from: its company's administrators, through the portal."""
    return "metergate" if company is None else f"{company}, through metergate"


def letter_of_change(row: Row[Any], action: AccountAction, comment: str | None) -> Letter:
    """A status changed, and what whoever changed it wrote (ADM-20)."""
    subject, words = CHANGED[action]
    parts = [words.format(user_id=row.user_id), *comments(comment)]
    return worded(row.email, subject, parts, signed(row.company))


def letter_of_approval(row: Row[Any], credential: Credential, address: str, comment: str | None) -> Letter:
    """An account was approved, and how to sign in for the first time (MAIL-03, REG-31)."""
    parts: list[Part] = [
        f"Your account {row.user_id} at {row.company} was approved.",
        *ways_in(credential, address),
        f"Sign in within {LIFE.days} days: after that the account is deleted, and you would have to register again.",
        *comments(comment),
    ]
    return worded(row.email, "Your account was approved", parts, signed(row.company))


def letter_of_decline(row: Row[Any], comment: str) -> Letter:
    """A request for an account was declined, and why (ADM-07)."""
    parts = [
        f"Your request for an account at {row.company} under the user ID {row.user_id} was declined, and is deleted.",
        *comments(comment),
    ]
    return worded(row.email, "Your request for an account was declined", parts, signed(row.company))


def letter_of_expired_request(row: Row[Any]) -> Letter:
    """Nobody approved a request in time (ACC-03, ADM-13)."""
    words = (
        f"Nobody at {row.company} approved your request for an account within {LIFE.days} days, so the request under "
        f"the user ID {row.user_id} was deleted. To get access, register again."
    )
    return worded(row.email, "Your request for an account has expired", [words])


def letter_of_expired_approval(row: Row[Any]) -> Letter:
    """Somebody who was approved did not sign in in time (ACC-05)."""
    words = (
        f"Your account {row.user_id} was approved, but nobody signed in to it within {LIFE.days} days, so it was "
        "deleted. To get access, register again."
    )
    return worded(row.email, "Your account has expired", [words])


def ways_in(credential: Credential, address: str) -> list[Part]:
    """How to sign in with a new credential."""
    if credential.kind is CredentialKind.LINK:
        return ["Set your password here:", Link("Set your password", link_of(credential, address))]
    return [
        "Your temporary password is:",
        Quoted(credential.secret),
        "You will be asked to choose a password of your own when you sign in.",
        Link("Sign in", address),
    ]


def comments(comment: str | None) -> Sequence[Part]:
    """What somebody wrote, set apart; nothing if he wrote nothing."""
    return ["Comments:", Quoted(comment)] if comment else []
