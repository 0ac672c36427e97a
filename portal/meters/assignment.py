"""A meter's way from one gateway to another: every step one transaction with the command that it waits for.

The old gateway is asked to withdraw the meter and tells when its reads succeeded; only then is the new one asked to
serve it, with those instants. A crash between two steps leaves a command in the outbox, and it goes on from there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, TypeAdapter
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import GatewayId, RequestId
from gateway.messages import AssignMeter, Command, CommandEnded, OutcomeStatus, WithdrawMeter
from portal.han.commands import NewCommand, add_command
from portal.han.status import CommandKind
from portal.meters.steps import TRANSITIONS, Event, Step
from portal.meters.tables import meter_assignments, meters

REMEMBERED = timedelta(hours=26)
"""Successes older than this play no part in any limit."""
_INSTANTS = TypeAdapter(tuple[AwareDatetime, ...])
_NOWHERE: dict[str, Any] = dict.fromkeys(("to_gateway", "to_driver", "to_address", "to_sealed_code", "assign_id"))
Sent = list[tuple[GatewayId, Command]]
"""Commands that were recorded and must be sent once that is committed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which gateway shall serve a meter, and how; assign_id is the command to which the code is sealed."""

    gateway: GatewayId
    driver: str
    address: str
    sealed_code: str | None
    assign_id: RequestId


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A meter and its assignment; locked, if it was, until the end of the transaction."""

    meter: Any
    step: Step
    gateway: GatewayId | None
    row: Any


async def standing(connection: AsyncConnection, meter_id: int, *, lock: bool = True) -> Standing:
    """Where a meter stands; one that was never moved is where its row says."""
    this = select(meters).where(meters.c.id == meter_id)
    meter = (await connection.execute(this.with_for_update() if lock else this)).one()
    found = select(meter_assignments).where(meter_assignments.c.meter_id == meter_id)
    row = (await connection.execute(found)).one_or_none()
    if row is None:
        step = Step.SERVED if meter.gateway else Step.UNSERVED
        return Standing(meter=meter, step=step, gateway=meter.gateway, row=None)
    return Standing(meter=meter, step=row.step, gateway=row.gateway, row=row)


async def ask(
    connection: AsyncConnection,
    meter_id: int,
    target: Target | None,
    withdraw_id: RequestId,
    account_id: int | None,
    now: datetime,
) -> Sent | None:
    """Begin to move a meter to a gateway, or (None) away from its own; None if it is on its way already, or nowhere.

    account_id is who asked, None for the market feed.
    """
    here = await standing(connection, meter_id)
    event = Event.WITHDRAW_ASKED
    if target is not None:
        stays = here.step is not Step.SERVED or here.gateway == target.gateway
        event = Event.ASSIGN_ASKED if stays else Event.MOVE_ASKED
    step = TRANSITIONS.get((here.step, event))
    if step is None:
        return None
    row = {**_NOWHERE, "step": step, "gateway": here.gateway, "account_id": account_id, "changed_at": now}
    if target is not None:
        row |= {
            "to_gateway": target.gateway,
            "to_driver": target.driver,
            "to_address": target.address,
            "to_sealed_code": target.sealed_code,
            "assign_id": target.assign_id,
        }
    known = {"driver": None, "address": None, "successes": []} if here.row is None else _kept(here.row)
    await connection.execute(delete(meter_assignments).where(meter_assignments.c.meter_id == meter_id))
    await connection.execute(insert(meter_assignments), {"meter_id": meter_id, "command_id": None, **known, **row})
    here = await standing(connection, meter_id)
    if step is Step.ASSIGNING:
        return [await _send_assign(connection, here, now)]
    await connection.execute(update(meters).where(meters.c.id == meter_id).values(gateway=None))
    return [await _send_withdraw(connection, here, withdraw_id, now)]


