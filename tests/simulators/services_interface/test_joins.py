"""Who gets onto the network of a meter, who does not, and what the meter saw of it."""

from functools import cache

import pytest

from gateway.dice import SeededDice
from simulators.faults import Fault, FaultKind
from simulators.zigbee.air.weather import Fate, Weather
from simulators.zigbee.cbke.credentials import Authority
from simulators.zigbee.cbke.talk import Party
from simulators.zigbee.clusters import METERING
from simulators.zigbee.install_code import BadInstallCode, install_code, read_code
from simulators.zigbee.kinds import KINDS
from simulators.zigbee.life import Stage
from simulators.zigbee.services_interface.interface import MOST_DEVICES, REGISTRATION_S, NotAdded
from simulators.zigbee.services_interface.log import What
from simulators.zigbee.services_interface.peers import Standing
from simulators.zigbee.services_interface.trust_centre import BadWindow
from simulators.zigbee.timing import REALISTIC

from .home import Home, key_of, lived


@pytest.mark.parametrize("suites", [(1, 2), (1,), (2,)])
@pytest.mark.parametrize("kind", KINDS)
def test_every_honest_kind_joins_the_meter_and_is_registered(kind: str, suites: tuple[int, ...]) -> None:
    async def story(home: Home) -> None:
        device = await home.register(kind)
        assert home.noted(kind)[:4] == [What.EXPECTED, What.KEY_SENT, What.JOINED, What.REGISTERED]
        peer = home.interface.known(device.node.eui64)
        assert peer.standing is Standing.REGISTERED
        assert peer.end.link_key == device.node.link_key != key_of(home.label(kind))
        assert device.uplink.centre == int(home.world.meter.eui64, 16)

    lived(story, suites=suites)


def test_a_join_takes_the_field_s_time_where_it_is_asked_for() -> None:
    async def story(home: Home) -> None:
        home.add("display")
        assert await home.stands("display", 53.0) is Stage.ESTABLISHING
        await home.clock.sleep(2.0)
        assert home.device("display").stage is Stage.REGISTERED

    lived(story, timing=REALISTIC)


@pytest.mark.parametrize("size", [6, 8, 12, 16])
def test_install_codes_of_every_size_let_a_device_in(size: int) -> None:
    async def story(home: Home) -> None:
        device = home.device("display")
        code = install_code(device.node.eui64, SeededDice(3), size)
        device.node.link_key = device._own_key = KINDS["display"].own_key(code)
        home.interface.add(device.node.eui64, code, 254, 300)
        assert await home.stands("display") is Stage.REGISTERED

    lived(story)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("83FED3407A939723A5C639B26916D505C3B6", "check sum does not fit"),
        ("83FED340", "not 4 in all"),
        ("", "not 0 in all"),
        ("83FED3407A939723A5C639B26916D505C3ZZ", "hexadecimal"),
    ],
)
def test_a_code_that_is_none_is_refused_without_being_repeated(text: str, words: str) -> None:
    with pytest.raises(BadInstallCode, match=words) as refusal:
        read_code(text)
    assert not text or text not in str(refusal.value)


def test_a_code_is_read_as_it_is_printed() -> None:
    assert read_code("83FE D340 7A93 9723 A5C6 39B2 6916 D505 C3B5").hex().upper() == (
        "83FED3407A939723A5C639B26916D505C3B5"
    )


def test_a_device_that_nobody_added_is_denied() -> None:
    async def story(home: Home) -> None:
        home.interface.open(254)
        assert await home.stands("display") is Stage.GAVE_UP
        assert home.noted("display") == [What.DENIED] * 3
        assert set(home.words("display", What.DENIED)) == {"no key waits for it"}
        assert home.device("display").failure == "no network key came"

    lived(story)


def test_a_device_finds_no_open_network_where_no_window_is() -> None:
    async def story(home: Home) -> None:
        assert await home.stands("display") is Stage.GAVE_UP
        assert home.device("display").failure == "no open network"
        assert home.noted() == []

    lived(story)


