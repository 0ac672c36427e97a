"""From a proof of who somebody is to a session, inside the transaction that settles it.

Each step opens a session of its own with a new secret and ends the one before, so that no secret from before a rise in
rights is worth anything after it.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.dice import Dice
from portal.accounts.entry import EntryRefusal, entry_refusal
from portal.accounts.machine import AccountAction, after
from portal.accounts.owed import Owed, owed
from portal.accounts.presets import Preset
from portal.accounts.second_factors import factors_of
from portal.accounts.sessions import Origin, end_session, end_sessions_of, open_session
from portal.accounts.status import AccountStatus
from portal.accounts.tables import SessionKind, accounts
from portal.audit.log import SYSTEM, Actor, ActorKind, Event, Seal, Subject, note
from portal.companies.kinds import Kind
from portal.companies.machines import CompanyAction, company_after
from portal.companies.status import CompanyStatus
from portal.companies.tables import companies
from portal.viewer import ACCOUNTS, Viewer, active_duns, load_viewer

MOST_MISSES = 4
"""More wrong passwords than this lock the account (PER-07)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Let in: secret is what the browser or program must keep."""

    viewer: Viewer
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfOpened:
    """Who it is has been shown, but something is left to do: a second factor to give, or a first sign-in to complete.

    The secret opens nothing but the pages for that.
    """

    kind: SessionKind
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What every step needs: the rules, the seal of the audit log, time and chance."""

    preset: Preset
    seal: Seal
    clock: Clock
    dice: Dice


async def locked_row(connection: AsyncConnection, account_id: int) -> Row[Any] | None:
    """An account as a row of ACCOUNTS, locked, so that what is decided about it is decided one by one."""
    chosen = ACCOUNTS.where(accounts.c.id == account_id).with_for_update(of=accounts)
    row: Row[Any] | None = (await connection.execute(chosen)).one_or_none()
    return row


async def owed_by(connection: AsyncConnection, row: Row[Any], preset: Preset) -> Owed:
    """What the account of a row must do before any page is its own."""
    return owed(
        preset,
        row.status,
        has_password=row.password_hash is not None,
        must_change=row.must_change_password,
        has_question=row.security_question is not None,
        administrator=row.administrator,
        has_factor=bool(await factors_of(connection, row.id)),
    )


def hindrance(row: Row[Any]) -> EntryRefusal | None:
    """Why an account could not enter even after its first sign-in (GATE-01, AMB-13), None if it could."""
    begins = row.status is AccountStatus.APPROVED
    account = AccountStatus.ACTIVE if begins else row.status
    company = row.company_status
    if begins and row.administrator and company is CompanyStatus.APPROVED:
        company = CompanyStatus.ACTIVE
    duns = active_duns(row)
    return entry_refusal(account, row.kind or Kind.CUSTOMER, company, has_active_duns=bool(duns))


async def go_on(
    connection: AsyncConnection, house: House, row: Row[Any], origin: Origin, *, factor_given: bool, before: str = ""
) -> SignedIn | HalfOpened | EntryRefusal:
    """The next step of a sign-in on pages: the second factor, what is owed, or in. before is the last step's key."""
    now = house.clock.now()
    refusal = hindrance(row)
    if refusal is not None:
        return refusal
    if before:
        await end_session(connection, before)
    if await factors_of(connection, row.id) and not factor_given:
        kind = SessionKind.SECOND_FACTOR
    elif await owed_by(connection, row, house.preset):
        kind = SessionKind.FIRST_SIGN_IN
    else:
        return await enter(connection, house, row.id, SessionKind.PAGE, origin)
    secret = await open_session(connection, row.id, kind, house.dice, now, origin)
    return HalfOpened(kind=kind, secret=secret)


async def enter(
    connection: AsyncConnection, house: House, account_id: int, kind: SessionKind, origin: Origin
) -> SignedIn | EntryRefusal:
    """Open a session of an account that owes nothing; its misses are forgotten."""
    now = house.clock.now()
    viewer = await load_viewer(connection, account_id)
    if not isinstance(viewer, Viewer):
        return EntryRefusal.ACCOUNT if viewer is None else viewer
    signed_in = update(accounts).where(accounts.c.id == account_id)
    await connection.execute(signed_in.values(misses=0, last_login_at=now))
    secret = await open_session(connection, account_id, kind, house.dice, now, origin)
    return SignedIn(viewer=viewer, secret=secret)


async def miss(connection: AsyncConnection, house: House, row: Row[Any]) -> bool:
    """Count a wrong password or code; True if it locked the account, which then ends what it has open."""
    now = house.clock.now()
    change: dict[str, object] = {"misses": row.misses + 1}
    status = after(row.status, AccountAction.LOCK)
    locks = row.misses + 1 > MOST_MISSES and isinstance(status, AccountStatus)
    if locks:
        change |= {"status": status, "status_since": now}
    await connection.execute(update(accounts).where(accounts.c.id == row.id).values(**change))
    if locks and isinstance(status, AccountStatus):
        await end_sessions_of(connection, row.id)
        cause = "more than four wrong passwords or codes"
        event = Event(
            actor=SYSTEM, action="account.lock", subject=subject_of(row), cause=cause, before=row.status, after=status
        )
        await note(connection, house.seal, event, now)
    return locks


async def complete(connection: AsyncConnection, house: House, row: Row[Any]) -> None:
    """The first sign-in is done: the account is Active, and so is the company of its first administrator (COM-04)."""
    now = house.clock.now()
    status = after(row.status, AccountAction.FIRST_SIGN_IN)
    if not isinstance(status, AccountStatus):
        return
    change = update(accounts).where(accounts.c.id == row.id)
    await connection.execute(change.values(status=status, status_since=now, revision=accounts.c.revision + 1))
    actor, cause = actor_of(row), "first sign-in"
    event = Event(
        actor=actor,
        action="account.first_sign_in",
        subject=subject_of(row),
        cause=cause,
        before=row.status,
        after=status,
    )
    await note(connection, house.seal, event, now)
    if row.company_id is None or not row.administrator:
        return
    chosen = select(companies.c.status, companies.c.name).where(companies.c.id == row.company_id).with_for_update()
    company = (await connection.execute(chosen)).one()
    opened = company_after(company.status, CompanyAction.FIRST_SIGN_IN)
    if not isinstance(opened, CompanyStatus):
        return
    opening = update(companies).where(companies.c.id == row.company_id)
    await connection.execute(opening.values(status=opened, status_since=now, revision=companies.c.revision + 1))
    whose = Subject(kind="company", id=row.company_id, words=company.name, company_id=row.company_id)
    event = Event(
        actor=actor,
        action="company.first_sign_in",
        subject=whose,
        cause="first sign-in of its first administrator",
        before=company.status,
        after=opened,
    )
    await note(connection, house.seal, event, now)


def actor_of(row: Row[Any]) -> Actor:
    """An account as who acts."""
    return Actor(kind=ActorKind.ACCOUNT, id=row.id, words=row.user_id)


def subject_of(row: Row[Any]) -> Subject:
    """An account as what is acted upon."""
    return Subject(kind="account", id=row.id, words=row.user_id, company_id=row.company_id)


async def note_own(connection: AsyncConnection, house: House, row: Row[Any], action: str, cause: str) -> None:
    """Note what somebody did to the own account."""
    event = Event(actor=actor_of(row), action=action, subject=subject_of(row), cause=cause)
    await note(connection, house.seal, event, house.clock.now())
