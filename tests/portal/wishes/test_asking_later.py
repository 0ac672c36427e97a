"""Batches enter in pieces and booked reads at their instant: once, with the rights of that moment, over restarts."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import or_, select, update

from gateway.database import Database
from gateway.dice import SeededDice
from gateway.identifiers import RequestId
from gateway.messages import RequestRead
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts
from portal.meters.tables import meters
from portal.orders.meter_list import By, MeterList
from portal.reads.desk import ReadDesk
from portal.reads.settings import DeskSettings
from portal.reads.tables import reads
from portal.wishes.asker import Asker, drop_old
from portal.wishes.placing import (
    WishRefusal,
    WishRefused,
    book,
    cancel_batch,
    cancel_booked,
    place_batch,
)
from portal.wishes.shown import Batch, Outcome, WishedRead, booked_reads, find_batch, find_booked, list_batches
from portal.wishes.states import NOT_FOUND, WishState
from portal.wishes.tables import read_batches, read_wishes
from tests.clock import HandClock
from tests.portal.asking import make_desk, published
from tests.portal.conftest import running
from tests.portal.wire import Answers, WireBus
from tests.portal.world import esi, viewer, visible

ONE_AT_A_TIME = DeskSettings(batch_open_reads=1)
MINUTE = timedelta(minutes=1)


class Office:
    """Places wishes and asks for them."""

    def __init__(self, database: Database, desk: ReadDesk, clock: HandClock) -> None:
        self.database, self.desk, self.clock = database, desk, clock
        self.dice = SeededDice(21)

    def asker(self, settings: DeskSettings | None = None, seed: int = 31) -> Asker:
        """A process's asker."""
        return Asker(self.database, self.desk, self.clock, SeededDice(seed), settings or DeskSettings())

    async def batch(
        self, values: Sequence[str], user: str = "rep.admin", by: By = By.ESI_ID, settings: DeskSettings | None = None
    ) -> RequestId | WishRefused:
        """Place a batch."""
        who, wanted = await viewer(self.database, user), MeterList(by=by, values=tuple(values))
        return await self.database.write(
            lambda connection: place_batch(
                connection, who, wanted, settings or DeskSettings(), self.dice, self.clock.now()
            )
        )

    async def placed(self, *numbers: int, user: str = "rep.admin") -> RequestId:
        """A batch of meters by their place in the world, which must be taken."""
        answer = await self.batch([esi(number) for number in numbers], user)
        assert isinstance(answer, RequestId), answer
        return answer

    async def look(self, batch_id: RequestId, user: str = "rep.admin") -> Batch:
        """A batch as its account sees it."""
        who = await viewer(self.database, user)
        async with self.database.reading() as connection:
            found = await find_batch(connection, who, batch_id, self.clock.now())
        assert found is not None
        return found

    async def outcomes(self, batch_id: RequestId) -> list[Outcome]:
        """What became of each read of a batch."""
        return [each.outcome for each in (await self.look(batch_id)).reads]

    async def book(self, at: datetime, number: int = 1, user: str = "rep.admin") -> RequestId | WishRefused:
        """Book a read."""
        who = await viewer(self.database, user)
        meter = await visible(self.database, who, number, self.clock.now())
        settings = DeskSettings(most_booked=3)
        return await self.database.write(
            lambda connection: book(connection, who, meter, at, settings, self.dice, self.clock.now())
        )

    async def booked(self, at: datetime, number: int = 1) -> RequestId:
        """The same, which must be taken."""
        answer = await self.book(at, number)
        assert isinstance(answer, RequestId), answer
        return answer

    async def see(self, wish_id: RequestId, number: int = 1) -> WishedRead:
        """A booking as its account sees it."""
        who = await viewer(self.database, "rep.admin")
        meter = await visible(self.database, who, number, self.clock.now())
        async with self.database.reading() as connection:
            found = await find_booked(connection, who, meter, wish_id)
        assert found is not None
        return found


@pytest.fixture
async def office(database: Database, desk: ReadDesk, clock: HandClock) -> Office:
    """The world with a running desk; askers are the test's."""
    return Office(database, desk, clock)


