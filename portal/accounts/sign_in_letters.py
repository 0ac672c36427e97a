"""The letters about signing in (pure; guide 6.3 and 6.4, MAIL-08, MAIL-09), and of changes that the owner must hear of.

They go to the address of the account only, and say nothing about it but what was asked for.
"""

from collections.abc import Sequence

from portal.accounts.credentials import LIFE, Credential, CredentialKind, link_of
from portal.mail.letters import Letter
from portal.mail.wording import Link, Quoted, worded

UNASKED = (
    "If you did not ask for this, you need do nothing; if it happens again, tell your company's administrator or the "
    "help desk."
)


def letter_of_credential(to: str, user_id: str, credential: Credential, address: str) -> Letter:
    """A new temporary password, or a link to set one (MAIL-08). Raises BadInput for an address no letter can have."""
    if credential.kind is CredentialKind.LINK:
        return worded(
            to,
            "Set your password",
            [
                f"Set the password of the account {user_id} within {LIFE.days} days:",
                Link("Set your password", link_of(credential, address)),
                "The link works once. Until then the password that you have stays as it is.",
                UNASKED,
            ],
        )
    return worded(
        to,
        "Your temporary password",
        [
            f"The temporary password of the account {user_id} is:",
            Quoted(credential.secret),
            f"Sign in with it within {LIFE.days} days; you are then asked to choose a password of your own.",
            Link("Sign in", address),
            UNASKED,
        ],
    )


def letter_of_user_ids(to: str, user_ids: Sequence[str], address: str) -> Letter:
    """All user ids that have an address (MAIL-09). Raises BadInput for an address no letter can have."""
    one = len(user_ids) == 1
    return worded(
        to,
        "Your User ID" if one else "Your User IDs",
        [
            "This e-mail address belongs to this User ID:" if one else "This e-mail address belongs to these User IDs:",
            Quoted("\n".join(user_ids)),
            Link("Sign in", address),
            UNASKED,
        ],
    )


def letter_of_change(to: str, user_id: str, what: str) -> Letter:
    """Something that decides who can get into an account was changed. Raises BadInput as Letter does."""
    return worded(
        to,
        f"Changed: {what}",
        [
            f"The {what} of the account {user_id} was changed.",
            "If that was not you, ask your company's administrator or the help desk at once to suspend the account.",
        ],
    )
