"""The two ceremonies of passkeys (WebAuthn Level 2): to add one, and to show that one is there.

What is to be signed is drawn here, kept with the session, and taken once. A passkey belongs to the name of the
portal's address; browsers know none for a number such as 127.0.0.1, so there it is not offered.
"""

import json
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from gateway.database import Database
from portal.accounts.entering import House
from portal.accounts.second_factors import MOST_PASSKEYS, passkeys_of
from portal.accounts.sessions import Session
from portal.accounts.tables import passkeys, sessions

CHALLENGE_BYTES = 32
MOST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Whose passkeys they are: the name, and the address that browsers must be at."""

    name: str
    origin: str


def site_of(address: str, request_origin: str) -> Site | None:
    """The portal's own address, or localhost for whoever tries it out there; None if passkeys cannot be had (pure)."""
    here = urlsplit(request_origin)
    if here.hostname == "localhost":
        return Site(name="localhost", origin=request_origin)
    there = urlsplit(address)
    name = there.hostname or ""
    try:
        ip_address(name)
    except ValueError:
        is_secure = there.scheme == "https" or name == "localhost"
        return Site(name=name, origin=f"{there.scheme}://{there.netloc}") if name and is_secure else None
    return None


class PasskeyDesk:
    """Adds passkeys and lets them be used."""

    def __init__(self, database: Database, house: House, address: str) -> None:
        self._database = database
        self._house = house
        self._address = address

    def site(self, request_origin: str) -> Site | None:
        """Whose passkeys a browser at an address can have."""
        return site_of(self._address, request_origin)

    async def options_to_add(self, session: Session, account_id: int, user_id: str, site: Site) -> dict[str, Any]:
        """What the browser needs to make a passkey."""
        challenge = await self._challenge(session)
        async with self._database.reading() as connection:
            known = await passkeys_of(connection, account_id)
        options = webauthn.generate_registration_options(
            rp_id=site.name,
            rp_name="metergate",
            user_name=user_id,
            user_id=f"metergate/{account_id}".encode(),
            challenge=challenge,
            exclude_credentials=[PublicKeyCredentialDescriptor(id=each.credential) for each in known],
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.DISCOURAGED,
                user_verification=UserVerificationRequirement.PREFERRED,
            ),
        )
        return options_to_json_dict(options)

    async def add(
        self, connection: AsyncConnection, session: Session, account_id: int, answer: Any, name: str, site: Site
    ) -> bool:
        """Keep a new passkey; False if what the browser sent proves nothing. In the caller's transaction."""
        challenge = await _take_challenge(connection, session)
        if challenge is None or len(await passkeys_of(connection, account_id)) >= MOST_PASSKEYS:
            return False
        try:
            proved = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=site.name,
                expected_origin=site.origin,
            )
        except (WebAuthnException, ValueError, TypeError, KeyError):  # whatever a browser may send instead
            return False
        there = await connection.scalar(select(passkeys.c.id).where(passkeys.c.credential == proved.credential_id))
        if there is not None:
            return False
        row = {
            "account_id": account_id,
            "credential": proved.credential_id,
            "public_key": proved.credential_public_key,
            "sign_count": proved.sign_count,
            "name": name[:MOST_NAME],
            "added_at": self._house.clock.now(),
        }
        await connection.execute(insert(passkeys).values(row))
        return True

    async def options_to_use(self, session: Session, account_id: int, site: Site) -> dict[str, Any]:
        """What the browser needs to let one of the account's passkeys sign."""
        challenge = await self._challenge(session)
        async with self._database.reading() as connection:
            known = await passkeys_of(connection, account_id)
        options = webauthn.generate_authentication_options(
            rp_id=site.name,
            challenge=challenge,
            allow_credentials=[PublicKeyCredentialDescriptor(id=each.credential) for each in known],
            user_verification=UserVerificationRequirement.PREFERRED,
        )
        return options_to_json_dict(options)

    async def use(
        self, connection: AsyncConnection, session: Session, account_id: int, answer: Any, site: Site
    ) -> bool:
        """Whether one of the account's passkeys signed what was drawn for this session. In the caller's transaction."""
        challenge = await _take_challenge(connection, session)
        credential = _credential_of(answer)
        if challenge is None or credential is None:
            return False
        own = select(passkeys).where(passkeys.c.account_id == account_id, passkeys.c.credential == credential)
        row = (await connection.execute(own.with_for_update())).one_or_none()
        if row is None:
            return False
        try:
            proved = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=site.name,
                expected_origin=site.origin,
                credential_public_key=row.public_key,
                credential_current_sign_count=row.sign_count,
            )
        except (WebAuthnException, ValueError, TypeError, KeyError):  # whatever a browser may send instead
            return False
        used = update(passkeys).where(passkeys.c.id == row.id)
        await connection.execute(used.values(sign_count=proved.new_sign_count, last_used_at=self._house.clock.now()))
        return True

    async def _challenge(self, session: Session) -> bytes:
        challenge = self._house.dice.secret(CHALLENGE_BYTES)
        kept = bytes_to_base64url(challenge)
        drawn = update(sessions).where(sessions.c.key == session.key).values(challenge=kept)
        await self._database.write(lambda connection: connection.execute(drawn))
        return challenge


async def _take_challenge(connection: AsyncConnection, session: Session) -> bytes | None:
    """What was drawn for a session; it is gone then, whatever comes of it."""
    chosen = select(sessions.c.challenge).where(sessions.c.key == session.key).with_for_update()
    kept = await connection.scalar(chosen)
    await connection.execute(update(sessions).where(sessions.c.key == session.key).values(challenge=None))
    return None if kept is None else base64url_to_bytes(kept)


def _credential_of(answer: Any) -> bytes | None:
    try:
        found = json.loads(answer)["rawId"] if isinstance(answer, str) else answer["rawId"]
        return base64url_to_bytes(found)
    except (ValueError, TypeError, KeyError):
        return None
