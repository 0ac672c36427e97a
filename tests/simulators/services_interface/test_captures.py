"""The meter's network as a sniffer hears it: Wireshark's values are the meter's, and a seed repeats to the byte."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulators.zigbee.air.pcapng import Secret, read
from simulators.zigbee.air.weather import CLEAR, Weather
from simulators.zigbee.timing import REALISTIC, Timing
from tests.simulators.air.tshark import dissected

from .home import Home, key_of, lived
from .test_publishing import event, price, text


@dataclass(frozen=True, slots=True)
class Evening:
    """What came of a story: the capture, its keys, the display's face, and what the meter noted."""

    raw: bytes
    keys: Sequence[bytes]
    face: str
    notes: Sequence[str]
    delivered_wh: int


def evening(path: Path, weather: Weather = CLEAR, timing: Timing = REALISTIC) -> Evening:
    """A display and a thermostat join, and are told things; the network key changes; they are removed, one unheard."""

    async def story(home: Home) -> tuple[str, list[str], list[bytes], int]:
        for kind in ("display", "thermostat"):
            home.add(kind)
            home.world.power_on(home.label(kind).eui64)
        home.add("rogue_wrong_key")
        home.world.power_on(home.label("rogue_wrong_key").eui64)
        await home.clock.sleep(120)
        price(home), text(home, "Storm at 6 pm: the meter tells it in more than one block"), event(home)
        await home.clock.sleep(120)
        await home.interface.trust_centre.renew(one_by_one=False)
        await home.clock.sleep(60)
        front = home.device("display").behaviour
        face: str = front.picture(home.clock.now())  # type: ignore[attr-defined]  # it has a face
        await home.device("display").power_off()
        await home.interface.remove(home.eui64("display"))
        await home.interface.remove(home.eui64("thermostat"))
        notes = [f"{note.at} {note.what} {note.device} {note.number} {note.words}" for note in home.interface.log.notes]
        keys = [key_of(home.label(kind)) for kind in ("display", "thermostat", "rogue_wrong_key")]
        shown = home.shows("display").get("delivered_wh", 0)
        return face, notes, keys, shown

    face, notes, keys, delivered_wh = lived(story, capture=path, weather=weather, timing=timing)
    raw = path.read_bytes()
    known = [secret.key for secret in read(raw)[1]]
    assert set(keys) <= set(known)
    return Evening(raw, known, face, notes, delivered_wh)


@pytest.mark.parametrize("weather", [CLEAR, Weather(loss=0.1, doubling=0.1, jitter_s=0.02)])
def test_the_same_seed_gives_the_same_face_the_same_notes_and_the_same_bytes(weather: Weather, tmp_path: Path) -> None:
    first, second = (evening(tmp_path / f"{turn}.pcapng", weather) for turn in (1, 2))
    assert first == second
    assert len(first.raw) > 10_000


def test_wireshark_reads_every_frame_from_the_join_to_the_price_with_the_meter_s_values(tmp_path: Path) -> None:
    path = tmp_path / "air.pcapng"
    told = evening(path)
    seen = dissected(path, told.keys, "-V")
    assert re.findall(r"(?i)malformed|bad fcs|encrypted pay", seen) == []
    words = [
        "Association Permit: True",
        "Command Frame: Transport Key",
        "Key Establishment",
        "Command: Publish Price",
        "Price: 1234",
        "Rate Label: EVENING",
        "Command: Display Message",
        "more than one block",
        "Command: Load Control Event",
        "Command: Report Event Status",
        "Command: Price Acknowledgement",
        "Leave Request",
        "Command Frame: Switch Key",
        "Application Device: 0x0502",
    ]
    assert [word for word in words if word not in seen] == []


def test_the_registers_in_a_capture_are_those_on_the_display(tmp_path: Path) -> None:
    path = tmp_path / "air.pcapng"
    told = evening(path)
    seen = dissected(path, told.keys, "-V", "-Y", "zbee_zcl.cmd.id == 0x01 and zbee_aps.cluster == 0x0702")
    sums = [int(count) for count in re.findall(r"Uint48: (\d+)", seen)]
    assert told.delivered_wh in sums


def test_a_capture_s_secrets_name_whose_they_are(tmp_path: Path) -> None:
    secrets: list[Secret] = read(evening(tmp_path / "air.pcapng").raw)[1]
    assert len([secret for secret in secrets if secret.nodes is None]) == 3
    assert {min(secret.nodes) for secret in secrets if secret.nodes} == {0}


def test_nothing_is_left_running_when_the_home_is_taken_down() -> None:
    async def story(home: Home) -> int:
        home.add("display")
        home.world.power_on(home.label("display").eui64)
        await home.clock.sleep(5)
        await home.world.close()
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert lived(story, timing=REALISTIC) == 1
