"""The queue against a naive model: whatever workers and the account do in whatever order, nothing is done twice."""

from dataclasses import dataclass, field
from functools import partial

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.orders import queue
from portal.orders.changing import cancel, retry
from portal.orders.ending import Ended, Ending
from portal.orders.making import Maker, Progress
from portal.orders.queue import Taken
from portal.orders.request import OrderRefused
from portal.orders.settings import OrderSettings
from portal.orders.states import OrderState
from portal.reports.rows import Sources
from portal.viewer import Viewer
from tests.portal.orders.stand import POST, Stand
from tests.portal.world import viewer

NUMBERS = OrderSettings(attempts=99, most_open=99)
ACTIONS = ("take", "late", "renew", "renew old", "complete", "complete old", "give back", "cancel", "retry")


@dataclass
class Model:
    """What an order is, said plainly: its state, who holds it, until when, and how often it was delivered."""

    state: str = "processing"
    holder: Taken | None = None
    free_in_s: float = 0.0
    delivered: int = 0
    takers: list[Taken] = field(default_factory=list)

    def holds(self, who: Taken) -> bool:
        """Whether a taker still has the order."""
        return self.state == "processing" and self.holder is who


@dataclass
class Play:
    """One order, its model, and the hands that do things to it."""

    stand: Stand
    who: Viewer
    number: int
    model: Model = field(default_factory=Model)

    async def do(self, action: str) -> None:
        """Do one thing to both, which must answer alike."""
        if action.startswith(("renew", "complete", "give")) and not self.model.takers:
            return
        await getattr(self, f"_{action.replace(' ', '_')}")()

    async def _take(self) -> None:
        job = partial(queue.take, worker="hand", settings=NUMBERS, dice=self.stand.dice, small=False)
        found = await self.stand.database.write(partial(job, now=self.stand.clock.now()))
        expected = self.model.state == "processing" and self.model.free_in_s <= 0
        assert isinstance(found, Taken) == expected
        if isinstance(found, Taken):
            assert found.number == self.number
            self.model.holder, self.model.free_in_s = found, NUMBERS.lease_s
            self.model.takers.append(found)

    async def _late(self) -> None:
        await self.stand.clock.advance(NUMBERS.lease_s)
        self.model.free_in_s -= NUMBERS.lease_s

    async def _renew(self) -> None:
        await self._renewed(self.model.takers[-1])

    async def _renew_old(self) -> None:
        await self._renewed(self.model.takers[0])

    async def _renewed(self, who: Taken) -> None:
        job = partial(queue.renew, taken=who, done=1, settings=NUMBERS, now=self.stand.clock.now())
        held = self.model.holds(who)
        assert await self.stand.database.write(job) == held
        self.model.free_in_s = NUMBERS.lease_s if held else self.model.free_in_s

    async def _complete(self) -> None:
        await self._completed(self.model.takers[-1])

    async def _complete_old(self) -> None:
        await self._completed(self.model.takers[0])

    async def _completed(self, who: Taken) -> None:
        stand = self.stand
        sources = Sources(intervals=stand.intervals, registers=stand.registers)
        made = await Maker(stand.database, sources, NUMBERS, stand.root, stand.clock).make(who, Progress())
        ending = Ending(settings=NUMBERS, by=POST)
        ended = await stand.database.write(partial(ending.complete, taken=who, made=made, now=stand.clock.now()))
        assert (ended is Ended.ENDED) == self.model.holds(who)
        if ended is Ended.ENDED:
            self.model.state, self.model.holder = "complete", None
            self.model.delivered += 1

    async def _give_back(self) -> None:
        who = self.model.takers[-1]
        held = self.model.holds(who)
        job = partial(queue.give_back, taken=who, now=self.stand.clock.now())
        assert await self.stand.database.write(job) == held
        if held:
            self.model.holder, self.model.free_in_s = None, 0.0

    async def _cancel(self) -> None:
        job = partial(cancel, viewer=self.who, number=self.number, now=self.stand.clock.now())
        answer = await self.stand.database.write(job)
        assert isinstance(answer, OrderRefused) == (self.model.state != "processing")
        if answer is True:
            self.model.state, self.model.holder = "cancelled", None

    async def _retry(self) -> None:
        job = partial(retry, viewer=self.who, number=self.number, settings=NUMBERS, now=self.stand.clock.now())
        answer = await self.stand.database.write(job)
        assert isinstance(answer, OrderRefused) == (self.model.state == "processing")
        if answer is True:
            self.model.state, self.model.holder, self.model.free_in_s = "processing", None, 0.0


@given(actions=st.lists(st.sampled_from(ACTIONS), max_size=14))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_an_order_is_delivered_as_often_as_its_holder_completed_it(stand: Stand, actions: list[str]) -> None:
    before = len(await stand.letters())
    placed = await stand.place(settings=NUMBERS)
    play = Play(stand, await viewer(stand.database, "rep.admin"), placed.number)
    for action in actions:
        await play.do(action)
    row = await stand.order(placed.number)
    assert str(row.state) == play.model.state
    assert len(await stand.letters()) - before == play.model.delivered
    assert bool(await stand.files(placed.number)) == (play.model.state == "complete")
    await stand.worker().tidy()
    named = {file.path for file in await stand.files(placed.number)}
    here = {path for path in stand.on_disk() if path.startswith(f"orders/{placed.id}/")}
    assert named <= here
    assert here - named <= {path for path in here if play.model.holder and play.model.holder.lease in path}
    if play.model.state == "processing":
        await play.do("cancel")
    assert (await stand.order(placed.number)).state is not OrderState.PROCESSING
