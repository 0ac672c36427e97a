"""What takes time in the field takes it here, on a clock of its own; what is kept without power comes back."""

import asyncio
import json
from pathlib import Path

import bellows.types as t  # type: ignore[import-untyped]  # bellows ships no types
import pytest

from gateway.errors import BadConfig
from simulators.virtual_time import VirtualClock, run
from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee.life import Stage
from simulators.zigbee.ncp.memory import load
from simulators.zigbee.ncp.pacing import Pace
from simulators.zigbee.timing import INSTANT, REALISTIC, Timing

from .centre import Centre
from .conftest import HandClock

BASIC, METERING = 0x0000, 0x0702


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
        frame = centre.frame(0x0005, 0, profile=0)
        began_s = clock.monotonic()
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


def test_a_meter_that_is_asked_for_a_key_establishes_one_and_keeps_it(tmp_path: Path) -> None:
    plan = StreetPlan(meters=2, state=tmp_path / "ncp.json")

    async def rekeyed() -> bytes | None:
        centre = Centre(plan, VirtualClock())
        centre.meet()
        node = centre.node()
        before = node.link_key
        centre.rekey(node)
        while node.link_key == before:
            await centre.clock.sleep(0.01)
        await centre.clock.sleep(0.01)
        shared = centre.street.coprocessor.keys.authorised(node.eui64)
        assert shared is not None
        assert shared.key == node.link_key
        assert centre.told("trustCenterJoinHandler") == []
        await centre.street.close()
        return node.link_key

    async def started_again() -> bytes | None:
        centre = Centre(plan, VirtualClock())
        centre.street.homes.start()
        key = centre.node().link_key
        frame = centre.frame(METERING, next(iter(centre.node().endpoints)), options=0x60)
        centre.meet()
        centre.callbacks.clear()
        assert centre.unicast(centre.node().nwk, frame, b"\x00\x01\x00\x00\x00") == 0
        assert len(centre.told("incomingMessageHandler")) == 1
        await centre.street.close()
        return key

    assert run(rekeyed()) == run(started_again())


def test_nodes_do_not_hear_a_co_processor_whose_counters_ran_backwards() -> None:
    async def heard_after(nwk: int, aps: int) -> bool:
        centre = Centre(StreetPlan(meters=1), VirtualClock())
        nwk_address = centre.meet()
        frame = centre.frame(METERING, next(iter(centre.node().endpoints)), options=0x60)
        for _ in range(3):
            centre.unicast(nwk_address, frame, b"\x00\x01\x00\x00\x00")
        memory = centre.street.memory
        memory.nwk_counter += nwk
        memory.aps_counter += aps
        centre.callbacks.clear()
        centre.unicast(nwk_address, frame, b"\x00\x01\x00\x00\x00")
        await centre.clock.sleep(10)
        return len(centre.told("incomingMessageHandler")) == 1

    assert run(heard_after(0, 0))
    assert not run(heard_after(-3, 0))
    assert not run(heard_after(0, -3))


def test_one_device_can_be_given_the_next_network_key_alone() -> None:
    async def given() -> None:
        centre = Centre(StreetPlan(meters=2), VirtualClock())
        key = t.KeyData(bytes(range(16)))
        one, other = centre.node(0), centre.node(1)
        eui64 = t.EUI64(one.eui64.to_bytes(8, "little"))
        assert centre.ask("unicastNwkKeyUpdate", destShort=one.nwk, destLong=eui64, key=key) == [t.sl_Status.OK]
        assert one.next_key is not None
        assert one.next_key.key == bytes(range(16))
        assert other.next_key is None
        stranger = t.EUI64(bytes(8))
        refused = centre.ask("unicastNwkKeyUpdate", destShort=one.nwk, destLong=stranger, key=key)
        assert refused == [t.sl_Status.ZIGBEE_KEY_NOT_AUTHORIZED]

    run(given())


def test_a_new_network_key_may_be_used_only_after_everybody_had_time_to_hear_it() -> None:
    async def switched() -> list[int]:
        centre = Centre(StreetPlan(meters=1, timing=REALISTIC), VirtualClock())
        centre.ask("broadcastNextNetworkKey", key=t.KeyData(bytes(16)))
        statuses = [int(centre.ask("broadcastNetworkKeySwitch")[0])]
        await centre.clock.sleep(REALISTIC.key_switch_s)
        statuses.append(int(centre.ask("broadcastNetworkKeySwitch")[0]))
        assert centre.street.memory.network is not None
        assert centre.street.memory.network.network_key != bytes(16)
        await centre.street.close()
        return statuses

    assert run(switched()) == [0x0C0C, 0]


def test_a_coordinator_has_no_more_sleeping_children_than_it_has_room_for() -> None:
    async def joined() -> list[Stage]:
        centre = Centre(StreetPlan(meters=40, devices=4, shipped=True), VirtualClock())
        stages = []
        for number in range(33):
            device = centre.let_in(number * 4 + 3)
            stages.append(await device.reached(Stage.REGISTERED, Stage.JOINED, Stage.GAVE_UP))
            centre.ask("clearTransientLinkKeys")
        assert len(centre.told("childJoinHandler")) == 32
        assert centre.ask("getChildData", index=31)[0] == t.sl_Status.OK
        assert centre.ask("getChildData", index=32)[0] == t.sl_Status.NOT_JOINED
        await centre.street.close()
        return stages

    assert run(joined()) == [Stage.JOINED] * 32 + [Stage.GAVE_UP]


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
