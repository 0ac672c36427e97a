"""Key Establishment's frames on the wire: ours, the cluster's declaration, and bytes that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zigpy.zcl import Cluster

from drivers.zigbee.cbke.frames import ConfirmKey, EphemeralData, Frame, Initiate, Message, Terminate, encode
from drivers.zigbee.clusters.key_establishment import CLUSTER, KeyEstablishment
from drivers.zigbee.key_frames import AttributesAsked, KeyCommand, answer, decode
from drivers.zigbee.key_frames import encode as wrapped

MESSAGES: list[Message] = [
    Initiate(suites=2, ephemeral_s=11, confirm_s=16, certificate=bytes(74)),
    EphemeralData(point=bytes(range(37))),
    ConfirmKey(mac=bytes(range(16))),
    Terminate(status=1, wait_s=20, suites=3),
]


def test_a_command_has_three_bytes_of_header_and_asks_for_no_default_response() -> None:
    frame = Frame(0x02, b"\xaa\xbb")
    assert wrapped(KeyCommand(frame=frame, transaction=7, from_server=False)) == bytes.fromhex("11 07 02 aabb")
    assert wrapped(KeyCommand(frame=frame, transaction=7, from_server=True)) == bytes.fromhex("19 07 02 aabb")


def test_an_initiate_of_suite_2_is_81_bytes() -> None:
    command = KeyCommand(frame=encode(MESSAGES[0]), transaction=1, from_server=False)
    assert len(wrapped(command)) == 81


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("from_server", [True, False])
def test_a_command_comes_back_as_it_went(message: Message, from_server: bool) -> None:
    command = KeyCommand(frame=encode(message), transaction=200, from_server=from_server)
    assert decode(wrapped(command)) == command


@pytest.mark.parametrize(("place", "message"), list(enumerate(MESSAGES)))
def test_the_cluster_s_declaration_says_the_same_as_the_frames(place: int, message: Message) -> None:
    body = encode(message).body
    names = ("initiate", "ephemeral", "confirm", "terminate")
    for commands, suffix in (
        (KeyEstablishment.ServerCommandDefs, ""),
        (KeyEstablishment.ClientCommandDefs, "_response"),
    ):
        definition = getattr(commands, names[place] + suffix)
        parsed, rest = definition.schema.deserialize(body)
        assert (definition.id, rest, parsed.serialize()) == (encode(message).command, b"", body)


def test_zigpy_uses_our_declaration() -> None:
    assert Cluster._registry[CLUSTER] is KeyEstablishment


def test_the_suites_are_told_on_either_side_and_nothing_else_is() -> None:
    asked = decode(bytes.fromhex("00 21 00 0000 fdff"))
    assert asked == AttributesAsked(attributes=(0x0000, 0xFFFD), transaction=0x21, from_server=False)
    assert answer(asked, (1, 2)) == bytes.fromhex("18 21 01 0000 00 31 0300 fdff 86")
    of_client = decode(bytes.fromhex("08 22 00 0000"))
    assert isinstance(of_client, AttributesAsked)
    assert answer(of_client, (2,)) == bytes.fromhex("10 22 01 0000 00 31 0200")


@pytest.mark.parametrize(
    "data", ["", "01", "0107", "05 5f11 07 00 00", "02 07 00", "03 07 00", "18 07 01 0000 00 31 0100", "18 07 0b 00 82"]
)
def test_what_is_neither_a_command_nor_a_question_is_nothing(data: str) -> None:
    assert decode(bytes.fromhex(data)) is None


@given(st.binary(max_size=128))
def test_no_bytes_harm(data: bytes) -> None:
    said = decode(data)
    if isinstance(said, AttributesAsked):
        assert len(answer(said, (1, 2))) <= 3 + 6 * 16
