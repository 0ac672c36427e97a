"""Completing a sign-in: a password of one's own, a security question where the rules want one, and so to Active.

The same steps follow an unlocking or a reinstatement that left something owed (AMB-12, AMB-17). A link stands for the
temporary password: whoever has it may set the password, once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from portal.accounts.credentials import is_over
from portal.accounts.entering import (
    HalfOpened,
    House,
    SignedIn,
    complete,
    go_on,
    hindrance,
    locked_row,
    note_own,
    owed_by,
)
from portal.accounts.entry import EntryRefusal
from portal.accounts.machine import AccountAction, after
from portal.accounts.owed import Owed
from portal.accounts.password_rules import password_fault, words_of
from portal.accounts.passwords import Passwords
from portal.accounts.second_factors import factors_of
from portal.accounts.security_questions import is_question, same_answer
from portal.accounts.sessions import Origin, Unfinished, end_sessions_of, key_of
from portal.accounts.status import AccountStatus
from portal.accounts.tables import SessionKind, accounts


@dataclass(frozen=True, slots=True)
class Faulty:
    """What was filled in is not right; words by field."""

    faults: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkHolder:
    """The account whose password a link may set."""

    account_id: int
    user_id: str
    password_hash: str | None
    second_factor: bool


Went = SignedIn | HalfOpened | EntryRefusal | Faulty | None
"""In, or one step further, or why not; None if the step was no longer there to be taken."""


class FirstSignIn:
    """Takes the steps that an account owes."""

    def __init__(self, database: Database, passwords: Passwords, house: House) -> None:
        self._database = database
        self._passwords = passwords
        self._house = house

    async def owed(self, who: Unfinished) -> Owed | None:
        """What somebody owes; None if his sign-in is at another step."""
        if who.session.kind is not SessionKind.FIRST_SIGN_IN:
            return None
        async with self._database.reading() as connection:
            row = (await connection.execute(select(accounts).where(accounts.c.id == who.account_id))).one()
            return await owed_by(connection, row, self._house.preset)

    async def take(
        self, who: Unfinished, origin: Origin, password: str = "", question: str = "", answer: str = ""
    ) -> Went:
        """Take the steps that are owed and can be taken with a form: the password and the security question."""
        due = await self.owed(who)
        if due is None:
            return None
        async with self._database.reading() as connection:
            row = (await connection.execute(select(accounts).where(accounts.c.id == who.account_id))).one()
            has_factor = bool(await factors_of(connection, row.id))
        change: dict[str, object] = {}
        faults: dict[str, str] = {}
        if due.password:
            faults |= await self._password_faults(row.user_id, row.password_hash, password, has_factor=has_factor)
        if due.question:
            faults |= question_faults(question, answer)
        if faults:
            return Faulty(faults)
        if due.password:
            change |= new_password(await self._passwords.hash(password))
        if due.question:
            kept = await self._passwords.hash(same_answer(answer))
            change |= {"security_question": question, "security_answer_hash": kept}

        async def job(connection: AsyncConnection) -> Went:
            now_row = await locked_row(connection, who.account_id)
            # A newer temporary password, or an account that was barred meanwhile, undoes this step.
            if now_row is None or now_row.password_hash != row.password_hash:
                return None
            if change:
                await connection.execute(update(accounts).where(accounts.c.id == who.account_id).values(**change))
            if due.password:
                await note_own(connection, self._house, now_row, "account.password", "first sign-in")
            return await self._finish(connection, who.account_id, origin, who.session.key, factor_given=True)

        return await self._database.write(job)

    async def holder_of(self, secret: str) -> LinkHolder | None:
        """Whose password a link may set; None if it was used, replaced, or is too old. Looking changes nothing."""
        async with self._database.reading() as connection:
            row = (
                await connection.execute(select(accounts).where(accounts.c.link_key == key_of(secret)))
            ).one_or_none()
            if row is None or not self._opens(row):
                return None
            factor = bool(await factors_of(connection, row.id))
        return LinkHolder(account_id=row.id, user_id=row.user_id, password_hash=row.password_hash, second_factor=factor)

    async def set_by_link(self, secret: str, password: str, origin: Origin) -> Went:
        """Set a password by a link, which is used up by it; a Locked account becomes Active (PER-08)."""
        holder = await self.holder_of(secret)
        if holder is None:
            return None
        faults = await self._password_faults(
            holder.user_id, holder.password_hash, password, has_factor=holder.second_factor
        )
        if faults:
            return Faulty(faults)
        kept = await self._passwords.hash(password)

        async def job(connection: AsyncConnection) -> Went:
            row = await locked_row(connection, holder.account_id)
            if row is None or row.link_key != key_of(secret) or not self._opens(row):
                return None
            change = new_password(kept)
            unlocked = after(row.status, AccountAction.NEW_CREDENTIAL)
            if isinstance(unlocked, AccountStatus):
                change |= {"status": unlocked, "status_since": self._house.clock.now()}
            await connection.execute(update(accounts).where(accounts.c.id == row.id).values(**change))
            await end_sessions_of(connection, row.id)
            await note_own(connection, self._house, row, "account.password", "set by a mailed link")
            return await self._finish(connection, row.id, origin, "", factor_given=False)

        return await self._database.write(job)

    async def _finish(
        self, connection: AsyncConnection, account_id: int, origin: Origin, before: str, *, factor_given: bool
    ) -> Went:
        """In if nothing but the confirmation is left, otherwise one step on."""
        row = await locked_row(connection, account_id)
        assert row is not None, "its row was locked a moment ago"
        due = await owed_by(connection, row, self._house.preset)
        factor_due = bool(await factors_of(connection, account_id)) and not factor_given
        if not (due.password or due.question or due.second_factor or factor_due):
            refusal = await complete_if_due(connection, self._house, row)
            if refusal is not None:
                return refusal
            await end_sessions_of(connection, account_id, but=before)
            row = await locked_row(connection, account_id)
            assert row is not None, "its row was locked a moment ago"
        return await go_on(connection, self._house, row, origin, factor_given=factor_given, before=before)

    async def finish(self, connection: AsyncConnection, who: Unfinished, origin: Origin) -> Went:
        """After a second factor was set up: on with what is left, inside the caller's transaction."""
        return await self._finish(connection, who.account_id, origin, who.session.key, factor_given=True)

    def _opens(self, row: Row[Any]) -> bool:
        barred = row.status in (AccountStatus.PENDING, AccountStatus.SUSPENDED, AccountStatus.REVOKED)
        return not barred and not is_over(row.link_until, self._house.clock.now())

    async def _password_faults(
        self, user_id: str, kept: str | None, password: str, *, has_factor: bool
    ) -> dict[str, str]:
        is_previous = await self._passwords.verify(kept, password)
        preset = self._house.preset
        fault = password_fault(preset, password, user_id, is_previous=is_previous, second_factor=has_factor)
        return {} if fault is None else {"new_password": words_of(fault, preset, second_factor=has_factor)}


async def complete_if_due(connection: AsyncConnection, house: House, row: Row[Any]) -> EntryRefusal | None:
    """Make an Approved account Active; why not, if it could not enter even then."""
    refusal = hindrance(row)
    if refusal is None:
        await complete(connection, house, row)
    return refusal


def new_password(kept: str) -> dict[str, object]:
    """What the owner's new password changes: nothing that opened the account before does any more."""
    return {
        "password_hash": kept,
        "must_change_password": False,
        "password_until": None,
        "link_key": None,
        "link_until": None,
        "misses": 0,
    }


def question_faults(question: str, answer: str) -> dict[str, str]:
    """What is wrong with a security question and its answer."""
    faults = {} if is_question(question) else {"security_question": "Choose a security question"}
    return faults if same_answer(answer) else faults | {"security_answer": "Enter an answer that you can remember"}
