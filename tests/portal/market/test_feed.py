"""Notices in the tables, on both databases: once, in any order, early or late, each with all that follows from it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import CENTRAL
from gateway.database import Database
from gateway.dice import SeededDice
from gateway.han.messages import RemoveDevice
from gateway.han.words import Stage
from gateway.identifiers import Eui64, GatewayId
from gateway.market_notices import MarketNotice, RepChange
from gateway.messages import Command, WithdrawMeter
from portal.companies.status import CompanyStatus
from portal.companies.tables import companies
from portal.han.tables import han_commands, han_devices, han_outbox
from portal.market.desk import MarketDesk
from portal.market.feed import NoticeOutcome, find_sender
from portal.market.notices import NoticeRefusal
from portal.market.settings import MarketSettings
from portal.market.tables import NoticeState, market_notices, premise_histories, premises, rep_spans
from portal.meters.steps import Step
from portal.meters.tables import attachments, meter_assignments, meters
from portal.viewer import Viewer
from portal.visibility import find_meter
from tests.clock import HandClock
from tests.portal.conftest import running
from tests.portal.market.test_notices import histories
from tests.portal.market.words import (
    DAY,
    NEW,
    created,
    exchanged,
    installed,
    on,
    premise_changed,
    provisioned,
    rep,
    retired,
    tell,
)
from tests.portal.world import BLUEBONNET, GATEWAY, LONE_STAR, OTHER_WIRES, esi, viewer

HOUR = timedelta(hours=1)
HERE = esi(1)
M1 = "M00001"
DEVICE = Eui64("000D6F0007A0B1C2")
APPLIED, WAITING, REFUSED = NoticeState.APPLIED, NoticeState.WAITING, NoticeState.REFUSED


def told(outcomes: Sequence[NoticeOutcome]) -> list[NoticeState | NoticeRefusal]:
    """What became of notices: the reason of those that were refused."""
    return [outcome.reason or outcome.state for outcome in outcomes]


async def sees(database: Database, user_id: str, at: datetime, esi_id: Any = HERE) -> bool:
    who: Viewer = await viewer(database, user_id)
    async with database.reading() as connection:
        return await find_meter(connection, who, esi_id, at) is not None


async def rows(database: Database, table: Any, *where: Any) -> list[Any]:
    async with database.reading() as connection:
        return list((await connection.execute(select(table).where(*where).order_by(*table.primary_key))).all())


async def picture(database: Database, esi_id: Any = NEW) -> Any:
    """What the tables say of a premise, but for ids and times of writing."""
    spans = {
        (row.duns, row.from_at, row.to_at) for row in await rows(database, rep_spans, rep_spans.c.esi_id == esi_id)
    }
    hung = {
        tuple(value for name, value in row._mapping.items() if name not in ("id", "updated_at"))
        for row in await rows(database, meters, meters.c.esi_id == esi_id)
        if row.removed_at is None or row.removed_at > row.installed_at
    }
    return await rows(database, premises, premises.c.esi_id == esi_id), spans, hung


async def carried(database: Database) -> None:
    """Return once somebody's departure has been carried out."""
    for _ in range(10_000):
        if await rows(database, market_notices, market_notices.c.carried_at.is_not(None)):
            return
        await asyncio.sleep(0)
    raise AssertionError("nobody's departure is carried out")


async def wipe(connection: AsyncConnection) -> None:
    """Forget the tests' own premise."""
    for table in (market_notices, premise_histories, rep_spans, meters, premises):
        await connection.execute(delete(table).where(table.c.esi_id == NEW))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(notices=histories(), data=st.data())
async def test_any_arrival_leaves_the_tables_as_in_order(
    database: Database, notices: list[MarketNotice], data: st.DataObject
) -> None:
    clock = HandClock(on(20))
    feed = MarketDesk(database, clock, SeededDice(3))
    await database.write(wipe)
    for notice in notices:
        await tell(feed, notice)
    expected = await picture(database)
    outcomes = await tell(feed, *notices)
    assert await picture(database) == expected, "telling again changed something"
    await database.write(wipe)
    shuffled = data.draw(st.permutations(notices))
    for notice in shuffled:
        await tell(feed, notice)
    assert await picture(database) == expected
    again = {outcome.id: outcome for outcome in await tell(feed, *shuffled)}
    assert [again[outcome.id] for outcome in outcomes] == outcomes


