"""A Smart Energy node as zigpy sees it: profile 0x0109 is ZCL, answered from our endpoint, encrypted where demanded."""

import asyncio
import logging
from typing import Any

import zigpy.endpoint
import zigpy.zdo
import zigpy.zdo.types as zdo_t
from zigpy.device import ResponseKey, Status, ZigbeeDevice
from zigpy.exceptions import DeliveryError, InvalidResponse, ZigbeeException
from zigpy.types import ZigbeePacket
from zigpy.zcl import Cluster, foundation

from drivers.zigbee.clusters.table import SMART_ENERGY
from drivers.zigbee.metering import Nameplate
from drivers.zigbee.profile import ENDPOINT, METERING, PROFILE_ID, SERVED, is_secured
from drivers.zigbee.reading import values_of
from drivers.zigbee.reported import Accord, is_flat

log = logging.getLogger(__name__)

MOST_ENDPOINTS = 16
"""How many of a node's endpoints are looked at: a meter has a handful, a hostile node could claim 240."""

MOST_REPLIES = 8
"""How many answers may be on their way to a node at once."""

QUESTIONS = 2
"""How often a node is asked each thing about itself before it is left alone until the next read."""


class SmartEnergyEndpoint(zigpy.endpoint.Endpoint):
    """An endpoint whose clusters are Smart Energy's own if it is on that profile, and zigpy's otherwise."""

    def add_input_cluster(self, cluster_id: int, cluster: Cluster | None = None) -> Cluster:
        """Add a server of the node's."""
        if cluster is None and cluster_id not in self.in_clusters:
            cluster = self._own(cluster_id, is_server=True)
        return super().add_input_cluster(cluster_id, cluster)

    def add_output_cluster(self, cluster_id: int, cluster: Cluster | None = None) -> Cluster:
        """Add a client of the node's."""
        if cluster is None and cluster_id not in self.out_clusters:
            cluster = self._own(cluster_id, is_server=False)
        return super().add_output_cluster(cluster_id, cluster)

    def _own(self, cluster_id: int, is_server: bool) -> Cluster | None:
        kind = SMART_ENERGY.get(cluster_id) if self.profile_id == PROFILE_ID else None
        return None if kind is None else kind(self, is_server)


