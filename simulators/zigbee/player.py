"""A recorded device that lives again: it joins with its own keys, and says what it said, as long after its first word.

Commands that come to it are taken and change nothing; what it was asked for in the recording it answers as it did.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from simulators.zigbee import zcl, zdo
from simulators.zigbee.air.replay import Recording
from simulators.zigbee.aps import SMART_ENERGY
from simulators.zigbee.behaviour import Event
from simulators.zigbee.clusters import BASIC, KEY_ESTABLISHMENT
from simulators.zigbee.devices.panel import Client, NoSuchButton
from simulators.zigbee.kinds import DISPLAY, Made
from simulators.zigbee.nodes import Endpoint
from simulators.zigbee.uplink import Uplink

REPLAY = "replay"
"""The kind of such a device, in lists."""


class Patient(Client):
    """One side of a cluster that was recorded: its attributes stand still, and commands are taken."""

    def __init__(self, values: Mapping[int, zcl.Value]) -> None:
        self.values = dict(values)

    def command(self, command: zcl.Command) -> zcl.Reply | int | None:
        """Nothing comes of it."""
        return zcl.SUCCESS


class Player:
    """simulators.zigbee.behaviour.Behaviour of a recorded device, and its front. After a rejoin it goes on."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.said = self.delivered = 0

    def told(self, event: Event) -> None:
        """One that has left the network begins again when it is back."""
        if event is Event.LEFT:
            self.said = self.delivered = 0

    async def live(self, uplink: Uplink) -> None:
        """Say what is left to say, each word when its time has come."""
        words = self._recording.said
        if self.said == len(words):
            return
        began_s = uplink.clock.monotonic() - words[self.said].after_s
        for word in words[self.said :]:
            wait_s = began_s + word.after_s - uplink.clock.monotonic()
            if wait_s > 0:
                await uplink.clock.sleep(wait_s)
            self.said += 1
            self.delivered += await uplink.speak(
                word.cluster, word.payload, word.endpoints, profile=word.profile, encrypted=word.encrypted
            )

    def shows(self, now: datetime) -> dict[str, Any]:
        """How far it is."""
        return {"said": self.said, "delivered": self.delivered, "of": len(self._recording.said)}

    def press(self, button: str, event: int | None, now: datetime) -> None:
        """There are no buttons."""
        raise NoSuchButton("a recorded device has no buttons")


def player_of(recording: Recording) -> Made:
    """A recorded device's endpoints and what it does."""
    return Made(
        endpoints={number: _endpoint(recording, number, each) for number, each in _descriptors(recording).items()},
        behaviour=Player(recording),
    )


def _descriptors(recording: Recording) -> Mapping[int, zdo.Descriptor]:
    """Those that were recorded, and for other endpoints what follows from their messages.

    Where a capture does not say what a device is, it passes for an in-home display.
    """
    made: dict[int, zdo.Descriptor] = {}
    for number in {word.endpoints[0] for word in recording.said}:
        words = [word for word in recording.said if word.endpoints[0] == number]
        sides = [(bool(word.payload[0] & 0x08), word.cluster) for word in words]
        served, used = ({cluster for serves, cluster in sides if serves is side} for side in (True, False))
        made[number] = zdo.Descriptor(
            profile=words[0].profile,
            device=DISPLAY,
            servers=tuple(sorted({BASIC, KEY_ESTABLISHMENT} | served)),
            clients=tuple(sorted({KEY_ESTABLISHMENT} | used)),
        )
    given = {number: each for number, each in recording.descriptors.items() if each.profile == SMART_ENERGY}
    return {**made, **given}


def _endpoint(recording: Recording, number: int, descriptor: zdo.Descriptor) -> Endpoint:
    told = recording.attributes
    return Endpoint(
        descriptor=descriptor,
        servers={cluster: Patient(told.get((number, cluster), {})) for cluster in descriptor.servers},
        clients={cluster: Patient({}) for cluster in descriptor.clients},
    )