async def answer_all(desk: ReadDesk, bus: WireBus, answers: Answers, count: int) -> list[str]:
    """Let meters answer that many requests; the premises in the order in which they were asked."""
    asked = []
    for _ in range(count):
        request = await bus.request()
        await desk.handle([answers.done(request)])
        asked.append(str(request.esi_id))
    return asked


async def test_a_batch_names_each_meter_with_its_value_or_its_cause(
    office: Office, desk: ReadDesk, bus: WireBus, answers: Answers
) -> None:
    values = [esi(1), esi(3), esi(99), esi(2), esi(5)]
    batch_id = await office.batch(values)
    assert isinstance(batch_id, RequestId)
    before = await office.look(batch_id)
    assert [each.outcome for each in before.reads] == ["waiting", "refused", "refused", "waiting", "waiting"]
    assert before.reads[1].words == before.reads[2].words, "another's meter is as one that is not there"
    assert before.reads[1].reason == before.reads[2].reason == NOT_FOUND
    assert await office.asker().step() == 3
    assert await answer_all(desk, bus, answers, 2) == [esi(1), esi(2)], "in the order of the list"
    after = await office.look(batch_id)
    assert [each.outcome for each in after.reads] == ["done", "refused", "refused", "done", "refused"]
    assert after.reads[0].read is not None
    assert after.reads[0].read.value is not None
    assert after.reads[4].reason == "no_gateway"
    assert after.ended
    again = await office.placed(1)
    assert await office.asker(seed=32).step() == 1
    (refused,) = (await office.look(again)).reads
    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, "hour")
    assert refused.next_allowed_at is not None
    assert refused.next_allowed_at > office.clock.now()


async def test_no_more_reads_are_open_at_a_gateway_than_it_has_room_for(
    office: Office, desk: ReadDesk, bus: WireBus, answers: Answers
) -> None:
    batch_id, asker = await office.placed(1, 2), office.asker(ONE_AT_A_TIME)
    assert await asker.step() == 1
    assert await office.outcomes(batch_id) == ["reading", "waiting"]
    assert await asker.step() == 0
    await answer_all(desk, bus, answers, 1)
    assert await office.outcomes(batch_id) == ["done", "waiting"], "what has come is there while the rest waits"
    assert await asker.step() == 1
    await answer_all(desk, bus, answers, 1)
    assert (await office.look(batch_id)).ended
    assert (await office.look(batch_id)).counts.done == 2


async def test_batches_of_several_accounts_take_turns(office: Office, bus: WireBus) -> None:
    long, short = await office.placed(1, 2), await office.placed(3, 4, user="blue.admin")
    assert await office.asker(DeskSettings(batch_open_reads=2)).step() == 2
    assert await office.outcomes(long) == ["reading", "waiting"]
    assert [each.outcome for each in (await office.look(short, "blue.admin")).reads] == ["reading", "waiting"]


async def test_a_restart_goes_on_where_the_last_process_stopped(
    office: Office, desk: ReadDesk, bus: WireBus, answers: Answers
) -> None:
    batch_id = await office.placed(1, 2)
    assert await office.asker(ONE_AT_A_TIME).step() == 1
    await answer_all(desk, bus, answers, 1)
    assert await office.asker(ONE_AT_A_TIME, seed=77).step() == 1
    await answer_all(desk, bus, answers, 1)
    assert await office.outcomes(batch_id) == ["done", "done"]


async def test_of_two_processes_one_asks(office: Office) -> None:
    for ahead in range(1, 4):
        await office.booked(office.clock.now() + ahead * MINUTE, number=1 if ahead < 3 else 2)
    await office.clock.advance(200)
    askers = [office.asker(seed=seed) for seed in (1, 2, 3)]
    taken = await asyncio.gather(*(asker.step() for asker in askers))
    assert sum(taken) == 3
    async with office.database.reading() as connection:
        assert len((await connection.execute(select(reads.c.id))).all()) == 2, "the second of a meter joins the first"


