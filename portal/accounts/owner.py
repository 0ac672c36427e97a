"""What the owner of an account, and nobody else, changes about it (guide 6, PER-01 to PER-06).

A change that decides who can get in asks for the password again where the guide's preset does not say otherwise, and
is told to the address of the account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.errors import BadInput
from gateway.identifiers import Duns
from portal.accounts.entering import House, locked_row, note_own
from portal.accounts.first_sign_in import Faulty, new_password, question_faults
from portal.accounts.password_rules import password_fault, words_of
from portal.accounts.passwords import Passwords
from portal.accounts.presets import Preset
from portal.accounts.second_factors import (
    Factors,
    begin_authenticator,
    confirm_authenticator,
    drop_recovery_codes,
    factors_of,
    new_recovery_codes,
    remove_authenticator,
    remove_passkey,
)
from portal.accounts.security_questions import same_answer
from portal.accounts.sessions import Origin, end_sessions_of, open_session
from portal.accounts.sign_in_letters import letter_of_change
from portal.accounts.status import AccountStatus
from portal.accounts.tables import SessionKind, accounts, duns_grants
from portal.accounts.vault import Vault
from portal.companies.status import DunsStatus
from portal.companies.tables import duns_numbers
from portal.mail.letters import check_address
from portal.mail.outbox import post

LANGUAGES = {"en": "English", "es": "Español"}
WRONG_PASSWORD = "Your current password is not right"  # noqa: S105  # words, not a secret
NOT_LAST = "Administrators sign in with a second factor: set up another one before you remove this one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What the owner may change about himself."""

    first_name: str
    middle_initial: str | None
    last_name: str
    suffix: str | None
    phone: str | None
    email: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A DUNS number to which an account has access, with its status (PER-04, DUN-06)."""

    duns: Duns
    status: DunsStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccount:
    """An account as its owner sees it; status and permissions are its administrators' to change."""

    user_id: str
    profile: Profile
    status: AccountStatus
    energy_data: bool
    home_devices: bool
    security_question: str | None
    duns: tuple[Held, ...]
    factors: Factors
    revision: int


