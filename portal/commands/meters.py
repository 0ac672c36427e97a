"""`metergate meters`: which gateway serves a meter, from a terminal, as the TDSP's operator."""

import sys
from typing import Annotated, Any

import typer

from portal.commands.client import HERE, Api, CaFile, MeterArgument, PortalUrl, User, place_of, signed_in
from portal.commands.progress import console, follow

app = typer.Typer(no_args_is_help=True, help="Meters and their gateways: assign, withdraw, show.")

WAIT_S = 20
MOVING = ("withdrawing", "assigning")


@app.command()
def assign(
    meter: MeterArgument,
    gateway: Annotated[str, typer.Argument(help="The gateway that shall serve it.")],
    driver: Annotated[str, typer.Argument(help="The name of that gateway's driver.")],
    address: Annotated[str, typer.Argument(help="Its address there; for ZigBee its EUI-64.")],
    user: User,
    portal: PortalUrl = HERE,
    ca_file: CaFile = None,
    join: Annotated[bool, typer.Option("--join", help="It must join first: its install code is asked for.")] = False,
) -> None:
    """Let a gateway serve a meter; the one that serves it now withdraws it first."""
    code = None
    if join:
        code = typer.prompt("Install code", err=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
    with signed_in(portal, user, ca_file) as api:
        place = place_of(api, meter)
        body = {"gateway": gateway, "driver": driver, "address": address, "install_code": code}
        _arrive(api, place, api.post(f"{place}/assignment", body))


@app.command()
def withdraw(meter: MeterArgument, user: User, portal: PortalUrl = HERE, ca_file: CaFile = None) -> None:
    """Take a meter away from its gateway: it cannot be read on demand until it is assigned again."""
    with signed_in(portal, user, ca_file) as api:
        place = place_of(api, meter)
        _arrive(api, place, api.call("DELETE", f"{place}/assignment"))


@app.command()
def show(meter: MeterArgument, user: User, portal: PortalUrl = HERE, ca_file: CaFile = None) -> None:
    """Which gateway serves a meter, and where it is going."""
    with signed_in(portal, user, ca_file) as api:
        console.print(_words(api.get(f"{place_of(api, meter)}/assignment")))


def _arrive(api: Api, place: str, given: dict[str, Any]) -> None:
    """Follow a meter's way, command after command; a gateway that is away is waited for until Ctrl-C."""
    following: str | None = given["id"]
    while following:
        follow(api, {"id": following}, "waiting for the gateway")
        here = api.get(f"{place}/assignment")
        console.print(_words(here))
        following = here["command"] if here["step"] in MOVING and here["command"] != following else None


def _words(here: dict[str, Any]) -> str:
    served = f"served by {here['gateway']}"
    if here["driver"]:
        served += f" through {here['driver']} at {here['address']}"
    return {
        "served": served,
        "unserved": "served by no gateway",
        "withdrawing": f"being withdrawn from {here['gateway']}"
        + (f", then to {here['to_gateway']}" if here["to_gateway"] else ""),
        "assigning": f"going to {here['to_gateway']}",
    }[here["step"]]
