"""One company's folder as its staff see it: a tree of its own to list and read, with no way out and nothing to write.

Paths here are those of the reader: absolute, `/` his company's folder. They never become a path of ours that somebody
else opens: each step is opened from the one above and follows no link, so it does not matter who puts what where.
Hidden names are ours (files that are still written) and look as if they were not there.
"""

import os
import posixpath
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.files.folders import Folder, folder_of, home_of, is_name

MOST_LISTED = 10_000
"""Names of one folder that are shown."""


class Shelf:
    """The files of one company below a root; blocking, for they are on a disk."""

    def __init__(self, root: Path, company_id: int) -> None:
        folder_of(root, company_id, Folder.ADHOC)  # so that an empty folder can be looked into
        self._home = home_of(root, company_id)

    def open(self, path: str) -> int | None:
        """A descriptor for reading a regular file, None if there is none."""
        return self._opened(path, stat.S_ISREG)

    def status(self, path: str) -> os.stat_result | None:
        """What a file or a folder is like, None if there is neither."""
        handle = self._opened(path, lambda mode: stat.S_ISREG(mode) or stat.S_ISDIR(mode))
        if handle is None:
            return None
        with _closed_after(handle):
            return os.fstat(handle)

    def names(self, path: str) -> list[str] | None:
        """What a folder shows, sorted; None if there is no such folder."""
        handle = self._opened(path, stat.S_ISDIR)
        if handle is None:
            return None
        with _closed_after(handle):
            return sorted(name for name in os.listdir(handle) if is_name(name) and _is_shown(handle, name))[
                :MOST_LISTED
            ]

    def listed(self, path: str) -> list[tuple[str, os.stat_result]] | None:
        """The same with what each of them is like; without those that are removed meanwhile."""
        names = self.names(path)
        if names is None:
            return None
        found = ((name, self.status(normal(name, path))) for name in names)
        return [(name, status) for name, status in found if status is not None]

    def _opened(self, path: str, wanted: Callable[[int], bool]) -> int | None:
        """A descriptor of what is at a path, if it is of a wanted mode."""
        parts = [part for part in normal(path).split("/") if part]
        if not all(is_name(part) for part in parts):
            return None
        try:
            handle = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            for part in parts:
                with _closed_after(handle):
                    # Not to wait for the other end if it is a pipe.
                    handle = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)
        except (OSError, ValueError):
            return None
        if wanted(os.fstat(handle).st_mode):
            return handle
        os.close(handle)
        return None


def normal(path: str, here: str = "/") -> str:
    """A reader's path made absolute; `..` at the top stays there."""
    return posixpath.normpath(posixpath.join("/", here, path)).replace("//", "/")


def _is_shown(folder: int, name: str) -> bool:
    """Whether a name of a folder is that of a file or a folder, and not of a link or a device."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


@contextmanager
def _closed_after(handle: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(handle)
