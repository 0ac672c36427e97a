"""Telling: signed, retried to a stated end, switched off after days of nothing, and never twice without its id."""

import asyncio
import logging
import ssl
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from sqlalchemy import select, update

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.dice import SeededDice
from portal.accounts.vault import Vault
from portal.audit.tables import audit
from portal.context import Portal
from portal.mail.tables import letters
from portal.smt.certificates import ensure_certificates
from portal.webhooks.outbox import PAUSES_S, Try, put_back, take
from portal.webhooks.sender import WebhookSender
from portal.webhooks.tables import webhook_deliveries, webhooks
from portal.webhooks.transport import MOST_ANSWER_BYTES, Postman
from tests.clock import HandClock
from tests.portal.conftest import SignIn
from tests.portal.webhooks.receiver import Receiver, receiving
from tests.portal.webhooks.stand import LABORATORY, Teller, deliveries, register


@pytest.fixture
async def admin(signed_in: SignIn) -> httpx.AsyncClient:
    """An administrator of Lone Star Power's, over the API."""
    return await signed_in("rep.admin")


async def ping(client: httpx.AsyncClient, webhook_id: str) -> int:
    answer = await client.post(f"/webhooks/{webhook_id}/ping")
    assert answer.status_code == 202, answer.text
    delivery_id: int = answer.json()["delivery_id"]
    return delivery_id


async def test_a_ping_is_told_and_its_answer_is_shown(
    admin: httpx.AsyncClient, receiver: Receiver, teller: Teller, clock: HandClock
) -> None:
    webhook_id, secret = await register(admin, receiver)
    await ping(admin, webhook_id)
    assert (await admin.post(f"/webhooks/{webhook_id}/ping")).status_code == 409, "one at a time"
    (waiting,) = await deliveries(admin, webhook_id)
    assert (waiting["status"], waiting["tries"], waiting["answer_code"]) == ("waiting", 0, None)
    await teller.send()
    (got,) = receiver.got
    assert got.signed_by(secret)
    assert got.told["data"] == {"webhook_id": webhook_id, "asked_by": "rep.admin"}
    (told,) = await deliveries(admin, webhook_id)
    assert (told["status"], told["tries"], told["answer_code"], told["error"]) == ("delivered", 1, 204, None)
    assert (told["event_id"], told["event"]) == (got.event_id, "ping")
    at = clock.now().isoformat().replace("+00:00", "Z")
    assert (told["tried_at"], (await admin.get(f"/webhooks/{webhook_id}")).json()["delivered_at"]) == (at, at)


async def test_a_rotated_secret_signs_beside_the_old_one_until_its_grace_is_over(
    admin: httpx.AsyncClient, receiver: Receiver, teller: Teller, signed_in: SignIn
) -> None:
    webhook_id, old = await register(admin, receiver)
    answer = await admin.post(f"/webhooks/{webhook_id}/secret", json={"grace_s": 3600})
    new = answer.json()["secret"]
    assert (answer.status_code, new == old) == (201, False)
    await ping(admin, webhook_id)
    await teller.send()
    assert len(receiver.got[0].headers["webhook-signature"].split(" ")) == 2
    assert [receiver.got[0].signed_by(each) for each in (old, new)] == [True, True]
    await teller.after(hours=1)
    admin = await signed_in("rep.admin")
    await ping(admin, webhook_id)
    await teller.send()
    assert [receiver.got[1].signed_by(each) for each in (old, new)] == [False, True]
    await admin.post(f"/webhooks/{webhook_id}/secret", json={"grace_s": 0})
    await ping(admin, webhook_id)
    await teller.send()
    assert [receiver.got[2].signed_by(each) for each in (old, new)] == [False, False]


