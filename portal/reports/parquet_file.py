"""Rows of a table as Parquet: instants in UTC, integer Wh with nulls, written a row group at a time."""

from collections.abc import Iterable, Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from portal.reports.columns import Column, Kind, Row

ROWS_IN_GROUP = 65_536
_TYPES: dict[Kind, Any] = {
    Kind.ESI_ID: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.DATE: pa.date32(),
    Kind.LOCAL: pa.timestamp("us", tz="UTC"),
    Kind.UTC: pa.timestamp("us", tz="UTC"),
    Kind.THOUSANDTHS: pa.int64(),
    Kind.COUNT: pa.int32(),
    Kind.ESTIMATED: pa.bool_(),
}


class ParquetFile:
    """A file of the columns that programs have a name for; a group of rows is held until it is full."""

    def __init__(self, target: IO[bytes], columns: Sequence[Column], rows_in_group: int = ROWS_IN_GROUP) -> None:
        shown = [(place, column) for place, column in enumerate(columns) if column.field]
        self._places = [place for place, _ in shown]
        self._schema = pa.schema([(column.field, _TYPES[column.kind]) for _, column in shown])
        self._writer = pq.ParquetWriter(target, self._schema, compression="zstd")
        self._rows_in_group = rows_in_group
        self._held: list[Row] = []

    def add(self, rows: Iterable[Row]) -> None:
        """Write rows behind those that are there."""
        self._held.extend(rows)
        while len(self._held) >= self._rows_in_group:
            self._write(self._held[: self._rows_in_group])
            self._held = self._held[self._rows_in_group :]

    def close(self) -> None:
        """Finish the file; nothing may be added after it."""
        if self._held:
            self._write(self._held)
            self._held = []
        self._writer.close()

    def _write(self, rows: Sequence[Row]) -> None:
        columns = list(zip(*rows, strict=True))
        arrays = [
            pa.array([None if each is None else _plain(each) for each in columns[place]], type=field.type)
            for place, field in zip(self._places, self._schema, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))


def _plain(value: object) -> object:
    """An identifier as the text that it is, which is all that Arrow knows."""
    return str.__str__(value) if isinstance(value, str) else value
