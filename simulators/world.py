"""A street of ZigBee Smart Energy meters behind one network co-processor, in one process."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from gateway.clock import Clock
from gateway.dice import SeededDice
from gateway.errors import BadInput
from simulators.faults import Fault
from simulators.meter import SimMeter, meter_at
from simulators.street import Premise, street
from simulators.zigbee import zdo
from simulators.zigbee.aps import SMART_ENERGY
from simulators.zigbee.clusters import BASIC, KEY_ESTABLISHMENT, METERING, TIME, Metering, basic, key_establishment
from simulators.zigbee.ncp.coprocessor import KEY_TABLE_SIZE, Coprocessor
from simulators.zigbee.ncp.memory import LinkKey, Memory, formed, load
from simulators.zigbee.ncp.server import NcpServer
from simulators.zigbee.nodes import Endpoint, Node, Plain
from simulators.zigbee.radio import Radio
from simulators.zigbee.zcl import Cluster

_BASIC: Cluster = basic()
_KEY_ESTABLISHMENT: Cluster = key_establishment()
ENERGY_SERVICES_INTERFACE, METERING_DEVICE = 0x0500, 0x0501


class OtherStreet(BadInput):
    """The co-processor's state file belongs to another street than the one asked for."""


class UnknownMeter(BadInput):
    """No meter of that number stands on this street."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetPlan:
    """What a street is like. first cuts longer streets into radios; blank leaves the co-processor without a network.

    key_table_size None makes room for a key per meter, which shipped firmware has not.
    """

    meters: int = 64
    seed: int = 7
    first: int = 0
    version: int = 14
    latency_s: float = 0.0
    plain: Plain = Plain.REFUSE
    key_table_size: int | None = None
    blank: bool = False
    state: Path | None = None


class ZigBeeStreet:
    """The street itself. Meters are reached by number; ncp is the port that a gateway's driver connects to."""

    def __init__(self, plan: StreetPlan, clock: Clock) -> None:
        self.plan = plan
        self.premises = street(plan.seed, plan.meters, plan.first)
        self.meters: dict[str, SimMeter] = {premise.meter: meter_at(premise, clock) for premise in self.premises}
        nodes = _nodes(plan, self.premises, list(self.meters.values()))
        self.memory = _memory(plan, nodes)
        self.radio = Radio(clock, nodes, plan.latency_s)
        size = plan.key_table_size if plan.key_table_size is not None else max(KEY_TABLE_SIZE, plan.meters)
        self.coprocessor = Coprocessor(self.memory, self.radio, clock, plan.version, size)
        self.ncp = NcpServer(self.coprocessor, clock)

    async def start(self, port: int = 0) -> int:
        """Open the co-processor's port on loopback; returns its number."""
        return await self.ncp.start(port)

    async def close(self) -> None:
        """Close the port and forget what is under way."""
        await self.ncp.close()
        self.radio.silence()

    def meter(self, number: str) -> SimMeter:
        """The meter of a number. Raises UnknownMeter."""
        if number not in self.meters:
            raise UnknownMeter(f"no meter {number[:24]!r} on this street")
        return self.meters[number]

    def set_fault(self, number: str, fault: Fault | None) -> None:
        """Break a meter, or mend it. Raises UnknownMeter."""
        self.meter(number).fault = fault

    def reads(self) -> dict[str, int]:
        """How many reads of each meter's registers were executed."""
        return {number: meter.reads for number, meter in self.meters.items()}


def _memory(plan: StreetPlan, nodes: Sequence[Node]) -> Memory:
    """The co-processor's memory: from its file if that exists, else formed with a key per meter. Raises OtherStreet."""
    asked_for = f"seed {plan.seed}, first {plan.first}, meters {plan.meters}"
    if plan.state is not None and plan.state.exists():
        memory = load(plan.state)
        if memory.formed_for not in (None, asked_for):
            words = f"{plan.state} was formed for {memory.formed_for}, not for {asked_for}"
            raise OtherStreet(f"{words}: ask for those, or remove the file")
        return memory
    eui64 = 0x000D6FFF00000000 | (plan.seed % 0x10000) << 16 | plan.first % 0x10000
    if plan.blank:
        return Memory(eui64=eui64, path=plan.state, formed_for=asked_for)
    keys = {
        index: LinkKey(eui64=node.eui64, key=node.link_key)
        for index, node in enumerate(nodes)
        if node.link_key is not None
    }
    memory = formed(eui64, SeededDice(plan.seed), keys, plan.state)
    memory.formed_for = asked_for
    memory.save()
    return memory


def _nodes(plan: StreetPlan, premises: Sequence[Premise], meters: Sequence[SimMeter]) -> list[Node]:
    """A node per meter, with a link key as after key establishment."""
    dice = SeededDice(plan.seed)
    rolls = dice.stream(f"nodes/{plan.first}")
    addresses = rolls.sample(range(1, 0xFFF0), len(premises))
    return [
        Node(
            identity=zdo.Identity(eui64=int(premise.eui64, 16), nwk=nwk),
            endpoints=_endpoints(meter, rolls),
            link_key=dice.stream(f"link key/{premise.esi_id}").randbytes(16),
            lqi=rolls.randrange(90, 256),
            rssi=rolls.randrange(-85, -40),
            plain=plan.plain,
            manners=meter,
        )
        for premise, meter, nwk in zip(premises, meters, addresses, strict=True)
    ]


def _endpoints(meter: SimMeter, rolls: Random) -> dict[int, Endpoint]:
    """One endpoint, which is not number 1 everywhere; some meters are their home's Energy Services Interface."""
    servers = {BASIC: _BASIC, METERING: Metering(meter), KEY_ESTABLISHMENT: _KEY_ESTABLISHMENT}
    clients = (TIME, KEY_ESTABLISHMENT) if rolls.random() < 0.5 else (KEY_ESTABLISHMENT,)
    device = ENERGY_SERVICES_INTERFACE if rolls.random() < 0.125 else METERING_DEVICE
    descriptor = zdo.Descriptor(profile=SMART_ENERGY, device=device, servers=tuple(servers), clients=clients)
    number = 9 if rolls.random() < 0.125 else 1
    return {number: Endpoint(descriptor=descriptor, servers=servers)}
