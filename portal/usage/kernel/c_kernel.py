"""The compiled kernels through ctypes, which lets other threads run meanwhile."""

import hashlib
from collections.abc import Sequence
from ctypes import CDLL, POINTER, Structure, byref, c_char, c_char_p, c_int8, c_int32, c_int64, c_void_p
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.errors import BadInput
from gateway.identifiers import EsiId
from portal.usage.batch import ESI_ID_WIDTH, Batch
from portal.usage.day_block import HEADER, MOST_COUNT
from portal.usage.kernel.contract import Parsed, Quarters
from portal.usage.kernel.forms import calendar, forms
from portal.usage.pieces import Data

FOLDER = Path(__file__).parent
LIBRARY = FOLDER / "kernels.so"
SOURCES = ("kernels.c", "fields.h", "blocks.h")
MOST_BLOCK = HEADER.size + 2 * 13 + 4 * MOST_COUNT
LEAST_SMT, LEAST_LSE = 92 * 50, 92 * 4
"""Fewer bytes no meter-day has in such a file."""
LONGEST_ROW = 128
CHUNK_DAYS = 8192
"""Meter-days taken in one call, so that its arrays stay small."""

COLUMNS = ("esi_ids", "days", "channels", "revised", "totals", "missing", "ends", "blocks")


class _Calendar(Structure):
    _fields_ = (("first", c_int64), ("days", c_int64), ("midnights", c_void_p), ("counts", c_void_p))


class _Form(Structure):
    _fields_ = (
        ("count", c_int32),
        ("rows", c_int32),
        ("size", c_int32),
        ("labels", (c_char * 16) * MOST_COUNT),
        ("places", c_int8 * MOST_COUNT),
    )


class _Columns(Structure):
    _fields_ = (
        ("capacity", c_int64),
        *((name, c_void_p) for name in COLUMNS),
        ("n", c_int64),
        ("at", c_int64),
        ("lines", c_int64),
    )


class Unusable(Exception):
    """Why there is no compiled kernel here."""


def digest() -> str:
    """The digest of the sources beside this file, which a library of the same sources bears."""
    return hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in SOURCES)).hexdigest()


def opened(library: Path = LIBRARY) -> "CKernel":
    """The kernel of a library. Raises Unusable if there is none, or if it is not of these sources or this machine."""
    if not library.exists():
        raise Unusable("they were not compiled, for want of a C compiler")
    try:
        found = CDLL(str(library))
        found.metergate_kernels.restype = c_char_p
        if found.metergate_kernels() != digest().encode():
            raise Unusable("those compiled are of another version")
    except (OSError, AttributeError) as error:
        raise Unusable(f"they cannot be loaded: {error}") from None
    return CKernel(found)


@cache
def _calendar() -> _Calendar:
    days = calendar()
    return _Calendar(days.first, len(days.counts), days.midnights.ctypes.data, days.counts.ctypes.data)


@cache
def _forms() -> Any:
    found = ((_Form) * len(forms()))()
    for into, form in zip(found, forms(), strict=True):
        into.count, into.rows, into.size = form.count, len(form.labels), len(form.labels[0])
        for row, (label, place) in enumerate(zip(form.labels, form.places, strict=True)):
            into.labels[row].value = label
            into.places[row] = place
    return found


def _address(array: NDArray[Any] | None) -> int | None:
    return None if array is None else array.ctypes.data


def _cut(joined: NDArray[np.uint8], ends: NDArray[np.int64]) -> list[bytes]:
    """Blocks that stand one after the other, each by itself."""
    places = [0, *ends.tolist()]
    raw = joined[: places[-1]].tobytes()
    return [raw[start:end] for start, end in pairwise(places)]


def _ends(blocks: Sequence[bytes]) -> NDArray[np.int64]:
    return np.cumsum(np.fromiter(map(len, blocks), dtype=np.int64, count=len(blocks)), dtype=np.int64)


class _Room:
    """Arrays for so many meter-days."""

    def __init__(self, capacity: int) -> None:
        self.esi_ids = np.empty(capacity, dtype=f"S{ESI_ID_WIDTH}")
        self.days = np.empty(capacity, dtype=np.int32)
        self.channels = np.empty(capacity, dtype=np.uint8)
        self.revised = np.empty(capacity, dtype=np.int64)
        self.totals = np.empty(capacity, dtype=np.int64)
        self.missing = np.empty(capacity, dtype=np.uint8)
        self.ends = np.empty(capacity, dtype=np.int64)
        self.blocks = np.empty(capacity * MOST_BLOCK, dtype=np.uint8)
        columns = (self.esi_ids, self.days, self.channels, self.revised, self.totals, self.missing, self.ends)
        self.columns = _Columns(capacity, *map(_address, (*columns, self.blocks)))

    def parsed(self) -> Parsed:
        """What was written here."""
        n = self.columns.n
        batch = Batch(
            esi_ids=self.esi_ids[:n],
            days=self.days[:n],
            channels=self.channels[:n],
            revised=self.revised[:n],
            totals=self.totals[:n],
            missing=self.missing[:n],
            blocks=_cut(self.blocks, self.ends[:n]),
        )
        return Parsed(batch=batch, end=self.columns.at, lines=self.columns.lines)


