"""Searching by the beginning, the end, or both: one asterisk and at least two characters (pure; REG-26, ADM-15)."""

from typing import Any

from sqlalchemy import ColumnElement, and_, func

LEAST = 2
MOST = 254
LONGEST = 60
"""Signs of a text that is found by its beginning."""
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


def begins_with(column: Any, text: str) -> ColumnElement[bool]:
    """The condition that a column begins with a text, with a range that is found by index on both databases.

    Collations agree on the order of letters and digits alone: the range is that of the text up to the last sign that
    has a successor among them, and a comparison of the beginning decides.
    """
    stem = text
    while stem and (not stem[-1].isascii() or not stem[-1].isalnum() or stem[-1] in "zZ9"):
        stem = stem[:-1]
    begins = func.substr(column, 1, len(text)) == text
    if not stem:
        return and_(column >= text, column < text + "z" * LONGEST, begins)
    return and_(column >= stem, column < stem[:-1] + chr(ord(stem[-1]) + 1), begins)


def _escaped(text: str) -> str:
    for special in (_ESCAPE, "%", "_"):
        text = text.replace(special, _ESCAPE + special)
    return text
