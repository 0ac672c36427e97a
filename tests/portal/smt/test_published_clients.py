"""Requests in the very bytes of published clients, over TLS: their paths, their headers' case, their first GET."""

import asyncio
import json
from datetime import date
from typing import Any

import pytest

from gateway.clock import intervals_in
from portal.usage.intervals import Channel, MeterDay
from portal.usage.store import SourceFile
from tests.portal.smt.test_client import Served, served
from tests.portal.world import PASSWORD, esi

__all__ = ["served"]

FALL = date(2025, 11, 2)
BROWSER = (
    "Origin: https://www.smartmetertexas.com\r\nReferer: https://www.smartmetertexas.com/dashboard/\r\n"
    "user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/77.0\r\n"
)


class Wire:
    """One connection, kept open over all requests as clients do."""

    def __init__(self, served: Served, host: str) -> None:
        self._served, self._host = served, host

    async def __aenter__(self) -> "Wire":
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._served.port, ssl=self._served.trusting, server_hostname=self._host
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def send(self, line: str, headers: str = "", body: str = "") -> tuple[int, dict[str, str], bytes]:
        """A request as its bytes; status, headers in small letters, body."""
        head = f"{line} HTTP/1.1\r\nHost: {self._host}\r\n{headers}content-length: {len(body)}\r\n\r\n"
        self._writer.write((head + body).encode())
        raw = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        told = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in raw[1:] if each)}
        return int(raw[0].split()[1]), told, await self._reader.readexactly(int(told["content-length"]))

    async def call(self, path: str, headers: str, body: Any) -> Any:
        """A POST whose answer must be good JSON."""
        status, told, answer = await self.send(f"POST {path}", headers, json.dumps(body))
        assert (status, told["content-type"]) == (200, "application/json"), answer
        return json.loads(answer)


async def load_fall(served: Served) -> None:
    count = intervals_in(FALL)
    day = MeterDay(
        esi_id=esi(1), day=FALL, channel=Channel.CONSUMPTION, revised_at=None,
        values=tuple(range(count)), estimated=(False,) * count,
    )  # fmt: skip
    source = SourceFile(name="fall", sha256="fall", received_at=served.portal.clock.now())
    await served.intervals.load(source, lambda: iter([day]))


@pytest.mark.parametrize("path", ["/api/user/authenticate", "/commonapi/user/authenticate"])
@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
async def test_a_flow_that_opens_the_page_first_and_writes_bearer_small_gets_its_day(
    served: Served, path: str, name: str
) -> None:
    await load_fall(served)
    async with Wire(served, "www.smartmetertexas.com") as wire:
        status, told, _ = await wire.send("GET /", BROWSER)
        assert (status, told["content-type"].split(";")[0]) == (200, "text/html")
        sent = {"username": "maria.customer", "password": PASSWORD, "rememberMe": "true"}
        token = (await wire.call(path, f"{BROWSER}CONTENT-TYPE: application/json\r\n", sent))["token"]
        headers = f"{BROWSER}{name}: bearer {token}\r\ncontent-type: application/json;charset=UTF-8\r\n"
        asked = {"esiid": esi(1), "startDate": "11/02/2025", "endDate": "11/02/2025"}
        quarters = (await wire.call("/api/usage/interval", headers, asked))["intervaldata"]
        assert (len(quarters), quarters[4]["starttime"], quarters[8]["starttime"]) == (100, " 01:00 am", " 01:00 am")
        wrong, told, body = await wire.send("POST /api/meter", f"{name}: bearer nonsense\r\n", '{"esiid": "*"}')
        assert (wrong, told["content-type"], json.loads(body)) == (
            401,
            "application/json",
            {"message": "Invalid Token"},
        )
        for line, status in (("GET /api/usage/interval", 405), ("POST /api/usage/nothing", 404)):
            found, told, _ = await wire.send(line, headers)
            assert (found, told["content-type"]) == (status, "application/json")


async def test_a_program_of_the_services_sends_basic_with_the_token_request_and_no_format(served: Served) -> None:
    await load_fall(served)
    async with Wire(served, "services.smartmetertexas.net") as wire:
        headers = (
            "Authority: services.smartmetertexas.net\r\nOrigin: https://services.smartmetertexas.net\r\ndnt: 1\r\n"
        )
        sent = {"username": "maria.customer", "password": PASSWORD}
        token = await wire.call("/v2/token/", f"{headers}Authorization: Basic eDp5\r\n", sent)
        assert token["tokenType"] == "Bearer"
        asked = {
            "trans_id": esi(1), "requestorID": "MARIA", "requesterType": "RES", "startDate": "11/02/2025",
            "endDate": "11/02/2025", "version": "L", "readingType": "C", "esiid": [esi(1)],
            "SMTTermsandConditions": "Y",
        }  # fmt: skip
        with_token = f"{headers}Authorization: {token['tokenType']} {token['accessToken']}\r\n"
        told = await wire.call("/v2/15minintervalreads/", with_token, asked)
        assert "error" not in json.dumps(told).lower(), "a published client takes the word for a failure"
        (entry,) = told["energyData"]
        assert (entry["DT"], len([cell for cell in entry["RD"].split(",") if cell])) == ("11/02/2025", 100)
