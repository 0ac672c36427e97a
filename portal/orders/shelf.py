"""The folder of orders' files: `orders/<order>/<lease>/<name>`, so that attempts never write into each other's.

An attempt's folder counts only once the order's transaction names it. What no order names is the orphan of a dead
attempt.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from gateway.identifiers import RequestId
from portal.files.whole_file import FOLDER_MODE, whole_file

ORDERS = "orders"
PIECE = 1_048_576


def attempt_folder(root: Path, order_id: RequestId, lease: RequestId) -> Path:
    """Where an attempt at an order writes."""
    return root / ORDERS / order_id / lease


@contextmanager
def written(folder: Path, name: str) -> Iterator[IO[bytes]]:
    """A file to write; at the end it stands under its name for good, or not at all."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with whole_file(folder, name) as target:
        yield target


def digest(path: Path) -> tuple[int, str]:
    """A file's size and SHA-256."""
    sha256, size = hashlib.sha256(), 0
    with path.open("rb") as source:
        while piece := source.read(PIECE):
            sha256.update(piece)
            size += len(piece)
    return size, sha256.hexdigest()


def orders_there(root: Path) -> list[str]:
    """The orders that have left something."""
    return _names(root / ORDERS)


def attempts_there(root: Path, orders: Sequence[str]) -> list[tuple[str, str]]:
    """The attempts at some orders that have left something, each as its order and its lease."""
    return [(order, lease) for order in orders for lease in _names(root / ORDERS / order)]


def _names(folder: Path) -> list[str]:
    """What is in a folder; nothing if it is gone, for another worker may remove it at any moment."""
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def remove(root: Path, order: str, lease: str) -> None:
    """Remove what an attempt has left, and the order's folder with the last."""
    folder = root / ORDERS / order
    shutil.rmtree(folder / lease, ignore_errors=True)
    with suppress(OSError):  # others are there, or another has removed it
        folder.rmdir()
