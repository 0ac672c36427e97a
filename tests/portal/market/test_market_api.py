"""The market feed over the API: told, seen and asked about, by TDSPs and their keys, and by nobody else."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from portal.context import Portal
from tests.clock import HandClock
from tests.portal.conftest import SignIn
from tests.portal.market.words import DAY
from tests.portal.world import BEGAN, BLUEBONNET, LONE_STAR, SWITCHED, esi

HERE, PREMISE = esi(1), f"/premises/{esi(1)}"


def switch(at: Any, **more: Any) -> dict[str, Any]:
    told = {"kind": "rep_of_record_changed", "id": "s-1", "esi_id": HERE, "effective_at": at.isoformat()}
    return {**told, "change": "switch", "rep_duns": BLUEBONNET, **more}


async def told(client: httpx.AsyncClient, *notices: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.post("/market/notices", json={"notices": notices})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


async def test_each_notice_gets_its_own_answer_and_the_same_one_again(signed_in: SignIn, clock: HandClock) -> None:
    wires = await signed_in("wires.admin")
    notices = [
        switch(clock.now()),
        switch(clock.now() + DAY, id="s-2"),
        switch(clock.now(), id="s-3", esi_id=esi(999)),
        switch(clock.now(), rep_duns=LONE_STAR),
    ]
    first = await told(wires, *notices)
    assert [(each["id"], each["state"], each["reason"]) for each in first] == [
        ("s-1", "applied", None),
        ("s-2", "waiting", None),
        ("s-3", "refused", "unknown_esi_id"),
        ("s-1", "refused", "conflict"),
    ]
    assert await told(wires, *notices) == first


async def test_a_notice_that_cannot_be_read_is_named_by_its_place(signed_in: SignIn, clock: HandClock) -> None:
    wires = await signed_in("wires.admin")
    bad = switch(clock.now(), change="move_out")
    answer = await wires.post("/market/notices", json={"notices": [switch(clock.now()), bad]})
    assert answer.status_code == 422
    (fault,) = answer.json()["faults"]
    assert fault["where"] == "body.notices.1.rep_of_record_changed"
    assert "absent for a move_out" in fault["what"]
    assert (await wires.get("/market/notices")).json()["notices"] == []


async def test_a_tdsp_sees_its_own_notices_by_state_and_by_pages(signed_in: SignIn, clock: HandClock) -> None:
    wires, gulf = await signed_in("wires.admin"), await signed_in("gulf.admin")
    changes = [
        {"kind": "premise_changed", "id": f"p-{number}", "esi_id": HERE, "effective_at": clock.now().isoformat()}
        | {"premise": {"read_cycle": "01"}}
        for number in range(101)
    ]
    await told(wires, *changes, switch(clock.now() + DAY))
    first = (await wires.get("/market/notices")).json()
    rest = (await wires.get("/market/notices", params={"after": first["next_after"]})).json()
    assert [len(first["notices"]), len(rest["notices"]), rest["next_after"]] == [100, 2, None]
    (waiting,) = (await wires.get("/market/notices", params={"state": "waiting"})).json()["notices"]
    assert (waiting["notice"]["id"], waiting["source"], waiting["notice"]["rep_duns"]) == ("s-1", "api", BLUEBONNET)
    (one,) = (await wires.get("/market/notices", params={"id": "p-7"})).json()["notices"]
    assert one["notice"]["premise"]["read_cycle"] == "01"
    assert (await gulf.get("/market/notices")).json()["notices"] == []


@pytest.mark.parametrize("user_id", ["rep.admin", "maria.customer", "ercot.user", "coach.user"])
async def test_only_a_tdsp_tells_and_sees_notices(signed_in: SignIn, clock: HandClock, user_id: str) -> None:
    client = await signed_in(user_id)
    answer = await client.post("/market/notices", json={"notices": [switch(clock.now())]})
    assert answer.status_code == 403
    assert (await client.get("/market/notices")).status_code == 403


async def test_a_premise_is_shown_as_it_was(signed_in: SignIn, clock: HandClock) -> None:
    wires, there = await signed_in("wires.admin"), f"/premises/{esi(4)}"
    at = clock.now() - 2 * DAY
    exchange = {"kind": "meter_exchanged", "id": "x", "esi_id": esi(4), "effective_at": at.isoformat()}
    await told(wires, {**exchange, "meter": "M00004", "new_meter": "N4", "fields": {"model": "Focus"}})

    async def shown(at: Any = None) -> Any:
        answer = await wires.get(there, params={} if at is None else {"at": at.isoformat()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    now = await shown()
    assert (now["rep_of_record"], now["meter"]["number"], now["meter"]["fields"]["model"]) == (
        BLUEBONNET,
        "N4",
        "Focus",
    )
    before = await shown(at - timedelta(seconds=1))
    assert (before["rep_of_record"], before["meter"]["number"]) == (BLUEBONNET, "M00004")
    assert (await shown(SWITCHED - timedelta(seconds=1)))["rep_of_record"] == LONE_STAR
    assert (await shown(BEGAN - DAY))["meter"] is None
    assert (await wires.get(there, params={"at": "1999-01-01T00:00:00Z"})).status_code == 404


async def test_a_premise_that_no_notice_spoke_of_is_shown_too(signed_in: SignIn) -> None:
    wires = await signed_in("wires.admin")
    shown = (await wires.get(PREMISE)).json()
    assert (shown["premise"]["street_name"], shown["meter"]["number"]) == ("Elm", "M00001")
    assert shown["rep_since"] == BEGAN.isoformat().replace("+00:00", "Z")


async def test_a_premise_is_for_its_tdsp_and_its_current_rep(
    signed_in: SignIn, portal: Portal, clock: HandClock
) -> None:
    seen = {}
    for user_id in ("wires.admin", "rep.user", "blue.admin", "gulf.admin", "maria.customer", "ercot.user"):
        answer = await (await signed_in(user_id)).get(PREMISE)
        seen[user_id] = answer.status_code
    assert seen == dict.fromkeys(seen, 404) | {"wires.admin": 200, "rep.user": 200}
    await told(await signed_in("wires.admin"), switch(clock.now()))
    assert (await (await signed_in("rep.user")).get(PREMISE)).status_code == 404
    shown = (await (await signed_in("blue.admin")).get(PREMISE, params={"at": BEGAN.isoformat()})).json()
    assert shown["rep_of_record"] == LONE_STAR, "the current REP sees all of the history (ROR-06)"
