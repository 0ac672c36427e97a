"""Guide 8, Creating Usage Reports, and 7.3, Exporting Reports: rules RPT-01 to RPT-23, PMI-06, PMI-07, IMP-07.

The rules of days and of lists are tried as pure functions beside them too (test_report_range, test_meter_list).
"""

import csv
import io
import re
import zipfile
from datetime import date, timedelta
from typing import Any

import httpx
import openpyxl
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select, update

from gateway.clock import central_midnight
from portal.companies.tables import companies
from portal.meters.tables import meters
from portal.reports.forms import Report
from portal.reports.information import METER_FIELDS, PREMISE_FIELDS
from portal.reports.size import Large, is_large
from portal.usage.report_range import months_before
from tests.portal.conftest import SignIn
from tests.portal.orders.conftest import portal, stand
from tests.portal.orders.stand import DAY, Stand
from tests.portal.world import esi

__all__ = ["portal", "stand"]

TODAY = date(2026, 7, 1)
REPORTS = {"usage": "daily_usage", "daily-reads": "daily_reads", "monthly-usage": "monthly_usage"}
MAY = {"start": "2026-04-15", "end": "2026-05-24"}


async def get(client: httpx.AsyncClient, kind: str, number: int = 1, **asked: Any) -> httpx.Response:
    return await client.get(f"/meters/{esi(number)}/{kind}", params={**MAY, **asked})


async def installed_long_ago(stand: Stand) -> None:
    """The world's meters have been there for longer than any report reaches."""
    await stand.database.write(
        lambda each: each.execute(update(meters).values(installed_at=central_midnight(date(2009, 1, 1))))
    )


async def completed(client: httpx.AsyncClient, stand: Stand, **order: Any) -> dict[str, Any]:
    """An order that is placed and made."""
    answer = await client.post("/orders", json={"meters": [esi(1), esi(2)], **order})
    assert answer.status_code == 202, answer.text
    assert await stand.worker().work()
    done: dict[str, Any] = (await client.get(f"/orders/{answer.json()['number']}")).json()
    return done


async def contents(client: httpx.AsyncClient, order: dict[str, Any]) -> dict[str, bytes]:
    """The files of an order by their reports."""
    found = {}
    for file in order["files"]:
        answer = await client.get(f"/orders/{order['number']}/files/{file['name']}")
        assert answer.status_code == 200
        found[file["report"]] = answer.content
    return found


async def test_rpt_01_three_reports_are_had_over_the_api(signed_in: SignIn, stand: Stand) -> None:
    """RPT-01: "Three reports: Daily Usage (15 min), Daily Meter Reads, Monthly Usage; ... and via API"."""
    client = await signed_in("rep.user")
    for kind in REPORTS:
        answer = await get(client, kind)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), kind
    reads = (await get(client, "daily-reads")).json()["reads"]
    assert len(reads) == 40
    told = {each["read_date"]: each for each in reads}
    assert (told["2026-05-06"]["start_wh"], told["2026-05-06"]["end_wh"]) == (1_000_000, 1_031_337)
    assert (told["2026-05-07"]["start_wh"], told["2026-05-08"]["end_wh"]) == (None, None)
    (period,) = (await get(client, "monthly-usage")).json()["periods"]
    assert (period["start_date"], period["actual_wh"], period["metered_w"]) == ("2026-04-28", 1_000_000, None)


@pytest.mark.parametrize("kind", list(REPORTS))
async def test_every_report_comes_as_a_workbook_and_as_parquet(signed_in: SignIn, stand: Stand, kind: str) -> None:
    client = await signed_in("rep.user")
    answer = await get(client, kind, end="2026-05-20", format="xlsx")
    assert answer.headers["content-disposition"].endswith('2026-05-20_current.xlsx"')
    (sheet,) = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets
    assert sheet["A2"].value == esi(1)
    answer = await get(client, kind, end="2026-05-20", format="parquet")
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert pq.read_table(io.BytesIO(answer.content)).column("esi_id")[0].as_py() == esi(1)


