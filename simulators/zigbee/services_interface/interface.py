"""A meter as Energy Services Interface: it forms its home-area network, lets devices in, serves and tells them.

It takes the co-processor's part on a radio of its own (radio.Listener, and a trust centre as radio.Gate), without
EZSP and without a host; what a utility's head end does over its own network are calls here. Source: ZigBee Smart Energy
07-5356, chapters 5 and 6; annexes C and D.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from gateway.clock import Clock
from gateway.errors import BadInput
from simulators.han import published, wire
from simulators.han.wire import LoadEvent, Message, PublishedPrice
from simulators.meter import SimMeter
from simulators.zigbee import zdo
from simulators.zigbee.aps import BROADCASTS, ZDO, ApsMessage
from simulators.zigbee.cbke.talk import Party
from simulators.zigbee.install_code import link_key_of
from simulators.zigbee.key_establishment import KeyEstablishment, computed
from simulators.zigbee.ncp.memory import Memory
from simulators.zigbee.nodes import SECURED, Node, Plain
from simulators.zigbee.radio import Radio
from simulators.zigbee.services_interface.carrier import Carrier
from simulators.zigbee.services_interface.faces import faces
from simulators.zigbee.services_interface.log import Log, What
from simulators.zigbee.services_interface.peers import GONE, ON_NETWORK, Peer, Standing
from simulators.zigbee.services_interface.programme import Programme
from simulators.zigbee.services_interface.servers import TIERS
from simulators.zigbee.services_interface.trust_centre import TrustCentre
from simulators.zigbee.timing import Timing

MOST_DEVICES = 10
"""Devices that one meter has room for."""
REGISTRATION_S = 1200.0
"""How long a device may be on the network without a key of its own; then it is told to leave (section 5.4.5)."""
UNUSED_KEY_S = 2.0
"""After how long the meter asks a device something under the key that was established, if it said nothing under it."""
TRIES, TRY_AGAIN_S = 3, 30.0
"""How often something published is sent to a device that does not acknowledge it, and how far apart."""
_ANYBODY = (0, 0xFFFFFFFFFFFFFFFF)
_LEAVE_FOR_GOOD = b"\x00"
_NOT_SUPPORTED = b"\x84"
_LONGEST_REST_S = 3600.0


class NotAdded(BadInput):
    """A device that the meter cannot await, or that it does not know."""


class ServicesInterface:
    """The node. start() and close() frame its life; what happens is in its log.

    party gives its credentials for key establishment, which are for suites; memory holds a formed network. plain is
    what it does with plain frames on secured clusters.
    """

    def __init__(
        self,
        *,
        meter: SimMeter,
        memory: Memory,
        radio: Radio,
        clock: Clock,
        suites: int,
        party: Callable[[], Party],
        programme: Programme,
        timing: Timing,
        plain: Plain = Plain.REFUSE,
    ) -> None:
        self.meter, self.programme, self.log = meter, programme, Log(meter.now)
        self.peers: dict[int, Peer] = {}
        self.eui64 = memory.eui64
        self._radio, self._clock, self._timing = radio, clock, timing
        self._suites, self._party, self._plain = suites, party, plain
        self._carrier = Carrier(memory, radio, clock)
        self._face = faces(meter, programme)
        self._changed = asyncio.Event()
        self.trust_centre = TrustCentre(
            memory=memory,
            peers=self.peers,
            radio=radio,
            clock=clock,
            log=self.log,
            meter=meter,
            left=self._carrier.stop,
            key_switch_s=timing.key_switch_s,
        )
        radio.attach(self, self.trust_centre)

    def start(self) -> None:
        """Follow the tariff from now on, and have the certificates ready before anybody wants to see them."""
        self._carrier.run(self._follow_prices())
        self._carrier.run(computed(self._party))

    async def close(self) -> None:
        """Say and await nothing any more."""
        await self._carrier.close()

    # What the head end asks for

    def add(self, eui64: int, code: bytes, window_s: int, key_s: float) -> Peer:
        """Await a device by its install code (with check sum) for key_s, and open the window. Raises BadInput."""
        known = self.peers.get(eui64)
        if eui64 in (*_ANYBODY, self.eui64):
            raise NotAdded("that EUI-64 is no device's")
        if known is not None and known.standing in ON_NETWORK - {Standing.KEY_SENT}:
            raise NotAdded(f"device {eui64:016X} is {known.standing}: remove it first")
        others = [each for each in self.peers.values() if each.standing not in GONE and each is not known]
        if len(others) >= MOST_DEVICES:
            raise NotAdded(f"the meter has room for {MOST_DEVICES} devices")
        self.open(window_s)
        if known is not None:
            self._carrier.stop(known)
        peer = self.peers[eui64] = self._peer(eui64, link_key_of(code), self._clock.monotonic() + key_s)
        self.log.note(What.EXPECTED, eui64, words=f"for {key_s:.0f} s")
        self._carrier.run(self._expire(peer), peer)
        return peer

    def open(self, seconds: int) -> None:
        """Open the window for 1 to 254 s. Raises BadWindow."""
        self._carrier.run(self._close_window(self.trust_centre.open(seconds)))

    async def remove(self, eui64: int) -> None:
        """Tell a device to leave, and forget it; if it does not, the network goes on without it. Raises NotAdded."""
        peer = self.known(eui64)
        if peer.standing is Standing.LEAVING:
            return
        was_there = peer.standing in ON_NETWORK
        if was_there:
            peer.standing = Standing.LEAVING
            request = eui64.to_bytes(8, "little") + _LEAVE_FOR_GOOD
            await self._carrier.ask(peer, zdo.LEAVE, request, encrypted=True)
        stays = peer.standing is Standing.LEAVING
        self._carrier.stop(peer)
        peer.part(Standing.LEFT)
        self.peers.pop(eui64, None)
        self.log.note(What.REMOVED, eui64, words="it did not say that it leaves" if stays else "")
        if stays:
            await self.trust_centre.renew(one_by_one=True)

    def known(self, eui64: int) -> Peer:
        """A device that was added. Raises NotAdded."""
        if eui64 not in self.peers:
            raise NotAdded(f"no device {eui64:016X} was added to the meter")
        return self.peers[eui64]

    def publish_price(self, price: PublishedPrice) -> None:
        """Say a price that the programme has taken."""
        body = published.published(price, self.meter.now(), TIERS)
        self._publish(wire.PRICE, wire.PUBLISH_PRICE, body, price.event)
        self._changed.set()

    def publish_text(self, text: Message) -> None:
        """Say a text that the programme has taken."""
        self._publish(wire.MESSAGING, wire.DISPLAY, published.display_message(text), text.message)

    def cancel_text(self) -> None:
        """Have the text taken off the faces. Raises BadProgramme if there is none."""
        number = self.programme.take_text().message
        self._publish(wire.MESSAGING, wire.CANCEL_MESSAGE, published.cancel_message(number), number)

    def publish_event(self, event: LoadEvent) -> None:
        """Say a load-control event that the programme has taken."""
        self._publish(wire.LOAD_CONTROL, wire.EVENT, published.load_control_event(event), event.event)

    def cancel_event(self, number: int) -> None:
        """Have an event end at once. Raises BadProgramme if there is none."""
        order = self.programme.take_event(number)
        self._publish(wire.LOAD_CONTROL, wire.CANCEL_EVENT, published.cancel_event(order), number)

    # radio.Listener

    def heard(self, message: ApsMessage, node: Node) -> bool:
        """A message came from a node; whether it is acknowledged."""
        peer = self.peers.get(node.eui64)
        if peer is None or peer.standing not in ON_NETWORK:
            self.log.note(What.STRANGER, node.eui64, words="it has the network key, and is none of ours")
            return False
        if peer.standing is Standing.KEY_SENT:
            self._joined(peer)
        if peer.repeats(message):
            return True
        self._remark(message, peer)
        peer.spoken_on[message.cluster] = message.source_endpoint, message.destination_endpoint
        peer.more = []
        outcome = peer.end.receive(message)
        if outcome.acknowledged and message.key is not None and peer.end.registered:
            self._registered(peer)
        if outcome.acknowledged and message.block is not None:
            self._radio.acknowledge(node.nwk, message.sequence, message.block.index, 1)
        if outcome.reply is not None:
            reply = _staying(message, outcome.reply)
            self._carrier.run(self._carrier.reply(peer, reply, outcome.delay_s, peer.more), peer)
        return outcome.acknowledged

    def _remark(self, message: ApsMessage, peer: Peer) -> None:
        """Note what is not taken, and why."""
        secured = message.profile != ZDO and message.cluster in SECURED and message.destination not in BROADCASTS
        shared = peer.end.shared
        if message.key is None:
            if secured:
                self.log.note(What.PLAIN, peer.eui64, words=f"cluster 0x{message.cluster:04X}")
        elif shared is None or shared.key != message.key:
            self.log.note(What.UNREADABLE, peer.eui64, words="under a key that is not shared with it")
        elif message.counter < shared.incoming:
            self.log.note(What.REPLAYED, peer.eui64, words=f"frame counter {message.counter} again")

    # The life of a device, as the meter sees it

    def _peer(self, eui64: int, code_key: bytes, until_s: float) -> Peer:
        """Our end towards a device, with the clusters that answer it."""
        end = Node(
            identity=zdo.Identity(eui64=self.eui64, nwk=0, logical_type=0),
            endpoints={},
            plain=self._plain,
            manners=self.meter,
            registered=False,
        )
        peer = Peer(eui64, code_key, until_s, end, self._clock, self._carrier.tell)
        pace_s = (self._timing.ephemeral_s, self._timing.confirm_s)

        def heard(what: What, number: int, words: str) -> None:
            self.log.note(what, eui64, number, words)

        peer.keys = KeyEstablishment(self._suites, self._party, peer, peer.agree, pace_s)
        end.endpoints = self._face(peer.keys, heard, lambda *command: peer.more.append(command))
        return peer

    def _joined(self, peer: Peer) -> None:
        """The device could read the network key, for it speaks under it."""
        peer.standing = Standing.JOINED
        self.log.note(What.JOINED, peer.eui64)
        self.trust_centre.heard_from(peer)
        self._carrier.run(self._answer_for_keys(peer), peer)
        self._carrier.run(self._await_registration(peer), peer)

    async def _expire(self, peer: Peer) -> None:
        """Its key waits so long, and no longer."""
        await self._clock.sleep(peer.until_s - self._clock.monotonic())
        if peer.standing in (Standing.AWAITED, Standing.KEY_SENT):
            came = peer.standing is Standing.KEY_SENT
            peer.part(Standing.EXPIRED)
            words = "it was sent the network key, and could not read it" if came else "it was let in by no window"
            self.log.note(What.KEY_EXPIRED, peer.eui64, words=words)

    async def _close_window(self, until_s: float) -> None:
        await self._clock.sleep(until_s - self._clock.monotonic())
        self.trust_centre.close_at(until_s)

    async def _await_registration(self, peer: Peer) -> None:
        await self._clock.sleep(REGISTRATION_S)
        if peer.standing is Standing.JOINED:
            self.log.note(What.KEY_FAILED, peer.eui64, words="it established no key in time")
            self._carrier.run(self.remove(peer.eui64))

    async def _answer_for_keys(self, peer: Peer) -> None:
        """Establish a key whenever the device wants one."""
        assert peer.keys is not None
        while True:
            status = await peer.keys.respond()
            if status is not None:
                words = "the device fell silent" if status < 0 else f"ended with status {status}"
                self.log.note(What.KEY_FAILED, peer.eui64, words=words)
            else:
                self._carrier.run(self._proved(peer), peer)

    async def _proved(self, peer: Peer) -> None:
        """Have a device use its key that does not by itself: it may have given up just before our last word."""
        await self._clock.sleep(UNUSED_KEY_S)
        if peer.standing is Standing.JOINED:
            await self._carrier.discover(peer)
        if peer.standing is Standing.JOINED:
            self.log.note(What.KEY_FAILED, peer.eui64, words="the device does not use the key")

    def _registered(self, peer: Peer) -> None:
        """The device uses the key that was established."""
        if peer.standing is Standing.JOINED:
            peer.standing = Standing.REGISTERED
            self.log.note(What.REGISTERED, peer.eui64)
            if peer.clients is None:
                self._carrier.run(self._carrier.discover(peer), peer)

    # Telling

    async def _follow_prices(self) -> None:
        """Publish the tariff's price whenever it comes to hold."""
        last = self.programme.price_at(self.meter.now())
        while True:
            due = self.programme.next_change(self.meter.now())
            span_s = _LONGEST_REST_S if due is None else (due - self.meter.now()).total_seconds()
            await self._rest(min(max(span_s, 0.001), _LONGEST_REST_S))
            price = self.programme.price_at(self.meter.now())
            if price is not None and price != last and not self.programme.is_given(price):
                self.publish_price(price)
                self._changed.clear()
            last = price

    async def _rest(self, seconds: float) -> None:
        """Until the programme changes, or so many seconds have passed."""
        pause, woken = asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait((pause, woken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            woken.cancel()
        self._changed.clear()

    def _publish(self, cluster: int, command: int, body: bytes, number: int) -> None:
        """Say something to every registered device that is a client of the cluster."""
        for peer in self.peers.values():
            if peer.standing is Standing.REGISTERED:
                self._carrier.run(self._published(peer, cluster, command, body, number), peer)

    async def _published(self, peer: Peer, cluster: int, command: int, body: bytes, number: int) -> None:
        """Say it until it is acknowledged, a few times."""
        for attempt in range(TRIES):
            if attempt:
                await self._clock.sleep(TRY_AGAIN_S)
            if peer.clients is None:
                await self._carrier.discover(peer)
            if peer.standing is not Standing.REGISTERED or cluster not in (peer.clients or {}):
                return
            if await self._carrier.tell(peer, cluster, command, body, True):
                self.log.note(What.DELIVERED, peer.eui64, number)
                return
        self.log.note(What.NOT_DELIVERED, peer.eui64, number, f"{TRIES} times without an acknowledgement")


def _staying(message: ApsMessage, reply: ApsMessage) -> ApsMessage:
    """A coordinator does not leave its network, whoever asks for it."""
    asked_to_leave = message.profile == ZDO and message.cluster == zdo.LEAVE
    return replace(reply, payload=reply.payload[:1] + _NOT_SUPPORTED) if asked_to_leave else reply
