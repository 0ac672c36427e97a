"""The official interface: both versions' paths, the envelope, and what each service answers."""

import asyncio
import base64
import json
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from gateway.database import Database
from gateway.dice import SeededDice
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts
from portal.files.settings import FilesSettings
from portal.orders.ending import Ending
from portal.orders.letters import Post
from portal.orders.worker import Worker
from portal.reports.rows import Sources
from portal.settings import PortalSettings
from portal.usage.intervals import Channel, MeterDay
from portal.usage.register_files import DailyRead, MonthlyUsage
from portal.usage.store import SourceFile
from tests.clock import HandClock
from tests.portal.smt.stand import Stand, standing
from tests.portal.world import LONE_STAR, PASSWORD, esi, settle

SERVICES = (
    "15minintervalreads",
    "dailyreads",
    "monthlybillingInformation",
    "meterInfo",
    "premiseInfo",
    "odr",
    "odrstatus",
    "reportrequeststatus",
    "NewAgreement",
    "myagreements",
    "AgreementESIIDs",
    "Terminateagreement",
    "NewSubscription",
    "Mysubscriptions",
    "UnSubscription",
)
TERMS = {"trans_id": "111", "SMTTermsandConditions": "Y"}
CUSTOMER = {**TERMS, "requesterType": "RES", "requestorID": "MARIA"}
REP = {**TERMS, "requesterType": "REP", "requestorID": "LONESTAR", "requesterAuthenticationID": str(LONE_STAR)}
DAYS = {"startDate": "06/10/2026", "endDate": "06/11/2026", "version": "L", "readingType": "A"}
AT = datetime(2026, 6, 12, 12, 41, 29, tzinfo=UTC)


async def signed_in(stand: Stand, user_id: str = "rep.admin") -> str:
    """A token of the second version."""
    response = await stand.http.post("/v2/token/", json={"username": user_id, "password": PASSWORD})
    assert response.status_code == 200
    found: str = response.json()["accessToken"]
    return found


async def ask(stand: Stand, service: str, body: dict[str, Any], user_id: str = "rep.admin") -> httpx.Response:
    """Call a service of the second version."""
    return await stand.call(await signed_in(stand, user_id), f"/v2/{service}/", body)


def the_day(number: int = 1, day: date = date(2026, 6, 10), **more: Any) -> MeterDay:
    """A meter-day of 96 quarter hours, 123 Wh each, the first one estimated, the last one missing."""
    told: dict[str, Any] = {"channel": Channel.CONSUMPTION, "revised_at": AT, **more}
    values = (*(123,) * 95, None)
    return MeterDay(esi_id=esi(number), day=day, values=values, estimated=(True, *(False,) * 95), **told)


def file(name: str) -> SourceFile:
    """A source of its own digest."""
    return SourceFile(name=name, sha256=name.ljust(64, "0"), received_at=AT)


async def test_a_token_is_told_in_the_words_of_the_second_version(stand: Stand) -> None:
    response = await stand.http.post("/v2/token/", json={"username": "rep.admin", "password": PASSWORD})
    answer = response.json()
    assert len(answer.pop("accessToken")) > 40
    issued, expires = answer.pop("issuedAt"), answer.pop("expiresAt")
    assert answer == {"statusCode": "200", "tokenType": "Bearer", "expiresIn": "3600"}
    span = datetime.strptime(expires, "%m/%d/%Y %H:%M:%S") - datetime.strptime(issued, "%m/%d/%Y %H:%M:%S")  # noqa: DTZ007
    assert span.total_seconds() == 3600


@pytest.mark.parametrize("path", ["/v2/dailyreads/", "/v2/dailyreads", "/dailyreads/", "/dailyreads"])
async def test_a_service_is_there_in_both_versions(stand: Stand, path: str) -> None:
    token = await signed_in(stand)
    response = await stand.call(token, path, {**REP, **DAYS, "esiid": [esi(1)]})
    assert (response.status_code, response.json()["errorCode"]) == (200, "1")


