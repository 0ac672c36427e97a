"""Blocks of a day: nothing is lost, a known day has known bytes, and bytes that are no block are refused."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput
from portal.usage.batch import NO_REVISION, batch_of, instant
from portal.usage.day_block import pack, unpack
from tests.portal.usage.files import METER, meter_day

DAYS = st.sampled_from([92, 96, 100]).flatmap(
    lambda count: st.tuples(
        st.lists(st.none() | st.integers(0, 900) | st.integers(-(2**31), 2**31 - 1), min_size=count, max_size=count),
        st.lists(st.booleans(), min_size=count, max_size=count),
    )
)


@given(DAYS)
def test_what_is_packed_comes_out_again(day: tuple[list[int | None], list[bool]]) -> None:
    values, estimated = day
    assert unpack(pack(values, estimated)) == (tuple(values), tuple(estimated))


@given(st.binary(max_size=500))
def test_any_bytes_are_a_block_or_refused(block: bytes) -> None:
    try:
        values, estimated = unpack(block)
    except BadInput:
        return
    assert len(values) == len(estimated) == block[1]


def test_blocks_look_like_this() -> None:
    assert pack([5, 6, 8], [False] * 3).hex() == "0003020500000034"
    assert pack([5, None, 8], [False, True, True]).hex() == "03030205000000020630"
    assert pack([None] * 4, [False] * 4).hex() == "020400000000000f"
    assert pack([-1] * 96, [False] * 96).hex() == "006000ffffffff"


def test_a_value_of_more_than_32_bits_is_refused() -> None:
    with pytest.raises(BadInput, match="32 bits"):
        pack([2**31], [False])


def test_a_batch_holds_meter_days_as_columns() -> None:
    known = meter_day([None, *range(95)])
    batch = batch_of([known])
    assert (len(batch), batch.esi_ids[0], date.fromordinal(batch.days[0])) == (1, METER.encode(), known.day)
    assert (batch.totals[0], batch.missing[0], batch.channels[0]) == (known.total_wh, 1, 0)
    assert instant(batch.revised[0]) == known.revised_at
    assert unpack(batch.blocks[0]) == (known.values, known.estimated)
    assert len(batch_of([])) == 0
    assert instant(NO_REVISION) is None
    assert instant(0) == datetime(1970, 1, 1, tzinfo=UTC)
