"""Second factors of accounts as rows: an authenticator app, passkeys, and recovery codes for whoever lost them."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.dice import Dice
from portal.accounts.tables import authenticators, passkeys, recovery_codes
from portal.accounts.totp import SECRET_BYTES, step_of
from portal.accounts.vault import Vault

CODES = 10
CODE_BYTES = 7
MOST_PASSKEYS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """What of second factors an account has; recovery codes alone are none."""

    authenticator: bool
    passkeys: int
    recovery_codes: int

    def __bool__(self) -> bool:
        return self.authenticator or self.passkeys > 0


async def factors_of(connection: AsyncConnection, account_id: int) -> Factors:
    """An account's second factors."""
    confirmed = select(func.count()).where(
        authenticators.c.account_id == account_id, authenticators.c.confirmed_at.is_not(None)
    )
    keys = select(func.count()).where(passkeys.c.account_id == account_id)
    codes = select(func.count()).where(recovery_codes.c.account_id == account_id)
    counted = select(confirmed.scalar_subquery(), keys.scalar_subquery(), codes.scalar_subquery())
    row = (await connection.execute(counted)).one()
    return Factors(authenticator=row[0] > 0, passkeys=row[1], recovery_codes=row[2])


async def begin_authenticator(connection: AsyncConnection, account_id: int, vault: Vault, dice: Dice) -> str:
    """The secret (base32) that an app is to be given: one that was begun and not confirmed is gone on with.

    An authenticator that counts is left alone: it has to be removed first.
    """
    chosen = select(authenticators).where(authenticators.c.account_id == account_id).with_for_update()
    row = (await connection.execute(chosen)).one_or_none()
    if row is not None and row.confirmed_at is None:
        return vault.open(row.sealed, _name(account_id)).decode()
    secret = base64.b32encode(dice.secret(SECRET_BYTES)).decode()
    if row is None:
        sealed = vault.seal(secret.encode(), _name(account_id))
        await connection.execute(insert(authenticators).values(account_id=account_id, sealed=sealed))
    return secret


async def confirm_authenticator(
    connection: AsyncConnection, account_id: int, code: str, vault: Vault, now: datetime
) -> bool:
    """Let an authenticator count, once a code shows that the app has its secret."""
    return await _use_code(connection, account_id, code, vault, now, confirming=True)


async def use_code(connection: AsyncConnection, account_id: int, code: str, vault: Vault, now: datetime) -> bool:
    """Whether a code is right; a code is taken once. Recovery codes are taken too, and are gone then."""
    if await _use_code(connection, account_id, code, vault, now, confirming=False):
        return True
    used = delete(recovery_codes).where(
        recovery_codes.c.account_id == account_id, recovery_codes.c.key == recovery_key(code)
    )
    return (await connection.execute(used)).rowcount == 1


async def _use_code(
    connection: AsyncConnection, account_id: int, code: str, vault: Vault, now: datetime, *, confirming: bool
) -> bool:
    chosen = select(authenticators).where(authenticators.c.account_id == account_id).with_for_update()
    row = (await connection.execute(chosen)).one_or_none()
    if row is None or confirming is not (row.confirmed_at is None):
        return False
    step = step_of(vault.open(row.sealed, _name(account_id)).decode(), code, now, row.used_step)
    if step is None:
        return False
    change = update(authenticators).where(authenticators.c.account_id == account_id)
    await connection.execute(change.values(used_step=step, confirmed_at=row.confirmed_at or now))
    return True


async def new_recovery_codes(connection: AsyncConnection, account_id: int, dice: Dice) -> list[str]:
    """Ten codes in place of those from before; they are shown once, and kept as hashes."""
    await connection.execute(delete(recovery_codes).where(recovery_codes.c.account_id == account_id))
    codes = [base64.b32encode(dice.secret(CODE_BYTES)).decode().lower()[:10] for _ in range(CODES)]
    rows = [{"account_id": account_id, "key": recovery_key(code)} for code in codes]
    await connection.execute(insert(recovery_codes), rows)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def recovery_key(code: str) -> str:
    """The name under which a recovery code is kept."""
    return hashlib.sha256("".join(code.lower().split()).replace("-", "").encode()).hexdigest()


async def remove_authenticator(connection: AsyncConnection, account_id: int) -> None:
    """Take an authenticator away."""
    await connection.execute(delete(authenticators).where(authenticators.c.account_id == account_id))


async def remove_passkey(connection: AsyncConnection, account_id: int, passkey_id: int) -> bool:
    """Take one of an account's own passkeys away; False if it has none of that id."""
    own = delete(passkeys).where(passkeys.c.account_id == account_id, passkeys.c.id == passkey_id)
    return (await connection.execute(own)).rowcount == 1


async def drop_recovery_codes(connection: AsyncConnection, account_id: int) -> None:
    """Take recovery codes away, as there is nothing left that they could stand in for."""
    await connection.execute(delete(recovery_codes).where(recovery_codes.c.account_id == account_id))


async def passkeys_of(connection: AsyncConnection, account_id: int) -> list[Row[Any]]:
    """An account's passkeys, the oldest first."""
    own = select(passkeys).where(passkeys.c.account_id == account_id).order_by(passkeys.c.id)
    return list((await connection.execute(own)).all())


def _name(account_id: int) -> str:
    return f"authenticators/{account_id}"
