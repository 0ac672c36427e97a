"""A command to a gateway as it goes: one line for each stage with its seconds, then how it ended."""

from contextlib import nullcontext
from datetime import datetime
from typing import Any

import typer
from rich.console import Console

from portal.commands.client import Api, quoted
from portal.han.status import CommandStatus, is_open

WAIT_S = 20
console = Console(highlight=False, soft_wrap=True)


def follow(api: Api, given: dict[str, Any], what: str) -> dict[str, Any]:
    """Show a command until it is over; a failure is said with its cause and the next step, with exit code 1."""
    place = f"/commands/{quoted(given['id'])}"
    command: dict[str, Any] = api.get(place)
    shown = 0
    with console.status(what) if console.is_terminal else nullcontext():
        while True:
            for entry in command["timeline"][shown:]:
                console.print(line(entry, command["timeline"][0]))
            shown = len(command["timeline"])
            if not is_open(CommandStatus(command["status"])):
                break
            command = api.get(place, wait=WAIT_S, since=command["version"])
    if command["status"] != CommandStatus.DONE:
        say_why(command)
        raise typer.Exit(1)
    if command["detail"]:
        console.print(command["detail"])
    return command


def line(entry: dict[str, Any], first: dict[str, Any]) -> str:
    """A stage of a timeline with its seconds after the first."""
    seconds = (datetime.fromisoformat(entry["at"]) - datetime.fromisoformat(first["at"])).total_seconds()
    words = f"{seconds:8.1f} s  {entry['stage'].replace('_', ' ')}"
    trouble = ": ".join(filter(None, ((entry["cause"] or "").replace("_", " "), entry["detail"])))
    return f"{words}: {trouble}" if trouble else words


def say_why(thing: dict[str, Any]) -> None:
    """Why a command or a device came to nothing, and what to do next."""
    cause = (thing["cause"] or thing.get("status") or "").replace("_", " ")
    console.print(f"{cause}: {thing['detail'] or 'no more is known'}")
    if thing["next_step"]:
        console.print(f"Next: {thing['next_step']}")