async def test_rights_are_those_of_the_moment_at_which_it_is_asked_for(office: Office, bus: WireBus) -> None:
    batch_id = await office.placed(1, 2)
    wish_id = await office.booked(office.clock.now() + MINUTE)

    async def suspend(connection: object) -> None:
        who = accounts.c.user_key == "rep.admin"
        await connection.execute(update(accounts).where(who).values(status=AccountStatus.SUSPENDED))  # type: ignore[attr-defined]  # a connection

    async def restore(connection: object) -> None:
        who = accounts.c.user_key == "rep.admin"
        await connection.execute(update(accounts).where(who).values(status=AccountStatus.ACTIVE))  # type: ignore[attr-defined]  # a connection

    await office.clock.advance(61)
    await office.database.write(suspend)
    assert await office.asker().step() == 3
    await office.database.write(restore)
    assert [(each.outcome, each.reason) for each in (await office.look(batch_id)).reads] == [
        ("refused", "not_for_you"),
        ("refused", "not_for_you"),
    ]
    assert (await office.see(wish_id)).reason == "not_for_you"
    assert published(bus) == []


async def test_a_meter_that_was_lost_meanwhile_is_not_read_and_its_value_not_shown(
    office: Office, desk: ReadDesk, bus: WireBus, answers: Answers
) -> None:
    batch_id, asker = await office.placed(1, 2), office.asker(ONE_AT_A_TIME)
    assert await asker.step() == 1
    await answer_all(desk, bus, answers, 1)

    async def remove(connection: object) -> None:
        gone = update(meters).where(meters.c.esi_id.in_([esi(1), esi(2)]))
        await connection.execute(gone.values(provisioned_at=None))  # type: ignore[attr-defined]  # a connection

    await office.database.write(remove)
    assert await asker.step() == 1
    assert not [message for _, message in published(bus) if isinstance(message, RequestRead)]
    one, two = (await office.look(batch_id)).reads
    assert (one.read, one.esi_id, one.reason) == (None, None, NOT_FOUND)
    assert (two.outcome, two.reason) == (Outcome.REFUSED, NOT_FOUND)


async def test_what_of_a_batch_waits_can_be_taken_back(office: Office, bus: WireBus) -> None:
    batch_id, asker = await office.placed(1, 2), office.asker(ONE_AT_A_TIME)
    await asker.step()
    who, other = [await viewer(office.database, user) for user in ("rep.admin", "rep.user")]

    async def cancel(connection: object) -> tuple[int | None, int | None, int | None]:
        now = office.clock.now()
        theirs = await cancel_batch(connection, other, batch_id, now)  # type: ignore[arg-type]  # a connection
        first = await cancel_batch(connection, who, batch_id, now)  # type: ignore[arg-type]  # a connection
        return theirs, first, await cancel_batch(connection, who, batch_id, now)  # type: ignore[arg-type]  # a connection

    assert await office.database.write(cancel) == (None, 1, 0)
    assert await office.outcomes(batch_id) == ["reading", "cancelled"]
    assert await asker.step() == 0


async def test_a_batch_has_limits_and_is_for_those_who_may_read(office: Office) -> None:
    async def refusal(user: str, *numbers: int, by: By = By.ESI_ID, values: Sequence[str] = ()) -> WishRefusal | None:
        answer = await office.batch(values or [esi(each) for each in numbers], user, by, DeskSettings(batches=2))
        return answer.reason if isinstance(answer, WishRefused) else None

    assert await refusal("ercot.user", 1) is WishRefusal.NOT_FOR_YOU
    assert await refusal("rep.admin", 3, 99) is WishRefusal.NO_METERS
    assert await refusal("rep.admin", by=By.METER_NUMBER, values=["M00001"]) is None
    assert await refusal("rep.admin", 2) is None
    assert await refusal("rep.admin", 2) is WishRefusal.TOO_MANY
    assert await refusal("wires.admin", 2) is None
    async with office.database.reading() as connection:
        listed = await list_batches(connection, await viewer(office.database, "rep.admin"))
    assert [(each.count, each.counts.waiting, each.ended) for each in listed] == [(1, 1, False)] * 2


