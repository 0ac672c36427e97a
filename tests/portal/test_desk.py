"""The on-demand desk: one read for many, nothing lost on the way, and no belief in a gateway that lies."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from gateway.database import Database
from gateway.dice import SeededDice
from gateway.errors import FailureReason
from gateway.identifiers import GatewayId, MeterNumber, RequestId
from gateway.messages import GatewayState, LinkState, Mark, ReadStage, Receipt
from gateway.ports import Delivery
from gateway.read_policy import ReadLimits
from portal.gateways.tables import IncidentKind, gateway_marks, gateways, incidents
from portal.meters.tables import meters
from portal.reads.ask import Answer, Asked, AskRefusal, Joined, Refused
from portal.reads.desk import ReadDesk
from portal.reads.settings import DeskSettings
from portal.reads.shown import OnDemandRead
from portal.reads.status import ReadStatus
from portal.reads.tables import read_askers, read_outbox, reads
from tests.clock import HandClock, turns
from tests.portal.conftest import running
from tests.portal.wire import Answers, WireBus, altered, noted_sent
from tests.portal.world import GATEWAY, OTHER_GATEWAY, viewer, visible

Desk = ReadDesk


def make_desk(database: Database, bus: WireBus, clock: HandClock, **settings: object) -> ReadDesk:
    numbers = DeskSettings(**settings)  # type: ignore[arg-type]  # tests name the settings they change
    return ReadDesk(database, bus, clock, SeededDice(3), ReadLimits(), numbers)


@pytest.fixture
async def desk(database: Database, bus: WireBus, clock: HandClock) -> AsyncIterator[ReadDesk]:
    desk = make_desk(database, bus, clock)
    async with running(desk):
        yield desk


async def ask(database: Database, desk: ReadDesk, clock: HandClock, user: str = "rep.user", number: int = 1) -> Answer:
    who = await viewer(database, user)
    return await desk.ask(await visible(database, who, number, clock.now()), who)


async def asked(database: Database, desk: ReadDesk, clock: HandClock, number: int = 1) -> Asked:
    answer = await ask(database, desk, clock, "rep.admin", number)
    assert isinstance(answer, Asked), answer
    return answer


async def given_up(desk: ReadDesk, clock: HandClock, read_id: RequestId) -> OnDemandRead:
    """The read once the desk has given it up, the clock moving on in tenths of a second meanwhile."""
    async with asyncio.timeout(10):
        while True:
            await clock.advance(0.1)
            read = await desk.wait(read_id, 0.01)
            assert read is not None
            if read.status is ReadStatus.FAILED:
                return read


async def kept_incidents(database: Database) -> list[tuple[IncidentKind, int]]:
    async with database.reading() as connection:
        rows = await connection.execute(select(incidents.c.kind, incidents.c.times).order_by(incidents.c.id))
        return [tuple(row) for row in rows]


async def outbox_size(database: Database) -> int:
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(read_outbox)) or 0


async def test_an_ask_becomes_a_request_to_the_gateway_of_the_meter(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock
) -> None:
    answer = await asked(database, desk, clock)
    gateway, request = await asyncio.wait_for(bus.published.get(), 10)
    assert gateway == GATEWAY
    assert request.id == answer.id
    assert request.meter == MeterNumber("M00001")
    assert request.deadline_at == clock.now() + timedelta(seconds=120)


async def test_two_hundred_asks_at_once_are_one_read(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock
) -> None:
    people = [await viewer(database, user) for user in ("rep.admin", "rep.user", "wires.admin", "maria.customer")]
    meter = await visible(database, people[0], 1, clock.now())
    answers = await asyncio.gather(*(desk.ask(meter, people[number % 4]) for number in range(200)))
    assert [type(answer) for answer in answers].count(Asked) == 1
    assert {answer.id for answer in answers if not isinstance(answer, Refused)} == {answers[0].id}
    async with database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(reads)) == 1
        assert await connection.scalar(select(func.count()).select_from(read_askers)) == 4


async def test_asks_through_two_processes_at_once_are_one_read(
    database: Database, database_url: str, bus: WireBus, clock: HandClock
) -> None:
    other = Database.open(database_url)
    who = await viewer(database, "rep.admin")
    meter = await visible(database, who, 1, clock.now())
    desks = [make_desk(database, bus, clock), ReadDesk(other, bus, clock, SeededDice(4))]
    answers = await asyncio.gather(*(desks[number % 2].ask(meter, who) for number in range(200)))
    assert [type(answer) for answer in answers].count(Asked) == 1
    assert [type(answer) for answer in answers].count(Joined) == 199
    await other.close()


async def test_a_read_shows_every_stage_and_its_value(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    answer = await asked(database, desk, clock)
    request = await bus.request()
    await noted_sent(desk, clock, answer.id)
    clock.set(clock.now() + timedelta(seconds=1))
    await desk.handle([answers.stage(request, ReadStage.ACCEPTED)])
    accepted_at = clock.now()
    clock.set(clock.now() + timedelta(seconds=1))
    await desk.handle([answers.stage(request, ReadStage.ON_AIR)])
    on_air = await desk.wait(answer.id, 0.01)
    assert on_air is not None
    assert (on_air.status, on_air.on_air_at, on_air.value) == (ReadStatus.ON_AIR, clock.now(), None)
    clock.set(clock.now() + timedelta(seconds=1))
    await desk.handle([answers.done(request, accepted_at=accepted_at)])
    read = await desk.wait(answer.id, 5)
    assert read is not None
    assert read.status is ReadStatus.DONE
    assert read.value is not None
    assert (read.value.delivered_wh, read.value.received_wh, read.value.demand_w) == (12_345_678, None, 420)
    assert read.value.flags == ()
    assert read.age is not None
    assert read.age.freshness == "fresh"
    assert read.sent_at == read.asked_at < accepted_at
    assert read.accepted_at == accepted_at
    assert await outbox_size(database) == 0


async def test_waiting_returns_at_each_change_and_at_the_end(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    answer = await asked(database, desk, clock)
    request = await bus.request()
    await noted_sent(desk, clock, answer.id)
    changed = asyncio.create_task(desk.wait(answer.id, 10, since=ReadStatus.SENT))
    ended = asyncio.create_task(desk.wait(answer.id, 10))
    await turns()
    await desk.handle([answers.stage(request, ReadStage.ACCEPTED)])
    first = await changed
    assert first is not None
    assert first.status is ReadStatus.ACCEPTED
    assert not ended.done()
    await desk.handle([answers.done(request)])
    last = await ended
    assert last is not None
    assert last.status is ReadStatus.DONE


async def test_waiting_for_what_nobody_asked_for_gives_nothing(desk: ReadDesk) -> None:
    assert await desk.wait(RequestId("00000000-0000-7000-8000-000000000000"), 5) is None


async def test_waiting_ends_at_its_time_out_with_the_read_as_it_is(
    database: Database, desk: ReadDesk, clock: HandClock
) -> None:
    answer = await asked(database, desk, clock)
    read = await desk.wait(answer.id, 0.01)
    assert read is not None
    assert read.status in (ReadStatus.QUEUED, ReadStatus.SENT)


async def test_a_request_is_sent_again_until_its_read_ends(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    answer = await asked(database, desk, clock)
    first = await bus.request()
    for _ in range(3):
        await clock.advance(6)
        assert await bus.request() == first
    await desk.handle([answers.done(first)])
    while not bus.published.empty():
        bus.published.get_nowait()
    await clock.advance(60)
    assert bus.published.empty() or isinstance(bus.published.get_nowait()[1], Receipt)
    assert answer.id == first.id


async def test_a_request_waits_out_a_lost_connection_and_goes_with_the_next(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock
) -> None:
    bus.cut = True
    answer = await asked(database, desk, clock)
    await clock.advance(1)
    assert bus.published.empty()
    bus.cut = False
    await desk.greet()
    assert (await bus.request()).id == answer.id


async def test_a_new_process_sends_what_the_old_one_had_not_finished(
    database: Database, bus: WireBus, clock: HandClock
) -> None:
    bus.cut = True
    answer = await asked(database, make_desk(database, bus, clock), clock)
    bus.cut = False
    async with running(make_desk(database, bus, clock)):
        assert (await bus.request()).id == answer.id


async def test_an_unanswered_read_fails_ten_seconds_after_its_deadline(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock
) -> None:
    answer = await asked(database, desk, clock)
    await bus.request()
    await clock.advance(129.9)
    read = await desk.wait(answer.id, 0.01)
    assert read is not None
    assert read.status is ReadStatus.SENT
    read = await given_up(desk, clock, answer.id)
    assert (read.status, read.reason) == (ReadStatus.FAILED, FailureReason.TIMEOUT)
    assert clock.now() - read.asked_at < timedelta(seconds=140)
    assert await outbox_size(database) == 0


async def test_a_late_success_replaces_the_failure_and_counts(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    answer = await asked(database, desk, clock)
    request = await bus.request()
    accepted_at = clock.now()
    await clock.advance(129.9)
    assert (await given_up(desk, clock, answer.id)).status is ReadStatus.FAILED
    await desk.handle([answers.done(request, accepted_at=accepted_at)])
    read = await desk.wait(answer.id, 5)
    assert read is not None
    assert (read.status, read.reason, read.detail) == (ReadStatus.DONE, None, None)
    again = await ask(database, desk, clock)
    assert isinstance(again, Refused)
    assert again.next_allowed_at == accepted_at + timedelta(hours=1)


async def test_nothing_replaces_a_success(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    answer = await asked(database, desk, clock)
    request = await bus.request()
    await desk.handle([answers.done(request)])
    await desk.handle([answers.failed(request), answers.done(request, delivered_wh=1)])
    read = await desk.wait(answer.id, 5)
    assert read is not None
    assert read.value is not None
    assert read.value.delivered_wh == 12_345_678


async def test_a_batch_that_arrives_twice_changes_nothing_more(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    await asked(database, desk, clock)
    request = await bus.request()
    await noted_sent(desk, clock, request.id)
    batch = [answers.stage(request, ReadStage.ACCEPTED), answers.done(request)]
    await desk.handle([*batch, *batch])
    async with database.reading() as connection:
        before = (await connection.execute(select(reads))).one()
    clock.set(clock.now() + timedelta(seconds=30))
    await desk.handle(batch)
    async with database.reading() as connection:
        assert (await connection.execute(select(reads))).one() == before
    assert await kept_incidents(database) == []


async def test_a_meter_without_a_gateway_is_refused_in_words(
    database: Database, desk: ReadDesk, clock: HandClock
) -> None:
    answer = await ask(database, desk, clock, "rep.user", 5)
    assert isinstance(answer, Refused)
    assert answer.reason is AskRefusal.NO_GATEWAY
    assert "No gateway reaches this meter" in answer.words


async def test_a_meter_that_was_just_taken_off_the_wall_is_refused(
    database: Database, desk: ReadDesk, clock: HandClock
) -> None:
    who = await viewer(database, "rep.user")
    meter = await visible(database, who, 1, clock.now())
    gone = update(meters).where(meters.c.number == "M00001").values(removed_at=clock.now())
    await database.write(lambda connection: connection.execute(gone))
    assert isinstance(await desk.ask(meter, who), Refused)


async def test_ercot_looks_but_does_not_read(database: Database, desk: ReadDesk, clock: HandClock) -> None:
    answer = await ask(database, desk, clock, "ercot.user")
    assert isinstance(answer, Refused)
    assert answer.reason is AskRefusal.NOT_FOR_YOU


async def test_a_full_desk_says_that_it_is_busy(database: Database, bus: WireBus, clock: HandClock) -> None:
    desk = make_desk(database, bus, clock, most_waiting=1)
    await asked(database, desk, clock, 1)
    answer = await ask(database, desk, clock, "rep.admin", 2)
    assert isinstance(answer, Refused)
    assert answer.reason is AskRefusal.BUSY


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


def published(bus: WireBus) -> list[tuple[GatewayId, object]]:
    return [bus.published.get_nowait() for _ in range(bus.published.qsize())]


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


async def test_without_the_open_read_check_asks_overlap(database: Database, bus: WireBus, clock: HandClock) -> None:
    desk = make_desk(database, bus, clock, one_in_flight=False)
    assert {type(await ask(database, desk, clock)) for _ in range(3)} == {Asked}


async def test_without_the_outbox_a_request_is_forgotten_at_the_brokers_word(
    database: Database, bus: WireBus, clock: HandClock
) -> None:
    desk = make_desk(database, bus, clock, outbox_until_result=False)
    async with running(desk):
        await asked(database, desk, clock)
        await bus.request()
        async with asyncio.timeout(10):
            while await outbox_size(database):
                await clock.advance(0.1)


async def test_without_receipts_none_are_sent(
    database: Database, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    desk = make_desk(database, bus, clock, receipts=False)
    async with running(desk):
        await asked(database, desk, clock)
        await desk.handle([answers.done(await bus.request())])
        await turns()
    assert [m for _, m in published(bus) if isinstance(m, Receipt)] == []
    async with database.reading() as connection:
        assert await connection.scalar(select(gateway_marks.c.seq)) == 1


async def test_whoever_waits_hears_of_an_end_that_another_process_recorded_first(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    answer = await asked(database, desk, clock)
    waiting = asyncio.create_task(desk.wait(answer.id, 10))
    end = answers.done(await bus.request())
    await make_desk(database, bus, clock).handle([end])
    assert not waiting.done()
    await desk.handle([end])
    read = await waiting
    assert read is not None
    assert read.status is ReadStatus.DONE


async def test_an_end_that_only_another_process_heard_is_found_at_the_next_sweep(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    answer = await asked(database, desk, clock)
    waiting = asyncio.create_task(desk.wait(answer.id, 10))
    await make_desk(database, bus, clock).handle([answers.done(await bus.request())])
    async with asyncio.timeout(10):
        while len(desk._outbox):
            await clock.advance(1)
    read = await waiting
    assert read is not None
    assert read.status is ReadStatus.DONE
