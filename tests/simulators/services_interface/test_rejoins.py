"""How devices come back to the meter's network, how they are removed, and what becomes of its key."""

import pytest

from simulators.faults import Fault, FaultKind
from simulators.zigbee import zdo
from simulators.zigbee.air.weather import CLEAR
from simulators.zigbee.aps import ZDO
from simulators.zigbee.clusters import METERING
from simulators.zigbee.life import Stage
from simulators.zigbee.services_interface.interface import NotAdded
from simulators.zigbee.services_interface.log import What
from simulators.zigbee.services_interface.peers import Standing
from simulators.zigbee.timing import REALISTIC

from .home import Home, key_of, lived


async def renewed(home: Home) -> None:
    await home.interface.trust_centre.renew(one_by_one=False)


def test_a_device_that_was_without_power_comes_back_under_the_network_key() -> None:
    async def story(home: Home) -> None:
        device = await home.register("display")
        await device.power_off()
        assert await home.stands("display", 10) is Stage.REGISTERED
        assert home.words("display", What.REJOINED) == ["under the network key"]
        assert (await home.read("display", METERING, 0x0000))[0x0000]

    lived(story)


def test_everybody_who_hears_goes_along_with_a_new_network_key() -> None:
    async def story(home: Home) -> None:
        devices = [await home.register(kind) for kind in ("display", "thermostat")]
        before = home.interface.trust_centre.network_key
        await renewed(home)
        key = home.interface.trust_centre.network_key
        assert (key.sequence, key.key != before.key) == (before.sequence + 1, True)
        assert {device.node.network_key for device in devices} == {key}
        assert (await home.read("display", METERING, 0x0000))[0x0000]

    lived(story)


def test_a_device_that_missed_the_new_network_key_comes_back_under_its_own_link_key() -> None:
    async def story(home: Home) -> None:
        device = await home.register("display")
        await device.power_off()
        await renewed(home)
        assert await home.stands("display", 10) is Stage.REGISTERED
        assert home.words("display", What.REJOINED) == ["without the network key, under its own link key"]
        assert device.node.network_key == home.interface.trust_centre.network_key
        assert (await home.read("display", METERING, 0x0000))[0x0000]

    lived(story)


def test_a_device_without_a_key_from_key_establishment_does_not_come_back() -> None:
    async def story(home: Home) -> None:
        device = home.device("display")
        device._keys = None
        home.add("display")
        assert await home.stands("display", 10) is Stage.JOINED
        await device.power_off()
        await renewed(home)
        assert await home.stands("display", 60) is Stage.GAVE_UP
        assert set(home.words("display", What.DENIED)) == {"it comes back without a key from key establishment"}

    lived(story)


def test_a_registered_device_that_asks_as_a_newcomer_is_denied_until_it_is_removed_and_added_anew() -> None:
    async def story(home: Home) -> None:
        device = await home.register("display")
        await device.power_off()
        home.world.radio.depart(device.node)  # reset to the factory's state, without power: nobody hears it leave
        device._forget()
        home.interface.open(254)
        assert await home.stands("display") is Stage.GAVE_UP
        assert set(home.words("display", What.DENIED)) == {
            "it is registered, and asks as a newcomer: remove it and add it anew"
        }
        await home.interface.remove(device.node.eui64)
        await home.register("display")
        assert device.node.link_key != key_of(home.label("display"))

    lived(story)


def test_a_removed_device_leaves_and_can_be_added_anew() -> None:
    async def story(home: Home) -> None:
        device = await home.register("display")
        await home.interface.remove(device.node.eui64)
        assert device.stage is Stage.LEFT
        assert device.node.network_key is None
        assert home.noted("display")[-2:] == [What.LEFT, What.REMOVED]
        assert device.node.eui64 not in home.interface.peers
        assert What.NETWORK_KEY_CHANGED not in home.noted()
        await home.register("display")

    lived(story)


def test_a_device_that_does_not_hear_its_removal_is_shut_out_by_a_new_network_key() -> None:
    async def story(home: Home) -> None:
        deaf, other = await home.register("display"), await home.register("thermostat")
        await deaf.power_off()
        await home.interface.remove(deaf.node.eui64)
        assert home.words("display", What.REMOVED) == ["it did not say that it leaves"]
        assert home.noted()[-1] is What.NETWORK_KEY_CHANGED
        key = home.interface.trust_centre.network_key
        assert (other.node.network_key, other.stage) == (key, Stage.REGISTERED)
        assert deaf.node.network_key != key
        assert await home.stands("display", 60) is Stage.GAVE_UP
        assert home.interface.log.counts[What.REJOINED] == 0

    lived(story)


def test_a_device_that_hears_all_but_its_removal_does_not_get_the_new_network_key() -> None:
    async def story(home: Home) -> None:
        display, other = await home.register("display"), await home.register("thermostat")
        home.world.radio.sky.weather = CLEAR.partitioned([display.node.eui64])
        await home.interface.remove(display.node.eui64)
        home.world.radio.sky.weather = CLEAR
        assert other.node.network_key == home.interface.trust_centre.network_key != display.node.network_key

    lived(story)


def test_an_awaited_device_is_forgotten_at_once_and_a_stranger_cannot_be_removed() -> None:
    async def story(home: Home) -> None:
        home.add("display")
        await home.interface.remove(home.eui64("display"))
        assert home.interface.peers == {}
        with pytest.raises(NotAdded, match="was added to the meter"):
            await home.interface.remove(home.eui64("display"))

    lived(story)


def test_a_device_that_leaves_by_itself_is_let_in_again_only_after_it_is_added() -> None:
    async def story(home: Home) -> None:
        device = await home.register("display")
        home.world.radio.depart(device.node)
        assert home.interface.known(device.node.eui64).standing is Standing.LEFT
        home.interface.open(60)
        assert await home.stands("display") is Stage.GAVE_UP
        await home.register("display")

    lived(story)


def test_a_sleeper_hears_what_waits_for_it_at_the_meter() -> None:
    async def story(home: Home) -> None:
        home.add("appliance")
        assert await home.stands("appliance", 90) is Stage.REGISTERED
        assert home.device("appliance").node.poll_s == REALISTIC.poll_s
        await home.interface.remove(home.eui64("appliance"))
        assert home.device("appliance").stage is Stage.LEFT

    lived(story, timing=REALISTIC)


def test_nobody_makes_the_coordinator_leave() -> None:
    async def story(home: Home) -> None:
        device = await home.register("display")
        request = b"\x07" + home.interface.eui64.to_bytes(8, "little") + b"\x00"
        message = device.node.compose(
            cluster=zdo.LEAVE, payload=request, profile=ZDO, endpoints=(0, 0), encrypted=False
        )
        assert await home.world.radio.send(device.node, message)
        await home.clock.sleep(1)
        assert [each.payload for each in home.witness.told if each.cluster == zdo.LEAVE | zdo.RESPONSE] == [b"\x07\x84"]
        assert (await home.read("display", METERING, 0x0000))[0x0000]

    lived(story)


def test_a_device_keeps_alive_as_the_meter_tells_it_to() -> None:
    async def story(home: Home) -> None:
        device = await home.register("display")
        assert await home.read("display", 0x0025, 0, 1) == {0: 10, 1: 300}
        await home.clock.sleep(7200)
        stages = [device.stage]
        home.world.meter.fault = Fault(kind=FaultKind.SILENT)
        await home.clock.sleep(7200)
        assert [*stages, device.stage] == [Stage.REGISTERED, Stage.LOST]

    lived(story)
