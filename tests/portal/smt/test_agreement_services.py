"""Agreements over the official interface: made, listed, looked into and ended; another company's are not there."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from portal.agreements.machine import AgreementStatus
from portal.agreements.tables import agreements
from portal.mail.tables import letters
from tests.portal.smt.stand import Stand
from tests.portal.smt.test_services import CUSTOMER, REP, ask
from tests.portal.world import BLUEBONNET, esi

BLUE = {**REP, "requesterAuthenticationID": str(BLUEBONNET)}
ASKED: dict[str, Any] = {
    "retailCustomerEmail": "pat@example.com",
    "agreementDuration": 12,
    "customerLanguagePreference": "SPANISH",
    "customerMeterList": [{"ESIID": esi(1), "meterNumber": "M00001", "PUCTRORNumber": "10004"}],
}


async def made(stand: Stand) -> str:
    """The number of an agreement about the first meter."""
    response = await ask(stand, "NewAgreement", {**REP, **ASKED})
    assert response.status_code == 200, response.text
    found: str = response.json()["agreementNumber"]
    return found


async def stored(stand: Stand) -> list[Any]:
    """What stands in the table."""
    async with stand.database.reading() as connection:
        return list(await connection.execute(select(agreements).order_by(agreements.c.id)))


async def listed(stand: Stand, **wanted: Any) -> list[dict[str, Any]]:
    """What myagreements answers the first company."""
    response = await ask(stand, "myagreements", {**REP, **wanted})
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["agreementStatusList"]
    return found


async def accept(stand: Stand) -> None:
    """Every agreement that waits is accepted now, for twelve months."""
    now = stand.clock.now()
    values = {"status": AgreementStatus.ACTIVE, "status_since": now, "accepted_at": now}
    until = now + timedelta(days=365)
    await stand.database.write(lambda connection: connection.execute(update(agreements).values(**values, due_at=until)))


async def test_an_agreement_is_asked_for_listed_looked_into_and_ended(stand: Stand) -> None:
    number = await made(stand)
    (row,) = await stored(stand)
    assert (str(row.id), row.esi_id, row.months, row.email, row.language) == (
        number, esi(1), 12, "pat@example.com", "es",
    )  # fmt: skip
    async with stand.database.reading() as connection:
        assert (await connection.execute(select(letters.c.recipient))).scalars().all() == ["pat@example.com"]
    (entry,) = await listed(stand)
    assert (entry["agreementNumber"], entry["status"]) == (number, "PEN")
    assert entry["statusReason"] == "Pending - Customer Authorization"
    await accept(stand)
    (entry,) = await listed(stand, agreementNumber=number)
    assert (entry["status"], entry["statusReason"]) == ("ACT", "Active - Authorization Confirmed")
    looked_into = (await ask(stand, "AgreementESIIDs", {**REP, "agreementNumber": number})).json()
    assert looked_into["ESIIDList"] == [{"ESIID": esi(1), "meterNumber": "M00001"}]
    end = {"agreementList": [{"agreementNumber": number, "retailCustomerEmail": "Pat@Example.com"}]}
    ended = (await ask(stand, "Terminateagreement", {**REP, **end})).json()
    assert [each["statusReason"] for each in ended["agreementStatusList"]] == ["Non Active - Terminated by REP"]
    again = await ask(stand, "Terminateagreement", {**REP, **end})
    assert (again.status_code, [each["agreementNumber"] for each in again.json()["agreementFaultList"]]) == (
        400, [number],
    )  # fmt: skip


async def test_of_several_meters_all_are_asked_for_or_none_and_each_fault_is_told(stand: Stand) -> None:
    wrong = [
        *ASKED["customerMeterList"],
        {"ESIID": esi(99), "meterNumber": ""},
        {"ESIID": "12", "meterNumber": ""},
        {"ESIID": esi(2), "meterNumber": "M00001"},
    ]
    response = await ask(stand, "NewAgreement", {**REP, **ASKED, "customerMeterList": wrong})
    assert response.status_code == 400
    assert [each["ESIID"] for each in response.json()["customerMeterFaultList"]] == [esi(99), "12", esi(2)]
    assert await stored(stand) == []
    async with stand.database.reading() as connection:
        assert (await connection.execute(select(letters.c.id))).all() == []
    two = [{"ESIID": esi(number)} for number in (1, 2)]
    answer = (await ask(stand, "NewAgreement", {**REP, **ASKED, "customerMeterList": two})).json()
    assert [each["ESIID"] for each in answer["agreementList"]] == [esi(1), esi(2)]
    twice = await ask(stand, "NewAgreement", {**REP, **ASKED})
    assert twice.status_code == 400
    assert "already" in twice.json()["customerMeterFaultList"][0]["reasonCode"]


async def test_another_companys_agreement_is_as_if_it_were_not_there(stand: Stand) -> None:
    number = await made(stand)
    for service in ("AgreementESIIDs", "myagreements"):
        answers = []
        for each in (number, "4711"):
            response = await ask(stand, service, {**BLUE, "agreementNumber": each}, "blue.admin")
            answers.append((response.status_code, response.json()))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
    ends = []
    for each in (number, "4711"):
        body = {**BLUE, "agreementList": [{"agreementNumber": each, "retailCustomerEmail": "pat@example.com"}]}
        response = await ask(stand, "Terminateagreement", body, "blue.admin")
        ends.append((response.status_code, response.json()["agreementFaultList"][0]["reasonCode"]))
    assert ends[0] == ends[1]
    response = await ask(stand, "myagreements", BLUE, "blue.admin")
    assert response.json()["agreementStatusList"] == []
    assert [row.status for row in await stored(stand)] == [AgreementStatus.PENDING]


async def test_a_list_is_filtered_by_code_by_words_and_by_what_is_near(stand: Stand) -> None:
    number = await made(stand)
    assert await listed(stand, statusReason="ACT") == []
    await accept(stand)
    for reason in ("ACT", "active - authorization confirmed"):
        assert [each["agreementNumber"] for each in await listed(stand, statusReason=reason)] == [number]
    assert await listed(stand, statusReason="expire in last 45 days") == []
    stand.clock.set(stand.clock.now() + timedelta(days=330))
    assert len(await listed(stand, statusReason="expire in last 45 days")) == 1
    stand.clock.set(stand.clock.now() + timedelta(days=36))
    assert [each["status"] for each in await listed(stand)] == ["COM"], "before the scheduler has written it down"
    assert await listed(stand, statusReason="terminated in last 45 days") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"agreementDuration": 2}, {"agreementDuration": True}, {"agreementDuration": "9" * 5000},
        {"agreementDuration": None}, {"customerLanguagePreference": "FRENCH"}, {"customerMeterList": []},
        {"customerMeterList": "x"}, {"customerMeterList": [1]}, {"customerMeterList": [{}] * 51},
        {"customerMeterList": [{"ESIID": {"a": []}}]}, {"retailCustomerEmail": "a\r\nBcc: b@example.com"},
    ],
)  # fmt: skip
async def test_what_cannot_be_asked_for_is_refused_in_words_and_leaves_nothing(
    stand: Stand, wrong: dict[str, Any]
) -> None:
    response = await ask(stand, "NewAgreement", {**REP, **ASKED, **wrong})
    assert response.status_code == 400
    assert response.json()["errorMessage"]
    assert await stored(stand) == []


@pytest.mark.parametrize("number", ["", "0", "-1", "1e3", "99999999999", None, [], {}, True, "1; drop"])
async def test_a_number_that_is_none_is_not_found(stand: Stand, number: Any) -> None:
    response = await ask(stand, "AgreementESIIDs", {**REP, "agreementNumber": number})
    assert (response.status_code, response.json()["errorCode"]) == (404, "2007")
    body = {**REP, "agreementList": [{"agreementNumber": number}]}
    assert (await ask(stand, "Terminateagreement", body)).status_code == 400


async def test_customers_neither_ask_for_agreements_nor_see_any(stand: Stand) -> None:
    number = await made(stand)
    response = await ask(stand, "NewAgreement", {**CUSTOMER, **ASKED}, "maria.customer")
    assert response.status_code == 400
    assert (await ask(stand, "myagreements", CUSTOMER, "maria.customer")).json()["agreementStatusList"] == []
    body = {**CUSTOMER, "agreementList": [{"agreementNumber": number}]}
    assert (await ask(stand, "Terminateagreement", body, "maria.customer")).status_code == 404
