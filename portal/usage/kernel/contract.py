"""What a kernel is: parse, pack, unpack and format for many meter-days at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gateway.identifiers import EsiId
from portal.usage.batch import Batch
from portal.usage.pieces import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a kernel took: its meter-days, the offset behind them, and how many lines they were."""

    batch: Batch
    end: int
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarters:
    """The quarter hours of n days, one day after the other.

    counts: quarter hours of each day, length n; values: Wh, 0 where missing; missing, estimated: of each quarter hour.
    """

    counts: NDArray[np.uint8]
    values: NDArray[np.int32]
    missing: NDArray[np.bool_]
    estimated: NDArray[np.bool_]


class Kernel(Protocol):
    """Does for many meter-days what day_block, smt_file and lse_file do for one; holds nothing, and may be shared.

    Parsers take what is in the form that files nearly always have, and stop in front of the first meter-day that is not
    whole or is irregular in any way: the strict parser reads it or says what is wrong. They do not ask which meters are
    known, what day it is, or whether a meter-day came before. What they give back holds nothing of the text's memory.
    """

    @property
    def name(self) -> str:
        """For people: C or numpy."""
        ...

    def pack(
        self,
        values: NDArray[np.int32],
        missing: NDArray[np.bool_] | None = None,
        estimated: NDArray[np.bool_] | None = None,
    ) -> list[bytes]:
        """The blocks of n days of count quarter hours, each array of shape (n, count), as day_block packs them."""
        ...

    def unpack(self, blocks: Sequence[bytes]) -> Quarters:
        """The quarter hours of blocks. Raises BadInput for bytes that are no block, or one beyond 32 bits."""
        ...

    def parse_smt(self, data: Data, at: int = 0, *, final: bool = False) -> Parsed:
        """Meter-days of an interval CSV from an offset on, at which a row begins; final: data ends where the file does.

        A day's two channels come as consumption, then generation.
        """
        ...

    def parse_lse(self, data: Data, at: int = 0, *, final: bool = False) -> Parsed:
        """Meter-days of a LodeStar Enhanced file from an offset on, at which a row 00000001 begins; as parse_smt."""
        ...

    def format_smt(
        self,
        esi_id: EsiId,
        days: NDArray[np.int32],
        channels: NDArray[np.uint8],
        revised: NDArray[np.int64],
        blocks: Sequence[bytes],
    ) -> bytes:
        """The rows of an interval CSV, without its header, for n meter-days of one ESI ID as columns of a Batch.

        Labels are in wall time, as smt_write has them: 01:45 to 03:00, 01:45 to 01:00. A missing quarter hour has
        neither value nor flag. Raises BadInput for bytes that are no block, for one that has not as many quarter hours
        as its day, for dates that the calendar does not know, and for a value that no file can hold.
        """
        ...
