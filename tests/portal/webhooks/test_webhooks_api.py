"""Webhooks over the API: of administrators for their own company, secrets shown once and nowhere else."""

import logging

import pytest
from sqlalchemy import select

from gateway.database import Database
from portal.audit.tables import audit
from portal.webhooks.changing import MOST, MadeWebhook
from portal.webhooks.tables import webhook_deliveries, webhook_events, webhooks
from tests.portal.conftest import SignIn
from tests.portal.webhooks.receiver import Receiver
from tests.portal.webhooks.stand import Teller, register

SOUND = {"name": "desk", "address": "https://hooks.example.com/in", "events": ["read.finished"]}


async def test_a_webhook_is_registered_shown_changed_and_removed(signed_in: SignIn, database: Database) -> None:
    client = await signed_in("rep.admin")
    made = (await client.post("/webhooks", json=SOUND)).json()
    assert sorted(made) == ["id", "secret"]
    place = f"/webhooks/{made['id']}"
    shown = (await client.get(place)).json()
    assert shown | {"made_at": ""} == {
        "id": made["id"], "name": "desk", "address": "https://hooks.example.com/in", "events": ["read.finished"],
        "made_at": "", "disabled_at": None, "disabled_because": None, "old_secret_until": None, "delivered_at": None,
        "failed_at": None,
    }  # fmt: skip
    assert (await client.get("/webhooks")).json() == [shown]
    wanted = {"name": "new", "address": "https://other.example/", "events": ["order.finished", "read.finished"]}
    changed = (await client.put(place, json=wanted)).json()
    assert {name: changed[name] for name in wanted} == {**wanted, "events": ["read.finished", "order.finished"]}
    assert (await client.post(f"{place}/ping")).status_code == 202
    assert (await client.delete(place)).status_code == 204
    assert (await client.get(place)).status_code == 404
    async with database.reading() as connection:
        for table in (webhooks, webhook_events, webhook_deliveries):
            assert (await connection.execute(select(table))).all() == []
        logged = (await connection.scalars(select(audit.c.action).order_by(audit.c.number))).all()
    assert logged == ["webhook.make", "webhook.change", "webhook.remove"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"address": "http://hooks.example.com/"}, "address"),
        ({"address": "https://10.0.0.1/"}, "address"),
        ({"events": ["ping"]}, "events"),
        ({"events": []}, "events"),
        ({"events": ["everything"]}, "events"),
        ({"name": ""}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"colour": 1}, "colour"),
    ],
)
async def test_what_is_wrong_is_told_at_its_field(strict: SignIn, change: dict[str, object], where: str) -> None:
    answer = await (await strict("rep.admin")).post("/webhooks", json={**SOUND, **change})
    assert answer.status_code == 422
    assert any(where in str(fault["where"]) for fault in answer.json()["faults"]), answer.json()


@pytest.mark.parametrize("user_id", ["rep.user", "maria.customer", "ercot.user"])
async def test_only_administrators_of_companies_have_webhooks(signed_in: SignIn, user_id: str) -> None:
    made = (await (await signed_in("rep.admin")).post("/webhooks", json=SOUND)).json()
    client, place = await signed_in(user_id), f"/webhooks/{made['id']}"
    answers = [
        await client.get("/webhooks"),
        await client.post("/webhooks", json=SOUND),
        await client.get(place),
        await client.put(place, json=SOUND),
        await client.put(f"{place}/state", json={"on": False}),
        await client.post(f"{place}/secret", json={}),
        await client.post(f"{place}/ping"),
        await client.get(f"{place}/deliveries"),
        await client.post(f"{place}/deliveries/1/replay"),
        await client.delete(place),
    ]
    assert [answer.status_code for answer in answers] == [403] * 10


async def test_anothers_webhook_is_not_there(signed_in: SignIn) -> None:
    made = (await (await signed_in("rep.admin")).post("/webhooks", json=SOUND)).json()
    client, place = await signed_in("blue.admin"), f"/webhooks/{made['id']}"
    assert (await client.get("/webhooks")).json() == []
    answers = [
        await client.get(place),
        await client.put(place, json=SOUND),
        await client.post(f"{place}/secret", json={}),
        await client.post(f"{place}/ping"),
        await client.get(f"{place}/deliveries"),
        await client.delete(place),
    ]
    assert [answer.status_code for answer in answers] == [404] * 6


async def test_a_company_has_ten_webhooks_at_most(signed_in: SignIn) -> None:
    client = await signed_in("rep.admin")
    made = [await client.post("/webhooks", json=SOUND) for _ in range(MOST + 1)]
    assert [answer.status_code for answer in made] == [201] * MOST + [422]


async def test_a_secret_is_nowhere_but_in_the_answer_that_makes_it(
    signed_in: SignIn, receiver: Receiver, teller: Teller, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    client = await signed_in("rep.admin")
    with caplog.at_level(logging.DEBUG):
        webhook_id, secret = await register(client, receiver)
        new = (await client.post(f"/webhooks/{webhook_id}/secret", json={})).json()["secret"]
        await client.post(f"/webhooks/{webhook_id}/ping")
        receiver.status = 500
        await teller.send()
        await client.post(f"/webhooks/{webhook_id}/deliveries/1/replay")
        receiver.status = 200
        await teller.send()
    told = [(await client.get(place)).text for place in ("/webhooks", f"/webhooks/{webhook_id}/deliveries")]
    async with database.reading() as connection:
        kept = [str((await connection.execute(select(table))).all()) for table in (webhooks, audit, webhook_deliveries)]
    for each in (secret, new):
        bare = each.removeprefix("whsec_")
        assert all(bare not in text for text in (*told, *kept, caplog.text, str([got.headers for got in receiver.got])))
    assert secret not in repr(MadeWebhook(id=webhook_id, secret=secret))  # type: ignore[arg-type]  # its text will do