async def test_a_meter_that_a_late_notice_keeps_from_the_wall_never_hung_though_it_was_removed_since(
    database: Database, feed: MarketDesk, clock: HandClock
) -> None:
    now = clock.now()
    early: list[MarketNotice] = [created(now - 9 * DAY), installed(now - 8 * DAY, "A1")]
    later: list[MarketNotice] = [
        created(now - 5 * DAY),
        installed(now - 4 * DAY, "A2"),
        exchanged(now - 3 * DAY, "A2", None),
    ]
    await tell(feed, *early, *later)
    expected = await picture(database)
    await database.write(wipe)
    for notice in (early[1], *later, early[0]):
        await tell(feed, notice)
    assert await picture(database) == expected
    (row,) = [row for row in await rows(database, meters, meters.c.esi_id == NEW) if row.number == "A2"]
    assert row.removed_at == row.installed_at


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(notices=histories(), day=st.integers(0, 30))
async def test_what_waits_takes_effect_as_if_it_had_come_then(
    database: Database, notices: list[MarketNotice], day: int
) -> None:
    clock = HandClock(on(day))
    feed = MarketDesk(database, clock, SeededDice(3))
    await database.write(wipe)
    await tell(feed, *notices)
    for later in range(day + 1, 42):
        clock.set(on(later))
        await feed.take_effect()
    early = await picture(database)
    await database.write(wipe)
    await tell(feed, *notices)
    assert await picture(database) == early


async def test_a_premise_appears_with_its_meter_and_its_rep(
    database: Database, feed: MarketDesk, clock: HandClock
) -> None:
    now = clock.now()
    outcomes = await tell(
        feed,
        created(now - 3 * DAY),
        installed(now - 2 * DAY, "N1", phases=3, manufacturer="Landis+Gyr"),
        rep(now - DAY, RepChange.MOVE_IN, LONE_STAR),
    )
    assert told(outcomes) == [APPLIED, APPLIED, APPLIED]
    assert await sees(database, "wires.admin", now, NEW)
    assert not await sees(database, "rep.user", now, NEW), "it is not provisioned"
    assert told(await tell(feed, provisioned(now, "N1"))) == [APPLIED]
    assert await sees(database, "rep.user", now, NEW)
    (row,) = await rows(database, meters, meters.c.esi_id == NEW)
    assert (row.phases, row.manufacturer, row.provisioned_at) == (3, "Landis+Gyr", now)


async def test_a_switch_takes_the_meter_from_the_rep_and_leaves_it_to_the_customer(
    database: Database, feed: MarketDesk, clock: HandClock
) -> None:
    assert told(await tell(feed, rep(clock.now(), RepChange.SWITCH, BLUEBONNET, HERE))) == [APPLIED]
    assert [await sees(database, who, clock.now()) for who in ("rep.user", "blue.admin", "maria.customer")] == [
        False,
        True,
        True,
    ]


async def test_a_move_out_takes_the_meter_from_rep_and_customer(
    database: Database, feed: MarketDesk, clock: HandClock
) -> None:
    assert told(await tell(feed, rep(clock.now(), RepChange.MOVE_OUT, None, HERE))) == [APPLIED]
    assert not await sees(database, "rep.user", clock.now())
    assert not await sees(database, "maria.customer", clock.now())
    assert await rows(database, attachments) == []
    assert await sees(database, "wires.admin", clock.now())


async def test_a_late_move_out_leaves_who_came_since(database: Database, feed: MarketDesk, clock: HandClock) -> None:
    left_at = clock.now() - DAY
    await tell(feed, rep(clock.now() - HOUR, RepChange.SWITCH, BLUEBONNET, HERE))
    assert told(await tell(feed, rep(left_at, RepChange.MOVE_OUT, None, HERE))) == [APPLIED]
    assert await sees(database, "blue.admin", clock.now()), "whoever became the REP of record since stays it"
    assert await sees(database, "maria.customer", clock.now()), "she attached the meter after that departure"


async def test_a_move_out_to_come_takes_effect_at_its_instant_and_not_before(
    database: Database, feed: MarketDesk, clock: HandClock
) -> None:
    at = clock.now() + timedelta(seconds=90)
    async with running(feed):
        assert told(await tell(feed, rep(at, RepChange.MOVE_OUT, None, HERE))) == [WAITING]
        await clock.advance(60)
        assert await sees(database, "rep.user", clock.now())
        assert await sees(database, "maria.customer", clock.now())
        assert not await sees(database, "rep.user", at), "spans ask for the instant: nobody need do anything"
        await clock.advance(31)
        await carried(database)
    assert not await sees(database, "maria.customer", clock.now())
    (row,) = await rows(database, market_notices)
    assert (row.state, row.to_carry) == (APPLIED, False)
    assert row.carried_at is not None


