"""What falls with a company or with a DUNS number, and what stays, on both databases."""

import asyncio
from functools import partial

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.credentials import LIFE
from portal.accounts.expiry import expire_due
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts, duns_grants, sessions
from portal.administration.companies import change_company_status, change_duns_status
from portal.approvals.account_queue import Permissions
from portal.audit.log import Seal, first_broken
from portal.audit.tables import audit
from portal.companies.machines import CompanyAction, DunsAction
from portal.companies.tables import companies, duns_numbers
from portal.faults import PeopleRefused
from portal.files.tables import file_credentials
from tests.clock import HandClock, turns
from tests.portal.people.stand import Office, person_form
from tests.portal.world import LONE_STAR, LONE_STAR_SECOND, viewer


async def revoke_number(office: Office, duns: str) -> None:
    """The operating team revokes a number."""
    who, row = await viewer(office.database, "team.admin"), await office.row(duns_numbers, duns=duns)
    answer = await office.run(
        lambda act: change_duns_status(act, who, row.company_id, row.id, DunsAction.REVOKE, "Gone."), "team.admin"
    )
    assert not isinstance(answer, PeopleRefused)


async def with_numbers(office: Office, user_id: str, *numbers: str) -> None:
    """A user of Lone Star who holds these numbers."""
    account_id = await office.asked(form=person_form(user_id))
    chosen = Permissions(duns=frozenset(row.duns for row in await office.rows(duns_numbers) if row.duns in numbers))
    assert await office.approve(account_id, permissions=chosen) == "approved"


async def test_with_a_number_fall_those_alone_who_have_no_other(office: Office) -> None:
    await with_numbers(office, "has.both", LONE_STAR, LONE_STAR_SECOND)
    await with_numbers(office, "has.second", LONE_STAR_SECOND)
    await with_numbers(office, "has.none", LONE_STAR)
    none = (await office.row(accounts, user_key="has.none")).id
    taken = delete(duns_grants).where(duns_grants.c.account_id == none)
    await office.database.write(partial(AsyncConnection.execute, statement=taken))
    waits = await office.asked(form=person_form("still.waits"))
    await revoke_number(office, LONE_STAR)
    people = ("rep.user", "has.both", "has.second", "has.none", "still.waits", "rep.admin", "blue.admin")
    statuses = [await office.status(user_id) for user_id in people]
    assert statuses == ["revoked", "approved", "approved", "approved", "pending", "active", "active"]
    await revoke_number(office, LONE_STAR_SECOND)
    statuses = [await office.status(user_id) for user_id in people]
    assert statuses == ["revoked", "revoked", "revoked", "approved", "pending", "revoked", "active"]
    assert (await office.row(accounts, id=waits)).status is AccountStatus.PENDING


async def test_each_revoked_account_is_told_once_and_noted_once(office: Office) -> None:
    await revoke_number(office, LONE_STAR)
    (letter,) = await office.mail("rep.user@example.com")
    assert "Gone." in letter.text
    revoked = [row.subject for row in await office.rows(audit) if row.action == "account.revoke"]
    assert revoked == ["rep.user"]
    async with office.database.reading() as connection:
        assert await first_broken(connection, Seal()) is None


async def test_with_a_company_falls_all_that_it_has(office: Office) -> None:
    await with_numbers(office, "has.both", LONE_STAR, LONE_STAR_SECOND)
    await office.asked(form=person_form("still.waits"))
    opened = {"account_id": (await office.row(accounts, user_key="rep.user")).id, "csrf": "c", "kind": "page"}
    now = office.clock.now()
    session = sessions.insert().values(key="k", created_at=now, last_used_at=now, **opened)
    await office.database.write(partial(AsyncConnection.execute, statement=session))
    who, row = await viewer(office.database, "team.admin"), await office.row(companies, name="Lone Star Power")
    revoke = CompanyAction.REVOKE
    await office.run(lambda act: change_company_status(act, who, row.id, revoke, "Broke."), "team.admin")
    mine = await office.rows(accounts, company_id=row.id)
    assert {each.status.value for each in mine} == {"revoked"}
    assert {each.status.value for each in await office.rows(duns_numbers, company_id=row.id)} == {"revoked"}
    assert await office.status("still.waits") is None
    async with office.database.reading() as connection:
        assert (await connection.execute(sessions.select())).all() == []
    for address in ("rep.user@example.com", "has.both@pecan.example", "still.waits@pecan.example"):
        assert "Broke." in (await office.mail(address))[-1].text


async def test_a_company_that_fell_takes_its_way_into_the_folders_with_it(office: Office, clock: HandClock) -> None:
    new = await office.registered()
    way_in = file_credentials.insert().values(
        company_id=new.company_id, user_name="pecan", public_keys=[], created_at=clock.now()
    )
    await office.database.write(partial(AsyncConnection.execute, statement=way_in))
    clock.set(clock.now() + LIFE)
    assert await office.run(expire_due) == 1
    assert await office.rows(file_credentials) == []
    assert await office.rows(companies, id=new.company_id) == []


async def test_whoever_signs_in_while_his_account_is_due_keeps_it(office: Office, clock: HandClock) -> None:
    account_id = await office.asked()
    await office.approve(account_id)
    clock.set(clock.now() + LIFE)
    let_go = asyncio.Event()

    async def sign_in(connection: AsyncConnection) -> None:
        active = update(accounts).where(accounts.c.id == account_id).values(status=AccountStatus.ACTIVE)
        await connection.execute(active)
        await let_go.wait()

    signing_in = asyncio.create_task(office.database.write(sign_in))
    async with office.database.reading() as connection:
        await turns(50)
        expiring = asyncio.create_task(office.run(expire_due))
        for _ in range(100):  # round trips to the server, so that the other transaction has come to the row
            await connection.execute(accounts.select().limit(1))
    let_go.set()
    await signing_in
    assert await expiring == 0
    assert await office.status("pat.pecan") == "active"


async def test_a_company_of_another_kind_keeps_its_people_without_numbers(office: Office) -> None:
    await revoke_number(office, LONE_STAR)
    await revoke_number(office, LONE_STAR_SECOND)
    assert [await office.status(user_id) for user_id in ("coach.user", "ercot.user")] == ["active", "active"]
