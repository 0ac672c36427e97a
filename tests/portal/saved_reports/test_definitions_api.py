"""Saved report definitions over the API: one's own, checked as orders are, paused, changed and deleted."""

from typing import Any

import pytest

from tests.portal.conftest import SignIn
from tests.portal.saved_reports.test_running import NIGHTLY, save
from tests.portal.world import esi


async def test_a_definition_is_shown_listed_changed_paused_and_deleted(signed_in: SignIn) -> None:
    client = await signed_in("rep.user")
    made = await save(client)
    assert made == {
        "id": made["id"], "name": "nightly", "window": "yesterday", "view": "current", "utc": False, "by": "esi_id",
        "reports": [{"report": "daily_usage", "format": "csv"}, {"report": "daily_reads", "format": "xlsx"}],
        "meters": 3, "made_at": "2026-07-01T15:00:00Z", "schedule": {"every": "day", "day": None, "minute": 360},
        "next_at": "2026-07-02T11:00:00Z", "paused_because": None, "last_run_at": None, "last_order": None,
        "last_words": None,
    }  # fmt: skip
    place = f"/report-definitions/{made['id']}"
    assert [(await client.get(place)).json(), *(await client.get("/report-definitions")).json()] == [made, made]
    paused = (await client.put(f"{place}/state", json={"paused": True})).json()
    assert (paused["next_at"], paused["paused_because"]) == (None, "you paused it")
    weekly = {
        **NIGHTLY,
        "name": "weekly",
        "window": "last_7_days",
        "schedule": {"every": "week", "day": 1, "at": "07:30"},
    }
    changed = (await client.put(place, json=weekly)).json()
    assert (changed["name"], changed["next_at"], changed["paused_because"]) == ("weekly", "2026-07-06T12:30:00Z", None)
    assert (await client.delete(place)).status_code == 204
    assert [(await client.get(place)).status_code, (await client.delete(place)).status_code] == [404, 404]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"name": ""}, "name"),
        ({"reports": []}, "reports"),
        ({"reports": [{"report": "daily_reads", "format": "lse"}]}, "reports"),
        ({"reports": [{"report": "daily_usage"}, {"report": "daily_usage"}]}, "reports"),
        ({"window": "tomorrow"}, "window"),
        ({"meters": ["M1"]}, "meters"),
        ({"schedule": {"every": "month", "day": 29}}, "schedule"),
        ({"schedule": {"every": "day", "at": "24:00"}}, "schedule"),
        ({"schedule": {"every": "week"}}, "schedule"),
    ],
)
async def test_what_is_wrong_is_told_at_its_field(signed_in: SignIn, change: dict[str, Any], where: str) -> None:
    answer = await (await signed_in("rep.user")).post("/report-definitions", json={**NIGHTLY, **change})
    assert answer.status_code == 422
    assert any(where in str(fault["where"]) for fault in answer.json()["faults"]), answer.json()


async def test_anothers_definition_is_not_there_even_within_a_company(signed_in: SignIn) -> None:
    place = f"/report-definitions/{(await save(await signed_in('rep.admin')))['id']}"
    colleague = await signed_in("rep.user")
    answers = [
        await colleague.get(place),
        await colleague.put(place, json=NIGHTLY),
        await colleague.put(f"{place}/state", json={"paused": True}),
        await colleague.post(f"{place}/run"),
        await colleague.delete(place),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert (await colleague.get("/report-definitions")).json() == []


async def test_a_definition_of_meters_that_are_not_ones_own_is_kept_and_its_run_refused(signed_in: SignIn) -> None:
    client = await signed_in("rep.user")
    made = await save(client, meters=[esi(3)], schedule=None)
    refused = await client.post(f"/report-definitions/{made['id']}/run")
    assert (refused.status_code, refused.json()["reason"]) == (422, "no_meters")
    shown = (await client.get(f"/report-definitions/{made['id']}")).json()
    assert shown["last_words"] == "None of the 1 meters of the list is among yours."
