"""A street of ZigBee Smart Energy meters and home-area devices behind one network co-processor, in one process."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from gateway.clock import Clock
from gateway.dice import SeededDice
from gateway.errors import BadInput
from gateway.identifiers import Eui64
from simulators.capture_file import CaptureFile
from simulators.faults import Fault
from simulators.home_devices import HomeDevice
from simulators.homes import Homes
from simulators.meter import MeterEvent, SimMeter, meter_at
from simulators.street import MOST_METERS, Premise, street
from simulators.zigbee import zdo
from simulators.zigbee.air.replay import Recording
from simulators.zigbee.air.weather import CLEAR, Sky, Weather
from simulators.zigbee.aps import SMART_ENERGY
from simulators.zigbee.cbke.credentials import SUITE_163, SUITE_283, Authority
from simulators.zigbee.clusters import BASIC, KEY_ESTABLISHMENT, METERING, TIME, LatentKeys, Metering, basic
from simulators.zigbee.events import EVENTS, PUBLISH_EVENT, Events, published, told_at_once
from simulators.zigbee.life import Device, Stage
from simulators.zigbee.ncp.coprocessor import Coprocessor
from simulators.zigbee.ncp.memory import LinkKey, Memory, formed, load
from simulators.zigbee.ncp.server import NcpServer
from simulators.zigbee.ncp.sizes import SHIPPED, Sizes, lifted
from simulators.zigbee.nodes import Endpoint, Node, Plain
from simulators.zigbee.player import REPLAY, player_of
from simulators.zigbee.radio import Radio
from simulators.zigbee.timing import INSTANT, Timing
from simulators.zigbee.uplink import Unanswered
from simulators.zigbee.zcl import Cluster, Commanded

_BASIC: Cluster = basic()
ENERGY_SERVICES_INTERFACE, METERING_DEVICE = 0x0500, 0x0501


class OtherStreet(BadInput):
    """The co-processor's state file belongs to another street than the one asked for."""


class UnknownMeter(BadInput):
    """No meter of that number stands on this street."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetPlan:
    """What a street is like. first cuts longer streets into radios; blank leaves the co-processor without a network.

    devices home-area devices wait in each home, outside the network and without power; suites are those of key
    establishment that they have certificates for.
    The co-processor's tables have room for everybody, unless they are shipped: those are as small as firmware's on the
    market; key_table_size, if given, stands for the size of that one table.
    """

    meters: int = 64
    seed: int = 7
    first: int = 0
    version: int = 14
    latency_s: float = 0.0
    plain: Plain = Plain.REFUSE
    shipped: bool = False
    key_table_size: int | None = None
    devices: int = 0
    suites: tuple[int, ...] = (SUITE_163, SUITE_283)
    timing: Timing = INSTANT
    blank: bool = False
    state: Path | None = None
    weather: Weather = CLEAR
    capture: Path | None = None
    keys: Path | None = None

    @property
    def sizes(self) -> Sizes:
        """The co-processor's tables."""
        sizes = SHIPPED if self.shipped else lifted(min(self.meters * (1 + self.devices), MOST_METERS))
        return sizes if self.key_table_size is None else replace(sizes, link_keys=self.key_table_size)


