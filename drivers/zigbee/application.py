"""The co-processor's network as a Smart Energy trust centre: bellows' application without its habits for homes."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import bellows.types as ezsp_t  # type: ignore[import-untyped]  # bellows ships no types
import zigpy.types as t
import zigpy.zdo
import zigpy.zdo.types as zdo_t
from bellows.ash import AshException, NcpFailure  # type: ignore[import-untyped]  # bellows ships no types
from bellows.exception import ControllerError, EzspError  # type: ignore[import-untyped]  # bellows ships no types
from bellows.zigbee.application import ControllerApplication  # type: ignore[import-untyped]  # bellows ships no types
from zigpy.config import CONF_DATABASE
from zigpy.device import BaseDevice
from zigpy.exceptions import DeliveryError, ZigbeeException
from zigpy.state import Key, NetworkInfo, NodeInfo

from drivers.zigbee.addresses import eui64_of, ieee_of
from drivers.zigbee.clusters.key_establishment import CLUSTER as KEY_ESTABLISHMENT
from drivers.zigbee.device import SmartEnergyDevice
from drivers.zigbee.esi.desk import Desk
from drivers.zigbee.fragmentation import Fragmentation
from drivers.zigbee.fragments import room
from drivers.zigbee.metering import Value
from drivers.zigbee.profile import (
    BASIC,
    ENDPOINT,
    ENERGY_SERVICES_INTERFACE,
    METERING,
    PROFILE_ID,
    SERVED,
    is_secured,
)
from drivers.zigbee.trust_centre import StoredKey, TrustCentre
from drivers.zigbee.witness import JoinAttempt, Nobody, Witness
from gateway.errors import LinkLost
from gateway.identifiers import Eui64

MOST_SILENCES = 2
"""Watchdog periods without a sign of life after which a co-processor counts as hung."""

TROUBLE = (TimeoutError, ZigbeeException, AshException)
"""What a co-processor's failure to do as it was told looks like; if it is gone, `lost` says so."""

CLOSE_S = 3.0
"""How long closing the radio may take."""

GRACE_S = 0.1
"""How long work may take to fail by itself after its connection is lost. Cancelled at once, it would leave exceptions
of bellows' own tasks unheard, which asyncio then reports."""

T = TypeVar("T")

MOST_SEARCHES = 4
"""How many broadcasts may look for nodes at once: a network carries about one broadcast a second."""