@pytest.mark.parametrize("kind", ["daily-reads", "monthly-usage"])
@pytest.mark.parametrize("written_as", ["lse", "green_button"])
async def test_formats_of_intervals_are_refused_in_words_for_other_reports(
    signed_in: SignIn, stand: Stand, kind: str, written_as: str
) -> None:
    answer = await get(await signed_in("rep.user"), kind, format=written_as)
    assert (answer.status_code, answer.json()["reason"]) == (422, "format")
    assert answer.json()["detail"] == (
        f"{written_as} holds 15-minute intervals; this report is written as csv, json, xlsx or parquet."
    )


@pytest.mark.parametrize("kind", list(REPORTS))
async def test_rpt_04_both_dates_are_required(signed_in: SignIn, stand: Stand, kind: str) -> None:
    """RPT-04: "Options: Report Type, View (Current Version / Version Updates), Start Date, End Date, all required"."""
    client = await signed_in("rep.user")
    for asked in ({"start": "2026-05-01"}, {"end": "2026-05-01"}):
        assert (await client.get(f"/meters/{esi(1)}/{kind}", params=asked)).status_code == 422


@pytest.mark.parametrize("kind", list(REPORTS))
async def test_rpt_05_a_customer_sees_the_current_version_alone(signed_in: SignIn, stand: Stand, kind: str) -> None:
    """RPT-05: "Current Version = latest data only (all a customer ever sees)"."""
    client = await signed_in("maria.customer")
    assert (await get(client, kind)).status_code == 200
    assert (await get(client, kind, view="versions")).status_code == 403
    report = {"report": REPORTS[kind], **MAY}
    answer = await client.post("/orders", json={"meters": [esi(1)], "reports": [report], "view": "versions"})
    assert answer.json()["detail"] == "The current version is all that a customer sees."


@pytest.mark.parametrize(("kind", "months"), [("usage", 48), ("daily-reads", 48), ("monthly-usage", 24)])
async def test_rpt_06_and_rpt_07_reports_reach_so_many_months_back_and_no_day_further(
    signed_in: SignIn, stand: Stand, kind: str, months: int
) -> None:
    """RPT-06: "max 48 months back for Daily Usage and Daily Meter Reads"; RPT-07: "max 24 months back for Monthly"."""
    await installed_long_ago(stand)
    client, first = await signed_in("rep.user"), months_before(TODAY, months)
    order = {"meters": [esi(1)], "reports": [{"report": REPORTS[kind], "start": f"{first}", "end": f"{TODAY}"}]}
    assert (await get(client, kind, start=first, end=TODAY)).status_code == 200
    assert (await client.post("/orders", json=order)).status_code == 202
    early = first - timedelta(days=1)
    refused = await get(client, kind, start=early, end=TODAY)
    assert (refused.status_code, refused.json()["reason"], refused.json()["bound"]) == (422, "too_old", f"{first}")
    order["reports"] = [{"report": REPORTS[kind], "start": f"{early}", "end": f"{TODAY}"}]
    refused = await client.post("/orders", json=order)
    assert (refused.status_code, refused.json()["bound"]) == (422, f"{first}")
    assert f"reports reach {months} months back" in refused.json()["detail"]


@pytest.mark.parametrize("kind", list(REPORTS))
async def test_rpt_08_nothing_is_told_from_before_a_meter_was_installed(
    signed_in: SignIn, stand: Stand, kind: str
) -> None:
    """RPT-08: "No data before 1 Feb 2010 nor before the meter's installation date"."""
    client = await signed_in("rep.admin")
    hung = DAY + timedelta(days=1)
    await stand.database.write(
        lambda each: each.execute(
            update(meters).where(meters.c.esi_id == esi(2)).values(installed_at=central_midnight(hung))
        )
    )
    refused = await get(client, kind, number=2)
    assert (refused.status_code, refused.json()["reason"], refused.json()["bound"]) == (422, "before_meter", f"{hung}")
    order = await completed(client, stand, reports=[{"report": REPORTS[kind], **MAY}])
    (text,) = (await contents(client, order)).values()
    days = [row[1] for row in csv.reader(io.StringIO(text.decode())) if row[0] == f"'{esi(2)}"]
    assert all(day >= f"{hung:%m/%d/%Y}" for day in days)
    assert esi(1).encode() in text