async def test_an_exchange_keeps_esi_id_customer_and_rep(
    database: Database, feed: MarketDesk, clock: HandClock
) -> None:
    assert told(await tell(feed, exchanged(clock.now(), M1, "N2", HERE, model="Focus"))) == [APPLIED]
    for who in ("rep.user", "maria.customer", "wires.admin"):
        assert await sees(database, who, clock.now())
    old, new = await rows(database, meters, meters.c.esi_id == HERE)
    assert (old.number, old.removed_at) == (M1, clock.now())
    assert (new.number, new.installed_at, new.provisioned_at) == ("N2", clock.now(), clock.now())
    assert (new.model, new.gateway) == ("Focus", None)


async def test_the_old_meter_is_withdrawn_from_its_gateway(database: Database, clock: HandClock) -> None:
    sent: list[tuple[GatewayId, Command]] = []
    feed = MarketDesk(database, clock, SeededDice(3), send=sent.extend)
    await tell(feed, exchanged(clock.now(), M1, "N2", HERE))
    ((gateway, command),) = sent
    assert gateway == GATEWAY
    assert isinstance(command, WithdrawMeter)
    assert command.meter == M1
    assert [row.command_id for row in await rows(database, han_outbox)] == [command.id]
    (assignment,) = await rows(database, meter_assignments)
    assert assignment.step is Step.WITHDRAWING


async def test_a_conventional_meter_ends_every_access_to_the_old_ones_data(
    database: Database, feed: MarketDesk, clock: HandClock
) -> None:
    await tell(feed, exchanged(clock.now(), M1, None, HERE))
    for who in ("rep.user", "maria.customer", "wires.admin", "ercot.user"):
        assert not await sees(database, who, clock.now())


async def put_device(connection: AsyncConnection, meter_id: int, device: Eui64 = DEVICE) -> None:
    row = {"device": device, "meter_id": meter_id, "gateway": GATEWAY, "stage": Stage.ACTIVE, "changed_at": on(1)}
    await connection.execute(insert(han_devices), {**row, "journal": "j", "seq": 1})


async def test_a_move_out_removes_the_devices_once(database: Database, clock: HandClock) -> None:
    sent: list[tuple[GatewayId, Command]] = []
    feed = MarketDesk(database, clock, SeededDice(3), send=sent.extend)
    (meter,) = await rows(database, meters, meters.c.number == M1)
    await database.write(lambda connection: put_device(connection, meter.id))
    notice = rep(clock.now(), RepChange.MOVE_OUT, None, HERE)
    await tell(feed, notice)
    ((gateway, command),) = sent
    assert isinstance(command, RemoveDevice)
    assert (gateway, command.meter, command.device) == (GATEWAY, M1, DEVICE)
    assert command.deadline_at == clock.now() + timedelta(days=MarketSettings().removal_days)
    await tell(feed, notice)
    await tell(feed, premise_changed(clock.now(), HERE, city="Dallas"))
    assert len(sent) == len(await rows(database, han_commands)) == 1


async def test_a_switch_leaves_the_devices(database: Database, clock: HandClock) -> None:
    sent: list[tuple[GatewayId, Command]] = []
    feed = MarketDesk(database, clock, SeededDice(3), send=sent.extend)
    (meter,) = await rows(database, meters, meters.c.number == M1)
    await database.write(lambda connection: put_device(connection, meter.id))
    await tell(feed, rep(clock.now(), RepChange.SWITCH, BLUEBONNET, HERE))
    await tell(feed, rep(clock.now(), RepChange.MASS_TRANSITION, LONE_STAR, HERE))
    assert sent == []


async def test_devices_wait_for_a_meter_between_two_gateways(database: Database, clock: HandClock) -> None:
    sent: list[tuple[GatewayId, Command]] = []
    feed = MarketDesk(database, clock, SeededDice(3), send=sent.extend)
    (meter,) = await rows(database, meters, meters.c.number == M1)
    moving = {"meter_id": meter.id, "step": Step.ASSIGNING, "successes": [], "changed_at": clock.now()}

    async def begin(connection: AsyncConnection) -> None:
        await put_device(connection, meter.id)
        await connection.execute(update(meters).where(meters.c.id == meter.id).values(gateway=None))
        await connection.execute(insert(meter_assignments), moving)

    async def arrive(connection: AsyncConnection) -> None:
        await connection.execute(update(meters).where(meters.c.id == meter.id).values(gateway=GATEWAY))
        await connection.execute(update(meter_assignments).values(step=Step.SERVED))

    await database.write(begin)
    await tell(feed, rep(clock.now(), RepChange.MOVE_OUT, None, HERE))
    assert sent == []
    await database.write(arrive)
    async with running(feed):
        await clock.advance(MarketSettings().sweep_s + 1)
        await carried(database)
    assert [type(command) for _, command in sent] == [RemoveDevice]


