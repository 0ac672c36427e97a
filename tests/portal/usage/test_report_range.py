"""Which days a report may span: every bound, told with the day that would have been right."""

from datetime import date

import pytest

from portal.usage.report_range import ReportRefusal, months_before, refusal
from portal.usage.smt_file import EARLIEST

TODAY, INSTALLED = date(2026, 7, 1), date(2020, 3, 5)


def test_rpt_06_a_report_reaches_exactly_48_months_back() -> None:
    """RPT-06: "Start Date max 48 months back"."""
    assert refusal(date(2022, 7, 1), TODAY, TODAY, INSTALLED) is None
    refused = refusal(date(2022, 6, 30), TODAY, TODAY, INSTALLED)
    assert refused is not None
    assert (refused.reason, refused.bound) == (ReportRefusal.TOO_OLD, date(2022, 7, 1))
    assert refused.words == "The start, 2022-06-30, may be 2022-07-01 at the earliest: reports reach 48 months back."


def test_months_are_calendar_months_and_short_ones_end_early() -> None:
    assert months_before(date(2028, 2, 29), 48) == date(2024, 2, 29)
    assert months_before(date(2024, 2, 29), 12) == date(2023, 2, 28)
    assert months_before(date(2026, 1, 31), 2) == date(2025, 11, 30)
    assert months_before(date(2026, 12, 1), 0) == date(2026, 12, 1)


@pytest.mark.parametrize(
    ("today", "installed", "reason", "bound"),
    [
        (date(2012, 1, 1), date(2009, 1, 1), ReportRefusal.BEFORE_ALL, EARLIEST),
        (TODAY, date(2025, 4, 2), ReportRefusal.BEFORE_METER, date(2025, 4, 2)),
        (TODAY, date(2009, 1, 1), ReportRefusal.TOO_OLD, date(2022, 7, 1)),
    ],
)
def test_rpt_08_the_latest_bound_of_the_start_is_told(
    today: date, installed: date, reason: ReportRefusal, bound: date
) -> None:
    """RPT-08: "No data before 1 Feb 2010 nor before the meter's installation date"."""
    refused = refusal(date(2010, 1, 31), today, today, installed)
    assert refused is not None
    assert (refused.reason, refused.bound) == (reason, bound)
    assert str(bound) in refused.words
    assert refusal(bound, today, today, installed) is None


def test_a_report_neither_ends_before_its_start_nor_in_the_future() -> None:
    turned = refusal(date(2026, 6, 2), date(2026, 6, 1), TODAY, INSTALLED)
    assert turned is not None
    assert (turned.reason, turned.bound) == (ReportRefusal.ORDER, date(2026, 6, 1))
    ahead = refusal(TODAY, date(2026, 7, 2), TODAY, INSTALLED)
    assert ahead is not None
    assert (ahead.reason, ahead.bound) == (ReportRefusal.FUTURE, TODAY)
    assert refusal(TODAY, TODAY, TODAY, INSTALLED) is None