async def test_user_name_and_password_with_each_call_are_proof_as_in_the_first_version(stand: Stand) -> None:
    proof = base64.b64encode(f"rep.admin:{PASSWORD}".encode()).decode()
    for _ in range(3):
        response = await stand.http.post(
            "/meterInfo/", json={**REP, "esiid": esi(1)}, headers={"Authorization": f"Basic {proof}"}
        )
        assert response.status_code == 200
        assert response.json()["MeterData"]["meterSerialNumber"] == "M00001"
    async with stand.database.reading() as connection:
        opened = await connection.exec_driver_sql("select count(*) from sessions")
        assert opened.scalar_one() == 1, "a password is checked once and then stands for its session"


async def test_a_suspended_account_is_out_at_its_next_call_whatever_its_proof(stand: Stand) -> None:
    proof = {"Authorization": f"Basic {base64.b64encode(f'rep.admin:{PASSWORD}'.encode()).decode()}"}
    token = await signed_in(stand)
    body = {**REP, "esiid": esi(1)}
    assert (await stand.http.post("/meterInfo/", json=body, headers=proof)).status_code == 200
    suspended = update(accounts).where(accounts.c.user_key == "rep.admin").values(status=AccountStatus.SUSPENDED)
    await stand.database.write(lambda connection: connection.execute(suspended))
    assert (await stand.http.post("/meterInfo/", json=body, headers=proof)).status_code == 401
    assert (await stand.call(token, "/v2/meterInfo/", body)).status_code == 401


@pytest.mark.parametrize(
    "authorization",
    [None, "Bearer nonsense", "Basic nonsense", "Basic eDp5", f"Basic {'x' * 5000}", "Basic", "Digest x"],
)
async def test_without_good_proof_every_service_is_401_in_json(stand: Stand, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    for service in SERVICES:
        response = await stand.http.post(f"/v2/{service}/", json=REP, headers=headers)
        assert response.status_code == 401
        assert response.json()["errorKey"] == "invalidCredentials"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"SMTTermsandConditions": "N"}, "2001"),
        ({"SMTTermsandConditions": None}, "2001"),
        ({"requesterType": "RES"}, "2002"),
        ({"requesterType": ""}, "2002"),
        ({"requesterAuthenticationID": "333333333"}, "2003"),
        ({"requesterAuthenticationID": None}, "2003"),
        ({"startDate": "2026-07-01"}, "2004"),
        ({"endDate": "06/09/2026"}, "2004"),
        ({"endDate": "01/01/2031"}, "2004"),
        ({"esiid": []}, "2005"),
        ({"esiid": ["1044"]}, "2005"),
        ({"esiid": [7]}, "2005"),
        ({"version": "X"}, "2006"),
        ({"readingType": "B"}, "2006"),
        ({"reportFormat": "PDF"}, "2006"),
    ],
)
async def test_a_wrong_request_is_400_with_its_code_and_its_own_number(
    stand: Stand, wrong: dict[str, Any], code: str
) -> None:
    response = await ask(stand, "15minintervalreads", {**REP, **DAYS, "esiid": [esi(1)], **wrong})
    answer = response.json()
    assert (response.status_code, answer["trans_id"], answer["errorCode"]) == (400, "111", code)
    assert len(answer["errorMessage"]) > 10


async def test_interval_reads_are_a_hundred_slots_a_day_for_each_channel(stand: Stand) -> None:
    await stand.intervals.load(file("one"), lambda: iter([the_day(), the_day(channel=Channel.GENERATION)]))
    body = {**REP, **DAYS, "esiid": [esi(1)], "reportFormat": "JSON", "deliveryMode": "API"}
    answer = (await ask(stand, "15minintervalreads", body)).json()
    assert (answer["trans_id"], answer["esiid"]) == ("111", esi(1))
    assert [(each["DT"], each["RT"]) for each in answer["energyData"]] == [("06/10/2026", "C"), ("06/10/2026", "G")]
    slots = answer["energyData"][0]["RD"].split(",")
    assert (len(slots), slots[0], slots[7], slots[8], slots[99]) == (100, "0.123-E", "0.123-A", "", "")
    assert answer["energyData"][0]["RevTS"] == "06/12/2026 07:41:29"
    only = (await ask(stand, "15minintervalreads", {**body, "readingType": "g"})).json()
    assert [each["RT"] for each in only["energyData"]] == ["G"]


