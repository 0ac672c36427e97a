"""What clients of Smart Meter Texas are answered: fields, statuses, texts, and always JSON."""

import asyncio
import json
import tempfile
from datetime import UTC, date, datetime
from functools import partial
from itertools import product
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from gateway.database import Database
from gateway.dice import SeededDice
from gateway.identifiers import RequestId
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts
from portal.orders.changing import cancel
from portal.orders.meter_list import By, MeterList
from portal.orders.placing import place
from portal.orders.request import OrderedReport, OrderRequest
from portal.orders.settings import OrderSettings
from portal.reports.forms import Report
from portal.saved_reports.definitions import (
    ReportDefinition,
    SavedReport,
    Wanted,
    pause_definition,
    save_definition,
)
from portal.saved_reports.schedule import Every, Schedule, Window
from portal.smt.facade import NO_DATA, SUBMITTED
from portal.usage.intervals import Channel, MeterDay
from portal.usage.register_files import DailyRead, MonthlyUsage
from portal.usage.store import SourceFile
from tests.clock import HandClock
from tests.portal.smt.stand import Stand, standing
from tests.portal.world import PASSWORD, esi, settle, viewer

PATHS = (
    "/api/meter",
    "/api/dashboard",
    "/api/ondemandread",
    "/api/usage/latestodrread",
    "/api/adhoc/intervalsynch",
    "/api/user/getuser",
    "/api/usage/interval",
    "/api/usage/daily",
    "/api/usage/monthly",
    "/api/reportrequeststatus",
    "/api/subhistory",
)
OPEN_PATHS = ("/commonapi/user/authenticate", "/api/user/authenticate")
RANGE = {"startDate": "07/01/2026", "endDate": "07/01/2026", "reportFormat": "JSON", "versionDate": None}
STRANGERS = [esi(3), "10443720999999999", "12", "", None, 7, {"a": 1}]
"""Another's meter, one that does not exist, and things that are no ESI ID."""


def is_json(response: httpx.Response) -> bool:
    """Whether an answer is what JSON clients can read."""
    return response.headers["content-type"] == "application/json" and response.json() is not None


@pytest.mark.parametrize("path", OPEN_PATHS)
async def test_signing_in_answers_with_the_fields_of_the_original(stand: Stand, path: str) -> None:
    credentials = {"username": "Maria.Customer", "password": PASSWORD, "rememberMe": "true"}
    response = await stand.http.post(path, json=credentials)
    assert response.status_code == 200
    answer = response.json()
    assert len(answer.pop("token")) > 40
    assert answer == {
        "usr_id": "maria.customer",
        "is_rgstrd": "Y",
        "usr_type": "RES",
        "usr_frst_nm": "Maria",
        "usr_lst_nm": "Doe",
        "usr_eml": "maria.customer@example.com",
        "lang_pref": "es",
        "ai": "N",
        "smtStatus": "active",
        "smtStatuskey": "SMTPR_smtStatus",
    }


@pytest.mark.parametrize(
    ("user_id", "password"), [("maria.customer", "wrong"), ("nobody.here", PASSWORD), ("", ""), ("maria.customer", "")]
)
async def test_a_wrong_sign_in_is_400_and_does_not_tell_who_exists(stand: Stand, user_id: str, password: str) -> None:
    response = await stand.http.post(OPEN_PATHS[0], json={"username": user_id, "password": password})
    assert response.status_code == 400
    assert response.json()["errormessage"] == "ERR-USR-INVALIDPASSWORDERROR"


async def test_failing_logins_from_one_address_are_slowed_down_with_403(stand: Stand) -> None:
    wrong = [
        await stand.http.post(OPEN_PATHS[0], json={"username": f"guess.{number}", "password": "x"})
        for number in range(21)
    ]
    assert [response.status_code for response in wrong] == [400] * 20 + [403]
    assert is_json(wrong[-1])
    assert int(wrong[-1].headers["retry-after"]) == 60
    right = {"username": "maria.customer", "password": PASSWORD}
    assert (await stand.http.post(OPEN_PATHS[0], json=right)).status_code == 403
    await stand.clock.advance(61)
    assert (await stand.http.post(OPEN_PATHS[0], json=right)).status_code == 200


