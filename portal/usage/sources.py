"""Where files to load come from: paths, folders with all that lies below them, and standard input."""

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.errors import BadInput
from portal.usage.containers import PIECE, Bytes, Opener
from portal.usage.load_settings import LoadSettings

STANDARD_INPUT = Path("-")
UNFINISHED = (".part", ".tmp")
"""Endings of names that stand for a file that is still written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Bytes that can be read more than once: label names them to people, name is kept with what they bring."""

    label: str
    name: str
    opened: Opener


def file_source(path: Path) -> Source:
    """A regular file. Raises BadInput with the path in its words if it is none, or cannot be seen."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(mode):
        raise BadInput(f"{path} is not a regular file; what a program writes goes to standard input, named -")
    return Source(label=str(path), name=path.name, opened=lambda: path.open("rb"))


def is_wanted(name: str) -> bool:
    """Whether a file found in a folder is meant to be loaded, by its name: neither hidden nor unfinished."""
    return not name.startswith(".") and not name.lower().endswith(UNFINISHED)


def paths_below(path: Path, limits: LoadSettings) -> Sequence[Path]:
    """A path itself, or the files below a folder, sorted, without hidden and unfinished ones. Raises BadInput."""
    if not path.is_dir():
        return [path]
    found: list[Path] = []

    def unreadable(error: OSError) -> None:
        raise BadInput(f"{error.filename} cannot be read: {error.strerror}") from None

    for folder, below, names in os.walk(path, onerror=unreadable):
        below[:] = [name for name in below if not name.startswith(".")]
        found += [Path(folder, name) for name in names if is_wanted(name)]
        if len(found) > limits.most_files:
            raise BadInput(f"{path} holds more than {limits.most_files:,} files (portal.load.most_files)")
    return sorted(found)


@contextmanager
def spooled(stream: BinaryIO, limits: LoadSettings) -> Iterator[Source]:
    """A stream as a source: copied to a temporary file without a name, which goes with the process. Raises BadInput."""
    with tempfile.TemporaryFile() as file:
        size = 0
        while piece := stream.read(PIECE):
            size += len(piece)
            if size > limits.most_spooled_bytes:
                most = f"{limits.most_spooled_bytes:,} bytes (portal.load.most_spooled_bytes)"
                raise BadInput(f"standard input is longer than {most}; load it as a file. Nothing of it was stored.")
            try:
                file.write(piece)
            except OSError as error:
                raise BadInput(
                    f"standard input cannot be kept in {tempfile.gettempdir()}: {error.strerror}. "
                    "Nothing of it was stored."
                ) from None

        @contextmanager
        def opened() -> Iterator[Bytes]:
            file.seek(0)
            yield file

        yield Source(label="standard input", name="standard input", opened=opened)
