"""The two rule books: the guide to the letter, or today's practice."""

from enum import StrEnum


class Preset(StrEnum):
    """Which rules of signing in hold: `smt` is the guide's, `modern` today's (the default)."""

    SMT = "smt"
    MODERN = "modern"
