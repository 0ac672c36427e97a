"""Fragments between the application and its co-processor, both ways, which bellows leaves to the host or gets wrong.

It sends none. Of those that come it puts together what EZSP 13 and before deliver, and fails on later ones, whose
fields it takes from the wrong places; and it lets a plain fragment complete an encrypted message. So on every version
they are taken here before bellows sees them, and it is given the whole.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Protocol

import bellows.types as ezsp_t  # type: ignore[import-untyped]  # bellows ships no types
import zigpy.types as t
from bellows.ash import AshException  # type: ignore[import-untyped]  # bellows ships no types
from bellows.exception import EzspError  # type: ignore[import-untyped]  # bellows ships no types
from zigpy.exceptions import DeliveryError, ZigbeeException

from drivers.zigbee.fragments import Assembler, Origin, TooLong, acknowledgement, cut, group, room

log = logging.getLogger(__name__)

ATTEMPTS = 2
"""How often a fragment is sent, beside the co-processor's own repetitions."""

SENT_S = 10.0
"""How long a fragment may take to be acknowledged: the co-processor repeats it three times, 1.6 s apart or more."""

MOST_ACKNOWLEDGING = 32
"""Acknowledgements on their way to the co-processor; what is not acknowledged is sent again."""

_INCOMING = "incomingMessageHandler"
_OPTIONS_HIGH, _FRAGMENT_HIGH = 8, 0x80
"""Where in that frame the options' upper byte is, in every version: after the type, profile, cluster and endpoints."""
_PLACES = {True: (1, 2, 9), False: (1, 4, 7)}
"""Where APS frame, sender and message are in its fields, from EZSP 14 on and before."""

_OPTION = ezsp_t.EmberApsOption


class Radio(Protocol):
    """What fragments need of the application."""

    @property
    def ezsp(self) -> Any:
        """bellows' commands, by name."""
        ...

    def tag(self) -> int:
        """A number for a message that is sent."""
        ...

    def sent(self, nwk: int, tag: int) -> contextlib.AbstractContextManager["asyncio.Future[tuple[Any, str]]"]:
        """Await the co-processor's word on what became of a message."""
        ...


class Fragmentation:
    """Both ways of one connection. monotonic is a clock's."""

    def __init__(self, radio: Radio, monotonic: Callable[[], float]) -> None:
        self._radio, self._monotonic = radio, monotonic
        self._assembler = Assembler()
        self._acknowledging: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()

    # In

    def took(self, data: bytes) -> bool:
        """Whether a frame from the co-processor was a fragment, and so is dealt with. bellows sees all others."""
        protocol = self._radio.ezsp._protocol
        try:
            _, frame_id, rest = protocol._ezsp_frame_rx(data)
            name, _, schema = protocol.COMMANDS_BY_ID[frame_id]
            if name != _INCOMING or not rest[_OPTIONS_HIGH] & _FRAGMENT_HIGH:
                return False
            fields = list(ezsp_t.deserialize_dict(rest, schema)[0].values())
        except (ValueError, LookupError):
            return False
        self._take(fields)
        return True

    def _take(self, fields: list[Any]) -> None:
        aps_place, sender_place, message_place = _PLACES[self._radio.ezsp.ezsp_version >= 14]
        aps, sender, message = fields[aps_place], fields[sender_place], fields[message_place]
        origin = Origin(
            sender=int(sender),
            sequence=int(aps.sequence),
            profile=int(aps.profileId),
            cluster=int(aps.clusterId),
            endpoints=(int(aps.sourceEndpoint), int(aps.destinationEndpoint)),
            encrypted=_OPTION.APS_OPTION_ENCRYPTION in aps.options,
        )
        taken = self._assembler.take(origin, int(aps.groupId), bytes(message), self._monotonic())
        if taken.acknowledged:
            self._acknowledge(sender, aps)
        if taken.whole is not None:
            whole = aps.replace(options=aps.options & ~(_OPTION.APS_OPTION_FRAGMENT | _OPTION.APS_OPTION_RETRY))
            fields[aps_place], fields[message_place] = whole.replace(groupId=0), taken.whole
            self._radio.ezsp.handle_callback(_INCOMING, fields)

    def _acknowledge(self, sender: Any, aps: Any) -> None:
        if len(self._acknowledging) >= MOST_ACKNOWLEDGING:
            return
        frame = aps.replace(
            sourceEndpoint=aps.destinationEndpoint,
            destinationEndpoint=aps.sourceEndpoint,
            groupId=acknowledgement(int(aps.groupId) & 0xFF),
        )
        task = asyncio.create_task(self._reply(sender, frame))
        self._acknowledging.add(task)
        task.add_done_callback(self._acknowledging.discard)

    async def _reply(self, sender: Any, frame: Any) -> None:
        try:
            await self._radio.ezsp.sendReply(sender=sender, apsFrame=frame, messageContents=b"")
        except (TimeoutError, ZigbeeException, EzspError, AshException) as error:
            log.debug("a fragment was not acknowledged: %r", error)

    # Out

    async def send(self, nwk: int, packet: t.ZigbeePacket) -> None:
        """Send a unicast in fragments, each after the one before was acknowledged. Raises DeliveryError."""
        encrypted = t.TransmitOptions.APS_Encryption in packet.tx_options
        try:
            fragments = cut(bytes(packet.data.serialize()), room(encrypted=encrypted, in_fragments=True))
        except TooLong as error:
            raise DeliveryError(str(error)) from None
        frame = ezsp_t.EmberApsFrame(
            profileId=packet.profile_id,
            clusterId=packet.cluster_id,
            sourceEndpoint=packet.src_ep,
            destinationEndpoint=packet.dst_ep or 0,
            options=_OPTION.APS_OPTION_FRAGMENT
            | _OPTION.APS_OPTION_RETRY
            | _OPTION.APS_OPTION_ENABLE_ROUTE_DISCOVERY
            | (_OPTION.APS_OPTION_ENCRYPTION if encrypted else _OPTION.APS_OPTION_NONE),
            groupId=0,
            sequence=packet.tsn,
        )
        async with self._one_at_a_time:
            for index, data in enumerate(fragments):
                part = frame.replace(groupId=group(len(fragments), index))
                sequence = await self._send_one(nwk, part, data)
                if index == 0:
                    frame = frame.replace(sequence=sequence)

    async def _send_one(self, nwk: int, frame: Any, data: bytes) -> Any:
        """Send a fragment until it is acknowledged; returns the APS sequence number, which the first one is given."""
        for remaining in reversed(range(ATTEMPTS)):
            tag = self._radio.tag()
            with self._radio.sent(nwk, tag) as word:
                status, sequence = await self._radio.ezsp.send_unicast(
                    nwk=ezsp_t.EmberNodeId(nwk),
                    aps_frame=frame,
                    message_tag=tag,
                    data=data,
                )
                if status == ezsp_t.sl_Status.OK:
                    async with asyncio.timeout(SENT_S):
                        status, _ = await word
            if ezsp_t.sl_Status.from_ember_status(status) == ezsp_t.sl_Status.OK:
                return sequence
            if not remaining:
                raise DeliveryError(f"fragment {int(frame.groupId) & 0xFF} was not delivered: {status!r}", status)
        raise AssertionError("there is an attempt at least")
