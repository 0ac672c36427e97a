"""A device's own requests to its trust centre, over ZDO and ZCL, and the answers that it awaits."""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.errors import Unreachable
from simulators.zigbee import zcl, zdo
from simulators.zigbee.aps import ALL_AWAKE, COORDINATOR, SMART_ENERGY, ZDO, ApsMessage
from simulators.zigbee.nodes import SECURED, Node
from simulators.zigbee.octets import Malformed, Octets, unsigned
from simulators.zigbee.radio import Radio

KEEP_ALIVE, KEY_ESTABLISHMENT = 0x0025, 0x0800
ANSWER_S = 5.0
_MOST_AWAITED = 16


class Unanswered(Unreachable):
    """The trust centre did not answer a device's request in time."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A ZCL frame that came as an answer."""

    header: zcl.Header
    body: bytes


class Uplink:
    """What a device has of the network: it says things to the trust centre's Smart Energy endpoint and is answered.

    Messages on secured clusters go out under the link key, all others plain. centre is the trust centre's EUI-64.
    """

    def __init__(self, node: Node, radio: Radio, clock: Clock, centre: int = 0) -> None:
        self.node, self.clock, self.centre = node, clock, centre
        self._radio = radio
        self._tsn = 0
        self._endpoints: dict[tuple[int, bool], int] = {}
        self._awaited: dict[tuple[bool, int, bytes], asyncio.Future[bytes]] = {}

    def forget(self) -> None:
        """What was found out about the trust centre's endpoints may not be true any more."""
        self._endpoints.clear()

    def hear(self, message: ApsMessage) -> None:
        """A message that may answer a request."""
        is_zdo = message.profile == ZDO
        tsn = message.payload[:1] if is_zdo else message.payload[1:2]
        awaited = self._awaited.get((is_zdo, message.cluster, tsn))
        if awaited is not None and not awaited.done():
            awaited.set_result(message.payload)

    async def announce(self) -> None:
        """Tell everybody that the device is there."""
        payload = zdo.announcement(self.node.identity, self._next_tsn())
        await self._send(zdo.DEVICE_ANNOUNCE, payload, (0, 0), profile=ZDO, to=ALL_AWAKE)

    async def endpoint(self, cluster: int, *, client: bool = False) -> int | None:
        """The trust centre's Smart Energy endpoint that serves (or uses) a cluster; None if it has none."""
        if (cluster, client) not in self._endpoints:
            request = zdo.match_request(self._next_tsn(), COORDINATOR, SMART_ENERGY, cluster, client=client)
            answer = await self._ask_zdo(zdo.MATCH_DESCRIPTORS, request)
            try:
                answer.take(4)
                found = answer.counted()
            except Malformed:
                found = b""
            if not found:
                return None
            self._endpoints[cluster, client] = found[0]
        return self._endpoints[cluster, client]

    async def describe_centre(self) -> None:
        """Ask the trust centre's node for its descriptor: a sign of life. Raises Unanswered."""
        await self._ask_zdo(zdo.NODE_DESCRIPTOR, bytes((self._next_tsn(), 0, 0)))

    async def ask(
        self,
        cluster: int,
        command: int,
        body: bytes = b"",
        *,
        general: bool = False,
        from_server: bool = False,
        encrypted: bool = False,
        timeout_s: float = ANSWER_S,
    ) -> Heard:
        """Send a command and await whatever answers it, a Default Response too. Raises Unanswered.

        encrypted is for clusters on which the link key is a choice.
        """
        payload = zcl.request(self._next_tsn(), command, body, general=general, from_server=from_server)
        answer = (False, cluster, payload[1:2])
        header, rest = zcl.parse(await self._await(answer, self._send_zcl(cluster, payload, encrypted), timeout_s))
        return Heard(header, rest.rest())

    async def read(self, cluster: int, *attributes: int, encrypted: bool = False) -> dict[int, zcl.Value]:
        """The attributes of the trust centre's server that it gives. Raises Unanswered."""
        body = b"".join(unsigned(attribute, 2) for attribute in attributes)
        heard = await self.ask(cluster, zcl.READ, body, general=True, encrypted=encrypted)
        try:
            return zcl.read_records(heard.body) if heard.header.command == zcl.READ_RESPONSE else {}
        except Malformed:
            return {}

    async def tell(
        self, cluster: int, command: int, body: bytes = b"", *, from_server: bool = False, tsn: int | None = None
    ) -> bool:
        """Send a command (in answer to the one with that tsn) and await nothing; whether it was delivered."""
        tsn = self._next_tsn() if tsn is None else tsn
        return await self._send_zcl(cluster, zcl.request(tsn, command, body, from_server=from_server))

    async def speak(
        self, cluster: int, payload: bytes, endpoints: tuple[int, int], *, profile: int, encrypted: bool
    ) -> bool:
        """Send a whole ZCL frame as it is, from endpoints[0]; whether it was delivered.

        It goes to the endpoint of the other side of the cluster, and to endpoints[1] where the trust centre names none.
        """
        there = None
        if profile == SMART_ENERGY:
            with contextlib.suppress(Unanswered):
                there = await self.endpoint(cluster, client=bool(payload[:1] and payload[0] & 0x08))
        to = endpoints[0], endpoints[1] if there is None else there
        return await self._send(cluster, payload, to, profile=profile, encrypted=encrypted)

    async def replay(self, cluster: int, command: int, body: bytes = b"") -> tuple[bool, bool]:
        """Send a command, and the very same frame again, as a recorder would; whether each was acknowledged."""
        there = await self.endpoint(cluster)
        if there is None:
            return False, False
        payload = zcl.request(self._next_tsn(), command, body)
        message = self.node.compose(
            cluster=cluster,
            payload=payload,
            endpoints=(self._own_endpoint(cluster), there),
            encrypted=cluster in SECURED,
        )
        return await self._radio.send(self.node, message), await self._radio.repeat(self.node, message)

    async def _ask_zdo(self, cluster: int, payload: bytes) -> Octets:
        answer = (True, cluster | zdo.RESPONSE, payload[:1])
        return Octets(await self._await(answer, self._send(cluster, payload, (0, 0), profile=ZDO), ANSWER_S))

    async def _await(
        self, answer: tuple[bool, int, bytes], sending: Coroutine[None, None, bool], span_s: float
    ) -> bytes:
        if len(self._awaited) >= _MOST_AWAITED:
            sending.close()
            raise Unanswered("too many requests under way")
        awaited: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._awaited[answer] = awaited
        self.node.awake += 1
        patience: asyncio.Future[None] | None = None
        try:
            if not await sending:
                raise Unanswered(f"nothing on cluster {answer[1]:04X} was delivered")
            if not awaited.done():
                patience = asyncio.ensure_future(self.clock.sleep(span_s))
                await asyncio.wait((awaited, patience), return_when=asyncio.FIRST_COMPLETED)
            if not awaited.done():
                raise Unanswered(f"nothing on cluster {answer[1]:04X} was answered within {span_s:g} s")
            return awaited.result()
        finally:
            del self._awaited[answer]
            self.node.awake -= 1
            if patience is not None:
                patience.cancel()

    async def _send_zcl(self, cluster: int, payload: bytes, encrypted: bool = False) -> bool:
        """To the endpoint of the other side, or whichever has to do with the cluster; nobody is bothered otherwise."""
        to_client = bool(payload[0] & 0x08)
        there = await self.endpoint(cluster, client=to_client)
        if there is None and to_client:
            there = await self.endpoint(cluster)
        if there is None:
            return False
        endpoints = (self._own_endpoint(cluster), there)
        return await self._send(cluster, payload, endpoints, encrypted=encrypted or cluster in SECURED)

    async def _send(
        self,
        cluster: int,
        payload: bytes,
        endpoints: tuple[int, int],
        *,
        profile: int = SMART_ENERGY,
        to: int = COORDINATOR,
        encrypted: bool = False,
    ) -> bool:
        message = self.node.compose(
            cluster=cluster,
            payload=payload,
            destination=to,
            profile=profile,
            endpoints=endpoints,
            encrypted=encrypted,
        )
        return await self._radio.send(self.node, message)

    def _own_endpoint(self, cluster: int) -> int:
        """The endpoint that has to do with a cluster, or the first."""
        own = self.node.endpoints
        concerned = (
            number for number, each in own.items() if cluster in each.descriptor.servers + each.descriptor.clients
        )
        return next(concerned, next(iter(own)))

    def _next_tsn(self) -> int:
        self._tsn = (self._tsn + 1) % 256
        return self._tsn
