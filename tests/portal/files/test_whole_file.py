"""Files that are there whole or not at all."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from portal.files.whole_file import whole_file


def test_a_file_has_its_name_and_its_mode_when_it_is_whole(tmp_path: Path) -> None:
    with whole_file(tmp_path, "usage.csv", 0o640) as file:
        file.write(b"new")
        (hidden,) = tmp_path.iterdir()
        assert (hidden.name[0], hidden.suffix, hidden.stat().st_mode & 0o777) == (".", ".part", 0o600)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("usage.csv", b"new")]
    assert (tmp_path / "usage.csv").stat().st_mode & 0o777 == 0o640


def test_a_writer_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_bytes(b"old")
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(KeyError))
        stack.enter_context(whole_file(tmp_path, "usage.csv")).write(b"new")
        raise KeyError
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("usage.csv", b"old")]


def test_two_writers_of_one_name_do_not_meet_before_the_end(tmp_path: Path) -> None:
    with whole_file(tmp_path, "usage.csv") as first, whole_file(tmp_path, "usage.csv") as second:
        first.write(b"one")
        second.write(b"two, and longer")
    assert (tmp_path / "usage.csv").read_bytes() == b"one"
