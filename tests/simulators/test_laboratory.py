"""Many co-processors in one process, each with homes of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.errors import BadInput
from simulators.laboratory import Laboratory, measured
from simulators.world import StreetPlan
from simulators.zigbee.install_code import link_key_of
from simulators.zigbee.life import Stage

from .conftest import HandClock, Host, SmartEnergyHost

Connect = Callable[..., Awaitable[Host]]


async def test_every_radio_has_a_port_a_network_and_meters_of_its_own(clock: HandClock, connect: Connect) -> None:
    async with measured(StreetPlan(meters=3, devices=2), 20, clock) as (laboratory, footprint):
        assert len(set(laboratory.ports)) == 20
        meters = [number for street in laboratory.streets for number in street.meters]
        devices = [device.eui64 for street in laboratory.streets for device in street.home_devices()]
        assert (len(set(meters)), len(set(devices))) == (60, 120)
        assert len({street.memory.network.network_key for street in laboratory.streets if street.memory.network}) == 20
        assert footprint.resident_bytes < 64 << 20
        host = await connect(laboratory.ports[7], kind=SmartEnergyHost)
        device = next(laboratory.streets[7].home_devices())
        await host.let_in(device.eui64, link_key_of(device.install_code))
        await asyncio.wait_for(laboratory.streets[7].power_on(device.eui64).reached(Stage.JOINED), 5)


def test_each_radio_remembers_in_a_file_of_its_own(tmp_path: Path) -> None:
    plan = StreetPlan(meters=1, state=tmp_path / "ncp.json")
    laboratory = Laboratory(plan, 3, HandClock())
    for street in laboratory.streets:
        street.memory.save()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ncp-0.json", "ncp-1.json", "ncp-2.json"]


@pytest.mark.parametrize("radios", [0, -1, 5000])
def test_a_laboratory_of_no_radios_or_too_many_is_refused(radios: int) -> None:
    with pytest.raises(BadInput):
        Laboratory(StreetPlan(meters=1), radios, HandClock())