async def test_tries_are_repeated_at_growing_intervals_with_the_same_id_and_body_to_a_stated_end(
    admin: httpx.AsyncClient, receiver: Receiver, teller: Teller, clock: HandClock, database: Database,
    signed_in: SignIn,
) -> None:  # fmt: skip
    receiver.status = 500
    webhook_id, secret = await register(admin, receiver)
    await ping(admin, webhook_id)
    await teller.send()
    began = clock.now()
    for number, pause_s in enumerate(PAUSES_S, start=2):
        rest_s = max(pause_s, LABORATORY.rest_s)
        await teller.after(seconds=rest_s - 1)
        assert len(receiver.got) == number - 1, "too early"
        await teller.after(seconds=1)
        assert len(receiver.got) == number
    assert timedelta(days=3) < clock.now() - began < timedelta(days=4)
    assert len({(each.event_id, each.body) for each in receiver.got}) == 1
    assert len({each.headers["webhook-timestamp"] for each in receiver.got}) == 10, "each try has its own time"
    assert all(each.signed_by(secret) for each in receiver.got)
    await teller.after(days=10)
    assert len(receiver.got) == 10
    admin = await signed_in("rep.admin")
    (told,) = await deliveries(admin, webhook_id)
    assert (told["status"], told["tries"], told["answer_code"], told["error"]) == ("failed", 10, 500, "answered 500")


async def test_an_address_that_took_nothing_in_all_those_days_is_switched_off_with_a_letter(
    admin: httpx.AsyncClient, receiver: Receiver, teller: Teller, database: Database, signed_in: SignIn
) -> None:
    receiver.status = 503
    webhook_id, _ = await register(admin, receiver)
    await ping(admin, webhook_id)
    await teller.send()
    for pause_s in PAUSES_S:
        await teller.after(seconds=max(pause_s, LABORATORY.rest_s))
    admin = await signed_in("rep.admin")
    shown = (await admin.get(f"/webhooks/{webhook_id}")).json()
    assert shown["disabled_at"] is not None
    assert "took nothing" in shown["disabled_because"]
    async with database.reading() as connection:
        written = (await connection.execute(select(letters.c.recipient, letters.c.subject, letters.c.text))).all()
        logged = (await connection.execute(select(audit.c.action, audit.c.actor))).all()
    assert [row.recipient for row in written] == ["desk@lonestar.example", "rep.admin@example.com"]
    assert all(row.subject == "Webhook desk was switched off" for row in written)
    assert f"/account/webhooks/{webhook_id}" in written[0].text
    assert tuple(logged[-1]) == ("webhook.switch_off", "the portal itself")
    assert (await admin.post(f"/webhooks/{webhook_id}/ping")).status_code == 409
    receiver.status = 200
    assert (await admin.put(f"/webhooks/{webhook_id}/state", json={"on": True})).json()["disabled_at"] is None
    await ping(admin, webhook_id)
    await teller.send()
    assert (await deliveries(admin, webhook_id))[0]["status"] == "delivered"


async def test_one_event_that_nobody_takes_does_not_switch_off_an_address_that_takes_others(
    admin: httpx.AsyncClient, receiver: Receiver, teller: Teller, signed_in: SignIn
) -> None:
    poisoned = list[str]()

    async def answering(request: web.Request) -> web.StreamResponse:
        poisoned.append(request.headers["webhook-id"])
        return web.Response(status=500 if request.headers["webhook-id"] == poisoned[0] else 200)

    receiver.answering = answering
    webhook_id, _ = await register(admin, receiver)
    await ping(admin, webhook_id)
    await teller.send()
    await teller.after(hours=1)
    admin = await signed_in("rep.admin")
    await admin.post("/webhooks/" + webhook_id + "/deliveries/1/replay")
    await teller.send()
    assert (await admin.put(f"/webhooks/{webhook_id}/state", json={"on": False})).status_code == 200
    assert (await admin.put(f"/webhooks/{webhook_id}/state", json={"on": True})).status_code == 200
    await ping(admin, webhook_id)
    await teller.send()
    await admin.post(f"/webhooks/{webhook_id}/deliveries/1/replay")
    for pause_s in (0, *PAUSES_S):
        await teller.after(seconds=max(pause_s, LABORATORY.rest_s))
    admin = await signed_in("rep.admin")
    assert [each["status"] for each in await deliveries(admin, webhook_id)] == ["delivered", "failed"]
    assert (await admin.get(f"/webhooks/{webhook_id}")).json()["disabled_at"] is None


