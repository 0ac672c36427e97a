"""Files that have lain in a company's folder for long enough are removed; links are never followed, and stay."""

import logging
import os
import stat
from datetime import datetime, timedelta
from pathlib import Path

from portal.files.whole_file import PART

log = logging.getLogger(__name__)

LEFT_OVER = timedelta(days=1)
"""After this the hidden file of somebody who died while writing is nobody's."""


def remove_old(root: Path, kept_days: int, now: datetime) -> int:
    """Remove what is older from the companies' folders below a root; returns how many files that were. Blocking.

    Anything else that lies below the root, and every folder, is left alone.
    """
    removed = 0
    try:
        homes = [
            entry.name for entry in os.scandir(root) if entry.name.isdigit() and entry.is_dir(follow_symlinks=False)
        ]
    except FileNotFoundError:
        return 0
    for home in homes:
        for _, _, names, folder in os.fwalk(root / home, follow_symlinks=False):
            removed += sum(_remove_if_old(folder, name, kept_days, now) for name in names)
    if removed:
        log.info("%d files were removed from the companies' folders after %d days", removed, kept_days)
    return removed


def _remove_if_old(folder: int, name: str, kept_days: int, now: datetime) -> bool:
    kept = LEFT_OVER if name.startswith(".") and name.endswith(PART) else timedelta(days=kept_days)
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISREG(found.st_mode) and found.st_mtime < (now - kept).timestamp():
            os.unlink(name, dir_fd=folder)
            return True
    except OSError as error:
        log.warning("a file of a company's folder could not be removed: %s", error.strerror)
    return False
