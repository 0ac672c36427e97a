"""The trust centre over a co-processor: keys in two places, policies that read back, and what a start puts right."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from drivers.zigbee.vault import KeptKey, Kind
from gateway.config import Secret
from gateway.errors import BadConfig
from gateway.han.words import Cause, HanFault, Membership, Stage
from gateway.identifiers import Eui64
from gateway.keys import LinkKey
from simulators.zigbee.ncp.memory import Memory
from tests.drivers.homes import (
    BY_INSTALL_CODE,
    CLOSED,
    CODE,
    NEWCOMER,
    REJOINS,
    TRUST_CENTRE_POLICY,
    VERSIONS,
    WELL_KNOWN_POLICY,
    Make,
    Timeline,
    home_of,
    keys_in,
    old_business_finished,
    policy_of,
    up,
    vault_in,
    wait_until,
)

KEPT = LinkKey(b"\x77" * 16)


def established(device: Eui64 = NEWCOMER) -> KeptKey:
    return KeptKey(device=device, kind=Kind.ESTABLISHED, suite=2, key=KEPT)


@VERSIONS
async def test_a_start_gives_the_radio_the_vault_s_keys_and_adopts_its_own(
    laboratory: Make, keep_up: Make, tmp_path: Path, version: int
) -> None:
    vault_in(tmp_path).put(established())
    lab = await laboratory(2, version=version)
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        assert keys_in(lab)[int(NEWCOMER, 16)] == KEPT.reveal()
        assert await home_of(driver).membership(NEWCOMER) is Membership.REGISTERED
        meter = Eui64(lab.assignment(0).address)
        assert await home_of(driver).membership(meter) is Membership.JOINED
        assert await home_of(driver).membership(Eui64("00124B0000000777")) is Membership.ABSENT
    kept = vault_in(tmp_path).get(meter)
    assert kept is not None
    assert (kept.kind, kept.key.reveal()) == (Kind.FOUND, lab.nodes[0].link_key)


@VERSIONS
async def test_the_vault_s_key_wins_over_the_radio_s(
    laboratory: Make, keep_up: Make, tmp_path: Path, version: int
) -> None:
    lab = await laboratory(1, version=version)
    meter = Eui64(lab.assignment(0).address)
    vault_in(tmp_path).put(established(meter))
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        assert keys_in(lab) == {int(meter, 16): KEPT.reveal()}


async def test_counters_are_written_down_and_never_go_back(laboratory: Make, keep_up: Make, tmp_path: Path) -> None:
    lab = await laboratory(1)
    lab.memory.link_keys[0].incoming, lab.memory.aps_counter = 300, 500
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
    vault = vault_in(tmp_path)
    found = vault.get(Eui64(lab.assignment(0).address))
    assert found is not None
    assert vault.tx_counter >= 500
    assert found.rx_counter == 300


@VERSIONS
@pytest.mark.parametrize("registered", [True, False])
async def test_rejoins_are_allowed_only_while_somebody_is_registered(
    laboratory: Make, keep_up: Make, tmp_path: Path, version: int, registered: bool
) -> None:
    if registered:
        vault_in(tmp_path).put(established())
    lab = await laboratory(1, version=version)
    lab.coprocessor.settings.policies[TRUST_CENTRE_POLICY] = BY_INSTALL_CODE
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        assert policy_of(lab) == (REJOINS if registered else CLOSED)
        assert lab.coprocessor.settings.policies[WELL_KNOWN_POLICY] == 0
        await home_of(driver).remove(NEWCOMER, 5)
        assert policy_of(lab) == CLOSED
        assert int(NEWCOMER, 16) not in keys_in(lab)
        assert await home_of(driver).membership(NEWCOMER) is Membership.ABSENT


async def test_no_rejoins_on_a_network_whose_common_key_everybody_knows(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    vault_in(tmp_path).put(established())
    lab = await laboratory(0)
    assert lab.memory.network is not None
    lab.memory.network = type(lab.memory.network)(
        **{name: getattr(lab.memory.network, name) for name in lab.memory.network.__slots__}
        | {"link_key": b"ZigBeeAlliance09"}
    )
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        assert policy_of(lab) == CLOSED


async def test_what_an_interruption_left_open_is_finished_by_the_next_start(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(2)
    half_in, registered = (Eui64(lab.assignment(number).address) for number in (0, 1))
    vault = vault_in(tmp_path)
    vault.put(established(registered))
    for device in (half_in, registered):
        vault.begin(device)
    lab.coprocessor.keys.transient[int(NEWCOMER, 16)] = bytes(16)
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        await old_business_finished(driver)
        assert keys_in(lab) == {int(registered, 16): KEPT.reveal()}
        assert lab.coprocessor.keys.transient == {}
        assert await home_of(driver).membership(half_in) is Membership.ABSENT
        assert await home_of(driver).membership(registered) is Membership.REGISTERED


@VERSIONS
async def test_link_keys_survive_a_co_processor_that_is_replaced(
    laboratory: Make, keep_up: Make, tmp_path: Path, version: int
) -> None:
    """The backup holds no key that the vault holds; the vault's go into the new radio, with counters beyond."""
    lab = await laboratory(2, version=version)
    lab.memory.link_keys[0].incoming, lab.memory.aps_counter = 300, 500
    lab.memory.aps_counter = 500
    before, network = keys_in(lab), lab.memory.network
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        assert driver._app is not None
        backup = await driver._app.backups.create_backup(load_devices=True)
        assert backup.network_info.key_table == []
    everything = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert not [key for key in before.values() if key in everything or key.hex().encode() in everything]

    blank: Memory = lab.memory
    blank.network, blank.aps_counter = None, 0
    blank.link_keys.clear()
    async with keep_up(lab.homely(tmp_path, form=True, start_timeout_s=30)) as driver:
        async with asyncio.timeout(40):
            await driver._connection()
        assert keys_in(lab) == before
        assert blank.network is not None
        assert network is not None
        assert (blank.network.network_key, blank.network.pan_id) == (network.network_key, network.pan_id)
        assert blank.aps_counter > 500


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"certificates": []}, "all three"),
        ({"vault_key": None}, "all three"),
        ({"database": None}, "all three"),
        ({"vault_key": Secret(env="METERGATE_NO_SUCH_SECRET")}, "not set"),
    ],
)
async def test_half_a_home_is_refused_in_words(
    laboratory: Make, tmp_path: Path, missing: dict[str, Any], words: str
) -> None:
    lab = await laboratory(0)
    with pytest.raises(BadConfig, match=words):
        lab.homely(tmp_path, **missing)


