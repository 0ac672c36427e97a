"""`metergate lab meter-han` and `metergate lab head-end`: a meter with its own network, and who tells it things."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.clock import SystemClock
from gateway.command_line import stop_on_signals
from simulators.control_port import BadCommand
from simulators.head_end import HeadEndPort
from simulators.home_devices import MOST_DEVICES
from simulators.lab_clock import LabClock, Speed, Start, instant_told
from simulators.lab_homes import Port, tell_port
from simulators.meter_network import MeterNetwork, NetworkPlan
from simulators.zigbee.air.weather import CLEAR, Weather
from simulators.zigbee.nodes import Plain
from simulators.zigbee.services_interface.programme import Tariff
from simulators.zigbee.timing import INSTANT, REALISTIC

head_end = typer.Typer(no_args_is_help=True, help="Tell a meter with its own network what a head end would.")
Device = Annotated[str, typer.Argument(help="A device's EUI-64.")]
Minutes = Annotated[int | None, typer.Option(min=1, help="For how long; without, until something else is published.")]
After = Annotated[int, typer.Option(min=0, help="In so many minutes from now.")]


def meter_han(
    seed: Annotated[int, typer.Option(min=0, help="The seed of everything: same seed, same home.")] = 7,
    first: Annotated[int, typer.Option(min=0, help="Which premise of the seed's street it is.")] = 0,
    devices: Annotated[int, typer.Option(min=0, max=MOST_DEVICES, help="Home-area devices in the home, off.")] = 2,
    control_port: Annotated[int, typer.Option(help="TCP port of the head end's side; 0 takes a free one.")] = 0,
    realistic: Annotated[bool, typer.Option("--realistic", help="Meter and devices take the field's time.")] = False,
    latency_ms: Annotated[float, typer.Option(min=0, help="Milliseconds that a message is in the air.")] = 0.0,
    loss: Annotated[float, typer.Option(min=0, max=1, help="Share of frames that the air loses.")] = 0.0,
    plain: Annotated[Plain, typer.Option(help="What the meter does with plain frames on secured clusters.")] = (
        Plain.REFUSE
    ),
    no_tariff: Annotated[bool, typer.Option("--no-tariff", help="Only the head end gives prices.")] = False,
    start: Start = None,
    speed: Speed = 1.0,
    capture: Annotated[Path | None, typer.Option(help="Write everything on the air to this pcapng file.")] = None,
    keys: Annotated[Path | None, typer.Option(help="Write the capture's keys here, as Wireshark reads them.")] = None,
) -> None:
    """A meter as coordinator and trust centre of its home's own network, until it is told to stop."""
    plan = NetworkPlan(
        seed=seed,
        first=first,
        devices=devices,
        latency_s=latency_ms / 1000,
        plain=plain,
        timing=REALISTIC if realistic else INSTANT,
        tariff=None if no_tariff else Tariff(),
        weather=Weather(loss=loss) if loss else CLEAR,
        capture=capture,
        keys=keys,
    )
    clock = LabClock(SystemClock(), instant_told(start), speed)
    asyncio.run(_serve(plan, clock, control_port))


async def _serve(plan: NetworkPlan, clock: LabClock, control_port: int) -> None:
    """Stand until SIGTERM or SIGINT; the one line that is printed says where."""
    home = MeterNetwork(plan, clock)
    control = HeadEndPort(home)
    stopped = asyncio.Event()
    stop_on_signals(stopped)
    try:
        port = await control.start(control_port)
        home.start()
        eui64 = home.meter.eui64
        typer.echo(f"ready control={port} meter={home.meter.number} eui64={eui64} devices={plan.devices}")
        await stopped.wait()
    except OSError as error:
        raise BadCommand(f"the laboratory cannot listen: {error.strerror}") from None
    finally:
        await control.close()
        await home.close()


def _tell(port: int, order: str, **fields: object) -> dict[str, Any]:
    """One of a head end's orders, without what was not given."""
    return tell_port(port, {"han": order, **{name: value for name, value in fields.items() if value is not None}})


@head_end.command()
def add(
    device: Device,
    code: Annotated[str, typer.Argument(help="Its install code with check sum, as it is printed.")],
    port: Port,
    window: Annotated[int, typer.Option(min=1, max=254, help="Seconds for which the meter opens its network.")] = 254,
    key_s: Annotated[float, typer.Option(min=1, help="Seconds for which the device's key waits.")] = 300.0,
) -> None:
    """Have the meter await a device, and open its network."""
    _tell(port, "add", device=device, code=code, window_s=window, key_s=key_s)
    typer.echo(f"{device} is awaited for {key_s:g} s, the window is open for {window} s")


