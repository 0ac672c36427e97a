"""What gateways say: recorded once, receipted without gaps, and never believed beyond their own meters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.errors import FailureReason
from gateway.identifiers import GatewayId, MeterNumber, RequestId
from gateway.messages import GatewayState, LinkState, Mark, OutcomeStatus, ReadEnded, ReadStage, Receipt
from gateway.ports import Delivery
from gateway.reads import Age, Freshness, MeterFlag, RegisterRead, Scale
from portal.gateways.tables import IncidentKind, gateway_marks, gateways
from portal.reads.ask import Refused
from portal.reads.desk import ReadDesk
from portal.reads.listener import record
from portal.reads.status import ReadStatus
from tests.clock import HandClock, turns
from tests.portal.asking import ask, asked, kept_incidents, make_desk, published
from tests.portal.wire import Answers, WireBus, altered, noted_sent
from tests.portal.world import GATEWAY, OTHER_GATEWAY


async def test_an_outcome_from_another_gateway_is_an_incident_and_changes_nothing(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock
) -> None:
    answer = await asked(database, desk, clock)
    request = await bus.request()
    await noted_sent(desk, clock, answer.id)
    rogue = Answers(OTHER_GATEWAY, clock)
    await desk.handle([rogue.stage(request, ReadStage.ON_AIR), rogue.done(request)])
    read = await desk.wait(answer.id, 0.01)
    assert read is not None
    assert read.status is ReadStatus.SENT
    assert await kept_incidents(database) == [(IncidentKind.FOREIGN_READ, 1)]


async def test_an_outcome_for_another_meter_is_an_incident(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    await asked(database, desk, clock)
    request = await bus.request()
    foreign = replace(request, meter=MeterNumber("M00003"))
    await desk.handle([answers.done(foreign)])
    assert await kept_incidents(database) == [(IncidentKind.FOREIGN_READ, 1)]


async def test_an_unknown_read_is_an_incident_that_is_counted_and_receipted(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    await asked(database, desk, clock)
    request = replace(await bus.request(), id=RequestId("00000000-0000-7000-8000-000000000000"))
    await desk.handle([answers.done(request)])
    await desk.handle([answers.done(request)])
    assert await kept_incidents(database) == [(IncidentKind.UNKNOWN_READ, 2)]
    await turns()
    receipts = [message for _, message in published(bus) if isinstance(message, Receipt)]
    assert receipts[-1].mark == Mark(journal="journal-1", seq=2)


async def test_incidents_are_limited_per_gateway(
    database: Database, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    desk = make_desk(database, bus, clock, most_incidents=3)
    await asked(database, desk, clock)
    (_, request) = next(iter(desk._outbox._pending.items()))
    lies = [
        answers.done(replace(request.request, id=RequestId(f"00000000-0000-7000-8000-{number:012d}")))
        for number in range(10)
    ]
    await desk.handle(lies)
    assert len(await kept_incidents(database)) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"read": None},
        {"age": None},
        {"accepted_at": None},
        {"accepted_at": datetime(9999, 12, 31, tzinfo=UTC)},
        {"ended_at": datetime(2026, 7, 1)},  # noqa: DTZ001  # naive on purpose: a gateway may say it
        {"used_today": 2**40},
        {"mark": Mark(journal="journal-1", seq=2**70)},
        {"mark": Mark(journal="x" * 65, seq=1)},
    ],
)
async def test_an_implausible_success_is_an_incident_and_spares_its_batch(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock, answers: Answers, changes: dict[str, object]
) -> None:
    await asked(database, desk, clock, 1)
    second = await asked(database, desk, clock, 2)
    first_request, second_request = await bus.request(), await bus.request()
    await desk.handle([altered(answers.done(first_request), **changes), answers.done(second_request)])
    assert await kept_incidents(database) == [(IncidentKind.IMPLAUSIBLE, 1)]
    read = await desk.wait(second.id, 5)
    assert read is not None
    assert read.status is ReadStatus.DONE


async def test_a_value_that_no_database_holds_is_an_incident(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    await asked(database, desk, clock)
    request = await bus.request()
    await desk.handle([answers.done(request, delivered_wh=2**70)])
    assert await kept_incidents(database) == [(IncidentKind.IMPLAUSIBLE, 1)]


class Undone(Exception):
    """Ends a transaction so that it leaves no trace."""


NOW = HandClock().now()


def seldom(usual: object, wild: st.SearchStrategy[object]) -> st.SearchStrategy[Any]:
    """Mostly what is right: an outcome in which everything is wrong is refused for its first fault."""
    return st.sampled_from([False] * 9 + [True]).flatmap(lambda so: wild if so else st.just(usual))


wild_ints = st.integers()
wild_instants = st.datetimes(timezones=st.none() | st.timezones() | st.just(UTC))
wild_reads = st.builds(
    RegisterRead,
    meter=seldom(MeterNumber("M00001"), st.just(MeterNumber("X"))),
    delivered_wh=seldom(None, wild_ints),
    received_wh=seldom(12, wild_ints),
    demand_w=seldom(-5, wild_ints),
    flags=st.none() | st.lists(st.sampled_from(MeterFlag)).map(tuple),
    latched_at=seldom(None, wild_instants),
    update_period_s=seldom(None, wild_ints),
    read_at=seldom(NOW, wild_instants),
    scale=st.builds(
        Scale,
        unit=st.text(),
        multiplier=seldom(1, wild_ints),
        divisor=seldom(1000, wild_ints),
        assumed=st.booleans(),
    ),
    path=st.text(),
)
wild_ends = st.builds(
    ReadEnded,
    id=st.just(RequestId("00000000-0000-7000-8000-000000000000")),
    meter=st.just(MeterNumber("M00001")),
    status=st.sampled_from(OutcomeStatus),
    reason=st.none() | st.sampled_from(FailureReason),
    detail=st.text(),
    accepted_at=seldom(NOW, st.none() | wild_instants),
    on_air_at=seldom(None, wild_instants),
    ended_at=seldom(NOW, wild_instants),
    read=seldom(None, wild_reads) | wild_reads,
    age=st.builds(Age, freshness=st.sampled_from(Freshness), at_most_s=seldom(None, wild_ints)),
    next_allowed_at=seldom(None, wild_instants),
    used_today=seldom(1, wild_ints),
    mark=st.builds(Mark, journal=seldom("journal-1", st.text()), seq=seldom(1, wild_ints)),
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(wild_ends)
async def test_no_outcome_however_wild_breaks_the_transaction_of_its_batch(database: Database, end: ReadEnded) -> None:
    clock = HandClock()
    answer = await ask(database, make_desk(database, WireBus(), clock), clock)
    assert not isinstance(answer, Refused)

    async def job(connection: AsyncConnection) -> None:
        await record(connection, [Delivery(gateway=GATEWAY, message=replace(end, id=answer.id))], clock.now(), 10)
        raise Undone

    with pytest.raises(Undone):
        await database.write(job)


async def test_words_with_control_characters_are_kept_without_them(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    answer = await asked(database, desk, clock)
    await desk.handle([answers.failed(await bus.request(), detail="no\x00answer\n" + "x" * 999)])
    read = await desk.wait(answer.id, 5)
    assert read is not None
    assert read.detail is not None
    assert read.detail.startswith("no answer xxx")
    assert len(read.detail) == 300


async def test_a_receipt_covers_only_what_is_recorded_without_a_gap(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    await asked(database, desk, clock, 1)
    await asked(database, desk, clock, 2)
    first, second = answers.done(await bus.request()), answers.done(await bus.request())
    await desk.handle([second])
    await turns()
    assert [m.mark.seq for _, m in published(bus) if isinstance(m, Receipt)] == [0]
    await desk.handle([first])
    await turns()
    assert [m.mark.seq for _, m in published(bus) if isinstance(m, Receipt)] == [1]
    await desk.handle([second])
    await turns()
    assert [m.mark.seq for _, m in published(bus) if isinstance(m, Receipt)] == [2]


async def test_journals_are_receipted_each_for_itself(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock
) -> None:
    await asked(database, desk, clock)
    request = await bus.request()
    await desk.handle([Answers(GATEWAY, clock, "old").done(request), Answers(GATEWAY, clock, "new").done(request)])
    await turns()
    marks = {m.mark.journal: m.mark.seq for _, m in published(bus) if isinstance(m, Receipt)}
    assert marks == {"old": 1, "new": 1}


def state(online: bool, boot_id: str, at: datetime, gateway: GatewayId = GATEWAY) -> Delivery:
    link = LinkState(driver="zigbee", up=online, since=at, detail="")
    message = GatewayState(
        gateway=gateway, online=online, boot_id=boot_id, at=at, version="0.1", meters=3, links=(link,)
    )
    return Delivery(gateway=gateway, message=message)


async def is_online(database: Database, gateway: GatewayId = GATEWAY) -> bool:
    async with database.reading() as connection:
        return bool(await connection.scalar(select(gateways.c.online).where(gateways.c.id == gateway)))


async def test_a_gateway_is_online_until_its_own_life_ends(
    database: Database, desk: ReadDesk, clock: HandClock
) -> None:
    await desk.handle([state(True, "boot-1", clock.now())])
    assert await is_online(database)
    await desk.handle([state(True, "boot-2", clock.now()), state(False, "boot-1", clock.now())])
    assert await is_online(database)
    await desk.handle([state(False, "boot-2", clock.now())])
    assert not await is_online(database)


async def test_a_state_under_anothers_name_is_an_incident(database: Database, desk: ReadDesk, clock: HandClock) -> None:
    forged = replace(state(True, "boot-1", clock.now(), OTHER_GATEWAY), gateway=GATEWAY)
    await desk.handle([forged])
    assert not await is_online(database, OTHER_GATEWAY)
    assert await kept_incidents(database) == [(IncidentKind.FALSE_NAME, 1)]


async def test_a_gateway_that_nobody_registered_is_shown_and_is_an_incident(
    database: Database, desk: ReadDesk, clock: HandClock
) -> None:
    stranger = GatewayId("gw-unknown")
    await desk.handle([state(True, "boot-1", clock.now(), stranger)])
    assert await is_online(database, stranger)
    assert await kept_incidents(database) == [(IncidentKind.UNKNOWN_GATEWAY, 1)]


async def marks_of(database: Database) -> dict[str, int]:
    async with database.reading() as connection:
        rows = await connection.execute(select(gateway_marks.c.journal, gateway_marks.c.seq))
        return {row.journal: row.seq for row in rows}


async def test_a_portal_older_than_its_receipts_is_told_what_does_not_come_again(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock
) -> None:
    await asked(database, desk, clock)
    request = await bus.request()
    gateway = Answers(GATEWAY, clock)
    for _ in range(4):
        gateway.mark()
    await desk.handle([gateway.done(request)])
    assert await marks_of(database) == {"journal-1": 0}
    told = altered(state(True, "boot-1", clock.now()), receipted=Mark(journal="journal-1", seq=4))
    await desk.handle([told])
    assert await marks_of(database) == {"journal-1": 4}
    published(bus)
    fifth = Answers(GATEWAY, clock)
    for _ in range(4):
        fifth.mark()
    await desk.handle([fifth.done(request)])
    await turns()
    assert [m.mark.seq for _, m in published(bus) if isinstance(m, Receipt)] == [5]
    await desk.handle([told, told])
    assert await marks_of(database) == {"journal-1": 5}


@pytest.mark.parametrize(
    "mark", [Mark(journal="x" * 65, seq=1), Mark(journal="j", seq=2**70), Mark(journal="j", seq=0)]
)
async def test_a_receipted_mark_that_cannot_be_kept_is_passed_over(
    database: Database, desk: ReadDesk, clock: HandClock, mark: Mark
) -> None:
    await desk.handle([altered(state(True, "boot-1", clock.now()), receipted=mark)])
    assert await is_online(database)
    assert await marks_of(database) == {}


async def test_only_the_newest_journals_of_a_gateway_are_remembered(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock
) -> None:
    await asked(database, desk, clock)
    request = await bus.request()
    for number in range(20):
        clock.set(clock.now() + timedelta(seconds=1))
        await desk.handle([Answers(GATEWAY, clock, f"journal-{number}").done(request)])
    assert set(await marks_of(database)) == {f"journal-{number}" for number in range(12, 20)}
    flood = [Answers(GATEWAY, clock, f"flood-{number}").done(request) for number in range(20)]
    await desk.handle(flood)
    assert len(await marks_of(database)) == 8
