"""EZSP frames by version: known bytes, and every frame against the tables of the stock host stack."""

from typing import Any

import bellows.ezsp  # type: ignore[import-untyped]  # bellows ships no types
import bellows.types as t  # type: ignore[import-untyped]  # bellows ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.zigbee.ezsp import STRUCT_FIELDS, Codec, Command, Refused, Status, frames
from simulators.zigbee.ezsp_frames import STACK_VERSIONS
from simulators.zigbee.octets import Malformed

VERSIONS = sorted(STACK_VERSIONS)


def test_the_first_version_command_has_the_header_of_version_4() -> None:
    codec = Codec(14)
    assert codec.decode(bytes.fromhex("00000004")) == Command(0, "version", {"desired": 4}, legacy=True)
    answer = {"protocol": 14, "stack_type": 2, "stack_version": 0x8000}
    assert codec.legacy_version(0, answer).hex() == "0080000e020080"


def test_later_commands_have_the_extended_header() -> None:
    codec = Codec(14)
    assert codec.decode(bytes.fromhex("010001000 00e".replace(" ", ""))) == Command(1, "version", {"desired": 14})
    assert codec.response(1, "getNodeId", {"nwk": 0x1234}).hex() == "01800127003412"
    assert codec.callback(1, "stackStatusHandler", {"status": Status.NETWORK_UP}).hex() == "019001190015000000"


@pytest.mark.parametrize(("version", "line"), [(13, "0780015800" + "31"), (14, "0780015800" + "0f000000")])
def test_a_status_has_one_byte_up_to_version_13_and_four_from_14(version: int, line: str) -> None:
    assert Codec(version).response(7, "invalidCommand", {"status": Status.INVALID_FRAME}).hex() == line


@pytest.mark.parametrize(("version", "status"), [(13, "bb"), (14, "0e0c0000")])
def test_key_not_authorised_is_the_versions_own_number(version: int, status: str) -> None:
    fields = {"status": Status.KEY_NOT_AUTHORISED, "sequence": 0}
    assert Codec(version).response(0, "sendUnicast", fields)[5:-1].hex() == status


def test_lost_callbacks_are_told_in_the_next_response() -> None:
    assert Codec(14).response(1, "nop", {}, overflow=True).hex() == "0181010500"


def test_unknown_and_truncated_commands_are_refused_under_their_number() -> None:
    codec = Codec(14)
    assert codec.decode(bytes.fromhex("090001ffff")) == Refused(9, Status.INVALID_FRAME)
    assert codec.decode(bytes.fromhex("0900ff0005")) == Refused(9, Status.INVALID_FRAME)
    assert codec.decode(bytes.fromhex("0a0001520 0".replace(" ", ""))) == Refused(10, Status.TRUNCATED)


@given(st.sampled_from(VERSIONS), st.binary(max_size=220))
def test_any_bytes_are_a_command_a_refusal_or_malformed(version: int, data: bytes) -> None:
    try:
        decoded = Codec(version).decode(data)
    except Malformed:
        assert len(data) < 5
    else:
        assert decoded.sequence == data[0]


def host_frames(version: int) -> dict[str, tuple[int, Any, Any]]:
    return dict(bellows.ezsp.EZSP._BY_VERSION[version].COMMANDS)


def sample(kind: Any) -> Any:
    """Some value of a host stack's type."""
    value, _ = kind.deserialize(bytes(128))
    return value


@pytest.mark.parametrize("version", VERSIONS)
def test_every_command_of_the_host_stack_that_is_known_is_read_to_its_end(version: int) -> None:
    codec, seen, known = Codec(version), 0, {frame.name: frame for frame in frames(version).values()}
    for name, (code, command, _) in host_frames(version).items():
        frame = known.get(name)
        if frame is None or name.endswith("Handler"):
            continue
        arguments = {field: sample(kind) for field, kind in dict(command).items()}
        body = t.serialize_dict((), arguments, command) if command else b""
        decoded = codec.decode(bytes((5, 0, 1)) + code.to_bytes(2, "little") + body)
        assert isinstance(decoded, Command), name
        assert decoded.name == name
        with_more = codec.decode(bytes((5, 0, 1)) + code.to_bytes(2, "little") + body[:-1])
        assert not body or isinstance(with_more, Refused) or frame.command[-1][1] == "rest", name
        seen += 1
    assert seen > 55


@pytest.mark.parametrize("version", VERSIONS)
def test_every_response_and_callback_is_read_to_its_end_by_the_host_stack(version: int) -> None:
    codec, seen, known = Codec(version), 0, {frame.name: frame for frame in frames(version).values()}
    for name, (code, _, response) in host_frames(version).items():
        frame = known.get(name)
        if frame is None:
            continue
        encoded = codec.response(5, name, {field: blank(kind) for field, kind in frame.response})
        assert encoded[3:5] == code.to_bytes(2, "little")
        if isinstance(response, dict):
            _, rest = t.deserialize_dict(encoded[5:], response)
        else:
            _, rest = response.deserialize(encoded[5:])
        assert rest == b"", name
        seen += 1
    assert seen > 60


def blank(kind: str) -> Any:
    """Some value of a field kind of ours."""
    if kind in STRUCT_FIELDS:
        return {field: blank(inner) for field, inner in STRUCT_FIELDS[kind]}
    known = {"key": bytes(16), "counted": b"abc", "rest": bytes(82), "optional": b"abc"}
    if kind in ("ember", "ezsp", "sl"):
        return Status.OK
    return known.get(kind, 0)
