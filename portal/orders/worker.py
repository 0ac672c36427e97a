"""The worker: takes orders one after the other, makes them while it keeps their leases, and ends them.

Several lanes work beside each other. All but one take small orders only, so that a large one never keeps these waiting.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.database import Database
from gateway.dice import Dice
from gateway.errors import BadInput
from portal.orders import queue
from portal.orders.details import again_details
from portal.orders.ending import Ended, Ending
from portal.orders.making import Maker, Progress
from portal.orders.placement import place_due
from portal.orders.queue import Exhausted, Taken
from portal.orders.tidying import expire, sweep
from portal.reports.rows import Sources

log = logging.getLogger(__name__)

RENEWALS = 3
"""How often a lease is renewed within its time: two renewals may be late before somebody else takes the order."""
MOST_CHANGES = 3
"""How often one attempt begins again because a meter was lost while it was under way."""
TOO_MANY_CHANGES = "Its meters changed hands again and again while it was made."
NOT_MADE = "The order could not be made in {attempts} attempts."


class Worker:
    """Makes orders under a name that operators see; root is the folder of files."""

    def __init__(
        self, database: Database, sources: Sources, ending: Ending, root: Path, clock: Clock, dice: Dice, name: str
    ) -> None:
        self._database, self._ending = database, ending
        self._clock, self._dice, self._name = clock, dice, name
        self._settings, self._root = ending.settings, root
        self._maker = Maker(database, sources, self._settings, self._root, clock)

    async def run(self) -> None:
        """Work and tidy until cancelled; an order in hand is then given back."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tidying())
            for lane in range(self._settings.at_once):
                tasks.create_task(self._lane(small=lane > 0))

    async def work(self, *, small: bool = False) -> bool:
        """Take one order and do what there is to do; False if there was none."""
        async with self._database.reading() as connection:
            if not await queue.is_one_due(connection, self._clock.now(), small=small):
                return False

        async def take(connection: AsyncConnection) -> Taken | Exhausted | None:
            now = self._clock.now()
            return await queue.take(connection, self._name, self._settings, self._dice, now, small=small)

        found = await self._database.write(take)
        if isinstance(found, Taken):
            await self._attempt(found)
        elif isinstance(found, Exhausted):
            cause = NOT_MADE.format(attempts=self._settings.attempts)
            now = self._clock.now()
            give_up = partial(self._ending.give_up, order_id=found.id, lease=None, cause=cause, now=now)
            await self._database.write(give_up)
        return found is not None

    async def tidy(self) -> None:
        """Place what is due, expire what is old, remove what is nobody's."""
        await place_due(self._database, self._root, self._clock)
        await self._database.write(partial(expire, settings=self._settings, now=self._clock.now()))
        await sweep(self._database, self._root)

    async def _lane(self, *, small: bool) -> None:
        while True:
            if not await self.work(small=small):
                await self._clock.sleep(self._settings.poll_s)

    async def _tidying(self) -> None:
        while True:
            await self.tidy()
            await self._clock.sleep(self._settings.tidy_s)

    async def _attempt(self, taken: Taken) -> None:
        """Make an order while its lease is kept; whoever loses the lease stops."""
        progress = Progress()
        making = asyncio.create_task(self._make(taken, progress))
        keeping = asyncio.create_task(self._keep(taken, progress))
        try:
            done, _ = await asyncio.wait([making, keeping], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _stop([making, keeping])
            await self._database.write(partial(queue.give_back, taken=taken, now=self._clock.now()))
            await sweep(self._database, self._root, [taken.id])
            raise
        await _stop([making, keeping])
        for task in done:
            task.result()
        await sweep(self._database, self._root, [taken.id])
        await place_due(self._database, self._root, self._clock)

    async def _keep(self, taken: Taken, progress: Progress) -> None:
        """Renew the lease until it is lost, or the order has ended."""
        held = True
        while held:
            await self._clock.sleep(self._settings.lease_s / RENEWALS)
            renew = partial(queue.renew, taken=taken, settings=self._settings)
            held = await self._database.write(partial(renew, done=progress.done, now=self._clock.now()))

    async def _make(self, taken: Taken, progress: Progress) -> None:
        """Make the order and end it; what goes wrong is written down with it."""
        await sweep(self._database, self._root, [taken.id])
        try:
            cause = await self._complete(taken, progress)
        except BadInput as refusal:  # it would be the same again
            cause = f"It cannot be written in this format: {refusal}."
        except DBAPIError:  # nothing can be written down; the lease runs out
            raise
        except Exception:  # the edge of the task: the order is tried again, and everything else goes on
            log.exception("order %s: attempt %s failed", taken.number, taken.attempt)
            await self._database.write(partial(self._failed, taken))
            return
        if cause is not None:
            give_up = partial(self._ending.give_up, order_id=taken.id, lease=taken.lease, cause=cause)
            await self._database.write(partial(give_up, now=self._clock.now()))

    async def _complete(self, taken: Taken, progress: Progress) -> str | None:
        """Make the files and deliver them; why that cannot be, None if it was done or the order is another's."""
        for _ in range(MOST_CHANGES):
            progress.done = 0
            made = await self._maker.make(taken, progress)
            complete = partial(self._ending.complete, taken=taken, made=made)
            ended = await self._database.write(partial(complete, now=self._clock.now()))
            if ended is not Ended.METERS_LOST:
                return None
        return TOO_MANY_CHANGES

    async def _failed(self, taken: Taken, connection: AsyncConnection) -> None:
        now = self._clock.now()
        if taken.attempt < self._settings.attempts:
            words = again_details(taken.attempt, self._settings.attempts)
            await queue.put_off(connection, taken, words, self._settings, now)
            return
        cause = NOT_MADE.format(attempts=self._settings.attempts)
        await self._ending.give_up(connection, taken.id, taken.lease, cause, now)


async def _stop(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """End tasks, and wait until they have."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
