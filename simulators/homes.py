"""The home-area devices of a street as they live: made when they are first asked for, remembered in a file."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gateway.clock import Clock
from gateway.dice import SeededDice
from gateway.errors import BadConfig, BadInput
from gateway.identifiers import Eui64
from simulators.home_devices import MOST_DEVICES, HomeDevice, home_device
from simulators.street import Premise
from simulators.zigbee import zdo
from simulators.zigbee.air.nwk import NetworkKey
from simulators.zigbee.cbke.credentials import Authority
from simulators.zigbee.cbke.talk import Party
from simulators.zigbee.install_code import link_key_of
from simulators.zigbee.kinds import KINDS
from simulators.zigbee.life import Device, Stage
from simulators.zigbee.ncp.memory import COUNTER_STEP
from simulators.zigbee.nodes import Node, Plain
from simulators.zigbee.radio import Radio
from simulators.zigbee.timing import Timing

_NOWHERE = 0xFFFE


class UnknownDevice(BadInput):
    """No home-area device of that EUI-64 is in any home of this street."""


class Homes:
    """Devices in the homes of some premises, so many in each. path None keeps nothing on disk.

    suites are those of key establishment that the devices have certificates for.
    """

    def __init__(
        self,
        *,
        seed: int,
        first: int,
        premises: Sequence[Premise],
        devices: int,
        suites: Sequence[int],
        plain: Plain,
        timing: Timing,
        authority: Authority,
        radio: Radio,
        clock: Clock,
        path: Path | None,
    ) -> None:
        if not 0 <= devices <= MOST_DEVICES:
            raise BadInput(f"a home has {MOST_DEVICES} devices at most")
        self._seed, self._first, self._premises, self._number = seed, first, premises, devices
        self._suites, self._plain, self._timing, self._authority = suites, plain, timing, authority
        self._radio, self._clock, self._path = radio, clock, path
        self._living: dict[int, Device] = {}
        radio.stray = self._astray

    def __iter__(self) -> Iterator[HomeDevice]:
        """The devices in the order of the premises, whether they live already or not."""
        for index, premise in enumerate(self._premises):
            for number in range(self._number):
                yield home_device(self._seed, self._first, index, number, premise)

    def named(self, eui64: str) -> HomeDevice:
        """The device of an EUI-64. Raises UnknownDevice."""
        index, number = divmod(int(Eui64(eui64), 16) & 0xFFFFFF, MOST_DEVICES)
        index -= self._first
        if 0 <= index < len(self._premises) and number < self._number:
            found = home_device(self._seed, self._first, index, number, self._premises[index])
            if found.eui64 == eui64:
                return found
        raise UnknownDevice(f"no home-area device {eui64[:16]} on this street")

    def device(self, eui64: str) -> Device:
        """A device as it lives. Raises UnknownDevice."""
        address = int(Eui64(eui64), 16)
        if address not in self._living:
            self._living[address] = self._made(self.named(eui64))
        return self._living[address]

    def start(self) -> None:
        """Switch those on again that were on when they were last remembered. Raises BadConfig for a broken file."""
        for eui64, state in self._remembered().items():
            device = self.device(eui64)
            recall(device.node, state)
            device.uplink.centre = int(state["centre"], 16)
            if state["on"]:
                device.power_on()

    async def close(self) -> None:
        """Remember everybody, and take the power from all."""
        self.save()
        self._path = None
        for device in self._living.values():
            await device.power_off()

    def save(self) -> None:
        """Write down what the devices that live know, if there is a file for it; it holds their keys."""
        if self._path is None or not self._number:
            return
        state = {f"{eui64:016X}": remembered(device) for eui64, device in self._living.items() if device.keeps_memory}
        part = self._path.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(json.dumps(state, indent=2), encoding="utf-8")
        part.replace(self._path)

    def _remembered(self) -> dict[str, dict[str, Any]]:
        if self._path is None or not self._path.exists():
            return {}
        try:
            state = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(eui64): dict(device) for eui64, device in state.items()}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise BadConfig(f"{self._path} does not hold what home-area devices know: {error}") from None

    def _made(self, plan: HomeDevice) -> Device:
        kind, address = KINDS[plan.kind], int(plan.eui64, 16)
        made = kind.make(self._clock)
        node = Node(
            identity=zdo.Identity(eui64=address, nwk=_NOWHERE, logical_type=2 if kind.sleepy else 1),
            endpoints=made.endpoints,
            link_key=link_key_of(plan.install_code),
            plain=self._plain,
            registered=False,
        )
        return Device(
            node=node,
            radio=self._radio,
            clock=self._clock,
            suites=sum(self._suites),
            party=(lambda: self._party(address)) if self._suites else None,
            behaviour=made.behaviour,
            timing=self._timing,
            changed=self.save,
        )

    def _party(self, eui64: int) -> Party:
        return Party(eui64, [self._authority.issue(eui64, suite) for suite in self._suites], SeededDice(eui64))

    def _astray(self, node: Node) -> None:
        """A node has lost the network: it looks for the way back, a meter no less than a device."""
        device = self._living.get(node.eui64)
        if device is None:
            device = Device(node=node, radio=self._radio, clock=self._clock, timing=self._timing)
            self._living[node.eui64] = device
            device.power_on()
        else:
            device.stray()


def remembered(device: Device) -> dict[str, Any]:
    """What a device keeps without power; its frame counters go on beyond all that it may have used."""
    node, key, shared = device.node, device.node.network_key, device.node.shared
    return {
        "on": device.stage is not Stage.OFF,
        "nwk": node.nwk,
        "centre": f"{device.uplink.centre:016X}",
        "network_key": None if key is None else key.key.hex(),
        "network_key_sequence": 0 if key is None else key.sequence,
        "link_key": None if node.link_key is None else node.link_key.hex(),
        "registered": node.registered,
        "outgoing": 0 if shared is None else shared.outgoing + COUNTER_STEP,
        "incoming": 0 if shared is None else shared.incoming,
    }


def recall(node: Node, state: dict[str, Any]) -> None:
    """Give a node back what it knew. Raises BadConfig for what is nothing of the kind."""
    try:
        node.move(int(state["nwk"]))
        node.registered = bool(state["registered"])
        node.link_key = None if state["link_key"] is None else bytes.fromhex(state["link_key"])
        if state["network_key"] is not None:
            key = bytes.fromhex(state["network_key"])
            node.network_key = NetworkKey(key=key, sequence=int(state["network_key_sequence"]))
        if node.shared is not None:
            node.shared.outgoing, node.shared.incoming = int(state["outgoing"]), int(state["incoming"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadConfig(f"what device {node.eui64:016X} knew is broken: {error}") from None
