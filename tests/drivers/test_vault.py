"""The vault: keys come back as they went in, no row passes for another, and counters only rise."""

import sqlite3
from pathlib import Path

import pytest

from drivers.zigbee.vault import KeptKey, Kind, MasterKey, Vault
from gateway.dice import SystemDice
from gateway.errors import BadConfig
from gateway.identifiers import Eui64
from gateway.keys import LinkKey

ONE, TWO = Eui64("00124B0000000001"), Eui64("00124B0000000002")
MASTER = "c0ffee" * 10 + "abcd"


def opened(path: Path, master: str = MASTER) -> Vault:
    return Vault(path, MasterKey.typed(master), SystemDice())


def kept(device: Eui64 = ONE, filling: int = 1, kind: Kind = Kind.ESTABLISHED, suite: int | None = 2) -> KeptKey:
    return KeptKey(device=device, kind=kind, suite=suite, key=LinkKey(bytes([filling]) * 16))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "radio" / "network.db.vault"


def test_a_key_survives_a_restart(path: Path) -> None:
    opened(path).put(kept())
    vault = opened(path)
    assert vault.get(ONE) == kept()
    assert vault.get(TWO) is None
    assert vault.all() == [kept()]


def test_the_file_is_its_owner_s_alone_and_holds_no_key(path: Path) -> None:
    vault = opened(path)
    vault.put(kept(filling=0xA5))
    assert path.stat().st_mode & 0o077 == 0
    everything = b"".join(each.read_bytes() for each in path.parent.iterdir())
    assert bytes([0xA5]) * 16 not in everything
    assert bytes.fromhex(MASTER) not in everything


def test_a_later_key_takes_the_place_of_the_earlier_one(path: Path) -> None:
    vault = opened(path)
    vault.put(kept(filling=1))
    vault.put(kept(filling=2))
    assert vault.all() == [kept(filling=2)]
    vault.forget(ONE)
    assert vault.all() == []


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE keys SET sealed = (SELECT other.sealed FROM keys AS other WHERE other.device <> keys.device)",
        "UPDATE keys SET kind = 'established'",
        "UPDATE keys SET suite = 1",
        "UPDATE keys SET sealed = zeroblob(44)",
        "UPDATE keys SET sealed = x'00'",
    ],
    ids=["swapped", "promoted", "another suite", "zeroed", "cut"],
)
def test_a_row_that_was_changed_is_refused(path: Path, tampering: str) -> None:
    vault = opened(path)
    vault.put(kept(ONE, 1, Kind.FOUND, None))
    vault.put(kept(TWO, 2, Kind.FOUND, None))
    with sqlite3.connect(path) as connection:
        connection.execute(tampering)
    connection.close()
    with pytest.raises(BadConfig, match="does not belong to its row"):
        vault.get(ONE)
    with pytest.raises(BadConfig, match="does not belong to its row"):
        opened(path)


def test_another_master_key_opens_nothing(path: Path) -> None:
    opened(path).put(kept())
    with pytest.raises(BadConfig, match="sealed with another key"):
        opened(path, "ab" * 32)


@pytest.mark.parametrize("text", ["", "ab" * 31, "ab" * 33, "xy" * 32, "é" * 64])
def test_a_master_key_of_another_form_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(BadConfig, match="64 hexadecimal digits") as caught:
        MasterKey.typed(text)
    assert not text or text not in str(caught.value)


def test_a_file_that_is_no_vault_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to look like one" * 100)
    with pytest.raises(BadConfig, match="cannot be used"):
        opened(path)


def test_counters_only_rise_and_outlive_their_keys(path: Path) -> None:
    vault = opened(path)
    vault.put(kept())
    vault.count(100, {ONE: 50, TWO: 60})
    vault.count(90, {ONE: 40})
    found = vault.get(ONE)
    assert found is not None
    assert (vault.tx_counter, found.rx_counter) == (100, 50)
    vault.forget(ONE)
    assert opened(path).tx_counter == 100


def test_a_new_key_starts_the_device_s_counter_anew(path: Path) -> None:
    vault = opened(path)
    vault.put(kept())
    vault.count(100, {ONE: 50})
    vault.put(kept(filling=2))
    found = vault.get(ONE)
    assert found is not None
    assert (vault.tx_counter, found.rx_counter) == (100, 0)


def test_what_was_begun_is_remembered_until_it_is_finished(path: Path) -> None:
    vault = opened(path)
    vault.begin(TWO)
    vault.begin(ONE)
    vault.begin(ONE)
    vault.finish(TWO)
    assert opened(path).unfinished() == [ONE]


def test_a_key_is_in_no_repr() -> None:
    assert "01" * 16 not in repr(kept())
    assert "x01" not in repr(kept())
    assert MASTER not in repr(MasterKey.typed(MASTER))
