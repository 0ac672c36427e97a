"""`metergate gateways`: a TDSP's gateways from a terminal, and the keys of their networks."""

from typing import Annotated

import typer

from gateway.identifiers import GatewayId
from portal.commands.client import HERE, CaFile, PortalUrl, User, quoted, signed_in
from portal.commands.progress import console, follow

app = typer.Typer(no_args_is_help=True, help="Gateways: list them, change a network's key.")


@app.command("list")
def list_(user: User, portal: PortalUrl = HERE, ca_file: CaFile = None) -> None:
    """Your gateways, whether they are there, and their drivers."""
    with signed_in(portal, user, ca_file) as api:
        after: dict[str, str] = {}
        while found := api.get("/gateways", **after):
            for each in found:
                links = ", ".join(f"{link['driver']} {'up' if link['up'] else 'down'}" for link in each["links"])
                console.print(f"{each['id']}  {'online' if each['online'] else 'away'}  {links}")
            after = {"after": found[-1]["id"]}


@app.command("rotate-key")
def rotate_key(
    gateway: Annotated[str, typer.Argument(help="The gateway.")],
    user: User,
    portal: PortalUrl = HERE,
    ca_file: CaFile = None,
    driver: Annotated[
        str | None, typer.Option("--driver", help="Its driver, if more than one of them forms a network.")
    ] = None,
) -> None:
    """Give a gateway's network a new network key, as after a removal that the device did not acknowledge."""
    with signed_in(portal, user, ca_file) as api:
        place = f"/gateways/{quoted(GatewayId(gateway))}/network-key"
        follow(api, api.post(place, {"driver": driver}), "handing out the new key")
