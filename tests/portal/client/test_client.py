"""The typed client against the real application over HTTP, and its modules against the OpenAPI document."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from aiohttp import web

from gateway.clock import intervals_in
from portal.client import Connection, Metergate, Problem, models
from portal.usage.intervals import Channel, MeterDay
from tests.client_generator import FOLDER, generate, type_of
from tests.portal.pages.house import House, open_house
from tests.portal.pages.real_browser import Meters, ShiftedClock, served
from tests.portal.world import PASSWORD, esi
from tests.write_client import document


@dataclass
class Stage:
    """A served portal."""

    house: House
    address: str

    async def signed_in(self, user_id: str) -> Connection:
        """A connection with somebody's token; the test enters it again to use it."""
        async with Connection(self.address) as connection:
            token = await Metergate(connection).sign_in(models.SignIn(user_id=user_id, password=PASSWORD))
        assert token.viewer.user_id == user_id
        return Connection(self.address, token.token)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The small world behind uvicorn."""
    async with open_house(tmp_path, ShiftedClock()) as house, served(house) as address:
        yield Stage(house, address)


def test_the_modules_in_the_repository_are_what_the_document_makes() -> None:
    made = generate(document())
    for name, text in made.items():
        assert (FOLDER / name).read_text() == text, f"{name} is stale: run `make client`"


def test_every_call_of_the_document_but_uploads_has_its_method() -> None:
    told = [
        operation["operationId"]
        for methods in document()["paths"].values()
        for operation in methods.values()
        if "multipart/form-data" not in operation.get("requestBody", {}).get("content", {})
    ]
    methods = [name for name, _ in inspect.getmembers(Metergate, inspect.isfunction) if not name.startswith("_")]
    assert len([name for name in methods if not name.endswith("_pages")]) == len(told)


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "str"),
        ({"type": "string", "format": "date-time"}, "dt.datetime"),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, "dt.date | None"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Order"}}, "tuple[models.Order, ...]"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "dict[str, int]"),
        ({"const": "csv"}, "Literal['csv']"),
        ({"enum": ["a", "b"], "type": "string"}, "Literal['a', 'b']"),
        ({}, "Any"),
    ],
)
def test_a_schema_becomes_a_type(schema: dict[str, object], kind: str) -> None:
    assert type_of(schema, "models.") == kind


async def test_a_read_is_asked_for_awaited_and_then_refused_with_the_time_to_come_again(stage: Stage) -> None:
    answering = asyncio.create_task(Meters(stage.house).run())
    async with await stage.signed_in("rep.admin") as connection:
        api = Metergate(connection)
        asked = await api.ask_for_read(esi(1))
        read = await api.show_read(asked.id)
        while read.status not in (models.ReadStatus.DONE, models.ReadStatus.FAILED):
            read = await api.show_read(asked.id, wait=20, since=read.status)
        assert read.value is not None
        assert read.value.delivered_wh == 12_345_678
        assert read.ended_at is not None
        assert read.ended_at.tzinfo is not None
        with pytest.raises(Problem) as refused:
            await api.ask_for_read(esi(1))
        assert (refused.value.status, refused.value.type) == (429, "urn:metergate:problem:read-limit")
        assert refused.value.retry_after_s is not None
        assert 3500 < refused.value.retry_after_s <= 3600
        assert refused.value.body["per_day"] == 24
    answering.cancel()


async def test_pages_are_followed_to_the_last(stage: Stage) -> None:
    day = date(2026, 6, 10)
    count = intervals_in(day)
    days = [
        MeterDay(
            esi_id=esi(number), day=day, channel=Channel.CONSUMPTION, revised_at=datetime(2026, 6, 11, tzinfo=UTC),
            values=(number,) * count, estimated=(False,) * count,
        )
        for number in (1, 2)
    ]  # fmt: skip
    for each in days:
        await stage.house.report(each)
    async with await stage.signed_in("rep.admin") as connection:
        api = Metergate(connection)
        pages = [page async for page in api.list_usage_pages(start=day, end=day, limit=1)]
        told = [(meter.esi_id, [each.total_wh for each in meter.days]) for page in pages for meter in page.meters]
        assert told == [(esi(1), [96]), (esi(2), [192]), (esi(5), [])]
        assert len(pages) == 3
        assert [meter.number for page in [await api.list_meters()] for meter in page.meters] == [
            "M00001", "M00002", "M00005",
        ]  # fmt: skip
        csv = await api.daily_usage(esi(1), start=day, end=day, format=models.Format.CSV)
        assert csv.count(b"\r\n") + csv.count(b"\n") >= 97


async def test_an_api_key_is_a_token_and_problems_are_exceptions(stage: Stage) -> None:
    async with await stage.signed_in("wires.admin") as connection:
        api = Metergate(connection)
        made = await api.make_api_key(models.NewKey(name="feed", scopes=(models.Scope.MARKET_READ,)))
        (listed,) = await api.list_api_keys()
        assert (listed.id, listed.prefix, listed.expires_at) == (made.id, made.key[:12], None)
        with pytest.raises(Problem) as missing:
            await api.show_meter(esi(99))
        assert (missing.value.status, missing.value.type) == (404, "urn:metergate:problem:not-found")
    async with Connection(stage.address, made.key) as connection:
        page = await Metergate(connection).list_notices()
        assert page.notices == ()
        with pytest.raises(Problem) as barred:
            await Metergate(connection).me()
        assert barred.value.status == 403
        assert made.key not in f"{barred.value!r} {barred.value} {connection!r}"


@pytest.fixture
async def busy() -> AsyncIterator[tuple[str, list[int]]]:
    """A server that is too busy twice, then answers; and how often it was asked."""
    asked: list[int] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(len(asked))
        if "broken" in request.path:
            return web.Response(text="<h1>Bad Gateway</h1>", status=502)
        if len(asked) < 3:
            return web.json_response({"title": "busy"}, status=503, headers={"Retry-After": "7"})
        return web.json_response([])

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    await runner.cleanup()


async def test_what_is_refused_for_now_is_asked_again_after_the_pause_that_was_named(
    busy: tuple[str, list[int]],
) -> None:
    address, asked = busy
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with Connection(address, "x", sleep=sleep) as connection:
        assert await Metergate(connection).list_api_keys() == ()
    assert (len(asked), pauses) == (3, [7.0, 7.0])


@pytest.mark.parametrize(("patience_s", "tries", "expected"), [(6.9, 5, 1), (30.0, 2, 2)])
async def test_patience_and_tries_are_bounds(
    busy: tuple[str, list[int]], patience_s: float, tries: int, expected: int
) -> None:
    address, asked = busy

    async def sleep(_: float) -> None:
        pass

    async with Connection(address, patience_s=patience_s, tries=tries, sleep=sleep) as connection:
        with pytest.raises(Problem) as refused:
            await Metergate(connection).list_api_keys()
        assert (refused.value.status, refused.value.retry_after_s, len(asked)) == (503, 7.0, expected)
        with pytest.raises(Problem, match="502"):
            await connection.call("GET", "/broken")
