"""How a meter's messages reach its devices: one at a time to each, acknowledged, in blocks where they are long."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import replace

from gateway.clock import Clock
from simulators.zigbee import zcl, zdo
from simulators.zigbee.aps import SMART_ENERGY, ZDO, ApsMessage
from simulators.zigbee.ncp.memory import Memory
from simulators.zigbee.nodes import SECURED
from simulators.zigbee.octets import Malformed, Octets
from simulators.zigbee.radio import Radio
from simulators.zigbee.services_interface.peers import Peer
from simulators.zigbee.uplink import ANSWER_S

log = logging.getLogger(__name__)

ASKED_TIMES = 3
"""How often a device is asked for its descriptors, or to leave."""
_OWN_ENDPOINT = 1


Further = tuple[int, int, bytes, int]
"""A command that follows an answer: cluster, command, body, and the number of the transaction."""


class Carrier:
    """Sends, and runs what goes on beside; a device's tasks end when it is stopped, all of them at close().

    Frame counters under the network key are the memory's, those under a link key that key's own; both are given out
    as a frame leaves, so that they arrive in order.
    """

    def __init__(self, memory: Memory, radio: Radio, clock: Clock) -> None:
        self._memory, self._radio, self._clock = memory, radio, clock
        self._tasks: dict[asyncio.Task[None], Peer | None] = {}
        self._sequence = self._tsn = 0

    def run(self, work: Coroutine[None, None, object], peer: Peer | None = None) -> None:
        """Have something done, for a device or for nobody in particular."""
        task = asyncio.ensure_future(_guarded(work))
        self._tasks[task] = peer
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        task.add_done_callback(lambda _: work.close())  # what is stopped before it began was never awaited

    def stop(self, peer: Peer) -> None:
        """Do nothing more for a device, but what asks for this."""
        for task, whose in list(self._tasks.items()):
            if whose is peer and task is not asyncio.current_task():
                task.cancel()

    async def close(self) -> None:
        """Do nothing more at all."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def reply(self, peer: Peer, message: ApsMessage, delay_s: float, more: Sequence[Further]) -> None:
        """Send an answer, after the time that the meter takes over it, and the commands that go on from it."""
        if delay_s > 0:
            await self._clock.sleep(delay_s)
        await self.deliver(peer, message)
        for cluster, command, body, tsn in more:
            await self.tell(peer, cluster, command, body, True, tsn)

    async def tell(
        self, peer: Peer, cluster: int, command: int, body: bytes, from_server: bool, tsn: int | None = None
    ) -> bool:
        """Say a command to the endpoint that has to do with it; whether it was delivered.

        On secured clusters it goes under an established key, and without one not at all.
        """
        secured = cluster in SECURED
        if secured and not peer.end.registered:
            return False
        there, here = peer.spoken_on.get(cluster, (1, _OWN_ENDPOINT))
        there = (peer.clients or {}).get(cluster, there)
        payload = zcl.request(self._next_tsn() if tsn is None else tsn, command, body, from_server=from_server)
        message = peer.end.compose(
            cluster=cluster, payload=payload, destination=peer.nwk, endpoints=(here, there), encrypted=secured
        )
        return await self.deliver(peer, message)

    async def ask(self, peer: Peer, cluster: int, body: bytes, *, encrypted: bool = False) -> bytes | None:
        """A device's answer to a ZDO request, a few times asked for; None if there is none."""
        for _ in range(ASKED_TIMES):
            tsn = self._next_tsn()
            awaited = peer.asked(cluster | zdo.RESPONSE, tsn)
            message = peer.end.compose(
                cluster=cluster,
                payload=bytes((tsn,)) + body,
                destination=peer.nwk,
                profile=ZDO,
                endpoints=(0, 0),
                encrypted=encrypted,
            )
            if await self.deliver(peer, message) and not awaited.done():
                patience = asyncio.ensure_future(self._clock.sleep(ANSWER_S))
                await asyncio.wait((awaited, patience), return_when=asyncio.FIRST_COMPLETED)
                patience.cancel()
            if awaited.done():
                return awaited.result()
            awaited.cancel()
        return None

    async def discover(self, peer: Peer) -> None:
        """Ask for a device's endpoints, and which clusters they are clients of, all under its link key."""
        about = peer.nwk.to_bytes(2, "little")
        listed = await self.ask(peer, zdo.ACTIVE_ENDPOINTS, about, encrypted=True)
        clients: dict[int, int] = {}
        try:
            for number in b"" if listed is None else Octets(listed[4:]).counted():
                told = await self.ask(peer, zdo.SIMPLE_DESCRIPTOR, about + bytes((number,)), encrypted=True)
                if told is None:
                    return
                found = described(told)
                if found.profile == SMART_ENERGY:
                    peer.device = found.device
                    clients |= {each: number for each in found.clients if each not in clients}
        except Malformed:
            return
        peer.clients = clients if listed is not None else None

    async def deliver(self, peer: Peer, message: ApsMessage) -> bool:
        """Send a message once those before it are through; whether it was acknowledged, every block of it."""
        async with peer.turn:
            self._sequence = (self._sequence + 1) % 256
            numbered = replace(message, destination=peer.nwk, sequence=self._sequence)
            for frame in peer.end.frames(numbered):
                if not await self._sent(peer, frame):
                    return False
            return True

    async def _sent(self, peer: Peer, frame: ApsMessage) -> bool:
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def again(frame: ApsMessage) -> ApsMessage:
            return replace(peer.end.again(frame), nwk_counter=self._memory.next_nwk_counter())

        def sent(delivered: bool) -> None:
            if not done.done():
                done.set_result(delivered)

        self._radio.unicast(again(frame), sent, again)
        return await done

    def _next_tsn(self) -> int:
        self._tsn = (self._tsn + 1) % 256
        return self._tsn


def described(payload: bytes) -> zdo.Descriptor:
    """The descriptor in a Simple_Desc_rsp. Raises Malformed if it holds none."""
    octets = Octets(Octets(payload[4:]).counted())
    _, profile, device, version = (octets.unsigned(size) for size in (1, 2, 2, 1))
    servers, clients = (tuple(octets.unsigned(2) for _ in range(octets.unsigned(1))) for _ in range(2))
    return zdo.Descriptor(profile=profile, device=device, version=version, servers=servers, clients=clients)


async def _guarded(work: Coroutine[None, None, object]) -> None:
    try:
        await work
    except Exception:
        log.exception("something that a simulated meter does in its home broke down")
