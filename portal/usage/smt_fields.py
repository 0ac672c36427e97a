"""The fields of an interval row, from text to value, each with the cause when it is not what it claims to be."""

import re
from datetime import date, datetime
from functools import lru_cache

from gateway.clock import CENTRAL
from gateway.errors import BadIdentifier
from gateway.identifiers import EsiId

REMEMBERED_VALUES = 65_536

MANGLED = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]+")
KWH_TEXT = re.compile(r"([0-9]{1,6})(?:\.([0-9]{1,3}))?")
DATE_TEXT = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
INSTANT_TEXT = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2})")


class KwhMemory(dict[str, int | None]):
    """Texts of kWh already converted: a file repeats few thousands of them. Forgets all when full."""

    def __missing__(self, text: str) -> int | None:
        value = watt_hours(text)
        if len(self) >= REMEMBERED_VALUES:
            self.clear()
        self[text] = value
        return value


def watt_hours(text: str) -> int | None:
    """Kilowatt-hours with up to three decimals as exact Wh, None for no text. Raises ValueError with the cause."""
    if not text:
        return None
    match = KWH_TEXT.fullmatch(text)
    if match:
        return int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0"))
    if text.startswith("-"):
        raise ValueError(f"{text[:40]!r} is negative; both channels count in one direction only")
    if re.fullmatch(r"[0-9]+\.[0-9]{4,}", text):
        raise ValueError(f"{text[:40]!r} has more than three decimals")
    raise ValueError(f"{text[:40]!r} is not an energy in kWh such as 0.859")


def strange_esi_id(text: str) -> str:
    """Why an ESI ID is not one of ours."""
    if MANGLED.fullmatch(text):
        return f"{text[:40]} is an ESI ID that a spreadsheet turned into a number; its digits are lost, so export again"
    try:
        EsiId(text)
    except BadIdentifier as error:
        return str(error)
    return f"no meter with the ESI ID {text} is known here"


@lru_cache(maxsize=4096)
def read_date(text: str) -> date | None:
    """A date MM/DD/YYYY, None if it is not one."""
    match = DATE_TEXT.fullmatch(text)
    try:
        return date(int(match[3]), int(match[1]), int(match[2])) if match else None
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def read_instant(text: str) -> datetime | None:
    """A Chicago wall time MM/DD/YYYY HH:MM:SS, None if it is not one; of the hour that comes twice the first."""
    match = INSTANT_TEXT.fullmatch(text)
    if match is None:
        return None
    month, day, year, hour, minute, second = (int(part) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=CENTRAL)
    except ValueError:
        return None