async def test_version_a_tells_every_version_and_a_customer_sees_the_latest_only(stand: Stand) -> None:
    await stand.intervals.load(file("one"), lambda: iter([the_day()]))
    later = the_day(revised_at=datetime(2026, 6, 19, 12, tzinfo=UTC))
    await stand.intervals.load(file("two"), lambda: iter([later]))
    body = {**DAYS, "esiid": [esi(1)], "version": "A"}
    told = (await ask(stand, "15minintervalreads", {**REP, **body})).json()["energyData"]
    assert [each["RevTS"] for each in told] == ["06/12/2026 07:41:29", "06/19/2026 07:00:00"]
    refused = await ask(stand, "15minintervalreads", {**CUSTOMER, **body}, "maria.customer")
    assert (refused.status_code, refused.json()["errorCode"]) == (400, "2006")
    latest = await ask(stand, "15minintervalreads", {**CUSTOMER, **body, "version": "L"}, "maria.customer")
    assert [each["RevTS"] for each in latest.json()["energyData"]] == ["06/19/2026 07:00:00"]


async def test_daily_reads_are_registers_at_both_ends_of_a_day(stand: Stand) -> None:
    told: dict[str, Any] = {"start_wh": 24_002_915, "end_wh": 24_038_915, "usage_wh": None}
    read = DailyRead(esi_id=esi(1), read_date=date(2026, 6, 10), revised_at=AT, **told)
    await stand.registers.load(file("daily"), DailyRead, lambda: iter([read]))
    answer = (await ask(stand, "dailyreads", {**REP, **DAYS, "esiid": [esi(1)]})).json()
    assert answer["registeredReads"] == [
        {
            "readDate": "06/10/2026",
            "revisionDate": "06/12/2026 07:41:29",
            "startReading": "24002.915",
            "endReading": "24038.915",
            "energyDataKwh": None,
        }
    ]


async def test_monthly_billing_information_is_what_the_tdsp_reported(stand: Stand) -> None:
    month = MonthlyUsage(
        esi_id=esi(1), start_date=date(2026, 6, 10), end_date=date(2026, 7, 9), revised_at=None,
        actual_wh=905_125, metered_w=4_200, billed_w=None, metered_va=4_250, billed_va=5_000,
    )  # fmt: skip
    await stand.registers.load(file("monthly"), MonthlyUsage, lambda: iter([month]))
    (entry,) = (await ask(stand, "monthlybillingInformation", {**REP, **DAYS, "esiid": esi(1)})).json()["billingData"]
    assert (entry["startDate"], entry["endDate"], entry["revisionDate"]) == ("06/10/2026", "07/09/2026", None)
    assert (entry["actualkWh"], entry["meteredKW"], entry["billedKW"]) == ("905.125", "4.200", None)
    assert (entry["meteredKVA"], entry["billedKVA"]) == ("4.250", "5.000")


async def test_meter_information_is_one_object_for_one_meter_and_a_list_for_several(stand: Stand) -> None:
    one = (await ask(stand, "meterInfo", {**REP, "ESIIDMeterList": [{"esiid": esi(1)}]})).json()["MeterData"]
    assert (one["meterSerialNumber"], one["utilityCompanyId"], len(one)) == ("M00001", "Hill Country Wires", 26)
    wrapped = {"MeterSearchRequest": {"ESIIDMeterList": [{"esiid": esi(1)}, {"esiid": esi(2)}, {"esiid": esi(3)}]}}
    many = (await ask(stand, "meterInfo", {**REP, **wrapped})).json()["MeterData"]
    assert [each["ESIID"] for each in many] == [esi(1), esi(2)], "the third is another company's"