async def test_five_wrong_passwords_lock_the_account_as_on_the_pages(stand: Stand) -> None:
    for _ in range(5):
        await stand.http.post(OPEN_PATHS[0], json={"username": "maria.customer", "password": "wrong"})
    right = await stand.http.post(OPEN_PATHS[0], json={"username": "maria.customer", "password": PASSWORD})
    assert right.status_code == 400


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_may_be_in_any_case(stand: Stand, scheme: str) -> None:
    token = await stand.token()
    assert (await stand.call(token, "/api/meter", {"esiid": "*"}, scheme)).status_code == 200


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", f"Bearer {'x' * 5000}", "Basic eDp5", "Bearer"])
async def test_a_missing_or_wrong_token_is_401_in_the_words_of_the_original(
    stand: Stand, authorization: str | None
) -> None:
    for number, path in enumerate(PATHS):
        # Each a token of its own, for one that is repeated is answered otherwise after a while.
        headers = {"Authorization": authorization.replace("nonsense", f"nonsense{number}")} if authorization else {}
        response = await stand.http.post(path, json={}, headers=headers)
        assert response.status_code == 401
        assert response.json() == {"message": "Invalid Token"}
        assert is_json(response)


async def test_a_token_lives_an_hour_past_its_last_use_and_no_longer_when_the_account_is_suspended(
    stand: Stand,
) -> None:
    token = await stand.token()
    for _ in range(20):
        await stand.clock.advance(15 * 60)
        assert (await stand.call(token, "/api/dashboard")).status_code == 200
    suspend = update(accounts).where(accounts.c.user_id == "maria.customer").values(status=AccountStatus.SUSPENDED)
    await stand.database.write(lambda connection: connection.execute(suspend))
    assert (await stand.call(token, "/api/dashboard")).status_code == 401


async def test_a_program_that_repeats_a_dead_token_without_a_pause_is_stopped_and_others_are_not(stand: Stand) -> None:
    statuses = [(await stand.call("dead", "/api/meter", {"esiid": "*"})).status_code for _ in range(30)]
    assert statuses == [401] * 10 + [429] * 20
    without = [(await stand.http.post("/api/meter")).status_code for _ in range(30)]
    assert without == [401] * 30
    last = await stand.call("dead", "/api/meter")
    assert is_json(last)
    assert int(last.headers["retry-after"]) > 0
    assert (await stand.call(await stand.token(), "/api/meter")).status_code == 200


@pytest.mark.parametrize("wanted", ["*", esi(1)])
async def test_the_list_of_meters_has_the_fields_of_the_original(stand: Stand, wanted: str) -> None:
    response = await stand.call(await stand.token(), "/api/meter", {"esiid": wanted})
    assert response.json() == {
        "data": [
            {
                "customer": "Maria Doe",
                "email": "maria.customer@example.com",
                "description": "1 Elm St",
                "address": "1 Elm St",
                "city": "Austin",
                "state": "TX",
                "zip": "78701",
                "esiid": esi(1),
                "meterNumber": "M00001",
                "meterMultiplier": 1,
                "fullAddress": "1 Elm St, Austin, TX 78701",
                "errmsg": "Success",
                "recordStatus": "ESIID-RECORD-EXISTS",
                "statusIndicator": True,
                "dunsNumber": "NO_DUNS",
            }
        ]
    }


async def test_a_rep_sees_its_own_meters_and_the_dashboard_shows_the_first(stand: Stand) -> None:
    token = await stand.token("rep.admin")
    listed = (await stand.call(token, "/api/meter", {"esiid": "*"})).json()["data"]
    assert [meter["esiid"] for meter in listed] == [esi(1), esi(2), esi(5)]
    assert {meter["customer"] for meter in listed} == {""}
    dashboard = (await stand.call(token, "/api/dashboard")).json()["data"]
    assert dashboard["defaultMeterDetails"] == listed[0]


