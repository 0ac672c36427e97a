"""latestodrread: statuses, values and dates, as pure functions."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.reads.status import ReadStatus
from portal.smt.latest_read import Success, read_dates, told

NOON = datetime(2026, 7, 1, 17, 0, 5, tzinfo=UTC)
FIRST = Success(read_at=NOON, delivered_wh=9_707_386)
SECOND = Success(read_at=NOON + timedelta(hours=1), delivered_wh=9_751_212)


def test_a_meter_never_read_has_no_status_and_no_value() -> None:
    answer = told(None, [])
    assert (answer["odrstatus"], answer["odrread"], answer["odrdate"]) == (None, None, None)


def test_a_success_tells_its_value_the_usage_since_the_one_before_and_its_chicago_time() -> None:
    assert told(ReadStatus.DONE, [FIRST, SECOND]) == {
        "odrstatus": "COMPLETED",
        "odrread": "9751.212",
        "odrusage": "43.826",
        "odrdate": "07/01/2026 13:00:05",
        "responseMessage": "SUCCESS",
    }


def test_the_first_success_has_no_usage() -> None:
    assert told(ReadStatus.DONE, [FIRST])["odrusage"] is None


@pytest.mark.parametrize("status", [ReadStatus.QUEUED, ReadStatus.SENT, ReadStatus.ACCEPTED, ReadStatus.ON_AIR])
def test_an_open_read_is_pending_with_the_date_of_the_last_success(status: ReadStatus) -> None:
    answer = told(status, [FIRST])
    assert (answer["odrstatus"], answer["odrread"], answer["odrusage"]) == ("PENDING", "0", "0")
    assert answer["odrdate"] == "07/01/2026 12:00:05"


@pytest.mark.parametrize("status", [ReadStatus.FAILED, ReadStatus.REFUSED])
def test_a_read_without_a_value_failed_and_the_old_value_is_not_told_again(status: ReadStatus) -> None:
    answer = told(status, [FIRST, SECOND])
    assert (answer["odrstatus"], answer["odrread"], answer["odrusage"]) == ("FAILED", None, None)
    assert answer["odrdate"] == "07/01/2026 13:00:05"


def test_a_register_that_the_meter_does_not_have_is_no_zero() -> None:
    answer = told(ReadStatus.DONE, [FIRST, Success(read_at=NOON, delivered_wh=None)])
    assert (answer["odrread"], answer["odrusage"]) == (None, None)


def test_two_reads_at_the_same_wall_time_when_the_clock_is_put_back_have_two_dates() -> None:
    first = datetime(2025, 11, 2, 6, 30, tzinfo=UTC)
    assert read_dates([first, first + timedelta(hours=1)]) == ["11/02/2025 01:30:00", "11/02/2025 01:30:01"]
