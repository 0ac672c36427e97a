"""What can be wrong with a simulated meter."""

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """One way of going wrong."""

    SILENT = "silent"
    """It hears nothing, acknowledges nothing."""
    SLOW = "slow"
    """It answers after some seconds."""
    INVALID = "invalid"
    """Its registers hold the values that mean invalid."""
    GARBAGE = "garbage"
    """Its answers are bytes without a meaning."""
    ZERO_DIVISOR = "zero_divisor"
    """It says that values are to be divided by zero."""
    MULTIPLIER_ONLY = "multiplier_only"
    """It has a multiplier and no divisor."""
    FROZEN = "frozen"
    """It repeats its registers, and its snapshot time where it has one, as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault; seconds matter to SLOW alone."""

    kind: FaultKind
    seconds: float = 0.0
