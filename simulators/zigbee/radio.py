"""The air between a co-processor and its nodes: who hears whom, and when."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from gateway.clock import Clock
from simulators.zigbee.aps import ApsMessage
from simulators.zigbee.nodes import UNHEARD, Node

ACK_WAIT_S, ATTEMPTS = 1.6, 3
"""How long a sender waits for an APS acknowledgement, and how often it tries (EmberZNet's defaults)."""
_MAC_WAIT_S = 0.1


class Listener(Protocol):
    """The co-processor, as the radio sees it."""

    def heard(self, message: ApsMessage, node: Node) -> None:
        """A message for the host came from a node."""
        ...


class Radio:
    """A network's nodes; a message takes latency_s each way. All spans are the clock's."""

    def __init__(self, clock: Clock, nodes: Iterable[Node] = (), latency_s: float = 0.0) -> None:
        self._clock = clock
        self._latency_s = latency_s
        self._listener: Listener | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._by_nwk: dict[int, Node] = {}
        self._by_eui64: dict[int, Node] = {}
        for node in nodes:
            self.add(node)

    def add(self, node: Node) -> None:
        """Bring a node onto the network; its addresses must be new to it."""
        if node.nwk in self._by_nwk or node.eui64 in self._by_eui64:
            raise ValueError(f"two nodes with the address {node.nwk:04X} or {node.eui64:016X}")
        self._by_nwk[node.nwk] = self._by_eui64[node.eui64] = node

    def attach(self, listener: Listener) -> None:
        """Name the co-processor that hears what is meant for the host."""
        self._listener = listener

    def at(self, nwk: int) -> Node | None:
        """The node with a network address."""
        return self._by_nwk.get(nwk)

    def named(self, eui64: int) -> Node | None:
        """The node with an EUI-64."""
        return self._by_eui64.get(eui64)

    def unicast(self, message: ApsMessage, sent: Callable[[bool], None]) -> None:
        """Send to one node; sent is told once whether it was delivered, before any answer is heard."""
        self._later(self._latency_s, lambda: self._arrive(message, sent))

    def broadcast(self, message: ApsMessage) -> None:
        """Send to every node."""
        self._later(self._latency_s, lambda: self._spread(message))

    def silence(self) -> None:
        """Forget everything that is under way, as when the co-processor resets."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    def _arrive(self, message: ApsMessage, sent: Callable[[bool], None]) -> None:
        node = self._by_nwk.get(message.destination)
        outcome = UNHEARD if node is None else node.receive(message)
        if not outcome.acknowledged:
            wait_s = ACK_WAIT_S * ATTEMPTS if message.wants_ack else _MAC_WAIT_S
            self._later(wait_s, lambda: sent(False))
            return
        sent(True)
        if node is not None and outcome.reply is not None:
            self._answer(node, outcome.reply, outcome.delay_s)

    def _spread(self, message: ApsMessage) -> None:
        for node in list(self._by_nwk.values()):
            outcome = node.receive(message)
            if outcome.reply is not None:
                self._answer(node, outcome.reply, outcome.delay_s)

    def _answer(self, node: Node, reply: ApsMessage, delay_s: float) -> None:
        self._later(delay_s + self._latency_s, lambda: self._hear(reply, node))

    def _hear(self, reply: ApsMessage, node: Node) -> None:
        if self._listener is not None:
            self._listener.heard(reply, node)

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do it after a while; without a delay at once, so that all of an exchange fits one turn of the loop."""
        if delay_s <= 0:
            action()
            return
        task = asyncio.create_task(self._after(delay_s, action))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _after(self, delay_s: float, action: Callable[[], None]) -> None:
        await self._clock.sleep(delay_s)
        action()
