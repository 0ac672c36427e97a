"""API keys: shown once, each for its scopes, ended at once, and nowhere in the clear."""

import logging
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from gateway.database import Database
from portal.api_keys.keys import MARK
from portal.api_keys.tables import api_keys
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
