"""What every answer tells browsers, how secrets are kept, and what the portal does not do at all (ASVS 5.0)."""

import ast
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from gateway.dice import SystemDice
from portal.accounts.passwords import Passwords
from portal.accounts.sessions import open_session
from portal.accounts.tables import SessionKind, accounts, sessions
from tests.clock import HandClock
from tests.portal.pages.house import HTML, House, open_house
from tests.portal.people.stand import TEAM_WORLD
from tests.portal.world import PASSWORD, esi

PORTAL = Path(__file__).resolve().parents[3] / "portal"
SOURCES = sorted(PORTAL.rglob("*.py"))
TEXTS = ("' OR '1'='1", "1'; DROP TABLE accounts; --", 'x" UNION SELECT password_hash FROM accounts --', "%", "_" * 5)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, HandClock(), TEAM_WORLD) as opened:
        yield opened


def over_tls(house: House) -> httpx.AsyncClient:
    """A browser that came by TLS."""
    transport = httpx.ASGITransport(app=house.app)
    return httpx.AsyncClient(transport=transport, base_url="https://portal.test", headers=HTML)


async def test_over_tls_a_session_is_kept_for_this_host_out_of_reach_of_scripts_and_other_sites(house: House) -> None:
    async with over_tls(house) as browser:
        answer = await browser.post("/login", data={"user_id": "rep.admin", "password": PASSWORD})
    (cookie,) = answer.headers.get_list("set-cookie")
    name, attributes = cookie.split("=", 1)[0], {each.strip().lower() for each in cookie.split(";")[1:]}
    assert name == "__Host-metergate"
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes
    assert not any(each.startswith("domain") for each in attributes)


@pytest.mark.parametrize("path", ["/", "/login", "/nowhere", "/api/v1/meters", "/api/v1/nowhere", "/account/meters"])
async def test_every_answer_says_what_browsers_are_not_to_do(house: House, path: str) -> None:
    async with over_tls(house) as browser:
        for method in ("GET", "POST"):
            headers = (await browser.request(method, path)).headers
            assert "max-age=31536000" in headers["strict-transport-security"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            policy = {each.strip() for each in headers["content-security-policy"].split(";")}
            assert {"frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'", "form-action 'self'"} <= policy


async def test_a_file_for_download_is_never_shown_by_the_browser_itself(house: House) -> None:
    browser = house.client()
    await browser.sign_in("rep.admin")
    answer = await browser.get(f"/api/v1/meters/{esi(1)}/premise-information")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="premise-information_{esi(1)}.csv"'
    assert answer.headers["content-type"].startswith("text/csv")


@pytest.mark.parametrize("text", TEXTS)
async def test_a_searched_text_is_a_value_and_never_a_part_of_a_statement(house: House, text: str) -> None:
    browser = house.client()
    await browser.sign_in("team.admin")
    nothing = (await browser.http.get("/market/companies", params={"name": "zzzzzz*"})).status_code
    assert nothing == 200
    for path, fields in (
        ("/market/companies", {"name": text}),
        ("/usage/meters", {"find": text}),
        ("/usage/meters", {"by": "number", "value": text}),
        ("/account/users", {"last_name": text, "user_id": text, "letter": text}),
    ):
        answer = await browser.http.get(path, params=fields)
        assert answer.status_code in (200, 303, 400, 404, 422), (path, answer.status_code)
        assert "argon2" not in answer.text
        assert "Lone Star" not in re.sub(r"<header.*?</header>", "", answer.text, flags=re.DOTALL), path
    async with house.database.reading() as connection:
        assert len((await connection.execute(select(accounts.c.id))).all()) == len(TEAM_WORLD.accounts)


async def test_a_password_is_compared_exactly_as_it_was_sent_and_kept_as_argon2id() -> None:
    passwords = Passwords(SystemDice())
    kept = await passwords.hash("Straße und Weg 7 ")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(kept, "Straße und Weg 7 ")
    for other in ("Straße und Weg 7", "strasse und weg 7 ", "STRASSE UND WEG 7 ", "Straße und Weg 7  ", ""):
        assert not await passwords.verify(kept, other), other


async def test_a_sessions_secret_cannot_be_guessed_and_is_not_kept(house: House) -> None:
    async def job(connection: object) -> str:
        return await open_session(connection, 1, SessionKind.PAGE, SystemDice(), house.clock.now())  # type: ignore[arg-type]

    secrets = [await house.database.write(job) for _ in range(50)]
    assert len(set(secrets)) == 50
    assert min(map(len, secrets)) * 6 >= 128, "64 signs carry 6 bits each"
    async with house.database.reading() as connection:
        kept = {value for row in await connection.execute(select(sessions)) for value in row}
    assert kept.isdisjoint(secrets)


def imported(path: Path) -> set[str]:
    """The modules that a source imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return found


def test_the_portal_starts_no_program_parses_xml_in_one_place_and_loads_no_pickled_object() -> None:
    parses = {"soap_token.py": {"xml.parsers", "xml.parsers.expat"}}  # which reads no document type, so no entities
    writes_only = {"xml", "xml.sax", "xml.sax.saxutils", "xml.sax.saxutils.escape", "xml.sax.saxutils.quoteattr"}
    for path in SOURCES:
        for name in imported(path) - writes_only - parses.get(path.name, set()):
            assert name.split(".")[0] not in ("subprocess", "pickle", "marshal", "shelve", "xml", "lxml"), (path, name)
            assert name not in ("os.system", "os.popen", "os.execv", "os.spawnv"), (path, name)
    assert len(SOURCES) > 200


def test_no_text_of_the_portal_is_run() -> None:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "compile", "__import__"), (path, node.lineno)
