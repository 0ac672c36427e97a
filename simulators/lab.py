"""`metergate lab`: simulated radios and meters from the command line."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from gateway.clock import SystemClock
from gateway.command_line import stop_on_signals
from gateway.errors import BadInput
from simulators.control import ControlPort
from simulators.faults import FaultKind
from simulators.home_devices import MOST_DEVICES
from simulators.lab_clock import LabClock, Speed, Start, instant_told
from simulators.lab_head_end import head_end, meter_han
from simulators.lab_homes import air, devices, join, tell_port
from simulators.modbus import lab as modbus
from simulators.modbus.faults import ModbusFaultKind
from simulators.street import street
from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee.air.replay import Recording, node_told, recording
from simulators.zigbee.air.weather import CLEAR, Weather
from simulators.zigbee.ezsp_frames import STACK_VERSIONS
from simulators.zigbee.nodes import Plain
from simulators.zigbee.timing import INSTANT, REALISTIC

app = typer.Typer(no_args_is_help=True, help="Simulated radios and meters.")
for _name, _command in (
    ("modbus", modbus.command),
    ("meter-han", meter_han),
    ("devices", devices),
    ("join", join),
    ("air", air),
):
    app.command(_name)(_command)
app.add_typer(head_end, name="head-end")

_KINDS = f"{', '.join(FaultKind)}; of a Modbus line {', '.join(ModbusFaultKind)}"
Meters = Annotated[int, typer.Option(min=0, help="How many meters stand on the street.")]
Seed = Annotated[int, typer.Option(min=0, help="The seed of everything: same seed, same street.")]
First = Annotated[int, typer.Option(min=0, help="The first premise of the street that this radio reaches.")]


class CannotListen(BadInput):
    """A port that somebody else has."""


@app.command()
def ncp(
    meters: Meters = 64,
    seed: Seed = 7,
    first: First = 0,
    devices: Annotated[int, typer.Option(min=0, max=MOST_DEVICES, help="Home-area devices in each home, off.")] = 0,
    port: Annotated[int, typer.Option(help="TCP port of the co-processor; 0 takes a free one.")] = 0,
    control_port: Annotated[int, typer.Option(help="TCP port for faults, devices and counts; 0 takes a free one.")] = 0,
    ezsp: Annotated[int, typer.Option(help="EZSP version that the co-processor speaks.")] = 14,
    realistic: Annotated[bool, typer.Option("--realistic", help="Devices and line take the field's time.")] = False,
    shipped: Annotated[bool, typer.Option("--shipped", help="Tables of shipped firmware, which fill up.")] = False,
    latency_ms: Annotated[float, typer.Option(min=0, help="Milliseconds that a message is in the air.")] = 0.0,
    loss: Annotated[float, typer.Option(min=0, max=1, help="Share of frames that the air loses.")] = 0.0,
    plain: Annotated[Plain, typer.Option(help="What meters do with plain frames on secured clusters.")] = Plain.REFUSE,
    key_table: Annotated[int | None, typer.Option(help="Link keys that fit; shipped firmware has 12 to 16.")] = None,
    blank: Annotated[bool, typer.Option(help="Start without a network, to try forming one.")] = False,
    state: Annotated[Path | None, typer.Option(help="File in which the co-processor remembers.")] = None,
    start: Start = None,
    speed: Speed = 1.0,
    capture: Annotated[Path | None, typer.Option(help="Write everything on the air to this pcapng file.")] = None,
    keys: Annotated[Path | None, typer.Option(help="Write the capture's keys here, as Wireshark reads them.")] = None,
    replay: Annotated[
        Path | None, typer.Option(help="A capture, keys inside, of which one device lives again.")
    ] = None,
    replay_as: Annotated[
        str | None, typer.Option(help="Which device of the capture: its EUI-64, or its address such as 0x1A2B.")
    ] = None,
    certificates: Annotated[Path | None, typer.Option(help="Write the trust centre's certificates here.")] = None,
    config_out: Annotated[Path | None, typer.Option(help="Write the assignments that a gateway reads here.")] = None,
) -> None:
    """A network co-processor on a TCP port with a street of Smart Energy meters, until it is told to stop."""
    if ezsp not in STACK_VERSIONS:
        raise typer.BadParameter(f"EZSP versions are {', '.join(map(str, STACK_VERSIONS))}", param_hint="--ezsp")
    plan = StreetPlan(
        meters=meters,
        seed=seed,
        first=first,
        version=ezsp,
        latency_s=latency_ms / 1000,
        plain=plain,
        shipped=shipped,
        key_table_size=key_table,
        devices=devices,
        timing=REALISTIC if realistic else INSTANT,
        blank=blank,
        state=state,
        weather=Weather(loss=loss) if loss else CLEAR,
        capture=capture,
        keys=keys,
    )
    replayed = None if replay is None else recorded(replay, replay_as)
    line_clock = SystemClock()
    world = ZigBeeStreet(plan, LabClock(line_clock, instant_told(start), speed), line_clock)
    guest = "" if replayed is None else f" replay={world.replay(replayed).eui64}"
    if certificates is not None:
        write_certificates(world, certificates)
    if config_out is not None:
        config_out.write_text(assignments_csv(seed, meters, first), encoding="utf-8")
    asyncio.run(_serve(world, port, control_port, guest))


def write_certificates(world: ZigBeeStreet, folder: Path) -> list[Path]:
    """The trust centre's certificates as files for its owner alone: they hold private keys."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for suite, text in enumerate(world.certificates(), 1):
        path = folder / f"suite-{suite}.txt"
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def recorded(path: Path, name: str | None) -> Recording:
    """One device of a capture, by EUI-64 or address; without a name the only one that spoke. Raises BadInput."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput(f"the capture {path} cannot be read: {error.strerror}") from None
    return recording(raw, None if name is None else node_told(name))


@app.command()
def assignments(meters: Meters = 64, seed: Seed = 7, first: First = 0) -> None:
    """The street's meters as the CSV that a gateway reads: meter, driver, address."""
    typer.echo(assignments_csv(seed, meters, first), nl=False)


