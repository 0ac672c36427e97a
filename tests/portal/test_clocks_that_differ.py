"""What a person sees while the gateway's clock is minutes off the portal's."""

from datetime import timedelta

from portal.context import Portal
from portal.reads.ask import Asked, Refused
from tests.clock import HandClock
from tests.portal.wire import Answers, WireBus
from tests.portal.world import viewer, visible


async def ask(portal: Portal) -> object:
    who = await viewer(portal.database, "rep.user")
    return await portal.desk.ask(await visible(portal.database, who, 1, portal.clock.now()), who)


async def test_the_hour_is_not_offered_before_a_gateway_whose_clock_is_behind_grants_it(
    portal: Portal, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    """The gateway accepted at its 14:55 while it was 15:00 here: one hour of anybody's clock ends at 16:00 here.
    The portal offers it at 15:55 already, and the gateway then refuses for five minutes what the button offers."""
    start = clock.now()
    assert isinstance(await ask(portal), Asked)
    await portal.desk.handle([answers.done(await bus.request(), accepted_at=start - timedelta(minutes=5))])
    clock.set(start + timedelta(minutes=57))
    assert isinstance(await ask(portal), Refused)
