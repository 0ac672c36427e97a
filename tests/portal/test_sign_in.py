"""Signing in: one answer for every wrong try, a lock after more than four, and sessions that end when they must."""

from datetime import timedelta
from functools import partial

import httpx
import pytest
from sqlalchemy import func, select, update

from gateway.database import Database
from gateway.dice import SeededDice
from portal.accounts.sessions import drop_stale, find_session, open_session
from portal.accounts.status import AccountStatus
from portal.accounts.tables import SessionKind, accounts, sessions
from portal.accounts.user_ids import is_user_id
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.settings import SessionTimes
from tests.clock import HandClock
from tests.portal.conftest import SignIn
from tests.portal.world import LONE_STAR, PASSWORD


async def sign_in(guest: httpx.AsyncClient, user_id: str, password: str = PASSWORD) -> httpx.Response:
    return await guest.post("/sessions", json={"user_id": user_id, "password": password})


async def change(database: Database, statement: object) -> None:
    await database.write(lambda connection: connection.execute(statement))  # type: ignore[call-overload]  # any update


async def status_of(database: Database, user_id: str) -> AccountStatus:
    async with database.reading() as connection:
        found = await connection.scalar(select(accounts.c.status).where(accounts.c.user_key == user_id))
        assert isinstance(found, AccountStatus)
        return found


async def test_a_password_buys_a_bearer_token(guest: httpx.AsyncClient) -> None:
    answer = await sign_in(guest, "rep.user")
    assert answer.status_code == 201
    token = answer.json()["token"]
    me = await guest.get("/me", headers={"authorization": f"bearer {token}"})
    assert me.json()["user_id"] == "rep.user"
    assert me.json()["duns"] == [LONE_STAR]


async def test_the_case_of_a_user_id_does_not_matter_and_that_of_a_password_does(guest: httpx.AsyncClient) -> None:
    assert (await sign_in(guest, "REP.User")).status_code == 201
    assert (await sign_in(guest, "rep.user", PASSWORD.upper())).status_code == 401


async def test_an_unknown_user_and_a_wrong_password_get_the_same_answer(guest: httpx.AsyncClient) -> None:
    unknown, wrong = await sign_in(guest, "nobody.here"), await sign_in(guest, "rep.user", "wrong password")
    assert unknown.status_code == wrong.status_code == 401
    assert unknown.content == wrong.content


async def test_the_fifth_wrong_password_locks_and_the_fourth_does_not(
    guest: httpx.AsyncClient, database: Database
) -> None:
    for _ in range(4):
        await sign_in(guest, "rep.user", "wrong password")
    assert await status_of(database, "rep.user") is AccountStatus.ACTIVE
    last = await sign_in(guest, "rep.user", "wrong password")
    assert await status_of(database, "rep.user") is AccountStatus.LOCKED
    locked = await sign_in(guest, "rep.user")
    assert (locked.status_code, locked.content) == (401, last.content)


async def test_a_right_password_forgets_the_misses(guest: httpx.AsyncClient, database: Database) -> None:
    for _ in range(4):
        await sign_in(guest, "rep.user", "wrong password")
    await sign_in(guest, "rep.user")
    await sign_in(guest, "rep.user", "wrong password")
    assert await status_of(database, "rep.user") is AccountStatus.ACTIVE


async def test_an_address_that_guesses_is_slowed_down_before_it_locks_everybody(
    guest: httpx.AsyncClient, clock: HandClock
) -> None:
    for number in range(20):
        await sign_in(guest, f"guess.{number}", "wrong password")
    slowed = await sign_in(guest, "rep.user")
    assert slowed.status_code == 429
    assert slowed.headers["retry-after"] == "60"
    clock.set(clock.now() + timedelta(seconds=60))
    assert (await sign_in(guest, "rep.user")).status_code == 201


async def test_a_token_lives_an_hour_past_its_last_use(signed_in: SignIn, clock: HandClock) -> None:
    client = await signed_in("rep.user")
    for _ in range(3):
        clock.set(clock.now() + timedelta(minutes=59))
        assert (await client.get("/me")).status_code == 200
    clock.set(clock.now() + timedelta(minutes=61, seconds=1))
    assert (await client.get("/me")).status_code == 401


