"""The `metergate` command: every package brings its own sub-commands."""

import logging
import sys

import typer

from gateway.errors import BadInput, MetergateError
from gateway.wiring import commands

HELP = "The gateway between electricity retailers and smart meters."
CHATTY = ("alembic", "bellows", "zigpy", "amqtt", "transitions", "httpx", "paho")


def build(wanted: str | None) -> typer.Typer:
    """The command with the wanted sub-command, or with all of them if an option or nothing is wanted.

    A Typer application becomes a group, a function a command. Loading one spares a process the others' imports.
    Raises BadInput that names every command if there is none of that name.
    """
    app = typer.Typer(name="metergate", no_args_is_help=True, help=HELP, pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    found = dict(commands())
    if wanted and not wanted.startswith("-") and wanted not in found:
        raise BadInput(f"there is no command {wanted!r}; there are {', '.join(found)}")
    chosen = {wanted: found[wanted]} if wanted in found else found
    for name, entry in chosen.items():
        command = entry.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def main() -> None:
    """Run the command; trouble that metergate names is printed as one sentence, with exit code 1."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else None)()
    except MetergateError as error:
        print(f"metergate: {error}", file=sys.stderr)
        sys.exit(1)
