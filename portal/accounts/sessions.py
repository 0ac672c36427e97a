"""Sessions: rows on the server behind opaque random ids, so that ending one ends it at once.

A session slides: it ends an idle time after its last use, and a life after its beginning, but a token that is in use
never in the middle of its use. The last use is written down at most once a minute, and what counts from it counts from
a minute later, so nobody is signed out early for it.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.dice import Dice
from gateway.questions import Question
from portal.accounts.entry import EntryRefusal
from portal.accounts.tables import SessionKind, accounts, sessions
from portal.settings import SessionTimes
from portal.viewer import VIEWER, Viewer, viewer_of

SECRET_BYTES = 32
PUBLIC_ID = 16
LONGEST_ADDRESS, LONGEST_AGENT = 45, 300
LEEWAY = timedelta(seconds=60)
HALF_OPEN_LIFE = timedelta(minutes=30)
"""Time enough to find a phone and to think of a password."""
HALF_OPEN = (SessionKind.FIRST_SIGN_IN, SessionKind.SECOND_FACTOR)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a sign-in comes from: the address, and what the browser or program says of itself."""

    address: str
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody who is signed in and may enter."""

    viewer: Viewer
    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """Somebody whose sign-in is half done: no page is his but those that complete it."""

    account_id: int
    user_id: str
    session: Session


_FIND = Question(
    VIEWER.add_columns(
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
    connection: AsyncConnection,
    account_id: int,
    kind: SessionKind,
    dice: Dice,
    now: datetime,
    origin: Origin | None = None,
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
        "address": None if origin is None else origin.address[:LONGEST_ADDRESS],
        "agent": None if origin is None or origin.agent is None else origin.agent[:LONGEST_AGENT],
    }
    await connection.execute(insert(sessions), row)
    return secret


async def find_session(
    database: Database, secret: str, kind: SessionKind, times: SessionTimes, now: datetime
) -> Entered | EntryRefusal | None:
    """Who holds a secret, why he may not enter any more, or None if no session of this kind lives under it."""
    row = await _found(database, secret)
    if row is None or row.session_kind is not kind:
        return None
    idle, life, in_use = _times(kind, times)
    if now > row.last_used_at + idle + LEEWAY or now > max(row.created_at + life, row.last_used_at + in_use):
        return None
    if row.must_change_password:
        return EntryRefusal.FIRST_SIGN_IN
    viewer = viewer_of(row)
    if isinstance(viewer, EntryRefusal):
        return viewer
    return Entered(viewer, _session(row))


async def find_unfinished(database: Database, secret: str, now: datetime) -> Unfinished | None:
    """Whose sign-in is half done under a secret; what he may do there is asked when he does it."""
    row = await _found(database, secret)
    if row is None or row.session_kind not in HALF_OPEN or now > row.created_at + HALF_OPEN_LIFE:
        return None
    return Unfinished(account_id=row.id, user_id=row.user_id, session=_session(row))


async def _found(database: Database, secret: str) -> Row[Any] | None:
    return next(iter(await database.ask(_FIND, wanted=key_of(secret))), None)


def is_touch_due(session: Session, now: datetime) -> bool:
    """Whether the last use written down is a minute old."""
    return now - session.last_used_at >= LEEWAY


async def touch(connection: AsyncConnection, session: Session, now: datetime) -> None:
    """Write down that a session is used."""
    await connection.execute(_TOUCH, {"of_session": session.key, "last_used_at": now})


async def end_session(connection: AsyncConnection, key: str) -> None:
    """End one session."""
    await connection.execute(delete(sessions).where(sessions.c.key == key))


async def end_sessions_of(connection: AsyncConnection, account_id: int, but: str = "") -> None:
    """End every session of an account, but that of a key: after a change of password, or of who it is."""
    ended = delete(sessions).where(sessions.c.account_id == account_id, sessions.c.key != but)
    await connection.execute(ended)


async def sessions_of(connection: AsyncConnection, account_id: int) -> list[Row[Any]]:
    """An account's sessions, the one used last first."""
    own = select(sessions).where(sessions.c.account_id == account_id, sessions.c.kind.not_in(HALF_OPEN))
    return list((await connection.execute(own.order_by(sessions.c.last_used_at.desc(), sessions.c.key))).all())


def public_id(key: str) -> str:
    """A session's name for its owner: it opens nothing."""
    return key[:PUBLIC_ID]


async def end_by_public_id(connection: AsyncConnection, account_id: int, wanted: str) -> bool:
    """End one of an account's own sessions; False if it has none of that name."""
    if len(wanted) != PUBLIC_ID or not wanted.isalnum():
        return False
    own = and_(sessions.c.account_id == account_id, sessions.c.key.startswith(wanted))
    return (await connection.execute(delete(sessions).where(own))).rowcount > 0


async def drop_stale(connection: AsyncConnection, times: SessionTimes, now: datetime) -> None:
    """Remove the rows of sessions that have ended by themselves."""
    for kind in SessionKind:
        idle, life, in_use = _times(kind, times)
        lived = and_(sessions.c.created_at < now - life, sessions.c.last_used_at < now - in_use)
        over = or_(sessions.c.last_used_at < now - idle - LEEWAY, lived)
        await connection.execute(delete(sessions).where(sessions.c.kind == kind, over))


def _times(kind: SessionKind, times: SessionTimes) -> tuple[timedelta, timedelta, timedelta]:
    """The idle time, the life, and how long a use keeps a session past its life."""
    if kind in HALF_OPEN:
        return HALF_OPEN_LIFE, HALF_OPEN_LIFE, timedelta()
    if kind is SessionKind.PAGE:
        return timedelta(seconds=times.page_idle_s), timedelta(seconds=times.page_life_s), timedelta()
    idle, life = timedelta(seconds=times.token_idle_s), timedelta(seconds=times.token_life_s)
    return idle, life, TOKEN_IN_USE + LEEWAY


def _session(row: Row[Any]) -> Session:
    return Session(key=row.key, kind=row.session_kind, csrf=row.csrf, last_used_at=row.last_used_at)


def _text(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")
