"""What goes into a co-processor that takes over: the vault's keys over the backup's, counters beyond the last seen."""

from pathlib import Path

import pytest
import zigpy.types as t
from zigpy.state import Key, NetworkInfo

from drivers.zigbee.addresses import ieee_of
from drivers.zigbee.key_keeper import MARGIN, KeyKeeper
from drivers.zigbee.trust_centre import TrustCentre
from drivers.zigbee.vault import KeptKey, Kind, MasterKey, Vault
from gateway.dice import SystemDice
from gateway.identifiers import Eui64
from gateway.keys import LinkKey

ONE, TWO = Eui64("00124B0000000001"), Eui64("00124B0000000002")


class NoRadio:
    """What completes a network asks no radio."""

    @property
    def ezsp(self) -> None:
        raise AssertionError("no radio was to be asked")

    async def broadcast_permit(self, time_s: int) -> None:
        raise AssertionError("no radio was to be asked")


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "vault", MasterKey.typed("ab" * 32), SystemDice())


def network(*keys: Key, counter: int = 0) -> NetworkInfo:
    link = Key(key=t.KeyData(bytes(16)), tx_counter=t.uint32_t(counter))  # type: ignore[no-untyped-call]  # zigpy's own
    return NetworkInfo(key_table=list(keys), tc_link_key=link)


def of_backup(device: Eui64, filling: int) -> Key:
    return Key(key=t.KeyData(bytes([filling]) * 16), partner_ieee=ieee_of(device))


def test_the_vault_s_keys_are_added_and_win(vault: Vault) -> None:
    keeper = KeyKeeper(vault, TrustCentre(NoRadio()))
    vault.put(KeptKey(device=TWO, kind=Kind.ESTABLISHED, suite=1, key=LinkKey(b"\x22" * 16)))
    completed = keeper.completed(network(of_backup(ONE, 0x11), of_backup(TWO, 0x99)))
    assert {key.partner_ieee: key.key.serialize() for key in completed.key_table} == {
        ieee_of(ONE): b"\x11" * 16,
        ieee_of(TWO): b"\x22" * 16,
    }


@pytest.mark.parametrize(("in_backup", "in_vault", "furthest"), [(0, 700, 700), (900, 700, 900), (0, 0, 0)])
def test_counters_go_on_beyond_the_furthest_that_is_known(
    vault: Vault, in_backup: int, in_vault: int, furthest: int
) -> None:
    vault.put(KeptKey(device=ONE, kind=Kind.FOUND, suite=None, key=LinkKey(b"\x11" * 16)))
    vault.count(in_vault, {})
    completed = KeyKeeper(vault, TrustCentre(NoRadio())).completed(network(counter=in_backup))
    assert completed.tc_link_key.tx_counter == furthest + MARGIN
    assert [key.tx_counter for key in completed.key_table] == [furthest + MARGIN]


def test_a_counter_stops_at_its_last_number_rather_than_begin_anew(vault: Vault) -> None:
    vault.put(KeptKey(device=ONE, kind=Kind.FOUND, suite=None, key=LinkKey(b"\x11" * 16)))
    completed = KeyKeeper(vault, TrustCentre(NoRadio())).completed(network(counter=0xFFFFFFF0))
    assert completed.tc_link_key.tx_counter == 0xFFFFFFFF


def test_an_empty_vault_changes_nothing(vault: Vault) -> None:
    before = network(of_backup(ONE, 1), counter=5)
    assert KeyKeeper(vault, TrustCentre(NoRadio())).completed(before) is before
