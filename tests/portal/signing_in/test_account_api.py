"""The own account over the API: what its pages do, with the same refusals."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pyotp
import pytest

from portal.accounts.presets import Preset
from tests.portal.signing_in.site import HOST, SHORT, Site
from tests.portal.world import LONE_STAR, PASSWORD


@pytest.fixture
async def program(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """rep.user's program, with a token."""
    transport = httpx.ASGITransport(site.app)
    async with httpx.AsyncClient(transport=transport, base_url=f"{HOST}/api/v1") as client:
        answer = await client.post("/sessions", json={"user_id": "rep.user", "password": PASSWORD})
        client.headers["authorization"] = f"Bearer {answer.json()['token']}"
        yield client


def faults(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {fault["where"]: fault["what"] for fault in answer.json()["faults"]}


async def test_the_account_is_seen_and_its_profile_changed(program: httpx.AsyncClient) -> None:
    seen = (await program.get("/me/account")).json()
    assert seen["duns"] == [{"duns": LONE_STAR, "status": "active"}]
    assert "password" not in str(seen).lower()
    new = seen["profile"] | {"first_name": "Ann", "phone": "512 555 0100"}
    changed = await program.put("/me/profile", json=new)
    assert changed.json()["profile"] == new
    assert faults(await program.put("/me/profile", json=new | {"email": "no address"})).keys() == {"body.email"}
    assert (await program.put("/me/profile", json=new | {"status": "active"})).status_code == 422


async def test_a_new_password_ends_all_tokens_and_gives_one(program: httpx.AsyncClient, site: Site) -> None:
    other = await site.person().sign_in("rep.user")
    assert other.url.path == "/usage/meters"
    wrong = {"current_password": "x", "new_password": SHORT}
    assert faults(await program.put("/me/password", json=wrong)).keys() == {"body.current_password"}
    short = {"current_password": PASSWORD, "new_password": "x"}
    assert "between 6 and 24" in faults(await program.put("/me/password", json=short))["body.new_password"]
    new = await program.put("/me/password", json={"current_password": PASSWORD, "new_password": SHORT})
    assert (await program.get("/me")).status_code == 401
    assert await site.open_sessions() == 1
    program.headers["authorization"] = f"Bearer {new.json()['token']}"
    assert (await program.get("/me")).status_code == 200


async def test_sessions_are_listed_and_ended(program: httpx.AsyncClient, site: Site) -> None:
    await site.person().sign_in("rep.user")
    await site.person().sign_in("rep.admin")
    listed: list[dict[str, Any]] = (await program.get("/me/sessions")).json()
    assert sorted((one["kind"], one["here"]) for one in listed) == [("page", False), ("token", True)]
    [page] = [one["id"] for one in listed if not one["here"]]
    assert (await program.delete(f"/me/sessions/{page}")).status_code == 204
    assert (await program.delete(f"/me/sessions/{page}")).status_code == 404
    await site.person().sign_in("rep.user")
    assert (await program.delete("/me/sessions")).status_code == 204
    assert len((await program.get("/me/sessions")).json()) == 1
    assert await site.open_sessions() == 2


async def test_an_app_is_set_up_confirmed_and_taken_away(program: httpx.AsyncClient, site: Site) -> None:
    assert faults(await program.post("/me/authenticator", json={"current_password": "x"})).keys()
    told = (await program.post("/me/authenticator", json={"current_password": PASSWORD})).json()
    assert told["secret"] in told["otpauth"]
    assert faults(await program.post("/me/authenticator/confirmation", json={"code": "000000"}))
    code = pyotp.TOTP(told["secret"]).generate_otp(int(site.clock.now().timestamp()) // 30)
    codes = (await program.post("/me/authenticator/confirmation", json={"code": code})).json()
    assert len(codes["recovery_codes"]) == 10
    assert (await program.post("/me/authenticator", json={"current_password": PASSWORD})).status_code == 404
    assert (await program.get("/me/account")).json()["factors"]["authenticator"] is True
    removed = await program.post("/me/authenticator/removal", json={"current_password": PASSWORD})
    assert removed.status_code == 204
    assert (await program.get("/me/account")).json()["factors"]["authenticator"] is False


async def test_the_ways_back_answer_the_same_whoever_asks(program: httpx.AsyncClient, site: Site) -> None:
    chosen = {"question": "first_job", "answer": "Waco"}
    assert (await program.put("/me/security-question", json=chosen)).status_code == 204
    assert faults(await program.put("/me/security-question", json=chosen | {"question": "made_up"}))
    asked = (await program.post("/password-recovery/question", json={"user_id": "rep.user"})).json()
    assert asked["question"] == "first_job"
    unknown = await program.post("/password-recovery/question", json={"user_id": "nobody"})
    assert unknown.json().keys() == asked.keys()
    bodies = [
        {"user_id": who, "answer": words} for who, words in (("rep.user", "waco"), ("rep.user", "x"), ("no", "x"))
    ]
    answers = [await program.post("/password-recovery", json=body) for body in bodies]
    for email in ("rep.admin@example.com", "nobody@example.com"):
        asked_for = await program.post("/user-id-recovery", json={"email": email})
        assert (asked_for.status_code, asked_for.content) == (202, b"")
    assert {(one.status_code, one.content) for one in answers} == {(202, b"")}
    assert [one.subject for one in await site.letters()][1:] == ["Your temporary password", "Your User ID"]


@pytest.mark.parametrize("site", [Preset.MODERN], indirect=True)
async def test_todays_preset_has_no_questions(program: httpx.AsyncClient) -> None:
    chosen = {"question": "first_job", "answer": "Waco"}
    assert (await program.put("/me/security-question", json=chosen)).status_code == 404
    assert (await program.post("/password-recovery/question", json={"user_id": "rep.user"})).status_code == 404


async def test_ways_back_are_slowed_down_by_address(program: httpx.AsyncClient) -> None:
    for _ in range(20):
        await program.post("/user-id-recovery", json={"email": "nobody@example.com"})
    for path, body in (("/user-id-recovery", {"email": "a@b.example"}), ("/password-recovery", {"user_id": "nobody"})):
        slowed = await program.post(path, json=body)
        assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "60")