async def test_without_certificates_there_is_no_home(laboratory: Make, tmp_path: Path) -> None:
    lab = await laboratory(0)
    assert lab.driver().home is None
    assert lab.homely(tmp_path).home is not None


async def test_a_certificate_that_cannot_be_used_is_named(laboratory: Make, tmp_path: Path) -> None:
    lab = await laboratory(0)
    lab.homely(tmp_path)
    (tmp_path / "bad.txt").write_text("nothing", encoding="ascii")
    with pytest.raises(BadConfig, match=r"bad\.txt"):
        lab.homely(tmp_path, certificates=[tmp_path / "bad.txt"])
    with pytest.raises(BadConfig, match="two files for one"):
        lab.homely(tmp_path, certificates=[tmp_path / "suite-1.txt"] * 2)


@pytest.mark.parametrize("window_s", [0, -1, 255])
async def test_a_window_of_another_length_is_refused(laboratory: Make, tmp_path: Path, window_s: int) -> None:
    lab = await laboratory(0)
    with pytest.raises(HanFault) as caught:
        await home_of(lab.homely(tmp_path)).join(NEWCOMER, CODE, window_s, Timeline())
    assert caught.value.cause is Cause.BAD_COMMAND


@VERSIONS
async def test_a_window_is_open_for_one_device_and_closes_when_the_join_is_cancelled(
    laboratory: Make, keep_up: Make, tmp_path: Path, version: int
) -> None:
    lab = await laboratory(1, version=version)
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        told = Timeline()
        joining = asyncio.create_task(home_of(driver).join(NEWCOMER, CODE, 60, told))
        await told.until(Stage.WINDOW_OPEN)
        assert policy_of(lab) == BY_INSTALL_CODE
        assert lab.coprocessor.keys.transient == {int(NEWCOMER, 16): CODE.link_key().reveal()}
        assert await home_of(driver).membership(NEWCOMER) is Membership.JOINED
        joining.cancel()
        await wait_until(lambda: home_of(driver)._cleaning is not None)
        joining.cancel()  # Whoever insists does not keep the network open.
        with pytest.raises(asyncio.CancelledError):
            await joining
        await old_business_finished(driver)
        assert policy_of(lab) == CLOSED
        assert lab.coprocessor.keys.transient == {}
        assert await home_of(driver).membership(NEWCOMER) is Membership.ABSENT


