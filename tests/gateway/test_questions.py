"""Questions give what the engine would give, on both databases, and see what was committed before them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import JSON, Boolean, Column, Integer, MetaData, String, Table, and_, bindparam, insert, or_, select

from gateway.database import Database, IdentifierType, Instant
from gateway.identifiers import MeterNumber
from gateway.questions import Question

NOON = datetime(2026, 7, 1, 17, 30, 0, 250_000, tzinfo=UTC)
metadata = MetaData()
rows = Table(
    "rows",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("meter", IdentifierType(MeterNumber, 20)),
    Column("at", Instant),
    Column("good", Boolean),
    Column("words", String(20)),
    Column("listed", JSON(none_as_null=True)),
)
FIND = Question(
    select(rows.c.id, rows.c.meter, rows.c.at, rows.c.good, (rows.c.words + "!").label("said"), rows.c.listed)
    .where(
        rows.c.at <= bindparam("until"),
        or_(rows.c.meter == bindparam("meter"), and_(rows.c.words == "fixed", rows.c.at <= bindparam("until"))),
    )
    .order_by(rows.c.id)
)


@pytest.fixture
async def filled(database_url: str):  # type: ignore[no-untyped-def]  # a fixture's generator
    """A table of three rows."""
    database = Database.open(database_url)
    values = [
        {"id": 1, "meter": MeterNumber("M1"), "at": NOON, "good": True, "words": "one", "listed": ["a", 1]},
        {"id": 2, "meter": MeterNumber("M2"), "at": NOON, "good": False, "words": "fixed", "listed": None},
        {"id": 3, "meter": None, "at": NOON + timedelta(days=1), "good": None, "words": "fixed", "listed": None},
    ]

    async def job(connection):  # type: ignore[no-untyped-def]  # a job
        await connection.run_sync(metadata.create_all)
        await connection.execute(insert(rows), values)

    await database.write(job)
    yield database
    await database.close()


async def test_a_question_gives_what_the_engine_gives(filled: Database) -> None:
    found = await filled.ask(FIND, until=NOON, meter=MeterNumber("M1"))
    assert found == [(1, "M1", NOON, True, "one!", ["a", 1]), (2, "M2", NOON, False, "fixed!", None)]
    assert isinstance(found[0].meter, MeterNumber)
    assert found[0].at.tzinfo is UTC
    assert found[1].good is False
    async with filled.reading() as connection:
        plain = select(rows.c.id, rows.c.meter, rows.c.at, rows.c.good).where(rows.c.at <= NOON).order_by(rows.c.id)
        assert [tuple(row) for row in await connection.execute(plain)] == [row[:4] for row in found]


async def test_a_question_sees_what_was_committed_before_it(filled: Database) -> None:
    asked = {"until": NOON + timedelta(days=2), "meter": MeterNumber("none")}
    before = await filled.ask(FIND, **asked)
    await filled.write(lambda connection: connection.execute(rows.delete().where(rows.c.id == 2)))
    assert [row.id for row in before] == [2, 3]
    assert [row.id for row in await filled.ask(FIND, **asked)] == [3]


async def test_a_value_that_is_not_given_is_an_error(filled: Database) -> None:
    with pytest.raises(KeyError, match="meter"):
        await filled.ask(FIND, until=NOON)


async def test_a_list_of_values_is_no_question(filled: Database) -> None:
    with pytest.raises(AssertionError, match="a list of values"):
        await filled.ask(Question(select(rows.c.id).where(rows.c.id.in_([1, 2]))))
