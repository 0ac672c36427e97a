"""The air between a co-processor and its nodes: who hears whom, who is let in, and when."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Protocol

from gateway.clock import Clock
from gateway.dice import SeededDice
from simulators.zigbee.admission import Association, Beacon, Update
from simulators.zigbee.air.nwk import NetworkKey
from simulators.zigbee.air.recorder import Recorder
from simulators.zigbee.air.weather import CLEAR, Fate, Sky
from simulators.zigbee.aps import ALL_AWAKE, BROADCASTS, COORDINATOR, ApsMessage
from simulators.zigbee.nodes import UNHEARD, Node, Outcome
from simulators.zigbee.reporters import Reporters
from simulators.zigbee.zdo import END_DEVICE

ACK_WAIT_S, ATTEMPTS = 1.6, 3
"""How long a sender waits for an APS acknowledgement, and how often it tries (EmberZNet's defaults)."""
HOLDS_S = 7.68
"""How long a parent holds what it has for a sleeping child."""
_MAC_WAIT_S = 0.1
_GONE = frozenset((Fate.LOST, Fate.DAMAGED))
_OVERTAKEN = Outcome(acknowledged=False)
"""What comes of a frame when one with a later counter was there before it."""
Again = Callable[[ApsMessage], ApsMessage]


class Listener(Protocol):
    """The co-processor's ear, as the radio sees it."""

    def heard(self, message: ApsMessage, node: Node) -> bool:
        """A message came from a node; whether it is acknowledged."""
        ...


class Gate(Protocol):
    """The co-processor's door: its network's key, and who is let in."""

    @property
    def network_key(self) -> NetworkKey | None:
        """The key in use, None while the network is down."""
        ...

    def beacon(self) -> Beacon | None:
        """What a scan finds; None while the network is down."""
        ...

    def admit(self, node: Node, update: Update) -> Association | None:
        """A node asks for a place; None if nobody answers it."""
        ...

    def left(self, node: Node) -> None:
        """A node said that it leaves."""
        ...


class Radio:
    """A network's nodes; a message takes latency_s each way. All spans are the clock's.

    stray is told of nodes that hear the network and have not its key, once for each message that they miss.
    sky is the weather, clear at first; tap writes down what a sniffer would hear, if there is one. An acknowledgement
    shares the fate of what it acknowledges.
    """

    def __init__(
        self,
        clock: Clock,
        nodes: Iterable[Node] = (),
        latency_s: float = 0.0,
        sky: Sky | None = None,
        tap: Recorder | None = None,
    ) -> None:
        self.sky = sky or Sky(SeededDice(0))
        self.tap = tap
        self._clock = clock
        self._latency_s = latency_s
        self._listener: Listener | None = None
        self._gate: Gate | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._blocks: dict[tuple[int, int, int], asyncio.Future[None]] = {}
        self._by_nwk: dict[int, Node] = {}
        self._by_eui64: dict[int, Node] = {}
        self.stray: Callable[[Node], None] | None = None
        self.reporters = Reporters(clock, lambda node: self.named(node.eui64) is node, self.send)
        for node in nodes:
            self.add(node)

    def add(self, node: Node) -> None:
        """Bring a node onto the network; its addresses must be new to it."""
        if node.nwk in self._by_nwk or node.eui64 in self._by_eui64:
            raise ValueError(f"two nodes with the address {node.nwk:04X} or {node.eui64:016X}")
        self._by_nwk[node.nwk] = self._by_eui64[node.eui64] = node

    def settle(self, node: Node, nwk: int) -> None:
        """A node lives under an address from now on, whether it was there before or not."""
        if self._by_eui64.pop(node.eui64, None) is not None:
            del self._by_nwk[node.nwk]
        node.move(nwk)
        self.add(node)

    def attach(self, listener: Listener, gate: Gate | None = None) -> None:
        """Name the co-processor that hears what is meant for the host, and its door; without one all share a key."""
        self._listener, self._gate = listener, gate

    def founded(self, key: NetworkKey) -> None:
        """The network is up: nodes that stand on it from the start and were never given its key have it."""
        for node in self._by_nwk.values():
            if node.network_key is None:
                node.give_network_key(key)

    def at(self, nwk: int) -> Node | None:
        """The node with a network address."""
        return self._by_nwk.get(nwk)

    def named(self, eui64: int) -> Node | None:
        """The node with an EUI-64."""
        return self._by_eui64.get(eui64)

    def members(self) -> list[Node]:
        """Everybody on the network."""
        return list(self._by_nwk.values())

    def vacant(self, eui64: int) -> int:
        """A network address for a newcomer, always the same where nobody is in the way."""
        rolls = SeededDice(eui64).stream("network address")
        while True:
            nwk = rolls.randrange(1, BROADCASTS.start)
            if nwk not in self._by_nwk:
                return nwk

    # From the co-processor

    def unicast(
        self, message: ApsMessage, sent: Callable[[bool], None], again: Again = lambda message: message
    ) -> None:
        """Send to one node; sent is told once whether it was delivered, before any answer is heard.

        again makes the frame of the next try, which has counters of its own, out of the last one. A parent holds a
        message for a sleeping child until that asks for it, or not that long.
        """
        node = self._by_nwk.get(message.destination)
        held_s = 0.0 if node is None else node.wakes_in_s(self._clock.monotonic())
        if held_s > HOLDS_S:
            self.later(HOLDS_S, lambda: sent(False))
        else:
            self.later(self._span_s + held_s, lambda: self._arrive(message, sent, again))

    def broadcast(self, message: ApsMessage) -> None:
        """Send to every node."""
        self.later(self._span_s, lambda: self._spread(message))

    def hand_out(self, key: NetworkKey, to: int | None = None, under: bytes | None = None) -> None:
        """Send the network key that will be next to everybody who hears, or to one under its link key."""
        if self.tap is not None and to is None:
            self.tap.handed_out(key, self._key)
        for node in self._hearing():
            if to is None or (node.eui64 == to and node.link_key == under):
                if self.tap is not None and to is not None:
                    self.tap.transport(node.nwk, node.eui64, key, under, self._key)
                node.next_key = key

    def switch(self, sequence: int) -> None:
        """Tell everybody to use the key of a sequence number from now on; who has it not is left behind."""
        if self.tap is not None:
            self.tap.switched(sequence, self._key)
        for node in self._hearing():
            if node.next_key is not None and node.next_key.sequence == sequence:
                node.give_network_key(node.next_key)

    def expel(self, eui64: int, under: bytes | None) -> None:
        """Tell a node to leave; it does if the message is under the link key that it has, if it has one."""
        for node in self._hearing(eui64):
            if node.link_key is None or node.link_key == under:
                self.depart(node)

    # From nodes

    async def beacon(self) -> Beacon | None:
        """What a scan finds."""
        await self._fly()
        beacon = None if self._gate is None else self._gate.beacon()
        if beacon is not None and self.tap is not None:
            self.tap.scan(beacon.extended_pan_id, open_to=beacon.permits_joining)
        return beacon

    async def associate(self, node: Node, update: Update) -> Association | None:
        """Ask for a place on the network, as the first time or as one that was there before."""
        await self._fly()
        if self._gate is None or node.manners.silent or self._fate(node) in _GONE:
            return None
        place = self._gate.admit(node, update)
        if place is not None and self.tap is not None:
            sleepy = node.identity.logical_type == END_DEVICE
            if update is Update.UNSECURED_JOIN:
                self.tap.association(node.eui64, place.nwk, sleepy=sleepy)
            else:
                key = node.network_key if update is Update.SECURED_REJOIN else None
                self.tap.rejoin(node.nwk, node.eui64, place.nwk, key, sleepy=sleepy)
            if place.transport is not None:
                self.tap.transport(place.nwk, node.eui64, place.transport.network_key, place.transport.key)
        return place

    async def send(self, node: Node, message: ApsMessage) -> bool:
        """A node's own message to the co-processor; whether it was acknowledged in the end."""
        for frame in node.frames(message):
            sending = self._send_frame if frame.block is None else self._send_block
            if not await sending(node, frame):
                return False
        return True

    async def repeat(self, node: Node, frame: ApsMessage) -> bool:
        """Somebody sends a frame that he has recorded, as it was; whether the co-processor acknowledges it."""
        await self._fly()
        return self._hear(frame, node)

    async def _send_frame(self, node: Node, frame: ApsMessage) -> bool:
        for attempt in range(ATTEMPTS):
            if attempt:
                await self._clock.sleep(ACK_WAIT_S)
                frame = node.again(frame)
            await self._fly()
            if self._hear(frame, node):
                return True
            if not frame.wants_ack:
                return False
        return False

    async def _send_block(self, node: Node, frame: ApsMessage) -> bool:
        """Blocks are acknowledged by the host, who says which it has; each is repeated until it is among them."""
        assert frame.block is not None
        place = (node.eui64, frame.sequence, frame.block.index)
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._blocks[place] = acknowledged
        try:
            for attempt in range(ATTEMPTS):
                frame = node.again(frame) if attempt else frame
                await self._fly()
                self._hear(frame, node)
                patience = asyncio.ensure_future(self._clock.sleep(ACK_WAIT_S))
                await asyncio.wait((acknowledged, patience), return_when=asyncio.FIRST_COMPLETED)
                patience.cancel()
                if acknowledged.done():
                    return True
            return False
        finally:
            del self._blocks[place]

    def acknowledge(self, nwk: int, sequence: int, first: int, received: int) -> None:
        """The host has blocks of a node's message: a bit for each of eight from the first on."""
        node = self._by_nwk.get(nwk)
        for bit in range(8):
            awaited = self._blocks.get((node.eui64, sequence, first + bit)) if node is not None else None
            if received >> bit & 1 and awaited is not None and not awaited.done():
                awaited.set_result(None)

    def depart(self, node: Node, *, comes_back: bool = False) -> None:
        """A node leaves and says so; without power or the network's key nobody hears it."""
        if self._by_eui64.pop(node.eui64, None) is None:
            return
        del self._by_nwk[node.nwk]
        if self._gate is not None and self._understands(node) and not node.manners.silent:
            if self.tap is not None:
                self.tap.left(node.nwk, node.eui64, node.network_key, comes_back=comes_back)
            self._gate.left(node)
        if not comes_back:
            node.network_key = node.next_key = None
            self.reporters.end(node)
        if node.ears is not None:
            node.ears.gone(comes_back=comes_back)

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._tasks

    def silence(self) -> None:
        """Forget everything that is under way, as when the co-processor resets."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    async def close(self) -> None:
        """Forget everything that is under way, reports included, for good."""
        self.silence()
        await self.reporters.close()

    def _hearing(self, eui64: int | None = None) -> list[Node]:
        """The nodes that hear and understand the network now: all of them, or the one with an EUI-64."""
        one = self._by_eui64.get(eui64) if eui64 is not None else None
        nodes = self.members() if eui64 is None else [one] if one is not None else []
        return [node for node in nodes if self._understands(node) and not node.manners.silent]

    def _understands(self, node: Node) -> bool:
        return self._gate is None or self._gate.network_key == node.network_key

    def _delivered(self, message: ApsMessage, node: Node | None) -> Outcome:
        if node is None:
            return UNHEARD
        if self._understands(node):
            return node.receive(message) if _is_new(message, node) else _OVERTAKEN
        if self.stray is not None and not node.manners.silent:
            self.stray(node)
        return UNHEARD

    def _arrive(self, message: ApsMessage, sent: Callable[[bool], None], again: Again, attempt: int = 1) -> None:
        node = self._by_nwk.get(message.destination)
        fate = Fate.ARRIVES if node is None else self._fate(node)
        outcome = UNHEARD if fate in _GONE else self._delivered(message, node)
        self._record(message, node if outcome.acknowledged else None)
        missed = fate in _GONE or outcome is _OVERTAKEN
        if missed and message.wants_ack and attempt < ATTEMPTS:
            self.later(ACK_WAIT_S, lambda: self._arrive(again(message), sent, again, attempt + 1))
            return
        if not outcome.acknowledged:
            left = 1 if missed else ATTEMPTS
            self.later(ACK_WAIT_S * left if message.wants_ack else _MAC_WAIT_S, lambda: sent(False))
            return
        sent(True)
        if node is not None:
            self._answer(node, outcome)
            if fate is Fate.DOUBLED:
                self._answer(node, self._delivered(message, node))

    def _spread(self, message: ApsMessage) -> None:
        self._record(message, None)
        for node in self.members():
            is_awake = message.destination != ALL_AWAKE or node.poll_s <= 0
            if is_awake and self._fate(node) not in _GONE:
                self._answer(node, self._delivered(message, node))

    def _fate(self, node: Node) -> Fate:
        return self.sky.fate(node.eui64, node.lqi)

    @property
    def _key(self) -> NetworkKey | None:
        """The network's key in use."""
        return None if self._gate is None else self._gate.network_key

    def _record(self, message: ApsMessage, receiver: Node | None) -> None:
        """Write down a message of the co-processor's, and its acknowledgement by whoever heard it."""
        if self.tap is not None:
            self.tap.message(message, None, self._key, heard=receiver is not None)
            if receiver is not None and message.wants_ack:
                self.tap.acknowledged(message, receiver.eui64, self._key)

    def _answer(self, node: Node, outcome: Outcome) -> None:
        self.reporters.attend(node)
        if outcome.reply is not None:
            self.later(outcome.delay_s + self._span_s, lambda: self._reply(node, outcome))

    def _reply(self, node: Node, outcome: Outcome) -> None:
        assert outcome.reply is not None
        first, *others = node.frames(outcome.reply)
        if others:
            self._track(self._send_all(node, [first, *others]))
        elif self.sky.weather is CLEAR:
            self._hear(first, node)
        else:
            self._track(self._send_reply(node, first))
        if outcome.leaves is not None:
            self.depart(node, comes_back=outcome.leaves)

    async def _send_reply(self, node: Node, frame: ApsMessage) -> None:
        await self._send_frame(node, frame)

    async def _send_all(self, node: Node, blocks: list[ApsMessage]) -> None:
        for block in blocks:
            if not await self._send_block(node, block):
                return

    def _hear(self, message: ApsMessage, node: Node) -> bool:
        """Whether the co-processor acknowledges a node's message, which must be under the network's key."""
        if self._listener is None or node.manners.silent or not self._understands(node):
            return False
        fate = self._fate(node)
        arrives = fate not in _GONE
        if self.tap is not None:
            to_us = message.destination == COORDINATOR
            self.tap.message(message, node.eui64, node.network_key, heard=arrives and to_us)
        acknowledged = arrives and self._listener.heard(message, node) and message.destination == COORDINATOR
        if fate is Fate.DOUBLED:
            self._listener.heard(message, node)
        if self.tap is not None and acknowledged and message.wants_ack:
            self.tap.acknowledged(message, None, node.network_key)
        return acknowledged

    @property
    def _span_s(self) -> float:
        """How long the next frame is in the air."""
        return self._latency_s + self.sky.delay_s()

    async def _fly(self) -> None:
        span_s = self._span_s
        if span_s > 0:
            await self._clock.sleep(span_s)

    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do it after a while; without a delay at once, so that all of an exchange fits one turn of the loop."""
        if delay_s <= 0:
            action()
            return
        self._track(self._after(delay_s, action))

    def _track(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _after(self, delay_s: float, action: Callable[[], None]) -> None:
        await self._clock.sleep(delay_s)
        action()


def _is_new(message: ApsMessage, node: Node) -> bool:
    """Whether a frame's counter under the network key is one that the node still takes; it is then used up."""
    if message.nwk_counter is None:
        return True
    if message.nwk_counter < node.next_counter:
        return False
    node.next_counter = message.nwk_counter + 1
    return True
