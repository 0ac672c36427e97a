"""Runs histories of the market from seeds, comparing after every step, and says which seed and step went wrong."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from gateway.questions import Question
from portal.companies.kinds import Kind
from tests.clock import HandClock
from tests.portal.market_model.application_look import compare_application
from tests.portal.market_model.history import History, begin
from tests.portal.market_model.look import Looked, compare_asking, compare_sight, compare_statuses
from tests.portal.market_model.naive import Naive
from tests.portal.market_model.stage import Stage, checkpoint, settle_template, standing

START = datetime(2026, 7, 1, 15, tzinfo=UTC)
STEPS = 50
APPLICATION_SHARE = 0.01
"""At how many steps somebody looks through the real application, which costs twenty times as much."""


@dataclass
class Told:
    """What some histories came to."""

    histories: int = 0
    steps: int = 0
    looked: Looked = field(default_factory=Looked)
    fault: str | None = None


@dataclass(frozen=True)
class Opening:
    """Where every history begins: a settled database, and the naive market beside it."""

    file: Path
    naive: Naive
    count: int


async def settled(folder: Path) -> Opening:
    """Make the beginning, once."""
    template, opened = folder / "template.db", folder / "opened.db"
    await settle_template(template, HandClock(START))
    async with standing(template, opened, START) as stage:
        history = History(stage, begin(stage), Random(0))
        await history.open()
    checkpoint(opened)
    return Opening(opened, history.naive, history.count)


@asynccontextmanager
async def theatre() -> AsyncIterator["Theatre"]:
    """A stage on which histories are told one after the other."""
    with tempfile.TemporaryDirectory(prefix="market-") as folder:
        opening = await settled(Path(folder))
        async with standing(opening.file, Path(folder) / "market.db", START) as stage:
            yield Theatre(stage, opening)


@dataclass(frozen=True)
class Theatre:
    """A stage and the beginning of every history."""

    stage: Stage
    opening: Opening

    async def tell(self, seeds: range, steps: int = STEPS, *, application: bool = True) -> Told:
        """Tell the histories of some seeds until one differs; its fault names the seed and what was done in it."""
        told = Told()
        statements: dict[Kind, Question] = {}
        for seed in seeds:
            self.stage.begin_at(self.opening.file, START)
            naive, count = deepcopy(self.opening.naive), self.opening.count
            history = History(self.stage, naive, Random(seed), count=count, name=f"{seed}")
            told.fault = await _tell_one(history, statements, seed, steps, told, application=application)
            if told.fault is not None:
                return told
            told.histories += 1
        return told


async def _tell_one(
    history: History, statements: dict[Kind, Question], seed: int, steps: int, told: Told, *, application: bool
) -> str | None:
    stage, naive = history.stage, history.naive
    for step in range(steps):
        try:
            await history.step()
            rows = await compare_statuses(stage, naive, told.looked)
            sight = await compare_sight(stage, naive, rows, statements, told.looked)
            await compare_asking(stage, naive, rows, sight, history.dice, told.looked)
            if application and history.dice.random() < APPLICATION_SHARE:
                await compare_application(stage, naive, sight, history.dice, told.looked)
        except AssertionError as error:
            story = "\n".join(f"  {line}" for line in history.story)
            return f"seed {seed}, step {step}: {type(error).__name__} {error}\nafter\n{story}"
        told.steps += 1
    return None
