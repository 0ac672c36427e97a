"""The peers of the interval benchmarks: DuckDB, ClickHouse by chDB, and rows in PostgreSQL, each as its users would."""

import csv
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has no types
import duckdb
from chdb import session

NUMBERS = count(1)
COLUMNS = (
    "{'ESIID': 'VARCHAR', 'USAGE_DATE': 'DATE', 'REVISION_DATE': 'TIMESTAMP', 'USAGE_START_TIME': 'VARCHAR',"
    " 'USAGE_END_TIME': 'VARCHAR', 'USAGE_KWH': 'DOUBLE', 'ESTIMATED_ACTUAL': 'VARCHAR', 'CHANNEL': 'VARCHAR'}"
)


class Duck:
    """A DuckDB file of its own, with both cores."""

    REPORT = (
        "select chr(39) || meter, strftime(start, '%m/%d/%Y'), '', strftime(start, ' %H:%M'),"
        " strftime(start + interval 15 minute, ' %H:%M'), wh / 1000, if(estimated, 'E', 'A'), 'Consumption'"
        " from r where meter = {meter} order by start"
    )

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"duck-{next(NUMBERS)}.db"
        self.connection = duckdb.connect(str(self.path))

    def load_all(self, path: Path) -> None:
        """The file's columns as they are, typed, in one statement."""
        self.connection.execute(f"create table r as select * from {self._file(path)}")
        self._closed()

    def load(self, path: Path, *, keep: bool = False) -> None:
        """Meter, start, Wh and flag."""
        self.connection.execute("create table r (meter bigint, start timestamp, wh integer, estimated boolean)")
        self.connection.execute(
            "insert into r select cast(substr(ESIID, 2) as bigint), USAGE_DATE + cast(USAGE_START_TIME as time),"
            f" cast(USAGE_KWH * 1000 + 0.5 as integer), ESTIMATED_ACTUAL = 'E' from {self._file(path)}"
        )
        self.connection.execute("checkpoint")
        if not keep:
            self._closed()

    def _file(self, path: Path) -> str:
        return (
            f"read_csv('{path}', header = true, auto_detect = false, delim = ',', columns = {COLUMNS},"
            " dateformat = '%m/%d/%Y', timestampformat = '%m/%d/%Y %H:%M:%S')"
        )

    def _closed(self) -> None:
        self.connection.close()
        self.path.unlink()


class Click:
    """A ClickHouse of its own, in this process."""

    REPORT = (
        "select concat(char(39), toString(meter)), formatDateTime(start, '%m/%d/%Y', 'UTC'), '',"
        " formatDateTime(start, ' %H:%i', 'UTC'), formatDateTime(start + 900, ' %H:%i', 'UTC'), wh / 1000,"
        " if(estimated, 'E', 'A'), 'Consumption' from d.r where meter = {meter} order by start"
    )

    def __init__(self, folder: Path) -> None:
        opened: Any = session.Session  # it may have no types, or not be there
        self.session = opened(str(folder / f"click-{next(NUMBERS)}"))

    def load(self, path: Path, *, keep: bool = False) -> None:
        """Meter, start, Wh and flag into a MergeTree with the codecs that suit them; it trims what it reads."""
        self.session.query("create database if not exists d")
        self.session.query(
            "create table d.r (meter UInt64 codec(Delta, ZSTD), start DateTime codec(DoubleDelta, ZSTD),"
            " wh Int32 codec(ZSTD), estimated UInt8 codec(ZSTD)) engine = MergeTree order by (meter, start)"
        )
        self.session.query(
            "insert into d.r select toUInt64(substring(ESIID, 2)),"
            " parseDateTime(concat(USAGE_DATE, USAGE_START_TIME), '%m/%d/%Y%H:%i', 'UTC'),"
            " toInt32(round(USAGE_KWH * 1000)), ESTIMATED_ACTUAL = 'E'"
            f" from file('{path}', CSVWithNames, 'ESIID String, USAGE_DATE String, REVISION_DATE String,"
            " USAGE_START_TIME String, USAGE_END_TIME String, USAGE_KWH Float64, ESTIMATED_ACTUAL String,"
            " CONSUMPTION_SURPLUSGENERATION String') settings format_csv_allow_single_quotes = 0"
        )
        if not keep:
            self.session.query("drop table d.r")
            self.session.close()


async def postgres_rows(url: str, path: Path) -> None:
    """A row for each interval by COPY into a table with its primary key."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        "create table r (meter bigint, start timestamp, version int, wh int, estimated boolean,"
        " primary key (meter, start, version))"
    )
    await connection.copy_records_to_table("r", records=_records(path))
    await connection.close()


def _records(path: Path) -> Iterator[tuple[Any, ...]]:
    with path.open(encoding="ascii", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for esi_id, day, _, start, _, kwh, flag, _ in reader:
            at = datetime(int(day[6:]), int(day[:2]), int(day[3:5]), int(start[1:3]), int(start[4:]))  # noqa: DTZ001
            yield int(esi_id[1:]), at, 1, round(float(kwh or 0) * 1000), flag == "E"
