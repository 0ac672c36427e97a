"""Signing in and out: one way for pages and programs, with the guide's lock after more than four misses (PER-07).

The same answer, after the same time, whether a user id does not exist, its password is wrong or the account is
locked; only who knows the password is told more.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Row, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from portal.accounts.credentials import is_over
from portal.accounts.entering import (
    HalfOpened,
    House,
    SignedIn,
    enter,
    go_on,
    hindrance,
    locked_row,
    miss,
    owed_by,
)
from portal.accounts.entry import EntryRefusal
from portal.accounts.passwords import Passwords
from portal.accounts.second_factors import factors_of, use_code
from portal.accounts.sessions import Origin, Session, Unfinished, end_session
from portal.accounts.status import AccountStatus
from portal.accounts.tables import SessionKind, accounts
from portal.accounts.throttle import Throttle
from portal.accounts.user_ids import user_key
from portal.accounts.vault import Vault


class SignInRefusal(StrEnum):
    """Why somebody was not let in."""

    WRONG = "wrong"
    THROTTLED = "throttled"
    FIRST_SIGN_IN = "first_sign_in"
    ACCOUNT = "account"
    COMPANY = "company"
    DUNS = "duns"
    EXPIRED = "expired"
    SECOND_FACTOR = "second_factor"
    CODE = "code"


WORDS = {
    SignInRefusal.WRONG: "The user ID or the password is not right, or the account is locked: "
    "more than four wrong passwords lock it. Forgot Password opens it again.",
    SignInRefusal.THROTTLED: "Too many wrong passwords came from your address. Please wait a minute.",
    SignInRefusal.FIRST_SIGN_IN: "This account is approved; complete your first sign-in on the portal's pages.",
    SignInRefusal.ACCOUNT: "This account is not active. Please ask your company's administrator.",
    SignInRefusal.COMPANY: "Your company has no access at present. Please ask the help desk.",
    SignInRefusal.DUNS: "None of the DUNS numbers granted to you is active. Please ask your company's administrator.",
    SignInRefusal.EXPIRED: "This temporary password is more than 14 days old. Please ask your company's administrator "
    "for a new one, or use Forgot Password.",
    SignInRefusal.SECOND_FACTOR: "This account signs in with a second factor as well: a password alone is not enough. "
    "Send the code of its authenticator app, or use an API key.",
    SignInRefusal.CODE: "The code is not right, or it was used before. Please wait for the next one.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRefused:
    """Not let in; retry_in_s says how long a throttled address must wait."""

    reason: SignInRefusal
    words: str
    retry_in_s: float | None = None


T = TypeVar("T")
Settle = Callable[[AsyncConnection, Row[Any]], Awaitable[T | SignInRefusal]]
ApiKeySignIn = Callable[[str, str, Origin], Awaitable[SignedIn | None]]
"""Where an API key takes a password's place: user id, what came as the password, where from; None if it is no key."""
Answer = SignedIn | HalfOpened | SignInRefused
_BY_USER = select(accounts.c.id, accounts.c.password_hash).where(accounts.c.user_key == bindparam("wanted"))


