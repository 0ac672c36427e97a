"""Batches and booked reads over the API: placed, followed, fetched and taken back, the portal asking by itself."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from portal.context import Portal
from portal.reads.desk import ReadDesk
from tests.clock import HandClock
from tests.portal.conftest import SignIn
from tests.portal.wire import Answers, WireBus
from tests.portal.world import esi


async def answer_one(desk: ReadDesk, bus: WireBus, answers: Answers) -> str:
    """Let a meter answer; the premise that was asked."""
    request = await bus.request()
    await desk.handle([answers.done(request)])
    return str(request.esi_id)


async def test_a_batch_is_placed_followed_and_fetched(
    signed_in: SignIn, portal: Portal, bus: WireBus, answers: Answers
) -> None:
    client = await signed_in("rep.admin")
    placed = await client.post("/read-batches", json={"meters": [esi(1), esi(2), esi(3)]})
    assert (placed.status_code, placed.headers["retry-after"]) == (202, "2")
    address = placed.headers["location"].removeprefix("/api/v1")
    assert {await answer_one(portal.desk, bus, answers) for _ in range(2)} == {esi(1), esi(2)}
    batch = await client.get(address)
    assert batch.json()["counts"] == {
        **dict.fromkeys(("waiting", "reading", "failed", "cancelled", "missed"), 0),
        "done": 2,
        "refused": 1,
    }
    assert "retry-after" not in batch.headers
    first, _, third = batch.json()["reads"]
    assert first["read"]["value"]["delivered_wh"] > 0
    assert (third["outcome"], third["reason"], third["esi_id"]) == ("refused", "not_found", None)
    file = await client.get(f"{address}/results.csv")
    assert file.headers["content-type"].startswith("text/csv")
    assert file.text.count("\r\n") == 4
    (listed,) = (await client.get("/read-batches")).json()
    assert (listed["count"], listed["ended"]) == (3, True)
    again = (await client.post(f"{address}/cancel")).json()
    assert again["counts"]["done"] == 2, "what has ended is not taken back"
    other = await signed_in("rep.user")
    assert (await other.get("/read-batches")).json() == []
    assert (await other.get(address)).status_code == 404
    assert (await other.get(f"{address}/results.csv")).status_code == 404
    assert (await other.post(f"{address}/cancel")).status_code == 404


def told(answer: httpx.Response) -> tuple[int, str]:
    """Status and kind of a problem."""
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


@pytest.mark.parametrize(
    ("user", "body", "problem"),
    [
        ("rep.admin", {"meters": []}, (422, "bad-list")),
        ("rep.admin", {"meters": ["hello"]}, (422, "bad-list")),
        ("rep.admin", {"meters": [esi(number) for number in range(501)]}, (422, "bad-list")),
        ("rep.admin", {"meters": [esi(3), esi(99)]}, (422, "no-meters")),
        ("rep.admin", {"meters": [esi(1)], "by": "name"}, (422, "bad-request")),
        ("ercot.user", {"meters": [esi(1)]}, (403, "not-permitted")),
    ],
)
async def test_a_batch_is_refused_with_its_cause(
    signed_in: SignIn, user: str, body: dict[str, object], problem: tuple[int, str]
) -> None:
    assert told(await (await signed_in(user)).post("/read-batches", json=body)) == problem


async def test_a_read_is_booked_and_comes_at_its_instant(
    signed_in: SignIn, portal: Portal, bus: WireBus, answers: Answers, clock: HandClock
) -> None:
    client = await signed_in("rep.admin")
    at = clock.now() + timedelta(seconds=90)
    booked = await client.post(f"/meters/{esi(1)}/booked-reads", json={"at": at.isoformat()})
    assert booked.status_code == 201
    address = booked.headers["location"].removeprefix("/api/v1")
    assert [each["id"] for each in (await client.get(f"/meters/{esi(1)}/booked-reads")).json()] == [booked.json()["id"]]
    assert (await client.get(address)).json()["outcome"] == "waiting"
    async with asyncio.timeout(30):
        while (await client.get(address)).json()["read"] is None:
            await clock.advance(1)
    assert clock.now() >= at
    assert await answer_one(portal.desk, bus, answers) == esi(1)
    done = (await client.get(address)).json()
    assert done["outcome"] == "done"
    assert (await client.get(f"/meters/{esi(1)}/booked-reads")).json() == [], "it is an ordinary read now"
    (read,) = (await client.get(f"/meters/{esi(1)}/reads")).json()
    assert read["id"] == done["read"]["id"]
    assert (await client.post(f"{address}/cancel")).json()["outcome"] == "done"


async def test_a_booking_is_refused_or_taken_back(signed_in: SignIn, clock: HandClock) -> None:
    client = await signed_in("rep.admin")
    here = f"/meters/{esi(1)}/booked-reads"
    for ahead in (timedelta(days=8), timedelta(seconds=-1)):
        assert told(await client.post(here, json={"at": (clock.now() + ahead).isoformat()})) == (422, "bad-instant")
    assert told(await client.post(here, json={"at": "2026-07-02T10:00:00"})) == (422, "bad-request")
    ercot = await signed_in("ercot.user")
    at = {"at": (clock.now() + timedelta(days=1)).isoformat()}
    assert told(await ercot.post(here, json=at)) == (403, "not-permitted")
    booked = await client.post(here, json=at)
    cancelled = await client.post(f"{here}/{booked.json()['id']}/cancel")
    assert cancelled.json()["outcome"] == "cancelled"
    elsewhere = here.replace(esi(1), esi(2))
    assert (await client.get(f"{elsewhere}/{booked.json()['id']}")).status_code == 404
