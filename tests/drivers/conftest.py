"""A ZigBee laboratory for the driver's tests: a simulated co-processor on a free port, with meters under our thumb."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.zigbee import ZigBeeDriver
from gateway.clock import SystemClock
from gateway.config import Secret
from gateway.dice import SeededDice
from gateway.identifiers import MeterNumber
from gateway.links import Backoff, keep
from gateway.ports import Assignment
from simulators.zigbee import zcl, zdo
from simulators.zigbee.cbke.credentials import Authority
from simulators.zigbee.cbke.talk import Party
from simulators.zigbee.install_code import link_key_of
from simulators.zigbee.kinds import KINDS
from simulators.zigbee.life import Device
from simulators.zigbee.ncp.coprocessor import Coprocessor
from simulators.zigbee.ncp.memory import LinkKey, Memory, formed
from simulators.zigbee.ncp.server import NcpServer
from simulators.zigbee.nodes import Endpoint, Node
from simulators.zigbee.radio import Radio
from tests.drivers.homes import AUTHORITY, CODE, FIRST_EUI64, MASTER_KEY, NEWCOMER, OUR_EUI64

QUICK = Backoff(first_s=0.02, last_s=0.1)


class Meter:
    """A Metering server's attributes, and how often they were asked for. A number of None is an absent attribute."""

    def __init__(self, delivered: int) -> None:
        self.silent = False
        self.delay_s = 0.0
        self.instead: bytes | None = None
        self.asked = 0
        self.was_asked = asyncio.Event()
        self.values: dict[int, zcl.Value] = {}
        self.put(0x0000, zcl.UINT48, delivered)
        self.put(0x0001, zcl.UINT48, 7)
        self.put(0x0007, zcl.UTC, 800_000_000)
        self.put(0x000A, zcl.UINT8, 30)
        self.put(0x0200, zcl.BITMAP8, 0)
        self.put(0x0300, zcl.ENUM8, 0)
        self.put(0x0301, zcl.UINT24, 1)
        self.put(0x0302, zcl.UINT24, 1000)
        self.put(0x0306, zcl.BITMAP8, 0)
        self.put(0x0400, zcl.INT24, -250)

    def put(self, attribute: int, kind: int, number: int | None) -> None:
        """Set an attribute, or take it away."""
        self.values.pop(attribute, None)
        if number is not None:
            self.values[attribute] = zcl.Value(kind, number)

    def attributes(self) -> Sequence[int]:
        return sorted(self.values)

    def attribute(self, attribute: int) -> zcl.Value | None:
        return self.values.get(attribute)

    def reading(self, attributes: Sequence[int]) -> bytes | None:
        self.asked += 1
        self.was_asked.set()
        return self.instead


