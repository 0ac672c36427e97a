"""Guide figures 40 and 46, and 3.3: when data are due, and the history of a premise whose meter is exchanged."""

from datetime import timedelta

from gateway.clock import central_midnight
from portal.vee.explain import Explainer
from portal.vee.ledger import State
from tests.portal.vee.street import DAY, MONDAY, Street, day_of, shape
from tests.portal.world import viewer, visible

FILE_FED = 5


async def test_rpt_09_a_monday_is_late_from_a_minute_past_midnight_on_wednesday(street: Street) -> None:
    """RPT-09: "Data through midnight Monday is available by Wednesday (12:01 AM)"."""
    assert MONDAY.weekday() == 0
    await street.only(FILE_FED)
    due = central_midnight(MONDAY + 2 * DAY) + timedelta(minutes=1)
    street.clock.set(due - timedelta(microseconds=1))
    assert dict((await street.run(MONDAY)).total) == {State.AWAITED: 96}
    street.clock.set(due)
    assert dict((await street.run(MONDAY)).total) == {State.LATE: 96}


async def test_mch_01_an_exchange_leaves_no_hole_in_the_history_of_a_premise(street: Street) -> None:
    """MCH-01: "same ESI ID, Meter Number changes automatically, history and service uninterrupted"."""
    await street.only(FILE_FED)
    days = [MONDAY, MONDAY + DAY]
    await street.load(*(day_of(FILE_FED, day, shape(day)) for day in days))
    await street.exchange(FILE_FED, central_midnight(MONDAY) + timedelta(hours=10, minutes=7), "N1")
    street.at(MONDAY + 4 * DAY)
    who = await viewer(street.database, "rep.user")
    meter = await visible(street.database, who, FILE_FED, street.clock.now())
    assert meter.number == "N1"
    explainer = Explainer(street.database, street.database, street.store, street.clock, street.policy)
    told = await explainer.completeness(meter, *days)
    assert [(each.day, each.expected, each.states) for each in told.days] == [
        (day, 96, {State.PRESENT: 96}) for day in days
    ]
    for day in days:
        run = await street.run(day)
        assert (dict(run.total), run.estimated_days) == ({State.PRESENT: 96}, 0)