async def test_a_meter_of_somebody_else_looks_like_one_that_does_not_exist(stand: Stand) -> None:
    token = await stand.token()
    unknown = {"data": None, "errormessage": "ERR-ESIID-NOTFOUND"}
    for wanted in STRANGERS:
        assert (await stand.call(token, "/api/ondemandread", {"ESIID": wanted})).json() == unknown
        assert (await stand.call(token, "/api/usage/latestodrread", {"ESIID": wanted})).json() == unknown
        synched = (await stand.call(token, "/api/adhoc/intervalsynch", {**RANGE, "ESIID": [wanted]})).json()["data"]
        assert (synched["energyData"], synched["errorMessage"]) == ([], NO_DATA)
        if isinstance(wanted, str) and wanted:
            assert (await stand.call(token, "/api/meter", {"esiid": wanted})).json() == {"data": []}


async def test_a_meter_that_no_gateway_reaches_is_said_so(stand: Stand) -> None:
    asked = await stand.ask(await stand.token("rep.admin"), 5)
    assert asked["statusCode"] == "1"
    assert "No gateway reaches this meter" in asked["statusReason"]


async def test_an_on_demand_read_is_submitted_pending_and_completed(stand: Stand) -> None:
    token = await stand.token()
    assert (await stand.latest(token))["odrstatus"] is None
    asked = await stand.ask(token)
    assert (asked["statusCode"], asked["statusReason"]) == ("0", SUBMITTED)
    assert (await stand.latest(token))["odrstatus"] == "PENDING"
    read = await stand.succeed(asked, 9_751_212)
    assert read.id == asked["correlationId"]
    assert await stand.latest(token) == {
        "odrstatus": "COMPLETED",
        "odrread": "9751.212",
        "odrusage": None,
        "odrdate": "07/01/2026 10:00:00",
        "responseMessage": "SUCCESS",
    }


async def test_the_meter_number_is_not_checked_and_names_may_be_in_any_case(stand: Stand) -> None:
    response = await stand.call(await stand.token(), "/api/ondemandread", {"esiid": esi(1), "meterNumber": 5})
    assert response.json()["data"]["statusReason"] == SUBMITTED


def day_of(channel: Channel, day: date) -> MeterDay:
    """A day of 1 Wh a quarter hour."""
    count = 100 if day == date(2025, 11, 2) else 92 if day == date(2026, 3, 8) else 96
    return MeterDay(
        esi_id=esi(1),
        day=day,
        channel=channel,
        revised_at=datetime(2026, 7, 2, 12, 40, 29, tzinfo=UTC),
        values=(1,) * count,
        estimated=(True,) + (False,) * (count - 1),
    )


async def load(stand: Stand, *days: MeterDay) -> None:
    """Put meter-days into the store."""
    source = SourceFile(name="one", sha256="one", received_at=stand.clock.now())
    await stand.intervals.load(source, lambda: iter(days))


async def test_intervals_come_in_a_hundred_slots_per_day_and_channel(stand: Stand) -> None:
    day = date(2026, 7, 1)
    await load(
        stand,
        day_of(Channel.CONSUMPTION, day),
        day_of(Channel.GENERATION, day),
        day_of(Channel.CONSUMPTION, date(2026, 7, 2)),
    )
    response = await stand.call(await stand.token(), "/api/adhoc/intervalsynch", {**RANGE, "ESIID": [esi(1)]})
    data = response.json()["data"]
    assert data["esiid"] == esi(1)
    assert [(entry["DT"], entry["RT"]) for entry in data["energyData"]] == [("07/01/2026", "C"), ("07/01/2026", "G")]
    assert data["energyData"][0]["RevTS"] == "07/02/2026 07:40:29"
    slots = ["0.001-E", *["0.001-A"] * 7, *[""] * 4, *["0.001-A"] * 88]
    assert data["energyData"][0]["RD"] == ",".join(slots)
    assert "errorMessage" not in data