def test_rpt_10_a_small_request_is_answered_at_once() -> None:
    """RPT-10: "Small request (example: < 40 days of Daily Usage) updates the view at once"; AMB-09 for the others."""
    end = date(2026, 6, 30)
    assert not is_large(Report.DAILY_USAGE, end - timedelta(days=38), end, Large())
    assert is_large(Report.DAILY_USAGE, end - timedelta(days=39), end, Large())
    assert not is_large(Report.DAILY_READS, date(2025, 5, 31), end, Large())
    assert is_large(Report.DAILY_READS, date(2025, 5, 30), end, Large())
    assert not is_large(Report.MONTHLY_USAGE, date(2024, 7, 1), end, Large())


@pytest.mark.parametrize("written_as", ["xlsx", "parquet"])
async def test_rpt_11_a_large_request_is_made_as_an_order(signed_in: SignIn, stand: Stand, written_as: str) -> None:
    """RPT-11: "Large request (example: 6 months) runs offline: Order Number, mail with the report attached"."""
    client = await signed_in("rep.user")
    large = {"start": "2026-01-01", "end": "2026-06-30", "format": written_as}
    refused = await client.get(f"/meters/{esi(1)}/usage", params=large)
    assert (refused.status_code, refused.json()["reason"]) == (422, "large")
    assert "POST /api/v1/orders" in refused.json()["detail"]
    order = await completed(client, stand, reports=[{"report": "daily_usage", **large}])
    (letter,) = await stand.letters()
    assert letter.recipient == "rep.user@example.com"
    assert letter.subject == f"Report order {order['number']}: Complete"
    (attached,) = letter.attachments
    assert re.fullmatch(rf"IntervalMeterUsage\d{{17}}[0-9A-F]{{32}}EML\.{written_as.upper()}", attached["name"])
    assert attached["name"] in letter.text
    assert order["files"][0]["name"] not in letter.text


async def test_rpt_17_any_combination_of_reports_has_its_own_days(signed_in: SignIn, stand: Stand) -> None:
    """RPT-17: "many meters or import result; any combination of the three reports; View option; own start/end"."""
    client = await signed_in("rep.admin")
    reports = [
        {"report": "daily_usage", "start": "2026-05-06", "end": "2026-05-06", "format": "green_button"},
        {"report": "daily_reads", "start": "2026-05-01", "end": "2026-05-10", "format": "json"},
        {"report": "monthly_usage", "start": "2026-04-01", "end": "2026-06-30"},
    ]
    order = await completed(client, stand, reports=reports)
    found = await contents(client, order)
    assert list(found) == ["daily_usage", "daily_reads", "monthly_usage"]
    assert len(zipfile.ZipFile(io.BytesIO(found["daily_usage"])).namelist()) == 2
    assert found["daily_reads"].count(b"read_date") == 20
    assert len(found["monthly_usage"].splitlines()) == 3
    missing = await client.post("/orders", json={"meters": [esi(1)], "reports": [{"report": "daily_usage"}]})
    assert missing.json()["detail"] == "Daily Usage needs a start and an end."


async def test_rpt_18_and_mail_10_an_export_has_a_number_a_letter_and_a_place_in_the_folder(
    signed_in: SignIn, stand: Stand
) -> None:
    """RPT-18, MAIL-10: "Order Number, offline, mail on completion with report attached; the two daily reports also on
    FTP"."""
    client = await signed_in("rep.admin")
    reports = [{"report": "daily_usage", **MAY}, {"report": "daily_reads", **MAY}]
    order = await completed(client, stand, reports=reports)
    (letter,) = await stand.letters()
    assert f"{order['number']}" in letter.subject
    assert len(letter.attachments) == 2
    async with stand.database.reading() as connection:
        company = await connection.scalar(select(companies.c.id).where(companies.c.name == "Lone Star Power"))
    names = stand.in_folder(company or 0)
    assert [name.partition("20")[0] for name in names] == ["DailyMeterUsage", "IntervalMeterUsage"]


async def test_rpt_20_an_order_is_processing_and_then_complete(signed_in: SignIn, stand: Stand) -> None:
    """RPT-20: "Report Request Status screen, statuses Processing, Unsuccessful, Complete" (RPT-23 for the second)."""
    client = await signed_in("rep.admin")
    placed = await client.post("/orders", json={"meters": [esi(1)], "reports": [{"report": "daily_reads", **MAY}]})
    assert placed.json()["state"] == "processing"
    await stand.worker().work()
    assert [each["state"] for each in (await client.get("/orders")).json()["orders"]] == ["complete"]


