"""Which reads of his meter a customer sees: from its attachment on, and what he asked for himself."""

from datetime import timedelta

from sqlalchemy import insert, select, update

from gateway.database import Database
from portal.accounts.tables import accounts
from portal.context import Portal
from portal.meters.tables import attachments
from portal.smt.latest_read import latest_read
from tests.clock import HandClock
from tests.portal.asking import asked
from tests.portal.conftest import SignIn
from tests.portal.wire import Answers, WireBus
from tests.portal.world import esi, viewer, visible


async def attach(database: Database, clock: HandClock, number: int = 2) -> None:
    """Let Maria attach the meter of that number now."""
    maria = select(accounts.c.id).where(accounts.c.user_key == "maria.customer").scalar_subquery()
    row = insert(attachments).values(esi_id=esi(number), account_id=maria, attached_at=clock.now())
    await database.write(lambda connection: connection.execute(row))


async def test_a_customer_sees_the_reads_since_his_attachment_and_his_rep_sees_all(
    signed_in: SignIn, portal: Portal, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    before = await asked(portal.database, portal.desk, clock, 2)
    await portal.desk.handle([answers.done(await bus.request())])
    clock.set(clock.now() + timedelta(hours=1))
    await attach(portal.database, clock)
    rep, customer = await signed_in("rep.admin"), await signed_in("maria.customer")
    assert (await customer.get(f"/meters/{esi(2)}/reads")).json() == []
    hidden = await customer.get(f"/reads/{before.id}")
    assert hidden.status_code == 404
    after = (await customer.post(f"/meters/{esi(2)}/reads")).json()["id"]
    await portal.desk.handle([answers.done(await bus.request())])
    assert (await customer.get(f"/reads/{after}")).json()["status"] == "done"
    assert [read["id"] for read in (await customer.get(f"/meters/{esi(2)}/reads")).json()] == [after]
    assert [read["id"] for read in (await rep.get(f"/meters/{esi(2)}/reads")).json()] == [after, before.id]
    assert (await rep.get(f"/reads/{before.id}")).status_code == 200


async def test_smt_clients_are_told_the_latest_read_that_their_account_sees(
    portal: Portal, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    database = portal.database
    await asked(database, portal.desk, clock, 2)
    await portal.desk.handle([answers.done(await bus.request())])
    clock.set(clock.now() + timedelta(hours=1))
    await attach(database, clock)
    told = {}
    for user in ("rep.admin", "maria.customer"):
        who = await viewer(database, user)
        meter = await visible(database, who, 2, clock.now())
        async with database.reading() as connection:
            told[user] = await latest_read(connection, meter, who)
    assert told["rep.admin"]["odrstatus"] == "COMPLETED"
    assert told["maria.customer"]["odrstatus"] is None
    assert told["maria.customer"]["odrdate"] is None


async def test_a_read_that_was_joined_is_the_joiners_though_it_began_before_his_attachment(
    signed_in: SignIn, portal: Portal, clock: HandClock
) -> None:
    first = await asked(portal.database, portal.desk, clock, 2)
    clock.set(clock.now() + timedelta(seconds=1))
    await attach(portal.database, clock)
    customer = await signed_in("maria.customer")
    assert (await customer.get(f"/reads/{first.id}")).status_code == 404
    joined = await customer.post(f"/meters/{esi(2)}/reads")
    assert (joined.status_code, joined.json()["id"]) == (200, first.id)
    assert (await customer.get(f"/reads/{first.id}")).status_code == 200


async def test_a_meter_attached_again_has_the_reads_of_its_first_time_only_where_they_were_his(
    signed_in: SignIn, portal: Portal, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    await attach(portal.database, clock)
    customer = await signed_in("maria.customer")
    mine = (await customer.post(f"/meters/{esi(2)}/reads")).json()["id"]
    await portal.desk.handle([answers.done(await bus.request())])
    clock.set(clock.now() + timedelta(hours=2))
    await asked(portal.database, portal.desk, clock, 2)
    await portal.desk.handle([answers.done(await bus.request())])
    customer = await signed_in("maria.customer")
    clock.set(clock.now() + timedelta(seconds=1))
    again = update(attachments).where(attachments.c.esi_id == esi(2)).values(attached_at=clock.now())
    await portal.database.write(lambda connection: connection.execute(again))
    assert [read["id"] for read in (await customer.get(f"/meters/{esi(2)}/reads")).json()] == [mine]
