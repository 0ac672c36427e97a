"""What happens is told to the companies that may know it, written down in the very transaction of what it tells of."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.database import Database
from gateway.han.sealing import public_text
from gateway.han.words import Cause
from gateway.identifiers import Duns, MeterNumber
from gateway.market_notices import MarketNotice, RepChange
from gateway.messages import CommandEnded, Mark, OutcomeStatus
from gateway.ports import Delivery
from portal.companies.status import CompanyStatus
from portal.companies.tables import companies
from portal.context import Portal
from portal.gateways.tables import gateways
from portal.market.tables import NoticeSource, rep_spans
from portal.reads.ask import Asked
from portal.reads.listener import record
from portal.reads.tables import reads
from portal.webhooks.tables import webhook_deliveries
from tests.clock import HandClock
from tests.gateway.homes import DEVICE, SEALING
from tests.portal.agreements.asking import agreed, end
from tests.portal.conftest import SignIn
from tests.portal.market.words import rep
from tests.portal.people.stand import Office
from tests.portal.webhooks.receiver import Receiver
from tests.portal.webhooks.stand import ALL, Teller, deliveries, kept, register
from tests.portal.wire import Answers, WireBus
from tests.portal.world import BLUEBONNET, GATEWAY, LONE_STAR, LONE_STAR_SECOND, WIRES, esi, viewer, visible

READ = ("read.finished",)
CODE_TEXT = "83FED3407A939723A5C639B26916D505C3B5"


async def asked(portal: Portal, number: int = 1, user_id: str = "rep.admin") -> Asked:
    who = await viewer(portal.database, user_id)
    answer = await portal.desk.ask(await visible(portal.database, who, number, portal.clock.now()), who)
    assert isinstance(answer, Asked), answer
    return answer


async def rows(database: Database) -> list[Any]:
    async with database.reading() as connection:
        return list((await connection.execute(select(webhook_deliveries).order_by(webhook_deliveries.c.id))).all())


async def test_a_read_that_was_answered_is_told_with_its_value_and_signed(
    portal: Portal, bus: WireBus, answers: Answers, signed_in: SignIn, receiver: Receiver, teller: Teller
) -> None:
    _, secret = await register(await signed_in("rep.admin"), receiver, READ)
    answer = await asked(portal)
    at = portal.clock.now()
    await portal.desk.handle([answers.done(await bus.request())])
    assert await teller.send() == 1
    (got,) = receiver.got
    assert got.signed_by(secret)
    assert got.headers["content-type"] == "application/json"
    assert int(got.headers["webhook-timestamp"]) == int(at.timestamp())
    written = at.isoformat().replace("+00:00", "Z")
    assert got.told == {
        "type": "read.finished",
        "timestamp": written,
        "data": {
            "read_id": answer.id,
            "esi_id": esi(1),
            "meter": "M00001",
            "status": "done",
            "reason": None,
            "value": {"delivered_wh": 12_345_678, "received_wh": None, "demand_w": 420, "read_at": written},
            "link": f"http://127.0.0.1:8080/api/v1/reads/{answer.id}",
        },
    }
    assert len(got.body) < 600


async def test_a_read_that_failed_or_expired_is_told_without_a_value_and_a_late_success_again(
    portal: Portal, bus: WireBus, answers: Answers, signed_in: SignIn, receiver: Receiver, teller: Teller,
    clock: HandClock,
) -> None:  # fmt: skip
    await register(await signed_in("rep.admin"), receiver, READ)
    await asked(portal)
    await portal.desk.handle([answers.failed(await bus.request())])
    await asked(portal, 2)
    request = await bus.request()
    await clock.advance(131)
    await teller.send()
    assert [(each.told["data"]["status"], each.told["data"]["reason"]) for each in receiver.got] == [
        ("failed", "timeout")
    ] * 2
    assert [each.told["data"]["value"] for each in receiver.got] == [None, None]
    await portal.desk.handle([answers.done(request)])
    await teller.send()
    assert [each.told["data"]["status"] for each in receiver.got] == ["failed", "failed", "done"]
    assert len({each.event_id for each in receiver.got}) == 3


async def test_what_is_told_twice_by_a_gateway_is_told_once(
    portal: Portal, bus: WireBus, answers: Answers, signed_in: SignIn, receiver: Receiver, teller: Teller
) -> None:
    await register(await signed_in("rep.admin"), receiver, READ)
    await asked(portal)
    done = answers.done(await bus.request())
    await portal.desk.handle([done, done])
    await portal.desk.handle([done])
    await teller.send()
    assert len(receiver.got) == 1


async def test_the_event_stands_exactly_if_what_it_tells_of_does(
    portal: Portal, bus: WireBus, answers: Answers, signed_in: SignIn, receiver: Receiver, database: Database
) -> None:
    await register(await signed_in("rep.admin"), receiver, READ)
    answer = await asked(portal)
    done = answers.done(await bus.request())

    async def broken(connection: Any) -> None:
        await record(connection, [done], portal.clock.now(), 100)
        raise RuntimeError("the process is gone")

    with pytest.raises(RuntimeError, match="gone"):
        await database.write(broken)
    assert await kept(database) == 0
    await portal.desk.handle([done])
    async with database.reading() as connection:
        status = await connection.scalar(select(reads.c.status).where(reads.c.id == answer.id))
    assert (status, await kept(database)) == ("done", 1)


async def test_a_meters_event_goes_to_those_who_see_it_and_to_nobody_else(
    portal: Portal, bus: WireBus, answers: Answers, signed_in: SignIn, database: Database
) -> None:
    told = dict[str, str]()
    for user_id in ("rep.admin", "blue.admin", "wires.admin", "gulf.admin"):
        webhook_id, _ = await register(await signed_in(user_id), "https://x.example/", ALL)
        told[webhook_id] = user_id
    await asked(portal)
    await portal.desk.handle([answers.done(await bus.request())])
    assert {told[row.webhook_id] for row in await rows(database)} == {"rep.admin", "wires.admin"}
    assert len({row.event_id for row in await rows(database)}) == 1, "one event, whoever is told"


async def test_who_lost_the_meter_before_it_was_told_is_not_told(
    portal: Portal, bus: WireBus, answers: Answers, signed_in: SignIn, receiver: Receiver, teller: Teller,
    database: Database,
) -> None:  # fmt: skip
    client = await signed_in("rep.admin")
    webhook_id, _ = await register(client, receiver, READ)
    await asked(portal)
    await portal.desk.handle([answers.done(await bus.request())])
    switched = update(rep_spans).where(rep_spans.c.esi_id == esi(1)).values(duns=BLUEBONNET)
    await database.write(lambda connection: connection.execute(switched))
    await teller.send()
    assert receiver.got == []
    (delivery,) = await deliveries(client, webhook_id)
    assert delivery["status"] == "failed"
    assert "does not see this meter" in delivery["error"]


async def test_a_company_that_is_not_active_is_told_nothing(
    portal: Portal, bus: WireBus, answers: Answers, signed_in: SignIn, receiver: Receiver, teller: Teller,
    database: Database,
) -> None:  # fmt: skip
    await register(await signed_in("rep.admin"), receiver, ALL)
    await asked(portal)
    request = await bus.request()
    suspended = update(companies).where(companies.c.name == "Lone Star Power").values(status=CompanyStatus.SUSPENDED)
    await database.write(lambda connection: connection.execute(suspended))
    await portal.desk.handle([answers.done(request)])
    assert await kept(database) == 0


def switch(duns: Duns, at: datetime) -> MarketNotice:
    return rep(at, RepChange.SWITCH, duns, esi(1))


async def tell_market(portal: Portal, *notices: MarketNotice) -> None:
    sender = await portal.market.sender(WIRES)
    assert sender is not None
    outcomes = await portal.market.take(sender, notices, NoticeSource.API)
    assert [each.reason for each in outcomes] == [None] * len(notices), outcomes


async def moves(database: Database) -> list[tuple[str, str]]:
    async with database.reading() as connection:
        joined = await connection.execute(
            select(webhook_deliveries.c.data, webhook_deliveries.c.webhook_id).order_by(webhook_deliveries.c.id)
        )
        return [(row.webhook_id, row.data["status"]) for row in joined]


async def test_a_switch_is_told_to_both_companies_at_its_instant_and_not_before(
    portal: Portal, signed_in: SignIn, database: Database, clock: HandClock
) -> None:
    lone, _ = await register(await signed_in("rep.admin"), "https://x.example/", ("meter.rep_changed",))
    blue, _ = await register(await signed_in("blue.admin"), "https://x.example/", ("meter.rep_changed",))
    at = clock.now() + timedelta(hours=5)
    await tell_market(portal, switch(BLUEBONNET, at))
    assert await moves(database) == []
    clock.set(at - timedelta(microseconds=1))
    await portal.market.take_effect()
    assert await moves(database) == []
    clock.set(at)
    await portal.market.take_effect()
    assert await moves(database) == [(lone, "left"), (blue, "came")]
    await portal.market.take_effect()
    assert len(await moves(database)) == 2


async def test_a_late_switch_is_told_when_it_is_known_and_not_what_was_told_before(
    portal: Portal, signed_in: SignIn, database: Database, clock: HandClock
) -> None:
    lone, _ = await register(await signed_in("rep.admin"), "https://x.example/", ("meter.rep_changed",))
    blue, _ = await register(await signed_in("blue.admin"), "https://x.example/", ("meter.rep_changed",))
    await tell_market(portal, switch(BLUEBONNET, clock.now() - timedelta(days=1)))
    assert await moves(database) == [(lone, "left"), (blue, "came")]
    # A notice from before that one changes nothing of who sees the meter now.
    clock.set(clock.now() + timedelta(hours=1))
    await tell_market(portal, switch(LONE_STAR_SECOND, clock.now() - timedelta(days=3)))
    assert len(await moves(database)) == 2
    await tell_market(portal, switch(LONE_STAR, clock.now()))
    assert (await moves(database))[2:] == [(blue, "left"), (lone, "came")]


async def test_a_switch_between_a_companys_own_numbers_moves_nothing(
    portal: Portal, signed_in: SignIn, database: Database, clock: HandClock
) -> None:
    await register(await signed_in("rep.admin"), "https://x.example/", ("meter.rep_changed",))
    await tell_market(portal, switch(LONE_STAR_SECOND, clock.now()))
    assert await moves(database) == []


async def test_whoever_lost_a_meter_is_told_so_and_gets_no_value_of_it(
    portal: Portal, signed_in: SignIn, receiver: Receiver, teller: Teller, clock: HandClock
) -> None:
    _, secret = await register(await signed_in("rep.admin"), receiver, ("meter.rep_changed",))
    await tell_market(portal, switch(BLUEBONNET, clock.now()))
    await teller.send()
    (got,) = receiver.got
    assert got.signed_by(secret)
    assert got.told["data"] == {"esi_id": esi(1), "status": "left"}


@pytest.mark.parametrize(("agreed_before", "agreed_after"), [(False, False), (True, True), (True, False)])
async def test_the_end_of_a_join_is_told_to_the_tdsp_and_under_an_agreement_to_the_rep(
    portal: Portal,
    signed_in: SignIn,
    receiver: Receiver,
    teller: Teller,
    database: Database,
    clock: HandClock,
    agreed_before: bool,
    agreed_after: bool,
) -> None:
    office = Office.over(database, clock)
    agreement = await agreed(office) if agreed_before else None
    wires = await signed_in("wires.admin")
    await register(wires, receiver, ("join.finished",))
    await register(await signed_in("rep.admin"), receiver, ALL)
    key = update(gateways).where(gateways.c.id == GATEWAY).values(sealing_key=public_text(SEALING))
    await database.write(lambda connection: connection.execute(key))
    body = {"device": DEVICE, "install_code": CODE_TEXT, "window_s": 120}
    asked_join = await wires.post(f"/meters/{esi(1)}/joins", json=body)
    assert asked_join.status_code == 202, asked_join.text
    command_id = asked_join.json()["id"]
    ended = CommandEnded(
        id=command_id, meter=MeterNumber("M00001"), device=DEVICE, status=OutcomeStatus.FAILED, cause=Cause.EXPIRED,
        detail="", next_step=None, info=None, round_trip_ms=None, successes=None, ended_at=clock.now(),
        mark=Mark(journal="j", seq=1),
    )  # fmt: skip
    await portal.desk.handle([Delivery(gateway=GATEWAY, message=ended)])
    assert await kept(database) == (2 if agreed_before else 1)
    if agreement is not None and not agreed_after:
        await end(office, agreement.id)
    await teller.send()
    assert len(receiver.got) == (2 if agreed_after else 1), "asked again when it is sent"
    got = receiver.got[0]
    data = got.told["data"]
    assert (got.told["type"], data["command_id"], data["status"], data["device"]) == (
        "join.finished", command_id, "failed", DEVICE,
    )  # fmt: skip
    assert CODE_TEXT not in got.body.decode()
