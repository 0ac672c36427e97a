"""The transition table of on-demand reads, over all pairs of status and word."""

from itertools import product

import pytest

from portal.reads.status import TRANSITIONS, ReadStatus, Told, is_open

STAGES = [ReadStatus.QUEUED, ReadStatus.SENT, ReadStatus.ACCEPTED, ReadStatus.ON_AIR]
ENDS = {
    Told.DONE: ReadStatus.DONE,
    Told.FAILED: ReadStatus.FAILED,
    Told.REFUSED: ReadStatus.REFUSED,
    Told.TIMED_OUT: ReadStatus.FAILED,
}


def expected(status: ReadStatus, told: Told) -> ReadStatus:
    if told is Told.DONE:
        return ReadStatus.DONE
    if status not in STAGES:
        return status
    if told in ENDS:
        return ENDS[told]
    return STAGES[max(STAGES.index(status), STAGES.index(ReadStatus(told)))]


@pytest.mark.parametrize(("status", "told"), list(product(ReadStatus, Told)))
def test_stages_only_move_on_and_an_end_yields_only_to_a_success(status: ReadStatus, told: Told) -> None:
    assert TRANSITIONS.get((status, told), status) is expected(status, told)


def test_a_read_is_open_until_it_has_ended() -> None:
    assert [status for status in ReadStatus if is_open(status)] == STAGES
