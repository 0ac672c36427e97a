"""The Energy Services Interface of one radio, over all its connections: it tells, answers and hears devices."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, tzinfo

from zigpy.exceptions import DeliveryError
from zigpy.zcl import Cluster, foundation

from drivers.zigbee.addresses import eui64_of, ieee_of
from drivers.zigbee.application import TROUBLE, SmartEnergyApplication
from drivers.zigbee.device import SmartEnergyDevice
from drivers.zigbee.esi.board import Board, BoardFull, pinned, settled
from drivers.zigbee.esi.frames import BadNotice, Frame, frame
from drivers.zigbee.esi.questions import answer
from drivers.zigbee.esi.reports import REPORTS, heard, refusal
from drivers.zigbee.profile import ENDPOINT, PROFILE_ID
from drivers.zigbee.reading import KeyMissing, undelivered
from gateway.clock import CENTRAL, Clock
from gateway.errors import Fault, LinkLost, Unreachable
from gateway.han.notices import Heard, Notice
from gateway.han.words import Cause, HanFault
from gateway.identifiers import Eui64

log = logging.getLogger(__name__)

Status = foundation.Status

ATTEMPTS = 2
"""How often a frame is sent, beside the co-processor's own repetitions; in between the device is looked for."""

MOST_ANSWERING = 16
"""Questions being answered at once, one of a device on a cluster; who gets no answer asks again."""

MOST_SENT = 8
"""How many of the last frames to a device are known by their sequence numbers, should it refuse one."""


