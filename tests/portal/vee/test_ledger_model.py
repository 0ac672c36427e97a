"""Random histories of loads, gaps, estimates, registers, exchanges and time against a naive model of the ledger."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from gateway.clock import central_midnight, intervals_in
from portal.usage.intervals import MeterDay
from portal.vee.explain import proof_of
from portal.vee.ledger import State
from portal.vee.places import places_of
from portal.vee.tables import findings, gaps, receipts
from portal.vee.verdict import Version
from tests.portal.usage.files import FALL, SPRING
from tests.portal.vee.street import DAY, MONDAY, Street, day_of, shape
from tests.portal.world import BEGAN, esi

SEEDS = (2, 7, 10, 25, 38)
"""Histories that, among forty, miss none of the mistakes that were made on purpose."""
STEPS = 12
GATEWAY_FED, FILE_FED = 1, 5
PREMISES = (GATEWAY_FED, FILE_FED)
COLLECTED = "collected by gw-1"


class Model:
    """What was told of each premise's days, newest last, and when each meter hung there."""

    def __init__(self) -> None:
        self.told: dict[tuple[int, date], list[tuple[MeterDay, bool]]] = {}
        self.hung: dict[int, list[tuple[datetime, datetime | None]]] = {each: [(BEGAN, None)] for each in PREMISES}
        self.energy: dict[tuple[int, date], int] = {}
        self.counted: dict[tuple[int, date, int], list[int]] = {}

    def owed(self, number: int, day: date) -> list[int]:
        """The places of which a meter hung in every minute."""
        key = number, day, len(self.hung[number])
        if key not in self.counted:
            self.counted[key] = self._owed(number, day)
        return self.counted[key]

    def _owed(self, number: int, day: date) -> list[int]:
        begin = central_midnight(day)

        def hung(at: datetime) -> bool:
            return any(first <= at and (last is None or at < last) for first, last in self.hung[number])

        minutes = [begin + timedelta(minutes=minute) for minute in range(intervals_in(day) * 15)]
        return [place for place in range(intervals_in(day)) if all(map(hung, minutes[place * 15 : place * 15 + 15]))]

    def newest(self, number: int, day: date) -> tuple[MeterDay, bool] | None:
        """The newest word of others, and whether a gateway's."""
        return self.told.get((number, day), [None])[-1]

    def missing(self, number: int, day: date, place: int, now: datetime) -> State:
        """What a quarter hour is that is not known, said once more and plainly."""
        word = self.newest(number, day)
        denied = word is not None and word[1] and word[0].values[place] is None
        end, due = central_midnight(day + DAY), central_midnight(day + 2 * DAY) + timedelta(minutes=1)
        if number == GATEWAY_FED and not denied:
            return State.AWAITED if now < end else State.BACK_FILLED if now < end + 30 * DAY else State.IMPOSSIBLE
        if now < due:
            return State.AWAITED
        return State.LATE if now < due + DAY and not denied else State.IMPOSSIBLE


def drawn(dice: random.Random, number: int, day: date, current: MeterDay | None, *, collected: bool) -> MeterDay:
    """A day as its source might tell it: with holes, with estimates, revised; a gateway carries on what it lacks."""
    count = intervals_in(day)
    values: list[int | None] = list(shape(day, dice.choice((100, 100, 300))))
    flags: list[bool] = [False] * count
    for _ in range(dice.choice((0, 0, 1, 2, 3))):
        first = dice.randrange(count)
        for place in range(first, min(count, first + dice.choice((1, 5, 40, 100)))):
            values[place] = None
    if not collected and dice.random() < 0.3:
        place = dice.randrange(count)
        flags[place] = values[place] is not None
    if collected and current is not None:
        for place, value in enumerate(values):
            if value is None:
                values[place], flags[place] = current.values[place], current.estimated[place]
    return day_of(number, day, values, [place for place, flag in enumerate(flags) if flag])


async def state_of(street: Street) -> list[object]:
    """Everything that a run may change, but for the day's sum."""
    async with street.database.reading() as connection:
        rows = [(await connection.execute(select(table))).all() for table in (gaps, findings, receipts)]
    return [sorted(map(str, some)) for some in rows]


