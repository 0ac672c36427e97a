"""Agreements over the API: made, listed, sent again and ended, each with its refusals."""

import pytest
from sqlalchemy import func, select

from gateway.database import Database
from portal.mail.tables import letters
from tests.portal.conftest import SignIn, app, bus, portal, signed_in
from tests.portal.world import esi

__all__ = ["app", "bus", "portal", "signed_in"]

ASKED = {"esi_id": esi(1), "kind": "home_device", "months": 12, "email": "home@example.com"}


async def mailed(database: Database) -> int:
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(letters)) or 0


async def test_an_agreement_is_made_sent_again_and_ended(signed_in: SignIn, database: Database) -> None:
    client = await signed_in("rep.admin")
    made = await client.post("/agreements", json=ASKED)
    assert (made.status_code, made.json()["status"], await mailed(database)) == (201, "pending", 1)
    place = f"/agreements/{made.json()['id']}"
    assert (await client.get(place)).json() == made.json()
    assert "link" not in made.text
    twice = await client.post("/agreements", json=ASKED)
    assert (twice.status_code, twice.json()["type"].rpartition(":")[2]) == (409, "not-now")
    again = await client.post(f"{place}/resend")
    assert (again.status_code, again.json()["letters"], await mailed(database)) == (200, 2, 2)
    assert (await client.post(f"{place}/resend")).status_code == 409
    ended = await client.post(f"{place}/terminate")
    assert (ended.json()["status"], ended.json()["ended_by"]) == ("terminated", "company")
    assert (await client.post(f"{place}/terminate")).status_code == 409


async def test_the_list_is_narrowed_by_status_and_meter_and_goes_on(signed_in: SignIn) -> None:
    client = await signed_in("rep.admin")
    for number, kind in ((1, "home_device"), (1, "energy_data"), (2, "energy_data")):
        assert (await client.post("/agreements", json=ASKED | {"esi_id": esi(number), "kind": kind})).is_success
    await client.post("/agreements/1/terminate")

    async def ids(**query: str | int) -> list[int]:
        return [each["id"] for each in (await client.get("/agreements", params=query)).json()["agreements"]]

    assert await ids() == [3, 2, 1]
    assert await ids(status="pending") == [3, 2]
    assert await ids(esi_id=esi(1)) == [2, 1]
    assert await ids(before=3) == [2, 1]
    assert (await client.get("/agreements", params={"status": "x"})).status_code == 422


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"esi_id": esi(3)}, "esi_id"),
        ({"months": 2}, "months"),
        ({"email": "nobody"}, "email"),
        ({"language": "xx"}, "language"),
    ],
)
async def test_what_is_wrong_is_told_by_its_field(
    signed_in: SignIn, database: Database, wrong: dict[str, object], where: str
) -> None:
    answer = await (await signed_in("rep.admin")).post("/agreements", json=ASKED | wrong)
    assert answer.status_code == 422
    assert [fault["where"] for fault in answer.json()["faults"]] == [where]
    assert await mailed(database) == 0


async def test_who_has_no_agreements_has_none_here_and_users_without_permission_read(signed_in: SignIn) -> None:
    made = await (await signed_in("rep.admin")).post("/agreements", json=ASKED)
    place = f"/agreements/{made.json()['id']}"
    for user_id in ("wires.admin", "maria.customer", "ercot.user"):
        client = await signed_in(user_id)
        assert (await client.get("/agreements")).status_code == 403, user_id
        assert (await client.post("/agreements", json=ASKED)).status_code == 403, user_id
        assert (await client.get(place)).status_code == 404, user_id
    reader = await signed_in("rep.user")
    assert [each["id"] for each in (await reader.get("/agreements")).json()["agreements"]] == [made.json()["id"]]
    for action in ("resend", "terminate"):
        assert (await reader.post(f"{place}/{action}")).status_code == 403
