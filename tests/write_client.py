"""Writes the typed client's modules from the application's own OpenAPI document: `make client`."""

from typing import Any

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.dice import SystemDice
from portal.app import build_app
from portal.context import Portal
from tests.client_generator import FOLDER, generate
from tests.portal.wire import WireBus


def document() -> dict[str, Any]:
    """The OpenAPI document of an application over nothing."""
    database = Database.open("sqlite:///nothing-asks-it.db")  # opened at the first question only
    return build_app(Portal.over(database, WireBus(), SystemClock(), SystemDice())).openapi()


if __name__ == "__main__":
    for name, text in generate(document()).items():
        (FOLDER / name).write_text(text)
