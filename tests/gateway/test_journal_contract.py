"""What every journal does: on a database, SQLite or PostgreSQL, and in memory."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from gateway.database import Database
from gateway.errors import FailureReason
from gateway.han.admission import Standing
from gateway.han.notices import Answer, Heard, Text
from gateway.han.states import Event
from gateway.han.words import Cause, Stage
from gateway.journal import MemoryJournal, SqlJournal
from gateway.journal.commands import Answered, Ending
from gateway.journal.devices import Change, DeviceBook
from gateway.journal.tables import metadata
from gateway.messages import Mark, OutcomeStatus, RequestRead
from gateway.ports import Claimed, Ended, Finished, Journal, Running
from gateway.read_policy import ReadLimits
from gateway.reads import Age, Freshness
from tests.gateway.fakes import METER, OTHER, register_read, request
from tests.gateway.homes import DEVICE, SECOND, join, tell

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
LIMITS = ReadLimits()
KNOWN = {METER, OTHER}
AGE = Age(freshness=Freshness.FRESH, at_most_s=0)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def journal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Journal]:
    if request.param == "memory":
        yield MemoryJournal("journal-1")
    elif request.param == "sqlite":
        database = Database.open(f"sqlite:///{tmp_path_factory.mktemp('journal')}/journal.db")
        yield await SqlJournal.opened(database, "journal-1")
        await database.close()
    else:
        with request.getfixturevalue("postgres").fresh_database() as url:
            database = Database.open(url)
            yield await SqlJournal.opened(database, "journal-1")
            await database.close()


def done(asked: RequestRead, at: datetime) -> Finished:
    return Finished(
        id=asked.id, status=OutcomeStatus.DONE, reason=None, detail="", on_air_at=at, ended_at=at,
        read=register_read(asked.meter, at, at), age=AGE,
    )  # fmt: skip


def failed(asked: RequestRead, at: datetime) -> Finished:
    return Finished(
        id=asked.id, status=OutcomeStatus.FAILED, reason=FailureReason.TIMEOUT, detail="silent", on_air_at=at,
        ended_at=at, read=None, age=None,
    )  # fmt: skip


async def claim(journal: Journal, asked: RequestRead, at: datetime) -> Claimed | Ended | Running:
    [answer] = await journal.claim([asked], at, LIMITS, KNOWN)
    return answer


async def test_a_success_takes_the_hour_from_its_acceptance(journal: Journal) -> None:
    first = request(1, NOW)
    assert await claim(journal, first, NOW) == Claimed(request=first, accepted_at=NOW)
    later = NOW + timedelta(seconds=30)
    [outcome] = await journal.end([done(first, later)], LIMITS)
    assert outcome.next_allowed_at == NOW + timedelta(hours=1)
    assert outcome.used_today == 1
    assert outcome.mark == Mark(journal="journal-1", seq=1)
    just_before = NOW + timedelta(seconds=3599)
    refused = await claim(journal, request(2, just_before), just_before)
    assert isinstance(refused, Ended)
    assert refused.outcome.reason is FailureReason.LIMIT
    assert refused.outcome.next_allowed_at == NOW + timedelta(hours=1)
    granted = await claim(journal, request(3, NOW + timedelta(hours=1)), NOW + timedelta(hours=1))
    assert isinstance(granted, Claimed)


async def test_a_failure_gives_the_slot_back(journal: Journal) -> None:
    first = request(1, NOW)
    await claim(journal, first, NOW)
    [outcome] = await journal.end([failed(first, NOW)], LIMITS)
    assert outcome.used_today == 0
    assert outcome.next_allowed_at == NOW
    assert isinstance(await claim(journal, request(2, NOW), NOW), Claimed)


async def test_a_meter_has_one_claim_in_flight(journal: Journal) -> None:
    await claim(journal, request(1, NOW), NOW)
    refused = await claim(journal, request(2, NOW), NOW)
    assert isinstance(refused, Ended)
    assert refused.outcome.reason is FailureReason.IN_FLIGHT
    assert isinstance(await claim(journal, request(3, NOW, OTHER), NOW), Claimed)


async def test_two_requests_of_one_batch_for_one_meter_get_one_claim(journal: Journal) -> None:
    answers = await journal.claim([request(1, NOW), request(2, NOW)], NOW, LIMITS, KNOWN)
    assert [type(answer) for answer in answers] == [Claimed, Ended]


async def test_a_repeated_id_is_recognised_while_running_and_after(journal: Journal) -> None:
    first = request(1, NOW)
    await claim(journal, first, NOW)
    assert await claim(journal, first, NOW) == Running(request=first)
    [outcome] = await journal.end([done(first, NOW)], LIMITS)
    assert await claim(journal, first, NOW + timedelta(hours=5)) == Ended(outcome=outcome)
    assert await journal.end([failed(first, NOW)], LIMITS) == [outcome]


async def test_a_meter_of_another_gateway_is_refused_in_words(journal: Journal) -> None:
    [answer] = await journal.claim([request(1, NOW)], NOW, LIMITS, {OTHER})
    assert isinstance(answer, Ended)
    assert answer.outcome.reason is FailureReason.UNKNOWN_METER
    assert "not assigned" in answer.outcome.detail
    assert answer.outcome.next_allowed_at is None


async def test_a_request_that_arrives_after_its_deadline_never_reaches_the_meter(journal: Journal) -> None:
    answer = await claim(journal, request(1, NOW, deadline_s=10), NOW + timedelta(seconds=10))
    assert isinstance(answer, Ended)
    assert answer.outcome.reason is FailureReason.EXPIRED


async def test_open_claims_become_interrupted_and_cost_nothing(journal: Journal) -> None:
    await journal.claim([request(1, NOW), request(2, NOW, OTHER)], NOW, LIMITS, KNOWN)
    outcomes = await journal.interrupt(NOW + timedelta(seconds=5), LIMITS)
    assert {outcome.reason for outcome in outcomes} == {FailureReason.INTERRUPTED}
    assert sorted(outcome.mark.seq for outcome in outcomes) == [1, 2]
    assert isinstance(await claim(journal, request(3, NOW), NOW), Claimed)
    assert await journal.interrupt(NOW, LIMITS) != []


async def test_outcomes_wait_in_order_until_a_receipt_covers_them(journal: Journal) -> None:
    for number in range(1, 6):
        asked = request(number, NOW)
        await claim(journal, asked, NOW)
        await journal.end([failed(asked, NOW)], LIMITS)
    assert [outcome.mark.seq for outcome in await journal.unreceipted(3)] == [1, 2, 3]
    await journal.receipt(Mark(journal="journal-1", seq=4))
    await journal.receipt(Mark(journal="journal-1", seq=2))
    await journal.receipt(Mark(journal="another", seq=5))
    await journal.receipt(Mark(journal="journal-1", seq=99))
    assert [outcome.mark.seq for outcome in await journal.unreceipted(9)] == [5]


async def test_pruning_keeps_what_is_recent_open_or_not_receipted(journal: Journal) -> None:
    for number, at in ((1, NOW), (2, NOW), (3, NOW + timedelta(days=3))):
        asked = request(number, at)
        await claim(journal, asked, at)
        await journal.end([failed(asked, at)], LIMITS)
    await claim(journal, request(4, NOW), NOW)
    await journal.receipt(Mark(journal="journal-1", seq=1))
    assert await journal.prune(NOW + timedelta(days=2)) == 1
    await journal.receipt(Mark(journal="journal-1", seq=3))
    assert await journal.prune(NOW + timedelta(days=2)) == 1
    assert isinstance(await claim(journal, request(4, NOW), NOW), Running)


async def test_the_outcome_told_again_equals_the_one_told_first(journal: Journal) -> None:
    first = request(1, NOW)
    await claim(journal, first, NOW)
    [outcome] = await journal.end([done(first, NOW)], LIMITS)
    assert await journal.unreceipted(1) == [outcome]


async def test_what_is_receipted_is_told_and_never_goes_back(journal: Journal) -> None:
    assert await journal.receipted() is None
    for number in (1, 2):
        await claim(journal, request(number, NOW), NOW)
        await journal.end([failed(request(number, NOW), NOW)], LIMITS)
    await journal.receipt(Mark(journal="journal-1", seq=2))
    assert await journal.receipted() == Mark(journal="journal-1", seq=2)
    for other in (Mark(journal="journal-1", seq=1), Mark(journal="journal-2", seq=9), Mark(journal="journal-1", seq=3)):
        await journal.receipt(other)
        assert await journal.receipted() == Mark(journal="journal-1", seq=2)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database.open(database_url)
    yield database
    await database.close()


async def test_reports_of_every_kind_share_one_sequence(database: Database) -> None:
    journal, devices = await SqlJournal.opened(database, "journal-1"), DeviceBook(database)
    await claim(journal, request(1, NOW), NOW)
    changed = await devices.change([Change(device=DEVICE, event=Event.JOIN_ASKED, meter=METER)], NOW)
    ended = await journal.end([failed(request(1, NOW), NOW)], LIMITS)
    command = tell(2, NOW, Text(event=1, text="Hi"))
    outcome = await devices.end(command, Ending.failed(Cause.UNREACHABLE, "no answer"), NOW)
    heard = await devices.heard(Heard(device=DEVICE, answer=Answer.STARTED, event=1, at=NOW), NOW)
    told = [*changed, *ended, *outcome, *heard]
    assert [report.mark for report in told] == [Mark(journal="journal-1", seq=seq) for seq in range(1, 5)]
    assert await journal.unreceipted(9) == told
    assert await journal.unreceipted(2) == told[:2]
    await journal.receipt(told[2].mark)
    assert await journal.unreceipted(9) == told[3:]
    assert await journal.prune(NOW + timedelta(days=2)) == len(told[:3]) + len([command])
    assert await journal.unreceipted(9) == told[3:]


async def test_numbers_are_taken_once_however_many_write_at_once(database: Database) -> None:
    journal, devices = await SqlJournal.opened(database, "journal-1"), DeviceBook(database)
    heard = Heard(device=DEVICE, answer=Answer.OPTED_IN, event=1, at=NOW)
    told = await asyncio.gather(
        *(devices.heard(heard, NOW) for _ in range(40)),
        *(journal.claim([request(n, NOW)], NOW, LIMITS, ()) for n in range(40)),
    )
    assert len(told) == 80
    assert [report.mark.seq for report in await journal.unreceipted(100)] == list(range(1, 81))


async def test_a_refused_command_is_recorded_once_and_answered_again(database: Database) -> None:
    await SqlJournal.opened(database, "journal-1")
    devices, command = DeviceBook(database), join(1, NOW)
    here = Standing(assigned=True, has_home=True)
    first, _ = await devices.claim(command, NOW, here, lambda standing: (Cause.DEVICE_LIMIT, "full"))
    again, _ = await devices.claim(command, NOW, here, lambda standing: None)
    assert isinstance(first, Answered)
    assert again == first
    assert first.outcome.cause is Cause.DEVICE_LIMIT
    assert await devices.stage(DEVICE) is None


async def test_what_is_decided_upon_is_what_the_journal_holds(database: Database) -> None:
    await SqlJournal.opened(database, "journal-1")
    devices, seen = DeviceBook(database), list[Standing]()

    def decide(standing: Standing) -> None:
        seen.append(standing)

    here = Standing(assigned=True, has_home=True)
    for command in (join(1, NOW), join(2, NOW, SECOND), join(3, NOW), tell(4, NOW, Text(event=1, text="Hi"), None)):
        await devices.claim(command, NOW, here, decide)
    new = Standing(assigned=True, has_home=True)
    assert seen == [
        new,
        replace(new, present=1, running=1),
        replace(new, at=METER, stage=Stage.REQUESTED, joining=True, busy=True, present=2, running=2),
        replace(new, present=2, running=3),
    ]


async def test_the_migrated_schema_is_the_one_that_the_tables_describe(database: Database) -> None:
    await SqlJournal.opened(database, "journal-1")

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found: list[object] = compare_metadata(context, metadata)
        return found

    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []
