"""Slowing down whoever tries ESI IDs and meter numbers: ten misses an hour, counted by account and by address."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from gateway.clock import Clock
from portal.accounts.throttle import Throttle
from portal.acting import Acting, actor_of
from portal.customers.attaching import AttachedMeter, attach
from portal.customers.pairs import Pair
from portal.faults import PeopleRefusal, PeopleRefused
from portal.locales.catalogues import N_
from portal.viewer import Viewer

MOST_MISSES = 10
PER_S = 3600.0
TOO_OFTEN = N_("Too many meters that could not be added. Compare the numbers with your bill, and try again later.")
T = TypeVar("T")


class Guesses:
    """Counts misses in this process."""

    def __init__(self, clock: Clock) -> None:
        self._throttle = Throttle(clock, most=MOST_MISSES, per_s=PER_S)

    async def guarded(
        self, keys: Sequence[str], attempt: Callable[[], Awaitable[T]], is_miss: Callable[[T], bool]
    ) -> T | PeopleRefused:
        """Make an attempt, unless one of the keys has missed too often.

        It counts as a miss until it has shown that it is none, so that many at once are no way around the limit.
        """
        wait_s = max(map(self._throttle.retry_in_s, keys))
        if wait_s > 0:
            return PeopleRefused(reason=PeopleRefusal.TOO_OFTEN, words=TOO_OFTEN, retry_in_s=wait_s)
        for key in keys:
            self._throttle.miss(key)
        answer = await attempt()
        if not is_miss(answer):
            for key in keys:
                self._throttle.take_back(key)
        return answer

    async def attach(self, acting: Acting, viewer: Viewer, address: str, pair: Pair) -> AttachedMeter | PeopleRefused:
        """A customer's attempt to attach a meter."""
        return await self.guarded(
            (f"account {viewer.account_id}", f"address {address}"),
            lambda: acting.run(actor_of(viewer), lambda act: attach(act, viewer, pair)),
            is_no_pair,
        )


def is_no_pair(answer: object) -> bool:
    """Whether an answer is that a pair is none."""
    return isinstance(answer, PeopleRefused) and answer.reason is PeopleRefusal.NO_SUCH_PAIR
