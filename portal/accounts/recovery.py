"""Forgot password and forgot user id (guide 6.3 and 6.4, PER-08, PER-09): the mailbox is the only way back (PER-10).

Nothing here tells whether a user id or an address is known: every answer is the same, after the same work, and the
difference is a letter in the outbox.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.errors import BadInput
from portal.accounts.credentials import LIFE, Credential, CredentialKind, Credentials, give
from portal.accounts.entering import House, actor_of, locked_row, note_own, subject_of
from portal.accounts.machine import AccountAction, after
from portal.accounts.passwords import Passwords
from portal.accounts.presets import Preset
from portal.accounts.security_questions import plausible_question, same_answer
from portal.accounts.sign_in_letters import letter_of_credential, letter_of_user_ids
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts
from portal.accounts.throttle import Throttle
from portal.accounts.user_ids import user_key
from portal.accounts.vault import Vault
from portal.audit.log import Event, note
from portal.mail.letters import Letter
from portal.mail.outbox import post

PAUSE = timedelta(minutes=5)
"""One letter for one account or address in this time, however often it is asked for."""
ANSWERS_PER_HOUR = 5
ASKED_PER_MINUTE = 20
_HELPED = (AccountStatus.APPROVED, AccountStatus.ACTIVE, AccountStatus.LOCKED)


class Recovery:
    """Lets people back in by mail."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        credentials: Credentials,
        house: House,
        vault: Vault,
        address: str,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._credentials = credentials
        self._house = house
        self._guise = vault.guise
        self._address = address
        clock = house.clock
        self._askers = Throttle(clock, most=ASKED_PER_MINUTE)
        self._answers = Throttle(clock, most=ANSWERS_PER_HOUR, per_s=3600.0)
        self._letters = Throttle(clock, most=1, per_s=PAUSE.total_seconds())

    @property
    def asks_question(self) -> bool:
        """Whether a security question stands before the letter: in the guide's preset."""
        return self._house.preset is Preset.SMT

    def wait_s(self, origin: str) -> float:
        """How long an address must wait before it may ask again; each asking counts, right or wrong."""
        wait_s = self._askers.retry_in_s(origin)
        if wait_s <= 0:
            self._askers.miss(origin)
        return max(0.0, wait_s)

    async def question_of(self, user_id: str) -> str:
        """The key of the security question to be answered for a user id, known or not."""
        row = await self._find(user_id)
        if row is not None and row.security_question is not None:
            return str(row.security_question)
        return plausible_question(self._guise, user_key(user_id))

    async def send_password(self, user_id: str, answer: str = "") -> None:
        """Mail a new temporary password if the answer is right, or a link; a Locked account becomes Active (PER-08).

        A link unlocks only when it is used, for nobody has proved anything by asking for it.
        """
        row = await self._find(user_id)
        right = not self.asks_question or await self._is_answered(user_id, row, answer)
        credential = await self._credentials.make()
        if row is None:
            return
        account_id: int = row.id

        async def job(connection: AsyncConnection) -> None:
            locked = await locked_row(connection, account_id)
            if locked is None or not right or locked.security_answer_hash != row.security_answer_hash:
                return
            await self._give(connection, locked, credential)

        await self._database.write(job)

    async def send_user_ids(self, email: str) -> None:
        """Mail all user ids of an address to it (PER-09)."""
        wanted = email.strip().lower()
        if self._letters.retry_in_s(wanted) > 0:
            return
        self._letters.miss(wanted)
        now = self._house.clock.now()
        chosen = select(accounts.c.user_id, accounts.c.email).where(func.lower(accounts.c.email) == wanted)

        async def job(connection: AsyncConnection) -> None:
            found = (await connection.execute(chosen.order_by(accounts.c.user_key))).all()
            if found:
                letter = letter_of_user_ids(found[0].email, [row.user_id for row in found], self._address)
                await post(connection, letter, now)

        await self._database.write(job)

    async def _find(self, user_id: str) -> Row[Any] | None:
        async with self._database.reading() as connection:
            chosen = select(accounts).where(accounts.c.user_key == user_key(user_id))
            return (await connection.execute(chosen)).one_or_none()

    async def _is_answered(self, user_id: str, row: Row[Any] | None, answer: str) -> bool:
        """Whether an answer is right; after five an hour for one user id none is, and it takes as long as ever."""
        key = user_key(user_id)
        spent = self._answers.retry_in_s(key) > 0
        kept = None if row is None or spent else row.security_answer_hash
        right = await self._passwords.verify(kept, same_answer(answer))
        if not right and not spent:
            self._answers.miss(key)
        return right

    async def _give(self, connection: AsyncConnection, row: Row[Any], credential: Credential) -> None:
        now = self._house.clock.now()
        if row.status not in _HELPED or _was_just_sent(row, now):
            return
        try:
            letter: Letter = letter_of_credential(row.email, row.user_id, credential, self._address)
        except BadInput:  # an address from before addresses were checked: nobody can be written to there
            return
        await give(connection, row.id, credential, now)
        await post(connection, letter, now)
        await note_own(connection, self._house, row, "account.forgot_password", f"a {credential.kind} was mailed")
        if credential.kind is CredentialKind.LINK:
            return
        status = after(row.status, AccountAction.NEW_CREDENTIAL)
        if isinstance(status, AccountStatus):
            unlocked = update(accounts).where(accounts.c.id == row.id)
            await connection.execute(unlocked.values(status=status, status_since=now))
            event = Event(
                actor=actor_of(row),
                action="account.new_credential",
                subject=subject_of(row),
                cause="the security question was answered",
                before=row.status,
                after=status,
            )
            await note(connection, self._house.seal, event, now)


def _was_just_sent(row: Row[Any], now: datetime) -> bool:
    """Whether the account was given a password or a link within the pause; its age follows from its end."""
    ends = [until for until in (row.password_until, row.link_until) if until is not None]
    return any(now < until - LIFE + PAUSE for until in ends)
