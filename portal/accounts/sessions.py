"""Sessions: rows on the server behind opaque random ids, so that ending one ends it at once.

A session slides: it ends an idle time after its last use, and a life after its beginning, but a token that is in use
never in the middle of its use. The last use is written down at most once a minute, and what counts from it counts from
a minute later, so nobody is signed out early for it.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, delete, insert, or_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.dice import Dice
from portal.accounts.entry import EntryRefusal
from portal.accounts.tables import SessionKind, accounts, sessions
from portal.settings import SessionTimes
from portal.viewer import ACCOUNTS, Viewer, viewer_of

SECRET_BYTES = 32
LEEWAY = timedelta(seconds=60)
TOKEN_IN_USE = timedelta(minutes=15)
"""A token lives this long past its last use even at the end of its life: clients of Smart Meter Texas that are refused
with a token that was good just now try again with it without a pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open session as a request finds it; key names its row, csrf must come back with a page's changes."""

    key: str
    kind: SessionKind
    csrf: str
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody who is signed in and may enter."""

    viewer: Viewer
    session: Session


_FIND = (
    ACCOUNTS.add_columns(
        sessions.c.key,
        sessions.c.kind.label("session_kind"),
        sessions.c.csrf,
        sessions.c.created_at,
        sessions.c.last_used_at,
    )
    .join(sessions, sessions.c.account_id == accounts.c.id)
    .where(sessions.c.key == bindparam("wanted"))
)
_TOUCH = update(sessions).where(sessions.c.key == bindparam("of_session"))


def key_of(secret: str) -> str:
    """The name under which a session's secret is kept: its SHA-256, for the secret has entropy enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def open_session(
    connection: AsyncConnection, account_id: int, kind: SessionKind, dice: Dice, now: datetime
) -> str:
    """Begin a session; returns the secret for the browser or program to keep."""
    secret = _text(dice.secret(SECRET_BYTES))
    row = {
        "key": key_of(secret),
        "account_id": account_id,
        "kind": kind,
        "csrf": _text(dice.secret(SECRET_BYTES)),
        "created_at": now,
        "last_used_at": now,
    }
    await connection.execute(insert(sessions), row)
    return secret


async def find_session(
    connection: AsyncConnection, secret: str, kind: SessionKind, times: SessionTimes, now: datetime
) -> Entered | EntryRefusal | None:
    """Who holds a secret, why he may not enter any more, or None if no session of this kind lives under it."""
    row = (await connection.execute(_FIND, {"wanted": key_of(secret)})).one_or_none()
    if row is None or row.session_kind is not kind:
        return None
    idle, life, in_use = _times(kind, times)
    if now > row.last_used_at + idle + LEEWAY or now > max(row.created_at + life, row.last_used_at + in_use):
        return None
    viewer = await viewer_of(connection, row)
    if isinstance(viewer, EntryRefusal):
        return viewer
    return Entered(viewer, Session(key=row.key, kind=kind, csrf=row.csrf, last_used_at=row.last_used_at))


def is_touch_due(session: Session, now: datetime) -> bool:
    """Whether the last use written down is a minute old."""
    return now - session.last_used_at >= LEEWAY


async def touch(connection: AsyncConnection, session: Session, now: datetime) -> None:
    """Write down that a session is used."""
    await connection.execute(_TOUCH, {"of_session": session.key, "last_used_at": now})


async def end_session(connection: AsyncConnection, key: str) -> None:
    """End one session."""
    await connection.execute(delete(sessions).where(sessions.c.key == key))


async def end_sessions_of(connection: AsyncConnection, account_id: int) -> None:
    """End every session of an account: after a change of password, or of who it is."""
    await connection.execute(delete(sessions).where(sessions.c.account_id == account_id))


async def drop_stale(connection: AsyncConnection, times: SessionTimes, now: datetime) -> None:
    """Remove the rows of sessions that have ended by themselves."""
    for kind in SessionKind:
        idle, life, in_use = _times(kind, times)
        lived = and_(sessions.c.created_at < now - life, sessions.c.last_used_at < now - in_use)
        over = or_(sessions.c.last_used_at < now - idle - LEEWAY, lived)
        await connection.execute(delete(sessions).where(sessions.c.kind == kind, over))


def _times(kind: SessionKind, times: SessionTimes) -> tuple[timedelta, timedelta, timedelta]:
    """The idle time, the life, and how long a use keeps a session past its life."""
    if kind is SessionKind.PAGE:
        return timedelta(seconds=times.page_idle_s), timedelta(seconds=times.page_life_s), timedelta()
    idle, life = timedelta(seconds=times.token_idle_s), timedelta(seconds=times.token_life_s)
    return idle, life, TOKEN_IN_USE + LEEWAY


def _text(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")
