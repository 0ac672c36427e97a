"""Report orders over the API, from placing to the bytes of a file."""

import asyncio
import hashlib
import json
from typing import Any

import httpx
import pytest

from tests.portal.conftest import SignIn
from tests.portal.orders.stand import Stand
from tests.portal.world import esi

READS = {"report": "daily_reads", "start": "2026-05-06", "end": "2026-05-08"}
BOTH = {"meters": [esi(1), esi(2)], "reports": [READS]}


async def ordered(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    """An order that must stand."""
    answer = await client.post("/orders", json={**BOTH, **more})
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/orders/{made['number']}"
    assert answer.headers["retry-after"] == "2"
    return made


async def test_an_order_is_placed_made_and_fetched(signed_in: SignIn, stand: Stand) -> None:
    client = await signed_in("rep.admin")
    placed = await ordered(client)
    assert (placed["state"], placed["details"]) == ("processing", "The order waits for its turn.")
    assert (placed["meters"], placed["not_found"], placed["done"], placed["of"]) == (2, 0, 0, 2)
    assert len(str(placed["number"])) == 10
    await stand.worker().work()
    order = (await client.get(f"/orders/{placed['number']}")).json()
    (file,) = order["files"]
    assert (order["state"], order["done"], file["rows"]) == ("complete", 2, 6)
    name = f"daily-reads_order-{placed['number']}_2026-05-06_2026-05-08_current.csv"
    assert file["name"] == name
    assert order["details"] == f"2 meters, 6 rows in 1 file, {file['size']} bytes."
    answer = await client.get(f"/orders/{placed['number']}/files/{name}")
    assert (answer.status_code, answer.headers["content-length"]) == (200, f"{file['size']}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
    assert answer.text.splitlines() == [
        "ESIID,READ_DATE,REVISION_DATE,START_READING,END_READING,USAGE_KWH",
        f"'{esi(1)},05/06/2026,N/A,1000.000,1031.337,31.337",
        f"'{esi(1)},05/07/2026,N/A,N/A,1031.337,31.337",
        f"'{esi(1)},05/08/2026,N/A,N/A,N/A,N/A",
        f"'{esi(2)},05/06/2026,N/A,2000.000,2031.337,31.337",
        f"'{esi(2)},05/07/2026,N/A,N/A,2031.337,31.337",
        f"'{esi(2)},05/08/2026,N/A,N/A,N/A,N/A",
    ]


async def test_a_request_sent_again_under_its_key_is_no_second_order(signed_in: SignIn, stand: Stand) -> None:
    client, other = await signed_in("rep.admin"), await signed_in("rep.user")
    named = {"Idempotency-Key": "january-7"}
    answers = [await client.post("/orders", json=BOTH, headers=named) for _ in range(2)]
    answers += await asyncio.gather(*(client.post("/orders", json=BOTH, headers=named) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["number"] for answer in answers}) == 1
    refused = await client.post("/orders", json={**BOTH, "meters": [esi(1)]}, headers=named)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:metergate:problem:key-used")
    theirs = await other.post("/orders", json=BOTH, headers=named)
    assert theirs.json()["number"] != answers[0].json()["number"]
    assert len((await client.get("/orders")).json()["orders"]) == 1


async def test_a_list_may_be_meter_numbers_and_what_is_not_found_is_a_count(signed_in: SignIn, stand: Stand) -> None:
    client = await signed_in("rep.user")
    placed = await ordered(client, meters=["M00001", "M00003", "M00099"], by="meter_number")
    assert (placed["meters"], placed["not_found"]) == (1, 2)
    await stand.worker().work()
    order = (await client.get(f"/orders/{placed['number']}")).json()
    assert order["details"].endswith("Not found: 2 values of the list.")


async def test_an_imported_file_is_a_list(signed_in: SignIn, stand: Stand) -> None:
    client = await signed_in("rep.admin")
    files = {"file": ("meters.csv", f"{esi(1)}\r\n{esi(2)}\r\n", "text/csv")}
    answer = await client.post("/orders/import", data={"order": json.dumps({"reports": [READS]})}, files=files)
    assert (answer.status_code, answer.json()["meters"]) == (202, 2)


async def test_a_wrong_import_is_refused_by_row_and_column(signed_in: SignIn) -> None:
    client = await signed_in("rep.admin")
    files = {"file": ("meters.csv", f"{esi(1)},\n1.04437E+16\n", "text/csv")}
    answer = await client.post("/orders/import", data={"order": json.dumps({"reports": [READS]})}, files=files)
    told = answer.json()
    assert (answer.status_code, told["type"], told["reason"]) == (422, "urn:metergate:problem:bad-list", "list")
    assert [(each["row"], each["column"]) for each in told["faults"]] == [(1, 2), (2, 1)]
    assert "comma at the end" in told["faults"][0]["what"]
    assert "Excel has rounded" in told["faults"][1]["what"]


@pytest.mark.parametrize(
    ("data", "files"),
    [
        ({}, {"file": ("meters.csv", "1", "text/csv")}),
        ({"order": json.dumps({"reports": [READS]})}, {}),
        ({"order": "nothing"}, {"file": ("meters.csv", "1", "text/csv")}),
        ({"order": json.dumps({"reports": []})}, {"file": ("meters.csv", "1", "text/csv")}),
        ({"order": json.dumps({"reports": [READS], "colour": 1})}, {"file": ("meters.csv", "1", "text/csv")}),
    ],
)
async def test_an_import_that_is_no_order_is_a_bad_request(signed_in: SignIn, data: Any, files: Any) -> None:
    answer = await (await signed_in("rep.admin")).post("/orders/import", data=data, files=files)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:metergate:problem:bad-request")
    assert answer.json()["faults"]


async def test_orders_of_no_meter_or_too_many_are_refused(signed_in: SignIn) -> None:
    client = await signed_in("rep.user")
    none = await client.post("/orders", json={**BOTH, "meters": [esi(3), esi(99)]})
    assert (none.status_code, none.json()["type"]) == (422, "urn:metergate:problem:no-meters")
    assert none.json()["detail"] == "None of the 2 meters of the list is among yours."
    many = await client.post("/orders", json={**BOTH, "meters": [esi(number) for number in range(1, 6)]})
    assert (many.status_code, many.json()["reason"]) == (422, "list")
    empty = await client.post("/orders", json={**BOTH, "meters": []})
    assert "the list is empty" in empty.json()["detail"]


async def test_open_orders_are_limited_per_account_and_cancelling_makes_room(signed_in: SignIn) -> None:
    client, other = await signed_in("rep.admin"), await signed_in("blue.admin")
    first, _, _ = [await ordered(client) for _ in range(3)]
    refused = await client.post("/orders", json=BOTH)
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:metergate:problem:too-many-orders")
    assert refused.json()["detail"].startswith("3 of your orders are still in process")
    assert (await other.post("/orders", json={**BOTH, "meters": [esi(3)]})).status_code == 202
    cancelled = await client.post(f"/orders/{first['number']}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    await ordered(client)
    again = await client.post(f"/orders/{first['number']}/retry")
    assert again.status_code == 429


async def test_another_s_order_looks_like_none(signed_in: SignIn, stand: Stand) -> None:
    owner = await signed_in("rep.admin")
    number = (await ordered(owner))["number"]
    await stand.worker().work()
    (file,) = (await owner.get(f"/orders/{number}")).json()["files"]
    for user in ("rep.user", "blue.admin", "ercot.user", "wires.admin", "maria.customer"):
        client = await signed_in(user)
        for method, path in (
            ("GET", "/orders/{}"),
            ("GET", "/orders/{}/files/" + file["name"]),
            ("POST", "/orders/{}/retry"),
            ("POST", "/orders/{}/cancel"),
            ("GET", "/orders?after={}"),
        ):
            theirs = await client.request(method, path.format(number))
            none = await client.request(method, path.format(1_234_567_890))
            assert theirs.status_code == 404, (user, path)
            assert (theirs.content, dict(theirs.headers)) == (none.content, dict(none.headers))
        assert (await client.get("/orders")).json() == {"orders": [], "next_after": None}


async def test_orders_are_listed_newest_first_a_page_at_a_time(signed_in: SignIn, stand: Stand) -> None:
    client = await signed_in("rep.admin")
    numbers = []
    for _ in range(27):
        await stand.clock.advance(1)
        numbers.append((await ordered(client))["number"])
        await client.post(f"/orders/{numbers[-1]}/cancel")
    first = (await client.get("/orders")).json()
    assert [each["number"] for each in first["orders"]] == numbers[:1:-1]
    assert first["next_after"] == numbers[2]
    rest = (await client.get("/orders", params={"after": first["next_after"]})).json()
    assert ([each["number"] for each in rest["orders"]], rest["next_after"]) == ([numbers[1], numbers[0]], None)


async def test_a_number_or_a_name_that_no_order_can_have_is_no_fault_of_ours(signed_in: SignIn, stand: Stand) -> None:
    client = await signed_in("rep.admin")
    assert (await client.get("/orders", params={"after": 2**70})).status_code == 422
    assert (await client.get("/orders", params={"after": 10**12})).status_code == 404
    number = (await client.post("/orders", json={**BOTH, "meters": [esi(1)]})).json()["number"]
    await stand.worker().work()
    for name in ("%00", "a%00.csv", "..%5Cx", "none.csv"):
        assert (await client.get(f"/orders/{number}/files/{name}")).status_code == 404


async def test_only_an_order_in_process_is_cancelled_and_only_another_made_again(
    signed_in: SignIn, stand: Stand
) -> None:
    client = await signed_in("rep.admin")
    number = (await ordered(client))["number"]
    early = await client.post(f"/orders/{number}/retry")
    assert (early.status_code, early.json()["detail"]) == (409, "This order is in process already.")
    await stand.worker().work()
    late = await client.post(f"/orders/{number}/cancel")
    assert (late.status_code, late.json()["detail"]) == (
        409,
        "Only an order in process can be cancelled; this one is complete.",
    )
    again = await client.post(f"/orders/{number}/retry")
    assert (again.status_code, again.json()["state"], again.json()["files"]) == (202, "processing", [])


async def test_a_file_that_is_gone_from_the_disk_is_not_there(signed_in: SignIn, stand: Stand) -> None:
    client = await signed_in("rep.admin")
    number = (await ordered(client))["number"]
    await stand.worker().work()
    (row,) = await stand.files(number)
    (stand.root / row.path).unlink()
    assert (await client.get(f"/orders/{number}/files/{row.name}")).status_code == 404
    assert (await client.get(f"/orders/{number}/files/..%2F..%2Fsecrets")).status_code == 404


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ({"report": "daily_reads"}, "Daily Meter Reads needs a start and an end."),
        ({**READS, "format": "lse"}, "Daily Meter Reads: lse holds 15-minute intervals"),
        ({"report": "premise", "format": "xlsx"}, "Premise Information: This is written as csv only."),
        ({"report": "meter", "start": "2026-05-06"}, "Meter Information is of today and takes no dates."),
        ({**READS, "end": "2026-07-02"}, "Daily Meter Reads: The end, 2026-07-02, is in the future"),
    ],
)
async def test_a_report_that_cannot_be_had_is_refused_in_words(
    signed_in: SignIn, report: dict[str, str], words: str
) -> None:
    answer = await (await signed_in("rep.admin")).post("/orders", json={**BOTH, "reports": [report]})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:metergate:problem:bad-report")
    assert answer.json()["detail"].startswith(words)


async def test_nobody_orders_without_signing_in(guest: httpx.AsyncClient) -> None:
    for method, path in (("POST", "/orders"), ("POST", "/orders/import"), ("GET", "/orders"), ("GET", "/orders/1")):
        assert (await guest.request(method, path, json=BOTH)).status_code == 401