async def test_rpt_21_the_details_say_when_no_data_matched(signed_in: SignIn, stand: Stand) -> None:
    """RPT-21: "The Details section of the status screen says when no data matched"."""
    client = await signed_in("rep.admin")
    empty = {"start": "2025-02-01", "end": "2025-02-28"}
    reports = [{"report": "daily_usage", **empty}, {"report": "daily_reads", **empty}]
    order = await completed(client, stand, reports=reports)
    assert order["state"] == "complete"
    assert order["details"].endswith("No data was found that matched the options.")
    reports = [{"report": "daily_usage", **MAY}, {"report": "daily_reads", **empty}]
    order = await completed(client, stand, reports=reports)
    assert order["details"].endswith("No data was found that matched the options of Daily Meter Reads.")


async def test_pmi_06_and_pmi_07_premise_and_meter_information_are_ordered(signed_in: SignIn, stand: Stand) -> None:
    """PMI-06: "one or many meters ...; choose Premise and/or Meter"; PMI-07: "runs offline, shows an Order Number"."""
    client = await signed_in("rep.admin")
    await stand.database.write(
        lambda each: each.execute(
            update(meters).where(meters.c.esi_id == esi(1)).values(model="=cmd|'/c calc'!A1", instrument_rated=False)
        )
    )
    order = await completed(client, stand, reports=[{"report": "premise"}, {"report": "meter"}])
    found = {
        kind: list(csv.reader(io.StringIO(text.decode()))) for kind, text in (await contents(client, order)).items()
    }
    assert found["premise"][0] == [name for name, _ in PREMISE_FIELDS]
    assert found["meter"][0] == [name for name, _ in METER_FIELDS]
    assert (len(PREMISE_FIELDS), len(METER_FIELDS)) == (20, 26)
    assert [row[1] for row in found["premise"][1:]] == [f"'{esi(1)}", f"'{esi(2)}"]
    one = dict(zip(*found["meter"][:2], strict=True))
    assert (one["Meter Number"], one["Meter Model"]) == ("M00001", "'=cmd|'/c calc'!A1")
    assert (one["Instrument Rated"], one["CT Ratio"]) == ("N", "N/A")
    (letter,) = await stand.letters()
    assert letter.attachments == []
    assert "/files/premise-information_order-" in letter.text


@pytest.mark.parametrize(("kind", "fields"), [("premise", PREMISE_FIELDS), ("meter", METER_FIELDS)])
async def test_pmi_05_information_of_one_meter_comes_at_once(
    signed_in: SignIn, stand: Stand, kind: str, fields: Any
) -> None:
    """PMI-05: "From view: Print, or Export = immediate CSV download"."""
    client = await signed_in("rep.user")
    answer = await client.get(f"/meters/{esi(1)}/{kind}-information")
    assert answer.headers["content-disposition"] == f'attachment; filename="{kind}-information_{esi(1)}.csv"'
    header, row = csv.reader(io.StringIO(answer.text))
    assert (header, row[1]) == ([name for name, _ in fields], f"'{esi(1)}")
    foreign, none = [await client.get(f"/meters/{esi(number)}/{kind}-information") for number in (3, 99)]
    assert (foreign.status_code, foreign.content) == (404, none.content)


async def test_imp_07_an_import_exports_what_was_found_and_counts_the_rest(signed_in: SignIn, stand: Stand) -> None:
    """IMP-07: "exports reports for all meters successfully found; not found ones are left out (better: reported)"."""
    client = await signed_in("rep.admin")
    order = '{"reports": [{"report": "daily_reads", "start": "2026-05-06", "end": "2026-05-06"}]}'
    file = ("meters.csv", f"{esi(1)}\n{esi(3)}\n{esi(99)}\n", "text/csv")
    answer = await client.post("/orders/import", data={"order": order}, files={"file": file})
    assert (answer.json()["meters"], answer.json()["not_found"]) == (1, 2)
    await stand.worker().work()
    done = (await client.get(f"/orders/{answer.json()['number']}")).json()
    (text,) = (await contents(client, done)).values()
    assert [esi(number).encode() in text for number in (1, 3, 99)] == [True, False, False]
