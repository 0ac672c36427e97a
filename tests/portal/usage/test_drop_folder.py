"""A watched folder under a clock moved by hand: what is taken when, in which order, and where it goes."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from gateway.errors import BadInput, LinkLost
from portal.usage.drop_folder import DropFolder, Taken
from portal.usage.load_settings import LoadSettings
from tests.clock import HandClock, turns

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
SETTINGS = LoadSettings(settle_s=10, poll_s=5, most_failures=3, longest_pause_s=8)


class Watch:
    """A folder that is watched, and a loader that refuses what begins with a question mark."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self.stop = folder, HandClock(NOW), asyncio.Event()
        self.taken: list[str] = []
        self.failures: Iterator[Exception] = iter(())

    async def take(self, path: Path) -> Taken:
        """Load a file, or fail."""
        for failure in self.failures:
            raise failure
        self.taken.append(path.name)
        text = path.read_text()
        if text == "grows":
            path.write_text("grown")
        if text == "last":
            self.stop.set()
        return Taken(refused=[f"{path.name}: why not"]) if text.startswith("?") else Taken(loaded=[path.name])

    def put(self, name: str, text: str = "x", age_s: float = 60.0) -> None:
        """Put a file into the folder that changed so many seconds ago."""
        (self.folder / name).write_text(text)
        self.touch(name, age_s)

    def touch(self, name: str, age_s: float = 0.0) -> None:
        """Have a file changed so many seconds ago."""
        at = self.clock.now().timestamp() - age_s
        os.utime(self.folder / name, (at, at))

    def left(self) -> list[str]:
        """What lies in the folder, and where."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if not path.is_dir())


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """A folder."""
    return Watch(tmp_path)


@asynccontextmanager
async def running(watch: Watch, settings: LoadSettings = SETTINGS) -> AsyncIterator[asyncio.Task[None]]:
    """A folder's watch, told to stop at the end."""
    with DropFolder.opened(watch.folder, settings, watch.clock, watch.take) as folder:
        task = asyncio.create_task(folder.run(watch.stop))
        await turns()
        yield task
        watch.stop.set()
        await asyncio.wait([task])


async def test_complete_files_are_taken_oldest_first_and_moved(watch: Watch) -> None:
    watch.put("b.csv", age_s=60)
    watch.put("a.csv", age_s=30)
    watch.put("c.csv", "?", age_s=90)
    async with running(watch) as task:
        pass
    await task
    assert watch.taken == ["c.csv", "b.csv", "a.csv"]
    assert watch.left() == ["done/a.csv", "done/b.csv", "refused/c.csv", "refused/c.csv.why"]
    assert (watch.folder / "refused/c.csv.why").read_text() == "c.csv: why not\n"


async def test_a_file_that_still_grows_is_left_until_it_has_settled(watch: Watch) -> None:
    watch.put("a.csv", "1", age_s=0)
    async with running(watch):
        await watch.clock.advance(9)
        watch.put("a.csv", "12", age_s=0)
        await watch.clock.advance(9)
        assert watch.taken == []
        await watch.clock.advance(6)
        assert watch.taken == ["a.csv"]


async def test_a_file_from_the_future_is_taken_once_it_has_settled(watch: Watch) -> None:
    watch.put("a.csv", age_s=-86_400)
    async with running(watch):
        await watch.clock.advance(9)
        assert watch.taken == []
        await watch.clock.advance(2)
        assert watch.taken == ["a.csv"]


async def test_unfinished_and_hidden_names_links_and_folders_are_left_alone(watch: Watch) -> None:
    for name in ("a.part", "b.csv.TMP", ".c"):
        watch.put(name)
    (watch.folder / "d.csv").symlink_to("a.part")
    (watch.folder / "below").mkdir()
    os.mkfifo(watch.folder / "pipe")
    async with running(watch):
        await watch.clock.advance(60)
    assert watch.taken == []


async def test_a_file_that_changed_while_it_was_loaded_stays_and_is_taken_again(watch: Watch) -> None:
    watch.put("a.csv", "grows")
    async with running(watch):
        assert watch.left() == ["a.csv"]
        watch.touch("a.csv")
        await watch.clock.advance(15)
    assert watch.taken == ["a.csv", "a.csv"]
    assert (watch.folder / "done/a.csv").read_text() == "grown"


async def test_namesakes_are_all_kept(watch: Watch) -> None:
    async with running(watch):
        for text in "123":
            watch.put("a.csv", text)
            await watch.clock.advance(5)
    assert watch.left() == ["done/a.2.csv", "done/a.3.csv", "done/a.csv"]


async def test_a_signal_is_heard_between_two_files(watch: Watch) -> None:
    watch.put("a.csv", "last", age_s=60)
    watch.put("b.csv", age_s=30)
    async with running(watch) as task:
        await task
    assert watch.left() == ["b.csv", "done/a.csv"]


async def test_a_file_that_cannot_be_moved_is_not_taken_again_until_it_changes(watch: Watch) -> None:
    async with running(watch):
        (watch.folder / "done").rmdir()
        (watch.folder / "done").write_text("in the way")
        watch.put("a.csv")
        watch.put("done", age_s=0)
        await watch.clock.advance(7)
        assert watch.taken == ["a.csv"]
        (watch.folder / "done").unlink()
        (watch.folder / "done").mkdir()
        await watch.clock.advance(7)
        assert watch.left() == ["a.csv"]
        watch.touch("a.csv", age_s=30)
        await watch.clock.advance(7)
    assert watch.taken == ["a.csv", "a.csv"]
    assert watch.left() == ["done/a.csv"]


def failure() -> Exception:
    """What a database says that is busy."""
    return OperationalError("insert", {}, Exception("database is locked"))


async def test_a_failing_database_is_waited_for_with_growing_pauses_and_refuses_no_file(watch: Watch) -> None:
    watch.put("a.csv")
    watch.failures = iter([failure(), ConnectionRefusedError(111, "refused")])
    async with running(watch):
        await watch.clock.advance(12.9)
        assert watch.left() == ["a.csv"]
        await watch.clock.advance(0.1)
        assert watch.left() == ["done/a.csv"]


async def test_a_database_that_keeps_failing_ends_the_watch(watch: Watch) -> None:
    watch.put("a.csv")
    watch.failures = iter([failure()] * 3)
    async with running(watch) as task:
        await watch.clock.advance(60)
        with pytest.raises(LinkLost, match="3 times in a row"):
            await task
    assert watch.left() == ["a.csv"]


async def test_only_so_many_files_are_held_in_memory_and_all_are_taken(watch: Watch) -> None:
    for number in range(7):
        watch.put(f"{number}.csv", age_s=60 - number)
    async with running(watch, replace(SETTINGS, most_files=2)):
        await watch.clock.advance(20)
    assert watch.taken == [f"{number}.csv" for number in range(7)]


async def test_a_folder_has_one_watch_and_must_be_a_folder(watch: Watch) -> None:
    async with running(watch):
        with (
            pytest.raises(BadInput, match="watched already"),
            DropFolder.opened(watch.folder, SETTINGS, watch.clock, watch.take),
        ):
            pass
    with (
        pytest.raises(BadInput, match="cannot be watched: No such file"),
        DropFolder.opened(watch.folder / "x", SETTINGS, watch.clock, watch.take),
    ):
        pass