async def test_a_window_in_which_nothing_happens_expires_and_leaves_nothing(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    before = keys_in(lab)
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        with pytest.raises(HanFault) as caught:
            await home_of(driver).join(NEWCOMER, CODE, 1, Timeline())
        assert caught.value.cause is Cause.WINDOW_EXPIRED
        assert policy_of(lab) == CLOSED
        assert (lab.coprocessor.keys.transient, keys_in(lab)) == ({}, before)


@pytest.mark.parametrize("fault", ["drop", "reset"])
async def test_a_radio_that_is_lost_in_the_window_fails_the_join_and_comes_back_closed(
    laboratory: Make, keep_up: Make, tmp_path: Path, fault: str
) -> None:
    lab = await laboratory(1)
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        told = Timeline()
        joining = asyncio.create_task(home_of(driver).join(NEWCOMER, CODE, 60, told))
        await told.until(Stage.WINDOW_OPEN)
        app = driver._app
        getattr(lab.server, fault)()
        with pytest.raises(HanFault) as caught:
            await joining
        assert caught.value.cause is Cause.LINK_LOST
        await wait_until(lambda: driver._app not in (None, app))
        await old_business_finished(driver)
        assert policy_of(lab) == CLOSED
        assert lab.coprocessor.keys.transient == {}


async def test_a_network_that_does_not_say_that_it_closed_is_started_anew(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(0)
    truth = lab.coprocessor._answers["getPolicy"]
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        told = Timeline()
        joining = asyncio.create_task(home_of(driver).join(NEWCOMER, CODE, 1, told))
        await told.until(Stage.WINDOW_OPEN)
        app = driver._app
        lab.coprocessor._answers["getPolicy"] = lambda fields: {**truth(fields), "decision": BY_INSTALL_CODE}
        with pytest.raises(HanFault) as caught:
            await joining
        assert caught.value.cause in (Cause.WINDOW_EXPIRED, Cause.LINK_LOST)
        lab.coprocessor._answers["getPolicy"] = truth
        await wait_until(lambda: driver._app not in (None, app))
        await old_business_finished(driver)
        assert policy_of(lab) == CLOSED
        assert lab.coprocessor.keys.transient == {}


async def test_joins_wait_for_each_other(laboratory: Make, keep_up: Make, tmp_path: Path) -> None:
    lab = await laboratory(0)
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        first, second = Timeline(), Timeline()
        one = asyncio.create_task(home_of(driver).join(NEWCOMER, CODE, 1, first))
        await first.until(Stage.WINDOW_OPEN)
        two = asyncio.create_task(home_of(driver).join(Eui64("00124B0000000998"), CODE, 1, second))
        with pytest.raises(HanFault):
            await one
        assert second.stages == []
        with pytest.raises(HanFault):
            await two
        assert second.stages == [Stage.KEY_INSTALLED, Stage.WINDOW_OPEN]


async def test_a_full_key_table_is_named_before_the_network_opens(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(12)
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        told = Timeline()
        with pytest.raises(HanFault) as caught:
            await home_of(driver).join(NEWCOMER, CODE, 60, told)
        assert (caught.value.cause, told.stages) == (Cause.KEY_TABLE_FULL, [])


async def test_a_device_that_is_not_known_is_named_so_and_removed_without_a_word(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(0)
    async with keep_up(lab.homely(tmp_path)) as driver:
        await up(driver)
        home = home_of(driver)
        for command in (home.ping, home.describe, home.rekey):
            with pytest.raises(HanFault) as caught:
                await command(NEWCOMER, 1)
            assert caught.value.cause is Cause.UNKNOWN_DEVICE
        await home.remove(NEWCOMER, 1)
