"""A home whose meter is its own network, on virtual time: what tests of it share."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from simulators.home_devices import FIRST_ROGUE, HomeDevice, home_device
from simulators.meter_network import MeterNetwork, NetworkPlan
from simulators.virtual_time import VirtualClock, run
from simulators.zigbee import zcl
from simulators.zigbee.air import nwk
from simulators.zigbee.air.recorder import Recorder
from simulators.zigbee.aps import SMART_ENERGY, ApsMessage
from simulators.zigbee.install_code import link_key_of
from simulators.zigbee.kinds import KINDS, ROGUES
from simulators.zigbee.life import Device, Stage
from simulators.zigbee.services_interface.log import What

T = TypeVar("T")
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Witness(Recorder):
    """A recorder that keeps the messages themselves: those of the meter, and those of its devices."""

    def __init__(self, clock: VirtualClock, centre: int) -> None:
        super().__init__(lambda _: None, clock, pan_id=1, channel=11, centre=centre)
        self.told: list[ApsMessage] = []
        self.said: list[ApsMessage] = []

    def message(self, message: ApsMessage, sender: int | None, key: nwk.NetworkKey | None, *, heard: bool) -> None:
        """Keep it, and write it down as any recorder."""
        (self.told if sender is None else self.said).append(message)
        super().message(message, sender, key, heard=heard)


class Home:
    """The home with its clock; devices are named by their kind. Where nothing is captured, a witness listens."""

    def __init__(self, plan: NetworkPlan) -> None:
        self.clock = VirtualClock()
        self.world = MeterNetwork(plan, self.clock)
        self.witness = Witness(self.clock, self.world.interface.eui64)
        if plan.capture is None:
            self.world.radio.tap = self.witness
        self.world.start()
        self.interface, self.programme = self.world.interface, self.world.interface.programme

    def label(self, kind: str) -> HomeDevice:
        """A device's label, an honest one's or a rogue's."""
        number = list(KINDS).index(kind) if kind in KINDS else FIRST_ROGUE + list(ROGUES).index(kind)
        plan = self.world.plan
        return home_device(plan.seed, plan.first, 0, number, self.world.premises[0])

    def eui64(self, kind: str) -> int:
        return int(self.label(kind).eui64, 16)

    def device(self, kind: str) -> Device:
        return self.world.homes.device(self.label(kind).eui64)

    def add(self, kind: str, window_s: int = 254, key_s: float = 300.0) -> None:
        """What a head end does: tell the meter of a device by its label."""
        label = self.label(kind)
        self.interface.add(int(label.eui64, 16), label.install_code, window_s, key_s)

    async def stands(self, kind: str, after_s: float = 200.0) -> Stage:
        """Where a device stands, so long after it was switched on."""
        self.world.power_on(self.label(kind).eui64)
        await self.clock.sleep(after_s)
        return self.device(kind).stage

    async def register(self, kind: str) -> Device:
        """Have a device join to the end."""
        self.add(kind)
        assert await self.stands(kind, 60.0) is Stage.REGISTERED
        return self.device(kind)

    def shows(self, kind: str) -> dict[str, Any]:
        front: Any = self.device(kind).behaviour
        shown: dict[str, Any] = front.shows(self.clock.now())
        return shown

    def noted(self, kind: str | None = None) -> list[What]:
        """What the meter noted, of one device or of all."""
        device = None if kind is None else self.eui64(kind)
        return [note.what for note in self.interface.log.notes if device is None or note.device == device]

    def words(self, kind: str, what: What) -> list[str]:
        """In which words it noted a thing of a device."""
        return [note.words for note in self.interface.log.of(self.eui64(kind)) if note.what is what]

    async def sends(self, kind: str, cluster: int, payload: bytes, *, encrypted: bool, endpoint: int = 1) -> bytes:
        """A device sends a ZCL frame as it is: what the meter answers to it, nothing if it is silent."""
        device, before = self.device(kind), len(self.witness.told)
        message = device.node.compose(
            cluster=cluster, payload=payload, profile=SMART_ENERGY, endpoints=(1, endpoint), encrypted=encrypted
        )
        await self.world.radio.send(device.node, message)
        await self.clock.sleep(1)
        told = [each.payload for each in self.witness.told[before:] if each.cluster == cluster]
        return next((each for each in told if each[1] == payload[1]), b"")

    async def ask(
        self, kind: str, cluster: int, command: int, body: bytes = b"", *, general: bool = False, encrypted: bool = True
    ) -> tuple[int, bytes]:
        """Have a device ask the meter: the command that answers, and its body."""
        heard = await self.device(kind).uplink.ask(cluster, command, body, general=general, encrypted=encrypted)
        return heard.header.command, heard.body

    async def read(self, kind: str, cluster: int, *attributes: int) -> dict[int, int | bytes]:
        """Have a device read attributes of the meter's."""
        told = await self.device(kind).uplink.read(cluster, *attributes)
        return {attribute: value.content for attribute, value in told.items()}


def lived(story: Callable[[Home], Awaitable[T]], **plan: Any) -> T:
    """What a story in a home gives; the home is built by a plan, and taken down afterwards."""

    async def live() -> T:
        home = Home(NetworkPlan(**plan))
        try:
            return await story(home)
        finally:
            await home.world.close()

    return run(live())


def key_of(label: HomeDevice) -> bytes:
    """The key that follows from a label's install code."""
    return link_key_of(label.install_code)


def refused(answer: bytes) -> int | None:
    """The status of a Default Response; None for any other frame."""
    return answer[4] if len(answer) == 5 and answer[2] == zcl.DEFAULT_RESPONSE else None
