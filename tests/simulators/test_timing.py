"""What takes time in the field takes it here, on a clock of its own; what is kept without power comes back."""

import asyncio
import json
from pathlib import Path
from typing import Any

import bellows.types as t  # type: ignore[import-untyped]  # bellows ships no types
import pytest

from drivers.zigbee.cbke import files
from drivers.zigbee.cbke.exchange import KeyEstablished
from drivers.zigbee.cbke.frames import Frame
from drivers.zigbee.cbke.responders import Responders
from gateway.clock import Clock
from gateway.dice import SeededDice
from gateway.errors import BadConfig
from gateway.identifiers import Eui64
from simulators.virtual_time import VirtualClock, run
from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee.install_code import link_key_of
from simulators.zigbee.life import Device, Stage
from simulators.zigbee.ncp.memory import load
from simulators.zigbee.ncp.pacing import Pace
from simulators.zigbee.timing import INSTANT, REALISTIC, Timing

from .conftest import HandClock
from .test_coprocessor import RawHost

KEY_ESTABLISHMENT, METERING = 0x0800, 0x0702


class Centre(RawHost):
    """A host without a line that is a trust centre: it lets devices in and establishes keys at once."""

    def __init__(self, plan: StreetPlan, clock: Clock) -> None:
        super().__init__(plan, clock)
        self.up_with_key_establishment()
        memory = self.street.memory
        own = self.street.authority
        self._desk = Responders(
            [files.read(own.issue(memory.eui64, suite).as_file()) for suite in (1, 2)], SeededDice(5)
        )

    def up_with_key_establishment(self) -> None:
        self.raw(b"\x00\x00\x00\x04")
        self.ask("version", desiredProtocolVersion=self.street.plan.version)
        clusters = [KEY_ESTABLISHMENT]
        self.ask(
            "addEndpoint",
            endpoint=1,
            profileId=0x0109,
            deviceId=0x0500,
            deviceVersion=0,
            inputClusterCount=1,
            outputClusterCount=1,
            inputClusterList=clusters,
            outputClusterList=clusters,
        )
        self.ask("networkInit", networkInitBitmask=0)

    def call_back(self, payload: bytes) -> bool:
        name, values = self.decode(payload)
        if name == "incomingMessageHandler" and values[1].clusterId == KEY_ESTABLISHMENT:
            asyncio.get_running_loop().call_soon(self._establish, values[1], values[2], bytes(values[-1]))
        return super().call_back(payload)

    def _establish(self, aps: Any, nwk: int, payload: bytes) -> None:
        node = self.street.radio.at(nwk)
        assert node is not None
        if payload[0] & 3 == 0:
            self._reply(aps, nwk, bytes((0x18, payload[1], 1, 0, 0, 0, 0x31, 3, 0)))
            return
        partner, frame = Eui64(f"{node.eui64:016X}"), Frame(payload[2], payload[3:])
        reaction = self._desk.receive(partner, frame, payload[1], self.clock.monotonic())
        for event in reaction.events:
            if isinstance(event, KeyEstablished):
                eui64 = t.EUI64(node.eui64.to_bytes(8, "little"))
                self.ask("importLinkKey", index=0xFF, address=eui64, key=t.KeyData(event.link_key.reveal()))
        for said in reaction.frames:
            self._reply(aps, nwk, bytes((0x19, payload[1], said.command)) + said.body)

    def _reply(self, aps: Any, nwk: int, payload: bytes) -> None:
        frame = aps.replace(sourceEndpoint=1, destinationEndpoint=aps.sourceEndpoint, options=t.EmberApsOption(0x40))
        assert self.unicast(nwk, frame, payload) == 0

    def told(self, wanted: str) -> list[list[Any]]:
        """What callbacks of a name told."""
        return [values for name, values in map(self.decode, self.callbacks) if name == wanted]

    def let_in(self, number: int = 0) -> Device:
        """Open the network for a home's device, and switch it on."""
        device = list(self.street.home_devices())[number]
        eui64 = t.EUI64(int(device.eui64, 16).to_bytes(8, "little"))
        key = t.KeyData(link_key_of(device.install_code))
        self.ask("importTransientKey", eui64=eui64, plaintext_key=key, flags=0)
        self.ask("setPolicy", policyId=0, decisionId=0x11)
        self.ask("permitJoining", duration=250)
        return self.street.power_on(device.eui64)


@pytest.mark.parametrize(("timing", "least_s", "most_s"), [(INSTANT, 0, 0.01), (REALISTIC, 27, 28)])
def test_key_establishment_takes_a_realistic_device_as_long_as_in_the_field(
    timing: Timing, least_s: float, most_s: float
) -> None:
    async def register() -> float:
        clock = VirtualClock()
        centre = Centre(StreetPlan(meters=1, devices=1, timing=timing), clock)
        device = centre.let_in()
        await asyncio.wait_for(device.reached(Stage.REGISTERED), 120)
        took_s = clock.monotonic()
        await centre.street.close()
        return took_s

    assert least_s <= run(register()) <= most_s