def test_the_window_closes_by_itself_and_the_key_expires() -> None:
    async def story(home: Home) -> None:
        home.add("display", window_s=60, key_s=90)
        await home.clock.sleep(59.5)
        assert home.interface.trust_centre.is_open
        await home.clock.sleep(1)
        assert not home.interface.trust_centre.is_open
        assert await home.stands("display", 40) is Stage.SEARCHING
        assert home.noted() == [What.WINDOW_OPENED, What.EXPECTED, What.WINDOW_CLOSED, What.KEY_EXPIRED]
        assert home.words("display", What.KEY_EXPIRED) == ["it was let in by no window"]
        home.interface.open(254)
        await home.clock.sleep(200)
        assert home.device("display").stage is Stage.GAVE_UP
        assert set(home.words("display", What.DENIED)) == {"no key waits for it"}

    lived(story)


def test_a_window_that_is_opened_anew_lasts_from_then_on() -> None:
    async def story(home: Home) -> None:
        home.interface.open(60)
        await home.clock.sleep(40)
        home.interface.open(60)
        await home.clock.sleep(40)
        assert home.interface.trust_centre.is_open
        await home.clock.sleep(21)
        assert home.noted() == [What.WINDOW_OPENED, What.WINDOW_OPENED, What.WINDOW_CLOSED]

    lived(story)


@pytest.mark.parametrize("seconds", [0, 255])
def test_a_window_beyond_254_s_is_refused(seconds: int) -> None:
    async def story(home: Home) -> None:
        with pytest.raises(BadWindow, match="1 to 254 seconds"):
            home.interface.open(seconds)

    lived(story)


def test_the_window_stays_open_until_the_last_awaited_device_is_heard() -> None:
    async def story(home: Home) -> None:
        home.add("display")
        home.add("thermostat")
        assert await home.stands("display", 10) is Stage.REGISTERED
        assert home.interface.trust_centre.is_open
        assert await home.stands("thermostat", 10) is Stage.REGISTERED
        assert not home.interface.trust_centre.is_open

    lived(story)


@pytest.mark.parametrize("kind", ["rogue_wrong_key", "rogue_default_key"])
def test_a_rogue_with_another_key_cannot_read_the_network_key_and_is_never_heard(kind: str) -> None:
    async def story(home: Home) -> None:
        home.add(kind)
        assert await home.stands(kind, 301) is Stage.GAVE_UP
        assert home.device(kind).failure == "the network key came under another key"
        assert home.noted(kind) == [What.EXPECTED, *[What.KEY_SENT] * 3, What.KEY_EXPIRED]
        assert home.words(kind, What.KEY_EXPIRED) == ["it was sent the network key, and could not read it"]
        assert home.device(kind).node.network_key is None
        assert home.world.radio.members() == []

    lived(story)


def test_a_frame_that_is_repeated_is_not_taken_twice() -> None:
    async def story(home: Home) -> None:
        await home.register("rogue_replay")
        assert home.shows("rogue_replay") == {"first_acknowledged": True, "replay_acknowledged": False}
        assert home.noted("rogue_replay")[-1] is What.REPLAYED

    lived(story)


def test_who_was_added_by_mistake_is_refused_in_words() -> None:
    async def story(home: Home) -> None:
        code = home.label("display").install_code
        for eui64 in (0, 0xFFFFFFFFFFFFFFFF, int(home.world.meter.eui64, 16)):
            with pytest.raises(NotAdded, match="no device's"):
                home.interface.add(eui64, code, 254, 300)
        await home.register("display")
        with pytest.raises(NotAdded, match="is registered: remove it first"):
            home.add("display")
        for number in range(1, MOST_DEVICES):
            home.interface.add(number, code, 254, 300)
        with pytest.raises(NotAdded, match="room for 10 devices"):
            home.interface.add(MOST_DEVICES, code, 254, 300)
        await home.clock.sleep(301)
        home.interface.add(MOST_DEVICES, code, 254, 300)

    lived(story)