async def test_premise_information_has_the_twenty_fields(stand: Stand) -> None:
    told = (await ask(stand, "premiseInfo", {**REP, "esiid": [esi(1)]})).json()["PremiseData"]
    assert (told["ESIID"], told["streetName"], told["city"], told["zipCode"]) == (esi(1), "Elm", "Austin", "78701")
    assert (len(told), told["rateClassCode"]) == (20, None)


@pytest.mark.parametrize("service", [each for each in SERVICES if each not in ("odrstatus", "reportrequeststatus")])
async def test_the_meter_of_another_is_answered_exactly_like_one_that_does_not_exist(
    stand: Stand, service: str
) -> None:
    await stand.intervals.load(file("one"), lambda: iter([the_day(3)]))
    token = await signed_in(stand)
    answers = []
    for wanted in (esi(3), "10443720999999999"):
        response = await stand.call(token, f"/v2/{service}/", {**REP, **DAYS, "esiid": [wanted]})
        answers.append((response.status_code, response.text.replace(wanted, "")))
    assert answers[0] == answers[1]
    assert esi(3) not in answers[0][1]


async def test_an_on_demand_read_goes_from_request_to_value_by_its_number(stand: Stand) -> None:
    token = await signed_in(stand)
    asked = (await stand.call(token, "/v2/odr/", {**REP, "ESIID": esi(1)})).json()
    assert (asked["trans_id"], asked["statusCode"]) == ("111", "0")
    status = {**REP, "correlationId": asked["correlationId"]}
    pending = (await stand.call(token, "/v2/odrstatus/", status)).json()
    assert (pending["statusCode"], pending["odrRead"]["registeredRead"]) == ("PEN", 0)
    await stand.succeed(asked, 9_751_212)
    done = (await stand.call(token, "/v2/odrstatus/", status)).json()
    assert (done["statusCode"], done["statusReason"]) == ("0", "ODR retreived successfully")
    assert done["odrRead"]["registeredRead"] == 9751.212
    again = (await stand.call(token, "/v2/odr/", {**REP, "ESIID": esi(1)})).json()
    assert again["statusCode"] == "1"
    assert again["statusReason"].startswith("You have reached the limit")
    assert again["nextAllowedAt"].startswith("2026")


async def test_a_failed_read_is_told_as_failed_and_never_as_zero(stand: Stand) -> None:
    token = await signed_in(stand)
    asked = (await stand.call(token, "/v2/odr/", {**REP, "ESIID": esi(1)})).json()
    await stand.fail(asked)
    told = (await stand.call(token, "/v2/odrstatus/", {**REP, "correlationId": asked["correlationId"]})).json()
    assert (told["statusCode"], told["odrRead"]) == ("1", None)


async def test_the_number_of_anothers_read_is_like_one_that_was_never_given(stand: Stand) -> None:
    token = await signed_in(stand, "blue.admin")
    asked = (await stand.call(await signed_in(stand), "/v2/odr/", {**REP, "ESIID": esi(1)})).json()
    blue = {**REP, "requesterAuthenticationID": "333333333"}
    answers = [
        await stand.call(token, "/v2/odrstatus/", {**blue, "correlationId": number})
        for number in (asked["correlationId"], "01976f6e-0000-7000-8000-000000000000", "7", "")
    ]
    assert {(each.status_code, each.text) for each in answers} == {(404, answers[-1].text)}


ORDERS = {"reportFormat": "CSV", "deliveryMode": "FTP"}


