"""Searching by the beginning, the end, or both: one asterisk and at least two characters (pure; REG-26, ADM-15)."""

from typing import Any

from sqlalchemy import ColumnElement, func

LEAST = 2
MOST = 254
_ESCAPE = "\\"
RULE = "Enter at least two characters beside one asterisk (*), at the start, in the middle or at the end."


def wildcard_fault(text: str) -> str | None:
    """What is wrong with a search text, in words; None if nothing is. Without an asterisk the whole value is meant."""
    if not text.isprintable() or len(text) > MOST:
        return f"Enter one line of at most {MOST} characters."
    if "*" in text and (text.count("*") > 1 or len(text.replace("*", "").strip()) < LEAST):
        return RULE
    return None


def matches(column: Any, text: str) -> ColumnElement[bool]:
    """The condition of a text without faults: `abc*` begins, `*abc` ends, `a*bc` does both; case does not matter."""
    head, star, tail = text.lower().partition("*")
    lowered = func.lower(column)
    if not star:
        return lowered == head
    return lowered.like(f"{_escaped(head)}%{_escaped(tail)}", escape=_ESCAPE)


def contains(column: Any, text: str) -> ColumnElement[bool]:
    """The condition that a text stands somewhere in a column; case does not matter."""
    return func.lower(column).like(f"%{_escaped(text.lower())}%", escape=_ESCAPE)


def begins(column: Any, letter: str) -> ColumnElement[bool]:
    """The condition of a letter of the index: what begins with it."""
    return func.lower(column).like(f"{_escaped(letter.lower())}%", escape=_ESCAPE)


def _escaped(text: str) -> str:
    for special in (_ESCAPE, "%", "_"):
        text = text.replace(special, _ESCAPE + special)
    return text
