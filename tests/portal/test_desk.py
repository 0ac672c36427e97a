"""The on-demand desk: one read for many, nothing lost on the way, everybody told."""

import asyncio
from datetime import timedelta

from sqlalchemy import func, select, update

from gateway.database import Database
from gateway.dice import SeededDice
from gateway.errors import FailureReason
from gateway.identifiers import MeterNumber, RequestId
from gateway.messages import ReadStage, Receipt, RequestRead
from portal.gateways.tables import gateway_marks
from portal.meters.tables import meters
from portal.reads.ask import Asked, AskRefusal, Joined, Refused
from portal.reads.desk import ReadDesk
from portal.reads.status import ReadStatus
from portal.reads.tables import read_askers, reads
from tests.clock import HandClock, turns
from tests.portal.asking import ask, asked, given_up, kept_incidents, make_desk, outbox_size, published
from tests.portal.conftest import running
from tests.portal.wire import Answers, WireBus, noted_sent
from tests.portal.world import GATEWAY, viewer, visible


async def test_an_ask_becomes_a_request_to_the_gateway_of_the_meter(
    database: Database, desk: ReadDesk, bus: WireBus, clock: HandClock
) -> None:
    answer = await asked(database, desk, clock)
    gateway, request = await asyncio.wait_for(bus.published.get(), 10)
    assert isinstance(request, RequestRead)
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
    assert len({answer.id for answer in answers if not isinstance(answer, Refused)}) == 1
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