@app.command()
def fault(
    meter: Annotated[str, typer.Argument(help="The meter's number.")],
    kind: Annotated[str, typer.Argument(help=f"none, or {_KINDS}.")],
    port: Annotated[int, typer.Option(help="The control port.")],
    seconds: Annotated[float, typer.Option(min=0, help="How slow a slow or late meter is.")] = 5.0,
    code: Annotated[int | None, typer.Option(help="Which exception a Modbus meter answers with.")] = None,
) -> None:
    """Break a meter of a running street or line, or mend it."""
    command: dict[str, object] = {"meter": meter, "fault": None if kind == "none" else kind, "seconds": seconds}
    command |= {} if code is None else {"code": code}
    tell_port(port, command)


@app.command()
def radio(
    action: Annotated[str, typer.Argument(help="reset or drop; a Modbus line has drop alone.")],
    port: Annotated[int, typer.Option(help="The control port.")],
) -> None:
    """Make the co-processor of a running street reset, or cut its connection (or those of a Modbus line)."""
    tell_port(port, {"ncp": action})


@app.command()
def stats(port: Annotated[int, typer.Option(help="The control port.")]) -> None:
    """How many reads of each meter of a running street or line were executed, as JSON."""
    typer.echo(json.dumps(tell_port(port, {"stats": True})))


def assignments_csv(seed: int, meters: int, first: int = 0) -> str:
    """A street's meters as a gateway's assignments: a header, and a line per meter."""
    rows = [f"{premise.meter},zigbee,{premise.eui64}" for premise in street(seed, meters, first)]
    return "\n".join(["meter,driver,address", *rows, ""])


async def _serve(world: ZigBeeStreet, port: int, control_port: int, guest: str) -> None:
    """Stand until SIGTERM or SIGINT; the one line that is printed says where."""
    control = ControlPort(world)
    stopped = asyncio.Event()
    stop_on_signals(stopped)
    try:
        ports = await world.start(port), await control.start(control_port)
        plan = world.plan
        typer.echo(f"ready port={ports[0]} control={ports[1]} meters={plan.meters} devices={plan.devices}{guest}")
        await stopped.wait()
    except OSError as error:
        raise CannotListen(f"the laboratory cannot listen: {error.strerror}") from None
    finally:
        await control.close()
        await world.close()