async def test_a_retired_esi_id_loses_meter_rep_and_customer(
    database: Database, feed: MarketDesk, clock: HandClock
) -> None:
    assert told(await tell(feed, retired(clock.now(), HERE, successor=NEW))) == [APPLIED]
    (row,) = await rows(database, premises, premises.c.esi_id == HERE)
    assert (row.status, row.retired_at, row.successor) == ("I", clock.now(), NEW)
    for who in ("rep.user", "maria.customer", "wires.admin"):
        assert not await sees(database, who, clock.now())
    assert told(await tell(feed, premise_changed(clock.now() + HOUR, HERE, city="Dallas"))) == [NoticeRefusal.RETIRED]


async def test_another_tdsps_premise_looks_unknown(database: Database, feed: MarketDesk, clock: HandClock) -> None:
    mine, none = await tell(
        feed,
        rep(clock.now(), RepChange.SWITCH, BLUEBONNET, HERE),
        rep(clock.now(), RepChange.SWITCH, BLUEBONNET, esi(999)),
        tdsp=OTHER_WIRES,
    )
    assert replace(mine, id="") == replace(none, id="")
    assert mine.reason is NoticeRefusal.UNKNOWN_ESI_ID
    assert await sees(database, "rep.user", clock.now())
    assert told(await tell(feed, created(clock.now(), HERE), tdsp=OTHER_WIRES)) == [NoticeRefusal.ESI_ID_IN_USE]


async def test_a_notice_that_came_before_its_premise_is_applied_with_it(
    database: Database, feed: MarketDesk, clock: HandClock
) -> None:
    early = rep(clock.now() - HOUR, RepChange.MOVE_IN, LONE_STAR)
    assert told(await tell(feed, early)) == [NoticeRefusal.UNKNOWN_ESI_ID]
    assert told(await tell(feed, early, tdsp=OTHER_WIRES)) == [NoticeRefusal.UNKNOWN_ESI_ID]
    await tell(feed, created(clock.now() - DAY))
    assert told(await tell(feed, early)) == [APPLIED]
    assert told(await tell(feed, early, tdsp=OTHER_WIRES)) == [NoticeRefusal.UNKNOWN_ESI_ID]
    (span,) = await rows(database, rep_spans, rep_spans.c.esi_id == NEW)
    assert span.duns == LONE_STAR


async def test_the_same_id_with_other_content_is_a_conflict(
    database: Database, feed: MarketDesk, clock: HandClock
) -> None:
    first = rep(clock.now(), RepChange.SWITCH, BLUEBONNET, HERE)
    other = replace(first, rep_duns=LONE_STAR)
    elsewhere = replace(first, effective_at=first.effective_at.astimezone(CENTRAL))
    outcomes = await tell(feed, first, other, elsewhere, first)
    assert told(outcomes) == [APPLIED, NoticeRefusal.CONFLICT, APPLIED, APPLIED]
    assert told(await tell(feed, other)) == [NoticeRefusal.CONFLICT]
    assert await sees(database, "blue.admin", clock.now())
    assert len(await rows(database, market_notices)) == 1
    assert told(await tell(feed, first, tdsp=OTHER_WIRES)) == [NoticeRefusal.UNKNOWN_ESI_ID], "ids are each TDSP's own"


async def test_a_meter_on_another_wall_is_hung_up_once_it_is_free(
    database: Database, feed: MarketDesk, clock: HandClock
) -> None:
    await tell(feed, created(clock.now() - DAY))
    moved = installed(clock.now(), M1)
    assert told(await tell(feed, moved)) == [NoticeRefusal.METER_ELSEWHERE]
    await tell(feed, exchanged(clock.now() - HOUR, M1, "N9", HERE))
    assert told(await tell(feed, moved)) == [APPLIED]
    assert [row.esi_id for row in await rows(database, meters, meters.c.number == M1)] == [HERE, NEW]


async def test_a_rep_that_is_not_registered_yet_gains_the_meter_when_it_is(
    database: Database, feed: MarketDesk, clock: HandClock
) -> None:
    stranger = type(LONE_STAR)("999999999")
    (outcome,) = await tell(feed, rep(clock.now(), RepChange.SWITCH, stranger, HERE))
    assert (outcome.state, outcome.reason) == (APPLIED, None)
    assert outcome.words is not None
    assert "registered" in outcome.words
    assert not await sees(database, "rep.user", clock.now())
    assert (await rows(database, rep_spans, rep_spans.c.duns == stranger))[0].to_at is None


