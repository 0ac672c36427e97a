"""A run over a day: gaps with their states, estimates with receipts, and nothing left to do the second time."""

from datetime import date, timedelta
from typing import TypeVar

import pytest
from sqlalchemy import insert, select, update

from gateway.clock import central_midnight
from gateway.database import Database, Job
from gateway.errors import LinkLost
from gateway.identifiers import MeterNumber
from portal.meters.tables import meters, midnight_registers
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import Channel, MeterDay
from portal.usage.row_keys import month_number
from portal.usage.sealing import seal
from portal.usage.smt_file import parse
from portal.usage.smt_write import write
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import Loaded, MeterDays, SourceFile
from portal.vee.checks import Check
from portal.vee.estimate import Rule
from portal.vee.exchanges import keep_register
from portal.vee.explain import Explainer, proof_of
from portal.vee.ledger import State
from portal.vee.run import Run
from portal.vee.tables import findings, gaps, ledger_days, receipts
from tests.portal.vee.street import DAY, MONDAY, Street, day_of, shape, without
from tests.portal.world import esi

T = TypeVar("T")
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


class CountingDatabase(Database):
    """A database that counts its write transactions."""

    writes = 0

    async def write(self, job: Job[T]) -> T:
        """Count, and run the job."""
        self.writes += 1
        return await super().write(job)


async def test_a_run_that_finds_nothing_new_writes_nothing_but_the_day_s_sum(street: Street, database_url: str) -> None:
    await street.load(day_of(FILE_FED, MONDAY, without(shape(MONDAY), 3, *range(30, 60))))
    street.at(MONDAY + 5 * DAY)
    counted = CountingDatabase.open(database_url)
    run = Run(street.database, counted, street.store, street.clock, street.policy)
    written = []
    for _ in range(2):
        counted.writes = 0
        await run.day(MONDAY)
        written.append(counted.writes)
    await counted.close()
    assert written == [3, 1], "receipts, gaps, the sum; then the sum alone"


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


class OvertakenStore(SqlIntervalStore):
    """A store in which another load comes between a run's reading and its storing."""

    def __init__(self, street: Street, day: MeterDay) -> None:
        super().__init__(street.database)
        self._street, self._day = street, day

    async def load(self, source: SourceFile, meter_days: MeterDays) -> Loaded:
        """Load, after the other."""
        await self._street.load(self._day)
        return await super().load(source, meter_days)


async def test_an_actual_value_stored_beneath_an_estimate_is_brought_up_by_the_next_run(street: Street) -> None:
    # On PostgreSQL a load that began before a run may end after it, with the smaller version.
    await street.only(FILE_FED)
    await street.load(day_of(FILE_FED, MONDAY, without(shape(MONDAY), 10)))
    street.at(MONDAY + 5 * DAY)
    overtaken = OvertakenStore(street, day_of(FILE_FED, MONDAY))
    await Run(street.database, street.database, overtaken, street.clock, street.policy).day(MONDAY)
    current = await street.current(FILE_FED, MONDAY)
    assert current is not None
    assert current.estimated[10]
    assert await states_of(street, MONDAY) == {State.PRESENT: 96}
    assert await street.current(FILE_FED, MONDAY) == day_of(FILE_FED, MONDAY)


class DeadStore(SqlIntervalStore):
    """A store whose process dies before it keeps anything."""

    async def load(self, source: SourceFile, meter_days: MeterDays) -> Loaded:
        """Die."""
        raise LinkLost("killed")


async def test_a_run_killed_between_receipts_and_values_leaves_no_estimate_and_is_made_good(street: Street) -> None:
    await street.only(FILE_FED)
    await street.load(day_of(FILE_FED, MONDAY, without(shape(MONDAY), 10)))
    street.at(MONDAY + 5 * DAY)
    dying = Run(street.database, street.database, DeadStore(street.database), street.clock, street.policy)
    with pytest.raises(LinkLost):
        await dying.day(MONDAY)
    assert [each.receipts for each in await street.versions(FILE_FED, MONDAY)] == [()]
    assert await states_of(street, MONDAY) == {State.PRESENT: 95, State.ESTIMATED: 1}
    assert [len(each.receipts) for each in await street.versions(FILE_FED, MONDAY)] == [0, 1]


