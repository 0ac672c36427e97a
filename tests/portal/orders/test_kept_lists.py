"""Lists of meters that are kept for a day, on both databases."""

from datetime import timedelta

from sqlalchemy import func, select

from gateway.dice import SeededDice
from portal.orders.kept_lists import KEPT, find_list, keep
from portal.orders.meter_list import By, MeterList
from portal.orders.tables import meter_lists
from tests.portal.orders.stand import Stand
from tests.portal.world import esi, viewer


async def test_a_list_is_kept_with_what_was_found_and_forgotten_by_the_worker_after_a_day(stand: Stand) -> None:
    who, other = await viewer(stand.database, "rep.user"), await viewer(stand.database, "rep.admin")
    wanted = MeterList(by=By.METER_NUMBER, values=("M00001", "M00003", "M00005", "M77777"))
    now, dice = stand.clock.now(), SeededDice(3)
    kept = await stand.database.write(lambda each: keep(each, who, wanted, "a\nb.csv", dice, now))
    assert (kept.count, kept.found, kept.missing, kept.file_name) == (4, 2, ("M00003", "M77777"), "ab.csv")
    async with stand.database.reading() as connection:
        assert await find_list(connection, who, kept.id, now) == kept
        assert await find_list(connection, other, kept.id, now) is None
        assert await find_list(connection, who, kept.id, now + KEPT) is None
    await stand.clock.advance((KEPT - timedelta(seconds=1)).total_seconds())
    await stand.worker().tidy()
    assert await _count(stand) == 1
    await stand.clock.advance(1)
    await stand.worker().tidy()
    assert await _count(stand) == 0


async def test_ten_thousand_values_are_kept_whole(stand: Stand) -> None:
    who, now = await viewer(stand.database, "rep.admin"), stand.clock.now()
    wanted = MeterList(by=By.ESI_ID, values=tuple(esi(number) for number in range(1, 10_001)))
    kept = await stand.database.write(lambda each: keep(each, who, wanted, None, SeededDice(4), now))
    async with stand.database.reading() as connection:
        found = await find_list(connection, who, kept.id, now)
    assert found is not None
    assert (found.wanted, found.found, len(found.missing)) == (wanted, 3, 9_997)


async def _count(stand: Stand) -> int:
    async with stand.database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(meter_lists)) or 0
