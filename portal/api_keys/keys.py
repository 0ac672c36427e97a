"""Making, finding and ending API keys.

A key is 256 random bits, so its plain SHA-256 is kept and it is found by that: the work is the same whatever is sent.
"""

import base64
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.api_keys.tables import Scope, api_keys
from portal.companies.kinds import Kind
from portal.companies.status import CompanyStatus
from portal.companies.tables import companies

MARK = "mgk_"
"""How every key begins, so that it is known wherever it turns up."""
SECRET_BYTES = 32
SHOWN = 12
TOUCHED_EVERY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHolder:
    """A company's program that came with a good key, and what that opens."""

    key_id: int
    company_id: int
    kind: Kind
    scopes: frozenset[Scope]
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as people see it: never what opens."""

    id: int
    name: str
    prefix: str
    scopes: tuple[Scope, ...]
    made_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def stands(self, now: datetime) -> bool:
        """Whether it still opens anything, as long as its company is Active."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


_FIND = (
    select(api_keys, companies.c.kind, companies.c.status)
    .join(companies, companies.c.id == api_keys.c.company_id)
    .where(api_keys.c.digest == bindparam("wanted"))
)


def new_key(chance: bytes) -> str:
    """A key from SECRET_BYTES random bytes."""
    return MARK + base64.urlsafe_b64encode(chance).decode().rstrip("=")


async def make_key(
    connection: AsyncConnection,
    key: str,
    company_id: int,
    name: str,
    scopes: Collection[Scope],
    made_by: int | None,
    expires_at: datetime | None,
    now: datetime,
) -> int:
    """Keep a new key by its digest; returns its id."""
    row = {
        "company_id": company_id,
        "name": name,
        "prefix": key[:SHOWN],
        "digest": _digest(key),
        "scopes": sorted(scopes),
        "made_by": made_by,
        "made_at": now,
        "expires_at": expires_at,
    }
    made = await connection.execute(insert(api_keys).returning(api_keys.c.id), row)
    return int(made.scalar_one())


async def find_key(connection: AsyncConnection, key: str, now: datetime) -> KeyHolder | None:
    """Who holds a key; None alike if there is none, or it has ended, or its company is not Active."""
    row = (await connection.execute(_FIND, {"wanted": _digest(key)})).one_or_none()
    if row is None or row.revoked_at is not None or row.status is not CompanyStatus.ACTIVE:
        return None
    if row.expires_at is not None and row.expires_at <= now:
        return None
    return KeyHolder(
        key_id=row.id,
        company_id=row.company_id,
        kind=row.kind,
        scopes=frozenset(map(Scope, row.scopes)),
        last_used_at=row.last_used_at,
    )


def is_touch_due(holder: KeyHolder, now: datetime) -> bool:
    """Whether the last use written down is a minute old."""
    return holder.last_used_at is None or now - holder.last_used_at >= TOUCHED_EVERY


async def touch(connection: AsyncConnection, holder: KeyHolder, now: datetime) -> None:
    """Write down that a key is used."""
    await connection.execute(update(api_keys).where(api_keys.c.id == holder.key_id).values(last_used_at=now))


async def keys_of(connection: AsyncConnection, company_id: int) -> list[ApiKey]:
    """A company's keys, those that have ended included, newest first."""
    found = select(api_keys).where(api_keys.c.company_id == company_id).order_by(api_keys.c.id.desc())
    return [_shown(row) for row in (await connection.execute(found)).all()]


async def key_of(connection: AsyncConnection, company_id: int, key_id: int) -> ApiKey | None:
    """One key of a company, None if it has none of this id."""
    own = select(api_keys).where(api_keys.c.id == key_id, api_keys.c.company_id == company_id)
    row = (await connection.execute(own)).one_or_none()
    return None if row is None else _shown(row)


async def shorten_key(connection: AsyncConnection, key_id: int, ends_at: datetime) -> None:
    """Let a key end by itself at an instant."""
    await connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(expires_at=ends_at))


async def revoke_key(connection: AsyncConnection, company_id: int, key_id: int, now: datetime) -> bool:
    """End a key of a company from its next request on; returns whether the company has it. One ended stays so."""
    own = (api_keys.c.id == key_id, api_keys.c.company_id == company_id)
    await connection.execute(update(api_keys).where(*own, api_keys.c.revoked_at.is_(None)).values(revoked_at=now))
    return (await connection.execute(select(api_keys.c.id).where(*own))).first() is not None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _shown(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        scopes=tuple(map(Scope, row.scopes)),
        made_at=row.made_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
