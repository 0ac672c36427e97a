"""The companies' folders on the disk: which there are, and how a file gets into one whole or not at all.

Everything of a company lies below `{root}/{company id}/{folder}/`.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import IO

from gateway.errors import BadInput
from portal.files.whole_file import FOLDER_MODE, flush_names, whole_file

MOST_NAME = 200


class Folder(StrEnum):
    """The folders that every company has, as Smart Meter Texas names them."""

    ADHOC = "adhocusage"
    ENROLLMENT = "EnrollmentReports"
    LSE = "lse"


def place(root: Path, company_id: int, folder: Folder, name: str, source: Path) -> None:
    """Put a copy of a file into a company's folder, over the one of that name. Raises BadInput, OSError."""
    with source.open("rb") as text, placing(root, company_id, folder, name) as file:
        shutil.copyfileobj(text, file, 1 << 20)


@contextmanager
def placing(root: Path, company_id: int, folder: Folder, name: str) -> Iterator[IO[bytes]]:
    """A file to write into; it takes its place when the block ends, and vanishes if that raises.

    Raises BadInput for a name that is none, OSError.
    """
    if not is_name(name):
        raise BadInput(f"{name[:60]!r} is no name for a file: one line without slashes that begins with no dot")
    there = folder_of(root, company_id, folder)
    with whole_file(there, name) as file:
        yield file


def folder_of(root: Path, company_id: int, folder: Folder) -> Path:
    """A company's folder, made with all others of that company if it is not there. Raises OSError."""
    root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    home = home_of(root, company_id)
    for each in (home, *(home / name for name in Folder)):
        if not each.is_dir():
            each.mkdir(mode=FOLDER_MODE, exist_ok=True)
            flush_names(each.parent)
    return home / folder


def home_of(root: Path, company_id: int) -> Path:
    """Where everything of a company lies."""
    return root / str(int(company_id))


def is_name(name: str) -> bool:
    """Whether a text can name a file or a folder that is shown: hidden ones are ours alone."""
    printable = name.isprintable() and not name.startswith(".") and "/" not in name and "\\" not in name
    return printable and 0 < len(name.encode("utf-8", "replace")) <= MOST_NAME


def opened_inside(root: Path, path: str) -> int | None:
    """A descriptor of the regular file at a relative path, None if there is none; links lead nowhere, at any step."""
    *above, name = PurePosixPath(path).parts or ("",)
    handles: list[int] = []
    try:
        handles.append(os.open(root, os.O_RDONLY | os.O_DIRECTORY))
        for part in above:
            handles.append(os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handles[-1]))
        # Not to wait for the other end if it is a pipe.
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handles[-1])
        if stat.S_ISREG(os.fstat(file).st_mode):
            return file
        os.close(file)
    except (OSError, ValueError):
        return None
    finally:
        for handle in handles:
            os.close(handle)
    return None


def read_inside(root: Path, path: str, most_bytes: int) -> bytes | None:
    """The content of the file at a relative path, None if there is none or it is larger than that."""
    handle = opened_inside(root, path)
    if handle is None:
        return None
    with os.fdopen(handle, "rb") as file:
        content = file.read(most_bytes + 1)
    return content if len(content) <= most_bytes else None
