"""The folder of orders' files: `orders/<order>/<lease>/<name>`, so that attempts never write into each other's.

A file is written under a name of its own, flushed to the disk and renamed; its attempt's folder counts only once the
order's transaction names it. What no order names is the orphan of a dead attempt.
"""

import hashlib
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gateway.identifiers import RequestId

ORDERS = "orders"
PART = ".part"
PIECE = 1_048_576


def attempt_folder(root: Path, order_id: RequestId, lease: RequestId) -> Path:
    """Where an attempt at an order writes."""
    return root / ORDERS / order_id / lease


@contextmanager
def written(folder: Path, name: str) -> Iterator[IO[bytes]]:
    """A file to write; at the end it stands under its name for good, or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / (name + PART)
    try:
        with part.open("w+b") as target:
            yield target
            target.flush()
            os.fsync(target.fileno())
        part.replace(folder / name)
        _flush_names(folder)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _flush_names(folder: Path) -> None:
    """Make the names in a folder as durable as what they name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
    folder = root / ORDERS
    return sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []


def remove_others(root: Path, order: str, kept: Collection[str]) -> None:
    """Remove what all attempts at an order have written but those that are kept."""
    folder = root / ORDERS / order
    if folder.is_dir():
        for each in list(folder.iterdir()):
            if each.name not in kept:
                shutil.rmtree(each, ignore_errors=True)
        if not any(folder.iterdir()):
            folder.rmdir()
