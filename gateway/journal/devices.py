"""Home-area devices in the journal: where each belongs, how far it is, and what it must still be told.

Every call is one durable transaction; what must be told is numbered in it and returned.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.han.admission import Refusal, Standing
from gateway.han.messages import DeviceChanged, DeviceCommand, DeviceReported, JoinDevice, RemoveDevice
from gateway.han.notices import Answer, Heard, Notice
from gateway.han.states import GONE, TRANSITIONS, Event
from gateway.han.words import NEXT_STEP, Cause, DeviceInfo, Stage
from gateway.identifiers import Eui64, MeterNumber, RequestId
from gateway.journal import notices
from gateway.journal.commands import Answered, Claim, Ending, Taken, finish, known, open_commands, take
from gateway.journal.entries import Numbers
from gateway.journal.numbering import keep_reports, numbering
from gateway.journal.tables import IS_OPEN, commands, devices
from gateway.messages import Command, Report

_INFO = TypeAdapter(DeviceInfo)
_BEGINS: dict[type, Event] = {JoinDevice: Event.JOIN_ASKED, RemoveDevice: Event.REMOVAL_ASKED}
_ASKED = frozenset(_BEGINS.values())
_BY_ITSELF = {Answer.LEFT: Event.LEFT, Answer.REJOINED: Event.REJOINED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that happens to a device: by a command (request), whose word counts until the next asks, or by itself.

    meter is where the device belongs, None for wherever it is; is_meter says that it is that meter.
    """

    device: Eui64
    event: Event
    request: RequestId | None = None
    meter: MeterNumber | None = None
    is_meter: bool = False
    cause: Cause | None = None
    detail: str = ""
    info: DeviceInfo | None = None


class DeviceBook:
    """A gateway's devices, their commands and notices, on the journal's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, command: DeviceCommand, now: datetime, here: Standing, decide: Callable[[Standing], Refusal | None]
    ) -> tuple[Claim, list[Report]]:
        """Take up a command or refuse it, once; also what must be told of it now.

        here says what the journal does not know (assigned, has_home); decide is asked with the rest added.
        """

        async def job(connection: AsyncConnection) -> tuple[Claim, list[Report]]:
            async with numbering(connection) as numbers:
                before = await known(connection, command.id)
                if before is not None:
                    return before, []
                refusal = decide(await _standing(connection, command, here))
                if refusal is not None:
                    ending = Ending.refused(*refusal)
                    return Answered(outcome=await finish(connection, numbers, command, ending, now)), []
                await take(connection, command, now)
                event = _BEGINS.get(type(command))
                if event is None or command.device is None:
                    return Taken(), []
                change = Change(device=command.device, event=event, request=command.id, meter=command.meter)
                return Taken(), await _apply(connection, numbers, [change], now)

        return await self._database.write(job)

    async def take_up(self, command: Command, refusal: Ending | None, now: datetime) -> Claim:
        """Take up a command that is about no device, or refuse it, once."""

        async def job(connection: AsyncConnection) -> Claim:
            async with numbering(connection) as numbers:
                before = await known(connection, command.id)
                if before is not None:
                    return before
                if refusal is not None:
                    return Answered(outcome=await finish(connection, numbers, command, refusal, now))
                await take(connection, command, now)
                return Taken()

        return await self._database.write(job)

    async def change(self, changes: Sequence[Change], now: datetime) -> list[Report]:
        """Let things happen to devices; what the table of a device's life does not know changes nothing."""

        async def job(connection: AsyncConnection) -> list[Report]:
            async with numbering(connection) as numbers:
                return await _apply(connection, numbers, changes, now)

        return await self._database.write(job)

    async def end(
        self, command: Command, ending: Ending, now: datetime, changes: Sequence[Change] = ()
    ) -> list[Report]:
        """Record what became of a command and its device together; one that has ended keeps its outcome."""

        async def job(connection: AsyncConnection) -> list[Report]:
            async with numbering(connection) as numbers:
                told = await _apply(connection, numbers, changes, now)
                return [*told, await finish(connection, numbers, command, ending, now)]

        return await self._database.write(job)

    async def heard(self, heard: Heard, now: datetime) -> list[Report]:
        """Record what a device said or did; one that left by itself is there no more."""

        async def job(connection: AsyncConnection) -> list[Report]:
            async with numbering(connection) as numbers:
                meter = await connection.scalar(select(devices.c.meter).where(devices.c.device == heard.device))
                report = DeviceReported(meter=meter, device=heard.device, heard=heard, mark=numbers.next())
                await keep_reports(connection, [report], now)
                event = _BY_ITSELF.get(heard.answer)
                if event is None:
                    return [report]
                cause = Cause.LEFT_BY_ITSELF if event is Event.LEFT else None
                change = Change(device=heard.device, event=event, cause=cause, detail=heard.detail)
                return [report, *await _apply(connection, numbers, [change], now)]

        return await self._database.write(job)

    async def open_commands(self) -> list[Command]:
        """The commands that have not ended, oldest first."""
        async with self._database.reading() as connection:
            return await open_commands(connection)

    async def stage(self, device: Eui64) -> Stage | None:
        """How far a device is, None if it was never seen."""
        async with self._database.reading() as connection:
            stage = await connection.scalar(select(devices.c.stage).where(devices.c.device == device))
        return Stage(stage) if stage else None

    async def whereabouts(self, device: Eui64) -> MeterNumber | None:
        """The meter at which a device is joining or joined, None if it is nowhere."""
        found = select(devices.c.meter).where(devices.c.device == device, devices.c.stage.not_in(GONE))
        async with self._database.reading() as connection:
            return await connection.scalar(found)

    async def joined_meter(self, meter: MeterNumber) -> Eui64 | None:
        """The device that a meter itself is on its network, or ceases to be; None if it was not joined by its code."""
        there = devices.c.stage.in_((Stage.ACTIVE, Stage.REMOVING))
        found = select(devices.c.device).where(devices.c.meter == meter, devices.c.is_meter, there)
        async with self._database.reading() as connection:
            return await connection.scalar(found.limit(1))

    async def active(self, meter: MeterNumber, client: int | None = None) -> list[Eui64]:
        """The devices of a meter that can be told something: those with a client of a cluster, if one is given."""
        found = select(devices.c.device, devices.c.info).where(
            devices.c.meter == meter, devices.c.is_meter.is_(False), devices.c.stage == Stage.ACTIVE
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(found.order_by(devices.c.device))).all()
        return [row.device for row in rows if client is None or row.info is None or _uses(row.info, client)]

    async def keep_notice(self, told: Sequence[Eui64], notice: Notice, now: datetime) -> None:
        """Keep a dated notice for devices while it holds, and drop what it takes back."""
        await self._database.write(partial(notices.keep, told=told, notice=notice, now=now))

    async def notices(self, now: datetime) -> list[tuple[Eui64, MeterNumber, Notice]]:
        """What devices must still be told when they ask, older events first, with each device's meter."""
        return await self._database.write(partial(notices.current, now=now))


