"""The co-processor's answers, asked with the stock host stack's own tables."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import bellows.ezsp  # type: ignore[import-untyped]  # bellows ships no types
import bellows.types as t  # type: ignore[import-untyped]  # bellows ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import Clock
from gateway.errors import BadConfig
from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee.aps import ApsMessage
from simulators.zigbee.ncp.memory import load
from simulators.zigbee.nodes import UNHEARD, Node

from .conftest import HandClock

ENCRYPTED_FRAME = t.EmberApsFrame(
    profileId=0x0109,
    clusterId=0x0702,
    sourceEndpoint=1,
    destinationEndpoint=1,
    options=t.EmberApsOption.APS_OPTION_ENCRYPTION,
    groupId=0,
    sequence=0,
)


class RawHost:
    """A host without a line: its commands reach the co-processor at once, and what comes back is kept."""

    def __init__(self, plan: StreetPlan, clock: Clock | None = None) -> None:
        self.hand = HandClock()
        self.clock = clock or self.hand
        self.street = ZigBeeStreet(plan, self.clock)
        self._tables = bellows.ezsp.EZSP._BY_VERSION[plan.version].COMMANDS
        self._names = {code: name for name, (code, _, _) in self._tables.items()}
        self.responses: list[bytes] = []
        self.callbacks: list[bytes] = []
        self.full = False
        self.street.coprocessor.connect(self)

    def respond(self, payload: bytes) -> None:
        self.responses.append(payload)

    def call_back(self, payload: bytes) -> bool:
        if not self.full:
            self.callbacks.append(payload)
        return not self.full

    def raw(self, payload: bytes) -> bytes:
        self.street.coprocessor.receive(payload)
        return self.responses[-1]

    def ask(self, name: str, **fields: Any) -> list[Any]:
        code, command, _ = self._tables[name]
        body = t.serialize_dict((), fields, command) if command else b""
        return self.decode(self.raw(b"\x05\x00\x01" + code.to_bytes(2, "little") + body))[1]

    def decode(self, frame: bytes) -> tuple[str, list[Any]]:
        name = self._names[int.from_bytes(frame[3:5], "little")]
        values, rest = t.deserialize_dict(frame[5:], self._tables[name][2])
        assert rest == b""
        return name, list(values.values())

    def node(self, number: int = 0) -> Node:
        """A meter's node."""
        found = self.street.radio.named(int(self.street.premises[number].eui64, 16))
        assert found is not None
        return found

    def meet(self, number: int = 0) -> int:
        """Ask a meter for its EUI-64, so that the co-processor knows it by both addresses; returns its nwk."""
        node = self.node(number)
        frame = t.EmberApsFrame(**{field.name: 0 for field in t.EmberApsFrame.fields}).replace(clusterId=0x0001)
        self.unicast(node.nwk, frame, b"\x01" + node.nwk.to_bytes(2, "little") + b"\0\0")
        return int(node.nwk)

    def unicast(self, nwk: int, frame: t.EmberApsFrame, message: bytes) -> int:
        """Send a message; returns the status."""
        names = ("message_type", "nwk", "aps_frame", "message_tag", "message")
        if self.street.plan.version < 14:
            names = ("type", "indexOrDestination", "apsFrame", "messageTag", "messageContents")
        return int(self.ask("sendUnicast", **dict(zip(names, (0, nwk, frame, 1, message), strict=True)))[0])

    def up(self) -> "RawHost":
        self.raw(b"\x00\x00\x00\x04")
        self.ask("version", desiredProtocolVersion=self.street.plan.version)
        self.ask("networkInit", networkInitBitmask=0)
        return self


def test_nothing_but_version_is_answered_before_a_version_is_agreed() -> None:
    host = RawHost(StreetPlan(meters=1, version=13))
    assert host.raw(bytes.fromhex("0500012600")).hex() == "058001580030"
    assert host.raw(bytes.fromhex("00000004")).hex() == "0080000d024074"
    assert host.raw(bytes.fromhex("010001000004")).hex() == "018001000" + "00d024074"
    assert host.raw(bytes.fromhex("0500012600")).hex() == "058001580030"
    host.raw(bytes.fromhex("01000100000d"))
    assert host.raw(bytes.fromhex("0500012600"))[:5].hex() == "0580012600"


