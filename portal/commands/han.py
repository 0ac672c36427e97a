"""`metergate han`: home-area devices from a terminal, as the TDSP's operator."""

import sys
from typing import Annotated, Any

import typer

from gateway.han.notices import Criticality, DeviceClass, Importance
from portal.commands.client import (
    HERE,
    CaFile,
    DeviceArgument,
    MeterArgument,
    PortalUrl,
    User,
    address,
    place_of,
    signed_in,
)
from portal.commands.progress import console, follow, line, say_why

app = typer.Typer(no_args_is_help=True, help="Home area devices: join them, remove them, ask and tell them.")

OneDevice = Annotated[str | None, typer.Option("--device", help="One device; without it, all of the meter's.")]
Minutes = Annotated[int | None, typer.Option("--minutes", help="How long it holds; without it, until changed.")]
StartsAt = Annotated[str | None, typer.Option("--at", help="When it begins, such as 2026-07-01T15:00:00Z; else now.")]


@app.command()
def join(
    meter: MeterArgument,
    device: DeviceArgument,
    user: User,
    portal: PortalUrl = HERE,
    ca_file: CaFile = None,
    window_s: Annotated[int, typer.Option("--window-s", help="How long the network is open for it.")] = 180,
) -> None:
    """Bring a device onto a meter's network. The install code is asked for, or is the first line of the input."""
    code = typer.prompt("Install code", err=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
    with signed_in(portal, user, ca_file) as api:
        body = {"device": address(device), "install_code": code, "window_s": window_s}
        follow(api, api.post(f"{place_of(api, meter)}/joins", body), "waiting for the device")


def _ask(action: str, meter: str, device: str, user: str, portal: str, ca_file: Any) -> dict[str, Any]:
    with signed_in(portal, user, ca_file) as api:
        given = api.post(f"{place_of(api, meter)}/devices/{address(device)}/{action}")
        return follow(api, given, f"waiting for the device to {action}")


@app.command()
def remove(
    meter: MeterArgument, device: DeviceArgument, user: User, portal: PortalUrl = HERE, ca_file: CaFile = None
) -> None:
    """Take a device off its network, or cancel its join."""
    _ask("remove", meter, device, user, portal, ca_file)


@app.command()
def ping(
    meter: MeterArgument, device: DeviceArgument, user: User, portal: PortalUrl = HERE, ca_file: CaFile = None
) -> None:
    """Ask a device for a sign of life."""
    console.print(f"{_ask('ping', meter, device, user, portal, ca_file)['round_trip_ms']} ms")


@app.command()
def rekey(
    meter: MeterArgument, device: DeviceArgument, user: User, portal: PortalUrl = HERE, ca_file: CaFile = None
) -> None:
    """Establish a new link key with a device."""
    _show_info(_ask("rekey", meter, device, user, portal, ca_file)["info"])


@app.command()
def info(
    meter: MeterArgument, device: DeviceArgument, user: User, portal: PortalUrl = HERE, ca_file: CaFile = None
) -> None:
    """Ask a device about itself anew."""
    _show_info(_ask("describe", meter, device, user, portal, ca_file)["info"])


def _tell(path: str, body: dict[str, Any], meter: str, user: str, portal: str, ca_file: Any) -> None:
    with signed_in(portal, user, ca_file) as api:
        given = api.post(f"{place_of(api, meter)}/{path}", body)
        if given["event"] is not None:
            console.print(f"event {given['event']}")
        follow(api, given, "waiting for the devices")


@app.command()
def text(
    meter: MeterArgument,
    words: Annotated[str, typer.Argument(help="What the display shows.")],
    user: User,
    portal: PortalUrl = HERE,
    ca_file: CaFile = None,
    device: OneDevice = None,
    minutes: Minutes = None,
    at: StartsAt = None,
    importance: Annotated[Importance, typer.Option(help="How a display should treat it.")] = Importance.LOW,
    confirm: Annotated[bool, typer.Option("--confirm", help="Ask the customer to press a button.")] = False,
) -> None:
    """Show a text on a meter's displays."""
    body = {"text": words, "importance": importance, "confirm": confirm}
    _tell("texts", {**body, **_when(device, minutes, at)}, meter, user, portal, ca_file)


@app.command()
def price(
    meter: MeterArgument,
    amount: Annotated[str, typer.Argument(help="The price of a kilowatt-hour, such as 0.1234.")],
    user: User,
    portal: PortalUrl = HERE,
    ca_file: CaFile = None,
    device: OneDevice = None,
    minutes: Minutes = None,
    at: StartsAt = None,
    label: Annotated[str, typer.Option(help="The tier's name, up to 12 characters.")] = "",
    currency: Annotated[int, typer.Option(help="The ISO 4217 number.")] = 840,
) -> None:
    """Tell a meter's devices what a kilowatt-hour costs."""
    whole, _, part = amount.partition(".")
    if not (whole + part).isdecimal():
        raise typer.BadParameter(f"{amount!r} is no price such as 0.1234")
    body = {"price": int(whole + part), "digits": len(part), "label": label, "currency": currency}
    _tell("prices", {**body, **_when(device, minutes, at)}, meter, user, portal, ca_file)


@app.command("load-control")
def load_control(
    meter: MeterArgument,
    minutes: Annotated[int, typer.Argument(help="How long.")],
    classes: Annotated[list[DeviceClass], typer.Argument(help="Which kinds of devices.")],
    user: User,
    portal: PortalUrl = HERE,
    ca_file: CaFile = None,
    device: OneDevice = None,
    at: StartsAt = None,
    criticality: Annotated[Criticality, typer.Option(help="How much it matters.")] = Criticality.GREEN,
    cooling_offset: Annotated[int | None, typer.Option(help="Warmer by tenths of a degree.")] = None,
    heating_offset: Annotated[int | None, typer.Option(help="Cooler by tenths of a degree.")] = None,
    cooling_point: Annotated[float | None, typer.Option(help="Cool to no less than these degrees Celsius.")] = None,
    heating_point: Annotated[float | None, typer.Option(help="Heat to no more than these degrees Celsius.")] = None,
    average_load: Annotated[int | None, typer.Option(help="Change of the average load in percent.")] = None,
    duty_cycle: Annotated[int | None, typer.Option(help="Percentage of the time that the load may run.")] = None,
    group: Annotated[int, typer.Option(help="The enrolment group that is meant; 0 is all.")] = 0,
    random_start: Annotated[bool, typer.Option("--random-start", help="Each device begins at its own moment.")] = False,
    random_end: Annotated[bool, typer.Option("--random-end", help="Each device ends at its own moment.")] = False,
) -> None:
    """Ask a meter's devices to take less for a while."""
    body = {
        "classes": classes,
        "criticality": criticality,
        "cooling_offset": cooling_offset,
        "heating_offset": heating_offset,
        "cooling_point": None if cooling_point is None else round(cooling_point * 100),
        "heating_point": None if heating_point is None else round(heating_point * 100),
        "average_load": average_load,
        "duty_cycle": duty_cycle,
        "group": group,
        "random_start": random_start,
        "random_end": random_end,
    }
    _tell("load-controls", {**body, **_when(device, minutes, at)}, meter, user, portal, ca_file)


@app.command()
def cancel(
    meter: MeterArgument,
    what: Annotated[str, typer.Argument(help="text or load-control.")],
    user: User,
    portal: PortalUrl = HERE,
    ca_file: CaFile = None,
    event: Annotated[int | None, typer.Option(help="Which; without it, every load-control event.")] = None,
    device: OneDevice = None,
) -> None:
    """Take a text or a load-control event back."""
    body = {"what": what.replace("-", "_"), "event": event, "device": address(device) if device else None}
    _tell("cancels", body, meter, user, portal, ca_file)


@app.command()
def devices(meter: MeterArgument, user: User, portal: PortalUrl = HERE, ca_file: CaFile = None) -> None:
    """List a meter's devices, those that are gone included."""
    with signed_in(portal, user, ca_file) as api:
        for each in api.get(f"{place_of(api, meter)}/devices"):
            about = each["info"] or {}
            kind = str(about.get("type", "never described")).replace("_", " ")
            maker = " ".join(str(about[key]) for key in ("manufacturer", "model") if about.get(key))
            console.print(f"{each['device']}  {each['stage'].replace('_', ' '):<16}  {kind}  {maker}".rstrip())


@app.command()
def timeline(
    meter: MeterArgument, device: DeviceArgument, user: User, portal: PortalUrl = HERE, ca_file: CaFile = None
) -> None:
    """Show what a device went through, request by request."""
    with signed_in(portal, user, ca_file) as api:
        found = api.get(f"{place_of(api, meter)}/devices/{address(device)}")
    began: dict[str, Any] = {}
    for entry in found["timeline"]:
        if not began or entry["request"] != began["request"]:
            began = entry
            console.print(f"{entry['at']}  {entry['request'] or 'by itself'}")
        console.print(line(entry, began))
    if found["cause"]:
        say_why(found)


def _when(device: str | None, minutes: int | None, at: str | None) -> dict[str, Any]:
    return {"device": address(device) if device else None, "duration_min": minutes, "starts_at": at}


def _show_info(about: dict[str, Any] | None) -> None:
    for name, value in (about or {}).items():
        shown = ", ".join(f"0x{each:04X}" for each in value) if isinstance(value, list) else value
        console.print(f"{name.replace('_', ' '):<14} {'N/A' if value is None else shown}")
