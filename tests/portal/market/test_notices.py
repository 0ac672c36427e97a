"""A premise's story: the same whatever the order in which its notices came, and right at every instant."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gateway.market_notices import MarketNotice, MeterFields, RepChange
from portal.market.notices import NoticeRefusal, PremiseState, Story, Told, changed, tell
from portal.market.spans import current_rep
from tests.portal.market.words import (
    created,
    exchanged,
    installed,
    meter_changed,
    on,
    premise_changed,
    provisioned,
    rep,
    retired,
)
from tests.portal.world import BLUEBONNET, LONE_STAR

METERS = st.sampled_from(["A1", "A2", "A3"])
REPS = st.sampled_from([LONE_STAR, BLUEBONNET])
GAINS = st.sampled_from([RepChange.SWITCH, RepChange.MOVE_IN, RepChange.MASS_TRANSITION])


def notice_on(day: float) -> st.SearchStrategy[MarketNotice]:
    """Any notice of one day."""
    at = on(day)
    return st.one_of(
        st.builds(lambda: created(at)),
        st.builds(lambda meter: installed(at, meter), METERS),
        st.builds(lambda meter: provisioned(at, meter), METERS),
        st.builds(lambda old, new: exchanged(at, old, new), METERS, st.none() | METERS),
        st.builds(lambda change, duns: rep(at, change, duns), GAINS, REPS),
        st.builds(lambda: rep(at, RepChange.MOVE_OUT)),
        st.builds(lambda city: premise_changed(at, city=city), st.sampled_from(["Waco", "Katy"])),
        st.builds(lambda meter, phases: meter_changed(at, meter, phases=phases), METERS, st.integers(1, 3)),
        st.builds(lambda: retired(at)),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[MarketNotice]:
    """Notices of different days; most premises are created first, many have a meter."""
    days = sorted(draw(st.sets(st.integers(2, 40), max_size=8)))
    first: list[MarketNotice] = [created(on(0)), installed(on(1), "A1")] if draw(st.integers(0, 4)) else []
    return first + [draw(notice_on(day)) for day in days]


def story_of(notices: Sequence[MarketNotice]) -> Story:
    return tell([Told(place=place, notice=notice) for place, notice in enumerate(notices, start=1)])


def without_places(state: PremiseState | None) -> object:
    """A state but for which notice came when."""
    if state is None:
        return None
    hung = [(m.number, m.fields, m.installed_at, m.provisioned_at, m.removed_at) for m in state.meters]
    return state.fields, state.spans, hung, state.retired_at, state.successor


@given(notices=histories(), data=st.data())
def test_any_order_of_arrival_tells_the_same_story(notices: list[MarketNotice], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(notices))
    right, other = story_of(notices), story_of(shuffled)
    for day in range(42):
        assert without_places(right.as_of(on(day))) == without_places(other.as_of(on(day)))
    for story, order in ((right, notices), (other, shuffled)):
        assert {order[place - 1].id for place in story.refused} == {notices[p - 1].id for p in right.refused}
        assert {order[place - 1].id for place in story.departures} == {notices[p - 1].id for p in right.departures}


@given(notices=histories(), day=st.integers(0, 40))
def test_what_comes_later_does_not_change_what_was(notices: list[MarketNotice], day: int) -> None:
    until = [notice for notice in notices if notice.effective_at <= on(day)]
    known, whole = story_of(until).as_of(on(day)), story_of(notices).as_of(on(day))
    assert without_places(known) == without_places(whole)


@given(notices=histories())
def test_a_refused_notice_is_as_if_it_had_not_come(notices: list[MarketNotice]) -> None:
    story = story_of(notices)
    accepted = [notice for place, notice in enumerate(notices, start=1) if place not in story.refused]
    assert without_places(story.end) == without_places(story_of(accepted).end)
    assert not story_of(accepted).refused


@given(notices=histories())
def test_a_premise_has_one_meter_and_one_rep_at_a_time(notices: list[MarketNotice]) -> None:
    for state in story_of(notices).states:
        assert all(meter.removed_at is not None for meter in state.meters[:-1])
        assert all(span.to_at is not None for span in state.spans[:-1])
        if state.retired_at is not None:
            assert state.on_wall is None
            assert current_rep(state.spans, state.retired_at) is None


def test_nothing_is_known_of_a_premise_before_its_creation() -> None:
    story = story_of([premise_changed(on(1), city="Katy"), created(on(2))])
    assert story.as_of(on(1.5)) is None
    assert story.refused == {1: NoticeRefusal.UNKNOWN_ESI_ID}
    state = story.as_of(on(2))
    assert state is not None
    assert (state.fields.city, state.fields.status, state.fields.time_zone) == ("Waco", "A", "America/Chicago")


def test_at_one_instant_who_leaves_goes_before_who_comes() -> None:
    start: list[MarketNotice] = [created(on(0)), rep(on(1), RepChange.MOVE_IN, LONE_STAR)]
    both: list[MarketNotice] = [rep(on(5), RepChange.MOVE_IN, BLUEBONNET), rep(on(5), RepChange.MOVE_OUT)]
    story = story_of(start + both)
    assert story.end is not None
    assert current_rep(story.end.spans, on(5)) == BLUEBONNET
    assert story.departures == {4: on(5)}


def test_a_move_in_where_somebody_still_lives_says_that_he_left() -> None:
    start: list[MarketNotice] = [created(on(0)), rep(on(1), RepChange.MOVE_IN, LONE_STAR)]
    assert story_of([*start, rep(on(5), RepChange.MOVE_IN, BLUEBONNET)]).departures == {3: on(5)}
    for change in (RepChange.SWITCH, RepChange.MASS_TRANSITION):
        assert story_of([*start, rep(on(5), change, BLUEBONNET)]).departures == {}


def test_a_meter_that_follows_one_that_sent_its_usage_sends_it_at_once() -> None:
    start: list[MarketNotice] = [created(on(0)), installed(on(1), "A1")]
    sent: list[MarketNotice] = [provisioned(on(2), "A1")]
    for told, since in ((sent[:0], None), (sent, on(5))):
        state = story_of([*start, *told, exchanged(on(5), "A1", "A2")]).end
        assert state is not None
        assert state.on_wall is not None
        assert (state.on_wall.number, state.on_wall.provisioned_at) == ("A2", since)


def test_what_contradicts_the_wall_is_refused_with_its_reason() -> None:
    start: list[MarketNotice] = [created(on(0)), installed(on(1), "A1")]
    for notice, reason in (
        (created(on(5)), NoticeRefusal.ESI_ID_IN_USE),
        (installed(on(5), "A2"), NoticeRefusal.METER_THERE),
        (exchanged(on(5), "A2", "A3"), NoticeRefusal.NO_SUCH_METER),
        (provisioned(on(0.5), "A1"), NoticeRefusal.NO_SUCH_METER),
        (meter_changed(on(5), "A2", phases=1), NoticeRefusal.NO_SUCH_METER),
    ):
        assert story_of([*start, notice]).refused == {3: reason}
    assert story_of([*start, retired(on(3)), premise_changed(on(5), city="Katy")]).refused == {4: NoticeRefusal.RETIRED}


def test_only_what_was_told_or_cleared_changes() -> None:
    before = MeterFields(model="KV2c", phases=3)
    assert changed(before, MeterFields(phases=1)) == MeterFields(model="KV2c", phases=1)
    assert changed(before, MeterFields(), ["model"]) == MeterFields(phases=3)