@head_end.command()
def remove(device: Device, port: Port) -> None:
    """Have the meter tell a device to leave, and forget it."""
    _tell(port, "remove", device=device)


@head_end.command("list")
def list_devices(port: Port) -> None:
    """The devices that the meter knows, and where each stands."""
    told = _tell(port, "list")
    typer.echo(f"window {'open' if told['window'] else 'closed'}")
    for each in told["devices"]:
        typer.echo(f"{each['device']}  {each['standing']:<10}  {each['device_id'] or ''}".rstrip())


@head_end.command()
def window(
    port: Port,
    seconds: Annotated[int, typer.Option(min=0, max=254, help="How long it is open; 0 closes it.")] = 254,
) -> None:
    """Open the meter's network for those that are awaited, or close it."""
    if seconds:
        _tell(port, "open", seconds=seconds)
    else:
        _tell(port, "close")


@head_end.command()
def rotate_key(port: Port) -> None:
    """Give everybody who is there another network key."""
    _tell(port, "rotate_key")


@head_end.command()
def price(
    dollars: Annotated[float, typer.Argument(min=0, help="Dollars for a kilowatt-hour.")],
    port: Port,
    label: Annotated[str, typer.Option(help="What the price is called, 11 bytes at most.")] = "",
    minutes: Minutes = None,
    after: After = 0,
    ack: Annotated[bool, typer.Option("--ack", help="Ask for an acknowledgement.")] = False,
) -> None:
    """Publish a price, which holds before the tariff's."""
    told = _tell(port, "price", price=dollars, label=label, minutes=minutes, after_minutes=after, ack=ack)
    typer.echo(f"price {told['number']}, tier {told['tier']}, {told['from']} to {told['until'] or 'further notice'}")


@head_end.command()
def text(
    words: Annotated[str | None, typer.Argument(help="The text; without one, the last is taken back.")] = None,
    *,
    port: Port,
    minutes: Minutes = None,
    importance: Annotated[int, typer.Option(min=0, max=3, help="From 0 (low) to 3 (critical).")] = 1,
    confirm: Annotated[bool, typer.Option("--confirm", help="Ask the customer to confirm.")] = False,
) -> None:
    """Publish a text, or take the last one back."""
    if words is None:
        _tell(port, "cancel_text")
        return
    told = _tell(port, "text", text=words, minutes=minutes, importance=importance, confirm=confirm)
    typer.echo(f"text {told['number']}")


@head_end.command()
def event(
    port: Port,
    minutes: Annotated[int | None, typer.Option(min=1, max=1440, help="How long it takes.")] = None,
    after: After = 0,
    classes: Annotated[int, typer.Option(min=1, max=0xFFFF, help="Classes of devices, a bit each; 1 is HVAC.")] = 1,
    criticality: Annotated[int, typer.Option(min=1, max=15, help="2 to 6 are voluntary, 7 is an emergency.")] = 2,
    cooling_offset: Annotated[float | None, typer.Option(min=0, max=25.4, help="Degrees C warmer.")] = None,
    duty_cycle: Annotated[int | None, typer.Option(min=0, max=100, help="Per cent of the time.")] = None,
    cancel: Annotated[int | None, typer.Option(help="End the event of this number.")] = None,
) -> None:
    """Publish a load-control event, or end one."""
    if cancel is not None:
        _tell(port, "cancel_event", event=cancel)
        return
    told = _tell(
        port,
        "event",
        minutes=minutes,
        after_minutes=after,
        classes=classes,
        criticality=criticality,
        cooling_offset_c=cooling_offset,
        duty_cycle=duty_cycle,
    )
    typer.echo(f"event {told['number']}")


@head_end.command()
def answers(port: Port) -> None:
    """What devices answered: prices acknowledged, texts confirmed, what they made of events."""
    _print(_tell(port, "answers")["notes"])


@head_end.command()
def log(port: Port) -> None:
    """Everything that the meter noted: who came, who was kept out and why, what was published and answered."""
    _print(_tell(port, "log")["notes"])


def _print(notes: list[dict[str, Any]]) -> None:
    for note in notes:
        words = (note["at"], f"{note['what']:<19}", note["device"] or "-" * 16, note["number"] or "", note["words"])
        typer.echo("  ".join(str(word) for word in words if word != ""))
