"""Why a message is dropped instead of handed over: the causes that a bus counts."""

from enum import StrEnum

from gateway.errors import BadMessage


class Cause(StrEnum):
    """What was wrong with a message, or with its reception."""

    MALFORMED = "malformed"
    OVERSIZED = "oversized"
    UNKNOWN_TYPE = "unknown_type"
    WRONG_VERSION = "wrong_version"
    WRONG_TOPIC = "wrong_topic"
    WRONG_GATEWAY = "wrong_gateway"
    REPLAYED = "replayed"
    """The broker had kept it, though its kind is never retained: an old command must not run at every connection."""
    OVERFLOW = "overflow"
    """The inbound queue was full. Senders repeat until an outcome or a receipt, so nothing rests on this one."""
    HANDLER = "handler"
    """The handler raised; counted once a batch."""


class Refused(BadMessage):
    """A message that cannot be taken, with the cause under which it is counted."""

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
