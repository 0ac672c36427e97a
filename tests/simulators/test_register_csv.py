"""Register reads for simulated meters: they agree with the meters' quarter hours, and loaders take them."""

from datetime import UTC, date, datetime
from pathlib import Path

from gateway.clock import central_midnight
from portal.usage.esi_ids import KnownMeters
from portal.usage.register_files import parse_daily, parse_monthly
from simulators.register_csv import RegisterDay, noted, write_daily, write_monthly
from simulators.smt_csv import history
from simulators.street import street

PREMISES = street(7, 3)
KNOWN = KnownMeters(premise.esi_id for premise in PREMISES)
TODAY = date(2026, 7, 1)


def counted(first: date, last: date) -> list[RegisterDay]:
    """What the registers of the premises show from one day to another."""
    starts = {premise.esi_id: premise.load.delivered_wh(central_midnight(first)) for premise in PREMISES}
    reads: list[RegisterDay] = []
    assert len(list(noted(history(PREMISES, first, last), starts, reads))) == len(reads)
    return reads


def test_a_day_s_registers_differ_by_the_sum_of_its_quarter_hours_on_days_of_any_length(tmp_path: Path) -> None:
    write_daily(tmp_path / "daily.csv", counted(date(2026, 3, 7), date(2026, 3, 9)))
    reads = list(parse_daily([(tmp_path / "daily.csv").read_bytes()], KNOWN, TODAY))
    assert [(read.esi_id, read.read_date.day) for read in reads] == [
        (premise.esi_id, day) for premise in PREMISES for day in (7, 8, 9)
    ]
    loads = {premise.esi_id: premise.load for premise in PREMISES}
    for read in reads:
        assert read.start_wh is not None
        assert read.end_wh is not None
        assert read.start_wh == loads[read.esi_id].delivered_wh(central_midnight(read.read_date))
        assert read.end_wh - read.start_wh == read.usage_wh == sum(loads[read.esi_id].day(read.read_date).delivered)
    assert reads[0].end_wh == reads[1].start_wh
    assert reads[0].revised_at == datetime(2026, 3, 8, 13, 41, tzinfo=UTC)


def test_a_billing_period_is_a_calendar_month_of_which_every_day_is_there(tmp_path: Path) -> None:
    write_monthly(tmp_path / "monthly.csv", counted(date(2026, 5, 2), date(2026, 7, 30)))
    periods = list(parse_monthly([(tmp_path / "monthly.csv").read_bytes()], KNOWN, TODAY))
    assert [(each.start_date, each.end_date) for each in periods] == [(date(2026, 6, 1), date(2026, 6, 30))] * 3
    june = periods[0]
    days = [PREMISES[0].load.day(date(2026, 6, day)).delivered for day in range(1, 31)]
    assert june.actual_wh == sum(map(sum, days))
    assert june.metered_w == max(map(max, days)) * 4
