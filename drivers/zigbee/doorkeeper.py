"""The door of one connection: who comes, goes and asks for keys, and what follows from it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from zigpy.state import NetworkInfo

from drivers.zigbee import key_frames
from drivers.zigbee.addresses import eui64_of, ieee_of
from drivers.zigbee.application import TROUBLE, SmartEnergyApplication
from drivers.zigbee.cbke.certificates import Identity
from drivers.zigbee.cbke.exchange import Event, KeyEstablished
from drivers.zigbee.cbke.frames import Frame
from drivers.zigbee.clusters.key_establishment import CLUSTER
from drivers.zigbee.device import SmartEnergyDevice
from drivers.zigbee.joining import Watch
from drivers.zigbee.key_desk import KeyBegun, KeyDesk
from drivers.zigbee.key_frames import AttributesAsked, KeyCommand
from drivers.zigbee.key_keeper import KeyKeeper
from drivers.zigbee.profile import ENDPOINT, PROFILE_ID
from drivers.zigbee.witness import Coming, JoinAttempt
from gateway.clock import Clock
from gateway.dice import Dice
from gateway.errors import Unreachable
from gateway.han.notices import Answer, Heard
from gateway.han.words import Cause, HanFault
from gateway.identifiers import Eui64

log = logging.getLogger(__name__)

MOST_TASKS = 16
"""Evictions and answers under way; what is beyond is left undone, and whoever wants it comes again."""

LEAVE_S = 5.0
"""How long a node may take to say that it leaves."""

SEARCH_S = 2.0
"""How long a node that was not heard may take to answer to its name."""

QUIET_S, MOST_QUIET = 3600.0, 64
"""A device that is turned away is spoken of once an hour; so many are remembered."""


class Doorkeeper:
    """The application's witness. watches are the devices that somebody waits for: one that joins, some re-keyed."""

    def __init__(
        self,
        app: SmartEnergyApplication,
        keeper: KeyKeeper,
        identities: Sequence[Identity],
        clock: Clock,
        dice: Dice,
        heard: Callable[[Heard], None],
    ) -> None:
        self.app, self.keeper, self._clock, self._heard = app, keeper, clock, heard
        self.watches: dict[Eui64, Watch] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._quiet: dict[Eui64, float] = {}
        self.desk = KeyDesk(
            identities, clock, dice, keeper=self, say=self._say, expects=self._expects, told=self._key_told
        )

    def close(self) -> None:
        """The connection is gone."""
        self.desk.close()
        for task in self._tasks:
            task.cancel()

    # What the application tells

    def tried(self, attempt: JoinAttempt) -> None:
        """Somebody came to the door: whoever waits is told, and whoever has no business here is sent away."""
        for watch in self.watches.values():
            watch.tried(attempt)
        if attempt.device in self.watches:
            return
        if attempt.denied:
            self._turned_away(attempt.device, f"{attempt.coming.value} denied")
        elif self.keeper.is_established(attempt.device):
            if attempt.coming is not Coming.JOIN:
                self._hear(attempt.device, Answer.REJOINED, attempt.coming.value)
        elif attempt.coming is not Coming.SECURED_REJOIN:
            self._turned_away(attempt.device, f"{attempt.coming.value} without an established key")
            self.begin(self.send_away(attempt.device))

    def announced(self, device: SmartEnergyDevice) -> None:
        """A node says that it is here."""
        watch = self.watches.get(eui64_of(device.ieee))
        if watch is not None:
            watch.note(announced=True)

    def left(self, device: Eui64) -> None:
        """A node left. Its key stays: it may have been told to by an impostor, and can come back by it."""
        if device in self.watches:
            self.watches[device].left()
        elif self.keeper.is_established(device):
            self._hear(device, Answer.LEFT, "")

    def key_frame(self, device: SmartEnergyDevice, endpoint: int, data: bytes) -> None:
        """A frame of key establishment, or a question which suites we have."""
        said = key_frames.decode(data)
        if isinstance(said, KeyCommand):
            self.desk.receive(eui64_of(device.ieee), endpoint, said)
        elif isinstance(said, AttributesAsked):
            answer = key_frames.answer(said, self.desk.suites)
            self.begin(self._send(device, endpoint, said.transaction, answer))

    def holds(self, device: Eui64) -> bool:
        """Whether a device's key is in the vault."""
        return self.keeper.holds(device)

    def completed(self, network: NetworkInfo) -> NetworkInfo:
        """A network that is to be written to a co-processor, with the vault's keys and counters."""
        return self.keeper.completed(network)

    # What the desk of keys needs

    async def keep(self, established: KeyEstablished) -> None:
        """Keep a proved key; who waits for it learns if there is no room. Nothing is kept of a join given up."""
        watch = self.watches.get(established.partner)
        if watch is not None and watch.given_up:
            raise HanFault(Cause.INTERRUPTED, "the join that the key was for has ended")
        try:
            await self.keeper.keep(established)
        except HanFault as fault:
            if watch is not None and fault.cause is Cause.KEY_TABLE_FULL:
                watch.note(table_full=True)
            raise
        except TROUBLE as error:
            raise Unreachable(f"the co-processor did not take the key ({type(error).__name__})") from None

    async def take_back(self, partner: Eui64) -> None:
        """Return to the key that a device had before."""
        try:
            await self.keeper.take_back(partner)
        except TROUBLE as error:
            raise Unreachable(f"the co-processor did not take the old key back ({type(error).__name__})") from None

    def _expects(self, partner: Eui64) -> bool:
        return partner in self.watches or self.keeper.is_established(partner)

    def _key_told(self, event: KeyBegun | Event) -> None:
        if isinstance(event, KeyBegun):
            self.keeper.confirm(event.partner)
        elif not isinstance(event, KeyEstablished):
            log.info("key establishment with %s came to nothing", event.partner)
        watch = self.watches.get(event.partner)
        if watch is not None:
            watch.told(event)

    async def _say(self, partner: Eui64, endpoint: int, command: KeyCommand | None, frame: Frame) -> None:
        """Send a frame of key establishment, acknowledged. Raises Unreachable."""
        device = self._node(partner)
        if device is None:
            raise Unreachable("the device is gone")
        transaction = command.transaction if command else device.get_sequence()
        from_server = command is not None and not command.from_server
        said = KeyCommand(frame=frame, transaction=transaction, from_server=from_server)
        await self._send(device, endpoint, transaction, key_frames.encode(said))

    async def _send(self, device: SmartEnergyDevice, endpoint: int, transaction: int, data: bytes) -> None:
        """Send plain, acknowledged. Raises Unreachable."""
        try:
            await device.request(
                PROFILE_ID, CLUSTER, ENDPOINT, endpoint, transaction, data, expect_reply=False, ask_for_ack=True
            )
        except TROUBLE as error:
            raise Unreachable(f"the device did not acknowledge ({type(error).__name__})") from None

    # Who has to go

    async def send_away(self, device: Eui64) -> bool:
        """Have a node leave: it is asked, and if it does not say so, removed. Returns whether it said so.

        One that got the network key but was not heard since, as over a reset of the co-processor, is looked for first.
        """
        node = self._node(device) or await self._found(device)
        leaves = node is not None and await self._leaves(node)
        if node is not None and not leaves:
            try:
                await self.app.trust_centre.expel(device, int(node.nwk))
            except TROUBLE as error:
                log.warning("%s could not be removed (%s)", device, type(error).__name__)
        self.app.forget(device)
        return leaves

    async def _found(self, device: Eui64) -> SmartEnergyDevice | None:
        """The node, if it answers when the network is asked for it."""
        try:
            async with asyncio.timeout(SEARCH_S):
                await self.app.search(ieee_of(device))
        except TROUBLE:
            return None
        return self._node(device)

    def _node(self, device: Eui64) -> SmartEnergyDevice | None:
        node = self.app.devices.get(ieee_of(device))
        return node if isinstance(node, SmartEnergyDevice) else None

    async def _leaves(self, node: SmartEnergyDevice) -> bool:
        """Whether a node says that it leaves."""
        try:
            async with asyncio.timeout(LEAVE_S):
                answer = await node.zdo.Mgmt_Leave_req(node.ieee, node.zdo.LeaveOptions.NONE, retries=0)
        except TROUBLE:
            return False
        return bool(answer) and int(answer[0]) == 0

    def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something beside the loop's other work; a failure is logged."""
        if len(self._tasks) >= MOST_TASKS:
            work.close()
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.info("at the network's door: %s", task.exception())

    def _turned_away(self, device: Eui64, detail: str) -> None:
        """Speak of a device that was turned away, but not again and again."""
        now_s = self._clock.monotonic()
        self._quiet = {each: until_s for each, until_s in self._quiet.items() if until_s > now_s}
        if device not in self._quiet and len(self._quiet) < MOST_QUIET:
            self._quiet[device] = now_s + QUIET_S
            self._hear(device, Answer.TURNED_AWAY, detail)

    def _hear(self, device: Eui64, answer: Answer, detail: str) -> None:
        self._heard(Heard(device=device, answer=answer, event=None, at=self._clock.now(), detail=detail))
