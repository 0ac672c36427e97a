"""The Daily Usage report over the API: who gets it, in which form, and how each refusal says its bound."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update
from starlette.types import Message, Receive, Scope, Send

from gateway.database import Database
from gateway.dice import SeededDice
from portal.context import Portal
from portal.meters.tables import meters
from portal.reports.forms import MEDIA_TYPES
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from tests.clock import HandClock
from tests.portal.conftest import SignIn, running
from tests.portal.usage.files import PLAIN, meter_day, read
from tests.portal.usage.lse_files import read_lse
from tests.portal.usage.reports import NOW, Feed, keep, known_of, known_of_json
from tests.portal.wire import WireBus
from tests.portal.world import BEGAN, CHEAP, GUIDES, esi

DAY = meter_day([859, None, *range(94)], meter=esi(1))
FIRST = replace(DAY, values=(1,) * 96)
OTHERS = meter_day([31_337] * 96, meter=esi(3))
USAGE = f"/meters/{esi(1)}/usage"
MAY = {"start": "2026-05-01", "end": "2026-05-31"}


@pytest.fixture
async def portal(database: Database, bus: WireBus, clock: HandClock) -> AsyncIterator[Portal]:
    """The portal with a store of intervals: a day of meter 1, once revised, and one of a meter of another REP."""
    store = await SqlIntervalStore.opened(database)
    await keep(store, [[FIRST, OTHERS], [DAY]])
    portal = Portal.over(
        database, bus, clock, SeededDice(7), GUIDES, passwords=CHEAP, intervals=store, registers=RegisterStore(database)
    )
    async with running(portal):
        yield portal


async def test_a_rep_gets_a_month_of_its_meter_in_every_format(signed_in: SignIn) -> None:
    client = await signed_in("rep.user")
    known = frozenset({str(esi(1))})
    told: dict[str, tuple[str, str]] = {
        "json": ("application/json", "json"),
        "csv": ("text/csv; charset=utf-8", "csv"),
        "lse": ("text/plain; charset=utf-8", "lse"),
        "green_button": ("application/atom+xml; charset=utf-8", "xml"),
    }
    texts = {}
    for written_as, (media, ending) in told.items():
        answer = await client.get(USAGE, params={**MAY, "format": written_as})
        assert (answer.status_code, answer.headers["content-type"]) == (200, media)
        name = f"daily-usage_{esi(1)}_2026-05-01_2026-05-31_current.{ending}"
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        texts[written_as] = answer.text
    assert read(texts["csv"].encode(), known=known) == [DAY]
    assert read_lse(texts["lse"].encode(), known=known) == [DAY]
    assert known_of_json(texts["json"]) == set(Feed(texts["green_button"]).known()) == known_of([DAY])


async def test_json_of_the_current_version_is_what_comes_unasked(signed_in: SignIn) -> None:
    answer = await (await signed_in("rep.user")).get(USAGE, params=MAY)
    told = answer.json()
    assert (told["esi_id"], told["start"], told["end"], told["view"]) == (esi(1), *MAY.values(), "current")
    assert [each["wh"] for each in told["intervals"]] == list(DAY.values)


async def test_version_updates_hold_every_version_the_current_one_first(signed_in: SignIn) -> None:
    answer = await (await signed_in("rep.user")).get(USAGE, params={**MAY, "view": "versions"})
    told = answer.json()["intervals"]
    assert [each["wh"] for each in told] == [*DAY.values, *FIRST.values]
    assert [each["version"] for each in told] == [2] * 96 + [1] * 96
    assert "_versions.json" in answer.headers["content-disposition"]


async def test_a_csv_has_two_more_columns_on_request(signed_in: SignIn) -> None:
    answer = await (await signed_in("rep.user")).get(USAGE, params={**MAY, "format": "csv", "utc": "1"})
    header, first, *_ = answer.text.splitlines()
    assert header.endswith(",USAGE_START_UTC,UTC_OFFSET")
    assert first.endswith(",0.859,A,Consumption,2026-05-06T05:00:00Z,-05:00")


async def test_the_usage_of_an_invisible_meter_looks_like_that_of_none(signed_in: SignIn) -> None:
    client = await signed_in("rep.user")
    for more in (MAY, {}, {"start": "1999-01-01", "end": "1998-01-01"}, {**MAY, "format": "pdf"}):
        foreign = await client.get(f"/meters/{esi(3)}/usage", params=more)
        missing = await client.get(f"/meters/{esi(99)}/usage", params=more)
        assert foreign.status_code == 404, more
        assert (foreign.content, dict(foreign.headers)) == (missing.content, dict(missing.headers))


async def test_rpt_05_a_customer_sees_the_current_version_and_no_other(signed_in: SignIn) -> None:
    """RPT-05: "Current Version = latest data only (all a customer ever sees)"."""
    client = await signed_in("maria.customer")
    current = await client.get(USAGE, params={**MAY, "format": "green_button"})
    assert set(Feed(current.text).known()) == known_of([DAY])
    refused = await client.get(USAGE, params={**MAY, "view": "versions"})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:metergate:problem:not-permitted")


@pytest.mark.parametrize(
    ("start", "end", "reason", "bound"),
    [
        ("2024-12-31", "2026-05-31", "before_meter", "2025-01-01"),
        ("2026-06-02", "2026-06-01", "order", "2026-06-01"),
        ("2026-06-30", "2026-07-02", "future", "2026-07-01"),
    ],
)
async def test_a_range_out_of_bounds_is_refused_with_its_bound(
    signed_in: SignIn, start: str, end: str, reason: str, bound: str
) -> None:
    answer = await (await signed_in("rep.user")).get(USAGE, params={"start": start, "end": end, "format": "csv"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "content-disposition" not in answer.headers
    told = answer.json()
    assert (told["type"], told["reason"], told["bound"]) == ("urn:metergate:problem:bad-report", reason, bound)
    assert bound in told["detail"]


async def test_an_old_meter_is_told_48_months_back_and_an_exchange_keeps_its_history(
    signed_in: SignIn, portal: Portal
) -> None:
    old = BEGAN.replace(year=2008)
    exchanged = update(meters).where(meters.c.esi_id == esi(1)).values(removed_at=BEGAN, installed_at=old)
    client = await signed_in("rep.user")
    row = {"number": "M90001", "esi_id": esi(1), "installed_at": BEGAN, "provisioned_at": BEGAN}
    await portal.database.write(lambda connection: connection.execute(exchanged))
    await portal.database.write(lambda connection: connection.execute(meters.insert().values(row)))
    assert (await client.get(USAGE, params={"start": "2022-07-01", "end": "2026-07-01"})).status_code == 200
    told = (await client.get(USAGE, params={"start": "2022-06-30", "end": "2026-07-01"})).json()
    assert (told["reason"], told["bound"]) == ("too_old", "2022-07-01")


@pytest.mark.parametrize(
    "wrong",
    [
        {**MAY, "format": "pdf"},
        {**MAY, "view": "latest"},
        {"start": "2026-05-01"},
        {"end": "2026-05-01"},
        {"start": "05/01/2026", "end": "2026-05-31"},
        {"start": "2026-02-30", "end": "2026-05-31"},
    ],
)
async def test_what_is_unknown_or_no_date_is_named(signed_in: SignIn, wrong: dict[str, str]) -> None:
    answer = await (await signed_in("rep.user")).get(USAGE, params=wrong)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:metergate:problem:bad-request")
    assert answer.json()["faults"][0]["where"].startswith("query.")


@pytest.mark.parametrize("written_as", ["lse", "green_button"])
async def test_a_format_without_room_for_versions_says_so(signed_in: SignIn, written_as: str) -> None:
    params = {**MAY, "format": written_as, "view": "versions"}
    answer = await (await signed_in("rep.user")).get(USAGE, params=params)
    assert (answer.status_code, answer.json()["reason"]) == (422, "one_version")
    assert answer.json()["detail"] == (
        f"{written_as} has room for one version of an interval; csv, json, xlsx and parquet show every version."
    )


async def test_a_report_leaves_in_pieces(app: FastAPI, signed_in: SignIn) -> None:
    pieces: list[int] = []

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            pieces.append(len(message.get("body", b"")))
            await send(message)

        await app(scope, receive, counted)

    headers: Any = (await signed_in("rep.user")).headers
    transport = httpx.ASGITransport(counting)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test/api/v1", headers=headers) as client:
        await client.get(USAGE, params={**MAY, "format": "json"})
    assert len([size for size in pieces if size]) == 3


async def test_the_document_describes_every_format_and_parameter(app: FastAPI) -> None:
    operation = app.openapi()["paths"]["/api/v1/meters/{esi_id}/usage"]["get"]
    assert {each["name"] for each in operation["parameters"]} == {"esi_id", "start", "end", "view", "format", "utc"}
    content = operation["responses"]["200"]["content"]
    assert set(content) == {media.partition(";")[0] for media in MEDIA_TYPES.values()}
    assert content["application/json"]["schema"]["$ref"].endswith("/DailyUsage")
    assert PLAIN < date(2026, 7, 1) == NOW.date()


async def test_the_intervals_of_all_meters_come_by_pages_that_a_cursor_joins(signed_in: SignIn) -> None:
    client = await signed_in("rep.admin")
    found: dict[str, Any] = {}
    after, pages = None, 0
    while True:
        cursor: dict[str, str] = {"after": after} if after else {}
        answer = await client.get("/usage", params={**MAY, "limit": 1, **cursor})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        page = answer.json()
        assert len(page["meters"]) == 1
        found |= {each["esi_id"]: each["days"] for each in page["meters"]}
        pages, after = pages + 1, page["next_after"]
        if after is None:
            break
    assert (pages, sorted(found)) == (3, [esi(1), esi(2), esi(5)])
    assert found[esi(2)] == []
    (day,) = found[esi(1)]
    assert (day["day"], day["channel"], day["total_wh"]) == (f"{PLAIN}", "consumption", DAY.total_wh)
    assert (day["wh"], day["estimated"]) == (list(DAY.values), [])
    whole = (await client.get("/usage", params=MAY)).json()
    assert {each["esi_id"]: each["days"] for each in whole["meters"]} == found
    assert whole["next_after"] is None


async def test_a_page_of_every_version_has_the_newest_of_a_day_first_and_is_not_for_customers(
    signed_in: SignIn,
) -> None:
    client = await signed_in("rep.admin")
    page = (await client.get("/usage", params={**MAY, "view": "versions"})).json()
    days = page["meters"][0]["days"]
    assert [each["wh"][0] for each in days] == [859, 1]
    assert days[0]["version"] > days[1]["version"]
    customer = await signed_in("maria.customer")
    assert (await customer.get("/usage", params={**MAY, "view": "versions"})).status_code == 403
    assert [each["esi_id"] for each in (await customer.get("/usage", params=MAY)).json()["meters"]] == [esi(1)]


async def test_a_page_that_would_be_too_large_says_how_many_meters_it_may_have(signed_in: SignIn) -> None:
    client = await signed_in("rep.admin")
    year = {"start": "2025-06-01", "end": "2026-05-31"}
    refused = await client.get("/usage", params=year)
    assert (refused.status_code, refused.json()["reason"]) == (422, "large")
    assert "limit may be 54" in refused.json()["detail"]
    assert (await client.get("/usage", params={**year, "limit": 54})).status_code == 200
    assert (await client.get("/usage", params={"start": "2009-01-01", "end": "2009-01-02"})).status_code == 422
