"""Files leave the companies' folders after their days, and nothing else leaves."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from portal.files.folders import Folder, placing
from portal.files.retention import remove_old

NOW = datetime(2026, 11, 25, 18, tzinfo=UTC)


def put(path: Path, age: timedelta) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(path.name)
    at = (NOW - age).timestamp()
    os.utime(path, (at, at))
    return path


def test_what_is_older_than_its_days_goes_and_the_folders_stay(tmp_path: Path) -> None:
    with placing(tmp_path, 7, Folder.LSE, "x") as file:
        file.write(b"x")
    old = put(tmp_path / "7" / "lse" / "old.lse", timedelta(days=10, seconds=1))
    young = put(tmp_path / "7" / "lse" / "young.lse", timedelta(days=10))
    left_over = put(tmp_path / "7" / "adhocusage" / ".abc.part", timedelta(days=2))
    begun = put(tmp_path / "7" / "adhocusage" / ".def.part", timedelta(hours=1))
    assert remove_old(tmp_path, 10, NOW) == 2
    assert [path.exists() for path in (old, young, left_over, begun)] == [False, True, False, True]
    assert sorted(each.name for each in (tmp_path / "7").iterdir()) == sorted(Folder)


def test_nothing_is_removed_through_a_link_nor_outside_of_companies_folders(tmp_path: Path) -> None:
    root, age = tmp_path / "files", timedelta(days=100)
    precious = put(tmp_path / "elsewhere" / "precious.lse", age)
    order = put(root / "orders" / "17.csv", age)
    loose = put(root / "loose.csv", age)
    own = put(root / "7" / "lse" / "old.lse", age)
    (root / "7" / "lse" / "link.lse").symlink_to(precious)
    (root / "7" / "linked").symlink_to(precious.parent)
    (root / "8").symlink_to(precious.parent)
    assert remove_old(root, 10, NOW) == 1
    assert [path.exists() for path in (precious, order, loose, own)] == [True, True, True, False]
    assert (root / "7" / "lse" / "link.lse").is_symlink()


def test_a_root_that_is_not_there_yet_has_nothing_old(tmp_path: Path) -> None:
    assert remove_old(tmp_path / "files", 10, NOW) == 0
