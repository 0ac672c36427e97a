"""The table of a device's life, over all pairs of stage and event."""

from itertools import product

import pytest

from gateway.han.states import GONE, JOINING, STEPS, TRANSITIONS, Event
from gateway.han.words import Stage

PAIRS = list(product((None, *Stage), Event))


def expected(stage: Stage | None, event: Event) -> Stage | None:
    """The same life told by its rules, one after the other."""
    if event is Event.JOIN_ASKED:
        return Stage.REQUESTED if stage in (None, Stage.ACTIVE, Stage.FAILED, Stage.REMOVED) else None
    if event is Event.REMOVAL_ASKED:
        return None if stage in (None, Stage.REMOVING) else Stage.REMOVING
    if stage is Stage.REMOVING:
        ends = {Event.REMOVED: Stage.REMOVED, Event.LEFT: Stage.REMOVED, Event.FAILED: Stage.FAILED}
        return ends.get(event)
    if stage is Stage.ACTIVE:
        return Stage.FAILED if event is Event.LEFT else None
    if stage is Stage.FAILED:
        return Stage.ACTIVE if event is Event.REJOINED else None
    if stage in (None, Stage.REMOVED):
        return None
    if event is Event.FAILED:
        return Stage.FAILED
    if event is Event.ACTIVATED:
        return Stage.ACTIVE if stage is Stage.REGISTERED else None
    steps = [str(step) for step in STEPS]
    if str(event) not in steps:
        return None
    before = -1 if stage is Stage.REQUESTED else steps.index(str(stage))
    return Stage(event) if steps.index(str(event)) > before else None


@pytest.mark.parametrize(("stage", "event"), PAIRS, ids=str)
def test_every_pair_has_its_next_stage_or_changes_nothing(stage: Stage | None, event: Event) -> None:
    assert TRANSITIONS.get((stage, event)) == expected(stage, event)


def test_every_stage_can_be_reached_and_none_is_a_trap() -> None:
    assert set(TRANSITIONS.values()) == set(Stage)
    assert {stage for stage, _ in TRANSITIONS} == {None, *Stage}


def test_a_stage_is_of_a_join_or_after_it() -> None:
    assert {*JOINING, *GONE, Stage.ACTIVE, Stage.REMOVING} == set(Stage)
