"""Why a join failed, from what was seen of it: every cause, and which one wins where several were seen."""

import pytest

from drivers.zigbee.cbke.exchange import KeyRefused, KeyTimedOut
from drivers.zigbee.cbke.frames import Command, Status
from drivers.zigbee.join_causes import Observations, cause_of
from gateway.han.words import Cause
from gateway.identifiers import Eui64

DEVICE, STRANGER = Eui64("00124B0000000001"), Eui64("00124B0000000002")


def refused(status: int, *, by_partner: bool = False) -> KeyRefused:
    return KeyRefused(partner=DEVICE, status=status, by_partner=by_partner, wait_s=0, reason="so it is")


SILENT = KeyTimedOut(partner=DEVICE, awaited=Command.EPHEMERAL)


@pytest.mark.parametrize(
    ("seen", "cause", "words"),
    [
        (Observations(), Cause.WINDOW_EXPIRED, "no device"),
        (Observations(strangers=(STRANGER,)), Cause.WRONG_MAC, STRANGER),
        (Observations(denials=2), Cause.JOIN_DENIED, "2 attempts"),
        (Observations(attempts=1), Cause.WRONG_INSTALL_CODE, "once"),
        (Observations(attempts=3), Cause.WRONG_INSTALL_CODE, "3 times"),
        (Observations(attempts=1, announced=True), Cause.INTERVIEW_FAILED, "tell about itself"),
        (Observations(attempts=1, announced=True, interviewed=True), Cause.KEY_TIMEOUT, "never began"),
        (Observations(announced=True, left=True), Cause.LEFT_BY_ITSELF, "left"),
        (Observations(announced=True, key=SILENT), Cause.KEY_TIMEOUT, "EPHEMERAL"),
        (Observations(table_full=True), Cause.KEY_TABLE_FULL, "no room"),
        (Observations(link_lost=True), Cause.LINK_LOST, "lost"),
    ],
)
def test_each_sight_has_its_cause(seen: Observations, cause: Cause, words: str) -> None:
    verdict = cause_of(seen)
    assert verdict.cause is cause
    assert words in verdict.detail


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("by_partner", [True, False])
def test_a_refused_key_has_the_cause_of_its_status(status: Status, by_partner: bool) -> None:
    verdict = cause_of(Observations(announced=True, key=refused(status, by_partner=by_partner)))
    assert verdict.cause == Cause[status.name]
    assert ("the device refused" in verdict.detail) is by_partner


@pytest.mark.parametrize("status", [0x00, 0x07, 0xFF])
def test_a_status_that_is_none_is_a_bad_message(status: int) -> None:
    assert cause_of(Observations(key=refused(status, by_partner=True))).cause is Cause.BAD_MESSAGE


def test_the_surest_sight_wins() -> None:
    """Sights that come together, the surer one first."""
    everything = {
        "link_lost": True,
        "table_full": True,
        "key": refused(Status.UNKNOWN_ISSUER),
        "left": True,
        "interviewed": True,
        "announced": True,
        "attempts": 1,
        "denials": 1,
        "strangers": (STRANGER,),
    }
    causes = []
    while everything:
        causes.append(cause_of(Observations(**everything)).cause)  # type: ignore[arg-type]  # one table for all fields
        del everything[next(iter(everything))]
    assert causes == [
        Cause.LINK_LOST,
        Cause.KEY_TABLE_FULL,
        Cause.UNKNOWN_ISSUER,
        Cause.LEFT_BY_ITSELF,
        Cause.KEY_TIMEOUT,
        Cause.INTERVIEW_FAILED,
        Cause.WRONG_INSTALL_CODE,
        Cause.JOIN_DENIED,
        Cause.WRONG_MAC,
    ]
