"""What somebody gets to sign in with for the first time, or again: a temporary password, or a link to set one.

Made before the transaction that gives it, since hashing takes a twentieth of a second. It lives as long as the guide
lets an account wait for its first sign-in (ACC-05), and a new one takes the place of the one before.
"""

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import quote

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.dice import Dice
from portal.accounts.passwords import Passwords
from portal.accounts.presets import Preset
from portal.accounts.sessions import SECRET_BYTES, end_sessions_of, key_of
from portal.accounts.tables import accounts

LIFE = timedelta(days=14)
TEMPORARY_BYTES = 10
"""80 bits, 16 letters and digits: within the guide's 24 characters (PER-03)."""
SET_PASSWORD = "/set-password"  # noqa: S105  # an address


class CredentialKind(StrEnum):
    """How the account's owner proves himself until he has a password of his own."""

    TEMPORARY_PASSWORD = "temporary_password"  # noqa: S105  # a word for a kind, not a secret
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One secret, to be told by mail only, and what is kept of it."""

    kind: CredentialKind
    secret: str = field(repr=False)
    kept: str = field(repr=False)


class Credentials:
    """Makes credentials of the preset's kind."""

    def __init__(self, preset: Preset, passwords: Passwords, dice: Dice) -> None:
        self._preset = preset
        self._passwords = passwords
        self._dice = dice

    async def make(self) -> Credential:
        """A new one, given to nobody yet."""
        if self._preset is Preset.SMT:
            secret = base64.b32encode(self._dice.secret(TEMPORARY_BYTES)).decode().lower()
            kept = await self._passwords.hash(secret)
            return Credential(kind=CredentialKind.TEMPORARY_PASSWORD, secret=secret, kept=kept)
        return self.make_link()

    def make_link(self) -> Credential:
        """A link, whatever the preset: for the first account of all."""
        secret = base64.urlsafe_b64encode(self._dice.secret(SECRET_BYTES)).decode().rstrip("=")
        return Credential(kind=CredentialKind.LINK, secret=secret, kept=key_of(secret))


async def give(connection: AsyncConnection, account_id: int, credential: Credential, now: datetime) -> None:
    """Let an account be opened by a credential, and by no earlier one.

    A temporary password ends what was open by the password before. A link leaves that password as it is, and so the
    count of misses too: otherwise whoever asks for links again and again could guess the password for ever.
    """
    if credential.kind is CredentialKind.TEMPORARY_PASSWORD:
        values = {
            "password_hash": credential.kept,
            "must_change_password": True,
            "password_until": now + LIFE,
            "misses": 0,
            "link_key": None,
            "link_until": None,
        }
    else:
        values = {"link_key": credential.kept, "link_until": now + LIFE}
    await connection.execute(update(accounts).where(accounts.c.id == account_id).values(**values))
    if credential.kind is CredentialKind.TEMPORARY_PASSWORD:
        await end_sessions_of(connection, account_id)


def is_over(until: datetime | None, now: datetime) -> bool:
    """Whether a credential's life has ended: it is still good at the end itself."""
    return until is not None and now > until


def link_of(credential: Credential, portal_address: str) -> str:
    """Where a link leads. Opening it changes nothing (mail scanners open links); setting the password uses it up."""
    return f"{portal_address.rstrip('/')}{SET_PASSWORD}?key={quote(credential.secret)}"