async def test_an_address_that_says_gone_is_switched_off_at_once(
    admin: httpx.AsyncClient, receiver: Receiver, teller: Teller
) -> None:
    receiver.status = 410
    webhook_id, _ = await register(admin, receiver)
    await ping(admin, webhook_id)
    await teller.send()
    assert (await admin.get(f"/webhooks/{webhook_id}")).json()["disabled_because"] == "it answered 410: gone"


async def test_an_address_for_which_too_much_waits_is_switched_off(
    portal: Portal, admin: httpx.AsyncClient, receiver: Receiver, teller: Teller
) -> None:
    receiver.status = 500
    webhook_id, _ = await register(admin, receiver)
    await ping(admin, webhook_id)
    await teller.send(most_waiting=1)
    assert "too many" in (await admin.get(f"/webhooks/{webhook_id}")).json()["disabled_because"]


async def test_a_redirect_is_no_answer_and_is_not_followed(
    admin: httpx.AsyncClient, receiver: Receiver, teller: Teller
) -> None:
    async with receiving() as elsewhere:

        async def answering(_: web.Request) -> web.StreamResponse:
            return web.Response(status=307, headers={"location": elsewhere.address})

        receiver.answering = answering
        webhook_id, _ = await register(admin, receiver)
        await ping(admin, webhook_id)
        await teller.send()
        assert (len(receiver.got), elsewhere.got) == (1, [])
    (told,) = await deliveries(admin, webhook_id)
    assert (told["answer_code"], told["error"]) == (307, "answered 307")


async def test_an_answer_is_read_to_a_bound_and_within_its_time(receiver: Receiver, clock: HandClock) -> None:
    sent, over = 0, asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while sent < 100_000_000:
                await response.write(b"x" * 65_536)
                sent += 65_536
        except OSError:
            pass
        over.set()
        return response

    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await over.wait()
        return response

    receiver.answering = endless
    async with Postman(LABORATORY, clock) as postman:
        tried = await postman.send(receiver.address, {}, b"{}")
    assert (tried.code, tried.error) == (200, None)
    async with asyncio.timeout(10):
        await over.wait()
    assert MOST_ANSWER_BYTES < sent < 20_000_000, "it was hung up on"
    over.clear()
    receiver.answering = dripping
    async with Postman(replace(LABORATORY, timeout_s=0.2), clock) as postman:
        tried = await postman.send(receiver.address, {}, b"{}")
    over.set()
    assert (tried.code, tried.error) == (None, "no whole answer within 0.2 s")


async def test_a_slow_address_keeps_no_other_waiting(
    admin: httpx.AsyncClient, receiver: Receiver, portal: Portal, clock: HandClock
) -> None:
    answer_now = asyncio.Event()

    async def waiting(_: web.Request) -> web.StreamResponse:
        await answer_now.wait()
        return web.Response()

    async with receiving() as slow, Postman(LABORATORY, clock) as postman:
        slow.answering = waiting
        for each in (slow, receiver):
            webhook_id, _ = await register(admin, each)
            await ping(admin, webhook_id)
        sender = WebhookSender(portal.database, portal.acting, portal.vault, postman, LABORATORY)
        task = asyncio.create_task(sender.turn())
        async with asyncio.timeout(10):
            await slow.came.wait()
            await receiver.came.wait()
        assert not task.done()
        answer_now.set()
        await task


async def test_a_delivery_is_replayed_under_its_own_id_with_the_same_body(
    admin: httpx.AsyncClient, receiver: Receiver, teller: Teller
) -> None:
    webhook_id, secret = await register(admin, receiver)
    delivery_id = await ping(admin, webhook_id)
    await teller.send()
    answer = await admin.post(f"/webhooks/{webhook_id}/deliveries/{delivery_id}/replay")
    assert (answer.status_code, answer.json()) == (202, {"delivery_id": delivery_id})
    await teller.send()
    first, second = receiver.got
    assert (first.event_id, first.body) == (second.event_id, second.body)
    assert second.signed_by(secret)
    assert (await admin.post(f"/webhooks/{webhook_id}/deliveries/999/replay")).status_code == 404


