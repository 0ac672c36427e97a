"""The portal's one MetaData, the names of its constraints, and the column type of our words."""

from enum import StrEnum
from typing import Any

from sqlalchemy import Dialect, MetaData, String
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Word(TypeDecorator[Any]):
    """A column of one enumeration's words, kept as text and returned as its members."""

    impl = String
    cache_ok = True

    def __init__(self, kind: type[StrEnum], length: int = 20) -> None:
        super().__init__(length)
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """As plain text; a word of another enumeration is a programmer's error."""
        return None if value is None else str(self.kind(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """As the member that the text means."""
        return None if value is None else self.kind(value)


def insert_unless_there(dialect: str, table: Any, *key: str) -> Insert:
    """An insert that leaves a row of the same key as it is, in the dialect's own words."""
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing(index_elements=key)
    return postgresql.insert(table).on_conflict_do_nothing(index_elements=key)