class Notices:
    """What gateway.ports.HomeNetwork says of notices, and the desk of drivers.zigbee.esi.desk.

    Only a device that `registered` knows is told or answered; without a home network all that have a link key are.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        connection: Callable[[], Awaitable[SmartEnergyApplication]],
        zone: tzinfo = CENTRAL,
    ) -> None:
        self._name, self._clock, self._connection, self._zone = name, clock, connection, zone
        self._registered: Callable[[Eui64], bool] = lambda device: True
        self._listener: Callable[[Heard], None] = lambda heard: None
        self._boards: dict[Eui64, Board] = {}
        self._sent: dict[Eui64, deque[tuple[int, int, int | None]]] = {}
        self._answering: dict[tuple[Eui64, int], asyncio.Task[None]] = {}
        self._next: dict[tuple[Eui64, int], tuple[int, Sequence[Frame]]] = {}

    # What the gateway asks for

    async def send(self, device: Eui64, notice: Notice, timeout_s: float) -> None:
        """Tell a device, and remember it from then on; returns when the device has acknowledged the frame.

        Raises HanFault, with nothing remembered, or LinkLost.
        """
        app: SmartEnergyApplication | None = None
        try:
            async with asyncio.timeout(timeout_s):
                app = await self._connection()
                await app.unless_lost(self._tell(app, device, notice))
        except TimeoutError:
            if app is None:
                raise LinkLost(f"{self._name} has had no connection to its co-processor") from None
            raise HanFault(Cause.UNREACHABLE, f"the device did not acknowledge within {timeout_s:g} s") from None

    def remember(self, device: Eui64, notice: Notice) -> None:
        """Remember a notice without sending it. One that begins now begins at this moment."""
        now = self._clock.now()
        try:
            frame(notice, self._board(device), now)
            self._boards[device] = pinned(self._board(device), notice, now)
        except (BadNotice, BoardFull) as error:
            log.warning("%s: a notice for %s is not remembered: %r", self._name, device, error)

    def listen(self, listener: Callable[[Heard], None]) -> None:
        """Name who is told what devices say of notices."""
        self._listener = listener

    def admit(self, registered: Callable[[Eui64], bool]) -> None:
        """Name who knows which devices are registered."""
        self._registered = registered

    def forget(self, device: Eui64) -> None:
        """A device is gone, and what it was to know with it."""
        self._boards.pop(device, None)
        self._sent.pop(device, None)

    # The desk

    @property
    def zone(self) -> tzinfo:
        """The zone whose wall clock devices show."""
        return self._zone

    def now(self) -> datetime:
        """The instant that devices are told."""
        return self._clock.now()

    def admits(self, cluster: Cluster) -> bool:
        """Whether the device behind a cluster is one of ours."""
        return self._registered(eui64_of(cluster.endpoint.device.ieee))

    def asked(
        self, cluster: Cluster, header: foundation.ZCLHeader, command: foundation.CommandSchema | bytes
    ) -> foundation.Status | None:
        """A device's question or report; the status of its Default Response, None if another answer is under way."""
        device, now = eui64_of(cluster.endpoint.device.ieee), self._clock.now()
        if isinstance(command, bytes):
            return Status.UNSUP_CLUSTER_COMMAND
        said = heard(command, device, now)
        if said is not None:
            self._listener(said)
            return Status.SUCCESS
        if type(command) in REPORTS:
            return Status.INVALID_VALUE
        frames = answer(command, self._board(device), now)
        if frames is None:
            return Status.UNSUP_CLUSTER_COMMAND
        if frames:
            self._begin(device, cluster, header.tsn, frames)
        return None if frames else Status.NOT_FOUND

    def refused(self, cluster: Cluster, header: foundation.ZCLHeader, response: foundation.CommandSchema) -> None:
        """A device's Default Response; an error to the frame of a notice is what it says of that."""
        device, now = eui64_of(cluster.endpoint.device.ieee), self._clock.now()
        if not isinstance(response, foundation.DefaultResponse) or response.status == Status.SUCCESS:
            return
        for cluster_id, tsn, event in self._sent.get(device, ()):
            if (cluster_id, tsn) == (cluster.cluster_id, header.tsn):
                self._listener(refusal(response, event, device, now))
                return

    # How frames get to a device

    async def _tell(self, app: SmartEnergyApplication, device: Eui64, notice: Notice) -> None:
        if not self._registered(device):
            raise HanFault(Cause.UNKNOWN_DEVICE, "the trust centre has no key of the device")
        now = self._clock.now()
        try:
            told = frame(notice, self._board(device), now)
            pinned(self._board(device), notice, now)
        except BadNotice as error:
            raise HanFault(Cause.BAD_COMMAND, str(error)) from None
        except BoardFull:
            raise HanFault(Cause.NO_RESOURCES, "the device has as many notices ahead of it as it can") from None
        await self._deliver(app, device, told)
        self._boards[device] = pinned(self._board(device), notice, now)

    async def _deliver(self, app: SmartEnergyApplication, device: Eui64, told: Frame) -> None:
        """Send a frame until it is acknowledged, looking for the device where it is not where it was."""
        for remaining in reversed(range(ATTEMPTS)):
            try:
                node = await self._located(app, device)
                client = node.client(told.cluster)
                if client is None:
                    raise HanFault(Cause.REFUSED_BY_DEVICE, f"the device has no client of cluster 0x{told.cluster:04X}")
                await self._say(app, node, client.endpoint.endpoint_id, told, node.get_sequence())
                return
            except Fault as fault:
                if isinstance(fault, HanFault | LinkLost):
                    raise
                if not remaining:
                    raise HanFault(Cause.UNREACHABLE, str(fault)) from None
            await self._looked_for(app, device)

    async def _located(self, app: SmartEnergyApplication, device: Eui64) -> SmartEnergyDevice:
        """The device's node, which has told about itself. Raises Unreachable."""
        if ieee_of(device) not in app.devices:
            await self._looked_for(app, device)
        node = app.devices.get(ieee_of(device))
        if not isinstance(node, SmartEnergyDevice):
            raise Unreachable("no node of the network answers to the device's address")
        if not node.is_initialized:
            await app.interviewed(node)
        if not node.is_initialized or not await app.is_at(node):
            raise Unreachable("the device is not where it was")
        return node

    async def _looked_for(self, app: SmartEnergyApplication, device: Eui64) -> None:
        """Ask the network for a device's address, for as long as one attempt lasts."""
        try:
            async with asyncio.timeout(app.attempt_timeout_s):
                await app.search(ieee_of(device))
        except TROUBLE as error:
            log.debug("%s: %s was not found (%s)", self._name, device, type(error).__name__)

    async def _say(
        self, app: SmartEnergyApplication, node: SmartEnergyDevice, endpoint: int, told: Frame, tsn: int
    ) -> None:
        """Send one frame, encrypted and acknowledged. Raises Unreachable or KeyMissing."""
        try:
            await self._put(node, endpoint, told, tsn)
        except KeyMissing:  # The co-processor may only not know whose address this is.
            await app.introduce(node)
            await self._put(node, endpoint, told, tsn)

    async def _put(self, node: SmartEnergyDevice, endpoint: int, told: Frame, tsn: int) -> None:
        control = foundation.FrameControl.cluster(direction=foundation.Direction.Server_to_Client)
        control = control.replace(disable_default_response=True)
        header = foundation.ZCLHeader(control, None, tsn, type(told.command).command.id)
        data = header.serialize() + told.command.serialize()
        sent = self._sent.setdefault(eui64_of(node.ieee), deque(maxlen=MOST_SENT))
        sent.append((told.cluster, tsn, told.event))
        try:
            await node.request(
                PROFILE_ID, told.cluster, ENDPOINT, endpoint, tsn, data, expect_reply=False, ask_for_ack=True, retries=0
            )
        except DeliveryError as error:
            raise undelivered(error) from None
        except TROUBLE as error:
            raise Unreachable(f"the frame was not acknowledged ({type(error).__name__})") from None

    def _begin(self, device: Eui64, cluster: Cluster, tsn: int, frames: Sequence[Frame]) -> None:
        """Answer beside the loop's other work. Of what is asked meanwhile on the cluster, the last is answered next."""
        key = (device, int(cluster.cluster_id))
        if key in self._answering:
            self._next[key] = (tsn, frames)
        elif len(self._answering) < MOST_ANSWERING:
            self._answering[key] = asyncio.create_task(self._answer(key, cluster, tsn, frames))

    async def _answer(self, key: tuple[Eui64, int], cluster: Cluster, tsn: int, frames: Sequence[Frame]) -> None:
        app = cluster.endpoint.device.application
        assert isinstance(app, SmartEnergyApplication)
        try:
            await app.unless_lost(self._put_all(app, cluster, tsn, frames))
            while key in self._next:
                await app.unless_lost(self._put_all(app, cluster, *self._next.pop(key)))
        except Fault as fault:
            log.debug("%s: a question of %s stays unanswered: %s", self._name, key[0], fault)
        except Exception:  # The task's edge: whatever one device's question did, the others are answered.
            log.exception("%s: a question of %s could not be answered", self._name, key[0])
        finally:
            self._next.pop(key, None)
            del self._answering[key]

    async def _put_all(self, app: SmartEnergyApplication, cluster: Cluster, tsn: int, frames: Sequence[Frame]) -> None:
        """Send frames in their order; the first one answers the question by its number."""
        node = cluster.endpoint.device
        assert isinstance(node, SmartEnergyDevice)
        for place, told in enumerate(frames):
            number = node.get_sequence() if place else tsn
            await self._say(app, node, cluster.endpoint.endpoint_id, told, number)

    def _board(self, device: Eui64) -> Board:
        """What a device is to know now; boards that are empty are not kept."""
        board = settled(self._boards.get(device, Board()), self._clock.now())
        if board.empty:
            self._boards.pop(device, None)
        else:
            self._boards[device] = board
        return board
