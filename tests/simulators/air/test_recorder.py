"""Every kind of frame that a recorder writes, as Wireshark's dissectors read it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from simulators.zigbee.air.aps import Block
from simulators.zigbee.air.nwk import NetworkKey
from simulators.zigbee.air.recorder import Recorder
from simulators.zigbee.aps import ALL_AWAKE, COORDINATOR, SMART_ENERGY, ZDO, ApsMessage
from tests.simulators.air.tshark import dissected
from tests.simulators.conftest import HandClock

FIRST, NEXT = NetworkKey(key=bytes(range(16)), sequence=0), NetworkKey(key=bytes(range(16, 32)), sequence=1)
LINK_KEY = b"\x42" * 16
CENTRE, DEVICE, ADDRESS = 0x000D6FFF00070000, 0x0022A30007000000, 0x1234
ANNOUNCE = ApsMessage(
    source=ADDRESS,
    destination=ALL_AWAKE,
    profile=ZDO,
    cluster=0x0013,
    source_endpoint=0,
    destination_endpoint=0,
    payload=b"\x01" + ADDRESS.to_bytes(2, "little") + DEVICE.to_bytes(8, "little") + b"\x8e",
    sequence=1,
    wants_ack=False,
)
READ = ApsMessage(
    source=ADDRESS,
    destination=COORDINATOR,
    profile=SMART_ENERGY,
    cluster=0x0702,
    source_endpoint=9,
    destination_endpoint=1,
    payload=bytes.fromhex("00 03 00 0000"),
    sequence=4,
    key=LINK_KEY,
    counter=7,
)
PROFILE = bytes.fromhex("19 05 00 40302010 00 02 14") + bytes(60)
"""GetProfileResponse with twenty half-hours."""
BLOCKS = [
    replace(READ, payload=PROFILE[:40], block=Block(index=0, of=2), counter=8),
    replace(READ, payload=PROFILE[40:], block=Block(index=1, of=0), counter=9),
]


def acknowledged(air: Recorder, *messages: ApsMessage) -> None:
    """Messages of the device, each acknowledged by the trust centre."""
    for message in messages:
        air.message(message, DEVICE, FIRST, heard=True)
        air.acknowledged(message, None, FIRST)


Words = list[str]
SAID: dict[str, tuple[Callable[[Recorder], None], Words]] = {
    "scan of an open network": (
        lambda air: air.scan(0x1122334455667788, open_to=True),
        ["Beacon Request", "Association Permit: True", "Extended PAN ID: 11:22:33:44:55:66:77:88", "Zigbee PRO"],
    ),
    "scan of a closed network": (
        lambda air: air.scan(0x1122334455667788, open_to=False),
        ["Beacon Request", "Association Permit: False"],
    ),
    "association of a router": (
        lambda air: air.association(DEVICE, ADDRESS, sleepy=False),
        ["Association Request", "Device Type: FFD", "Association Response", "Short Address: 0x1234", "Successful"],
    ),
    "association of a sleeper": (
        lambda air: air.association(DEVICE, ADDRESS, sleepy=True),
        ["Association Request", "Device Type: RFD", "Association Response"],
    ),
    "rejoin under the network key": (
        lambda air: air.rejoin(ADDRESS, DEVICE, 0x4321, FIRST, sleepy=True),
        [
            "Command Frame: Rejoin Request",
            "Full-Function Device: False",
            "Frame: Rejoin Response",
            "Address: 0x4321",
        ],
    ),
    "rejoin without the network key": (
        lambda air: air.rejoin(ADDRESS, DEVICE, ADDRESS, None, sleepy=False),
        ["Command Frame: Rejoin Request", "Extended Source: 00:22:a3:00:07:00:00:00", "Command Frame: Rejoin Response"],
    ),
    "network key under a link key": (
        lambda air: air.transport(ADDRESS, DEVICE, FIRST, LINK_KEY),
        ["Command Frame: Transport Key", "Key Id: Key-Transport Key", "Standard Network Key", FIRST.key.hex()],
    ),
    "network key for everybody to read": (
        lambda air: air.transport(ADDRESS, DEVICE, FIRST, None),
        ["Command Frame: Transport Key", "Standard Network Key", FIRST.key.hex()],
    ),
    "announcement": (
        lambda air: air.message(ANNOUNCE, DEVICE, FIRST, heard=True),
        ["Device Announcement", "Nwk Addr: 0x1234", "Key Id: Network Key", "Sequence Number: 0"],
    ),
    "message under a link key, and its acknowledgement": (
        lambda air: acknowledged(air, READ),
        ["Key Id: Link Key", "Command: Read Attributes", "Frame Type: Ack", "Frame Counter: 7", "Metering (0x0702)"],
    ),
    "message under the network key alone": (
        lambda air: air.message(replace(READ, key=None), DEVICE, FIRST, heard=False),
        ["Command: Read Attributes", "Key Id: Network Key"],
    ),
    "blocks": (
        lambda air: acknowledged(air, *BLOCKS),
        [
            "Fragmentation: First Block",
            "Block Number: 2",
            "Reassembled",
            "Get Profile Response",
            "Periods Delivered: 20",
        ],
    ),
    "next network key for everybody": (
        lambda air: air.handed_out(NEXT, FIRST),
        ["Command Frame: Transport Key", "Standard Network Key", NEXT.key.hex(), "Sequence Number: 1"],
    ),
    "switch to it": (
        lambda air: air.switched(1, FIRST),
        ["Command Frame: Switch Key", "Sequence Number: 1"],
    ),
    "message after the switch": (
        lambda air: air.message(READ, DEVICE, NEXT, heard=True),
        ["Key Sequence Number: 1", "Command: Read Attributes"],
    ),
    "leave": (
        lambda air: air.left(ADDRESS, DEVICE, FIRST, comes_back=False),
        ["Command Frame: Leave", "Rejoin: False"],
    ),
    "leave to come back": (
        lambda air: air.left(ADDRESS, DEVICE, FIRST, comes_back=True),
        ["Command Frame: Leave", "Rejoin: True"],
    ),
}


@pytest.mark.parametrize("kind", SAID)
def test_every_kind_of_frame_is_read_by_others_with_the_right_words(kind: str, tmp_path: Path) -> None:
    says, words = SAID[kind]
    path = tmp_path / "air.pcapng"
    with path.open("wb") as file:
        says(Recorder(file.write, HandClock(), pan_id=0x1A62, channel=15, centre=CENTRE))
    seen = dissected(path, [FIRST.key, NEXT.key, LINK_KEY], "-V")
    assert [word for word in words if word.lower() not in seen.lower()] == []
    assert [
        line for line in seen.splitlines() if "Malformed" in line or "Bad FCS" in line or "Encrypted Pay" in line
    ] == []


def test_a_recorder_of_another_kind_would_be_noticed() -> None:
    kinds = {name for name in vars(Recorder) if not name.startswith("_")}
    assert kinds == {
        "message",
        "acknowledged",
        "scan",
        "association",
        "rejoin",
        "transport",
        "handed_out",
        "switched",
        "left",
    }
