"""A capture lives again: what a device said in one session reaches the host of another, same payloads, same order."""

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput
from simulators.virtual_time import VirtualClock, run
from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee.air.pcapng import read
from simulators.zigbee.air.replay import NotRecorded, Recording, node_told, recording
from simulators.zigbee.air.weather import Fate, Weather
from simulators.zigbee.install_code import link_key_of
from simulators.zigbee.life import Device, Stage
from simulators.zigbee.octets import Malformed
from simulators.zigbee.timing import REALISTIC
from tests.simulators.centre import Centre
from tests.simulators.conftest import HandClock

PRICE, MESSAGING, PUBLISH, DISPLAY_MESSAGE = 0x0700, 0x0703, 0x00, 0x00
WANTS_ACK = bytes.fromhex(
    "01000000 04 5045414b 07000000 00000000 00 4803 42 31 00000000 3c00 b9010000 ff ffffffff ff ffffffff ff ff ff 01"
)
TEXT = bytes.fromhex("09000000 80 00000000 ffff 02 4869")
SERVED = {
    PRICE: lambda command, _: (PUBLISH, WANTS_ACK) if command == 0 else None,
    MESSAGING: lambda command, _: (DISPLAY_MESSAGE, TEXT) if command == 0 else None,
}


Word = tuple[int, bytes]
"""A cluster and the payload of a frame on it."""


def words(centre: Centre) -> list[Word]:
    """What came on the clusters of a display."""
    return [
        (values[1].clusterId, bytes(values[-1]))
        for values in centre.told("incomingMessageHandler")
        if values[1].clusterId in SERVED and values[1].profileId == 0x0109
    ]


def evening(capture: Path, weather: Weather | None = None) -> tuple[int, list[Word]]:
    """A display joins, asks for price and text, acknowledges; half an hour later OK is pressed. Its words are told."""

    async def session() -> tuple[int, list[Word]]:
        plan = StreetPlan(meters=1, devices=2, seed=7, timing=REALISTIC, capture=capture)
        centre = Centre(plan, VirtualClock(), SERVED)
        device = centre.let_in()
        await device.reached(Stage.REGISTERED)
        if weather is not None:
            centre.street.radio.sky.weather = weather
        interview(centre, device)
        await centre.clock.sleep(1800)
        device.behaviour.press("ok", None, centre.clock.now())  # type: ignore[attr-defined]  # a display has a front
        await centre.clock.sleep(60)
        said = words(centre)
        await centre.street.close()
        if weather is not None:
            assert min(centre.street.radio.sky.counts[fate] for fate in (Fate.LOST, Fate.DOUBLED)) > 2
        return device.node.eui64, said

    return run(session())


def interview(centre: Centre, device: Device) -> None:
    """Ask for the descriptor of the endpoint, and for the model."""
    nwk = device.node.nwk
    descriptor = centre.frame(0x0004, 0, profile=0)
    assert centre.unicast(nwk, descriptor, b"\x07" + nwk.to_bytes(2, "little") + b"\x01") == 0
    assert centre.unicast(nwk, centre.frame(0x0000, 1), bytes.fromhex("00 09 00 0500")) == 0


def replayed(told: Recording, seed: int = 8) -> tuple[list[Word], dict[str, Any], Device]:
    """The words of a recording on a street of another seed, what the device shows, and the device."""

    async def session() -> tuple[list[Word], dict[str, Any], Device]:
        centre = Centre(StreetPlan(meters=1, devices=1, seed=seed), VirtualClock())
        plan = centre.street.replay(told)
        assert plan.eui64 in [each.eui64 for each in centre.street.home_devices()]
        centre.expect(told.eui64, link_key_of(plan.install_code))
        device = centre.street.power_on(plan.eui64)
        await device.reached(Stage.REGISTERED)
        await centre.clock.sleep(told.said[-1].after_s + 30)
        shows = device.behaviour.shows(centre.clock.now())  # type: ignore[attr-defined]  # a player has a front
        await centre.street.close()
        return words(centre), shows, device

    return run(session())


def test_what_a_display_said_reaches_another_host_with_the_same_payloads_in_the_same_order(tmp_path: Path) -> None:
    eui64, said = evening(tmp_path / "air.pcapng")
    told = recording((tmp_path / "air.pcapng").read_bytes())
    assert told.eui64 == eui64
    assert [(word.cluster, word.payload) for word in told.said] == said
    assert [(word.cluster, word.payload[2]) for word in told.said] == [
        (PRICE, 0),
        (MESSAGING, 0),
        (PRICE, 2),
        (MESSAGING, 1),
    ]
    heard, shows, _ = replayed(told)
    assert heard == said
    assert shows == {"said": 4, "delivered": 4, "of": 4}


