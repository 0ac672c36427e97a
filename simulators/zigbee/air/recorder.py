"""What goes on the air as frames that others can read: a recorder turns messages, joins and keys into a capture.

The laboratory's nodes speak in messages; here each becomes the bytes that a sniffer would have heard, with the frame
counters and sequence numbers of its sender. Keys go into the capture before the frames that they open.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from gateway.clock import Clock
from simulators.zigbee.air import aps, mac, nwk
from simulators.zigbee.air.pcapng import Captured, Secret, head, packet_block, secret_block
from simulators.zigbee.aps import ALL_AWAKE, BROADCASTS, COORDINATOR, ApsMessage

_JOINABLE_ROUTER, _END_DEVICE = b"\x8e", b"\x80"
_LEAVE_AND_BACK = 0x20
_EVERYBODY = 0xFFFFFFFFFFFFFFFF


class Recorder:
    """A capture of one network. write takes each block of the file; it starts with the file's head.

    Under what a frame goes is said by its sender: the network's key (None: plain), and the message's own link key.
    centre is the trust centre's EUI-64, which a sender or receiver of None is. keys is given, at each new key, all of
    them as Wireshark's own key file.
    """

    def __init__(
        self,
        write: Callable[[bytes], object],
        clock: Clock,
        *,
        pan_id: int,
        channel: int,
        centre: int,
        keys: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._write, self._clock, self._keys = write, clock, keys
        self._pan_id, self._channel, self._centre = pan_id, channel, centre
        self._mac: dict[int, int] = defaultdict(int)
        self._nwk: dict[int, int] = defaultdict(int)
        self._counters: dict[int, int] = defaultdict(lambda: 4096)
        self._known: dict[Secret, None] = {}
        self.frames = 0
        write(head("metergate laboratory"))

    # Messages

    def message(self, message: ApsMessage, sender: int | None, key: nwk.NetworkKey | None, *, heard: bool) -> None:
        """A message on the air; if it was heard, the MAC's acknowledgement follows."""
        sender = self._centre if sender is None else sender
        broadcast = message.destination in BROADCASTS
        if message.key is not None:
            self._tell(message.key, (message.source, message.destination))
        frame = aps.ApsFrame(
            broadcast=broadcast,
            destination_endpoint=message.destination_endpoint,
            cluster=message.cluster,
            profile=message.profile,
            source_endpoint=message.source_endpoint,
            sequence=message.sequence,
            payload=message.payload,
            wants_ack=message.wants_ack and not broadcast,
            block=message.block,
            counter=message.counter if message.key is not None else None,
        )
        raw = aps.encode(frame, message.key, sender)
        self._network(message.source, message.destination, sender, raw, key, heard=heard)

    def acknowledged(self, message: ApsMessage, receiver: int | None, key: nwk.NetworkKey | None) -> None:
        """The application's acknowledgement of a message, by its receiver; it goes under no link key."""
        receiver = self._centre if receiver is None else receiver
        ack = aps.ApsFrame(
            kind=aps.ACK,
            destination_endpoint=message.source_endpoint,
            cluster=message.cluster,
            profile=message.profile,
            source_endpoint=message.destination_endpoint,
            sequence=message.sequence,
            block=message.block,
        )
        raw = aps.encode(ack, None, receiver)
        self._network(message.destination, message.source, receiver, raw, key, heard=True)

    # Joins and keys

    def scan(self, extended_pan_id: int, *, open_to: bool) -> None:
        """A beacon request, and the coordinator's beacon."""
        self._frame(mac.COMMAND, 0xFFFE, mac.Place(mac.BROADCAST, mac.BROADCAST), None, bytes((mac.BEACON_REQUEST,)))
        payload = mac.beacon_payload(extended_pan_id, 0, open_to=open_to)
        self._frame(mac.BEACON, COORDINATOR, None, mac.Place(self._pan_id, COORDINATOR), payload)

    def association(self, device: int, address: int, *, sleepy: bool) -> None:
        """A device's association request and the address that it got."""
        asked = mac.Place(mac.BROADCAST, device, long=True)
        body = bytes((mac.ASSOCIATE,)) + (_END_DEVICE if sleepy else _JOINABLE_ROUTER)
        self._frame(mac.COMMAND, device, mac.Place(self._pan_id, COORDINATOR), asked, body, wants_ack=True)
        here, there = (mac.Place(self._pan_id, eui64, long=True) for eui64 in (self._centre, device))
        body = bytes((mac.ASSOCIATED,)) + address.to_bytes(2, "little") + b"\x00"
        self._frame(mac.COMMAND, COORDINATOR, there, here, body, wants_ack=True)

    def rejoin(self, before: int, device: int, address: int, key: nwk.NetworkKey | None, *, sleepy: bool) -> None:
        """A device that was there asks to be let in again, under the network key or plain, and gets an address."""
        asked = bytes((nwk.REJOIN_REQUEST,)) + (_END_DEVICE if sleepy else _JOINABLE_ROUTER)
        request = {"long_source": device, "long_destination": self._centre}
        self._network(before, COORDINATOR, device, asked, key, heard=True, kind=nwk.COMMAND, longs=request)
        given = bytes((nwk.REJOIN_RESPONSE,)) + address.to_bytes(2, "little") + b"\x00"
        response = {"long_source": self._centre, "long_destination": device}
        self._network(COORDINATOR, before, self._centre, given, key, heard=True, kind=nwk.COMMAND, longs=response)

    def transport(
        self,
        address: int,
        device: int,
        network: nwk.NetworkKey,
        link: bytes | None,
        key: nwk.NetworkKey | None = None,
    ) -> None:
        """The network key on its way to a device, under its link key or readable by everybody.

        key is the present one, for a device that is on the network already and is sent the next.
        """
        if link is not None:
            self._tell(link, (COORDINATOR, address))
        payload = aps.network_key_transport(network.key, network.sequence, device, self._centre)
        counter = self._counters[-1] = self._counters[-1] + 1
        raw = aps.encode_command(self._command(payload, counter), link, self._centre)
        self._network(COORDINATOR, address, self._centre, raw, key, heard=True)

    def handed_out(self, network: nwk.NetworkKey, key: nwk.NetworkKey | None) -> None:
        """The next network key on its way to everybody, under the present one."""
        payload = aps.network_key_transport(network.key, network.sequence, _EVERYBODY, self._centre)
        raw = aps.encode_command(self._command(payload), None, self._centre)
        self._network(COORDINATOR, ALL_AWAKE, self._centre, raw, key, heard=False)

    def switched(self, sequence: int, key: nwk.NetworkKey | None) -> None:
        """Everybody is told to use another network key."""
        raw = aps.encode_command(self._command(bytes((aps.SWITCH_KEY, sequence))), None, self._centre)
        self._network(COORDINATOR, ALL_AWAKE, self._centre, raw, key, heard=False)

    def _command(self, payload: bytes, counter: int | None = None) -> aps.ApsCommand:
        return aps.ApsCommand(sequence=self._next(self._nwk, -1), payload=payload, counter=counter)

    def left(self, address: int, device: int, key: nwk.NetworkKey | None, *, comes_back: bool) -> None:
        """A device says that it leaves."""
        payload = bytes((nwk.LEAVE, _LEAVE_AND_BACK * comes_back))
        self._network(address, ALL_AWAKE, device, payload, key, heard=False, kind=nwk.COMMAND)

    # Frames

    def _network(
        self,
        source: int,
        destination: int,
        sender: int,
        payload: bytes,
        key: nwk.NetworkKey | None,
        *,
        heard: bool,
        kind: int = nwk.DATA,
        longs: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        if key is not None:
            self._tell(key.key, None)
        frame = nwk.NwkFrame(
            kind=kind,
            destination=destination,
            source=source,
            sequence=self._next(self._nwk, sender),
            payload=payload,
            **longs,
        )
        if key is not None:
            counter = self._counters[sender] = self._counters[sender] + 1
            frame = replace(frame, source_eui64=sender, counter=counter)
        broadcast = destination in BROADCASTS
        there = mac.Place(self._pan_id, mac.BROADCAST if broadcast else destination)
        here = mac.Place(self._pan_id, source)
        self._frame(
            mac.DATA,
            sender,
            there,
            here,
            nwk.encode(frame, key),
            wants_ack=not broadcast,
            heard=heard and not broadcast,
        )

    def _frame(
        self,
        kind: int,
        sender: int,
        destination: mac.Place | None,
        source: mac.Place | None,
        payload: bytes,
        *,
        wants_ack: bool = False,
        heard: bool | None = None,
    ) -> None:
        sequence = self._next(self._mac, sender)
        frame = mac.MacFrame(
            kind=kind,
            sequence=sequence,
            destination=destination,
            source=source,
            payload=payload,
            wants_ack=wants_ack,
        )
        self._put(mac.encode(frame))
        if wants_ack and heard is not False:
            self._put(mac.encode(mac.MacFrame(kind=mac.ACK, sequence=sequence)))

    def _put(self, raw: bytes) -> None:
        self.frames += 1
        self._write(
            packet_block(Captured(at=self._clock.now(), frame=raw, channel=self._channel, rssi_dbm=-60.0, lqi=200))
        )

    def _tell(self, key: bytes, nodes: tuple[int, int] | None) -> None:
        """A key that the capture does not hold yet."""
        secret = Secret(key=key, pan_id=self._pan_id, nodes=None if nodes is None else (min(nodes), max(nodes)))
        if secret not in self._known:
            self._known[secret] = None
            self._write(secret_block(secret))
            self._keys(key_file(list(self._known)))

    def _next(self, numbers: dict[int, int], sender: int) -> int:
        numbers[sender] = (numbers[sender] + 1) % 256
        return numbers[sender]


def key_file(secrets: list[Secret]) -> str:
    """Keys as Wireshark's own file takes them (zigbee_pc_keys), for versions that read no secrets of ZigBee."""
    lines = {f'"{secret.key.hex(":")}","Normal","{"link" if secret.nodes else "network"} key"' for secret in secrets}
    return "".join(f"{line}\n" for line in sorted(lines))
