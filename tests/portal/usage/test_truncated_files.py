"""Files cut off at every hundredth of their length: what is torn is refused, what is left whole is all that counts."""

import gzip
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.database import Database
from portal.usage import lse_write, smt_write
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import MeterDay
from portal.usage.load import Loader
from portal.usage.load_settings import LoadSettings
from portal.usage.register_files import DAILY, MONTHLY, DailyRead, MonthlyUsage
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from tests.clock import HandClock
from tests.portal.usage.files import FALL, METER, OTHER, PLAIN, SPRING, meter_day
from tests.portal.usage.test_containers import zipped

ALL_TIME = (date(2010, 2, 1), date(2030, 1, 1))
CUTS = range(1, 100)
DAYS = [
    meter_day(range(count), day, meter)
    for meter in (METER, OTHER)
    for count, day in ((100, FALL), (92, SPRING), (96, PLAIN), (96, PLAIN + timedelta(days=1)))
]
IN_ORDER = sorted(DAYS, key=lambda each: (each.esi_id != METER, each.day))
Written = Callable[[Sequence[MeterDay]], str]
FORMATS: dict[str, Written] = {
    "csv": lambda days: "".join(smt_write.write(days)),
    "lse": lambda days: "".join(lse_write.write(days)),
    "lse in long rows": lambda days: "".join(lse_write.write(days, in_a_row=24)),
}


class Loading:
    """A loader over a store of its own, and what it said."""

    def __init__(self, store: SqlIntervalStore, registers: RegisterStore, folder: Path) -> None:
        self.store, self.registers, self._folder = store, registers, folder
        self._loader = Loader(store, registers, HandClock(), LoadSettings())
        self._loader.known = KnownMeters([METER, OTHER])

    async def load(self, name: str, data: bytes) -> Sequence[str]:
        """Load bytes as a file; returns the refusals."""
        path = self._folder / name
        path.write_bytes(data)
        return (await self._loader.load_path(path)).refused

    async def days(self) -> list[MeterDay]:
        """Everything that stands."""
        return [each.data for meter in (METER, OTHER) for each in await self.store.current(meter, *ALL_TIME)]


@pytest.fixture
async def loading(database_url: str, tmp_path: Path) -> AsyncIterator[Loading]:
    database = Database.open(database_url)
    yield Loading(await SqlIntervalStore.opened(database), RegisterStore(database), tmp_path)
    await database.close()


def is_head_of(told: MeterDay, day: MeterDay) -> bool:
    """Whether a meter-day is the first quarter hours of another, the others missing."""
    known = [place for place, value in enumerate(told.values) if value is not None]
    there = len(known)
    return known == list(range(there)) and told == replace(day, values=(*day.values[:there], *told.values[there:]))


@pytest.mark.parametrize("form", FORMATS)
async def test_a_file_cut_anywhere_is_refused_or_is_its_first_records_exactly(loading: Loading, form: str) -> None:
    data = FORMATS[form](DAYS).encode()
    refused, stands = 0, list[MeterDay]()
    for cut in CUTS:
        part = data[: len(data) * cut // 100]
        refusals = await loading.load(f"{cut}.txt", part)
        found = await loading.days()
        if refusals:
            refused += 1
            assert "Nothing of this file was stored" in refusals[0]
            assert found == stands, "what was refused left something"
            continue
        stands = found
        assert found[:-1] == IN_ORDER[: len(found) - 1]
        last = IN_ORDER[len(found) - 1]
        assert found[-1] == last or (form == "csv" and is_head_of(found[-1], last))
    assert refused > 90, "hardly any cut falls between two records"


@pytest.mark.parametrize("form", FORMATS)
async def test_a_cut_between_records_shows_in_nothing_but_in_what_is_not_there(loading: Loading, form: str) -> None:
    data = FORMATS[form](DAYS[:3]).encode()
    assert await loading.load("cut.txt", data) == []
    assert await loading.days() == sorted(DAYS[:3], key=lambda each: each.day)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("pack", [gzip.compress, lambda data: zipped(("IntervalData.txt", data))], ids=["gzip", "zip"])
async def test_an_archive_cut_anywhere_is_refused(loading: Loading, form: str, pack: Callable[[bytes], bytes]) -> None:
    data = pack(FORMATS[form](DAYS).encode())
    for cut in CUTS:
        assert len(await loading.load(f"{cut}.bin", data[: len(data) * cut // 100])) == 1
    assert await loading.days() == []
    assert await loading.load("whole.bin", data) == []
    assert len(await loading.days()) == len(DAYS)


READ = "'{},05/{:02}/2026,05/07/2026 07:40:29,1200.500,1230.750,30.250"
MONTH = "'{},04/{:02}/2026,05/06/2026,05/07/2026 07:40:29,905.125,4.200,4.200,4.250,5.000"


@pytest.mark.parametrize(("columns", "row", "kind"), [(DAILY, READ, DailyRead), (MONTHLY, MONTH, MonthlyUsage)])
async def test_register_reads_cut_anywhere_are_refused_or_whole_rows(
    loading: Loading, columns: Sequence[str], row: str, kind: type[Any]
) -> None:
    rows = [row.format(METER, day) for day in range(1, 29)]
    data = "\n".join([",".join(columns), *rows, ""]).encode()
    refused = 0
    for cut in CUTS:
        part = data[: len(data) * cut // 100]
        whole = part.count(b"\n") - 1
        before = await loading.registers.current(kind, METER, *ALL_TIME)
        refusals = await loading.load(f"{cut}.csv", part)
        after = await loading.registers.current(kind, METER, *ALL_TIME)
        refused += bool(refusals)
        assert len(after) == (len(before) if refusals else max(whole, len(before)))
    assert refused > 60