class SmartEnergyDevice(ZigbeeDevice):
    """A node on a Smart Energy network, and its meter's nameplate while that is fresh."""

    plate: Nameplate | None = None
    plate_at: float = 0.0
    """When the nameplate was read, by the driver's clock (monotonic seconds)."""

    vouched_nwk: int | None = None
    """The network address at which the co-processor knows no other node."""

    accord: Accord | None = None
    """What the meter agreed to report, None before it was asked over this connection."""

    attempt_timeout_s: float = 5.0
    """How long each question of the interview waits for its answer."""

    _replies: int = 0

    @property
    def meter(self) -> Cluster | None:
        """The Metering server on a Smart Energy endpoint, if the node has one that we know of."""
        for endpoint in self.non_zdo_endpoints:
            if endpoint.profile_id == PROFILE_ID and METERING in endpoint.in_clusters:
                return endpoint.in_clusters[METERING]  # type: ignore[no-any-return]  # zigpy's dictionary is untyped
        return None

    def reported(self, cluster: Cluster, report: Any) -> bool:
        """A report came; whether it is one of the meter's, and it was asked for it."""
        if self.accord is None or cluster is not self.meter:
            return False
        self._application.reported(self, values_of(report))  # type: ignore[attr-defined]  # it is always ours
        return True

    def client(self, cluster: int) -> Cluster | None:
        """The client of a cluster on a Smart Energy endpoint, if the node has one that we know of."""
        for endpoint in self.non_zdo_endpoints:
            if endpoint.profile_id == PROFILE_ID and cluster in endpoint.out_clusters:
                return endpoint.out_clusters[cluster]  # type: ignore[no-any-return]  # zigpy's dictionary is untyped
        return None

    def add_endpoint(self, endpoint_id: int) -> SmartEnergyEndpoint:
        """Add an endpoint of our kind; the interview and the database's devices come this way."""
        endpoint = SmartEnergyEndpoint(self, endpoint_id)
        self.endpoints[endpoint_id] = endpoint
        return endpoint

    @property
    def meter_endpoint(self) -> int | None:
        """The endpoint of that server."""
        meter = self.meter
        return None if meter is None else meter.endpoint.endpoint_id

    async def request(self, profile: int, cluster: int, src_ep: int, dst_ep: int, *args: Any, **kwargs: Any) -> Any:
        """Send, and await the answer if one is due. On our profile the source is our endpoint, not its namesake.

        zigpy answers requests through this method too, so nothing secured leaves unencrypted.
        """
        if profile == PROFILE_ID:
            src_ep = ENDPOINT
            kwargs["aps_encryption"] = is_secured(profile, cluster)
        return await super().request(profile, cluster, src_ep, dst_ep, *args, **kwargs)

    async def reply(self, *args: Any, **kwargs: Any) -> Any:
        """Answer the node, once: it asks again. One that asks faster than it can be answered is answered no further."""
        if self._replies >= MOST_REPLIES:
            return None
        if kwargs.get("retries") is None:
            kwargs["retries"] = 0
        self._replies += 1
        try:
            return await super().reply(*args, **kwargs)
        finally:
            self._replies -= 1

    def _parse_packet_header(
        self, packet: ZigbeePacket
    ) -> tuple[zdo_t.ZDOHeader | foundation.ZCLHeader, ResponseKey] | tuple[None, None]:
        """Our profile's frames are ZCL, which zigpy believes of home automation only.

        Nobody speaks for a Smart Energy endpoint on another profile, where nothing has to be encrypted.
        """
        if packet.src_ep is None or packet.src_ep == zigpy.zdo.ZDO_ENDPOINT:
            return super()._parse_packet_header(packet)
        if packet.profile_id != PROFILE_ID:
            endpoint = self.endpoints.get(packet.src_ep)
            is_ours = endpoint is not None and endpoint.profile_id == PROFILE_ID
            return (None, None) if is_ours else super()._parse_packet_header(packet)
        try:
            header, rest = foundation.ZCLHeader.deserialize(packet.data.serialize())
        except ValueError:
            return None, None
        is_report = header.frame_control.is_general and header.command_id == foundation.GeneralCommand.Report_Attributes
        if is_report and not is_flat(rest):
            return None, None
        return header, ResponseKey(
            endpoint_id=packet.src_ep,
            cluster_id=packet.cluster_id,
            direction=header.frame_control.direction,
            tsn=header.tsn,
        )

    def _find_zcl_cluster(self, hdr: foundation.ZCLHeader, packet: ZigbeePacket) -> Cluster:
        """The cluster that a frame speaks of. A node may ask our servers without having said that it is their client.

        Raises KeyError.
        """
        try:
            return self._find_zcl_cluster_strict(hdr, packet)
        except KeyError:
            endpoint = self.endpoints[int(packet.src_ep or 0)]
            asks = hdr.frame_control.direction == foundation.Direction.Client_to_Server
            if not asks or packet.cluster_id not in SERVED:
                return super()._find_zcl_cluster(hdr, packet)
            if isinstance(endpoint, SmartEnergyEndpoint) and endpoint.profile_id == PROFILE_ID:
                return SMART_ENERGY[packet.cluster_id](endpoint, is_server=False)
            raise

    def _should_filter_packet(self, packet: ZigbeePacket) -> bool:
        """Whether a frame is a repetition. An answer that is awaited is none, though a meter's answers may look alike.

        zigpy forgets every frame that it saw byte for byte within 10 s, and there are only 256 sequence numbers.
        """
        return not self.awaits(packet) and super()._should_filter_packet(packet)

    def awaits(self, packet: ZigbeePacket) -> bool:
        """Whether a frame's ZCL header (control, manufacturer where bit 2 says so, sequence number) is one we await."""
        data = packet.data.serialize()
        place = 3 if data[:1] and data[0] & 0x04 else 1
        if packet.profile_id != PROFILE_ID or packet.src_ep is None or len(data) <= place:
            return False
        answer = (packet.src_ep, packet.cluster_id, data[place])
        return any((key.endpoint_id, key.cluster_id, key.tsn) == answer for key in self._requests)

    async def _discover(self) -> None:
        """Learn the node's descriptor, endpoints and clusters, and ask for nothing else.

        zigpy would go on to read model names and offer firmware: frames that a meter's radio has no time for.
        """
        if self.node_desc is None:
            await self._asked(self._ask_descriptor)
        if not self.has_non_zdo_endpoints:
            await self._asked(self._ask_endpoints)
        self.status = Status.ZDO_INIT
        for endpoint in self.non_zdo_endpoints:
            await self._asked(endpoint.initialize)
            if endpoint.status == zigpy.endpoint.Status.ENDPOINT_INACTIVE:
                del self.endpoints[endpoint.endpoint_id]
        self.status = Status.ENDPOINTS_INIT

    async def _asked(self, question: Any) -> None:
        """Ask the node something about itself, with our patience instead of zigpy's 28 seconds three times."""
        for remaining in reversed(range(QUESTIONS)):
            try:
                async with asyncio.timeout(self.attempt_timeout_s):
                    await question()
                return
            except (TimeoutError, DeliveryError):
                if not remaining:
                    raise

    async def _ask_descriptor(self) -> None:
        status, _, descriptor = await self.zdo.Node_Desc_req(self.nwk, retries=0)
        if status != zdo_t.Status.SUCCESS:
            raise InvalidResponse(f"node descriptor: {status!r}")
        self.node_desc = descriptor

    async def _ask_endpoints(self) -> None:
        status, _, endpoints = await self.zdo.Active_EP_req(self.nwk, retries=0)
        if status != zdo_t.Status.SUCCESS:
            raise InvalidResponse(f"active endpoints: {status!r}")
        for number in [number for number in endpoints if number != zigpy.zdo.ZDO_ENDPOINT][:MOST_ENDPOINTS]:
            self.add_endpoint(number)

    async def reinterview(self) -> None:
        """Discover the node anew, by a second object of our class; what is known stays if it does not answer."""
        if self.reinterviewing or self.initializing:
            return
        self._reinterview_in_progress = True
        shadow = SmartEnergyDevice(self._application, self._ieee, self.nwk)
        shadow._reinterview_in_progress = True
        shadow.attempt_timeout_s = self.attempt_timeout_s
        devices = self._application.devices
        devices[self._ieee] = shadow
        try:
            await shadow._discover()
            await self._application._device_reinterviewed(self, shadow)
        except (TimeoutError, ZigbeeException) as error:
            log.warning("%s did not tell about itself anew: %r", self.name, error)
        finally:
            self._reinterview_in_progress = False
            if devices.get(self._ieee) is shadow and not shadow.is_initialized:
                devices[self._ieee] = self

    def clone(self) -> "SmartEnergyDevice":
        """A detached copy. zigpy makes one of its own class, whose layout is ours, so it becomes ours by name."""
        copy = super().clone()
        copy.__class__ = SmartEnergyDevice
        return copy  # type: ignore[return-value]  # it is one now
