"""A file that is there whole or not at all, whatever stops whoever writes it.

It is written under a hidden name beside its place, flushed to the disk and renamed, so that whoever lists or reads sees
the file that was there before or the new one, never a part; and what was renamed survives a loss of power.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PART = ".part"
"""How the hidden name of a file that is still being written ends."""
FOLDER_MODE, FILE_MODE = 0o750, 0o640
"""What is in a report is not everybody's."""


@contextmanager
def whole_file(folder: Path, name: str, mode: int = FILE_MODE) -> Iterator[IO[bytes]]:
    """A file to write in a folder that is there; it has its name when the block ends, and vanishes if that raises.

    Until then nobody but its owner reads it. Raises OSError.
    """
    handle, hidden = tempfile.mkstemp(prefix=".", suffix=PART, dir=folder)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            os.fchmod(file.fileno(), mode)
            to_disk(file)
        os.replace(hidden, folder / name)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(hidden)
        raise
    flush_names(folder)


def to_disk(file: IO[bytes]) -> None:
    """See what was written on the disk; done beside the event loop first, the end of the block waits for little."""
    file.flush()
    os.fsync(file.fileno())


def flush_names(folder: Path) -> None:
    """See to it that what was renamed or made in a folder survives a loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