async def test_an_instant_too_far_ahead_is_refused_until_it_is_nearer(
    database: Database, feed: MarketDesk, clock: HandClock
) -> None:
    far = premise_changed(clock.now() + timedelta(days=200), HERE, city="Dallas")
    assert told(await tell(feed, far)) == [NoticeRefusal.TOO_FAR]
    clock.set(clock.now() + timedelta(days=30))
    assert told(await tell(feed, far)) == [WAITING]


async def test_a_suspended_tdsp_is_not_believed(database: Database, feed: MarketDesk, clock: HandClock) -> None:
    def is_now(status: CompanyStatus) -> Any:
        return lambda connection: connection.execute(
            update(companies).where(companies.c.name == "Hill Country Wires").values(status=status)
        )

    notice = premise_changed(clock.now(), HERE, city="Dallas")
    await database.write(is_now(CompanyStatus.SUSPENDED))
    assert told(await tell(feed, notice)) == [NoticeRefusal.SENDER_NOT_ACTIVE]
    await database.write(is_now(CompanyStatus.ACTIVE))
    assert told(await tell(feed, notice)) == [APPLIED]
    async with database.reading() as connection:
        assert await find_sender(connection, LONE_STAR) is None, "a REP tells nothing"


async def test_two_desks_at_once_apply_each_notice_once(
    database: Database, clock: HandClock, database_url: str
) -> None:
    other = Database.open(database_url)
    try:
        desks = [MarketDesk(each, clock, SeededDice(seed)) for seed, each in enumerate((database, other))]
        notices: list[MarketNotice] = [created(clock.now() - DAY), installed(clock.now() - HOUR, "N1")]
        notices += [premise_changed(clock.now(), city=f"City {number}") for number in range(5)]
        outcomes = await asyncio.gather(*(tell(desk, *notices) for desk in desks * 3))
        assert {tuple(told(each)) for each in outcomes} == {(APPLIED,) * len(notices)}
        assert len(await rows(database, market_notices)) == len(notices)
        (row,) = await rows(database, premises, premises.c.esi_id == NEW)
        assert row.city == "City 4"
    finally:
        await other.close()


async def test_one_number_hangs_on_one_wall_whoever_is_first(
    database: Database, clock: HandClock, database_url: str
) -> None:
    other = Database.open(database_url)
    try:
        ours, theirs = (MarketDesk(each, clock, SeededDice(3)) for each in (database, other))
        before = {esi(1): M1, esi(6): "M00006"}
        for turn in range(10):
            number, at = f"N{turn}", clock.now() + timedelta(minutes=turn)
            clock.set(at)
            (mine,), (yours,) = await asyncio.gather(
                tell(ours, exchanged(at, before[esi(1)], number, esi(1))),
                tell(theirs, exchanged(at, before[esi(6)], number, esi(6)), tdsp=OTHER_WIRES),
            )
            assert {mine.reason, yours.reason} == {None, NoticeRefusal.METER_ELSEWHERE}
            before[esi(1) if mine.reason is None else esi(6)] = number
    finally:
        await other.close()


async def test_two_tdsps_that_create_one_esi_id_at_once_do_not_share_it(
    database: Database, clock: HandClock, database_url: str
) -> None:
    other = Database.open(database_url)
    try:
        ours, theirs = (MarketDesk(each, clock, SeededDice(3)) for each in (database, other))
        for turn in range(10):
            new = esi(200 + turn)
            (mine,), (yours,) = await asyncio.gather(
                tell(ours, created(clock.now(), new)), tell(theirs, created(clock.now(), new), tdsp=OTHER_WIRES)
            )
            assert {mine.reason, yours.reason} == {None, NoticeRefusal.ESI_ID_IN_USE}
            (row,) = await rows(database, premises, premises.c.esi_id == new)
            async with database.reading() as connection:
                sender = await find_sender(connection, OTHER_WIRES)
            assert sender is not None
            assert (row.tdsp_id == sender.company_id) == (yours.reason is None)
    finally:
        await other.close()


@pytest.mark.parametrize("seeded", [1, 4])
async def test_what_was_there_before_the_feed_stays_as_it_is(
    database: Database, feed: MarketDesk, clock: HandClock, seeded: int
) -> None:
    before = await picture(database, esi(seeded))
    await tell(feed, premise_changed(clock.now(), esi(seeded), read_cycle="07"))
    (row,), spans, hung = await picture(database, esi(seeded))
    assert row.read_cycle == "07"
    assert (spans, hung) == before[1:]