async def test_what_a_dead_sender_had_is_taken_up_by_another_once_its_lease_is_over(
    admin: httpx.AsyncClient, receiver: Receiver, teller: Teller, database: Database, clock: HandClock
) -> None:
    webhook_id, _ = await register(admin, receiver)
    await ping(admin, webhook_id)
    async with database.reading() as connection:
        row = (await connection.execute(select(webhooks))).one()
    # A sender takes it, and is never heard of again.
    lane = await database.write(lambda connection: take(connection, row.id, clock.now(), 300, 8))
    assert lane is not None
    assert len(lane.taken) == 1
    assert await teller.send() == 0
    await teller.after(seconds=299)
    assert receiver.got == []
    await teller.after(seconds=1)
    assert len(receiver.got) == 1
    (told,) = await deliveries(admin, webhook_id)
    assert told["status"] == "delivered"


async def test_only_the_latest_taker_may_say_that_it_failed(
    admin: httpx.AsyncClient, receiver: Receiver, teller: Teller, database: Database, clock: HandClock
) -> None:
    webhook_id, _ = await register(admin, receiver)
    await ping(admin, webhook_id)
    async with database.reading() as connection:
        row = (await connection.execute(select(webhooks))).one()
    lane = await database.write(lambda connection: take(connection, row.id, clock.now(), 300, 8))
    assert lane is not None
    await teller.after(seconds=300)
    late, now = lane.taken[0], clock.now()
    await database.write(lambda connection: put_back(connection, late, Try(error="late word"), now, 0))
    (told,) = await deliveries(admin, webhook_id)
    assert (told["status"], told["error"]) == ("delivered", None)


async def test_a_portal_with_another_key_sends_nothing_and_says_so_without_the_secret(
    admin: httpx.AsyncClient, receiver: Receiver, portal: Portal, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    webhook_id, secret = await register(admin, receiver)
    await ping(admin, webhook_id)
    stranger = Vault(b"another key" * 4, SeededDice(5))
    with caplog.at_level(logging.DEBUG):
        async with Postman(LABORATORY, clock) as postman:
            await WebhookSender(portal.database, portal.acting, stranger, postman, LABORATORY).turn()
    assert receiver.got == []
    (told,) = await deliveries(admin, webhook_id)
    assert told["error"] == "a fault of ours: its secret cannot be opened"
    assert secret not in caplog.text


async def test_what_is_old_is_removed(
    admin: httpx.AsyncClient, receiver: Receiver, teller: Teller, database: Database, portal: Portal, clock: HandClock
) -> None:
    webhook_id, _ = await register(admin, receiver)
    await ping(admin, webhook_id)
    await teller.send()
    before = clock.now() - timedelta(days=31)
    aged = update(webhook_deliveries).values(created_at=before, delivered_at=before)
    await database.write(lambda connection: connection.execute(aged))
    await ping(admin, webhook_id)
    async with Postman(LABORATORY, clock) as postman:
        sender = WebhookSender(portal.database, portal.acting, portal.vault, postman, LABORATORY)
        running = asyncio.create_task(sender.run())
        async with asyncio.timeout(10):
            while len(receiver.got) < 2:
                await clock.advance(1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert len(await deliveries(admin, webhook_id)) == 1


async def test_tls_is_verified_and_an_authority_of_ones_own_can_be_named(tmp_path: Path, clock: HandClock) -> None:
    files = ensure_certificates(tmp_path, SystemClock().now())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    async with receiving(tls=context) as receiver:
        address = receiver.address.replace("http://", "https://")
        async with Postman(LABORATORY, clock) as postman:
            refused = await postman.send(address, {}, b"{}")
        async with Postman(replace(LABORATORY, ca_file=files.authority), clock) as postman:
            taken = await postman.send(address, {}, b"{}")
    assert (refused.code, refused.error) == (
        None, "TLS failed: its certificate was not accepted, or it does not speak TLS",
    )  # fmt: skip
    assert (taken.code, len(receiver.got)) == (204, 1)