@pytest.mark.parametrize(("day", "filled"), [("03/08/2026", 92), ("11/02/2025", 100)])
async def test_both_days_of_the_change_of_time_keep_their_slots(stand: Stand, day: str, filled: int) -> None:
    month, date_, year = (int(part) for part in day.split("/"))
    await load(stand, day_of(Channel.CONSUMPTION, date(year, month, date_)))
    body = {"startDate": day, "endDate": day, "ESIID": [esi(1)]}
    response = await stand.call(await stand.token(), "/api/adhoc/intervalsynch", body)
    cells = response.json()["data"]["energyData"][0]["RD"].split(",")
    assert (len(cells), sum(map(bool, cells))) == (100, filled)


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2026-07-01", "07/01/2026", "Invalid Date. Expected format of: startDate is MM/dd/yyyy"),
        ("07/01/2026", None, "Invalid Date. Expected format of: endDate is MM/dd/yyyy"),
        ("07/02/2026", "07/01/2026", "endDate must be 0 to 400 days after startDate"),
        ("07/01/2020", "07/01/2026", "endDate must be 0 to 400 days after startDate"),
        ("07/01/2026", "07/01/2026", NO_DATA),
    ],
)
async def test_wrong_and_empty_ranges_are_answered_in_words(
    stand: Stand, first: str, last: str | None, words: str
) -> None:
    body = {"startDate": first, "endDate": last, "ESIID": [esi(1)]}
    response = await stand.call(await stand.token(), "/api/adhoc/intervalsynch", body)
    assert response.status_code == 200
    assert response.json()["data"]["errorMessage"] == words


async def test_usage_comes_by_the_quarter_hour_and_by_the_day_too(stand: Stand) -> None:
    first = date(2026, 7, 1)
    await load(stand, day_of(Channel.CONSUMPTION, first), day_of(Channel.CONSUMPTION, date(2026, 7, 2)))
    token, body = await stand.token(), {"esiid": esi(1), "startDate": "07/01/2026", "endDate": "07/02/2026"}
    quarters = (await stand.call(token, "/api/usage/interval", body)).json()["intervaldata"]
    assert len(quarters) == 192
    assert quarters[0] == {
        "starttime": " 12:00 am",
        "endtime": " 12:15 am",
        "date": "2026-07-01",
        "consumption": 0.001,
        "consumption_est_act": "E",
        "generation": 0,
        "generation_est_act": None,
    }
    days = (await stand.call(token, "/api/usage/daily", body)).json()["dailyData"]
    assert days[1] == {"date": "07/02/2026", "reading": 0.096, "startreading": None, "endreading": None}
    others = {**body, "esiid": esi(3)}
    assert (await stand.call(token, "/api/usage/interval", others)).json() == {"intervaldata": []}
    assert (await stand.call(token, "/api/usage/daily", others)).json() == {"dailyData": []}
    for path in ("/api/usage/interval", "/api/usage/daily", "/api/usage/monthly"):
        wrong = (await stand.call(token, path, {**body, "startDate": "x"})).json()
        assert wrong == {"errormessage": "Invalid Date. Expected format of: startDate is MM/dd/yyyy"}


async def test_months_and_daily_registers_come_from_the_tdsps_files(stand: Stand) -> None:
    month = MonthlyUsage(
        esi_id=esi(1), start_date=date(2026, 6, 10), end_date=date(2026, 7, 9), revised_at=None,
        actual_wh=905_125, metered_w=4_200, billed_w=None, metered_va=None, billed_va=None,
    )  # fmt: skip
    read = DailyRead(
        esi_id=esi(1), read_date=date(2026, 6, 10), revised_at=None, start_wh=1_000, end_wh=2_500, usage_wh=1_500
    )
    first, second = (SourceFile(name=name, sha256=name, received_at=stand.clock.now()) for name in ("1", "2"))
    await stand.registers.load(first, MonthlyUsage, lambda: iter([month]))
    await stand.registers.load(second, DailyRead, lambda: iter([read]))
    token, body = await stand.token(), {"esiid": esi(1), "startDate": "06/01/2026", "endDate": "06/30/2026"}
    (told,) = (await stand.call(token, "/api/usage/monthly", body)).json()["monthlyData"]
    assert (told["startdate"], told["actl_kwh_usg"], told["blld_kwh_usg"]) == ("06/10/2026", 905.125, None)
    (told,) = (await stand.call(token, "/api/usage/daily", body)).json()["dailyData"]
    assert told == {"date": "06/10/2026", "reading": 1.5, "startreading": "1.000", "endreading": "2.500"}
    for path, name in (("/api/usage/monthly", "monthlyData"), ("/api/usage/daily", "dailyData")):
        assert (await stand.call(token, path, {**body, "esiid": esi(3)})).json() == {name: []}


