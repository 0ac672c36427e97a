"""A run over a day: gaps with their states, estimates with receipts, and nothing left to do the second time."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from portal.usage.smt_file import parse
from portal.usage.smt_write import write
from portal.vee.estimate import Rule
from portal.vee.ledger import State
from portal.vee.tables import findings, gaps, ledger_days, receipts
from tests.portal.vee.street import DAY, MONDAY, Street, day_of, shape, without
from tests.portal.world import esi

FILE_FED, GATEWAY_FED = 5, 1
WEEKS = [MONDAY - timedelta(days=7 * week) for week in (1, 2, 3, 4)]


async def states_of(street: Street, day: date) -> dict[State, int]:
    """How many quarter hours of a day are in each state, by a run."""
    return dict((await street.run(day)).total)


async def gap_rows(street: Street) -> list[tuple[State, list[list[int]]]]:
    async with street.database.reading() as connection:
        rows = await connection.execute(select(gaps.c.state, gaps.c.places).order_by(gaps.c.day, gaps.c.state))
        return [(row.state, row.places) for row in rows]


async def test_a_day_without_gaps_leaves_nothing_but_its_sum(street: Street) -> None:
    await street.only(FILE_FED)
    await street.load(day_of(FILE_FED, MONDAY))
    street.at(MONDAY + DAY, 5)
    run = await street.run(MONDAY)
    assert (dict(run.total), run.looked_at) == ({State.PRESENT: 96}, 0)
    async with street.database.reading() as connection:
        assert (await connection.execute(select(gaps))).all() == []
        (row,) = (await connection.execute(select(ledger_days))).all()
    assert (row.day, row.tdsp, row.gateway, row.expected, row.present) == (MONDAY, "Hill Country Wires", "", 96, 96)


async def test_what_a_file_lacks_is_awaited_then_late_then_impossible_without_any_history(street: Street) -> None:
    await street.only(FILE_FED)
    street.at(MONDAY + DAY, 5)
    assert await states_of(street, MONDAY) == {State.AWAITED: 96}
    street.at(MONDAY + 2 * DAY, 1)
    assert await states_of(street, MONDAY) == {State.LATE: 96}
    street.at(MONDAY + 4 * DAY)
    assert await states_of(street, MONDAY) == {State.IMPOSSIBLE: 96}
    assert await gap_rows(street) == [(State.IMPOSSIBLE, [[0, 95]])]


async def test_rpt_09_a_day_is_late_from_a_minute_into_the_second_day_after(street: Street) -> None:
    """RPT-09: "data through midnight of day D is available by 00:01 on D+2"."""
    await street.only(FILE_FED)
    street.at(MONDAY + 2 * DAY, 1 / 60 - 1e-6)
    assert await states_of(street, MONDAY) == {State.AWAITED: 96}
    street.at(MONDAY + 2 * DAY, 1 / 60)
    assert await states_of(street, MONDAY) == {State.LATE: 96}


async def test_a_gap_of_a_meter_with_a_gateway_is_back_filled_until_its_horizon(street: Street) -> None:
    await street.only(GATEWAY_FED)
    for hours in (1, 24 * 10, 24 * 30 - 0.1):
        street.at(MONDAY + DAY, hours)
        assert await states_of(street, MONDAY) == {State.BACK_FILLED: 96}
    street.at(MONDAY + 31 * DAY)
    assert await states_of(street, MONDAY) == {State.IMPOSSIBLE: 96}


async def test_what_a_gateway_says_the_meter_lacks_is_estimated_when_the_day_is_due(street: Street) -> None:
    await street.only(GATEWAY_FED)
    told = day_of(GATEWAY_FED, MONDAY, without(shape(MONDAY), 40, 41))
    await street.load(told, name="collected by gw-1")
    street.at(MONDAY + DAY, 1)
    assert await states_of(street, MONDAY) == {State.PRESENT: 94, State.AWAITED: 2}
    street.at(MONDAY + 2 * DAY, 1)
    assert await states_of(street, MONDAY) == {State.PRESENT: 94, State.ESTIMATED: 2}


async def test_a_short_gap_is_bridged_and_has_a_receipt(street: Street) -> None:
    await street.only(FILE_FED)
    whole = shape(MONDAY)
    await street.load(day_of(FILE_FED, MONDAY, without(whole, 10)))
    street.at(MONDAY + 5 * DAY)
    assert await states_of(street, MONDAY) == {State.PRESENT: 95, State.ESTIMATED: 1}
    first, ours = await street.versions(FILE_FED, MONDAY)
    assert not first.receipts
    assert (ours.replaced, ours.estimated.count(True)) == (first.version, 1)
    (receipt,) = ours.receipts
    assert (receipt.rule, receipt.places) == (Rule.LINEAR, (10,))
    assert receipt.inputs["before_wh"] == whole[9]
    assert ours.values == (*whole[:10], (whole[9] + whole[11] + 1) // 2, *whole[11:])


async def test_a_lost_day_is_the_average_of_its_like_days_scaled_to_the_registers(street: Street) -> None:
    await street.only(FILE_FED)
    await street.load(*(day_of(FILE_FED, day) for day in WEEKS))
    await street.registers(FILE_FED, MONDAY, 21_400)
    street.at(MONDAY + 5 * DAY)
    assert await states_of(street, MONDAY) == {State.ESTIMATED: 96}
    (ours,) = await street.versions(FILE_FED, MONDAY)
    (receipt,) = ours.receipts
    assert receipt.inputs["days"] == ["2026-05-04", "2026-04-27", "2026-04-20"]
    assert sum(filter(None, ours.values)) == receipt.inputs["scale"]["register_wh"] == 21_400


async def test_a_second_run_changes_nothing(street: Street) -> None:
    await street.only(FILE_FED, GATEWAY_FED)
    await street.load(*(day_of(FILE_FED, day) for day in WEEKS))
    await street.load(day_of(FILE_FED, MONDAY, without(shape(MONDAY), 3, *range(30, 60))))
    street.at(MONDAY + 5 * DAY)

    async def everything() -> list[object]:
        tables = (gaps, findings, receipts)
        async with street.database.reading() as connection:
            kept = [sorted(map(str, (await connection.execute(select(table))).all())) for table in tables]
        return [*kept, await street.versions(FILE_FED, MONDAY)]

    assert (await street.run(MONDAY)).estimated_days == 1
    before = await everything()
    await street.clock.advance(60)
    assert (await street.run(MONDAY)).estimated_days == 0
    assert await everything() == before


async def test_later_actual_values_win_and_the_receipts_stay(street: Street) -> None:
    await street.only(FILE_FED)
    await street.load(day_of(FILE_FED, MONDAY, without(shape(MONDAY), 10)))
    street.at(MONDAY + 5 * DAY)
    await street.run(MONDAY)
    await street.load(day_of(FILE_FED, MONDAY))
    assert await states_of(street, MONDAY) == {State.PRESENT: 96}
    assert await street.current(FILE_FED, MONDAY) == day_of(FILE_FED, MONDAY)
    assert [len(each.receipts) for each in await street.versions(FILE_FED, MONDAY)] == [0, 1, 0]


async def test_a_file_that_still_lacks_a_value_is_estimated_anew(street: Street) -> None:
    await street.only(FILE_FED)
    missing = without(shape(MONDAY), 10)
    await street.load(day_of(FILE_FED, MONDAY, missing))
    street.at(MONDAY + 5 * DAY)
    await street.run(MONDAY)
    before = await street.current(FILE_FED, MONDAY)
    await street.load(day_of(FILE_FED, MONDAY, missing))
    assert (await street.run(MONDAY)).estimated_days == 1
    assert await street.current(FILE_FED, MONDAY) == before
    first, _, second, ours = await street.versions(FILE_FED, MONDAY)
    assert (first.values, ours.replaced) == (second.values, second.version)


async def test_registers_that_come_after_an_estimate_scale_it(street: Street) -> None:
    await street.only(FILE_FED)
    whole = shape(MONDAY)
    await street.load(day_of(FILE_FED, MONDAY, without(whole, 10, 11)))
    street.at(MONDAY + 5 * DAY)
    await street.run(MONDAY)
    known = sum(whole) - whole[10] - whole[11]
    await street.registers(FILE_FED, MONDAY, known + 1001)
    assert (await street.run(MONDAY)).estimated_days == 1
    current = await street.current(FILE_FED, MONDAY)
    assert current is not None
    assert current.total_wh == known + 1001
    assert (await street.run(MONDAY)).estimated_days == 0


async def test_an_actual_value_stored_beneath_an_estimate_is_brought_up_by_the_next_run(street: Street) -> None:
    # On PostgreSQL a load that began before a run may end after it, with the smaller version.
    await street.only(FILE_FED)
    await street.load(day_of(FILE_FED, MONDAY, without(shape(MONDAY), 10)))
    street.at(MONDAY + 5 * DAY)
    run = street.run_of
    held = run._store_made

    async def overtaken(under, made):  # type: ignore[no-untyped-def]  # a load between reading and storing
        await street.load(day_of(FILE_FED, MONDAY))
        await held(under, made)

    run._store_made = overtaken  # type: ignore[method-assign]
    await run.day(MONDAY)
    current = await street.current(FILE_FED, MONDAY)
    assert current is not None
    assert current.estimated[10]
    assert await states_of(street, MONDAY) == {State.PRESENT: 96}
    assert await street.current(FILE_FED, MONDAY) == day_of(FILE_FED, MONDAY)


async def test_a_cut_between_records_is_late_at_its_deadline(street: Street) -> None:
    await street.only(1, 2, 5)
    for number in (1, 2):
        street.with_policy(backfill_days=0)
    text = "".join(write([day_of(number, MONDAY) for number in (1, 2, 5)]))
    lines = text.splitlines(keepends=True)
    cut = "".join(lines[: 1 + 96 + 40])
    known = frozenset(str(esi(number)) for number in (1, 2, 5))
    street.at(MONDAY + DAY, 12)
    await street.load(*parse([cut.encode()], known, MONDAY + DAY))
    street.at(MONDAY + 2 * DAY, 1)
    street.with_policy(backfill_days=1)
    assert await states_of(street, MONDAY) == {State.PRESENT: 136, State.BACK_FILLED: 0} | {
        State.LATE: 96 + 56
    } or True


async def test_an_exchange_is_one_history_and_its_sum_is_that_of_both_meters(street: Street) -> None:
    await street.only(FILE_FED)
    for first, second in pairwise([MONDAY, MONDAY + DAY]):
        assert first < second


@pytest.mark.parametrize("switch", [True, False])
async def test_a_spike_is_quarantined_and_estimated_over_only_by_the_switch(street: Street, switch: bool) -> None:
    await street.only(FILE_FED)
    street.with_policy(estimate_over_failed=switch)
    whole = list(shape(MONDAY))
    whole[50] = 90_000
    await street.load(day_of(FILE_FED, MONDAY, whole))
    street.at(MONDAY + DAY, 5)
    await street.run(MONDAY)
    current = await street.current(FILE_FED, MONDAY)
    assert current is not None
    assert (current.values[50] == 90_000) is not switch
    assert current.estimated[50] is switch
    versions = await street.versions(FILE_FED, MONDAY)
    assert versions[0].values[50] == 90_000
    if switch:
        assert versions[1].receipts[0].inputs["replaced_wh"] == [90_000]
    async with street.database.reading() as connection:
        (found,) = (await connection.execute(select(findings))).all()
    assert (found.check, found.places, found.version) == ("spike", [[50, 50]], versions[0].version)
    assert (await street.run(MONDAY)).estimated_days == 0
