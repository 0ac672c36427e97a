"""What tests of home area networks share: their laboratory's secrets, a join's timeline, views of the radio."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.zigbee import ZigBeeDriver
from drivers.zigbee.home import ZigBeeHome
from drivers.zigbee.vault import MasterKey, Vault
from gateway.dice import SeededDice, SystemDice
from gateway.han.words import Stage
from gateway.identifiers import Eui64
from gateway.keys import InstallCode
from simulators.zigbee.cbke.credentials import Authority

Make = Callable[..., Any]

VERSIONS = pytest.mark.parametrize("version", [13, 14, 19])
AUTHORITY = Authority(SeededDice(3))
MASTER_KEY = "0123456789abcdef" * 4
FIRST_EUI64, OUR_EUI64 = 0x00124B0000000100, 0x00124B00FFFFFFFF
NEWCOMER = Eui64("00124B0000000999")
CODE = InstallCode.typed("83FED3407A939723A5C639B26916D505C3B5")
OTHER_CODE = InstallCode.checked(bytes(range(16)))
TRUST_CENTRE_POLICY, WELL_KNOWN_POLICY = 0x00, 0x09
CLOSED, REJOINS, BY_INSTALL_CODE = 0x00, 0x02, 0x11


class Timeline:
    """The stages that a join told of; a test may wait for one."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self._reached = asyncio.Condition()

    async def __call__(self, stage: Stage, detail: str) -> None:
        async with self._reached:
            self.stages.append(stage)
            self._reached.notify_all()

    async def until(self, stage: Stage) -> None:
        """Wait until the join has come so far."""
        async with asyncio.timeout(20), self._reached:
            await self._reached.wait_for(lambda: stage in self.stages)


def vault_in(folder: Path) -> Vault:
    """The vault beside a laboratory's database."""
    return Vault(folder / "network.db.vault", MasterKey.typed(MASTER_KEY), SystemDice())


def home_of(driver: ZigBeeDriver) -> ZigBeeHome:
    """The driver's home area network."""
    assert isinstance(driver._home, ZigBeeHome)
    return driver._home


def keys_in(lab: Any) -> dict[int, bytes]:
    """The co-processor's link keys by EUI-64."""
    return {each.eui64: each.key for each in lab.memory.link_keys.values()}


def policy_of(lab: Any) -> int:
    """The co-processor's trust-centre policy."""
    return int(lab.coprocessor.settings.policies[TRUST_CENTRE_POLICY])


async def up(driver: ZigBeeDriver) -> None:
    """Wait for a connection."""
    async with asyncio.timeout(20):
        await driver._connection()


async def wait_until(true: Callable[[], bool]) -> None:
    """Let the loop work until something is so."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  # the state is the co-processor's, which tells nobody
            await asyncio.sleep(0)


async def old_business_finished(driver: ZigBeeDriver) -> None:
    """Wait until nothing is joining or leaving any more."""
    vault = home_of(driver)._vault
    await wait_until(lambda: not vault.unfinished())
