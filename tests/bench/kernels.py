"""Kernels for meter-days, C and numpy, against the strict parser and against csv.reader, which checks nothing.

    python tests/bench/kernels.py [meter-days]

The best of three rounds, single thread, files in memory. Takes some 20 seconds with 600 meter-days of each form.
"""

import csv
import io
import random
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from portal.usage.batches import smt_batches
from portal.usage.esi_ids import KnownMeters
from portal.usage.kernel import chosen
from portal.usage.kernel.numpy_kernel import NumpyKernel
from portal.usage.pieces import Pieces, filled
from portal.usage.smt_file import HEADER, parse
from tests.bench.echo import say
from tests.portal.usage.canonical import lse_day, smt_day
from tests.portal.usage.files import METER, TODAY

ROUNDS = 3


def rate(work: Callable[[], object], intervals: int) -> float:
    """Intervals a second, in millions; the best round."""
    best = 0.0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        best = max(best, intervals / (time.perf_counter() - began) / 1e6)
    return best


def main() -> None:
    """Make both files, then let each way read them."""
    days = [date(2024, 11, 4) + timedelta(days=at) for at in range(int(sys.argv[1]) if len(sys.argv) > 1 else 600)]
    head = f"{HEADER}\n".encode()
    rows = head + b"".join(smt_day(random.Random(5), day, METER) for day in days)
    lse = b"".join(lse_day(random.Random(7), day, METER) for day in days)
    count, count_lse, known = rows.count(b"\n") - 1, lse.count(b"\n10"), KnownMeters([METER])
    reader = rate(lambda: list(csv.reader(io.StringIO(rows.decode()))), count)
    strict = rate(lambda: list(parse([rows], known, TODAY)), count)
    say(f"CSV  csv.reader {reader:5.2f}, strict parser {strict:5.2f} M intervals/s")

    def pieces() -> Pieces:
        return filled(io.BytesIO(rows).readinto)

    for kernel in (chosen(), NumpyKernel()):
        parsed = rate(lambda kernel=kernel: kernel.parse_smt(rows, len(head), final=True), count)  # type: ignore[misc]
        batches = rate(lambda kernel=kernel: list(smt_batches(pieces(), known, TODAY, kernel=kernel)), count)  # type: ignore[misc]
        lines = rate(lambda kernel=kernel: kernel.parse_lse(lse, final=True), count_lse)  # type: ignore[misc]
        say(f"{kernel.name:5} CSV {parsed:6.2f}, checked batches {batches:6.2f}, LSE {lines:6.2f} M intervals/s")
        say(f"      checked batches to the strict parser {batches / strict:.1f}, to csv.reader {batches / reader:.1f}")


if __name__ == "__main__":
    main()