async def check(street: Street, model: Model, number: int, day: date) -> None:
    """Hold the ledger of a premise's day to the model."""
    versions = await street.versions(number, day)
    current = versions[-1] if versions else None
    owed = model.owed(number, day)
    async with street.database.reading() as connection:
        rows = await connection.execute(select(gaps).where(gaps.c.day == day, gaps.c.esi_id == esi(number)))
        entries = [(row.state, place) for row in rows for place in places_of(row.places)]
    states = {place: state for state, place in entries}
    assert len(states) == len(entries), "a quarter hour has one state"
    assert set(states) <= set(owed)
    for place in owed:
        value = None if current is None else current.values[place]
        if value is None:
            assert states[place] is model.missing(number, day, place, street.clock.now())
        else:
            assert current is not None
            assert (states.get(place) is State.ESTIMATED) is current.estimated[place]
    word = model.newest(number, day)
    told = word[0] if word else None
    check_values(versions, told)
    energy = model.energy.get((number, day))
    ours = [place for place in owed if proof_of(versions, place) is not None]
    if current and ours and energy is not None and None not in current.values:
        others = sum(wh or 0 for place, wh in enumerate(current.values) if place not in ours)
        assert others > energy or sum(filter(None, current.values)) == energy


def check_values(versions: Sequence[Version], told: MeterDay | None) -> None:
    """Actual values stand as they were told last; every other estimate than the source's own has a receipt."""
    if not versions:
        assert told is None
        return
    current = versions[-1]
    for place, (value, flag) in enumerate(zip(current.values, current.estimated, strict=True)):
        known = None if told is None else told.values[place]
        if told is not None and known is not None and not told.estimated[place]:
            assert (value, flag) == (known, False)
        elif value is not None and not (told is not None and told.estimated[place] and value == known):
            assert flag
            assert proof_of(versions, place) is not None


@pytest.mark.parametrize("seed", SEEDS)
async def test_any_history_is_accounted_for_and_told_as_by_a_naive_model(street: Street, seed: int) -> None:
    dice = random.Random(seed)
    centre = dice.choice((FALL, SPRING, MONDAY))
    days = [centre - DAY, centre, centre + DAY]
    await street.only(*PREMISES)
    model = Model()
    street.at(centre - 30 * DAY)
    for week in range(1, 5):
        for number in PREMISES:
            if dice.random() < 0.8:
                await street.load(*(day_of(number, day - timedelta(days=7 * week)) for day in days))
    street.at(centre + DAY, dice.choice((-10, 1, 25)))
    for _ in range(STEPS):
        await step(street, model, dice, days)
        for day in days:
            await street.run(day)
        before = await state_of(street)
        for day in days:
            run = await street.run(day)
            owed = [number for number in PREMISES if model.owed(number, day)]
            assert sum(run.total.values()) == sum(len(model.owed(number, day)) for number in owed)
            assert run.estimated_days == 0, "a second run has nothing left to do"
        assert await state_of(street) == before
        for day in days:
            for number in PREMISES:
                await check(street, model, number, day)


async def step(street: Street, model: Model, dice: random.Random, days: Sequence[date]) -> None:
    """Something happens: time passes, a file or a gateway's report comes, registers are known, a meter is exchanged."""
    await street.clock.advance(3600 * dice.choice((0, 0, 1, 7, 20, 60, 300)))
    number, day = dice.choice((GATEWAY_FED, GATEWAY_FED, FILE_FED)), dice.choice((*days, days[1]))
    chance = dice.random()
    if chance < 0.65:
        collected = number == GATEWAY_FED and dice.random() < 0.7
        current = await street.current(number, day)
        made = drawn(dice, number, day, current, collected=collected)
        if (await street.load(made, name=COLLECTED if collected else "file.csv")).identical == 0:
            model.told.setdefault((number, day), []).append((made, collected))
        return
    known = any(key[0] == number for key in model.energy)
    if chance < 0.85 and not known and len(model.hung[number]) == 1:
        for each, wh in zip(days, (sum(shape(days[0])) + 300, 40_000, sum(shape(days[2])) - 300), strict=True):
            model.energy[number, each] = wh
        await street.registers(number, days[0], *(model.energy[number, each] for each in days))
    elif not known and len(model.hung[number]) == 1:
        at = central_midnight(dice.choice(days)) + timedelta(minutes=dice.choice((0, 47, 600, 1000)))
        await street.exchange(number, at, f"N{number}")
        model.hung[number] = [(BEGAN, at), (at, None)]
