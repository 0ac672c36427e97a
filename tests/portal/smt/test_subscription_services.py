"""Subscriptions over the official interface: made, listed, ended; and the token over SOAP."""

import re
from typing import Any

import pytest

from tests.portal.smt.stand import Stand
from tests.portal.smt.test_services import REP, ask
from tests.portal.world import BLUEBONNET, PASSWORD, esi

BLUE = {**REP, "requesterAuthenticationID": str(BLUEBONNET)}
WANTED: dict[str, Any] = {
    "subscriptionType": "SCHEDULE",
    "dataType": "INTERVAL",
    "reportFormat": "LSE",
    "deliveryMode": "FTP",
    "esiid": [esi(1), esi(2)],
}


async def made(stand: Stand, **more: Any) -> dict[str, Any]:
    """The answer to a new subscription."""
    response = await ask(stand, "NewSubscription", {**REP, **WANTED, **more})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def listed(stand: Stand, **wanted: Any) -> list[dict[str, Any]]:
    """The subscriptions of the first company's administrator."""
    found: list[dict[str, Any]] = (await ask(stand, "Mysubscriptions", {**REP, **wanted})).json()["subscriptionList"]
    return found


async def test_a_subscription_is_a_saved_report_with_a_schedule_and_ends_from_either_side(stand: Stand) -> None:
    number = (await made(stand))["subscriptionNumber"]
    token = await stand.token("rep.admin")
    (saved,) = (await stand.http.get("/api/v1/report-definitions", headers={"Authorization": f"Bearer {token}"})).json()
    assert (saved["id"], saved["meters"], saved["window"], saved["schedule"]["every"]) == (
        number,
        2,
        "yesterday",
        "day",
    )
    assert saved["reports"] == [{"report": "daily_usage", "format": "lse"}]
    (entry,) = await listed(stand, subscriptionNumber=number)
    assert (entry["dataType"], entry["reportFormat"], entry["subscriptionFrequency"], entry["status"]) == (
        "INTERVAL", "LSE", "DAILY", "Active",
    )  # fmt: skip
    told = (await stand.call(token, "/api/reportrequeststatus", {"serviceType": "SUBSCRIPTION"})).json()
    (seen,) = told["data"]["StatusReportResponse"]["SubscriptionStatusResponse"]
    assert seen["subscriptionId"] == number
    assert (await ask(stand, "UnSubscription", {**REP, "subscriptionNumber": number})).status_code == 200
    assert await listed(stand) == []
    assert (await ask(stand, "UnSubscription", {**REP, "subscriptionNumber": number})).status_code == 404


async def test_history_is_ordered_at_once(stand: Stand) -> None:
    answer = await made(stand, dataType="MONTHLY", reportFormat="CSV", historicalSubscriptionDuration=12)
    status = await ask(stand, "reportrequeststatus", {**REP, "correlationId": answer["correlationId"]})
    assert status.json()["status"] == "Processing"
    assert [each["subscriptionFrequency"] for each in await listed(stand)] == ["MONTHLY"]


async def test_whose_history_cannot_be_ordered_is_not_subscribed(stand: Stand) -> None:
    body = {**REP, **WANTED, "esiid": [esi(99)], "historicalSubscriptionDuration": 3}
    response = await ask(stand, "NewSubscription", body)
    assert (response.status_code, "None of the 1 meters" in response.json()["errorMessage"]) == (400, True)
    assert await listed(stand) == []


async def test_the_same_is_not_subscribed_twice_and_nothing_else_is_in_its_way(stand: Stand) -> None:
    await made(stand)
    again = await ask(stand, "NewSubscription", {**REP, **WANTED, "historicalSubscriptionDuration": "3"})
    assert again.status_code == 400
    assert again.json()["CustomerDUNSFaultList"] == [
        {"duns": REP["requesterAuthenticationID"], "reasonCode": "Subscription is already active"}
    ]
    requests = (await ask(stand, "reportrequeststatus", {**REP, "correlationId": ""})).json()["reportRequests"]
    assert requests == [], "no history of what is refused"
    await made(stand, dataType="DAILY", reportFormat="CSV")
    await made(stand, esiid=[esi(1)])
    assert len(await listed(stand)) == 3


