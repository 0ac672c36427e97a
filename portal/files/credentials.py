"""Credentials for a company's folder: made, listed, revoked, looked up. Each opens one company's files and no more."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import BadInput
from portal.companies.status import CompanyStatus
from portal.companies.tables import companies
from portal.files.tables import file_credentials

USER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,39}")
MOST_KEYS = 20
_STANDS = file_credentials.c.revoked_at.is_(None)
_ACTIVE = companies.c.status == CompanyStatus.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A credential of a company that may enter. Its hash is None if it has keys alone."""

    id: int
    company_id: int
    password_hash: str | None
    public_keys: tuple[str, ...]


def check_user_name(name: str) -> str:
    """A user name for FTPS and SFTP. Raises BadInput."""
    if not USER_NAME.fullmatch(name):
        raise BadInput(
            f"{name[:60]!r} is no user name: 3 to 40 of a-z, 0-9, dot, hyphen, underscore, beginning with a-z or 0-9"
        )
    return name


async def company_named(connection: AsyncConnection, name: str) -> int:
    """The company of that name or number. Raises BadInput if there is none, or if several have the name."""
    by_number = companies.c.id == int(name) if name.isdigit() and len(name) < 10 else companies.c.name == name
    found = list(await connection.scalars(select(companies.c.id).where(by_number).limit(2)))
    if len(found) != 1:
        raise BadInput(f"{'several companies are' if found else 'no company is'} named {name[:60]!r}; give its number")
    return int(found[0])


async def set_password(
    connection: AsyncConnection, company_id: int, user_name: str, password_hash: str, now: datetime
) -> None:
    """Make a credential, or give the standing one of that name and company another password. Raises BadInput."""
    held = await _standing(connection, user_name)
    if held is not None and held.company_id != company_id:
        raise BadInput(f"the user name {user_name} is taken")
    if held is not None:
        changed = update(file_credentials).where(file_credentials.c.id == held.id)
        await connection.execute(changed.values(password_hash=password_hash))
        return
    values = {"company_id": company_id, "user_name": user_name, "password_hash": password_hash, "public_keys": []}
    await connection.execute(insert(file_credentials).values(**values, created_at=now))


async def add_key(connection: AsyncConnection, user_name: str, key: str) -> None:
    """Let a credential sign in over SFTP with an SSH key too, given as OpenSSH writes it. Raises BadInput."""
    held = await _standing(connection, user_name)
    if held is None:
        raise BadInput(f"there is no user name {user_name}")
    keys = [*held.public_keys, *([] if key in held.public_keys else [key])]
    if len(keys) > MOST_KEYS:
        raise BadInput(f"a credential has at most {MOST_KEYS} keys")
    await connection.execute(update(file_credentials).where(file_credentials.c.id == held.id).values(public_keys=keys))


async def revoke(connection: AsyncConnection, user_name: str, now: datetime) -> None:
    """End a credential, and its open sessions at their next command. Raises BadInput if there is none."""
    ended = update(file_credentials).where(file_credentials.c.user_name == user_name, _STANDS).values(revoked_at=now)
    if not (await connection.execute(ended)).rowcount:
        raise BadInput(f"there is no user name {user_name}")


async def credentials(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """All credentials with their companies, by company and name; no hash among them."""
    chosen: Select[Any] = (
        select(
            file_credentials.c.user_name,
            file_credentials.c.public_keys,
            file_credentials.c.created_at,
            file_credentials.c.revoked_at,
            companies.c.id.label("company_id"),
            companies.c.name.label("company"),
            companies.c.status.label("company_status"),
        )
        .join(companies, companies.c.id == file_credentials.c.company_id)
        .order_by(companies.c.name, file_credentials.c.user_name, file_credentials.c.id)
    )
    found: Sequence[Row[Any]] = (await connection.execute(chosen)).all()
    return found


async def held_by(connection: AsyncConnection, user_name: str) -> Held | None:
    """The standing credential of that name, None alike if there is none or its company may not enter."""
    chosen = select(file_credentials).join(companies, companies.c.id == file_credentials.c.company_id)
    row = (await connection.execute(chosen.where(file_credentials.c.user_name == user_name, _STANDS, _ACTIVE))).first()
    if row is None:
        return None
    return Held(
        id=row.id,
        company_id=row.company_id,
        password_hash=row.password_hash,
        public_keys=tuple(row.public_keys),
    )


async def still_stands(connection: AsyncConnection, credential_id: int) -> bool:
    """Whether a credential may still be used: it was not revoked, and its company is Active."""
    company = companies.c.id == file_credentials.c.company_id
    return bool(
        await connection.scalar(
            select(exists().where(and_(company, file_credentials.c.id == credential_id, _STANDS, _ACTIVE)))
        )
    )


async def _standing(connection: AsyncConnection, user_name: str) -> Row[Any] | None:
    chosen = select(file_credentials).where(file_credentials.c.user_name == user_name, _STANDS)
    return (await connection.execute(chosen.with_for_update())).one_or_none()