async def _standing(connection: AsyncConnection, command: DeviceCommand, here: Standing) -> Standing:
    """What the journal knows of a command's meter and device, added to what the gateway does."""
    row = (await connection.execute(select(devices).where(devices.c.device == command.device))).one_or_none()
    kinds = (await connection.execute(select(commands.c.kind, commands.c.device).where(IS_OPEN))).all()
    own = {kind for kind, device in kinds if command.device is not None and device == command.device}
    # A meter that was joined itself is a device of the network too, but none of its own.
    there = select(func.count()).where(devices.c.meter == command.meter, devices.c.stage.not_in(GONE))
    present = await connection.scalar(there.where(devices.c.is_meter.is_(False))) or 0
    return Standing(
        assigned=here.assigned,
        has_home=here.has_home,
        at=row.meter if row else None,
        stage=Stage(row.stage) if row else None,
        is_meter=bool(row and row.is_meter),
        joining=JoinDevice.__name__ in own,
        busy=bool(own),
        present=present,
        running=len(kinds),
    )


async def _apply(
    connection: AsyncConnection, numbers: Numbers, changes: Sequence[Change], now: datetime
) -> list[Report]:
    """Move devices along the table of their life; returns the entries of their timelines."""
    told: list[Report] = []
    for change in changes:
        this = devices.c.device == change.device
        row = (await connection.execute(select(devices).where(this))).one_or_none()
        asked = change.event in _ASKED
        if row is not None and not asked and change.request is not None and row.request != change.request:
            continue
        stage = TRANSITIONS.get((Stage(row.stage) if row else None, change.event))
        meter = change.meter or (row.meter if row else None)
        if stage is None or meter is None:
            continue
        values: dict[str, Any] = {"stage": stage, "meter": meter, "changed_at": now}
        values |= {"request": change.request, "is_meter": change.is_meter} if asked else {}
        values |= {"info": _INFO.dump_json(change.info).decode()} if change.info else {}
        if row is None:
            await connection.execute(insert(devices), {"device": change.device, **values})
        else:
            await connection.execute(update(devices).where(this).values(values))
        if stage in GONE:
            await notices.forget(connection, change.device)
        entry = DeviceChanged(
            request=change.request,
            meter=meter,
            device=change.device,
            stage=stage,
            at=now,
            cause=change.cause,
            detail=change.detail,
            next_step=NEXT_STEP[change.cause] if change.cause else None,
            info=change.info,
            mark=numbers.next(),
        )
        await keep_reports(connection, [entry], now)
        told.append(entry)
    return told


def _uses(info: str, cluster: int) -> bool:
    """Whether a device, by its info as it is stored, has a client of a cluster."""
    return cluster in _INFO.validate_json(info).clients
