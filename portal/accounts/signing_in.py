"""Signing in and out: one way for pages and programs, with the guide's lock after more than four misses (PER-07).

The same answer, after the same time, whether a user id does not exist, its password is wrong or the account is
locked; only who knows the password is told more.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.database import Database
from gateway.dice import Dice
from portal.accounts.entry import EntryRefusal
from portal.accounts.passwords import Passwords
from portal.accounts.sessions import Session, end_session, open_session
from portal.accounts.status import AccountStatus
from portal.accounts.tables import SessionKind, accounts
from portal.accounts.throttle import Throttle
from portal.accounts.user_ids import user_key
from portal.viewer import Viewer, load_viewer

MOST_MISSES = 4
"""More wrong passwords than this lock the account."""


class SignInRefusal(StrEnum):
    """Why somebody was not let in."""

    WRONG = "wrong"
    THROTTLED = "throttled"
    FIRST_SIGN_IN = "first_sign_in"
    ACCOUNT = "account"
    COMPANY = "company"
    DUNS = "duns"


WORDS = {
    SignInRefusal.WRONG: "The user ID or the password is not right, or the account is locked: "
    "more than four wrong passwords lock it, and an administrator of the company opens it again.",
    SignInRefusal.THROTTLED: "Too many wrong passwords came from your address. Please wait a minute.",
    SignInRefusal.FIRST_SIGN_IN: "This account is approved; complete your first sign-in on the portal's pages.",
    SignInRefusal.ACCOUNT: "This account is not active. Please ask your company's administrator.",
    SignInRefusal.COMPANY: "Your company has no access at present. Please ask the help desk.",
    SignInRefusal.DUNS: "None of the DUNS numbers granted to you is active. Please ask your company's administrator.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Let in: secret is what the browser or program must keep, csrf what a page's changes must carry."""

    viewer: Viewer
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRefused:
    """Not let in; retry_in_s says how long a throttled address must wait."""

    reason: SignInRefusal
    words: str
    retry_in_s: float | None = None


_BY_USER = select(accounts.c.id, accounts.c.password_hash).where(accounts.c.user_key == bindparam("wanted"))
_LOCK = select(accounts.c.status, accounts.c.misses).where(accounts.c.id == bindparam("wanted")).with_for_update()
_CHANGE = update(accounts).where(accounts.c.id == bindparam("of_account"))


class Door:
    """Lets people in and out, for pages (a cookie) and programs (a token)."""

    def __init__(self, database: Database, passwords: Passwords, throttle: Throttle, clock: Clock, dice: Dice) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock
        self._dice = dice

    async def sign_in(self, user_id: str, password: str, kind: SessionKind, address: str) -> SignedIn | SignInRefused:
        """Check who it is and open a session of a kind; address is where the request came from."""
        wait_s = self._throttle.retry_in_s(address)
        if wait_s > 0:
            return SignInRefused(
                reason=SignInRefusal.THROTTLED, words=WORDS[SignInRefusal.THROTTLED], retry_in_s=wait_s
            )
        async with self._database.reading() as connection:
            row = (await connection.execute(_BY_USER, {"wanted": user_key(user_id)})).one_or_none()
        right = await self._passwords.verify(None if row is None else row.password_hash, password)
        if row is None:
            answer: SignedIn | SignInRefusal = SignInRefusal.WRONG
        else:
            answer = await self._database.write(lambda connection: self._settle(connection, row.id, kind, right=right))
        if isinstance(answer, SignedIn):
            return answer
        if answer is SignInRefusal.WRONG:
            self._throttle.miss(address)
        return SignInRefused(reason=answer, words=WORDS[answer])

    async def end(self, session: Session) -> None:
        """Sign out: end a session; one that has ended already stays so."""
        await self._database.write(lambda connection: end_session(connection, session.key))

    async def _settle(
        self, connection: AsyncConnection, account_id: int, kind: SessionKind, *, right: bool
    ) -> SignedIn | SignInRefusal:
        """Count the miss or open the session; the account's row is locked, so guesses at once count one by one."""
        now = self._clock.now()
        row = (await connection.execute(_LOCK, {"wanted": account_id})).one()
        if row.status is AccountStatus.LOCKED:
            return SignInRefusal.WRONG
        if not right:
            await connection.execute(_CHANGE, {"of_account": account_id, **_after_miss(row.status, row.misses, now)})
            return SignInRefusal.WRONG
        viewer = await load_viewer(connection, account_id)
        if not isinstance(viewer, Viewer):
            assert isinstance(viewer, EntryRefusal)
            return SignInRefusal(viewer.value)
        await connection.execute(_CHANGE, {"of_account": account_id, "misses": 0, "last_login_at": now})
        secret = await open_session(connection, account_id, kind, self._dice, now)
        return SignedIn(viewer=viewer, secret=secret)


def _after_miss(status: AccountStatus, misses: int, now: datetime) -> dict[str, object]:
    """What a wrong password changes: the count, and past the limit an account that could be used is Locked."""
    usable = status in (AccountStatus.ACTIVE, AccountStatus.APPROVED)
    if usable and misses + 1 > MOST_MISSES:
        return {"misses": misses + 1, "status": AccountStatus.LOCKED, "status_since": now}
    return {"misses": misses + 1}
