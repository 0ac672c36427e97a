"""The portal's own secret: from the configuration, or in a file beside a SQLite database for its owner alone."""

from pathlib import Path

import pytest

from gateway.config import Secret
from gateway.dice import SeededDice
from gateway.errors import BadConfig
from portal.accounts.vault import SUFFIX, secret_of
from portal.settings import PortalSettings


def test_without_a_key_one_is_made_once_beside_the_database(tmp_path: Path) -> None:
    settings = PortalSettings(database=f"sqlite:///{tmp_path}/new/portal.db")
    made = secret_of(settings, SeededDice(1))
    kept = tmp_path / "new" / f"portal.db{SUFFIX}"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert secret_of(settings, SeededDice(2)) == made
    assert len(made) >= 32
    kept.write_text("short")
    with pytest.raises(BadConfig, match="restore it from your backup"):
        secret_of(settings, SeededDice(3))


def test_a_key_of_the_configuration_goes_before_and_postgresql_needs_one(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a key of one's own, long enough\n")
    given = PortalSettings(database="postgresql://db.example/metergate", secrets_key=Secret(file=tmp_path / "key"))
    assert secret_of(given, SeededDice(1)) == b"a key of one's own, long enough"
    with pytest.raises(BadConfig, match="secrets_key is needed"):
        secret_of(PortalSettings(database="postgresql://db.example/metergate"), SeededDice(1))
