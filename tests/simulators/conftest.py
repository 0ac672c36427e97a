"""Streets of simulated meters with a clock that a test moves, and the stock host stack connected to them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import zigpy.types as t
from bellows.zigbee.application import ControllerApplication  # type: ignore[import-untyped]  # bellows ships no types

from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee.nodes import Node

NOON = datetime(2026, 7, 8, 17, tzinfo=UTC)


class HandClock:
    """Time that moves only when a test moves it; whoever sleeps wakes as it passes."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at
        self._passed = 0.0
        self._asleep: list[tuple[float, asyncio.Future[None]]] = []
        self._slept = asyncio.Event()

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        self._asleep.append((self._passed + seconds, woken))
        self._slept.set()
        await woken

    async def until_asleep(self, seconds: float) -> None:
        """Until somebody sleeps so long from now."""
        while not any(
            abs(instant - self._passed - seconds) < 1e-9 and not woken.done() for instant, woken in self._asleep
        ):
            self._slept.clear()
            await asyncio.wait_for(self._slept.wait(), 5)

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self._passed += seconds
        due = [woken for instant, woken in self._asleep if instant <= self._passed + 1e-9 and not woken.done()]
        self._asleep = [(instant, woken) for instant, woken in self._asleep if instant > self._passed + 1e-9]
        for woken in due:
            woken.set_result(None)


class Host(ControllerApplication):  # type: ignore[misc]  # bellows ships no types
    """The stock application; what it would drop as no profile of its own is kept for the test."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.packets: asyncio.Queue[t.ZigbeePacket] = asyncio.Queue()
        self.lost: asyncio.Event = asyncio.Event()
        self.callbacks: list[tuple[str, list[Any]]] = []
        self._called_back = asyncio.Event()

    def ezsp_callback_handler(self, frame_name: str, args: list[Any]) -> None:
        self.callbacks.append((frame_name, args))
        self._called_back.set()
        super().ezsp_callback_handler(frame_name, args)

    async def told(self, name: str, count: int) -> list[list[Any]]:
        """What every callback of a name has told, once there are so many; none may come after them."""
        async with asyncio.timeout(5):
            while sum(callback == name for callback, _ in self.callbacks) < count:
                self._called_back.clear()
                await self._called_back.wait()
        await self._ezsp.nop()
        await self._ezsp.nop()
        return [args for callback, args in self.callbacks if callback == name]

    async def joins(self, count: int) -> list[tuple[int, int, int]]:
        """Who was reported as coming or going, how, and what was decided: (EUI-64, update, decision)."""
        return [
            (int.from_bytes(args[1].serialize(), "little"), int(args[2]), int(args[3]))
            for args in await self.told("trustCenterJoinHandler", count)
        ]

    async def let_in(self, eui64: int | str, key: bytes, window_s: int = 60, policy: int = 0x11) -> list[int]:
        """Open the network as a Smart Energy trust centre does, for one device; returns the three statuses."""
        address = int(eui64, 16) if isinstance(eui64, str) else eui64
        ezsp = self._ezsp
        statuses = [
            await ezsp.importTransientKey(
                eui64=t.EUI64(address.to_bytes(8, "little")), plaintext_key=t.KeyData(key), flags=0
            ),
            await ezsp.setPolicy(policyId=0, decisionId=policy),
            await ezsp.permitJoining(duration=window_s),
        ]
        return [int(status) for (status,) in statuses]

    def packet_received(self, packet: t.ZigbeePacket) -> None:
        if packet.profile_id:
            self.packets.put_nowait(packet)
        else:
            super().packet_received(packet)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()

    async def ask(
        self,
        node: Node,
        cluster: int,
        payload: str,
        *,
        encrypted: bool = False,
        profile: int = 0x0109,
        endpoint: int = 0,
    ) -> t.ZigbeePacket:
        """Send a ZCL frame (hex) to a node's endpoint and wait for what it answers."""
        await self.tell(node, cluster, payload, encrypted=encrypted, profile=profile)
        async with asyncio.timeout(5):
            while True:
                answer = await self.packets.get()
                if answer.data.serialize()[1] == bytes.fromhex(payload)[1] and answer.cluster_id == cluster:
                    return answer

    async def ask_encrypted(self, node: Node, cluster: int, payload: str) -> t.ZigbeePacket:
        """The same under the link key, once the co-processor knows whose address it is."""
        await self.meet(node)
        return await self.ask(node, cluster, payload, encrypted=True)

    async def meet(self, node: Node) -> None:
        """Hear from the node, so that the co-processor knows it by both addresses."""
        await self.ask(node, 0x0000, "00 00 00 0000")

    async def tell(
        self,
        node: Node,
        cluster: int,
        payload: str,
        *,
        encrypted: bool = False,
        profile: int = 0x0109,
        endpoint: int = 0,
    ) -> None:
        options = t.TransmitOptions.ACK
        if encrypted:
            options |= t.TransmitOptions.APS_Encryption
        fields: dict[str, Any] = {
            "src_ep": 1, "dst_ep": next(iter(node.endpoints)), "tsn": 1, "profile_id": profile, "cluster_id": cluster,
        }  # fmt: skip
        await self.send_packet(
            t.ZigbeePacket(
                src=address(t.AddrMode.NWK, 0),
                dst=address(t.AddrMode.NWK, node.nwk),
                data=t.SerializableBytes(bytes.fromhex(payload)),
                tx_options=options,
                **fields,
            )
        )


class SmartEnergyHost(Host):
    """The stock application without its habits for homes: it opens for nobody by itself, and interviews nobody."""

    async def permit(self, time_s: int = 60, node: Any = None) -> None:
        """Stock bellows would install a key for anybody, even to close the network."""

    def handle_join(self, nwk: t.NWK, ieee: t.EUI64, parent_nwk: t.NWK, *, handle_rejoin: bool = True) -> None:
        """Know the device, and ask it nothing."""
        self.add_device(ieee, nwk)


def address(mode: t.AddrMode, number: Any) -> t.AddrModeAddress:
    """An address of the host stack; it turns plain numbers into its own kinds."""
    return t.AddrModeAddress(mode, number)


def host_config(port: int) -> dict[str, Any]:
    return {
        "database_path": None,
        "device": {"path": f"socket://127.0.0.1:{port}"},
        "use_thread": False,
        "ota": {"enabled": False, "providers": []},
        "backup_enabled": False,
        "topology_scan_enabled": False,
        "watchdog_enabled": False,
    }


Standing = Callable[[StreetPlan], Awaitable[tuple[ZigBeeStreet, int]]]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def stand(clock: HandClock) -> AsyncIterator[Standing]:
    """Makes a street stand on a free port; it is taken down after the test."""
    streets: list[ZigBeeStreet] = []

    async def build(plan: StreetPlan) -> tuple[ZigBeeStreet, int]:
        world = ZigBeeStreet(plan, clock)
        streets.append(world)
        return world, await world.start()

    yield build
    for world in streets:
        await world.close()


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., Awaitable[Host]]]:
    """Starts the stock host stack against a port."""
    hosts: list[Host] = []

    async def start(port: int, *, auto_form: bool = False, kind: type[Host] = Host) -> Host:
        host = kind(host_config(port))
        hosts.append(host)
        await host.startup(auto_form=auto_form)
        return host

    yield start
    for host in hosts:
        await host.shutdown()
