"""The statuses of a command to a gateway as the portal knows them, and what each word told makes of them (pure).

An end by the gateway is final. The portal's own giving up is not: what the gateway tells later is what happened.
"""

from enum import StrEnum


class CommandKind(StrEnum):
    """What a gateway is asked to do beside reads."""

    JOIN = "join"
    REMOVE = "remove"
    REKEY = "rekey"
    PING = "ping"
    DESCRIBE = "describe"
    TEXT = "text"
    CANCEL_TEXT = "cancel_text"
    PRICE = "price"
    LOAD_CONTROL = "load_control"
    CANCEL_LOAD_CONTROL = "cancel_load_control"
    CANCEL_ALL_LOAD_CONTROL = "cancel_all_load_control"
    ASSIGN = "assign"
    WITHDRAW = "withdraw"
    ROTATE_KEY = "rotate_key"


class CommandStatus(StrEnum):
    """How far a command has come; expired is one that its gateway has not answered in time."""

    QUEUED = "queued"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    EXPIRED = "expired"


OPEN = (CommandStatus.QUEUED, CommandStatus.SENT)
"""The statuses in which a command may still end."""


class Told(StrEnum):
    """What can be told of a command: by the broker (sent), by the gateway, or by the portal's own clock (timed_out)."""

    SENT = "sent"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"


_ENDS = {
    Told.DONE: CommandStatus.DONE,
    Told.FAILED: CommandStatus.FAILED,
    Told.REFUSED: CommandStatus.REFUSED,
}

TRANSITIONS: dict[tuple[CommandStatus, Told], CommandStatus] = {
    (CommandStatus.QUEUED, Told.SENT): CommandStatus.SENT,
    **{(status, Told.TIMED_OUT): CommandStatus.EXPIRED for status in OPEN},
    **{(status, told): end for status in (*OPEN, CommandStatus.EXPIRED) for told, end in _ENDS.items()},
}
"""Status and word to the next status; a pair that is absent changes nothing."""


def is_open(status: CommandStatus) -> bool:
    """Whether the command may still end in time."""
    return status in OPEN


def rank(status: CommandStatus) -> int:
    """How far a status is along a command's way: it only ever grows."""
    return {CommandStatus.QUEUED: 0, CommandStatus.SENT: 1, CommandStatus.EXPIRED: 2}.get(status, 3)
