"""The home-area devices of a street as they live: made when they are first asked for, remembered in a file."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gateway.clock import Clock
from gateway.dice import SeededDice
from gateway.errors import BadConfig, BadInput
from gateway.identifiers import Eui64
from simulators.home_devices import ADDRESSES, FIRST_ROGUE, MOST_DEVICES, HomeDevice, home_device
from simulators.street import Premise
from simulators.zigbee import zdo
from simulators.zigbee.air.nwk import NetworkKey
from simulators.zigbee.behaviour import Behaviour
from simulators.zigbee.cbke.credentials import Authority
from simulators.zigbee.cbke.talk import Party
from simulators.zigbee.install_code import install_code
from simulators.zigbee.kinds import KINDS, ROGUES, Kind, Made
from simulators.zigbee.life import Device, Stage
from simulators.zigbee.ncp.memory import COUNTER_STEP
from simulators.zigbee.nodes import Node, Plain
from simulators.zigbee.radio import Radio
from simulators.zigbee.reporting import recalled
from simulators.zigbee.timing import Timing

_NOWHERE = 0xFFFE


class UnknownDevice(BadInput):
    """No home-area device of that EUI-64 is in any home of this street."""


class Homes:
    """Devices in the homes of some premises, so many in each. path None keeps nothing on disk.

    suites are those of key establishment that the devices have certificates for; centre is the trust centre's EUI-64,
    which those that stand on the network from the start were told. A meter that is asked for a key, or that loses the
    network, has a life here from then on.
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
        centre: int,
        radio: Radio,
        clock: Clock,
        path: Path | None,
    ) -> None:
        if not 0 <= devices <= MOST_DEVICES:
            raise BadInput(f"a home has {MOST_DEVICES} devices at most")
        self._seed, self._first, self._premises, self._number = seed, first, premises, devices
        self._suites, self._plain, self._timing, self._authority = suites, plain, timing, authority
        self._centre, self._radio, self._clock, self._path = centre, radio, clock, path
        self._living: dict[int, Device] = {}
        self._guests: dict[str, tuple[HomeDevice, Made]] = {}
        radio.stray = self._astray

    def __iter__(self) -> Iterator[HomeDevice]:
        """Guests, then the devices in the order of the premises, whether they live already or not."""
        yield from (plan for plan, _ in self._guests.values())
        for index, premise in enumerate(self._premises):
            for number in range(self._number):
                found = home_device(self._seed, self._first, index, number, premise)
                if found.eui64 not in self._guests:
                    yield found

    def invite(self, eui64: Eui64, kind: str, made: Made) -> HomeDevice:
        """Have a device of another make in the first home, in place of the one of that EUI-64 if there is such.

        It has an install code of this street's, and is not remembered from one run to the next. Raises BadInput
        without a home.
        """
        if not self._premises:
            raise BadInput("a device needs a home: let the street have a meter")
        code = install_code(int(eui64, 16), SeededDice(self._seed))
        plan = HomeDevice(eui64=eui64, kind=kind, premise=self._premises[0], install_code=code)
        self._guests[eui64] = plan, made
        return plan

    def named(self, eui64: str) -> HomeDevice:
        """The device of an EUI-64. Raises UnknownDevice."""
        if eui64 in self._guests:
            return self._guests[eui64][0]
        index, number = divmod(int(Eui64(eui64), 16) & 0xFFFFFF, ADDRESSES)
        index -= self._first
        is_there = number < self._number or number >= FIRST_ROGUE
        if 0 <= index < len(self._premises) and is_there:
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

    def living(self, eui64: str) -> Device | None:
        """A device if it was made already."""
        return self._living.get(int(eui64, 16))

    def start(self) -> None:
        """Switch those on again that were on when they were last remembered. Raises BadConfig for a broken file."""
        for eui64, state in self._remembered().items():
            meter = self._radio.named(int(Eui64(eui64), 16))
            device = self.woken(meter.eui64) if meter is not None else self.device(eui64)
            recall(device, state)
            self._radio.reporters.attend(device.node)
            if meter is not None:
                self._radio.settle(meter, int(state["nwk"]))
            elif state["on"]:
                device.power_on()

    def woken(self, eui64: int) -> Device:
        """A node that stands on the network, a meter, with a life from now on. Raises UnknownDevice."""
        node = self._radio.named(eui64)
        if node is None:
            raise UnknownDevice(f"no node {eui64:016X} is on this street's network")
        if eui64 not in self._living:
            self._living[eui64] = self._with_life(node)
            self._living[eui64].carry_on()
        return self._living[eui64]

    async def close(self) -> None:
        """Remember everybody, and take the power from all."""
        self.save()
        self._path = None
        for device in self._living.values():
            await device.power_off()

    def save(self) -> None:
        """Write down what the devices that live know, if there is a file for it; it holds their keys."""
        if self._path is None or not (self._living or self._path.exists()):
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
        guest = self._guests.get(plan.eui64)
        kind = Kind(make=lambda _: guest[1]) if guest is not None else {**KINDS, **ROGUES}[plan.kind]
        made = kind.make(self._clock)
        node = Node(
            identity=zdo.Identity(eui64=int(plan.eui64, 16), nwk=_NOWHERE, logical_type=2 if kind.sleepy else 1),
            endpoints=made.endpoints,
            link_key=kind.own_key(plan.install_code),
            plain=self._plain,
            registered=False,
        )
        return self._with_life(node, made.behaviour, remembers=guest is None)

    def _with_life(self, node: Node, behaviour: Behaviour | None = None, *, remembers: bool = True) -> Device:
        return Device(
            node=node,
            radio=self._radio,
            clock=self._clock,
            suites=sum(self._suites),
            party=(lambda: self._party(node.eui64)) if self._suites else None,
            centre=self._centre,
            behaviour=behaviour,
            timing=self._timing,
            changed=self.save if remembers else None,
        )

    def _party(self, eui64: int) -> Party:
        return Party(eui64, [self._authority.issue(eui64, suite) for suite in self._suites], SeededDice(eui64))

    def _astray(self, node: Node) -> None:
        """A node has lost the network: it looks for the way back, a meter no less than a device."""
        if node.eui64 not in self._living:
            self._living[node.eui64] = self._with_life(node)
            self._living[node.eui64].power_on()
        else:
            self._living[node.eui64].stray()


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
        "reports": [] if node.reports is None else node.reports.remembered(),
    }


def recall(device: Device, state: dict[str, Any]) -> None:
    """Give a device back what it knew. Raises BadConfig for what is nothing of the kind."""
    node = device.node
    try:
        nwk = int(state["nwk"])
        device.uplink.centre = int(state["centre"], 16)
        node.registered = bool(state["registered"])
        node.link_key = None if state["link_key"] is None else bytes.fromhex(state["link_key"])
        if state["network_key"] is not None:
            key = bytes.fromhex(state["network_key"])
            node.give_network_key(NetworkKey(key=key, sequence=int(state["network_key_sequence"])))
        if node.shared is not None:
            node.shared.outgoing, node.shared.incoming = int(state["outgoing"]), int(state["incoming"])
        node.reports = recalled(state.get("reports", []))
        state["on"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadConfig(f"what device {node.eui64:016X} knew is broken: {error}") from None
    if node.identity.nwk == _NOWHERE:
        node.move(nwk)
