"""`metergate lab modbus`: a line of simulated Modbus meters from the command line."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from drivers.modbus.profile import named
from gateway.clock import SystemClock
from gateway.command_line import stop_on_signals
from gateway.errors import BadInput
from simulators.control_port import BadCommand, LinePort
from simulators.lab_clock import LabClock, Speed, Start, instant_told
from simulators.modbus.control import fault_of, obey
from simulators.modbus.faults import ModbusFaultKind
from simulators.modbus.street import MOST_UNITS, ModbusPlan, ModbusStreet


class CannotServe(BadInput):
    """A port that somebody else has, or a fault that there is not."""


def command(
    profile: Annotated[str, typer.Option(help="The kind of meter: a profile's name.")] = "eastron-sdm630",
    profiles: Annotated[Path | None, typer.Option(help="A folder of profiles of one's own.")] = None,
    units: Annotated[int, typer.Option(min=1, max=MOST_UNITS, help="How many meters are on the line.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="The seed of everything: same seed, same meters.")] = 7,
    first: Annotated[int, typer.Option(min=0, help="The first premise of the street that this line reaches.")] = 0,
    port: Annotated[int, typer.Option(help="TCP port of the line; 0 takes a free one.")] = 0,
    control_port: Annotated[int, typer.Option(help="TCP port for faults and counts; 0 takes a free one.")] = 0,
    rtu: Annotated[
        bool, typer.Option("--rtu", help="Serial frames over TCP, as a transparent converter sends.")
    ] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(help=f"UNIT=KIND breaks a meter: {', '.join(ModbusFaultKind)}. UNIT=late:2 is two seconds late."),
    ] = None,
    start: Start = None,
    speed: Speed = 1.0,
    config_out: Annotated[Path | None, typer.Option(help="Write the assignments that a gateway reads here.")] = None,
) -> None:
    """A line of Modbus meters on a TCP port, until it is told to stop."""
    plan = ModbusPlan(profile=named(profile, profiles), name=profile, units=units, seed=seed, first=first, rtu=rtu)
    line_clock = SystemClock()
    world = ModbusStreet(plan, LabClock(line_clock, instant_told(start), speed), line_clock)
    for text in fault or ():
        _break(world, text)
    if config_out is not None:
        config_out.write_text(world.assignments_csv(), encoding="utf-8")
    asyncio.run(_serve(world, port, control_port))


def _break(world: ModbusStreet, text: str) -> None:
    """Break the meter that `UNIT=KIND`, `UNIT=late:SECONDS` or `UNIT=exception:CODE` names. Raises CannotServe."""
    unit, _, rest = text.partition("=")
    kind, _, number = rest.partition(":")
    try:
        value = float(number or 4)
        world.line.meters[int(unit)].fault = fault_of(
            kind, value, int(value) if kind == ModbusFaultKind.EXCEPTION else 1
        )
    except (ValueError, KeyError, OverflowError, BadCommand):
        raise CannotServe(f"{text[:64]!r} is no UNIT=KIND of this line") from None


async def _serve(world: ModbusStreet, port: int, control_port: int) -> None:
    """Stand until SIGTERM or SIGINT; the one line that is printed says where."""
    control = LinePort(lambda command: obey(world, command))
    stopped = asyncio.Event()
    stop_on_signals(stopped)
    try:
        ports = await world.line.start(port), await control.start(control_port)
        plan = world.plan
        typer.echo(f"ready port={ports[0]} control={ports[1]} units={plan.units} profile={plan.name}")
        await stopped.wait()
    except OSError as error:
        raise CannotServe(f"the line cannot listen: {error.strerror}") from None
    finally:
        await control.close()
        await world.line.close()