async def test_orders_are_listed_as_requests_and_a_strangers_are_not(stand: Stand) -> None:
    rep = await viewer(stand.database, "rep.admin")
    asked = OrderedReport(report=Report.DAILY_USAGE, start=date(2026, 5, 1), end=date(2026, 5, 3))
    wanted = MeterList(by=By.ESI_ID, values=(esi(1),))

    async def job(connection: Any) -> Any:
        now = stand.clock.now()
        return await place(connection, rep, OrderRequest(reports=(asked,)), wanted, OrderSettings(), SeededDice(3), now)

    placed = await stand.database.write(job)
    token = await stand.token("rep.admin")
    listed = (await stand.call(token, "/api/reportrequeststatus", {"serviceType": "ADHOC"})).json()
    response = listed["data"]["StatusReportResponse"]
    assert response["SubscriptionStatusResponse"] == [
        {
            "subscriptionId": f"{placed.number}",
            "reportType": "INTERVAL",
            "subscriptionFrequency": "ONCE",
            "subscriptionType": "ADHOC",
            "status": "Processing",
            "lastReportGenerationDate": None,
            "startDate": "07/01/2026",
        }
    ]
    history = {"sub_id": f"{placed.number}"}
    assert (await stand.call(token, "/api/subhistory", history)).json() == [], "it has not ended"
    await stand.database.write(lambda connection: cancel(connection, rep, placed.number, stand.clock.now()))
    (line,) = (await stand.call(token, "/api/subhistory", history)).json()
    assert line["sub_id"] == history["sub_id"]
    assert (line["read_dt"], line["rpt_gen_dt"]) == ("05/03/2026", "07/01/2026 10:00:00")
    assert (line["status"], line["error"]) == ("Cancelled", "Y")
    subscribed = (await stand.call(token, "/api/reportrequeststatus", {"serviceType": "SUBSCRIPTION"})).json()
    assert subscribed["data"]["StatusReportResponse"]["SubscriptionStatusResponse"] == []
    other = await stand.token("rep.user")
    assert (await stand.call(other, "/api/subhistory", history)).json() == []
    listed = (await stand.call(other, "/api/reportrequeststatus", {"serviceType": "ADHOC"})).json()
    assert listed["data"]["StatusReportResponse"]["SubscriptionStatusResponse"] == []
    wrongs: tuple[Any, ...] = (None, "x", "9" * 40, "-1", [], {})
    for wrong in wrongs:
        assert (await stand.call(token, "/api/subhistory", {"sub_id": wrong})).json() == []


async def test_a_report_with_a_schedule_is_listed_as_a_subscription(stand: Stand) -> None:
    rep = await viewer(stand.database, "rep.admin")
    weekly, now = Schedule(every=Every.WEEK, day=1, minute=0), stand.clock.now()
    for number, schedule in enumerate((weekly, None), 1):
        wanted = Wanted(
            name="usage",
            reports=[SavedReport(report=Report.DAILY_USAGE), SavedReport(report=Report.DAILY_READS)],
            window=Window.LAST_7_DAYS,
            meters=MeterList(by=By.ESI_ID, values=(esi(1),)),
            schedule=schedule,
        )
        kept_as = RequestId(f"00000000-0000-7000-8000-{number:012}")
        job = partial(save_definition, viewer=rep, definition_id=kept_as, wanted=wanted, now=now)
        assert isinstance(await stand.database.write(job), ReportDefinition)
    asked, first = {"serviceType": "SUBSCRIPTION"}, RequestId("00000000-0000-7000-8000-000000000001")

    async def listed(user_id: str) -> Any:
        answer = (await stand.call(await stand.token(user_id), "/api/reportrequeststatus", asked)).json()
        return answer["data"]["StatusReportResponse"]["SubscriptionStatusResponse"]

    entry = {
        "subscriptionId": first,
        "reportType": "INTERVAL,DAILY",
        "subscriptionFrequency": "WEEKLY",
        "subscriptionType": "SCHEDULE",
        "status": "Active",
        "lastReportGenerationDate": None,
        "startDate": "07/01/2026",
    }
    assert await listed("rep.admin") == [entry]
    await stand.database.write(partial(pause_definition, viewer=rep, definition_id=first, now=now, paused=True))
    assert await listed("rep.admin") == [{**entry, "status": "Paused"}]
    assert await listed("rep.user") == []


