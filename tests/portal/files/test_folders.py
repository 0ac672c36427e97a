"""Files come into the companies' folders whole or not at all, under names that the market knows."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput
from gateway.identifiers import Duns
from portal.files.folders import Folder, is_name, place, placing
from portal.files.names import Report, mailed_csv, mailed_green_button, placed

AT = datetime(2025, 12, 31, 3, 3, 50, 509_000, tzinfo=UTC)


def test_a_file_is_placed_in_its_companys_folder_and_replaces_the_one_of_its_name(tmp_path: Path) -> None:
    source, root = tmp_path / "made", tmp_path / "files"
    source.write_text("first")
    place(root, 7, Folder.ADHOC, "usage.csv", source)
    source.write_text("second")
    place(root, 7, Folder.ADHOC, "usage.csv", source)
    assert (root / "7" / "adhocusage" / "usage.csv").read_text() == "second"
    assert sorted(each.name for each in (root / "7").iterdir()) == ["EnrollmentReports", "adhocusage", "lse"]
    assert [each.name for each in (root / "7" / "adhocusage").iterdir()] == ["usage.csv"]
    assert stat.S_IMODE((root / "7" / "adhocusage" / "usage.csv").stat().st_mode) == 0o640


def test_a_file_that_fails_halfway_leaves_the_one_before_and_nothing_else(tmp_path: Path) -> None:
    with placing(tmp_path, 7, Folder.LSE, "day.lse") as file:
        file.write(b"whole")

    def half() -> None:
        with placing(tmp_path, 7, Folder.LSE, "day.lse") as file:
            file.write(b"ha")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        half()
    assert {each.name: each.read_bytes() for each in (tmp_path / "7" / "lse").iterdir()} == {"day.lse": b"whole"}


def test_a_link_of_that_name_is_replaced_and_not_followed(tmp_path: Path) -> None:
    precious, root = tmp_path / "precious", tmp_path / "files"
    precious.write_text("untouched")
    place(root, 7, Folder.LSE, "other.lse", precious)
    os.symlink(precious, root / "7" / "lse" / "day.lse")
    place(root, 7, Folder.LSE, "day.lse", root / "7" / "lse" / "other.lse")
    assert not (root / "7" / "lse" / "day.lse").is_symlink()
    assert precious.read_text() == "untouched"


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "../x", "a\\b", "a\nb", "a\0b", "x" * 201])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="is no name for a file"), placing(tmp_path, 7, Folder.LSE, name):
        raise AssertionError("the block does not run")
    assert list(tmp_path.iterdir()) == []


@given(token=st.binary(min_size=16, max_size=16))
def test_names_are_those_of_the_market(token: bytes) -> None:
    assert mailed_csv(Report.INTERVAL, AT, token) == f"IntervalMeterUsage20251230210350509{token.hex().upper()}EML.CSV"
    assert mailed_green_button(AT, token[:12]) == f"IntervalMeterUsage{token[:12].hex().upper()}20251230210350.xml"
    name = placed(Report.DAILY, AT, token, Duns("111111111"))
    assert name == f"DailyMeterUsage20251230210350509{token.hex().upper()}FTP.111111111.CSV"
    assert is_name(name)


def test_the_example_of_the_market_is_made_of_its_parts() -> None:
    """IntervalMeterUsage20251230210350509 3F4F9339E4024C89B21685CA1223B8AE EML.CSV, without its blanks."""
    token = bytes.fromhex("3F4F9339E4024C89B21685CA1223B8AE")
    made = mailed_csv(Report.INTERVAL, AT, token)
    assert made == "IntervalMeterUsage202512302103505093F4F9339E4024C89B21685CA1223B8AEEML.CSV"
