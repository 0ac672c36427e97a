"""`metergate load` as a process: what it says, what it stores, and what it refuses."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.portal.usage.files import METER, OTHER, file_of, ordinary_day, row


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a configuration and a portal's database that knows two meters."""
    with sqlite3.connect(tmp_path / "market.db") as market:
        market.execute("create table premises (esi_id text primary key)")
        market.executemany("insert into premises values (?)", [(str(METER),), (str(OTHER),)])
    market.close()
    lines = [
        f'portal.database = "sqlite:///{tmp_path}/market.db"',
        f'portal.intervals = "sqlite:///{tmp_path}/usage.db"',
    ]
    (tmp_path / "configuration.toml").write_text("\n".join(lines))
    return tmp_path


def load(place: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    command: list[str | Path] = [
        Path(sys.executable).with_name("metergate"),
        "load",
        *names,
        "--config",
        "configuration.toml",
    ]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=60, check=False, env=os.environ)


def test_a_file_is_loaded_once_and_a_later_one_revises_it(place: Path) -> None:
    (place / "one.csv").write_bytes(file_of(ordinary_day() + ordinary_day(meter=OTHER)))
    (place / "two.csv").write_bytes(file_of([*ordinary_day(), *ordinary_day(meter=OTHER)[:-1], row(95, meter=OTHER)]))
    first = load(place, "one.csv", "two.csv")
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    assert "one.csv: 2 new, 0 revised, 0 identical meter-days" in first.stdout
    assert "two.csv: 0 new, 1 revised, 1 identical meter-days" in first.stdout
    assert load(place, "one.csv").stdout == "one.csv: loaded before as version 1; nothing changed\n"


def test_a_refusal_names_file_line_column_and_cause_and_ends_with_1(place: Path) -> None:
    (place / "one.csv").write_bytes(file_of([*ordinary_day(), row(0, "0.8x9", meter=OTHER)]))
    refused = load(place, "one.csv")
    assert refused.returncode == 1
    words = "line 98, USAGE_KWH: '0.8x9' is not an energy in kWh such as 0.859. Nothing of this file was stored."
    assert refused.stderr == f"metergate: one.csv: {words}\n"
    with sqlite3.connect(place / "usage.db") as usage:
        assert usage.execute(
            "select (select count(*) from open_blocks), (select count(*) from source_files)"
        ).fetchone() == (0, 0)
    usage.close()


def test_a_meter_that_the_portal_does_not_know_is_refused(place: Path) -> None:
    (place / "one.csv").write_bytes(file_of(ordinary_day(meter="10443720000000009")))
    assert "line 2, ESIID: no meter with the ESI ID 10443720000000009 is known here" in load(place, "one.csv").stderr


def test_a_file_that_is_not_there_is_named(place: Path) -> None:
    absent = load(place, "absent.csv")
    assert (absent.returncode, absent.stderr) == (
        1,
        "metergate: absent.csv cannot be read: No such file or directory\n",
    )
