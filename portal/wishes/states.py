"""How far a wish for a read has come before it is a read, and why none came of it."""

from enum import StrEnum


class WishState(StrEnum):
    """A waiting wish is asked at its instant; once asked, its read tells the rest."""

    WAITING = "waiting"
    ASKED = "asked"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    MISSED = "missed"


NOT_FOUND = "not_found"
"""The reason of a wish whose meter its account does not see; the others are those of AskRefusal."""
