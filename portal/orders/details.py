"""What an order's details say (RPT-21, RPT-23): pure sentences."""

from collections.abc import Sequence

from portal.orders.making import MadeFile
from portal.reports.forms import TITLES

AGAIN = "Submit it again with Retry; if it fails again, the help desk can tell why."
WAITS = "The order waits for its turn."
NOBODY_SEES = "None of its meters is among yours any more."
MOST = 1000
"""Characters that the table has room for."""


def size_text(size: int) -> str:
    """Bytes as people read them: 812 bytes, 1.4 MB."""
    if size < 1000:
        return f"{size} bytes"
    for unit in ("kB", "MB"):
        size_in = size / (1000 if unit == "kB" else 1_000_000)
        if size_in < 1000:
            return f"{size_in:.1f} {unit}"
    return f"{size / 1e9:.1f} GB"


def count(number: int, thing: str) -> str:
    """A number with what it counts: 1 meter, 2,976 rows."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def complete_details(files: Sequence[MadeFile], meters: int, left_out: int, not_found: int) -> str:
    """What a complete order holds, which of its reports are empty, and what was left out."""
    rows, size = sum(each.rows for each in files), sum(each.size for each in files)
    said = [f"{count(meters, 'meter')}, {count(rows, 'row')} in {count(len(files), 'file')}, {size_text(size)}."]
    empty = [TITLES[each.report] for each in files if each.found == 0]
    if len(empty) == len(files):
        said.append("No data was found that matched the options.")
    elif empty:
        said.append(f"No data was found that matched the options of {', '.join(empty)}.")
    return " ".join([*said, *missing_words(left_out, not_found)])[:MOST]


def missing_words(left_out: int, not_found: int) -> list[str]:
    """What is not in a report, by counts only: which meters these are may not be told."""
    said = []
    if left_out:
        said.append(f"Left out: {count(left_out, 'meter')} of the order no longer among yours.")
    if not_found:
        said.append(f"Not found: {count(not_found, 'value')} of the list.")
    return said


def progress_details(done: int, meters: int, reports: int) -> str:
    """How far an order is that is being made; done counts meters times reports."""
    if reports == 1:
        return f"{done:,} of {count(meters, 'meter')} done."
    return f"{done:,} of {meters * reports:,} done: {count(meters, 'meter')}, {count(reports, 'report')} each."


def closed_details(lost: int) -> str:
    """Why the files of a complete order are not served, and what opens them."""
    return f"Its files are closed, for they hold {count(lost, 'meter')} no longer among yours; Retry makes it without."


def again_details(attempt: int, attempts: int) -> str:
    """What an attempt that failed leaves behind."""
    return f"Attempt {attempt} of {attempts} did not succeed; it is made again."


def unsuccessful_details(cause: str) -> str:
    """Why an order came to nothing, and what to do."""
    return f"{cause} {AGAIN}"[:MOST]