async def ended(connection: AsyncConnection, command: Any, told: CommandEnded, ahead: timedelta, now: datetime) -> Sent:
    """Take the next step once the command that it waits for has ended; ahead is our clock less the gateway's."""
    here = await standing(connection, command["meter_id"])
    if here.row is None or here.row.command_id != told.id:
        return []
    done = told.status is OutcomeStatus.DONE
    if command["kind"] is CommandKind.WITHDRAW:
        on = Event.WITHDRAWN_OFF if here.row.to_gateway is None else Event.WITHDRAWN_ON
        event = on if done else Event.NOT_WITHDRAWN
    else:
        stayed = Event.NOT_ASSIGNED if here.gateway is None else Event.NOT_CHANGED
        event = Event.ASSIGNED if done else stayed
    step = TRANSITIONS.get((here.step, event))
    if step is None:
        return []
    successes = tuple(at + ahead for at in told.successes or ())
    await _put(connection, here, {"step": step, "changed_at": now, **_after(event, here.row, successes)})
    if step is Step.ASSIGNING:
        return [await _send_assign(connection, await standing(connection, here.meter.id), now)]
    return []


def _after(event: Event, row: Any, successes: tuple[datetime, ...]) -> dict[str, Any]:
    """What else changes in the row."""
    gone = {"gateway": None, "driver": None, "address": None}
    kept = {"successes": _INSTANTS.dump_python(successes, mode="json")}
    if event is Event.WITHDRAWN_ON:
        return {**gone, **kept}
    if event is Event.WITHDRAWN_OFF:
        return {**gone, **kept, **_NOWHERE, "command_id": None}
    if event is Event.ASSIGNED:
        served = {"gateway": row.to_gateway, "driver": row.to_driver, "address": row.to_address, "successes": []}
        return {**served, **_NOWHERE, "command_id": None}
    return {**_NOWHERE, "command_id": None}


async def _put(connection: AsyncConnection, here: Standing, values: dict[str, Any]) -> None:
    """Change the assignment's row, and with it the gateway that reads are sent to."""
    this = meter_assignments.c.meter_id == here.meter.id
    await connection.execute(update(meter_assignments).where(this).values(values))
    if values["step"] is Step.SERVED:
        gateway = values.get("gateway", here.gateway)
        await connection.execute(update(meters).where(meters.c.id == here.meter.id).values(gateway=gateway))


async def _send_assign(connection: AsyncConnection, here: Standing, now: datetime) -> tuple[GatewayId, Command]:
    row = here.row
    successes = [at for at in _INSTANTS.validate_python(row.successes) if at > now - REMEMBERED]
    message = AssignMeter(
        id=row.assign_id,
        meter=here.meter.number,
        driver=row.to_driver,
        address=row.to_address,
        sealed_code=row.to_sealed_code,
        successes=tuple(successes),
    )
    return await _send(connection, here, row.to_gateway, CommandKind.ASSIGN, message, now)


async def _send_withdraw(
    connection: AsyncConnection, here: Standing, withdraw_id: RequestId, now: datetime
) -> tuple[GatewayId, Command]:
    message = WithdrawMeter(id=withdraw_id, meter=here.meter.number)
    return await _send(connection, here, here.row.gateway, CommandKind.WITHDRAW, message, now)


async def _send(
    connection: AsyncConnection,
    here: Standing,
    gateway: GatewayId,
    kind: CommandKind,
    message: AssignMeter | WithdrawMeter,
    now: datetime,
) -> tuple[GatewayId, Command]:
    new = NewCommand(
        message=message,
        kind=kind,
        gateway=gateway,
        meter_id=here.meter.id,
        meter=here.meter.number,
        esi_id=here.meter.esi_id,
        account_id=here.row.account_id,
    )
    await add_command(connection, new, now)
    waits = update(meter_assignments).where(meter_assignments.c.meter_id == here.meter.id)
    await connection.execute(waits.values(command_id=message.id))
    return gateway, message


def _kept(row: Any) -> dict[str, Any]:
    return {"driver": row.driver, "address": row.address, "successes": row.successes}
