"""What the meter takes from whom: link keys on secured clusters, both ways, and nothing of strangers."""

from dataclasses import replace

import pytest

from gateway.dice import SeededDice
from simulators.han import wire
from simulators.zigbee import zcl
from simulators.zigbee.aps import SMART_ENERGY, ZDO, ApsMessage
from simulators.zigbee.clusters import BASIC, METERING, TIME
from simulators.zigbee.nodes import SECURED, Plain
from simulators.zigbee.services_interface.log import What

from .home import Home, lived, refused

READ_FIRST = bytes.fromhex("00 07 00 0000")
SERVED = [wire.PRICE, wire.LOAD_CONTROL, wire.MESSAGING, TIME, METERING]


@pytest.mark.parametrize("cluster", SERVED)
def test_a_plain_frame_on_a_secured_cluster_is_refused_and_noted(cluster: int) -> None:
    async def story(home: Home) -> None:
        await home.register("display")
        assert refused(await home.sends("display", cluster, READ_FIRST, encrypted=False)) == zcl.NOT_AUTHORISED
        assert home.words("display", What.PLAIN) == [f"cluster 0x{cluster:04X}"]
        answer = await home.sends("display", cluster, READ_FIRST, encrypted=True)
        assert (answer[2], refused(answer)) == (zcl.READ_RESPONSE, None)

    assert cluster in SECURED
    lived(story)


def test_a_meter_may_drop_plain_frames_in_silence() -> None:
    async def story(home: Home) -> None:
        await home.register("display")
        assert await home.sends("display", METERING, READ_FIRST, encrypted=False) == b""

    lived(story, plain=Plain.DROP)


def test_a_device_that_is_not_registered_reads_the_nameplate_and_no_register() -> None:
    async def story(home: Home) -> None:
        home.device("display")._keys = None
        home.add("display")
        await home.stands("display", 10)
        for endpoint in (1, 2):
            answer = await home.sends("display", METERING, READ_FIRST, encrypted=True, endpoint=endpoint)
            assert refused(answer) == zcl.NOT_AUTHORISED
        assert (await home.sends("display", BASIC, READ_FIRST, encrypted=False))[2] == zcl.READ_RESPONSE

    lived(story)


def written(home: Home, kind: str, cluster: int, *, encrypted: bool) -> ApsMessage:
    """A read of a device's, on its way."""
    return home.device(kind).node.compose(
        cluster=cluster, payload=READ_FIRST, profile=SMART_ENERGY, endpoints=(1, 1), encrypted=encrypted
    )


def test_a_frame_under_a_key_that_is_not_shared_is_not_acknowledged() -> None:
    async def story(home: Home) -> None:
        device = await home.register("display")
        message = replace(written(home, "display", METERING, encrypted=True), key=bytes(16))
        assert not await home.world.radio.repeat(device.node, message)
        assert home.noted("display")[-1] is What.UNREADABLE

    lived(story)


def test_a_frame_counter_that_was_before_is_not_taken_again() -> None:
    async def story(home: Home) -> None:
        device = await home.register("display")
        message = written(home, "display", METERING, encrypted=True)
        assert await home.world.radio.send(device.node, message)
        await home.clock.sleep(60)
        assert not await home.world.radio.repeat(device.node, message)
        assert home.words("display", What.REPLAYED) == [f"frame counter {message.counter} again"]

    lived(story)


def test_a_request_too_long_for_one_frame_comes_in_blocks_and_is_answered() -> None:
    async def story(home: Home) -> None:
        await home.register("display")
        asked = bytes((0x00, 0x0A, 0x00)) + b"\x00\x00" * 40
        answer = await home.sends("display", METERING, asked, encrypted=True)
        assert (answer[2], answer[3:6]) == (zcl.READ_RESPONSE, b"\x00\x00\x00")
        assert [each.block.index for each in home.witness.said if each.block is not None] == [0, 1]

    lived(story)


@pytest.mark.parametrize("seed", range(4))
def test_no_bytes_of_a_device_s_break_the_meter(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    async def story(home: Home) -> None:
        device = await home.register("display")
        rolls = SeededDice(seed).stream("noise")
        clusters = [*SERVED, BASIC, 0x0025, 0x0800, 0x0704]
        for _ in range(400):
            if rolls.random() < 0.3:
                profile, cluster, to = ZDO, rolls.choice((*range(0x40), *range(0x8000, 0x8040))), 0
            else:
                profile, cluster, to = SMART_ENERGY, rolls.choice(clusters), rolls.choice((1, 2, 3))
            payload = bytes((rolls.choice((0x00, 0x01, 0x10, 0x11, 0x18, 0x19, rolls.randrange(256))),))
            payload += rolls.randbytes(rolls.randrange(1, 40))
            message = device.node.compose(
                cluster=cluster,
                payload=payload,
                profile=profile,
                endpoints=(to and 1, to),
                encrypted=rolls.random() < 0.8,
            )
            await home.world.radio.send(device.node, message)
        await home.clock.sleep(3600)
        assert (await home.read("display", METERING, 0x0000))[0x0000]

    lived(story)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_who_has_the_network_key_and_was_never_added_is_not_heard() -> None:
    async def story(home: Home) -> None:
        await home.register("display")
        thief = home.device("thermostat")
        thief.node.give_network_key(home.interface.trust_centre.network_key)
        home.world.radio.settle(thief.node, 0x1234)
        thief.carry_on()
        message = written(home, "thermostat", BASIC, encrypted=False)
        assert not await home.world.radio.send(thief.node, message)
        assert set(home.noted("thermostat")) == {What.STRANGER}
        assert [each for each in home.witness.told if each.destination == 0x1234] == []

    lived(story)


def test_all_that_is_said_on_secured_clusters_is_under_the_device_s_own_link_key() -> None:
    async def story(home: Home) -> None:
        device = await home.register("display")
        text = home.programme.give_text(
            home.world.meter.now(), text="Hi", importance=0, minutes=None, wants_confirmation=False
        )
        home.interface.publish_text(text)
        await home.clock.sleep(3600)
        both = [*home.witness.told, *home.witness.said]
        secured = [each for each in both if each.cluster in SECURED and each.profile == SMART_ENERGY]
        assert {each.key for each in secured} == {device.node.link_key}
        assert {each.key for each in both if each.cluster == 0x0800} == {None}

    lived(story)


def test_nothing_is_said_on_secured_clusters_to_a_device_that_is_not_registered() -> None:
    async def story(home: Home) -> None:
        home.device("display")._keys = None
        home.add("display")
        await home.stands("display", 10)
        home.interface.publish_price(
            home.programme.give_price(
                home.world.meter.now(), price=1, label="", starts_at=home.world.meter.now(), minutes=5, wants_ack=False
            )
        )
        await home.clock.sleep(60)
        assert [each for each in home.witness.told if each.cluster == wire.PRICE] == []

    lived(story)
