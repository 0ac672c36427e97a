"""Messages that no single frame has room for, in both directions, as the host stack's versions see them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import bellows.types as t  # type: ignore[import-untyped]  # bellows ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.world import StreetPlan
from simulators.zigbee import zcl
from simulators.zigbee.aps import ApsMessage
from simulators.zigbee.blocks import LONGEST, Assembler, cut
from simulators.zigbee.nodes import Node

from .conftest import Host, Standing
from .test_coprocessor import RawHost

FRAGMENT, RETRY, ENCRYPTION = 0x8000, 0x0040, 0x0020
TUNNELING = 0x0704
ACK_WAIT_S = 1.6


class Mirror:
    """A server that says what it was told as often as the first byte says."""

    def attributes(self) -> Sequence[int]:
        return ()

    def attribute(self, attribute: int) -> zcl.Value | None:
        return None

    def reading(self, attributes: Sequence[int]) -> bytes | None:
        return None

    def command(self, command: zcl.Command) -> zcl.Reply:
        return zcl.Reply(0x01, command.body[1:] * command.body[0])


def with_mirror(node: Node) -> int:
    """Give a node a server whose answers can be long; returns its endpoint."""
    ((number, endpoint),) = node.endpoints.items()
    node.endpoints = {number: replace(endpoint, servers={**endpoint.servers, TUNNELING: Mirror()})}
    return number


def aps_frame(endpoint: int, *, options: int = RETRY | ENCRYPTION, group: int = 0, sequence: int = 0) -> Any:
    return t.EmberApsFrame(
        profileId=0x0109,
        clusterId=TUNNELING,
        sourceEndpoint=1,
        destinationEndpoint=endpoint,
        options=t.EmberApsOption(options),
        groupId=group,
        sequence=sequence,
    )


def aps_of(callback: dict[str, Any]) -> Any:
    """The APS frame of a callback, whose name changed with the versions."""
    return callback["aps_frame"] if "aps_frame" in callback else callback["apsFrame"]


class Talking(RawHost):
    """A host that has met the first meter, which has a mirror."""

    def __init__(self, version: int) -> None:
        super().__init__(StreetPlan(meters=1, version=version))
        self.up()
        self.nwk = self.meet()
        self.endpoint = with_mirror(self.node())
        self.callbacks.clear()

    def said(self, name: str) -> list[dict[str, Any]]:
        """What callbacks of a name told, by field."""
        fields = self._tables[name][2]
        told = [self.decode(callback) for callback in self.callbacks]
        return [dict(zip(fields, values, strict=True)) for each, values in told if each == name]

    def incoming(self) -> list[tuple[Any, bytes]]:
        """Messages from the meter: APS frame and contents."""
        return [(aps_of(each), bytes(list(each.values())[-1])) for each in self.said("incomingMessageHandler")]

    def acknowledge(self, frame: Any) -> None:
        acknowledgement = frame.replace(groupId=0xFF00 | frame.groupId & 0xFF)
        self.ask("sendReply", sender=self.nwk, apsFrame=acknowledgement, messageContents=b"")


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("version", [13, 14, 19])
async def test_a_long_answer_comes_in_blocks_each_after_the_one_before_was_acknowledged(version: int) -> None:
    host = Talking(version)
    host.unicast(host.nwk, aps_frame(host.endpoint), b"\x01\x07\x00\x14" + bytes(range(10)))
    blocks: list[bytes] = []
    for number, group in enumerate((3 << 8, 1, 2), 1):
        await turns()
        assert len(host.incoming()) == number
        frame, content = host.incoming()[-1]
        assert (frame.groupId, int(frame.options) & FRAGMENT) == (group, FRAGMENT)
        blocks.append(content)
        host.acknowledge(frame)
    await turns()
    assert {frame.sequence for frame, _ in host.incoming()} == {host.incoming()[0][0].sequence}
    assert [len(block) for block in blocks] == [71, 71, 61]
    assert b"".join(blocks) == b"\x19\x07\x01" + bytes(range(10)) * 20


async def test_a_block_that_nobody_acknowledges_is_repeated_and_then_given_up() -> None:
    host = Talking(14)
    clock = host.hand
    host.unicast(host.nwk, aps_frame(host.endpoint), b"\x01\x07\x00\x14" + bytes(range(10)))
    for number in range(1, 4):
        await clock.until_asleep(ACK_WAIT_S)
        assert [frame.groupId for frame, _ in host.incoming()] == [3 << 8] * number
        clock.forward(ACK_WAIT_S)
    await turns()
    assert len(host.incoming()) == 3
    assert host.street.radio.idle


@pytest.mark.parametrize("version", [13, 14, 19])
async def test_a_host_sends_a_long_message_in_blocks_of_one_sequence(version: int) -> None:
    host = Talking(version)
    message = b"\x01\x07\x00\x01" + bytes(120)
    pieces = [message[at : at + 50] for at in range(0, len(message), 50)]
    sequence = 0
    for index, piece in enumerate(pieces):
        assert host.incoming() == []
        group = len(pieces) << 8 if index == 0 else index
        frame = aps_frame(host.endpoint, options=RETRY | FRAGMENT | ENCRYPTION, group=group, sequence=sequence)
        assert host.unicast(host.nwk, frame, piece) == 0
        if index == 0:
            sequence = aps_of(host.said("messageSentHandler")[0]).sequence
    sent = [aps_of(each) for each in host.said("messageSentHandler")]
    assert [(frame.groupId, frame.sequence) for frame in sent] == [(3 << 8, sequence), (1, sequence), (2, sequence)]
    await turns()
    (first, content) = host.incoming()[0]
    assert first.groupId == 2 << 8
    assert content[:3] == b"\x19\x07\x01"


@pytest.mark.parametrize(("options", "room"), [(RETRY | FRAGMENT | ENCRYPTION, 71), (RETRY | FRAGMENT, 80)])
def test_a_block_has_two_bytes_less_room_than_a_message(options: int, room: int) -> None:
    host = Talking(14)
    frame = aps_frame(host.endpoint, options=options, group=2 << 8)
    assert host.unicast(host.nwk, frame, bytes(room)) == t.sl_Status.OK
    assert host.unicast(host.nwk, frame, bytes(room + 1)) == t.sl_Status.MESSAGE_TOO_LONG


async def test_stock_bellows_puts_a_long_answer_together_on_version_13(stand: Standing, connect: Any) -> None:
    street, port = await stand(StreetPlan(meters=1, version=13))
    host: Host = await connect(port)
    node = street.radio.members()[0]
    with_mirror(node)
    answer = await host.ask_encrypted(node, TUNNELING, "01 07 00 14" + bytes(range(10)).hex())
    assert answer.data.serialize() == b"\x19\x07\x01" + bytes(range(10)) * 20


def message(payload: bytes, key: bytes | None = None) -> ApsMessage:
    return ApsMessage(
        source=0,
        destination=1,
        profile=0x0109,
        cluster=TUNNELING,
        source_endpoint=1,
        destination_endpoint=1,
        payload=payload,
        sequence=9,
        key=key,
    )


@given(st.binary(min_size=1, max_size=255), st.booleans(), st.data())
def test_what_was_cut_is_put_together_whatever_comes_twice_or_in_another_order(
    payload: bytes, encrypted: bool, data: st.DataObject
) -> None:
    whole = message(payload, bytes(16) if encrypted else None)
    first, *others = cut(whole)
    if first.block is None:
        assert others == []
        return
    assembler = Assembler()
    order = data.draw(st.permutations(others))
    results = [assembler.take(block) for block in [first, first, *order, *order]]
    assert [result for result in results if not isinstance(result, bool)] == [whole]
    assert False not in [result for result in results if isinstance(result, bool)]


def test_a_message_without_a_beginning_or_too_long_is_not_acknowledged() -> None:
    first, second = cut(message(bytes(100)))
    assert Assembler().take(second) is False
    assert first.block is not None
    assert Assembler().take(replace(first, block=replace(first.block, of=LONGEST // len(first.payload) + 1))) is False
    assembler = Assembler()
    assembler.take(first)
    assert assembler.take(replace(second, block=replace(first.block, index=2))) is False
