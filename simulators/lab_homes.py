"""`metergate lab devices`, `join` and `air`: home-area devices and the weather of a running laboratory."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.clock import SystemClock
from simulators.control_port import BadCommand, follow, tell

Port = Annotated[int, typer.Option(help="The control port of the laboratory.")]
ENDS = frozenset(("registered", "left", "gave_up"))


class DidNotJoin(BadCommand):
    """A device that was switched on and is not registered."""


def devices(
    port: Port,
    device: Annotated[str | None, typer.Argument(help="A device's EUI-64; without one, all are listed.")] = None,
    power: Annotated[str | None, typer.Option(help="on, or off.")] = None,
    press: Annotated[str | None, typer.Option(help="A button: ok, opt_out, opt_in, emergency.")] = None,
    event: Annotated[int | None, typer.Option(help="For which event the button is pressed.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Write the device's face to this SVG file.")] = None,
) -> None:
    """The home-area devices of a running laboratory: list them, look at one, press its buttons."""
    if device is None:
        for each in tell_port(port, {"devices": True})["devices"]:
            typer.echo(f"{each['device']}  {each['kind']:<12} {each['meter']}  {each['stage']}")
        return
    command: dict[str, Any] = {"device": device}
    if picture is not None:
        picture.write_text(tell_port(port, {**command, "picture": True})["picture"], encoding="utf-8")
        return
    command |= {name: value for name, value in (("power", power), ("press", press), ("event", event)) if value}
    typer.echo(json.dumps(tell_port(port, command), indent=2))


def join(
    device: Annotated[str, typer.Argument(help="The device's EUI-64.")],
    port: Port,
    timeout_s: Annotated[float, typer.Option(help="How long to look on.")] = 300.0,
) -> None:
    """Switch a device on and follow how it joins, as it sees that itself; the gateway must let it in meanwhile."""
    asked = tell_port(port, {"device": device, "power": "on"})
    typer.echo(f"{asked['kind']} {device} of meter {asked['meter']}, install code {asked['install_code']}")
    clock, began_s = SystemClock(), SystemClock().monotonic()

    def told(stage: str, failure: str) -> None:
        typer.echo(f"{clock.monotonic() - began_s:7.1f} s  {stage}{f': {failure}' if failure else ''}")

    stage = asyncio.run(follow(port, device, ENDS, clock, told, timeout_s))
    if stage != "registered":
        raise DidNotJoin(f"the device is not registered, its stage is {stage}")


def air(
    port: Port,
    loss: Annotated[float, typer.Option(min=0, max=1, help="Share of frames that are lost.")] = 0.0,
    damage: Annotated[float, typer.Option(min=0, max=1, help="Share of frames that arrive damaged.")] = 0.0,
    doubling: Annotated[float, typer.Option(min=0, max=1, help="Share of frames that arrive twice.")] = 0.0,
    delay_ms: Annotated[float, typer.Option(min=0, help="Milliseconds that every frame is late.")] = 0.0,
    jitter_ms: Annotated[float, typer.Option(min=0, help="Milliseconds more, at random.")] = 0.0,
    poor_links: Annotated[bool, typer.Option("--poor-links", help="Poor link quality loses more.")] = False,
    cut_off: Annotated[list[str] | None, typer.Option(help="A node's EUI-64 that nobody hears.")] = None,
) -> None:
    """The weather of a running laboratory; without options the sky is clear again."""
    told = {
        "loss": loss,
        "damage": damage,
        "doubling": doubling,
        "delay_s": delay_ms / 1000,
        "jitter_s": jitter_ms / 1000,
    }
    weather: dict[str, Any] = {name: value for name, value in told.items() if value}
    weather |= {"lqi_matters": True} if poor_links else {}
    weather |= {"cut_off": cut_off} if cut_off else {}
    tell_port(port, {"air": weather})


def tell_port(port: int, command: dict[str, Any]) -> dict[str, Any]:
    """One command to a control port, and its answer. Raises BadCommand in words."""
    try:
        answer = asyncio.run(tell(port, command))
    except OSError as error:
        raise BadCommand(f"no laboratory at control port {port}: {error.strerror}") from None
    if "error" in answer:
        raise BadCommand(str(answer["error"]))
    return answer
