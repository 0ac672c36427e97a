"""Section 8.4.1: the daily LSE files of a REP's meters, fetched from its folder."""

from datetime import datetime, time, timedelta
from hashlib import sha256
from pathlib import Path

from gateway.clock import CENTRAL, central_date
from gateway.database import Database
from portal.files.lse_dropper import LseDropper
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import Channel, MeterDay
from portal.usage.lse_file import parse
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import SourceFile
from tests.clock import HandClock
from tests.portal.files.stand import BLUEBONNET, LONE_STAR, Client, stand
from tests.portal.world import esi


async def test_rpt_22_the_daily_lse_files_of_a_reps_meters_are_downloaded_from_its_ftps_folder(
    database: Database, clock: HandClock, tmp_path: Path
) -> None:
    """RPT-22: "This is the same SMT FTPS site where you download the daily LSE files for your Smart Meters." """
    day = central_date(clock.now()) - timedelta(days=1)
    reported = {
        number: MeterDay(
            esi_id=esi(number),
            day=day,
            channel=Channel.CONSUMPTION,
            revised_at=None,
            values=tuple(range(number, number + 96)),
            estimated=(False,) * 96,
        )
        for number in (1, 2, 3)
    }
    store = await SqlIntervalStore.opened(database)
    source = SourceFile(name="x", sha256=sha256(b"x").hexdigest(), received_at=clock.now())
    await store.load(source, lambda: iter(reported.values()))
    clock.set(datetime.combine(day + timedelta(days=2), time(0), CENTRAL))
    async with stand(database, tmp_path, clock) as servers:
        await LseDropper(database, store, clock, servers.settings).drop(day)

        def fetch_all(client: Client) -> list[MeterDay]:
            files = [client.fetched(f"lse/{name}") for name in client.nlst("lse")]
            return [each for file in files for each in parse([file], KnownMeters(map(esi, range(9))), day)]

        assert await servers.ftps(fetch_all, LONE_STAR) == [reported[1], reported[2]]
        assert await servers.ftps(fetch_all, BLUEBONNET) == [reported[3]]