async def test_many_meters_or_a_file_become_an_order_whose_number_is_told_and_asked_for(
    stand: Stand, tmp_path: Path
) -> None:
    await stand.intervals.load(file("one"), lambda: iter([the_day(1), the_day(2)]))
    token, body = await signed_in(stand), {**REP, **DAYS, "esiid": [esi(1), esi(2), esi(3)]}
    asked = (await stand.call(token, "/v2/15minintervalreads/", {**body, **ORDERS})).json()
    assert (asked["trans_id"], asked["statusCode"], asked["correlationId"].isdigit()) == ("111", "0", True)
    status = {**REP, "correlationId": asked["correlationId"]}
    waits = (await stand.call(token, "/v2/reportrequeststatus/", status)).json()
    assert (waits["statusCode"], waits["status"], waits["files"]) == ("PEN", "Processing", [])
    settings = PortalSettings(files=FilesSettings(folder=tmp_path))
    by = Post(address="https://meters.example.com", most_attached_bytes=1 << 20, kept_days=10)
    ending = Ending(settings=settings.orders, by=by)
    sources = Sources(intervals=stand.intervals, registers=stand.registers)
    assert await Worker(stand.database, sources, ending, tmp_path, stand.clock, SeededDice(3), "one").work()
    done = (await stand.call(token, "/v2/reportrequeststatus/", status)).json()
    assert (done["statusCode"], done["status"]) == ("0", "Complete")
    assert "2 meters" in done["statusReason"]
    assert "Not found: 1 value" in done["statusReason"]
    (made,) = done["files"]
    assert made["path"] == f"/api/v1/orders/{asked['correlationId']}/files/{made['name']}"
    latest = (await stand.call(token, "/v2/reportrequeststatus/", REP)).json()["reportRequests"]
    assert [each["correlationId"] for each in latest] == [asked["correlationId"]]


@pytest.mark.parametrize("service", ["15minintervalreads", "dailyreads", "monthlybillingInformation"])
async def test_an_order_that_cannot_be_had_is_refused_in_words(stand: Stand, service: str) -> None:
    for code, wrong in (("2006", {"esiid": [esi(3)]}), ("2004", {"esiid": [esi(1)], "startDate": "01/01/2009"})):
        response = await ask(stand, service, {**REP, **DAYS, **ORDERS, **wrong})
        assert (response.status_code, response.json()["errorCode"]) == (400, code)


async def test_the_number_of_anothers_order_is_like_one_that_was_never_given(stand: Stand) -> None:
    asked = (await ask(stand, "dailyreads", {**REP, **DAYS, **ORDERS, "esiid": [esi(1)]})).json()
    token, blue = await signed_in(stand, "blue.admin"), {**REP, "requesterAuthenticationID": "333333333"}
    answers = [
        await stand.call(token, "/v2/reportrequeststatus/", {**blue, "correlationId": number})
        for number in (asked["correlationId"], "1000000007", "x", "9" * 40)
    ]
    assert {(each.status_code, each.text) for each in answers} == {(404, answers[-1].text)}
    assert (await stand.call(token, "/v2/reportrequeststatus/", blue)).json()["reportRequests"] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["esiid", "ESIIDMeterList", "MeterSearchRequest", "startDate", "endDate", "version", "correlationId", "trans_id"]
)


@given(st.lists(st.tuples(st.sampled_from(SERVICES), st.dictionaries(FIELDS, JSON, max_size=4)), max_size=20))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_object_whatever_its_fields_causes_a_fault(bodies: list[tuple[str, dict[str, Any]]]) -> None:
    asyncio.run(answered(bodies))


async def answered(bodies: list[tuple[str, dict[str, Any]]]) -> None:
    """Send bodies to services of their own; every answer is JSON and none is a fault."""
    with tempfile.TemporaryDirectory() as folder:
        database, clock = Database.open(f"sqlite:///{folder}/x.db"), HandClock()
        await settle(database, clock.now())
        async with standing(database, clock) as stand:
            headers = {"Authorization": f"Bearer {await signed_in(stand)}"}
            for service, body in bodies:
                sent = json.dumps({**REP, **DAYS, **body}).encode()
                response = await stand.http.post(f"/v2/{service}/", content=sent, headers=headers)
                assert response.status_code < 500
                assert isinstance(response.json(), dict)
        await database.close()