def test_an_unknown_frame_is_an_invalid_command() -> None:
    assert RawHost(StreetPlan(meters=1)).up().raw(bytes.fromhex("080001ff0f")).hex() == "08800158000f000000"


def test_a_formed_network_comes_up_with_a_callback_after_the_response() -> None:
    host = RawHost(StreetPlan(meters=1)).up()
    assert [host.decode(callback) for callback in host.callbacks] == [("stackStatusHandler", [t.sl_Status.NETWORK_UP])]
    assert host.ask("networkState") == [t.EmberNetworkStatus.JOINED_NETWORK]


def test_a_blank_co_processor_is_not_joined() -> None:
    host = RawHost(StreetPlan(meters=1, blank=True)).up()
    assert host.ask("networkInit", networkInitBitmask=0) == [t.sl_Status.NOT_JOINED]


def test_forming_needs_the_security_state_first() -> None:
    host = RawHost(StreetPlan(meters=1, blank=True)).up()
    parameters, _ = t.EmberNetworkParameters.deserialize(bytes(range(1, 21)))
    assert host.ask("formNetwork", parameters=parameters) == [t.sl_Status.ZIGBEE_SECURITY_STATE_NOT_SET]


def test_the_key_table_is_as_small_as_the_firmware_made_it() -> None:
    host = RawHost(StreetPlan(meters=0, key_table_size=12)).up()
    key = t.KeyData(bytes(16))
    assert host.ask("getConfigurationValue", configId=t.EzspConfigId.CONFIG_KEY_TABLE_SIZE) == [t.sl_Status.OK, 12]
    for index in range(12):
        partner = t.EUI64(bytes((index, 0, 0, 0, 0, 0, 0, 1)))
        assert host.ask("importLinkKey", index=0xFF, address=partner, key=key) == [t.sl_Status.OK]
    last = t.EUI64(bytes((99, 0, 0, 0, 0, 0, 0, 1)))
    assert host.ask("importLinkKey", index=0xFF, address=last, key=key) == [t.sl_Status.FULL]
    assert host.ask("importLinkKey", index=12, address=last, key=key) == [t.sl_Status.INVALID_INDEX]
    assert host.ask("findKeyTableEntry", address=last, linkKey=True) == [0xFF]
    assert host.ask("eraseKeyTableEntry", index=3) == [t.sl_Status.OK]
    assert host.ask("importLinkKey", index=0xFF, address=last, key=key) == [t.sl_Status.OK]
    assert host.ask("findKeyTableEntry", address=last, linkKey=True) == [3]


@pytest.mark.parametrize(("version", "status"), [(13, 0xBB), (14, 0x0C0E)])
def test_encryption_without_a_link_key_is_key_not_authorised(version: int, status: int) -> None:
    host = RawHost(StreetPlan(meters=1, version=version)).up()
    nwk = host.meet()
    assert host.unicast(nwk, ENCRYPTED_FRAME, b"\0\0\0") == 0
    host.ask("clearKeyTable")
    assert host.unicast(nwk, ENCRYPTED_FRAME, b"\0\0\0") == status


def test_encryption_needs_to_know_whose_address_it_is() -> None:
    host = RawHost(StreetPlan(meters=1)).up()
    node = host.node()
    assert host.unicast(node.nwk, ENCRYPTED_FRAME, b"\0\0\0") == t.sl_Status.ZIGBEE_KEY_NOT_AUTHORIZED
    host.ask(
        "replaceAddressTableEntry",
        addressTableIndex=0,
        newEui64=t.EUI64(node.eui64.to_bytes(8, "little")),
        newId=node.nwk,
        newExtendedTimeout=False,
    )
    assert host.unicast(node.nwk, ENCRYPTED_FRAME, b"\0\0\0") == t.sl_Status.OK


