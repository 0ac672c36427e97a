"""Spans of the REP of record: half open, never overlapping, whatever is done to them."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.identifiers import Duns
from portal.market.spans import Span, begin, current_rep, end
from tests.portal.world import BEGAN, BLUEBONNET, LONE_STAR

HOUR = timedelta(hours=1)
DUNS = st.sampled_from([LONE_STAR, BLUEBONNET])
ACTIONS = st.lists(st.tuples(st.sampled_from(["begin", "end"]), DUNS, st.integers(0, 20)), max_size=12)


def after(actions: Sequence[tuple[str, Duns, int]]) -> list[Span]:
    spans: list[Span] = []
    for action, duns, hour in actions:
        spans = begin(spans, duns, BEGAN + hour * HOUR) if action == "begin" else end(spans, BEGAN + hour * HOUR)
    return spans


def test_a_span_covers_its_start_and_not_its_end() -> None:
    span = Span(duns=LONE_STAR, from_at=BEGAN, to_at=BEGAN + HOUR)
    assert span.covers(BEGAN)
    assert not span.covers(BEGAN + HOUR)
    assert not span.covers(BEGAN - timedelta(microseconds=1))


def test_a_switch_changes_the_rep_at_its_very_instant() -> None:
    spans = begin(begin([], LONE_STAR, BEGAN), BLUEBONNET, BEGAN + HOUR)
    assert current_rep(spans, BEGAN + HOUR - timedelta(microseconds=1)) == LONE_STAR
    assert current_rep(spans, BEGAN + HOUR) == BLUEBONNET


def test_after_a_move_out_nobody_is_the_rep() -> None:
    assert current_rep(end(begin([], LONE_STAR, BEGAN), BEGAN + HOUR), BEGAN + HOUR) is None


@given(ACTIONS)
def test_spans_never_overlap_and_never_are_empty(actions: list[tuple[str, Duns, int]]) -> None:
    spans = after(actions)
    assert all(span.to_at is None or span.from_at < span.to_at for span in spans)
    for earlier, later in pairwise(sorted(spans, key=lambda span: span.from_at)):
        assert earlier.to_at is not None
        assert earlier.to_at <= later.from_at


@given(ACTIONS, DUNS, st.integers(0, 20), st.integers(0, 30))
def test_whoever_begins_last_is_the_rep_from_then_on(
    actions: list[tuple[str, Duns, int]], duns: Duns, hour: int, later: int
) -> None:
    spans = begin(after(actions), duns, BEGAN + hour * HOUR)
    if later >= hour:
        assert current_rep(spans, BEGAN + later * HOUR) == duns
