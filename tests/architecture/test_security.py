"""The security page names tests that are there, and every requirement of the standard once."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([0-9., ]+) \| [^|]+ \| `(tests/[^`]+\.py)`: `(test_\w+)` \|$", re.MULTILINE)


def test_every_test_that_the_security_page_names_is_there() -> None:
    rows = ROW.findall(PAGE)
    assert len(rows) == PAGE.count("\n| ") - 1, "a row of another form"
    for _, path, name in rows:
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), (path, name)


def test_no_requirement_is_both_shown_and_not_shown() -> None:
    shown = {number for row in ROW.findall(PAGE) for number in row[0].split(", ")}
    rest = PAGE.partition("## What is not shown here")[2].partition(" and 16.5.3")[0]
    assert not shown & set(re.findall(r"\d+\.\d+\.\d+", rest))