async def test_a_user_may_ask_who_he_is(stand: Stand) -> None:
    answer = (await stand.call(await stand.token("rep.admin"), "/api/user/getuser")).json()["data"]
    assert (answer["usr_id"], answer["usr_type"], answer["admin_ind"]) == ("rep.admin", "REP", "Y")
    assert answer["co"] == "Lone Star Power"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "BREW"])
async def test_another_method_is_405_in_json(stand: Stand, method: str) -> None:
    for path in (*PATHS, *OPEN_PATHS):
        response = await stand.http.request(method, path)
        assert response.status_code == 405
        assert response.headers["allow"] == "POST"
        assert is_json(response)


async def test_a_path_that_only_looks_like_ours_is_404_in_json(stand: Stand) -> None:
    for path in ("/api/usage/nothing", "/commonapi/x/y", "/api/adhoc/", "/api/user/x"):
        response = await stand.http.post(path, json={})
        assert response.status_code == 404
        assert is_json(response)


async def test_the_page_at_the_root_stays_a_page(stand: Stand) -> None:
    response = await stand.http.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")


BROKEN = [b"{", b"[]", b"7", b'"x"', b"\xff\xfe", b"[" * 60_000, b"9" * 5_000, b'{"a":' * 10_000, b"x" * 70_000]


async def test_a_body_that_is_no_json_object_is_refused_in_json(stand: Stand) -> None:
    headers = {"Authorization": f"Bearer {await stand.token()}", "Content-Type": "text/plain"}
    for path, body in product((*PATHS, *OPEN_PATHS), BROKEN):
        response = await stand.http.post(path, content=body, headers=headers)
        assert response.status_code == (413 if len(body) > 65_536 else 400)
        assert is_json(response)


async def test_a_fault_of_the_server_is_500_in_json(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    token = await stand.token()
    await stand.database.write(lambda connection: connection.exec_driver_sql("drop table read_askers"))
    response = await stand.call(token, "/api/ondemandread", {"ESIID": esi(1)})
    assert response.status_code == 500
    assert is_json(response)
    assert "/api/ondemandread failed" in caplog.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["ESIID", "esiid", "startDate", "endDate", "username", "password", "MeterNumber"])


@given(
    st.lists(st.tuples(st.sampled_from([*PATHS, *OPEN_PATHS]), st.dictionaries(FIELDS, JSON, max_size=4)), max_size=20)
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_object_whatever_its_fields_causes_a_fault(bodies: list[tuple[str, dict[str, Any]]]) -> None:
    asyncio.run(answered(bodies))


async def answered(bodies: list[tuple[str, dict[str, Any]]]) -> None:
    """Send bodies to a façade of their own; every answer is JSON and none is a fault."""
    with tempfile.TemporaryDirectory() as folder:
        database, clock = Database.open(f"sqlite:///{folder}/x.db"), HandClock()
        await settle(database, clock.now())
        async with standing(database, clock) as stand:
            headers = {"Authorization": f"Bearer {await stand.token()}"}
            for path, body in bodies:
                response = await stand.http.post(path, content=json.dumps(body).encode(), headers=headers)
                assert response.status_code < 500
                assert is_json(response)
        await database.close()
