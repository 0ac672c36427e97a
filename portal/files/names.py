"""The names of files as Smart Meter Texas gave them, so that programs that look for them find ours (pure).

Source: files seen in the market. Daily LSE files have the name that `portal.usage.lse_write.file_name` makes.
"""

from datetime import datetime
from enum import StrEnum

from gateway.clock import CENTRAL
from gateway.identifiers import Duns

CSV_TOKEN_BYTES = 16
GREEN_BUTTON_TOKEN_BYTES = 12


class Report(StrEnum):
    """What a file's name begins with."""

    INTERVAL = "IntervalMeterUsage"
    DAILY = "DailyMeterUsage"
    MONTHLY = "MonthlyMeterUsage"


def mailed_csv(report: Report, at: datetime, token: bytes, ending: str = "CSV") -> str:
    """A file that goes with a letter: Chicago time to the millisecond, 32 hexadecimal digits, EML and the ending."""
    return f"{report}{_milliseconds(at)}{_hex(token, CSV_TOKEN_BYTES)}EML.{ending}"


def mailed_green_button(at: datetime, token: bytes) -> str:
    """A Green Button file that goes with a letter: 24 hexadecimal digits, then Chicago time to the second."""
    return f"{Report.INTERVAL}{_hex(token, GREEN_BUTTON_TOKEN_BYTES)}{at.astimezone(CENTRAL):%Y%m%d%H%M%S}.xml"


def placed(report: Report, at: datetime, token: bytes, duns: Duns, ending: str = "CSV") -> str:
    """A file in a company's folder: Chicago time, 32 hexadecimal digits, FTP, the ending, and the REP's DUNS number.

    Smart Meter Texas packed and encrypted such a file for its reader (`.asc`). Ours is plain, for the connection is
    encrypted and the folder is the reader's own; so its ending stands last.
    """
    return f"{report}{_milliseconds(at)}{_hex(token, CSV_TOKEN_BYTES)}FTP.{duns}.{ending}"


def _milliseconds(at: datetime) -> str:
    return f"{at.astimezone(CENTRAL):%Y%m%d%H%M%S}{at.microsecond // 1000:03}"


def _hex(token: bytes, size: int) -> str:
    assert len(token) == size, f"a token of {size} bytes makes this name"
    return token.hex().upper()
