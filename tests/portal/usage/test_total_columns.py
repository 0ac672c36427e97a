"""Columns of daily totals: any numbers come back, and small ones are kept small."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from portal.usage.total_columns import HEADER, packed, unpacked

WIDE = st.integers(-(2**40), 2**40)
ROWS = st.lists(
    st.tuples(st.integers(1, 2**31 - 1), st.sampled_from([0, 1, 255, 65_535, 70_000]) | WIDE, st.integers(0, 100)),
    min_size=1,
    max_size=40,
    unique_by=lambda row: row[0],
).map(sorted)


@given(ROWS)
def test_any_piece_comes_back(rows: list[tuple[int, int, int]]) -> None:
    meters, totals, missing = np.array(rows, dtype=np.int64).T
    found = unpacked(rows[0][0], packed(meters, totals, missing))
    assert [column.tolist() for column in found] == [meters.tolist(), totals.tolist(), missing.tolist()]


def test_meters_in_a_row_take_two_bytes_each() -> None:
    meters, none = np.arange(1, 1001), np.zeros(1000, dtype=np.int64)
    assert len(packed(meters, 9_000 + meters * 37, none)) == HEADER.size + 2 * 1000
    assert len(packed(meters * 3, 9_000 + meters * 37, none + 1)) == HEADER.size + 999 + 2 * 1000 + 1000
