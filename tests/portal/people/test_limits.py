"""What holds on both databases however many act at once: four administrators, one answer, one of everything."""

import asyncio
from typing import Any

import pytest

from portal.accounts.credentials import LIFE
from portal.accounts.expiry import AT_ONCE, expire_due, keep_expiring, next_due
from portal.accounts.machine import AccountAction
from portal.accounts.tables import accounts
from portal.acting import actor_of
from portal.administration.changes import change_statuses
from portal.audit.log import Seal, first_broken
from portal.audit.tables import audit
from portal.companies.tables import companies, duns_numbers
from portal.faults import PeopleRefused
from portal.registration.access_request import AskedRole
from portal.viewer import Viewer
from tests.clock import HandClock, turns
from tests.portal.people.stand import Office, company_form, person_form
from tests.portal.world import viewer

ADMINISTRATOR = AskedRole.ADMINISTRATOR


async def chain_holds(office: Office) -> bool:
    """Whether the audit log is one unbroken chain."""
    async with office.database.reading() as connection:
        return await first_broken(connection, Seal()) is None


async def test_of_many_approvals_at_once_only_as_many_become_administrators_as_there_are_places(office: Office) -> None:
    asked = [await office.asked(role=ADMINISTRATOR, form=person_form(f"new.admin.{n}")) for n in range(8)]
    results = await asyncio.gather(*(office.approve(account_id) for account_id in asked))
    assert (
        sorted(str(getattr(each, "reason", each)) for each in results) == ["approved"] * 3 + ["five_administrators"] * 5
    )
    rows = await office.rows(accounts, company_id=(await office.row(companies, name="Lone Star Power")).id)
    assert sum(row.administrator and row.status != "pending" for row in rows) == 4
    assert await chain_holds(office)


async def test_of_many_answers_at_once_one_binds(office: Office) -> None:
    new = await office.registered()
    results = await asyncio.gather(
        *(
            office.decide(new.company_id, approve=bool(n % 2), comment="So be it.", user_id=who)
            for n, who in enumerate(["wires.admin", "gulf.admin"] * 4)
        )
    )
    assert sum(not isinstance(each, PeopleRefused) for each in results) == 1
    assert len(await office.mail("pat.pecan@pecan.example")) == 1


async def test_of_many_registrations_at_once_one_has_the_number_and_one_the_user_id(office: Office) -> None:
    async def register(number: int) -> Any:
        form = company_form(name=f"Pecan {number}", duns=["777777777"])
        return await office.register(form, person_form("pat.pecan" if number % 2 else f"pat.{number}"))

    results = await asyncio.gather(*(register(number) for number in range(8)))
    assert sum(not isinstance(each, PeopleRefused) for each in results) == 1
    assert len(await office.rows(duns_numbers, duns="777777777")) == 1
    askers = await asyncio.gather(*(office.ask(form=person_form("same.person")) for _ in range(8)))
    assert sum(not isinstance(each, PeopleRefused) for each in askers) == 1


async def test_two_administrators_who_bar_each_other_leave_one(office: Office) -> None:
    second = await office.asked(role=ADMINISTRATOR, form=person_form("second.admin"))
    await office.approve(second)
    active = accounts.update().where(accounts.c.id == second).values(status="active")
    await office.database.write(lambda connection: connection.execute(active))
    first = (await office.row(accounts, user_key="rep.admin")).id
    one, other = [await viewer(office.database, user_id) for user_id in ("rep.admin", "second.admin")]

    async def bar(who: Viewer, whom: int) -> str:
        suspend = AccountAction.SUSPEND
        results = await office.acting.run(actor_of(who), lambda act: change_statuses(act, who, [whom], suspend, "You."))
        assert not isinstance(results, PeopleRefused)
        return str(getattr(results[whom], "reason", results[whom]))

    assert sorted(await asyncio.gather(bar(one, second), bar(other, first))) == ["last_administrator", "suspended"]


async def test_what_is_due_ends_once_however_many_portals_look(office: Office, clock: HandClock) -> None:
    for number in range(5):
        await office.asked(form=person_form(f"asker.{number}"))
    clock.set(clock.now() + LIFE)
    done = await asyncio.gather(*(office.run(expire_due) for _ in range(6)))
    assert sum(done) == 5
    assert len(await office.mail()) == 10 + 5
    assert await office.run(expire_due) == 0
    assert await chain_holds(office)


async def test_no_more_than_so_many_end_in_one_transaction(office: Office, clock: HandClock) -> None:
    for number in range(3):
        await office.asked(form=person_form(f"asker.{number}"))
        clock.set(clock.now().replace(second=number + 1))
    clock.set(clock.now() + LIFE)
    assert await office.run(lambda act: expire_due(act, 2)) == 2
    assert [await office.status(f"asker.{n}") for n in range(3)] == [None, None, "pending"]
    assert await office.run(lambda act: expire_due(act, 2)) == 1
    assert AT_ONCE > 2


async def test_the_portals_own_task_wakes_at_the_very_second(office: Office, clock: HandClock) -> None:
    await office.asked()
    due = clock.now() + LIFE
    async with office.database.reading() as connection:
        assert await next_due(connection) == due
    clock.set(due)
    task = asyncio.create_task(keep_expiring(office.acting))
    async with asyncio.timeout(20):
        while await office.status("pat.pecan") is not None:
            await turns(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (row,) = [row for row in await office.rows(audit) if row.action == "account.expire"]
    assert (row.at, row.actor_kind) == (due, "system")


async def test_an_account_that_signed_in_meanwhile_does_not_end(office: Office, clock: HandClock) -> None:
    account_id = await office.asked()
    await office.approve(account_id)
    active = accounts.update().where(accounts.c.id == account_id).values(status="active", status_since=clock.now())
    await office.database.write(lambda connection: connection.execute(active))
    clock.set(clock.now() + LIFE * 2)
    assert await office.run(expire_due) == 0
    assert await office.status("pat.pecan") == "active"


async def test_no_secret_is_in_the_audit_log_or_in_a_credentials_words(office: Office) -> None:
    credential = await office.credential()
    assert credential.secret not in repr(credential)
    await office.approve(await office.asked())
    (letter,) = await office.mail("pat.pecan@pecan.example")
    secret = letter.text.split("key=")[1].split()[0]
    rows = [str(tuple(row)) for row in await office.rows(audit)]
    assert rows
    assert not any(secret in row for row in rows)
