"""Problems: a page for people, the problem itself for programs."""

import pytest
from fastapi import FastAPI

from portal import headers
from tests.portal.pages.house import House

HEADERS = {name.lower(): value for name, value in headers.HEADERS.items()}


async def test_people_get_a_page_and_programs_a_problem_body(house: House) -> None:
    browser = house.client()
    await browser.sign_in("rep.admin")
    page = await browser.get("/nowhere")
    assert page.status_code == 404
    assert "<title>Error: There is nothing here for you" in page.text
    assert '<nav class="tabs"' in page.text
    program = await browser.http.get("/nowhere", headers={"Accept": "application/json"})
    assert program.status_code == 404
    assert program.headers["content-type"] == "application/problem+json"
    assert program.json()["type"] == "urn:metergate:problem:not-found"


async def test_somebody_unknown_learns_nothing_from_an_address(house: House) -> None:
    page = await house.client().get("/nowhere")
    assert page.status_code == 404
    assert '<nav class="tabs"' not in page.text


async def test_a_fault_of_ours_is_a_page_without_details(house: House) -> None:
    app = house.app
    assert isinstance(app, FastAPI)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the secret is swordfish")

    browser = house.client(raise_app_exceptions=False)
    page = await browser.get("/broken")
    assert page.status_code == 500
    assert "Something went wrong here" in page.text
    assert "swordfish" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src")
    program = await browser.http.get("/broken", headers={"Accept": "application/json"})
    assert program.status_code == 500
    assert program.headers["content-type"] == "application/problem+json"
    assert HEADERS.items() <= dict(program.headers).items()


@pytest.mark.parametrize("path", ["/login", "/api/v1/sessions", "/api/user/authenticate"])
async def test_a_body_that_is_too_large_is_refused_with_the_security_headers(house: House, path: str) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = await house.client().http.post(path, content=b"x" * 5_000_000, headers=form)
    assert answer.status_code == 413
    assert HEADERS.items() <= dict(answer.headers).items()
    if path == "/api/user/authenticate":
        assert answer.headers["content-type"] == "application/json"


async def test_too_many_wrong_passwords_are_told_when_to_come_back(house: House) -> None:
    browser = house.client()
    for _ in range(20):
        await browser.http.post("/login", data={"user_id": "nobody.here", "password": "no"})
    slowed = await browser.http.post("/login", data={"user_id": "nobody.here", "password": "no"})
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) > 0
    assert "Too many wrong passwords came from your address." in slowed.text


async def test_static_files_are_kept_by_their_hash(house: House) -> None:
    browser = house.client()
    page = (await browser.get("/")).text
    place = page[page.index("/static/") :].split('"')[0]
    answer = await browser.http.get(place)
    assert answer.headers["cache-control"].endswith("immutable")
    older = await browser.http.get(f"/static/000000000000/{place.rsplit('/', 1)[1]}")
    assert older.headers["cache-control"] == "no-cache"
    assert (await browser.http.get("/static/x/..%2frender.py")).status_code == 404
    assert (await browser.http.get("/static/x/render.py")).status_code == 404
