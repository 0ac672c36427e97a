"""The running number of what a gateway reports, and how anything that it was asked can end."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.reads import Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A gateway's running number for what it reports: seq counts from 1 within one journal."""

    journal: str
    seq: Whole


class OutcomeStatus(StrEnum):
    """How a request ended. Of reads, only DONE counts against the limit."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
