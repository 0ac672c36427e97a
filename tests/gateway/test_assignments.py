"""Assignments: every wrong line is named, and so is a file that is no text."""

from pathlib import Path

import pytest

from gateway.assignments import parse, read
from gateway.errors import BadConfig
from tests.gateway.fakes import METER


def test_a_meter_is_reached_by_its_driver_at_its_address(tmp_path: Path) -> None:
    path = tmp_path / "meters.csv"
    path.write_text(f"meter,driver,address\n{METER},zigbee,000D6F0007000003\n", encoding="utf-8")
    assert read(path, {"zigbee"})[METER].address == "000D6F0007000003"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "first line"),
        (["meter,driver\n"], "first line"),
        (["meter,driver,address\n", "900000116,zigbee\n"], "line 2: 2 fields"),
        (["meter,driver,address\n", "no number!,zigbee,1\n"], "line 2: .*meter number"),
        (["meter,driver,address\n", f"{METER},zigbee,1\n", f"{METER},zigbee,2\n"], "line 3: .*assigned twice"),
    ],
)
def test_a_wrong_line_is_named(lines: list[str], words: str) -> None:
    with pytest.raises(BadConfig, match=words):
        parse(lines, "meters.csv")


@pytest.mark.parametrize("content", [b"\xff\xfe", b'meter,driver,address\n"' + b"a" * 200_000, None])
def test_a_file_that_cannot_be_read_is_refused_in_words(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "meters.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadConfig, match="assignments"):
        read(path, {"zigbee"})