def test_a_code_that_was_mistyped_is_put_right_by_adding_the_device_again() -> None:
    async def story(home: Home) -> None:
        home.interface.add(home.eui64("display"), home.label("thermostat").install_code, 254, 300)
        assert await home.stands("display") is Stage.GAVE_UP
        await home.register("display")

    lived(story)


def test_a_device_of_another_authority_establishes_no_key_and_leaves() -> None:
    async def story(home: Home) -> None:
        stranger, eui64 = Authority(SeededDice(99), name=0xAA), home.eui64("display")
        device = home.device("display")
        assert device._keys is not None
        credentials = [stranger.issue(eui64, suite) for suite in (1, 2)]
        device._keys._party = cache(lambda: Party(eui64, credentials, SeededDice(1)))
        home.add("display")
        assert await home.stands("display") is Stage.LEFT
        assert home.noted("display")[2:] == [What.JOINED, What.KEY_FAILED, What.LEFT]
        assert home.words("display", What.KEY_FAILED) == ["ended with status 1"]

    lived(story)


def test_a_device_that_establishes_no_key_in_time_is_told_to_leave() -> None:
    async def story(home: Home) -> None:
        home.device("display")._keys = None
        home.add("display")
        assert await home.stands("display", 60) is Stage.JOINED
        await home.clock.sleep(REGISTRATION_S)
        assert home.device("display").stage is Stage.LEFT
        assert home.noted("display")[2:] == [What.JOINED, What.KEY_FAILED, What.LEFT, What.REMOVED]

    lived(story)


def test_a_meter_without_power_lets_nobody_in() -> None:
    async def story(home: Home) -> None:
        home.add("display")
        home.world.meter.fault = Fault(kind=FaultKind.SILENT)
        assert await home.stands("display") is Stage.GAVE_UP
        assert home.device("display").failure == "no open network"

    lived(story)


@pytest.mark.parametrize("seed", range(8))
def test_on_a_lossy_air_a_device_is_registered_or_says_why_not(seed: int) -> None:
    async def story(home: Home) -> Stage:
        home.add("display")
        stage = await home.stands("display", 600)
        assert stage is Stage.REGISTERED or home.device("display").failure
        if stage is Stage.REGISTERED:
            assert home.interface.known(home.eui64("display")).standing is Standing.REGISTERED
            assert (await home.read("display", METERING, 0x0000))[0x0000]
        sky = home.world.radio.sky
        assert min(sky.counts[Fate.LOST], sky.counts[Fate.DOUBLED]) > 0
        return stage

    foul = Weather(loss=0.15, doubling=0.1, jitter_s=0.05)
    assert lived(story, seed=seed, weather=foul, timing=REALISTIC) in (Stage.REGISTERED, Stage.JOINED, Stage.GAVE_UP)


@pytest.mark.parametrize("seed", [29, 31, 36])
def test_a_device_that_cannot_be_heard_while_it_establishes_its_key_says_so_and_does_not_break_down(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(home: Home) -> None:
        home.add("display")
        stage = await home.stands("display", 600)
        assert stage in (Stage.JOINED, Stage.GAVE_UP, Stage.REGISTERED)
        assert stage is Stage.REGISTERED or home.device("display").failure

    lived(story, seed=seed, weather=Weather(loss=0.45, doubling=0.1, jitter_s=0.05), timing=REALISTIC)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("seed", range(24))
def test_the_meter_never_counts_a_device_as_registered_that_has_not_its_key(seed: int) -> None:
    async def story(home: Home) -> None:
        home.add("display")
        home.world.power_on(home.label("display").eui64)
        for _ in range(60):
            await home.clock.sleep(10)
            peer, node = home.interface.known(home.eui64("display")), home.device("display").node
            if peer.standing is Standing.REGISTERED:
                assert (node.registered, node.link_key) == (True, peer.end.link_key)

    lived(story, seed=seed, weather=Weather(loss=0.4, doubling=0.1, jitter_s=0.05), timing=REALISTIC)