async def test_a_booked_read_is_asked_for_at_its_instant_before_batches(
    office: Office, desk: ReadDesk, bus: WireBus, answers: Answers
) -> None:
    at = office.clock.now() + 3 * MINUTE
    wish_id = await office.booked(at, number=2)
    await office.placed(1, user="rep.user")
    asker = office.asker(ONE_AT_A_TIME)
    assert await asker.step() == 1
    await office.clock.advance(179.9)
    assert await asker.step() == 0
    assert (await office.see(wish_id, 2)).outcome is Outcome.WAITING
    await office.clock.advance(0.1)
    assert await asker.step() == 1, "though the gateway has no room for more of a batch"
    seen = await office.see(wish_id, 2)
    assert seen.outcome is Outcome.READING
    assert seen.read is not None
    assert seen.read.asked_at == at


async def test_a_running_asker_asks_at_the_instant_by_itself(office: Office, bus: WireBus) -> None:
    asker = office.asker()
    task = asyncio.create_task(asker.run())
    at = office.clock.now() + MINUTE
    wish_id = await office.booked(at)
    asker.wake()
    for _ in range(650):
        await office.clock.advance(0.1)
        if (await office.see(wish_id)).read is not None:
            break
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    read = (await office.see(wish_id)).read
    assert read is not None
    assert at <= read.asked_at <= at + timedelta(seconds=2), "the clock goes on while a database answers"


async def test_a_booked_read_that_nobody_could_ask_for_in_time_is_missed(office: Office, bus: WireBus) -> None:
    wish_id = await office.booked(office.clock.now() + MINUTE)
    await office.clock.advance(60 + 301)
    assert await office.asker().step() == 1
    seen = await office.see(wish_id)
    assert (seen.outcome, seen.read) == (Outcome.MISSED, None)
    assert "not running" in (seen.words or "")
    assert published(bus) == []


async def test_bookings_are_bounded_taken_back_and_not_made_twice(office: Office) -> None:
    now = office.clock.now()
    for at in (now - MINUTE, now, now + timedelta(days=7, seconds=1)):
        answer = await office.book(at)
        assert isinstance(answer, WishRefused)
        assert answer.reason is WishRefusal.INSTANT
    assert isinstance(refused := await office.book(now + MINUTE, user="ercot.user"), WishRefused)
    assert refused.reason is WishRefusal.NOT_FOR_YOU
    first = await office.booked(now + MINUTE)
    assert await office.booked(now + MINUTE) == first
    for ahead in (2, 3):
        await office.booked(now + ahead * MINUTE)
    assert isinstance(many := await office.book(now + 4 * MINUTE), WishRefused)
    assert many.reason is WishRefusal.TOO_MANY
    who, other = [await viewer(office.database, user) for user in ("rep.admin", "rep.user")]

    async def cancel(connection: object) -> list[bool | None]:
        asked = ((other, first), (who, first), (who, first))
        return [await cancel_booked(connection, each, esi(1), wish, now) for each, wish in asked]  # type: ignore[arg-type]  # a connection

    assert await office.database.write(cancel) == [None, True, False]
    meter = await visible(office.database, who, 1, now)
    listed = [each.outcome for each in await booked_reads(office.database, who, meter)]
    assert listed == ["waiting", "waiting", "cancelled"]
    assert await booked_reads(office.database, other, meter) == []


async def test_a_busy_desk_is_asked_for_nothing(database: Database, bus: WireBus, clock: HandClock) -> None:
    desk = make_desk(database, bus, clock, most_waiting=1)
    async with running(desk):
        office = Office(database, desk, clock)
        await office.placed(1, 2)
        asker = office.asker(ONE_AT_A_TIME)
        assert await asker.step() == 1
        assert desk.is_busy
        assert await asker.step() == 0


async def test_what_is_over_for_a_month_is_removed_and_what_waits_is_not(office: Office) -> None:
    old, waits = await office.placed(1), await office.placed(2)
    booked = await office.book(office.clock.now() + MINUTE)
    await office.database.write(
        lambda connection: connection.execute(
            update(read_wishes)
            .where(or_(read_wishes.c.batch_id == old, read_wishes.c.id == booked))
            .values(state=WishState.CANCELLED, decided_at=office.clock.now())
        )
    )
    later = office.clock.now() + MINUTE
    await office.database.write(partial(drop_old, before=later))
    async with office.database.reading() as connection:
        assert list(await connection.scalars(select(read_batches.c.id))) == [waits]
        assert list(await connection.scalars(select(read_wishes.c.batch_id))) == [waits]
