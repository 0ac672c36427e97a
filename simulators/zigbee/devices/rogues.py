"""Rogue joiners: one with a key that it made up, one with the key that everybody knows, one that repeats itself."""

from datetime import datetime
from typing import Any

from simulators.han import wire
from simulators.zigbee.behaviour import Event
from simulators.zigbee.devices.panel import NoSuchButton
from simulators.zigbee.uplink import Uplink

WELL_KNOWN_KEY = b"ZigBeeAlliance09"


def wrong_key(install_code: bytes) -> bytes:
    """A key that does not follow from the install code on the label."""
    return bytes(octet ^ 0xFF for octet in install_code).ljust(16, b"\0")[:16]


def default_key(install_code: bytes) -> bytes:
    """The key with which home automation lets everybody in."""
    return WELL_KNOWN_KEY


class Recorder:
    """simulators.zigbee.behaviour.Behaviour of a device that says a thing twice under one counter.

    first and again tell whether the trust centre acknowledged it, each time; None before it was said.
    """

    def __init__(self) -> None:
        self.first: bool | None = None
        self.again: bool | None = None

    def told(self, event: Event) -> None:
        """It does not care."""

    async def live(self, uplink: Uplink) -> None:
        """Ask for the price, and then play back what was said."""
        self.first, self.again = await uplink.replay(
            wire.PRICE, wire.GET_CURRENT_PRICE, wire.get_current_price(awake=True)
        )

    def shows(self, now: datetime) -> dict[str, Any]:
        """What became of both."""
        return {"first_acknowledged": self.first, "replay_acknowledged": self.again}

    def press(self, button: str, event: int | None, now: datetime) -> None:
        """There are no buttons."""
        raise NoSuchButton("this device has no buttons")