class SmartEnergyApplication(ControllerApplication):  # type: ignore[misc]  # bellows ships no types
    """One connection to a co-processor. `lost` is set, in words, when the connection is gone.

    now is the gateway's clock: by it, not by the machine's as zigpy would, a node was last heard.
    plain_dropped counts frames on secured clusters that came without encryption: whoever holds the network key could
    have written them, so nobody sees them.
    """

    def __init__(
        self, config: dict[str, Any], attempt_timeout_s: float, watchdog_s: float, now: Callable[[], datetime]
    ) -> None:
        super().__init__(config)
        self._now = now
        self._watchdog_period = watchdog_s
        self._silences = 0
        self.attempt_timeout_s = attempt_timeout_s
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.plain_dropped = 0
        self._is_closing = False
        self._introduced = 0
        self._by_nwk: dict[int, SmartEnergyDevice] = {}
        self._seekers: dict[t.EUI64, set[asyncio.Future[None]]] = {}
        self._searches = asyncio.Semaphore(MOST_SEARCHES)
        self.trust_centre = TrustCentre(self)
        self.witness: Witness = Nobody()
        self.desk: Desk | None = None
        self.reported: Callable[[SmartEnergyDevice, Mapping[int, Value]], None] = lambda device, values: None
        self._fragments = Fragmentation(self, asyncio.get_running_loop().time)

    # Devices

    def add_device(self, ieee: t.EUI64, nwk: t.NWK) -> SmartEnergyDevice:
        """Every node is one of ours; the database's devices come this way too."""
        device = SmartEnergyDevice(self, ieee, nwk)
        device.attempt_timeout_s = self.attempt_timeout_s
        self.devices[ieee] = device
        return device

    def get_device(self, ieee: t.EUI64 | None = None, nwk: int | None = None) -> BaseDevice:
        """A node by either address. Raises KeyError. By network address zigpy searches them all for every frame."""
        if nwk is None or ieee is not None or nwk == self.state.node_info.nwk:
            return super().get_device(ieee=ieee, nwk=nwk)  # type: ignore[no-any-return]  # bellows ships no types
        known = self._by_nwk.get(nwk)
        if known is None or known.nwk != nwk or self.devices.get(known.ieee) is not known:
            known = super().get_device(nwk=nwk)
            self._by_nwk[nwk] = known
        return known

    def handle_join(self, nwk: t.NWK, ieee: t.EUI64, parent_nwk: t.NWK, *, handle_rejoin: bool = True) -> None:
        """A node announced itself or was found: wake who sought it, and believe its old nameplate no longer."""
        super().handle_join(nwk, ieee, parent_nwk, handle_rejoin=handle_rejoin)
        device = self.devices.get(ieee)
        if isinstance(device, SmartEnergyDevice):
            device.last_seen = self._now()
            device.plate = None
            if device.accord is not None:
                device.accord = replace(device.accord, holds=False)
            self.witness.announced(device)
        for seeker in self._seekers.pop(ieee, set()):
            if not seeker.done():
                seeker.set_result(None)

    async def search(self, ieee: t.EUI64) -> None:
        """Ask the whole network for a node's address; returns when one is known. Cancel it to give up."""
        found: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        async with self._searches:
            self._seekers.setdefault(ieee, set()).add(found)
            try:
                await self._broadcast(zdo_t.ZDOCmd.NWK_addr_req, ieee, zdo_t.AddrRequestType.Single, 0)
                await found
            finally:
                self._seekers.get(ieee, set()).discard(found)

    async def is_at(self, device: SmartEnergyDevice) -> bool:
        """Whether the co-processor says that no other node is at a node's address; asked once per address.

        Addresses come from announcements that anyone on the network can make. A registered device that announced
        itself as a meter would be sent the request under its own key, and its answer would be believed.
        """
        if device.vouched_nwk == device.nwk:
            return True
        try:
            status, ieee = await self._ezsp.lookupEui64ByNodeId(nodeId=device.nwk)
        except TROUBLE:
            return False
        if ezsp_t.sl_Status.from_ember_status(status) == ezsp_t.sl_Status.OK and ieee != device.ieee:
            return False
        device.vouched_nwk = device.nwk
        return True

    async def introduce(self, device: SmartEnergyDevice) -> None:
        """Tell the co-processor which node has which address: without that it finds no link key to encrypt with.

        It learns neighbours by itself; the rest share its small address table, oldest out first.
        """
        self._introduced += 1
        with contextlib.suppress(*TROUBLE):
            _, size = await self._ezsp.getConfigurationValue(configId=ezsp_t.EzspConfigId.CONFIG_ADDRESS_TABLE_SIZE)
            await self._ezsp.replaceAddressTableEntry(
                addressTableIndex=self._introduced % max(size, 1),
                newEui64=device.ieee,
                newId=device.nwk,
                newExtendedTimeout=False,
            )

    async def interviewed(self, device: SmartEnergyDevice) -> None:
        """Wait until a node's interview, if one is under way or due, has ended for better or worse."""
        task = device._initialize_task if device.initializing else device.schedule_initialize()
        if task is not None:
            await asyncio.wait({task})

    # Frames

    def packet_received(self, packet: t.ZigbeePacket) -> None:
        """Hand a frame on, unless its cluster demands encryption and it has none: neither library checks that.

        Broadcasts cannot be encrypted end to end, but could stand in for an answer; we have no use for any of them.
        """
        packet.timestamp = self._now()
        is_plain = t.TransmitOptions.APS_Encryption not in packet.tx_options
        if is_plain and is_secured(packet.profile_id, packet.cluster_id):
            self.plain_dropped += 1
            return
        is_unicast = packet.dst is not None and packet.dst.addr_mode == t.AddrMode.NWK
        if is_unicast and packet.profile_id == PROFILE_ID and packet.cluster_id == KEY_ESTABLISHMENT:
            self._key_frame_received(packet)
            return
        super().packet_received(packet)

    def _key_frame_received(self, packet: t.ZigbeePacket) -> None:
        """Hand a frame of key establishment to who answers it; zigpy would drop it until the interview has ended."""
        try:
            device = self.get_device_with_address(packet.src)
        except KeyError:
            device = None
        if not isinstance(device, SmartEnergyDevice) or device.awaits(packet):
            super().packet_received(packet)
            return
        device.last_seen = packet.timestamp
        self.witness.key_frame(device, packet.src_ep or 0, packet.data.serialize())

    async def connect(self) -> None:
        """Connect, with the eyes for fragments before bellows' own."""
        await super().connect()
        bellows_received = self._ezsp.frame_received

        def received(data: bytes) -> None:
            if not self._fragments.took(data):
                bellows_received(data)

        self._ezsp.frame_received = received
        self._ezsp.set_extended_timeout = self._sparingly()

    def _sparingly(self) -> Callable[..., Awaitable[None]]:
        """bellows asks before every unicast how long the co-processor waits for the node: half the commands of a read.

        It is the usual time until somebody sets another, and a connection begins with a reset.
        """
        patient: set[t.EUI64] = set()

        async def set_extended_timeout(nwk: t.NWK, ieee: t.EUI64, extended_timeout: bool = True) -> None:
            if extended_timeout or ieee in patient:
                spoken = self._ezsp._protocol  # that of the version agreed upon, which comes after the connection
                await spoken.set_extended_timeout(nwk=nwk, ieee=ieee, extended_timeout=extended_timeout)
                (patient.add if extended_timeout else patient.discard)(ieee)

        return set_extended_timeout

    async def send_packet(self, packet: t.ZigbeePacket) -> None:
        """Send a packet; a unicast that does not fit one frame goes in fragments."""
        encrypted = t.TransmitOptions.APS_Encryption in packet.tx_options
        is_unicast = packet.dst is not None and packet.dst.addr_mode == t.AddrMode.NWK
        if not is_unicast or len(packet.data.serialize()) <= room(encrypted=encrypted):
            await super().send_packet(packet)
            return
        device = self.get_device_with_address(packet.dst)
        async with self._limit_concurrency(priority=packet.priority):
            await self._ezsp.set_extended_timeout(nwk=device.nwk, ieee=device.ieee, extended_timeout=False)
            await self._fragments.send(int(device.nwk), packet)

    def tag(self) -> int:
        """A number for a message that is sent."""
        return int(self.get_sequence())

    @contextlib.contextmanager
    def sent(self, nwk: int, tag: int) -> Iterator["asyncio.Future[tuple[Any, str]]"]:
        """Await the co-processor's word on what became of a message. Raises DeliveryError if the number is in use."""
        if (nwk, tag) in self._pending_requests:
            raise DeliveryError(f"a message to 0x{nwk:04X} has the number {tag} already")
        word: asyncio.Future[tuple[Any, str]] = asyncio.get_running_loop().create_future()
        self._pending_requests[nwk, tag] = word
        try:
            yield word
        finally:
            del self._pending_requests[nwk, tag]

    async def register_endpoints(self) -> None:
        """Register our one endpoint: the Energy Services Interface, with the clusters that we truly serve."""
        await self.add_endpoint(
            zdo_t.SimpleDescriptor(
                endpoint=ENDPOINT,
                profile=PROFILE_ID,
                device_type=ENERGY_SERVICES_INTERFACE,
                device_version=0,
                input_clusters=[BASIC, *sorted(SERVED), KEY_ESTABLISHMENT],
                output_clusters=[METERING, KEY_ESTABLISHMENT],
            )
        )

    async def _broadcast(
        self, command: int, *args: Any, to: t.BroadcastAddress = t.BroadcastAddress.RX_ON_WHEN_IDLE
    ) -> None:
        """Send a ZDO command to many; args in the order of its fields."""
        await zigpy.zdo.broadcast(  # type: ignore[no-untyped-call]  # zigpy's is unannotated
            self, command, 0, 0, *args, broadcast_address=to
        )

    # Who may join

    @property
    def ezsp(self) -> Any:
        """bellows' commands, by name."""
        return self._ezsp

    async def broadcast_permit(self, time_s: int) -> None:
        """Tell all routers how long they may let devices associate."""
        everyone = t.BroadcastAddress.ALL_ROUTERS_AND_COORDINATOR
        await self._broadcast(zdo_t.ZDOCmd.Mgmt_Permit_Joining_req, time_s, 0, to=everyone)

    async def permit(self, time_s: int = 60, node: t.EUI64 | str | None = None) -> None:
        """Close the network. Opening it to anyone is refused: bellows would install the well-known key for all."""
        if time_s:
            raise ControllerError("the network opens only for one device with its key")
        await self.trust_centre.close()

    async def permit_with_link_key(self, node: t.EUI64, link_key: t.KeyData, time_s: int = 60) -> None:
        """Refused too: a join is more than a window (drivers.zigbee.joining), and bellows never closes it."""
        raise ControllerError("the network opens only for a join")

    async def permit_gp(self, time_s: int) -> None:
        """No Green Power device has business on a meter's network."""

    async def cleanup_tc_link_key(self, ieee: t.EUI64) -> None:
        """Keep the device's link key: bellows forgets it when anyone so much as tries to join under its address."""

    def _handle_tc_join_handler(
        self,
        nwk: t.NWK,
        ieee: t.EUI64,
        device_update_status: ezsp_t.EmberDeviceUpdate,
        decision: ezsp_t.EmberJoinDecision,
        parent_nwk: t.NWK,
    ) -> None:
        """The trust centre let somebody in, turned somebody away, or saw somebody leave.

        Who was let in is not believed to be there before it announces itself: it must be able to read the network key.
        """
        attempt = JoinAttempt.of(eui64_of(ieee), nwk, device_update_status, decision)
        if attempt is None or attempt.has_network_key:
            super()._handle_tc_join_handler(nwk, ieee, device_update_status, decision, parent_nwk)
        if attempt is not None:
            self.witness.tried(attempt)

    def handle_leave(self, nwk: t.NWK, ieee: t.EUI64) -> None:
        """A node left the network."""
        super().handle_leave(nwk, ieee)
        self.witness.left(eui64_of(ieee))

    def forget(self, device: Eui64) -> None:
        """Drop a node from memory and database."""
        known = self.devices.pop(ieee_of(device), None)
        if isinstance(known, SmartEnergyDevice):
            known.cancel_initialization()
            known.on_remove()
            self.listener_event("device_removed", known)

    # The link

    async def start(self, may_form: bool) -> None:
        """Open the database and the radio, and start the network. Raises whatever zigpy, bellows and SQLite raise."""
        database = self.config[CONF_DATABASE]
        if database:
            Path(database).parent.mkdir(parents=True, exist_ok=True)
            Path(database).touch(mode=0o600)
        loading = asyncio.ensure_future(self._load_db())
        try:
            await asyncio.shield(loading)
        except asyncio.CancelledError:
            await asyncio.gather(loading, return_exceptions=True)  # half open, its thread would outlive us
            raise
        await self.startup(auto_form=may_form)

    @property
    def description(self) -> str:
        """The co-processor's protocol and network in words, without keys."""
        node, network = self.state.node_info, self.state.network_info
        return f"EZSP {self._ezsp.ezsp_version}, {node.ieee}, PAN 0x{network.pan_id:04X}, channel {network.channel}"

    async def disconnect(self) -> None:
        """Close the radio, without waiting for ever for a port that does not say that it closed."""
        self._is_closing = True
        async with asyncio.timeout(CLOSE_S):
            await super().disconnect()

    def end(self, words: str) -> None:
        """Count the connection as gone, if it was not, and say why."""
        if not self.lost.done():
            self.lost.set_result(words)

    async def _watchdog_feed(self) -> None:
        """Ask for a sign of life. Two periods without one end the connection; bellows would wait for ten."""
        try:
            async with asyncio.timeout(self._watchdog_period):
                await self._ezsp.nop()
        except (TimeoutError, EzspError):
            self._silences += 1
            if self._silences >= MOST_SILENCES:
                raise
        else:
            self._silences = 0

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so once, in words, unless it is we who close it."""
        super().connection_lost(exc)
        if not self._is_closing:
            self.end(_words_for(exc))

    async def unless_lost(self, work: Coroutine[Any, Any, T]) -> T:
        """Do work over this connection; once that is gone, end it with LinkLost, whatever it was at."""
        task = asyncio.create_task(work)
        try:
            first: set[asyncio.Future[Any]] = {task, self.lost}
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await asyncio.wait({task}, timeout=GRACE_S)
            failed = task.exception() if task.done() and not task.cancelled() else None
            if self.lost.done() and (failed or not task.done()) and not isinstance(failed, LinkLost):
                raise LinkLost(self.lost.result())
            return task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def load_network_info(self, *, load_devices: bool = False) -> None:
        """Load what the co-processor knows; with load_devices, link keys too, which bellows misreads from EZSP 14."""
        await super().load_network_info(load_devices=load_devices)
        if load_devices and self._ezsp.ezsp_version >= 12:
            kept = await self.trust_centre.keys()
            self.state.network_info.key_table = [
                _for_backup(each) for each in kept if not self.witness.holds(each.device)
            ]

    async def write_network_info(self, *, network_info: NetworkInfo, node_info: NodeInfo) -> None:
        """Write a network to the co-processor, link keys and counters included: those of the backup and the vault's.

        A radio that takes over counts on from beyond what was last seen, or every device would drop its frames.
        """
        await super().write_network_info(network_info=self.witness.completed(network_info), node_info=node_info)


def _for_backup(stored: StoredKey) -> Key:
    return Key(
        key=t.KeyData(stored.key.reveal()),
        tx_counter=t.uint32_t(stored.tx_counter),  # type: ignore[no-untyped-call]  # zigpy's is unannotated
        rx_counter=t.uint32_t(stored.rx_counter),  # type: ignore[no-untyped-call]  # zigpy's is unannotated
        partner_ieee=ieee_of(stored.device),
    )


def _words_for(trouble: Exception | None) -> str:
    """Why a connection was lost, without anything that the other side could have put there."""
    if isinstance(trouble, NcpFailure):
        return f"the co-processor failed or reset itself ({getattr(trouble.code, 'name', trouble.code)})"
    if isinstance(trouble, TimeoutError):
        return "the co-processor shows no sign of life"
    if trouble is None:
        return "the co-processor closed the connection"
    return f"the connection to the co-processor broke ({type(trouble).__name__})"
