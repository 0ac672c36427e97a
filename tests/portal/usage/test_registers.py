"""Register reads of TDSPs: what their files hold, what is refused, and what is kept, in versions."""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, date, datetime

import pytest

from gateway.database import Database
from portal.usage.bad_file import BadFile
from portal.usage.esi_ids import KnownMeters
from portal.usage.register_files import (
    DAILY,
    DAILY_SIGN,
    MONTHLY,
    MONTHLY_SIGN,
    DailyRead,
    MonthlyUsage,
    parse_daily,
    parse_monthly,
)
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import Loaded, SourceFile
from tests.portal.usage.files import METER, OTHER, TODAY, meter_day

KNOWN = KnownMeters([METER, OTHER])
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALL_TIME = (date(2010, 1, 1), date(2030, 1, 1))
DAY = f"'{METER},05/06/2026,05/07/2026 07:40:29,1200.5,1230.75,30.25"
MONTH = f"{METER},04/07/2026,05/06/2026,,905.125,4.2,,4.25,5"


def file_of(columns: Iterable[str], *rows: str) -> list[bytes]:
    """A whole file in one piece."""
    return ["\n".join([",".join(columns), *rows, ""]).encode()]


def daily(*rows: str) -> list[DailyRead]:
    """What a file of daily reads holds."""
    return list(parse_daily(file_of(DAILY, *rows), KNOWN, TODAY))


def monthly(*rows: str) -> list[MonthlyUsage]:
    """What a file of billing periods holds."""
    return list(parse_monthly(file_of(MONTHLY, *rows), KNOWN, TODAY))


def test_a_daily_read_is_exact_watt_hours() -> None:
    (read,) = daily(DAY)
    assert read == DailyRead(
        esi_id=METER,
        read_date=date(2026, 5, 6),
        revised_at=datetime(2026, 5, 7, 12, 40, 29, tzinfo=UTC),
        start_wh=1_200_500,
        end_wh=1_230_750,
        usage_wh=30_250,
    )


def test_a_month_has_energy_in_wh_and_demand_in_w_and_va_and_what_is_empty_is_missing() -> None:
    (month,) = monthly(MONTH)
    assert month == MonthlyUsage(
        esi_id=METER,
        start_date=date(2026, 4, 7),
        end_date=date(2026, 5, 6),
        revised_at=None,
        actual_wh=905_125,
        metered_w=4_200,
        billed_w=None,
        metered_va=4_250,
        billed_va=5_000,
    )
    assert daily(f"{METER},05/06/2026,,,,")[0].start_wh is None


def test_a_header_is_known_by_its_beginning() -> None:
    assert ",".join(DAILY).encode().startswith(DAILY_SIGN)
    assert ",".join(MONTHLY).encode().startswith(MONTHLY_SIGN)


@pytest.mark.parametrize(
    ("rows", "line", "column", "words"),
    [
        ([DAY, DAY], 3, "READ_DATE", "stand in two places"),
        ([DAY + ","], 2, "", "has 7 columns, not 6"),
        ([""], 2, "", "is empty"),
        ([DAY.replace(METER, "1.04437E+16")], 2, "ESIID", "spreadsheet"),
        ([DAY.replace("05/06", "13/06")], 2, "READ_DATE", "not a date"),
        ([DAY.replace("05/06/2026", "05/06/2027")], 2, "READ_DATE", "future"),
        ([DAY.replace("05/06/2026", "05/06/2009")], 2, "READ_DATE", "older"),
        ([DAY.replace("07:40:29", "07:40")], 2, "REVISION_DATE", "not a time"),
        ([DAY.replace("05/07/2026", "05/07/2027")], 2, "REVISION_DATE", "future"),
        ([DAY.replace("30.25", "-1")], 2, "USAGE_KWH", "'-1' is not a number such as 0.859"),
        ([DAY.replace("30.25", "1.2345")], 2, "USAGE_KWH", "three decimals"),
    ],
)
def test_a_refusal_names_line_column_and_cause(rows: list[str], line: int, column: str, words: str) -> None:
    with pytest.raises(BadFile) as refusal:
        daily(*rows)
    assert (refusal.value.line, refusal.value.column) == (line, column)
    assert words in refusal.value.cause


def test_a_period_that_ends_before_it_begins_and_wrong_beginnings_are_refused() -> None:
    with pytest.raises(BadFile, match="line 2, END_DATE: 04/06/2026 lies before the start"):
        monthly(MONTH.replace("05/06", "04/06"))
    with pytest.raises(BadFile, match="line 1: the first line is not the header"):
        list(parse_monthly(file_of(DAILY), KNOWN, TODAY))
    with pytest.raises(BadFile, match="line 1: the file is empty"):
        list(parse_daily([], KNOWN, TODAY))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database.open(database_url)
    await SqlIntervalStore.opened(database)
    yield database
    await database.close()


async def load(store: RegisterStore, name: str, *rows: str) -> Loaded:
    """Load a file of daily reads; its name serves as its digest."""
    source = SourceFile(name=name, sha256=name, received_at=NOW)
    return await store.load(source, DailyRead, lambda: iter(daily(*rows)))


async def test_reads_are_kept_in_versions_and_the_same_bytes_change_nothing(database: Database) -> None:
    store = RegisterStore(database)
    other = DAY.replace(METER, OTHER)
    first = await load(store, "one", DAY, other)
    assert (first.new, first.revised, first.identical) == (2, 0, 0)
    second = await load(store, "two", DAY.replace("30.25", "30.5"), other)
    assert (second.new, second.revised, second.identical) == (0, 1, 1)
    assert await load(store, "two", DAY) == Loaded(version=second.version, already=True)
    versions = await store.versions(DailyRead, METER, *ALL_TIME)
    assert [(each.version, each.data.usage_wh) for each in versions] == [
        (first.version, 30_250),
        (second.version, 30_500),
    ]
    (current,) = await store.current(DailyRead, METER, *ALL_TIME)
    assert current.data == daily(DAY.replace("30.25", "30.5"))[0]
    assert current.received_at == NOW
    assert await store.current(DailyRead, METER, date(2026, 5, 7), date(2026, 5, 8)) == []


async def test_a_refused_file_leaves_nothing_and_months_stand_beside_intervals(database: Database) -> None:
    store = RegisterStore(database)

    def broken() -> Iterator[DailyRead]:
        yield from daily(DAY)
        raise BadFile(3, "", "no more")

    source = SourceFile(name="one", sha256="one", received_at=NOW)
    with pytest.raises(BadFile):
        await store.load(source, DailyRead, broken)
    assert await store.versions(DailyRead, METER, *ALL_TIME) == []
    assert (await store.load(source, MonthlyUsage, lambda: iter(monthly(MONTH)))).new == 1
    assert [each.data for each in await store.current(MonthlyUsage, METER, *ALL_TIME)] == monthly(MONTH)
    intervals = SqlIntervalStore(database)
    two = SourceFile(name="two", sha256="two", received_at=NOW)
    assert (await intervals.load(two, lambda: iter([meter_day()]))).new == 1