class CKernel:
    """The kernels of kernels.c."""

    name = "C"

    def __init__(self, library: CDLL) -> None:
        self._pack, self._unpack = library.metergate_pack, library.metergate_unpack
        self._smt, self._lse, self._format = (
            library.metergate_parse_smt,
            library.metergate_parse_lse,
            library.metergate_format_smt,
        )
        days, rows, out = POINTER(_Calendar), POINTER(_Form), POINTER(_Columns)
        self._pack.restype, self._pack.argtypes = None, (c_int64, c_int64, *[c_void_p] * 5)
        self._unpack.restype, self._unpack.argtypes = c_int64, (c_int64, c_char_p, *[c_void_p] * 5)
        self._smt.restype, self._smt.argtypes = None, (c_void_p, c_int64, c_int32, days, rows, c_int32, out)
        self._lse.restype, self._lse.argtypes = None, (c_void_p, c_int64, c_int32, days, out)
        self._format.restype = c_int64
        columns = [c_void_p] * 3
        self._format.argtypes = (c_char_p, c_int64, c_int64, *columns, c_char_p, c_void_p, days, rows, c_void_p)

    def pack(
        self,
        values: NDArray[np.int32],
        missing: NDArray[np.bool_] | None = None,
        estimated: NDArray[np.bool_] | None = None,
    ) -> list[bytes]:
        """See Kernel."""
        n, count = values.shape
        values = np.ascontiguousarray(values, dtype=np.int32)
        maps = [flags if flags is None else np.ascontiguousarray(flags, np.bool_) for flags in (missing, estimated)]
        if count > MOST_COUNT or any(flags is not None and flags.shape != values.shape for flags in maps):
            raise ValueError("columns of unequal or too many quarter hours")
        blocks, ends = np.empty(n * MOST_BLOCK, dtype=np.uint8), np.empty(n, dtype=np.int64)
        self._pack(n, count, _address(values), _address(maps[0]), _address(maps[1]), _address(blocks), _address(ends))
        return _cut(blocks, ends)

    def unpack(self, blocks: Sequence[bytes]) -> Quarters:
        """See Kernel."""
        n, ends = len(blocks), _ends(blocks)
        counts, values = np.empty(n, dtype=np.uint8), np.empty(n * MOST_COUNT, dtype=np.int32)
        missing, estimated = np.empty(n * MOST_COUNT, dtype=np.bool_), np.empty(n * MOST_COUNT, dtype=np.bool_)
        used = self._unpack(
            n, b"".join(blocks), *[_address(each) for each in (ends, counts, values, missing, estimated)]
        )
        if used < 0:
            raise BadInput(f"{len(blocks[-1 - used])} bytes are no block of a day")
        return Quarters(counts=counts, values=values[:used], missing=missing[:used], estimated=estimated[:used])

    def parse_smt(self, data: Data, at: int = 0, *, final: bool = False) -> Parsed:
        """See Kernel."""
        room = _Room(min((len(data) - at) // LEAST_SMT + 2, CHUNK_DAYS))
        room.columns.at = at
        text = np.frombuffer(data, dtype=np.uint8)  # which keeps the memory in its place meanwhile
        days, rows = byref(_calendar()), _forms()
        self._smt(_address(text), len(text), final, days, rows, len(forms()), byref(room.columns))
        return room.parsed()

    def parse_lse(self, data: Data, at: int = 0, *, final: bool = False) -> Parsed:
        """See Kernel."""
        room = _Room(min((len(data) - at) // LEAST_LSE + 1, CHUNK_DAYS))
        room.columns.at = at
        text = np.frombuffer(data, dtype=np.uint8)
        self._lse(_address(text), len(text), final, byref(_calendar()), byref(room.columns))
        return room.parsed()

    def format_smt(
        self,
        esi_id: EsiId,
        days: NDArray[np.int32],
        channels: NDArray[np.uint8],
        revised: NDArray[np.int64],
        blocks: Sequence[bytes],
    ) -> bytes:
        """See Kernel."""
        n, parts = len(blocks), []
        for start in range(0, n, CHUNK_DAYS // 16):
            part = slice(start, start + CHUNK_DAYS // 16)
            some = blocks[part]
            text, ends = np.empty(len(some) * MOST_COUNT * LONGEST_ROW, dtype=np.uint8), _ends(some)
            columns = [
                np.ascontiguousarray(column[part], dtype=kind)
                for column, kind in ((days, np.int32), (channels, np.uint8), (revised, np.int64))
            ]
            if any(len(column) != len(some) for column in columns):
                raise ValueError("columns of unequal length")
            size = self._format(
                esi_id.encode(), len(esi_id), len(some), *map(_address, columns), b"".join(some), _address(ends),
                byref(_calendar()), _forms(), _address(text),
            )  # fmt: skip
            if size < 0:
                day = date.fromordinal(int(columns[0][-1 - size]))
                raise BadInput(f"the block of {day} cannot be written: not of that day, or beyond what files can hold")
            parts.append(text[:size].tobytes())
        return b"".join(parts)