async def test_receipts_whose_values_never_came_go_after_a_day(street: Street) -> None:
    await street.only(FILE_FED)
    await street.load(day_of(FILE_FED, MONDAY, without(shape(MONDAY), 10)))
    street.at(MONDAY + 5 * DAY)
    dying = Run(street.database, street.database, DeadStore(street.database), street.clock, street.policy)
    with pytest.raises(LinkLost):
        await dying.day(MONDAY)
    await street.load(day_of(FILE_FED, MONDAY))
    kept = []
    for hours in (23, 2):
        await street.clock.advance(3600 * hours)
        await street.run(MONDAY)
        async with street.database.reading() as connection:
            kept.append(len((await connection.execute(select(receipts))).all()))
    assert kept == [1, 0]


async def test_a_cut_between_records_is_late_at_its_deadline(street: Street) -> None:
    # No trailer tells that a file is cut, and every record that is there is whole: only what was expected can.
    await street.only(5, 6)
    text = "".join(write([day_of(number, MONDAY) for number in (5, 6)]))
    lines = text.splitlines(keepends=True)
    cut = "".join(lines[: 1 + 60])
    street.at(MONDAY + DAY, 12)
    await street.load(*parse([cut.encode()], KnownMeters([esi(5), esi(6)]), MONDAY + DAY))
    assert await states_of(street, MONDAY) == {State.PRESENT: 60, State.AWAITED: 36, State.BACK_FILLED: 96}
    street.at(MONDAY + 2 * DAY, 1)
    run = await street.run(MONDAY)
    assert run.counts["Hill Country Wires", ""] == {State.PRESENT: 60, State.LATE: 36}
    assert run.counts["Gulf Wires", "gw-2"] == {State.BACK_FILLED: 96}
    assert await gap_rows(street) == [(State.BACK_FILLED, [[0, 95]]), (State.LATE, [[60, 95]])]


SWAP = central_midnight(MONDAY) + timedelta(hours=10)


async def test_on_the_day_of_an_exchange_the_sum_is_that_of_both_meters_registers(street: Street) -> None:
    await street.only(FILE_FED)
    old, new = (esi(5), MeterNumber("M00005")), (esi(5), MeterNumber("N1"))
    await street.exchange(FILE_FED, SWAP, "N1")
    whole = shape(MONDAY)
    until, after = sum(whole[:40]), sum(whole[40:])
    await street.registers(FILE_FED, MONDAY, 0)  # of the old meter: its midnight, and one that counts nowhere
    await keep_register(street.database, street.database, old, (1_000_000 + until, None), SWAP, stop=True)
    await keep_register(street.database, street.database, new, (7, None), SWAP, stop=False)
    end = {"esi_id": esi(5), "meter": "N1", "frozen_at": central_midnight(MONDAY + DAY), "read_at": SWAP}
    midnight = insert(midnight_registers).values(**end, delivered_wh=7 + after)
    await street.database.write(lambda connection: connection.execute(midnight))
    await street.load(day_of(FILE_FED, MONDAY))
    street.at(MONDAY + 5 * DAY)
    run = await street.run(MONDAY)
    assert (dict(run.total), run.findings) == ({State.PRESENT: 96}, 0)
    explainer = Explainer(street.database, street.database, street.store, street.clock, street.policy)
    told = await explainer.explain_premise(esi(FILE_FED), central_midnight(MONDAY), Channel.CONSUMPTION)
    assert told is not None
    assert told.registers is not None
    parts = [(part.meter, part.to_wh - part.from_wh) for part in told.registers.parts]
    assert (told.registers.wh, parts) == (sum(whole), [("M00005", until), ("N1", after)])
    wrong = [*whole[:50], whole[50] + 52, *whole[51:]]
    await street.load(day_of(FILE_FED, MONDAY, wrong))
    assert (await street.run(MONDAY)).findings == 1
    async with street.database.reading() as connection:
        (found,) = (await connection.execute(select(findings))).all()
    assert found.check is Check.SUM
    assert found.words.endswith("over 2 meters")
    await street.load(day_of(FILE_FED, MONDAY, without(whole, *range(30, 60))))
    await street.run(MONDAY)
    current = await street.current(FILE_FED, MONDAY)
    assert current is not None
    assert current.total_wh == sum(whole)