class ZigBeeStreet:
    """The street itself. Meters are reached by number, home-area devices by EUI-64; ncp is the port that a gateway's
    driver connects to. authority issues the certificates of everybody here, the gateway's trust centre among them."""

    def __init__(self, plan: StreetPlan, clock: Clock, line_clock: Clock | None = None) -> None:
        """line_clock is the host's time, for serial line, windows and keys; the same clock if there is none."""
        self.plan, self.clock = plan, clock
        self._soon: set[asyncio.Future[None]] = set()
        line_clock = line_clock or clock
        self.premises = street(plan.seed, plan.meters, plan.first)
        self.meters: dict[str, SimMeter] = {premise.meter: meter_at(premise, clock) for premise in self.premises}
        nodes = _nodes(plan, self.premises, list(self.meters.values()), self._wake)
        self.memory = _memory(plan, nodes)
        sky = Sky(SeededDice(plan.seed), plan.weather)
        self._capture = None if plan.capture is None else CaptureFile(plan.capture, plan.keys, self.memory, clock)
        tap = None if self._capture is None else self._capture.recorder
        self.radio = Radio(clock, nodes, plan.latency_s, sky, tap)
        self.authority = Authority(SeededDice(plan.seed))
        self.homes = Homes(
            seed=plan.seed,
            first=plan.first,
            premises=self.premises,
            devices=plan.devices,
            suites=plan.suites,
            plain=plan.plain,
            timing=plan.timing,
            authority=self.authority,
            centre=self.memory.eui64,
            radio=self.radio,
            clock=clock,
            path=None if plan.state is None else plan.state.with_suffix(".homes.json"),
        )
        for meter in self.meters.values():
            meter.told = self._happened
        self.coprocessor = Coprocessor(
            self.memory,
            self.radio,
            line_clock,
            plan.version,
            sizes=plan.sizes,
            key_switch_s=plan.timing.key_switch_s,
        )
        self.ncp = NcpServer(self.coprocessor, line_clock, baud=plan.timing.baud)

    async def start(self, port: int = 0) -> int:
        """Open the co-processor's port on loopback, and switch on what was on; returns the port's number."""
        number = await self.ncp.start(port)
        self.homes.start()
        return number

    async def close(self) -> None:
        """Close the port, take the power from everybody and forget what is under way."""
        await self.ncp.close()
        await self.homes.close()
        await self.radio.close()
        self.memory.save()
        if self._capture is not None:
            self._capture.close()

    def later(self, work: Coroutine[None, None, None]) -> None:
        """Have something done soon, as long as the street stands."""
        task = asyncio.ensure_future(work)
        self._soon.add(task)
        task.add_done_callback(self._soon.discard)

    def home_devices(self) -> Iterator[HomeDevice]:
        """The devices in the homes, in the order of the premises, switched on or not."""
        return iter(self.homes)

    def replay(self, recording: Recording) -> HomeDevice:
        """Have a recorded device in the first home; once it is on and registered, it says again what it said."""
        return self.homes.invite(Eui64(f"{recording.eui64:016X}"), REPLAY, player_of(recording))

    def power_on(self, eui64: str) -> Device:
        """Switch a home-area device on: it looks for a network to join. Raises UnknownDevice."""
        device = self.homes.device(eui64)
        device.power_on()
        return device

    async def power_off(self, eui64: str) -> None:
        """Take a home-area device's power. Raises UnknownDevice."""
        await self.homes.device(eui64).power_off()

    def _wake(self, eui64: int) -> Commanded:
        """A meter is asked for a key: from now on it has a life."""
        return self.homes.woken(eui64).key_server

    def _happened(self, meter: SimMeter, event: MeterEvent) -> None:
        """A meter that has a life tells the trust centre of some events; the others keep them in their logs."""
        device = self.homes.living(meter.eui64)
        if device is not None and device.stage is Stage.REGISTERED and told_at_once(event):
            self.later(_tell(device, event))

    def certificates(self) -> list[str]:
        """The trust centre's credentials, a file's text for each suite; they hold private keys."""
        return [self.authority.issue(self.memory.eui64, suite).as_file() for suite in (SUITE_163, SUITE_283)]

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


async def _tell(device: Device, event: MeterEvent) -> None:
    """PublishEvent, if the trust centre has to do with such; whether it arrives, the meter does not care."""
    with suppress(Unanswered):
        await device.uplink.tell(EVENTS, PUBLISH_EVENT, published(event), from_server=True)


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
        for index, node in enumerate(nodes[: plan.sizes.link_keys])
        if node.link_key is not None
    }
    memory = formed(eui64, SeededDice(plan.seed), keys, plan.state)
    memory.formed_for = asked_for
    memory.save()
    return memory


def _nodes(
    plan: StreetPlan, premises: Sequence[Premise], meters: Sequence[SimMeter], wake: Callable[[int], Commanded]
) -> list[Node]:
    """A node per meter, with a link key as after key establishment."""
    dice = SeededDice(plan.seed)
    rolls = dice.stream(f"nodes/{plan.first}")
    addresses = rolls.sample(range(1, 0xFFF0), len(premises))
    return [
        Node(
            identity=zdo.Identity(eui64=int(premise.eui64, 16), nwk=nwk),
            endpoints=_endpoints(meter, LatentKeys(int(premise.eui64, 16), sum(plan.suites), wake), rolls),
            link_key=dice.stream(f"link key/{premise.esi_id}").randbytes(16),
            lqi=rolls.randrange(90, 256),
            rssi=rolls.randrange(-85, -40),
            plain=plan.plain,
            manners=meter,
        )
        for premise, meter, nwk in zip(premises, meters, addresses, strict=True)
    ]


def _endpoints(meter: SimMeter, keys: Cluster, rolls: Random) -> dict[int, Endpoint]:
    """One endpoint, which is not number 1 everywhere; some meters are their home's Energy Services Interface."""
    servers = {BASIC: _BASIC, METERING: Metering(meter), EVENTS: Events(meter), KEY_ESTABLISHMENT: keys}
    clients = (TIME, KEY_ESTABLISHMENT) if rolls.random() < 0.5 else (KEY_ESTABLISHMENT,)
    device = ENERGY_SERVICES_INTERFACE if rolls.random() < 0.125 else METERING_DEVICE
    descriptor = zdo.Descriptor(profile=SMART_ENERGY, device=device, servers=tuple(servers), clients=clients)
    number = 9 if rolls.random() < 0.125 else 1
    return {number: Endpoint(descriptor=descriptor, servers=servers)}