class Owner:
    """Reads and changes accounts for their owners."""

    def __init__(self, database: Database, passwords: Passwords, house: House, vault: Vault) -> None:
        self._database = database
        self._passwords = passwords
        self._house = house
        self._vault = vault

    @property
    def preset(self) -> Preset:
        """Whose rules hold."""
        return self._house.preset

    async def account(self, account_id: int) -> OwnAccount:
        """The account of somebody who is signed in."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(accounts).where(accounts.c.id == account_id))).one()
            numbers = (await connection.execute(_held(row))).all() if row.company_id is not None else ()
            factors = await factors_of(connection, account_id)
        return OwnAccount(
            user_id=row.user_id,
            profile=_profile(row),
            status=row.status,
            energy_data=row.administrator or row.energy_data,
            home_devices=row.administrator or row.home_devices,
            security_question=row.security_question,
            duns=tuple(Held(duns=each.duns, status=each.status) for each in numbers),
            factors=factors,
            revision=row.revision,
        )

    async def change_profile(self, account_id: int, profile: Profile, email_again: str) -> Faulty | None:
        """Change names, address, phone or language; a new address is entered twice, exactly alike (PER-05)."""

        async def job(connection: AsyncConnection) -> Faulty | None:
            row = await locked_row(connection, account_id)
            assert row is not None, "somebody is signed in with it"
            before = _profile(row)
            faults = profile_faults(profile, before, email_again)
            if faults:
                return Faulty(faults)
            if profile == before:
                return None
            values = {name: getattr(profile, name) for name in Profile.__slots__}
            change = update(accounts).where(accounts.c.id == account_id)
            await connection.execute(change.values(revision=accounts.c.revision + 1, **values))
            changed = ", ".join(name for name in Profile.__slots__ if getattr(before, name) != values[name])
            await note_own(connection, self._house, row, "account.profile", f"changed: {changed}")
            if profile.email != before.email:
                await self._tell(connection, row, "e-mail address")
            return None

        return await self._database.write(job)

    async def change_password(
        self, account_id: int, current: str, new: str, origin: Origin, kind: SessionKind
    ) -> Faulty | str:
        """Change the password and end every session; returns the secret of a new one for whoever asked (PER-03)."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(accounts).where(accounts.c.id == account_id))).one()
            factors = bool(await factors_of(connection, account_id))
        if not await self._passwords.verify(row.password_hash, current):
            return Faulty({"current_password": WRONG_PASSWORD})
        is_previous = await self._passwords.verify(row.password_hash, new)
        preset = self._house.preset
        fault = password_fault(preset, new, row.user_id, is_previous=is_previous, second_factor=factors)
        if fault is not None:
            return Faulty({"new_password": words_of(fault, preset, second_factor=factors)})
        kept = await self._passwords.hash(new)

        async def job(connection: AsyncConnection) -> Faulty | str:
            locked = await locked_row(connection, account_id)
            if locked is None or locked.password_hash != row.password_hash:
                return Faulty({"current_password": WRONG_PASSWORD})
            await connection.execute(update(accounts).where(accounts.c.id == account_id).values(**new_password(kept)))
            await note_own(connection, self._house, locked, "account.password", "changed by its owner")
            await self._tell(connection, locked, "password")
            await end_sessions_of(connection, account_id)
            return await open_session(connection, account_id, kind, self._house.dice, self._house.clock.now(), origin)

        return await self._database.write(job)

    async def change_question(self, account_id: int, question: str, answer: str) -> Faulty | None:
        """Choose another security question and its answer (PER-06)."""
        faults = question_faults(question, answer)
        if faults:
            return Faulty(faults)
        kept = await self._passwords.hash(same_answer(answer))

        async def job(connection: AsyncConnection) -> None:
            row = await locked_row(connection, account_id)
            assert row is not None, "somebody is signed in with it"
            change = update(accounts).where(accounts.c.id == account_id)
            await connection.execute(change.values(security_question=question, security_answer_hash=kept))
            await note_own(connection, self._house, row, "account.question", "changed by its owner")
            await self._tell(connection, row, "security question")

        await self._database.write(job)
        return None

    async def is_password(self, account_id: int, password: str) -> bool:
        """Whether somebody who is signed in knows his password still."""
        async with self._database.reading() as connection:
            kept = await connection.scalar(select(accounts.c.password_hash).where(accounts.c.id == account_id))
        return await self._passwords.verify(kept, password)

    async def begin_authenticator(self, account_id: int) -> str:
        """The secret to be put into an app; it counts only once a code has shown that it is there."""

        async def job(connection: AsyncConnection) -> str:
            return await begin_authenticator(connection, account_id, self._vault, self._house.dice)

        return await self._database.write(job)

    async def confirm_authenticator(self, connection: AsyncConnection, account_id: int, code: str) -> list[str] | None:
        """Let an authenticator count; its recovery codes, None if the code is wrong. In the caller's transaction."""
        now = self._house.clock.now()
        if not await confirm_authenticator(connection, account_id, code, self._vault, now):
            return None
        return await self.factor_added(connection, account_id, "an authenticator app")

    async def factor_added(self, connection: AsyncConnection, account_id: int, what: str) -> list[str]:
        """Note a new second factor; the recovery codes that its owner gets, none if he has some already."""
        row = await locked_row(connection, account_id)
        assert row is not None, "somebody is signed in with it"
        await note_own(connection, self._house, row, "account.second_factor", f"{what} was added")
        await self._tell(connection, row, "second factor")
        if (await factors_of(connection, account_id)).recovery_codes:
            return []
        return await new_recovery_codes(connection, account_id, self._house.dice)

    async def remove_factor(self, account_id: int, passkey_id: int | None) -> Faulty | None:
        """Take a passkey away, or the authenticator if that is None; an administrator keeps one in today's preset."""

        async def job(connection: AsyncConnection) -> Faulty | None:
            row = await locked_row(connection, account_id)
            assert row is not None, "somebody is signed in with it"
            had = await factors_of(connection, account_id)
            last = had.passkeys + had.authenticator == 1
            if last and row.administrator and self._house.preset is Preset.MODERN:
                return Faulty({"current_password": NOT_LAST})
            if passkey_id is None:
                await remove_authenticator(connection, account_id)
            elif not await remove_passkey(connection, account_id, passkey_id):
                return None
            if not await factors_of(connection, account_id):
                await drop_recovery_codes(connection, account_id)
            await note_own(connection, self._house, row, "account.second_factor", "one was removed")
            await self._tell(connection, row, "second factor")
            return None

        return await self._database.write(job)

    async def _tell(self, connection: AsyncConnection, row: Row[Any], what: str) -> None:
        """A letter to the address that the account had until now."""
        try:
            letter = letter_of_change(row.email, row.user_id, what)
        except BadInput:  # an address from before addresses were checked: nobody can be written to there
            return
        await post(connection, letter, self._house.clock.now())


def profile_faults(profile: Profile, before: Profile, email_again: str) -> Mapping[str, str]:
    """What is wrong with a profile, by field (pure)."""
    faults = {}
    if not profile.first_name:
        faults["first_name"] = "You must provide your first name."
    if not profile.last_name:
        faults["last_name"] = "You must provide your last name."
    if profile.middle_initial and len(profile.middle_initial) != 1:
        faults["middle_initial"] = "Enter one letter"
    if profile.language not in LANGUAGES:
        faults["language"] = "Choose a language"
    if profile.email != before.email:
        try:
            check_address(profile.email)
        except BadInput:
            faults["email"] = "Enter an e-mail address such as desk@retailer.example"
        if email_again != profile.email:
            faults["email_again"] = "Enter the new e-mail address again, exactly alike"
    return faults


def _profile(row: Row[Any]) -> Profile:
    return Profile(**{name: getattr(row, name) for name in Profile.__slots__})


def _held(row: Row[Any]) -> Any:
    numbers = select(duns_numbers.c.duns, duns_numbers.c.status).order_by(duns_numbers.c.duns)
    if row.administrator:
        return numbers.where(duns_numbers.c.company_id == row.company_id)
    return numbers.join(duns_grants, duns_grants.c.duns_id == duns_numbers.c.id).where(
        duns_grants.c.account_id == row.id
    )