async def test_an_exchange_with_a_pause_owes_what_either_meter_counted_whole(street: Street) -> None:
    await street.only(FILE_FED)
    await street.exchange(FILE_FED, SWAP, "N1")
    pause = update(meters).where(meters.c.number == "N1").values(installed_at=SWAP + timedelta(minutes=20))
    await street.database.write(lambda connection: connection.execute(pause))
    street.at(MONDAY + 2 * DAY, 1)
    assert await states_of(street, MONDAY) == {State.LATE: 94}
    assert await gap_rows(street) == [(State.LATE, [[0, 39], [42, 95]])]


async def test_a_generating_meter_owes_both_channels(street: Street) -> None:
    await street.only(FILE_FED)
    generates = update(meters).where(meters.c.esi_id == esi(5)).values(generation_capable=True)
    await street.database.write(lambda connection: connection.execute(generates))
    await street.load(day_of(FILE_FED, MONDAY))
    street.at(MONDAY + 2 * DAY, 1)
    assert await states_of(street, MONDAY) == {State.PRESENT: 96, State.LATE: 96}


async def test_what_a_gateway_carried_on_from_an_estimate_keeps_its_receipt_and_its_scale(street: Street) -> None:
    await street.only(GATEWAY_FED)
    whole = shape(MONDAY)
    await street.load(day_of(GATEWAY_FED, MONDAY, without(whole, 10, 11)), name="collected by gw-1")
    await street.registers(GATEWAY_FED, MONDAY, sum(whole))
    street.at(MONDAY + 3 * DAY)
    await street.run(MONDAY)
    ours = await street.current(GATEWAY_FED, MONDAY)
    assert ours is not None
    carried = [*ours.values[:10], whole[10], *ours.values[11:]]
    await street.load(day_of(GATEWAY_FED, MONDAY, carried, estimated=[11]), name="collected by gw-1")
    versions = await street.versions(GATEWAY_FED, MONDAY)
    proof = proof_of(versions, 11)
    assert proof is not None
    assert (proof[0].version, proof_of(versions, 10)) == (versions[1].version, None)
    await street.run(MONDAY)
    assert await street.current(GATEWAY_FED, MONDAY) == day_of(GATEWAY_FED, MONDAY, whole, estimated=[11])
    assert (await street.run(MONDAY)).estimated_days == 0


async def test_pieces_of_any_size_come_to_the_same(street: Street) -> None:
    await street.load(day_of(2, MONDAY), day_of(5, MONDAY, without(shape(MONDAY), 7)))
    street.at(MONDAY + 2 * DAY, 1)
    first = await street.run(MONDAY)
    for piece in (1, 2, 5):
        street.with_policy(piece=piece)
        assert (await street.run(MONDAY)).counts == first.counts


async def test_a_sealed_month_is_gone_over_alike(street: Street) -> None:
    await street.only(FILE_FED)
    await street.load(*(day_of(FILE_FED, day) for day in WEEKS))
    await street.load(day_of(FILE_FED, MONDAY, without(shape(MONDAY), *range(30, 60))))
    for month in (month_number(MONDAY) - 1, month_number(MONDAY)):
        await seal(street.database, month, street.clock)
    street.at(MONDAY + 40 * DAY)
    assert await states_of(street, MONDAY) == {State.PRESENT: 66, State.ESTIMATED: 30}
    assert (await street.run(MONDAY)).estimated_days == 0


async def test_with_the_switch_off_nothing_is_estimated(street: Street) -> None:
    await street.only(FILE_FED)
    street.with_policy(estimate=False)
    await street.load(day_of(FILE_FED, MONDAY, without(shape(MONDAY), 10)))
    street.at(MONDAY + 5 * DAY)
    assert await states_of(street, MONDAY) == {State.PRESENT: 95, State.IMPOSSIBLE: 1}


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
