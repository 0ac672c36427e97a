"""Every layer of a frame: published keys, there and back, and bytes that are no frames."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.zigbee.air import aps, mac, nwk, pcapng
from simulators.zigbee.air.security import transport_key
from simulators.zigbee.octets import Malformed
from tests.simulators.air.tshark import dissected

NETWORK = nwk.NetworkKey(key=bytes(range(16)), sequence=3)
LINK_KEY, OTHER_KEY = bytes.fromhex("66b6900981e1ee3ca4206b6b861c02bb"), b"\x55" * 16
PAN_ID, DEVICE_NWK = 0x1A62, 0x1234
CENTRE, DEVICE = 0x000D6FFF00070000, 0x000D6F0007000001
NOON = datetime(2026, 7, 8, 17, tzinfo=UTC)

eui64s, shorts, bytes_ = st.integers(0, 2**64 - 1), st.integers(0, 0xFFFF), st.binary(max_size=60)
octets = st.integers(0, 255)
places = st.none() | st.builds(mac.Place, shorts, shorts) | st.builds(mac.Place, shorts, eui64s, st.just(True))


def test_the_key_that_carries_network_keys_is_made_as_published() -> None:
    assert transport_key(b"ZigBeeAlliance09").hex() == "4bab0f173e1434a2d572e1c1ef478782"


@given(
    frame=st.builds(
        mac.MacFrame,
        kind=st.integers(0, 3),
        sequence=octets,
        destination=places,
        source=places,
        payload=bytes_,
        wants_ack=st.booleans(),
    )
)
def test_a_mac_frame_comes_back(frame: mac.MacFrame) -> None:
    assert mac.decode(mac.encode(frame)) == frame


@given(
    payload=bytes_,
    sequence=octets,
    counter=st.integers(0, 2**32 - 1),
    secured=st.booleans(),
    longs=st.tuples(*[st.none() | eui64s] * 2),
)
def test_a_network_frame_comes_back_and_opens_with_its_key_alone(
    payload: bytes, sequence: int, counter: int, secured: bool, longs: tuple[int | None, int | None]
) -> None:
    frame = nwk.NwkFrame(
        long_destination=longs[0],
        long_source=longs[1],
        destination=0,
        source=DEVICE_NWK,
        sequence=sequence,
        payload=payload,
        source_eui64=DEVICE if secured else None,
        counter=counter if secured else None,
    )
    raw = nwk.encode(frame, NETWORK if secured else None)
    assert nwk.decode(raw, (NETWORK,)) == frame
    if secured:
        with pytest.raises(Malformed):
            nwk.decode(raw, (nwk.NetworkKey(key=OTHER_KEY, sequence=3),))


@given(payload=bytes_, counter=st.integers(0, 2**32 - 1), block=st.none() | st.integers(0, 255), acks=st.booleans())
def test_an_application_frame_comes_back_and_opens_with_its_key_alone(
    payload: bytes, counter: int, block: int | None, acks: bool
) -> None:
    frame = aps.ApsFrame(
        destination_endpoint=9,
        cluster=0x0702,
        profile=0x0109,
        source_endpoint=1,
        sequence=7,
        payload=payload,
        wants_ack=acks,
        block=None if block is None else aps.Block(index=block, of=0 if block else 3),
        counter=counter,
    )
    raw = aps.encode(frame, LINK_KEY, CENTRE)
    assert aps.decode(raw, [OTHER_KEY, LINK_KEY], CENTRE) == frame
    with pytest.raises(Malformed):
        aps.decode(raw, [OTHER_KEY], CENTRE)
    with pytest.raises(Malformed):
        aps.decode(raw, [LINK_KEY], DEVICE)


def test_a_transported_network_key_comes_back() -> None:
    payload = aps.network_key_transport(NETWORK.key, NETWORK.sequence, DEVICE, CENTRE)
    command = aps.ApsCommand(sequence=9, payload=payload, counter=77)
    assert aps.decode(aps.encode_command(command, LINK_KEY, CENTRE), [LINK_KEY], CENTRE) == command


@given(raw=st.binary(max_size=140))
def test_bytes_that_are_no_frame_are_malformed_and_nothing_else(raw: bytes) -> None:
    for decode in (
        mac.decode,
        lambda raw: nwk.decode(raw, (NETWORK,)),
        lambda raw: aps.decode(raw, [LINK_KEY], CENTRE),
        pcapng.read,
    ):
        try:
            decode(raw)
        except Malformed:
            continue


@given(raw=st.binary(max_size=80), kind=st.sampled_from([1, 6, 10]))
def test_blocks_with_any_content_are_read_or_malformed(raw: bytes, kind: int) -> None:
    body = raw + bytes(-len(raw) % 4)
    size = (12 + len(body)).to_bytes(4, "little")
    with contextlib.suppress(Malformed):
        pcapng.read(pcapng.head("test") + kind.to_bytes(4, "little") + size + body + size)


def test_a_capture_comes_back_and_others_tools_read_it(tmp_path: Path) -> None:
    heard = pcapng.Captured(at=NOON, frame=_price(), channel=15, rssi_dbm=-60.5, lqi=200)
    secrets = [
        pcapng.Secret(key=NETWORK.key, pan_id=PAN_ID),
        pcapng.Secret(key=LINK_KEY, pan_id=PAN_ID, nodes=(0, DEVICE_NWK)),
    ]
    raw = pcapng.head("metergate") + b"".join(map(pcapng.secret_block, secrets)) + pcapng.packet_block(heard)
    assert pcapng.read(raw) == ([heard], secrets)
    path = tmp_path / "air.pcapng"
    path.write_bytes(raw)
    seen = dissected(path, [NETWORK.key, LINK_KEY], "-V")
    assert "Malformed" not in seen
    assert "Link Quality Indicator: 200" in seen
    assert "Publish Price" in seen
    assert "Rate Label: TIER" in seen
    assert "Price: 100" in seen


def _price() -> bytes:
    """PublishPrice from the trust centre to a device's endpoint 9, secured twice."""
    payload = bytes.fromhex(
        "09020001000000045449455207000000001122330048032131000000003c0064000000ffffffffffffffffffffffff01"
    )
    frame = aps.ApsFrame(
        destination_endpoint=9,
        cluster=0x0700,
        profile=0x0109,
        source_endpoint=1,
        sequence=3,
        payload=payload,
        wants_ack=True,
        counter=4,
    )
    packet = nwk.NwkFrame(
        destination=DEVICE_NWK,
        source=0,
        sequence=8,
        payload=aps.encode(frame, LINK_KEY, CENTRE),
        source_eui64=CENTRE,
        counter=9,
    )
    to, by = mac.Place(PAN_ID, DEVICE_NWK), mac.Place(PAN_ID, 0)
    return mac.encode(
        mac.MacFrame(
            kind=mac.DATA, sequence=8, destination=to, source=by, wants_ack=True, payload=nwk.encode(packet, NETWORK)
        )
    )