def test_each_word_comes_as_long_after_the_first_as_it_did(tmp_path: Path) -> None:
    evening(tmp_path / "air.pcapng")
    told = recording((tmp_path / "air.pcapng").read_bytes())
    assert [round(word.after_s) for word in told.said] == [0, 0, 0, 1800]

    async def session() -> list[int]:
        centre = Centre(StreetPlan(meters=1), VirtualClock())
        plan = centre.street.replay(told)
        centre.expect(told.eui64, link_key_of(plan.install_code))
        await centre.street.power_on(plan.eui64).reached(Stage.REGISTERED)
        counts = []
        for pause_s in (1, 1798, 2):
            await centre.clock.sleep(pause_s)
            counts.append(len(words(centre)))
        await centre.street.close()
        return counts

    assert run(session()) == [3, 3, 4]


def test_frames_that_were_sent_again_or_arrived_twice_were_said_once(tmp_path: Path) -> None:
    _, heard = evening(tmp_path / "foul.pcapng", Weather(loss=0.18, doubling=0.4))
    told = recording((tmp_path / "foul.pcapng").read_bytes())
    assert len(heard) == 4
    assert [(word.cluster, word.payload) for word in told.said] == heard


def test_a_device_is_named_by_either_address_and_another_is_refused_with_those_that_spoke(tmp_path: Path) -> None:
    eui64, _ = evening(tmp_path / "air.pcapng")
    raw = (tmp_path / "air.pcapng").read_bytes()
    address = next(iter({max(secret.nodes) for secret in read(raw)[1] if secret.nodes}))
    assert recording(raw, eui64) == recording(raw, address) == recording(raw)
    with pytest.raises(NotRecorded, match=f"no device of that name speaks .*: {eui64:016X} \\(4\\)"):
        recording(raw, 0x000D6F0007000000)


def test_without_its_keys_a_capture_has_no_word_of_anybody(tmp_path: Path) -> None:
    evening(tmp_path / "air.pcapng")
    raw = (tmp_path / "air.pcapng").read_bytes()
    secrets = {secret.key for secret in read(raw)[1]}
    for key in secrets:
        raw = raw.replace(key, bytes(16))
    with pytest.raises(NotRecorded, match="whose messages its keys open: none"):
        recording(raw)


def test_the_device_has_the_nameplate_and_the_descriptor_that_it_gave(tmp_path: Path) -> None:
    evening(tmp_path / "air.pcapng")
    told = recording((tmp_path / "air.pcapng").read_bytes())
    _, _, device = replayed(told)
    endpoint = device.node.endpoints[1]
    assert (endpoint.descriptor.device, endpoint.descriptor.clients) == (0x0502, told.descriptors[1].clients)
    assert MESSAGING in endpoint.descriptor.clients
    model = endpoint.servers[0x0000].attribute(0x0005)
    assert model is not None
    assert model.content == b"SIM-IHD-1"


def test_a_capture_without_an_interview_makes_an_endpoint_out_of_what_was_said(tmp_path: Path) -> None:
    evening(tmp_path / "air.pcapng")
    told = recording((tmp_path / "air.pcapng").read_bytes())
    heard, _, device = replayed(replace(told, descriptors={}, attributes={}))
    assert heard == [(word.cluster, word.payload) for word in told.said]
    assert device.node.endpoints[1].descriptor.clients == (PRICE, MESSAGING, 0x0800)


def test_a_street_without_a_home_takes_no_device(tmp_path: Path) -> None:
    evening(tmp_path / "air.pcapng")
    told = recording((tmp_path / "air.pcapng").read_bytes())
    with pytest.raises(BadInput, match="let the street have a meter"):
        ZigBeeStreet(StreetPlan(meters=0), VirtualClock()).replay(told)


def test_a_device_that_lives_on_the_street_already_gives_way_to_its_recording(tmp_path: Path) -> None:
    eui64, _ = evening(tmp_path / "air.pcapng")
    street = ZigBeeStreet(StreetPlan(meters=1, devices=2, seed=7), HandClock())
    before = [each.eui64 for each in street.home_devices()]
    street.replay(recording((tmp_path / "air.pcapng").read_bytes()))
    assert sorted(each.eui64 for each in street.home_devices()) == before
    assert street.homes.named(f"{eui64:016X}").kind == "replay"


@pytest.mark.parametrize("text", ["0x", "0xZZ", "0x12345", "1A2B", "kitchen", ""])
def test_what_names_no_device_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        node_told(text)


def test_a_device_is_named_by_eui64_or_address() -> None:
    assert (node_told("0022A30007000000"), node_told("0x1a2B")) == (0x0022A30007000000, 0x1A2B)


@given(raw=st.binary(max_size=200), at=st.integers(0, 10_000), cut=st.integers(0, 300))
def test_a_damaged_capture_is_read_in_part_or_refused(whole: bytes, raw: bytes, at: int, cut: int) -> None:
    with contextlib.suppress(Malformed, NotRecorded):
        recording(whole[:at] + raw + whole[at + cut :])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("air") / "air.pcapng"
    evening(path)
    return path.read_bytes()