async def test_another_accounts_subscription_is_as_if_it_were_not_there(stand: Stand) -> None:
    number = (await made(stand))["subscriptionNumber"]
    unknown = number[:-1] + ("0" if number[-1] != "0" else "1")
    for service in ("Mysubscriptions", "UnSubscription"):
        answers = [
            (await ask(stand, service, {**BLUE, "subscriptionNumber": each}, "blue.admin"))
            for each in (number, unknown)
        ]
        assert answers[0].status_code == answers[1].status_code
        assert answers[0].content == answers[1].content
    assert len(await listed(stand)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"subscriptionType": "REPENROLL"}, {"subscriptionType": "x"}, {"dataType": ""}, {"dataType": ["a", {}]},
        {"reportFormat": "PDF"}, {"deliveryMode": "FAX"}, {"esiid": []}, {"esiid": ["1"]}, {"esiid": {"a": 1}},
        {"historicalSubscriptionDuration": 5}, {"historicalSubscriptionDuration": "9" * 4000},
    ],
)  # fmt: skip
async def test_what_cannot_be_subscribed_is_refused_in_words(stand: Stand, wrong: dict[str, Any]) -> None:
    response = await ask(stand, "NewSubscription", {**REP, **WANTED, **wrong})
    assert response.status_code == 400
    assert response.json()["errorMessage"]
    assert await listed(stand) == []


def envelope(user_name: str, password: str, before: str = "") -> bytes:
    """A request for a token as the original's clients send it."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>{before}
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:bim="http://BIM_TokenGeneratorSOAP">
 <soapenv:Header/><soapenv:Body><bim:processTokenGenerator><bim:TokenGeneratorRequest>
  <username>{user_name}</username><password>{password}</password>
 </bim:TokenGeneratorRequest></bim:processTokenGenerator></soapenv:Body></soapenv:Envelope>""".encode()


async def test_a_token_over_soap_opens_the_services(stand: Stand) -> None:
    for path in ("/v2/access/token/", "/v2/access/token"):
        response = await stand.http.post(
            path, content=envelope("rep.admin", PASSWORD), headers={"Content-Type": "text/xml"}
        )
        assert (response.status_code, response.headers["content-type"]) == (200, "text/xml; charset=utf-8")
        tags = dict(re.findall("<([a-zA-Z]+)>([^<]*)</", response.text))
        assert (tags["statusCode"], tags["tokenType"], tags["expiresIn"]) == ("200", "Bearer", "3600")
        assert (await stand.call(tags["accessToken"], "/v2/myagreements/", REP)).status_code == 200


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (envelope("rep.admin", "wrong <![CDATA[<&]]>"), 401),
        (envelope("nobody", PASSWORD), 401),
        (b"", 400),
        (b"{}", 400),
        (b"<a>" * 20_000, 400),
        (b"\xff\xfe\x00", 400),
        (b"<?xml version='1.0' encoding='nonsense'?><a/>", 400),
        (b"<username>rep.admin</username>", 400),
        (envelope("&who;", PASSWORD), 400),
        (envelope("&who;", PASSWORD, '<!DOCTYPE a [<!ENTITY who "rep.admin">]>'), 400),
        (envelope("&who;", PASSWORD, '<!DOCTYPE a [<!ENTITY who SYSTEM "file:///etc/passwd">]>'), 400),
        (b"x" * 70_000, 413),
    ],
)
async def test_what_is_no_request_or_opens_nothing_is_a_fault(stand: Stand, content: bytes, status: int) -> None:
    response = await stand.http.post("/v2/access/token/", content=content, headers={"Content-Type": "text/xml"})
    assert (response.status_code, response.headers["content-type"]) == (status, "text/xml; charset=utf-8")
    assert "<soap:Fault>" in response.text
    assert "accessToken" not in response.text