def test_a_sleeping_device_hears_when_it_asks_and_one_that_sleeps_for_longer_does_not() -> None:
    async def wait_for(poll_s: float) -> float | None:
        clock = VirtualClock()
        plan = StreetPlan(meters=1, devices=4, timing=Timing(poll_s=poll_s, ephemeral_s=0, confirm_s=0))
        centre = Centre(plan, clock)
        device = centre.let_in(3)
        await device.reached(Stage.REGISTERED)
        await clock.sleep(0.5)
        assert device.node.poll_s == poll_s
        centre.callbacks.clear()
        frame = t.EmberApsFrame(**{field.name: 0 for field in t.EmberApsFrame.fields}).replace(clusterId=0x0005)
        began_s = clock.monotonic()
        frame = frame.replace(options=t.EmberApsOption(0x40))
        centre.unicast(device.node.nwk, frame, b"\x01" + device.node.nwk.to_bytes(2, "little"))
        sent = centre.told("messageSentHandler")
        assert sent == []
        while not sent:
            await clock.sleep(0.1)
            sent = centre.told("messageSentHandler")
        await centre.street.close()
        return clock.monotonic() - began_s if sent[0][0] == 0 else None

    took_s = run(wait_for(4.0))
    assert took_s is not None
    assert 0 < took_s <= 4.2
    assert run(wait_for(1000.0)) is None


def test_devices_keep_the_trust_centre_in_sight_and_come_back_when_it_does() -> None:
    async def outage() -> tuple[Stage, Stage]:
        clock = VirtualClock()
        centre = Centre(StreetPlan(meters=1, devices=1, timing=REALISTIC), clock)
        device = centre.let_in()
        await device.reached(Stage.REGISTERED)
        centre.street.coprocessor.reset()
        lost = await device.reached(Stage.LOST)
        centre.up_with_key_establishment()
        back = await device.reached(Stage.REGISTERED)
        await centre.street.close()
        return lost, back

    assert run(outage()) == (Stage.LOST, Stage.REGISTERED)


async def test_a_lines_bytes_come_in_order_and_no_faster_than_its_rate() -> None:
    clock, came = HandClock(), list[bytes]()
    pace = Pace(clock, 115_200, came.append)
    pace.put(bytes(1152))
    pace.put(b"last")
    await clock.until_asleep(0.1)
    clock.forward(0.0999)
    await asyncio.sleep(0)
    assert (came, pace.pending) == ([], 1156)
    clock.forward(0.0001)
    await clock.until_asleep(4 * 10 / 115_200)
    assert came == [bytes(1152)]
    clock.forward(1)
    for _ in range(3):
        await asyncio.sleep(0)
    assert (came, pace.pending) == ([bytes(1152), b"last"], 0)


def test_what_was_put_on_a_line_without_a_limit_has_arrived() -> None:
    came: list[bytes] = []
    Pace(HandClock(), None, came.append).put(b"now")
    assert came == [b"now"]


def test_a_registered_device_is_there_again_after_everything_was_started_anew(tmp_path: Path) -> None:
    plan = StreetPlan(meters=1, devices=2, state=tmp_path / "ncp.json")

    async def first() -> tuple[bytes | None, int]:
        centre = Centre(plan, VirtualClock())
        device = centre.let_in()
        await device.reached(Stage.REGISTERED)
        await centre.street.close()
        assert device.node.shared is not None
        return device.node.link_key, device.node.nwk

    async def second() -> tuple[bytes | None, int, int]:
        centre = Centre(plan, VirtualClock())
        centre.street.homes.start()
        device = centre.street.homes.device(next(centre.street.home_devices()).eui64)
        await device.reached(Stage.REGISTERED)
        await centre.street.close()
        shared = centre.street.coprocessor.keys.authorised(device.node.eui64)
        assert shared is not None
        assert shared.key == device.node.link_key
        assert device.node.shared is not None
        return device.node.link_key, device.node.nwk, device.node.shared.outgoing

    key, nwk = run(first())
    again, same_nwk, outgoing = run(second())
    assert (again, same_nwk) == (key, nwk)
    assert outgoing >= 4096
    assert (tmp_path / "ncp.homes.json").stat().st_mode & 0o077 == 0


def test_what_devices_knew_is_refused_in_words_if_it_is_broken(tmp_path: Path) -> None:
    plan = StreetPlan(meters=1, devices=1, state=tmp_path / "ncp.json")
    street = ZigBeeStreet(plan, HandClock())
    eui64 = next(street.home_devices()).eui64
    for broken in ("{", json.dumps({eui64: {"nwk": 1}}), json.dumps({eui64: 5})):
        (tmp_path / "ncp.homes.json").write_text(broken)
        with pytest.raises(BadConfig):
            street.homes.start()


def test_frame_counters_never_run_backwards_however_a_process_ends(tmp_path: Path) -> None:
    path = tmp_path / "ncp.json"
    memory = ZigBeeStreet(StreetPlan(meters=1, state=path), HandClock()).memory
    for _ in range(10_000):
        used = memory.next_aps_counter(), memory.next_nwk_counter()
    again = load(path)
    again.restart()
    assert again.next_aps_counter() > used[0]
    assert again.next_nwk_counter() > used[1]


def test_tables_of_shipped_firmware_are_small_and_a_switch_lifts_them() -> None:
    shipped = ZigBeeStreet(StreetPlan(meters=30, shipped=True), HandClock())
    lifted = ZigBeeStreet(StreetPlan(meters=30), HandClock())
    assert len(shipped.memory.link_keys) == 12
    assert len(lifted.memory.link_keys) == 30
    assert shipped.coprocessor.settings.configuration[0x11] == 32
