"""Notices as the rows of a CSV file: one header that names the columns, one row a notice (pure).

The columns are the notices' own fields: `kind`, `id`, `esi_id` and `effective_at` for all, then whatever a kind tells,
under the names that the API has. Columns may stand in any order and be left out; an empty field is not told.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, get_args, get_type_hints

from pydantic import ValidationError

from gateway.market_notices import MarketNotice, MeterFields, PremiseFields
from portal.market.openings import ONE

COMMON = ("kind", "id", "esi_id", "effective_at")
YES_NO = {"Y": True, "N": False}
_KINDS: tuple[type[Any], ...] = get_args(get_args(MarketNotice)[0])
_NESTED = {PremiseFields: "premise", MeterFields: "fields"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that is no notice: its line, the column if one is to blame, and what is wrong."""

    line: int
    column: str | None
    words: str

    def __str__(self) -> str:
        return f"line {self.line}{'' if self.column is None else f', {self.column}'}: {self.words}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row that is a notice."""

    line: int
    notice: MarketNotice


def _columns(kind: type[Any]) -> dict[str, str | None]:
    """The columns of one kind of notice, each with the group of fields that it belongs to."""
    found: dict[str, str | None] = {}
    for name, hint in get_type_hints(kind).items():
        if is_dataclass(hint):
            found |= {each.name: name for each in fields(hint)}
        else:
            found[name] = None
    return found


_COLUMNS = {str(kind.__dataclass_fields__["kind"].default): _columns(kind) for kind in _KINDS}
ALL = tuple(dict.fromkeys([*COMMON, *(name for columns in _COLUMNS.values() for name in columns)]))
"""Every column that a file may have."""
_HINTS: Mapping[str, Any] = get_type_hints(PremiseFields) | get_type_hints(MeterFields)
_WHOLE = {name for name, hint in _HINTS.items() if int in get_args(hint)}
_YES_NO = {name for name, hint in _HINTS.items() if bool in get_args(hint)}


def read(lines: Iterable[str]) -> Iterator[Row | BadRow]:
    """The rows of a file in their order; a header that is not right is the only thing said of the file."""
    reader = csv.reader(lines, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if words := _header_fault(header):
            yield BadRow(line=1, column=None, words=words)
            return
        while True:
            line = reader.line_num + 1
            values = next(reader, None)
            if values is None:
                return
            if any(values):
                yield _row(line, header, values)
    except csv.Error as error:
        yield BadRow(line=reader.line_num, column=None, words=f"this is no CSV: {error}")


def _header_fault(header: list[str]) -> str | None:
    if not any(header):
        return f"the file is empty; its first line names its columns, among them {', '.join(COMMON)}"
    for name in header:
        if name not in ALL:
            return f"{name[:40]!r} is no column of a notice"
        if header.count(name) > 1:
            return f"the column {name} is named twice"
    missing = [name for name in COMMON if name not in header]
    return f"the column {missing[0]} is missing" if missing else None


def _row(line: int, header: list[str], values: list[str]) -> Row | BadRow:
    if len(values) != len(header):
        words = f"the row has {len(values)} columns, not {len(header)}"
        return BadRow(line=line, column=None, words=words)
    told = {name: value.strip() for name, value in zip(header, values, strict=True) if value.strip()}
    columns = _COLUMNS.get(told.get("kind", ""))
    if columns is None:
        return BadRow(line=line, column="kind", words=f"{told.get('kind', '')[:40]!r} is no kind of notice")
    body: dict[str, Any] = {group: {} for group in columns.values() if group is not None}
    for name, text in told.items():
        if name not in columns:
            return BadRow(line=line, column=name, words=f"{told['kind']} does not tell this")
        value = _value(name, text)
        if value is None:
            return BadRow(line=line, column=name, words=f"{text[:40]!r} is not {_form(name)}")
        group = columns[name]
        (body if group is None else body[group])[name] = value
    try:
        notice = ONE.validate_json(json.dumps(body), strict=True)
    except ValidationError as error:
        return _bad(line, told, error)
    return Row(line=line, notice=notice)


def _value(name: str, text: str) -> Any:
    """A field's text as the JSON value that it means, None if it means none."""
    if name in _WHOLE:
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    if name in _YES_NO:
        return YES_NO.get(text)
    return text.split() if name == "cleared" else text


def _form(name: str) -> str:
    return "a whole number" if name in _WHOLE else "Y or N"


def _bad(line: int, told: Mapping[str, str], error: ValidationError) -> BadRow:
    """The first fault of a row, in its column's name if it has one."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    places = [place for place in fault["loc"][1:] if isinstance(place, str) and place in ALL]
    words = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "missing":
        words = "a value is missing"
    elif places and places[-1] in told:
        words = f"{told[places[-1]][:40]!r}: {words}"
    return BadRow(line=line, column=places[-1] if places else None, words=words)
