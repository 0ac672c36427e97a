"""Blocks of a day's values: nothing is lost, and a block of the wrong length is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput
from portal.usage.block import pack, unpack

VALUES = st.sampled_from([92, 96, 100]).flatmap(
    lambda count: st.tuples(
        st.lists(st.none() | st.integers(-(2**31) + 1, 2**31 - 1), min_size=count, max_size=count),
        st.lists(st.booleans(), min_size=count, max_size=count),
    )
)


@given(VALUES)
def test_what_is_packed_comes_out_again(day: tuple[list[int | None], list[bool]]) -> None:
    values, estimated = day
    assert unpack(pack(values, estimated), len(values)) == (tuple(values), tuple(estimated))


@given(st.binary(max_size=500), st.sampled_from([92, 96, 100]))
def test_any_bytes_are_a_block_or_refused(block: bytes, count: int) -> None:
    if len(block) == 4 * count + (count + 7) // 8:
        assert len(unpack(block, count)[0]) == count
    else:
        with pytest.raises(BadInput):
            unpack(block, count)


def test_a_block_looks_like_this() -> None:
    assert pack([1, None, 258], [False, True, True]).hex() == "01000000000000800201000006"