def test_a_message_under_another_nodes_key_is_not_understood() -> None:
    host = RawHost(StreetPlan(meters=2)).up()
    node, other = (host.node(number) for number in range(2))
    message = ApsMessage(
        source=0,
        destination=node.nwk,
        profile=0x0109,
        cluster=0x0702,
        source_endpoint=1,
        destination_endpoint=next(iter(node.endpoints)),
        payload=bytes.fromhex("0001000000"),
        sequence=1,
        key=node.link_key,
    )
    assert node.receive(message).reply is not None
    assert node.receive(replace(message, key=other.link_key)) == UNHEARD


@pytest.mark.parametrize(("options", "room"), [(t.EmberApsOption.APS_OPTION_ENCRYPTION, 73), (0, 82)])
def test_a_message_may_be_as_long_as_a_frame_has_room(options: int, room: int) -> None:
    host = RawHost(StreetPlan(meters=1)).up()
    nwk, frame = host.meet(), ENCRYPTED_FRAME.replace(options=t.EmberApsOption(options))
    assert host.unicast(nwk, frame, bytes(room)) == t.sl_Status.OK
    assert host.unicast(nwk, frame, bytes(room + 1)) == t.sl_Status.MESSAGE_TOO_LONG


def test_lost_callbacks_are_told_with_the_next_response() -> None:
    host = RawHost(StreetPlan(meters=1))
    host.full = True
    host.up()
    assert host.responses[-1].hex() == "058101170000000000"
    assert host.raw(bytes.fromhex("0600010500")).hex() == "0680010500"


def test_addresses_are_known_of_nodes_heard_and_of_those_in_the_table() -> None:
    host = RawHost(StreetPlan(meters=2)).up()
    first, second = (host.node(number) for number in range(2))
    named = [t.EUI64(node.eui64.to_bytes(8, "little")) for node in (first, second)]
    assert host.ask("lookupNodeIdByEui64", eui64=named[0])[0] == t.sl_Status.NOT_FOUND
    host.meet()
    assert host.ask("lookupNodeIdByEui64", eui64=named[0]) == [t.sl_Status.OK, first.nwk]
    assert host.ask("lookupEui64ByNodeId", nodeId=second.nwk)[0] == t.sl_Status.NOT_FOUND
    host.ask(
        "replaceAddressTableEntry", addressTableIndex=0, newEui64=named[1], newId=second.nwk, newExtendedTimeout=True
    )
    assert host.ask("lookupEui64ByNodeId", nodeId=second.nwk) == [t.sl_Status.OK, named[1]]
    assert host.ask("getExtendedTimeout", remoteEui64=named[1]) == [t.sl_Status.OK]


def test_sizes_are_fixed_once_the_network_runs() -> None:
    host = RawHost(StreetPlan(meters=1)).up()
    answer = host.ask("setConfigurationValue", configId=t.EzspConfigId.CONFIG_ADDRESS_TABLE_SIZE, value=32)
    assert answer == [t.sl_Status.INVALID_STATE]


def test_the_memory_survives_in_a_file_and_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ncp.json"
    street = ZigBeeStreet(StreetPlan(meters=3, state=path), HandClock())
    again = load(path)
    assert (again.network, again.link_keys, again.eui64) == (
        street.memory.network,
        street.memory.link_keys,
        street.memory.eui64,
    )
    path.write_text('{"eui64": 5}')
    with pytest.raises(BadConfig, match=r"ncp\.json"):
        load(path)


def test_the_keys_of_a_memory_do_not_show() -> None:
    memory = ZigBeeStreet(StreetPlan(meters=1), HandClock()).memory
    assert memory.network is not None
    assert repr(memory.network.network_key) not in repr(memory)
    assert "key=b" not in repr(memory.link_keys[0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 0x120), st.binary(max_size=60)), max_size=40), st.sampled_from([13, 14, 19]))
def test_no_command_whatever_makes_the_co_processor_raise(commands: list[tuple[int, bytes]], version: int) -> None:
    async def send_all() -> None:
        host = RawHost(StreetPlan(meters=1, version=version)).up()
        for code, body in commands:
            host.raw(b"\x05\x00\x01" + code.to_bytes(2, "little") + body)
            assert len(host.responses[-1]) <= 220
        host.street.coprocessor.receive(b"\x00")
        host.street.radio.silence()

    asyncio.run(send_all())
