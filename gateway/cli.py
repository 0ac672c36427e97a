"""The `metergate` command: every package brings its own sub-commands."""

import logging
import sys

import typer

from gateway.errors import MetergateError
from gateway.wiring import commands


def build() -> typer.Typer:
    """The command with all registered sub-commands: a Typer application becomes a group, a function a command."""
    app = typer.Typer(name="metergate", no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    for name, command in commands():
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def main() -> None:
    """Run the command; trouble that metergate names is printed as one sentence, with exit code 1."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        build()()
    except MetergateError as error:
        print(f"metergate: {error}", file=sys.stderr)
        sys.exit(1)
