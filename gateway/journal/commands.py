"""Commands in the journal: taken up before anything is done, ended once, recognised when they are repeated."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from pydantic import TypeAdapter
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.han.words import NEXT_STEP, Cause, DeviceInfo
from gateway.identifiers import Eui64, MeterNumber, RequestId
from gateway.journal.entries import Numbers
from gateway.journal.numbering import keep_reports
from gateway.journal.tables import IS_OPEN, commands
from gateway.messages import Command, CommandEnded, OutcomeStatus

OPEN = "open"
_KINDS: dict[str, TypeAdapter[Any]] = {kind.__name__: TypeAdapter(kind) for kind in get_args(Command)}
_ENDED = TypeAdapter(CommandEnded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The command is ours to execute, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The command has its outcome already, now or from before: tell it again."""

    outcome: CommandEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class Underway:
    """The same command is being executed at this moment: nothing to do."""


Claim = Taken | Answered | Underway


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What became of a command, before the journal has numbered it."""

    status: OutcomeStatus
    cause: Cause | None = None
    detail: str = ""
    info: DeviceInfo | None = None
    round_trip_ms: int | None = None
    successes: tuple[datetime, ...] | None = None

    @classmethod
    def failed(cls, cause: Cause, detail: str) -> "Ending":
        """It was tried and came to nothing."""
        return cls(status=OutcomeStatus.FAILED, cause=cause, detail=detail)

    @classmethod
    def refused(cls, cause: Cause, detail: str) -> "Ending":
        """It was not tried."""
        return cls(status=OutcomeStatus.REFUSED, cause=cause, detail=detail)


async def known(connection: AsyncConnection, command_id: RequestId) -> Answered | Underway | None:
    """What is known of a command by its id, None if it is new."""
    found = select(commands.c.outcome).where(commands.c.id == command_id)
    row = (await connection.execute(found)).one_or_none()
    if row is None:
        return None
    return Underway() if row.outcome is None else Answered(outcome=_ENDED.validate_json(row.outcome))


async def take(connection: AsyncConnection, command: Command, now: datetime) -> None:
    """Record a new command as open."""
    kind = type(command).__name__
    row = {
        "id": command.id,
        "kind": kind,
        "meter": meter_of(command),
        "device": device_of(command),
        "status": OPEN,
        "accepted_at": now,
        "body": _KINDS[kind].dump_json(command).decode(),
    }
    await connection.execute(insert(commands), row)


async def finish(
    connection: AsyncConnection, numbers: Numbers, command: Command, ending: Ending, now: datetime
) -> CommandEnded:
    """Number and keep a command's end; with it the command itself is wiped. One that has ended keeps its outcome."""
    before = await known(connection, command.id)
    if isinstance(before, Answered):
        return before.outcome
    ended = CommandEnded(
        id=command.id,
        meter=meter_of(command),
        device=device_of(command),
        status=ending.status,
        cause=ending.cause,
        detail=ending.detail,
        next_step=NEXT_STEP[ending.cause] if ending.cause else None,
        info=ending.info,
        round_trip_ms=ending.round_trip_ms,
        successes=ending.successes,
        ended_at=now,
        mark=numbers.next(),
    )
    if before is None:
        await take(connection, command, now)
    row = {"status": ended.status, "ended_at": now, "seq": ended.mark.seq, "body": None}
    row["outcome"] = _ENDED.dump_json(ended).decode()
    await connection.execute(update(commands).where(commands.c.id == command.id).values(row))
    await keep_reports(connection, [ended], now)
    return ended


async def open_commands(connection: AsyncConnection) -> list[Command]:
    """The commands that have not ended, oldest first."""
    rows = await connection.execute(select(commands).where(IS_OPEN).order_by(commands.c.accepted_at, commands.c.id))
    return [_KINDS[row.kind].validate_json(row.body) for row in rows]


def meter_of(command: Command) -> MeterNumber | None:
    """The meter that a command is about, None for a whole network's."""
    return getattr(command, "meter", None)


def device_of(command: Command) -> Eui64 | None:
    """The device that a command is about, None for a meter's and for all of a meter's."""
    return getattr(command, "device", None)