class Door:
    """Lets people in and out, for pages (a cookie) and programs (a token)."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        throttle: Throttle,
        house: House,
        vault: Vault,
        by_api_key: ApiKeySignIn | None = None,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._house = house
        self._vault = vault
        self._by_api_key = by_api_key

    async def sign_in_program(
        self, user_id: str, password: str, origin: Origin, code: str = ""
    ) -> SignedIn | SignInRefused:
        """A token for a program; code is of the authenticator app, or a recovery code, where the account has one."""

        async def settle(connection: AsyncConnection, row: Row[Any]) -> SignedIn | SignInRefusal:
            refusal = hindrance(row)
            if refusal is not None:
                return SignInRefusal(refusal.value)
            if await factors_of(connection, row.id):
                if not code:
                    return SignInRefusal.SECOND_FACTOR
                if not await use_code(connection, row.id, code, self._vault, self._house.clock.now()):
                    await miss(connection, self._house, row)
                    return SignInRefusal.CODE
            if await owed_by(connection, row, self._house.preset):
                return SignInRefusal.FIRST_SIGN_IN
            return _refused(await enter(connection, self._house, row.id, SessionKind.TOKEN, origin))

        if self._by_api_key is not None and (known := await self._by_api_key(user_id, password, origin)) is not None:
            return known
        return await self._by_password(user_id, password, origin, settle)

    async def sign_in(self, user_id: str, password: str, origin: Origin, before: str = "") -> Answer:
        """A page's session, or the half of one; before is the key of a session that the browser had until now."""

        async def settle(connection: AsyncConnection, row: Row[Any]) -> SignedIn | HalfOpened | SignInRefusal:
            return _refused(await go_on(connection, self._house, row, origin, factor_given=False, before=before))

        return await self._by_password(user_id, password, origin, settle)

    async def give_code(self, who: Unfinished, code: str, origin: Origin) -> Answer:
        """Go on with a code of the authenticator app, or a recovery code; misses count like those of passwords."""

        async def is_right(connection: AsyncConnection) -> bool:
            return await use_code(connection, who.account_id, code, self._vault, self._house.clock.now())

        return await self.give_proof(who, is_right, origin)

    async def give_proof(
        self, who: Unfinished, is_right: Callable[[AsyncConnection], Awaitable[bool]], origin: Origin
    ) -> Answer:
        """Go on with any second factor: is_right looks at it in the transaction that settles it."""

        async def job(connection: AsyncConnection) -> SignedIn | HalfOpened | SignInRefusal:
            row = await locked_row(connection, who.account_id)
            if row is None or row.status is AccountStatus.LOCKED:
                return SignInRefusal.WRONG
            if not await is_right(connection):
                locks = await miss(connection, self._house, row)
                return SignInRefusal.WRONG if locks else SignInRefusal.CODE
            going = await go_on(connection, self._house, row, origin, factor_given=True, before=who.session.key)
            return _refused(going)

        return await self._throttled(origin, lambda: self._database.write(job))

    async def end(self, session: Session) -> None:
        """Sign out: end a session; one that has ended already stays so."""
        await self._database.write(lambda connection: end_session(connection, session.key))

    async def _by_password(self, user_id: str, password: str, origin: Origin, settle: Settle[T]) -> T | SignInRefused:
        """Check a password, count a miss, and let settle decide with the account's row locked."""

        async def attempt() -> T | SignInRefusal:
            async with self._database.reading() as connection:
                known = (await connection.execute(_BY_USER, {"wanted": user_key(user_id)})).one_or_none()
            kept = None if known is None else known.password_hash
            right = await self._passwords.verify(kept, password)
            if known is None:
                return SignInRefusal.WRONG

            async def job(connection: AsyncConnection) -> T | SignInRefusal:
                row = await locked_row(connection, known.id)
                # Guesses at once count one by one, and a password that was changed meanwhile is no longer right.
                if row is None or row.status is AccountStatus.LOCKED or row.password_hash != kept:
                    return SignInRefusal.WRONG
                if not right:
                    await miss(connection, self._house, row)
                    return SignInRefusal.WRONG
                if row.must_change_password and is_over(row.password_until, self._house.clock.now()):
                    return SignInRefusal.EXPIRED
                return await settle(connection, row)

            return await self._database.write(job)

        return await self._throttled(origin, attempt)

    async def _throttled(
        self, origin: Origin, attempt: Callable[[], Awaitable[T | SignInRefusal]]
    ) -> T | SignInRefused:
        """An attempt, unless its address has missed too often of late."""
        wait_s = self._throttle.retry_in_s(origin.address)
        if wait_s > 0:
            words = WORDS[SignInRefusal.THROTTLED]
            return SignInRefused(reason=SignInRefusal.THROTTLED, words=words, retry_in_s=wait_s)
        answer = await attempt()
        if not isinstance(answer, SignInRefusal):
            return answer
        if answer in (SignInRefusal.WRONG, SignInRefusal.CODE):
            self._throttle.miss(origin.address)
        return SignInRefused(reason=answer, words=WORDS[answer])


def _refused(answer: T | EntryRefusal) -> T | SignInRefusal:
    return SignInRefusal(answer.value) if isinstance(answer, EntryRefusal) else answer
