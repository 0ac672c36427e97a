"""`metergate load` as a process: what it says, what it stores, and what it refuses."""

import gzip
import hashlib
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from itertools import chain, repeat
from pathlib import Path

import pytest

from gateway.errors import BadInput
from portal.usage.containers import Part
from portal.usage.esi_ids import KnownMeters
from portal.usage.load import Reading
from portal.usage.load_progress import PlainProgress
from portal.usage.pieces import read_from
from portal.usage.register_files import DAILY, MONTHLY
from tests.clock import HandClock
from tests.portal.usage.files import METER, OTHER, file_of, ordinary_day, row
from tests.portal.usage.lse_files import block, lse_of
from tests.portal.usage.test_containers import zipped

NOON = datetime(2026, 11, 23, 18, tzinfo=UTC)


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


def load(place: Path, *names: str, given: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, with something on its standard input."""
    command: list[str | Path] = [
        Path(sys.executable).with_name("metergate"),
        "load",
        *names,
        "--config",
        "configuration.toml",
    ]
    done = subprocess.run(command, cwd=place, input=given, capture_output=True, timeout=60, check=False, env=os.environ)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_a_file_is_loaded_once_and_a_later_one_revises_it(place: Path) -> None:
    (place / "one.csv").write_bytes(file_of(ordinary_day() + ordinary_day(meter=OTHER)))
    (place / "two.csv").write_bytes(file_of([*ordinary_day(), *ordinary_day(meter=OTHER)[:-1], row(95, meter=OTHER)]))
    first = load(place, "one.csv", "two.csv")
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    assert "one.csv: 2 new, 0 revised, 0 identical meter-days" in first.stdout
    assert "two.csv: 0 new, 1 revised, 1 identical meter-days" in first.stdout
    assert re.search(
        r"^2 files in \d+\.\d s: 2 loaded; 2 new, 1 revised, 1 identical in total$", first.stdout, re.MULTILINE
    )
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


def test_a_refused_file_does_not_keep_the_others_from_being_loaded(place: Path) -> None:
    (place / "one.csv").write_bytes(b"nonsense")
    (place / "two.csv").write_bytes(file_of(ordinary_day()))
    done = load(place, "one.csv", "absent.csv", "two.csv")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("metergate: one.csv: line 1: the first line is not the header")
    assert done.stderr.splitlines()[1] == "metergate: absent.csv cannot be read: No such file or directory"
    assert "two.csv: 1 new, 0 revised, 0 identical meter-days" in done.stdout
    assert "1 loaded, 2 refused; 1 new, 0 revised, 0 identical in total" in done.stdout


def test_what_a_file_is_its_bytes_tell_and_packed_or_not_it_is_the_same_file(place: Path) -> None:
    (place / "one.csv").write_bytes(lse_of(block()))
    (place / "two.dat").write_bytes(gzip.compress(lse_of(block())))
    (place / "three.lse").write_bytes(zipped(("a.txt", lse_of(block())), ("b.txt", file_of(ordinary_day(meter=OTHER)))))
    done = load(place, "one.csv", "two.dat", "three.lse")
    assert done.stderr == ""
    assert re.sub(r" in \d+\.\d s", "", done.stdout).splitlines() == [
        "one.csv: 1 new, 0 revised, 0 identical meter-days, version 1",
        "two.dat: loaded before as version 1; nothing changed",
        "three.lse/a.txt: loaded before as version 1; nothing changed",
        "three.lse/b.txt: 1 new, 0 revised, 0 identical meter-days, version 2",
        "4 files: 2 loaded, 2 loaded before; 2 new, 0 revised, 0 identical in total",
    ]


def test_the_same_day_as_lse_and_as_csv_is_identical(place: Path) -> None:
    (place / "one.lse").write_bytes(lse_of(block()))
    (place / "two.csv").write_bytes(file_of(ordinary_day()))
    assert "two.csv: 0 new, 0 revised, 1 identical meter-days" in load(place, "one.lse", "two.csv").stdout


def test_a_folder_is_loaded_in_order_with_what_lies_below_it(place: Path) -> None:
    for name in ("in/b.csv", "in/a/c.csv", "in/.hidden", "in/d.csv.part", "in/.git/e.csv"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(file_of(ordinary_day(meter=OTHER if "c.csv" in name else METER)))
    done = load(place, "in")
    assert [line.partition(":")[0] for line in done.stdout.splitlines()[:-1]] == ["in/a/c.csv", "in/b.csv"]
    limited = load(place, "in", "--set", "portal.load.most_files=1")
    assert (limited.returncode, limited.stderr) == (
        1,
        "metergate: in holds more than 1 files (portal.load.most_files)\n",
    )


def test_standard_input_is_loaded_and_limited(place: Path) -> None:
    data = file_of(ordinary_day())
    assert "standard input: 1 new" in load(place, "-", given=gzip.compress(data)).stdout
    assert "standard input: loaded before as version 1" in load(place, "-", given=data).stdout
    limited = load(place, "-", "--set", "portal.load.most_spooled_bytes=99", given=data)
    assert limited.returncode == 1
    assert (
        "standard input is longer than 99 bytes (portal.load.most_spooled_bytes); load it as a file" in limited.stderr
    )


def test_a_pipe_is_refused_with_what_to_do_instead(place: Path) -> None:
    os.mkfifo(place / "pipe")
    assert "pipe is not a regular file; what a program writes goes to standard input" in load(place, "pipe").stderr


def test_files_and_a_folder_to_watch_exclude_each_other(place: Path) -> None:
    assert load(place).stderr == "metergate: name files to load, or a folder to --watch\n"
    assert load(place, "x.csv", "--watch", ".").returncode == 1


def test_a_file_that_changes_while_it_is_read_is_refused() -> None:
    contents = chain([file_of(ordinary_day())], repeat(file_of(ordinary_day()[:-1])))
    part = Part(label="x.csv", name="x.csv", size=1, opened=lambda told: nullcontext(read_from(iter([next(contents)]))))
    reading = Reading(part, KnownMeters([METER]), HandClock(NOON), lambda count: None)
    reading.sha256()
    with pytest.raises(BadInput, match="changed while it was read"):
        list(reading.batches())


def test_a_digest_is_of_the_bytes_that_were_parsed() -> None:
    data = file_of(ordinary_day())
    part = Part(
        label="x.csv",
        name="x.csv",
        size=1,
        opened=lambda told: nullcontext(read_from(iter([data[:99], data[99:]]))),
    )
    reading = Reading(part, KnownMeters([METER]), HandClock(NOON), lambda count: None)
    assert sum(map(len, reading.batches())) == 1
    assert reading.digest() == hashlib.sha256(data).hexdigest() == reading.sha256()


def test_the_same_bytes_under_another_name_are_known(place: Path) -> None:
    for name in ("one.csv", "two.csv"):
        (place / name).write_bytes(file_of(ordinary_day()))
    assert load(place, "one.csv", "two.csv", "one.csv").stdout.splitlines()[1:3] == [
        "two.csv: loaded before as version 1; nothing changed",
        "one.csv: loaded before as version 1; nothing changed",
    ]


def test_progress_is_a_line_now_and_then_with_rate_and_time_left() -> None:
    clock, said = HandClock(NOON), list[str]()
    shown = PlainProgress("one.csv", 40_000_000, clock, said.append)
    for _ in range(4):
        clock.set(clock.now() + timedelta(seconds=5))
        shown.told(10_000_000)
    assert said == [
        "one.csv: 50% of 40.0 MB, 2.0 MB/s, 10 s left",
        "one.csv: 100% of 40.0 MB, 2.0 MB/s, 0 s left",
    ]


def test_a_real_process_watches_a_folder_until_it_is_told_to_stop(place: Path) -> None:
    (place / "in").mkdir()
    (place / "in" / "bad.csv").write_bytes(b"nonsense")
    (place / "in" / "one.csv").write_bytes(file_of(ordinary_day()))
    program = str(Path(sys.executable).with_name("metergate"))
    command = [program, "load", "--watch", "in", "--config", "configuration.toml"]
    quick = ["--set", "portal.load.settle_s=0", "--set", "portal.load.poll_s=0.1"]
    with subprocess.Popen([*command, *quick], cwd=place, stdout=-1, stderr=subprocess.DEVNULL, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready watching=in\n"
        assert "in/one.csv: 1 new, 0 revised, 0 identical meter-days" in run.stdout.readline()
        second = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=60, check=False)
        assert second.stderr == "metergate: in is watched already\n"
        (place / "late.csv").write_bytes(file_of(ordinary_day(day=date(2026, 5, 7))))
        (place / "late.csv").rename(place / "in" / "late.csv")
        assert "in/late.csv: 1 new" in run.stdout.readline()
        run.terminate()
        assert run.wait(30) == 0
    assert sorted(path.name for path in (place / "in").rglob("*.*")) == [
        "bad.csv",
        "bad.csv.why",
        "late.csv",
        "one.csv",
    ]
    assert (place / "in/refused/bad.csv.why").read_text().startswith("in/bad.csv: line 1: the first line is not")


def test_register_reads_by_day_and_by_month_are_loaded_too(place: Path) -> None:
    day = f"{METER},05/06/2026,,1200.5,1230.75,30.25"
    (place / "days.csv").write_text(f"{','.join(DAILY)}\n{day}\n")
    (place / "months.csv").write_text(f"{','.join(MONTHLY)}\n{METER},04/07/2026,05/06/2026,,905.125,4.2,,4.25,5\n")
    (place / "bad.csv").write_text(f"{','.join(DAILY)}\n{day}x\n")
    done = load(place, "days.csv", "months.csv", "bad.csv")
    assert "days.csv: 1 new, 0 revised, 0 identical daily reads" in done.stdout
    assert "months.csv: 1 new, 0 revised, 0 identical billing periods" in done.stdout
    assert "bad.csv: line 2, USAGE_KWH: '30.25x' is not a number such as 0.859" in done.stderr