class Laboratory:
    """One co-processor and its meters. servers are what each meter's endpoint 9 serves; node may misbehave."""

    def __init__(
        self,
        meters: int,
        version: int = 14,
        servers: tuple[int, ...] = (0x0000, 0x0702),
        first_nwk: int = 0x1000,
        node: type[Node] = Node,
    ) -> None:
        self.clock = SystemClock()
        self.meters = [Meter(delivered=1_000_003 * number + 1) for number in range(meters)]
        keys = [bytes([number + 1]) * 16 for number in range(meters)]
        descriptor = zdo.Descriptor(profile=0x0109, device=0x0501, servers=servers)
        self.nodes = [
            node(
                identity=zdo.Identity(eui64=FIRST_EUI64 + number, nwk=first_nwk + number),
                endpoints={9: Endpoint(descriptor=descriptor, servers={0x0702: meter})},
                link_key=keys[number],
                manners=meter,
            )
            for number, meter in enumerate(self.meters)
        ]
        self.memory: Memory = formed(
            OUR_EUI64,
            SeededDice(7),
            {number: LinkKey(eui64=FIRST_EUI64 + number, key=key) for number, key in enumerate(keys)},
        )
        self.radio = Radio(self.clock, self.nodes)
        self.devices: list[Device] = []
        self.radio.stray = self._stray
        self.coprocessor = Coprocessor(self.memory, self.radio, self.clock, version, key_table_size=max(12, meters))
        self.server = NcpServer(self.coprocessor, self.clock)
        self.port = 0

    def newcomer(
        self,
        eui64: int = int(NEWCOMER, 16),
        *,
        code: bytes = CODE.reveal(),
        kind: str = "display",
        suites: Sequence[int] = (1, 2),
        authority: Authority = AUTHORITY,
        certified: int | None = None,
        sleepy: bool = False,
    ) -> Device:
        """A device outside the network, without power. certified is whom its certificate names, itself by default."""
        made = KINDS[kind].make(self.clock)
        node = Node(
            identity=zdo.Identity(eui64=eui64, nwk=0xFFFE, logical_type=2 if sleepy else 1),
            endpoints=made.endpoints,
            link_key=link_key_of(code),
            registered=False,
        )

        def party() -> Party:
            return Party(eui64, [authority.issue(certified or eui64, suite) for suite in suites], SeededDice(eui64))

        device = Device(
            node=node,
            radio=self.radio,
            clock=self.clock,
            suites=sum(suites),
            party=party if suites else None,
            behaviour=made.behaviour,
        )
        self.devices.append(device)
        return device

    def _stray(self, node: Node) -> None:
        for device in self.devices:
            if device.node is node:
                device.stray()

    async def open(self) -> None:
        """Listen; again on the same port after a close."""
        self.port = await self.server.start(self.port)

    async def close(self) -> None:
        for device in self.devices:
            await device.power_off()
        await self.server.close()

    def homely(self, folder: Path, suites: Sequence[int] = (1, 2), **settings: Any) -> ZigBeeDriver:
        """A driver with a home area network: certificates, database and vault in a folder."""
        files = []
        for suite in suites:
            files.append(folder / f"suite-{suite}.txt")
            files[-1].write_text(AUTHORITY.issue(OUR_EUI64, suite).as_file(), encoding="ascii")
        (folder / "vault.key").write_text(MASTER_KEY, encoding="ascii")
        home = {
            "certificates": files,
            "vault_key": Secret(file=folder / "vault.key"),
            "database": folder / "network.db",
            "key_begin_s": 20.0,
            "announce_s": 1.0,
            "key_switch_s": 0.1,
        }
        return self.driver(**home | settings)

    def driver(self, **settings: Any) -> ZigBeeDriver:
        """A driver on this co-processor, with little patience."""
        told = {
            "radio": f"socket://127.0.0.1:{self.port}",
            "attempt_timeout_s": 0.3,
            "start_timeout_s": 10.0,
            **settings,
        }
        return ZigBeeDriver("radio", ZigBeeDriver.Settings(**told), self.clock, SeededDice(7))

    def assignment(self, number: int) -> Assignment:
        """The meter of that number."""
        return Assignment(meter=MeterNumber(f"M{number}"), driver="radio", address=f"{FIRST_EUI64 + number:016X}")

    @property
    def broadcasts(self) -> int:
        """How many broadcasts the co-processor has sent since it started."""
        return self.coprocessor.settings.counters[7]


@asynccontextmanager
async def kept(driver: ZigBeeDriver) -> AsyncIterator[ZigBeeDriver]:
    """A driver that is run again whenever it loses its connection."""
    running = asyncio.create_task(keep(driver.name, driver.run, SystemClock(), QUICK))
    try:
        yield driver
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def keep_up() -> Callable[..., Any]:
    """Keep a driver running for the length of a block."""
    return kept


@pytest.fixture
async def laboratory() -> AsyncIterator[Callable[..., Any]]:
    """Open laboratories; they are closed afterwards."""
    opened: list[Laboratory] = []

    async def opening(meters: int, **kwargs: Any) -> Laboratory:
        lab = Laboratory(meters, **kwargs)
        opened.append(lab)
        await lab.open()
        return lab

    yield opening
    for lab in opened:
        await lab.close()
