"""API keys: shown once, each for its scopes, ended at once, and nowhere in the clear."""

import logging
from datetime import datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from gateway.database import Database
from portal.api_keys.changing import MOST_STANDING
from portal.api_keys.keys import MARK
from portal.api_keys.tables import api_keys
from portal.audit.tables import audit
from portal.companies.status import CompanyStatus
from portal.companies.tables import companies
from tests.clock import HandClock
from tests.portal.conftest import SignIn
from tests.portal.world import BLUEBONNET, esi

READ, WRITE = "market:read", "market:write"


async def made(client: httpx.AsyncClient, *scopes: str, **more: object) -> tuple[int, str]:
    answer = await client.post("/api-keys", json={"name": "feed", "scopes": scopes, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], answer.json()["key"]


async def with_key(guest: httpx.AsyncClient, key: str, path: str = "/market/notices") -> int:
    return (await guest.get(path, headers={"authorization": f"Bearer {key}"})).status_code


async def test_a_key_opens_what_its_scopes_name_and_nothing_else(signed_in: SignIn, guest: httpx.AsyncClient) -> None:
    wires = await signed_in("wires.admin")
    (_, reading), (_, writing) = await made(wires, READ), await made(wires, WRITE)
    assert reading.startswith(MARK)
    assert [await with_key(guest, key) for key in (reading, writing)] == [200, 403]
    assert await with_key(guest, reading, f"/premises/{esi(1)}") == 200
    body = {"kind": "rep_of_record_changed", "id": "1", "esi_id": esi(1), "effective_at": "2026-07-01T00:00:00Z"}
    told = {"notices": [{**body, "change": "switch", "rep_duns": BLUEBONNET}]}
    answers = [
        await guest.post("/market/notices", json=told, headers={"authorization": f"Bearer {key}"})
        for key in (reading, writing)
    ]
    assert [answer.status_code for answer in answers] == [403, 200]
    for path in ("/meters", "/me", "/api-keys", f"/meters/{esi(1)}", "/gateways"):
        assert await with_key(guest, reading, path) == 403, path


async def test_a_reps_key_sees_the_premises_of_its_meters_only(signed_in: SignIn, guest: httpx.AsyncClient) -> None:
    _, key = await made(await signed_in("rep.admin"), READ, WRITE)
    assert await with_key(guest, key, f"/premises/{esi(1)}") == 200
    assert await with_key(guest, key, f"/premises/{esi(3)}") == 404
    assert await with_key(guest, key) == 403
    answer = await guest.post("/market/notices", json={"notices": []}, headers={"authorization": f"Bearer {key}"})
    assert answer.status_code in (403, 422)


async def test_a_key_that_has_ended_opens_nothing_from_the_next_request_on(
    signed_in: SignIn, guest: httpx.AsyncClient, database: Database, clock: HandClock
) -> None:
    wires = await signed_in("wires.admin")
    key_id, revoked = await made(wires, READ)
    _, expiring = await made(wires, READ, expires_at=(clock.now() + timedelta(hours=1)).isoformat())
    _, lasting = await made(wires, READ)
    assert [await with_key(guest, key) for key in (revoked, expiring, lasting)] == [200, 200, 200]
    assert (await wires.delete(f"/api-keys/{key_id}")).status_code == 204
    assert await with_key(guest, revoked) == 401
    clock.set(clock.now() + timedelta(hours=1))
    assert [await with_key(guest, key) for key in (expiring, lasting)] == [401, 200]
    suspended = update(companies).where(companies.c.name == "Hill Country Wires").values(status=CompanyStatus.SUSPENDED)
    await database.write(lambda connection: connection.execute(suspended))
    assert await with_key(guest, lasting) == 401
    assert await with_key(guest, f"{MARK}nonsense") == 401


async def test_only_administrators_make_keys_and_only_for_their_company(signed_in: SignIn) -> None:
    key_id, _ = await made(await signed_in("wires.admin"), READ)
    for user_id in ("rep.user", "maria.customer", "ercot.user"):
        client = await signed_in(user_id)
        assert (await client.post("/api-keys", json={"name": "x", "scopes": [READ]})).status_code == 403
        assert (await client.get("/api-keys")).status_code == 403
    gulf = await signed_in("gulf.admin")
    assert (await gulf.delete(f"/api-keys/{key_id}")).status_code == 404
    assert (await gulf.get("/api-keys")).json() == []


async def test_a_key_is_shown_once_and_kept_as_its_digest(
    app: FastAPI,
    signed_in: SignIn,
    guest: httpx.AsyncClient,
    database: Database,
    clock: HandClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    wires = await signed_in("wires.admin")
    _, key = await made(wires, READ)
    assert await with_key(guest, key) == 200
    (listed,) = (await wires.get("/api-keys")).json()
    assert (listed["prefix"], listed["last_used_at"]) == (key[:12], clock.now().isoformat().replace("+00:00", "Z"))
    async with database.reading() as connection:
        row = (await connection.execute(select(api_keys))).one()
    for text in (str(listed), str(row), caplog.text):
        assert key[12:] not in text


async def test_a_rolled_key_works_beside_the_new_one_until_its_grace_is_over(
    signed_in: SignIn, guest: httpx.AsyncClient, clock: HandClock
) -> None:
    wires = await signed_in("wires.admin")
    in_ten_days = clock.now() + timedelta(days=10)
    old_id, old = await made(wires, READ, expires_at=in_ten_days.isoformat())
    clock.set(clock.now() + timedelta(days=4))
    wires = await signed_in("wires.admin")
    answer = await wires.post(f"/api-keys/{old_id}/roll", json={"grace_s": 3600})
    assert answer.status_code == 201, answer.text
    rolled = answer.json()
    assert rolled["follows"] == old_id
    assert datetime.fromisoformat(rolled["followed_ends_at"]) == clock.now() + timedelta(hours=1)
    assert datetime.fromisoformat(rolled["expires_at"]) == clock.now() + timedelta(days=10), "as long a life"
    assert [await with_key(guest, key) for key in (old, rolled["key"])] == [200, 200]
    assert await with_key(guest, rolled["key"], "/meters") == 403, "no scope was added"
    clock.set(clock.now() + timedelta(hours=1))
    assert [await with_key(guest, key) for key in (old, rolled["key"])] == [401, 200]
    assert (await wires.post(f"/api-keys/{old_id}/roll", json={})).status_code == 409


async def test_rolling_never_lengthens_a_keys_life(
    signed_in: SignIn, guest: httpx.AsyncClient, clock: HandClock
) -> None:
    wires = await signed_in("wires.admin")
    soon = clock.now() + timedelta(hours=2)
    key_id, _ = await made(wires, READ, expires_at=soon.isoformat())
    rolled = (await wires.post(f"/api-keys/{key_id}/roll", json={"grace_s": 30 * 86_400})).json()
    assert datetime.fromisoformat(rolled["followed_ends_at"]) == soon
    for grace_s in (-1, 30 * 86_400 + 1, "long"):
        refused = await wires.post(f"/api-keys/{rolled['id']}/roll", json={"grace_s": grace_s})
        assert refused.status_code == 422, grace_s


async def test_a_key_of_another_company_cannot_be_rolled(signed_in: SignIn) -> None:
    key_id, _ = await made(await signed_in("wires.admin"), READ)
    assert (await (await signed_in("gulf.admin")).post(f"/api-keys/{key_id}/roll", json={})).status_code == 404
    assert (await (await signed_in("rep.user")).post(f"/api-keys/{key_id}/roll", json={})).status_code == 403


async def test_a_company_has_fifty_standing_keys_at_most(signed_in: SignIn, clock: HandClock) -> None:
    wires = await signed_in("wires.admin")
    ids = [(await made(wires, READ))[0] for _ in range(MOST_STANDING)]
    refused = await wires.post("/api-keys", json={"name": "more", "scopes": [READ]})
    assert (refused.status_code, refused.json()["faults"][0]["where"]) == (422, "name")
    assert (await wires.delete(f"/api-keys/{ids[0]}")).status_code == 204
    await made(wires, READ)
    past = (clock.now() - timedelta(seconds=1)).isoformat()
    late = await wires.post("/api-keys", json={"name": "late", "scopes": [READ], "expires_at": past})
    assert late.json()["faults"][0]["where"] == "expires_at"


async def test_the_audit_log_says_who_made_rolled_and_revoked_a_key(signed_in: SignIn, database: Database) -> None:
    wires = await signed_in("wires.admin")
    key_id, key = await made(wires, READ)
    await wires.post(f"/api-keys/{key_id}/roll", json={"grace_s": 0})
    for _ in range(2):
        await wires.delete(f"/api-keys/{key_id}")
    async with database.reading() as connection:
        rows = (await connection.execute(select(audit).order_by(audit.c.number))).all()
    assert [(row.actor, row.action, row.subject) for row in rows] == [
        ("wires.admin", f"api_key.{what}", "feed") for what in ("make", "roll", "make", "revoke")
    ]
    assert key[12:] not in str(rows)