async def test_a_token_of_a_day_ends_when_it_is_unused_for_a_quarter_of_an_hour(
    signed_in: SignIn, clock: HandClock, database: Database
) -> None:
    client = await signed_in("rep.user")
    for _ in range(48):
        clock.set(clock.now() + timedelta(minutes=30))
        assert (await client.get("/me")).status_code == 200
    for _ in range(4):
        clock.set(clock.now() + timedelta(minutes=15))
        await database.write(partial(drop_stale, times=SessionTimes(), now=clock.now()))
        assert (await client.get("/me")).status_code == 200
    clock.set(clock.now() + timedelta(minutes=16, seconds=1))
    assert (await client.get("/me")).status_code == 401
    await database.write(partial(drop_stale, times=SessionTimes(), now=clock.now()))
    async with database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(sessions)) == 0


async def test_a_pages_session_ends_after_its_life_however_much_it_is_used(
    database: Database, clock: HandClock
) -> None:
    times = SessionTimes()
    async with database.reading() as connection:
        account_id = await connection.scalar(select(accounts.c.id).where(accounts.c.user_key == "rep.user"))
    secret = await database.write(
        partial(open_session, account_id=account_id or 0, kind=SessionKind.PAGE, dice=SeededDice(1), now=clock.now())
    )
    ends_at = clock.now() + timedelta(seconds=times.page_life_s)
    used = update(sessions).values(last_used_at=ends_at)
    await change(database, used)
    assert await find_session(database, secret, SessionKind.PAGE, times, ends_at) is not None
    later = ends_at + timedelta(seconds=1)
    assert await find_session(database, secret, SessionKind.PAGE, times, later) is None


async def test_signing_out_ends_the_session_at_once(signed_in: SignIn) -> None:
    client = await signed_in("rep.user")
    assert (await client.delete("/sessions/current")).status_code == 204
    assert (await client.get("/me")).status_code == 401


@pytest.mark.parametrize(
    "bar",
    [
        update(accounts).where(accounts.c.user_key == "rep.user").values(status=AccountStatus.SUSPENDED),
        update(accounts).where(accounts.c.user_key == "rep.user").values(status=AccountStatus.LOCKED),
        update(companies).where(companies.c.name == "Lone Star Power").values(status=CompanyStatus.SUSPENDED),
        update(duns_numbers).where(duns_numbers.c.duns == LONE_STAR).values(status=DunsStatus.SUSPENDED),
    ],
    ids=["account suspended", "account locked", "company suspended", "only duns suspended"],
)
async def test_whoever_is_barred_is_out_at_the_next_request(signed_in: SignIn, database: Database, bar: object) -> None:
    client = await signed_in("rep.user")
    await change(database, bar)
    assert (await client.get("/me")).status_code == 401


@pytest.mark.parametrize("status", [AccountStatus.APPROVED, AccountStatus.PENDING, AccountStatus.REVOKED])
async def test_only_an_active_account_signs_in(
    guest: httpx.AsyncClient, database: Database, status: AccountStatus
) -> None:
    await change(database, update(accounts).where(accounts.c.user_key == "rep.user").values(status=status))
    assert (await sign_in(guest, "rep.user")).status_code == 403


async def test_the_database_keeps_no_secret_of_a_session(guest: httpx.AsyncClient, database: Database) -> None:
    token = (await sign_in(guest, "rep.user")).json()["token"]
    async with database.reading() as connection:
        kept = (await connection.execute(select(sessions))).one()
        assert await connection.scalar(select(func.count()).select_from(sessions)) == 1
    assert token not in [str(value) for value in kept]


@pytest.mark.parametrize("text", ["four", "has/slash", "has'quote", 'has"quote', "x" * 101, "tab\there"])
def test_user_ids_of_the_wrong_form_are_known(text: str) -> None:
    assert not is_user_id(text)


def test_user_ids_of_the_guides_form_are_known() -> None:
    assert is_user_id("María de la O")
    assert is_user_id("x" * 100)
