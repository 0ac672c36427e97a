"""What somebody searches meters for: up to 100 identifiers of one kind, or one pattern (pure; guide 3.1.1, 8.1.1)."""

from dataclasses import dataclass

from gateway.errors import BadIdentifier
from gateway.identifiers import EsiId, MeterNumber
from portal.pages.meter_list import Column
from portal.wildcards import wildcard_fault

MOST_VALUES = 100
LONGEST = MOST_VALUES * 30
_KINDS: dict[Column, type[EsiId] | type[MeterNumber]] = {Column.ESI_ID: EsiId, Column.NUMBER: MeterNumber}


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Values of one kind, in the order in which they were given and each once, or a pattern with its asterisk."""

    by: Column
    values: tuple[str, ...] = ()
    pattern: str = ""


def search_of(by: Column, text: str) -> Search:
    """Read a search box. Raises BadIdentifier with words that say what to do (MTR-07 to MTR-09)."""
    values = [value.strip() for value in text.split(",")]
    if not any(values):
        raise BadIdentifier("Enter an ESI ID or a meter number.")
    if any("*" in value for value in values):
        return Search(by=by, pattern=_pattern(values))
    if len(values) > MOST_VALUES:
        raise BadIdentifier(
            f"Search takes at most {MOST_VALUES} values, and these are {len(values)}. For more, import a file of them."
        )
    return Search(
        by=by,
        values=tuple(dict.fromkeys(_checked(by, value, place, len(values)) for place, value in enumerate(values, 1))),
    )


def _pattern(values: list[str]) -> str:
    if len(values) > 1:
        raise BadIdentifier("A value with an asterisk stands alone: take the others away.")
    fault = wildcard_fault(values[0])
    if fault is not None:
        raise BadIdentifier(fault)
    return values[0]


def _checked(by: Column, value: str, place: int, count: int) -> str:
    kind = _KINDS[by]
    try:
        return kind(value)
    except BadIdentifier:
        what = f"Value {place}, {value[:40]!r}, is not" if count > 1 else "This is not"
        raise BadIdentifier(f"{what} {kind.form}.") from None
