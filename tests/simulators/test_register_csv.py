"""Register reads for simulated meters: they agree with the meters' quarter hours, and loaders take them."""

from datetime import UTC, date, datetime
from pathlib import Path

from portal.usage.register_files import parse_daily, parse_monthly
from simulators.register_csv import months_between, write_daily, write_monthly
from simulators.street import street

PREMISES = street(7, 3)
KNOWN = {premise.esi_id for premise in PREMISES}
TODAY = date(2026, 7, 1)


def test_a_day_s_registers_differ_by_the_sum_of_its_quarter_hours_on_days_of_any_length(tmp_path: Path) -> None:
    write_daily(tmp_path / "daily.csv", PREMISES, date(2026, 3, 7), date(2026, 3, 9))
    reads = list(parse_daily([(tmp_path / "daily.csv").read_bytes()], KNOWN, TODAY))
    assert [(read.esi_id, read.read_date.day) for read in reads] == [
        (premise.esi_id, day) for premise in PREMISES for day in (7, 8, 9)
    ]
    loads = {premise.esi_id: premise.load for premise in PREMISES}
    for read in reads:
        assert read.start_wh is not None
        assert read.end_wh is not None
        assert read.end_wh - read.start_wh == read.usage_wh == sum(loads[read.esi_id].day(read.read_date).delivered)
    assert reads[0].end_wh == reads[1].start_wh
    assert reads[0].revised_at == datetime(2026, 3, 8, 13, 41, tzinfo=UTC)


def test_a_billing_period_is_a_calendar_month_that_is_over(tmp_path: Path) -> None:
    assert list(months_between(date(2025, 11, 2), date(2026, 2, 27))) == [
        (date(2025, 12, 1), date(2025, 12, 31)),
        (date(2026, 1, 1), date(2026, 1, 31)),
    ]
    write_monthly(tmp_path / "monthly.csv", PREMISES, date(2026, 5, 1), date(2026, 6, 30))
    periods = list(parse_monthly([(tmp_path / "monthly.csv").read_bytes()], KNOWN, TODAY))
    assert [(each.start_date, each.end_date) for each in periods[:2]] == [
        (date(2026, 5, 1), date(2026, 5, 31)),
        (date(2026, 6, 1), date(2026, 6, 30)),
    ]
    june = periods[1]
    days = [PREMISES[0].load.day(date(2026, 6, day)).delivered for day in range(1, 31)]
    assert june.actual_wh == sum(map(sum, days))
    assert june.metered_w == max(map(max, days)) * 4
