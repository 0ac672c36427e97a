"""What a gateway says of itself: which of two states holds, how far a mark moves, and a state as a row (pure)."""

from datetime import datetime, timedelta
from typing import Any

from gateway.messages import GatewayState
from portal.gateways.words import clean

MOST_LINKS = 64
LONGEST_KEY = 64
SMALL = 2**31
YEARS = timedelta(days=3650)


def supersedes(told: GatewayState, boot_id: str | None) -> bool:
    """Whether a state just told replaces the one kept, whose boot_id is given (None: none is kept).

    A death counts only for the life it belongs to: the will of an old connection, delivered late, says nothing of a
    gateway that has started again. Births and states hold as they come, for one sender's messages come in order.
    """
    return told.online or boot_id is None or told.boot_id == boot_id


def advance(mark: int, seqs: set[int]) -> int:
    """How far a mark moves over newly recorded numbers without leaving a gap."""
    while mark + 1 in seqs:
        mark += 1
    return mark


def state_row(state: GatewayState, now: datetime) -> dict[str, Any]:
    """A state as the columns of gateways; what would not fit is cut."""
    return {
        "online": state.online,
        "boot_id": clean(state.boot_id, 64),
        "told_at": state.at if state.at.tzinfo is not None and abs(state.at - now) < YEARS else None,
        "seen_at": now,
        "version": clean(state.version, 40),
        "sealing_key": _key(state.sealing_key),
        "meters": min(max(state.meters, 0), SMALL - 1),
        "links": [
            {
                "driver": clean(link.driver, 64),
                "up": link.up,
                "since": link.since.isoformat(),
                "detail": clean(link.detail, 300),
            }
            for link in state.links[:MOST_LINKS]
        ],
    }


def _key(text: str | None) -> str | None:
    """A sealing key that can be kept; whether it is a key shows when something is sealed to it."""
    return text if text is not None and clean(text, LONGEST_KEY) == text else None
