"""What can be wrong with a simulated Modbus meter, or with the line that it is on."""

from dataclasses import dataclass
from enum import StrEnum


class ModbusFaultKind(StrEnum):
    """One way of going wrong."""

    SILENT = "silent"
    """It hears nothing."""
    LATE = "late"
    """It answers after some seconds."""
    EXCEPTION = "exception"
    """It answers with an exception code."""
    BAD_CRC = "bad_crc"
    """Its frames arrive damaged: a wrong checksum, on Modbus/TCP a wrong transaction."""
    STRAY = "stray"
    """Noise comes before its frames."""
    GARBAGE = "garbage"
    """Its answers are bytes without a meaning."""
    ABSENT = "absent"
    """Its registers hold what means "no value"."""
    FROZEN = "frozen"
    """It repeats its registers as they were."""
    TORN = "torn"
    """In every second answer its counters are caught as they turn over: high words old, the lowest new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusFault:
    """A fault; seconds matter to LATE alone, code to EXCEPTION."""

    kind: ModbusFaultKind
    seconds: float = 0.0
    code: int = 4
