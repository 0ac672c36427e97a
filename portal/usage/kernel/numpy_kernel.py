"""The kernels in Python and numpy: what is used where nothing could be compiled."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gateway.clock import CENTRAL
from gateway.errors import BadInput
from gateway.identifiers import EsiId
from portal.usage.batch import NO_REVISION
from portal.usage.day_block import ESTIMATED, HEADER, LEAST_WH, MISSING, MOST_COUNT, MOST_WH
from portal.usage.kernel.contract import Parsed, Quarters
from portal.usage.kernel.forms import calendar, forms
from portal.usage.kernel.numpy_days import Days, joined
from portal.usage.kernel.numpy_lse import Energies, lse_days
from portal.usage.kernel.numpy_smt import smt_days
from portal.usage.kernel.numpy_smt_runs import smt_run
from portal.usage.kwh_text import MOST_WH as MOST_FILED_WH
from portal.usage.pieces import Data

FIRST_WINDOW, LAST_WINDOW = 1 << 15, 1 << 20
"""Bytes looked at in one go: few at first, so that a file of odd meter-days does not cost much for each; then more."""
NAMES = ("Consumption", "Surplus Generation")


class NumpyKernel:
    """The kernels of numpy."""

    name = "numpy"

    def __init__(self) -> None:
        self._energies = Energies()

    def pack(
        self,
        values: NDArray[np.int32],
        missing: NDArray[np.bool_] | None = None,
        estimated: NDArray[np.bool_] | None = None,
    ) -> list[bytes]:
        """See Kernel."""
        n, count = values.shape
        maps = [np.zeros((n, count), np.bool_) if flags is None else flags for flags in (missing, estimated)]
        if count > MOST_COUNT or any(flags.shape != values.shape for flags in maps):
            raise ValueError("columns of unequal or too many quarter hours")
        gone, guessed = maps
        known = ~gone.all(axis=1)
        least = np.where(known, np.where(gone, MOST_WH, values).min(axis=1, initial=MOST_WH), 0).astype("<i4")
        most = np.where(known, np.where(gone, LEAST_WH, values).max(axis=1, initial=LEAST_WH), 0)
        widths = np.frexp((most.astype(np.int64) - least).astype(np.float64))[1]
        above = np.where(gone, 0, values.astype(np.int64) - least[:, None]).astype("<u4")
        heads = np.empty((n, HEADER.size), dtype=np.uint8)
        heads[:, 0] = guessed.any(axis=1) * ESTIMATED + gone.any(axis=1) * MISSING
        heads[:, 1], heads[:, 2], heads[:, 3:] = count, widths, least[:, None].view(np.uint8)
        kinds = heads[:, 0].astype(np.int64) << 8 | widths
        blocks = [b""] * n
        for kind in np.unique(kinds):
            these = np.flatnonzero(kinds == kind)
            parts = [heads[these]]
            for bit, flags in ((MISSING, gone), (ESTIMATED, guessed)):
                if int(kind) >> 8 & bit:
                    parts.append(np.packbits(flags[these], axis=1, bitorder="little"))
            parts.append(_narrowed(above[these], int(kind) & 0xFF))
            matrix = np.concatenate(parts, axis=1)
            raw, size = matrix.tobytes(), matrix.shape[1]
            for row, at in enumerate(these.tolist()):
                blocks[at] = raw[row * size : (row + 1) * size]
        return blocks

    def unpack(self, blocks: Sequence[bytes]) -> Quarters:
        """See Kernel."""
        sizes = np.fromiter(map(len, blocks), dtype=np.int64, count=len(blocks))
        if (sizes < HEADER.size).any():
            raise BadInput(f"{sizes.min()} bytes are no block of a day")
        joined, starts = np.frombuffer(b"".join(blocks), dtype=np.uint8), np.cumsum(sizes) - sizes
        form, counts, widths = (joined[starts + at].astype(np.int64) for at in range(3))
        maps = (form & 1) + (form >> 1)
        whole = HEADER.size + maps * ((counts + 7) // 8) + (counts * widths + 7) // 8
        bad = (form > MISSING | ESTIMATED) | (counts > MOST_COUNT) | (widths > 32) | (sizes != whole)
        if bad.any():
            raise BadInput(f"{sizes[bad][0]} bytes are no block of {counts[bad][0]} quarter hours")
        ends = np.cumsum(counts)
        total = int(ends[-1]) if len(ends) else 0
        values, missing, estimated = np.zeros(total, np.int64), np.zeros(total, np.bool_), np.zeros(total, np.bool_)
        kinds = form << 16 | counts << 8 | widths
        for kind in np.unique(kinds):
            these = np.flatnonzero(kinds == kind)
            count, width, at, map_size = int(counts[these[0]]), int(kind) & 0xFF, HEADER.size, int(kind >> 8 & 0xFF) + 7
            matrix = joined[starts[these][:, None] + np.arange(int(sizes[these[0]]))]
            into = ((ends - counts)[these][:, None] + np.arange(count)).ravel()
            for bit, flags in ((MISSING, missing), (ESTIMATED, estimated)):
                if int(kind) >> 16 & bit:
                    bits = np.unpackbits(matrix[:, at : at + map_size // 8], axis=1, bitorder="little")
                    flags[into], at = bits[:, :count].ravel(), at + map_size // 8
            least = matrix[:, 3:7].copy().view("<i4").astype(np.int64)
            values[into] = (least + _widened(matrix[:, at:], count, width)).ravel()
        values[missing] = 0
        if (values > MOST_WH).any():
            raise BadInput("a quarter hour of more than 32 bits was never kept")
        flat = values.astype(np.int32)
        return Quarters(counts=counts.astype(np.uint8), values=flat, missing=missing, estimated=estimated)

    def parse_smt(self, data: Data, at: int = 0, *, final: bool = False) -> Parsed:
        """See Kernel."""
        parts: list[Days] = []
        window = FIRST_WINDOW
        while at < len(data):
            run = smt_run(data, at, final=final)
            if run is not None:
                parts.append(run)
                if run.end - at >= window:
                    window = FIRST_WINDOW
                at = run.end
            days = smt_days(data, at, min(at + window, len(data)), final=final)
            if days is None:
                break
            at = days.end
            window = min(window * 4, LAST_WINDOW) if days.more else FIRST_WINDOW
            parts.append(days)
        taken = joined(parts, at)
        return Parsed(batch=taken.batch(self.pack), end=at, lines=taken.lines)

    def parse_lse(self, data: Data, at: int = 0, *, final: bool = False) -> Parsed:
        """See Kernel."""
        days = lse_days(data, at, final=final, energies=self._energies)
        return Parsed(batch=days.batch(self.pack), end=days.end, lines=days.lines)

    def format_smt(
        self,
        esi_id: EsiId,
        days: NDArray[np.int32],
        channels: NDArray[np.uint8],
        revised: NDArray[np.int64],
        blocks: Sequence[bytes],
    ) -> bytes:
        """See Kernel."""
        found = self.unpack(blocks)
        values = found.values.tolist()
        cells = [
            "," if gone else f"{_kwh(value)},{'E' if guessed else 'A'}"
            for value, gone, guessed in zip(values, found.missing.tolist(), found.estimated.tolist(), strict=True)
        ]
        counts, parts, places = found.counts.tolist(), [], [0, *np.cumsum(found.counts, dtype=np.int64).tolist()]
        known = calendar()
        truly = np.where(known.has(days), known.counts.take(days - known.first, mode="clip"), 0).tolist()
        last = int(known.midnights[-1])
        rows = zip(days.tolist(), channels.tolist(), revised.tolist(), pairwise(places), counts, truly, strict=True)
        for ordinal, channel, seconds, (start, end), count, true_count in rows:
            day = date.fromordinal(ordinal)
            dated = seconds == NO_REVISION or known.midnights[0] <= seconds < last
            held = all(0 <= wh <= MOST_FILED_WH for wh in values[start:end])
            if count != true_count or channel > 1 or not dated or not held:
                raise BadInput(f"the block of {day} cannot be written: not of that day, or beyond what files can hold")
            told = "" if seconds == NO_REVISION else f"{datetime.fromtimestamp(seconds, CENTRAL):%m/%d/%Y %H:%M:%S}"
            head, tail = f"'{esi_id},{day:%m/%d/%Y},{told},", f",{NAMES[channel]}\n"
            labels = [label.decode() for label in forms()[(count - 92) // 4].labels]
            lines = [f"{head}{label}{cell}{tail}" for label, cell in zip(labels, cells[start:end], strict=True)]
            parts.append("".join(lines))
        return "".join(parts).encode()


def _kwh(watt_hours: int) -> str:
    whole, part = divmod(watt_hours, 1000)
    return f"{whole}.{part:03}"


def _narrowed(above: NDArray[np.uint32], width: int) -> NDArray[np.uint8]:
    """Values of shape (n, count) in width bits each, a row for each day."""
    n, count = above.shape
    bits = np.unpackbits(above.view(np.uint8).reshape(n, count, 4)[:, :, : (width + 7) // 8], axis=2, bitorder="little")
    return np.packbits(bits[:, :, :width].reshape(n, count * width), axis=1, bitorder="little")


def _widened(narrow: NDArray[np.uint8], count: int, width: int) -> NDArray[np.int64]:
    """What _narrowed had, of shape (n, count)."""
    n, size = len(narrow), (width + 7) // 8
    bits = np.zeros((n, count, 8 * size), dtype=np.uint8)
    bits[:, :, :width] = np.unpackbits(narrow, axis=1, bitorder="little")[:, : count * width].reshape(n, count, width)
    wide = np.zeros((n, count, 4), dtype=np.uint8)
    wide[:, :, :size] = np.packbits(bits, axis=2, bitorder="little")
    return wide.view("<u4").reshape(n, count).astype(np.int64)
