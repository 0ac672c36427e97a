"""A watched folder: what is put into it is taken, oldest first, and moved to `done` or `refused`.

A file is complete when it has not changed for the settle time: neither since it was first seen nor, by its own time of
change, before. One that is renamed in is usually so at once. Hidden names and those that end with .part or .tmp are
left alone, and so are folders, links and devices. A kill at any moment leaves a file where it is, or in its place: it
is taken again, and what it brought is known by its digest.
"""

import asyncio
import fcntl
import heapq
import logging
import os
import stat
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sqlalchemy.exc import DBAPIError

from gateway.clock import Clock
from gateway.errors import BadInput, LinkLost
from portal.usage.load_settings import LoadSettings
from portal.usage.sources import is_wanted

log = logging.getLogger(__name__)

DONE, REFUSED, WHY = "done", "refused", ".why"
MOST_NAMESAKES = 10_000
"""Files of one name that a folder may keep."""


@dataclass(slots=True)
class Taken:
    """What became of the files of one source: a sentence for each."""

    loaded: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


Take = Callable[[Path], Awaitable[Taken]]
"""Takes a complete file in. A database's fault is raised: the file is then tried again."""


@dataclass(frozen=True, slots=True, order=True)
class Stamp:
    """A file as it was seen; order is the oldest first. Another stamp under the same name is another file."""

    changed_ns: int
    name: str
    size: int
    inode: int


class DropFolder:
    """One watched folder. `opened` makes one, `run` watches until it is stopped."""

    def __init__(self, folder: Path, settings: LoadSettings, clock: Clock, take: Take) -> None:
        self._folder, self._settings, self._clock, self._take = folder, settings, clock, take
        self._seen: dict[str, tuple[Stamp, float]] = {}
        self._stuck: dict[str, Stamp] = {}  # taken, but they could not be moved away
        self._failures = 0

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, settings: LoadSettings, clock: Clock, take: Take) -> Iterator[Self]:
        """Watch a folder that nobody else watches; makes its two folders. Raises BadInput."""
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise BadInput(f"{folder} cannot be watched: {error.strerror}") from None
        try:
            _claim(handle, folder)
            yield cls(folder, settings, clock, take)
        finally:
            os.close(handle)

    async def run(self, stop: asyncio.Event) -> None:
        """Take what comes until told to stop, which is heard between two files. Raises LinkLost."""
        while not stop.is_set():
            pause_s = self._settings.poll_s
            try:
                for stamp in self.complete():
                    await self._settle(stamp)
                    self._failures = 0
                    await asyncio.sleep(0)  # so that a signal is heard
                    if stop.is_set():
                        return
            except (DBAPIError, OSError) as error:
                pause_s = self._pause(error)
            await self._wait(stop, pause_s)

    def complete(self) -> list[Stamp]:
        """The files that are complete now, oldest first; all others are noted. Raises OSError."""
        now_s, now_ns = self._clock.monotonic(), int(self._clock.now().timestamp() * 1e9)
        stamps = heapq.nsmallest(self._settings.most_files, self._stamps())
        self._stuck = {stamp.name: stamp for stamp in stamps if self._stuck.get(stamp.name) == stamp}
        seen, ready = {}, []
        for stamp in stamps:
            before, since_s = self._seen.get(stamp.name, (None, now_s))
            since_s = since_s if before == stamp else now_s
            seen[stamp.name] = (stamp, since_s)
            quiet_s = max(now_s - since_s, (now_ns - stamp.changed_ns) / 1e9)
            if quiet_s >= self._settings.settle_s and stamp.name not in self._stuck:
                ready.append(stamp)
        self._seen = seen
        return ready

    def _stamps(self) -> Iterator[Stamp]:
        with os.scandir(self._folder) as entries:
            for name in (entry.name for entry in entries if is_wanted(entry.name)):
                stamp = _stamp(self._folder / name)
                if stamp:
                    yield stamp

    async def _settle(self, stamp: Stamp) -> None:
        """Take a file and move it to where it belongs, unless it was changed meanwhile."""
        path = self._folder / stamp.name
        if _stamp(path) != stamp:
            return
        taken = await self._take(path)
        if _stamp(path) != stamp:
            return
        try:
            if taken.refused:
                place = _free(self._folder / REFUSED / stamp.name)
                why = "".join(f"{line}\n" for line in (*taken.refused, *taken.loaded))
                place.with_name(place.name + WHY).write_text(why, encoding="utf-8")
            else:
                place = _free(self._folder / DONE / stamp.name)
            path.rename(place)
        except OSError as error:
            self._stuck[stamp.name] = stamp
            log.warning("%s was taken, but cannot be moved away: %s", path, error.strerror)

    def _pause(self, error: Exception) -> float:
        """Seconds to wait after a failure. Raises LinkLost after too many in a row."""
        self._failures += 1
        if self._failures >= self._settings.most_failures:
            raise LinkLost(f"the drop folder or the database failed {self._failures} times in a row: {error}") from None
        pause_s = float(min(self._settings.poll_s * 2 ** (self._failures - 1), self._settings.longest_pause_s))
        log.warning("the drop folder or the database failed, again in %.0f s: %s", pause_s, error)
        return pause_s

    async def _wait(self, stop: asyncio.Event, seconds: float) -> None:
        """Until it is time to look again, or to stop."""
        waits = {asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._clock.sleep(seconds))}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _claim(handle: int, folder: Path) -> None:
    """Keep others from watching a folder, as long as it is open, and make its two folders. Raises BadInput."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BadInput(f"{folder} is watched already") from None
    try:
        for name in (DONE, REFUSED):
            (folder / name).mkdir(exist_ok=True)
    except OSError as error:
        raise BadInput(f"{error.filename} cannot be made: {error.strerror}") from None


def _stamp(path: Path) -> Stamp | None:
    """A regular file as it is now; None for whatever else, and for what is gone."""
    try:
        status = path.lstat()
    except OSError:
        return None
    regular = stat.S_ISREG(status.st_mode)
    return Stamp(status.st_mtime_ns, path.name, status.st_size, status.st_ino) if regular else None


def _free(path: Path) -> Path:
    """A path at which nothing is yet: itself, or with a number before its ending. Raises OSError."""
    if not path.exists():
        return path
    for number in range(2, MOST_NAMESAKES):
        other = path.with_name(f"{path.stem}.{number}{path.suffix}")
        if not other.exists():
            return other
    raise FileExistsError(0, f"{path} has {MOST_NAMESAKES:,} namesakes")
