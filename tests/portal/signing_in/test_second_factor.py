"""Second factors: a code is taken once, guessing locks, and programs are told what to send."""

from datetime import timedelta

import httpx
import pyotp
import pytest
from sqlalchemy import select

from gateway.dice import SeededDice
from gateway.errors import BadConfig
from portal.accounts.entering import House, SignedIn
from portal.accounts.passkeys import site_of
from portal.accounts.presets import Preset
from portal.accounts.sessions import Origin
from portal.accounts.signing_in import Door, SignInRefusal, SignInRefused
from portal.accounts.status import AccountStatus
from portal.accounts.tables import authenticators, recovery_codes
from portal.accounts.throttle import Throttle
from portal.accounts.totp import step_of
from portal.accounts.vault import Vault
from portal.audit.log import Seal
from portal.viewer import Viewer, load_viewer
from tests.portal.signing_in.site import HOST, RECOVERY, Person, Site
from tests.portal.world import PASSWORD

APP = "/account/security/authenticator"
CODE = "/sign-in/code"


async def with_app(site: Site, user_id: str = "rep.user") -> tuple[Person, pyotp.TOTP, list[str]]:
    """Somebody who is signed in and has set up an app."""
    person = site.person()
    await person.sign_in(user_id)
    await person.open(APP)
    await person.send(APP, {"current_password": PASSWORD})
    app = await person.set_up_app(f"{APP}/code")
    return person, app, RECOVERY.findall(person.page.text)


def later(site: Site, seconds: float = 30) -> None:
    site.clock.set(site.clock.now() + timedelta(seconds=seconds))


async def test_a_password_alone_opens_nothing_any_more(site: Site) -> None:
    _, app, codes = await with_app(site)
    assert len(codes) == 10
    person = site.person()
    await person.sign_in("rep.user")
    assert person.path == CODE
    half = person.secret
    assert (await person.http.get("/usage/meters")).headers["location"].startswith("/?")
    later(site)
    await person.send(CODE, {"code": person.code(app)})
    assert (person.path, person.secret != half) == ("/usage/meters", True)


async def test_a_code_is_taken_once_and_not_even_by_another_session(site: Site) -> None:
    _, app, _ = await with_app(site)
    first, second = site.person(), site.person()
    for person in (first, second):
        await person.sign_in("rep.user")
    later(site)
    code = first.code(app)
    assert (await first.send(CODE, {"code": code})).url.path == "/usage/meters"
    await second.send(CODE, {"code": code})
    assert "used before" in second.faults["code"]
    later(site)
    assert (await second.send(CODE, {"code": second.code(app)})).url.path == "/usage/meters"


async def test_the_code_that_confirmed_the_app_signs_nobody_in(site: Site) -> None:
    _, app, _ = await with_app(site)
    person = site.person()
    await person.sign_in("rep.user")
    await person.send(CODE, {"code": person.code(app)})
    assert person.path == CODE


async def test_guessing_codes_locks_the_account_and_the_password_in_between_does_not_help(site: Site) -> None:
    await with_app(site)
    for number in range(5):
        person = site.person()
        await person.sign_in("rep.user")
        assert person.path == CODE
        await person.send(CODE, {"code": f"00000{number}"})
    assert (await site.account("rep.user")).status is AccountStatus.LOCKED
    assert ("account.lock", "active", "locked") in await site.noted()
    assert await site.open_sessions() == 0


async def test_a_recovery_code_is_taken_once_however_it_is_typed(site: Site) -> None:
    _, _, codes = await with_app(site)
    person = site.person()
    await person.sign_in("rep.user")
    assert (await person.send(CODE, {"code": f" {codes[0].upper()} "})).url.path == "/usage/meters"
    again = site.person()
    await again.sign_in("rep.user")
    await again.send(CODE, {"code": codes[0]})
    assert again.path == CODE
    assert "9 recovery codes are left" in (await person.open("/account/security")).text


async def test_programs_send_the_code_beside_the_password(site: Site) -> None:
    _, app, _ = await with_app(site)
    later(site)
    body = {"user_id": "rep.user", "password": PASSWORD}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site.app), base_url=f"{HOST}/api/v1") as program:
        without = await program.post("/sessions", json=body)
        assert (without.status_code, without.json()["type"]) == (403, "urn:metergate:problem:second-factor")
        assert "API key" in without.json()["detail"]
        wrong = await program.post("/sessions", json=body | {"code": "123456"})
        assert (wrong.status_code, wrong.json()["type"]) == (401, "urn:metergate:problem:wrong-code")
        code = app.generate_otp(int(site.clock.now().timestamp()) // 30)
        assert (await program.post("/sessions", json=body | {"code": code})).status_code == 201
        assert (await program.post("/sessions", json=body | {"code": code})).status_code == 401
        guess = await program.post("/sessions", json=body | {"password": "wrong", "code": code})
        assert guess.json()["type"] == "urn:metergate:problem:wrong-sign-in"


async def test_an_api_key_takes_the_passwords_place_where_the_hook_knows_it(site: Site) -> None:
    await with_app(site)
    origin = Origin(address="192.0.2.1")
    async with site.portal.database.reading() as connection:
        viewer = await load_viewer(connection, (await site.account("rep.user")).id)
    assert isinstance(viewer, Viewer)

    async def by_key(user_id: str, key: str, origin: Origin) -> SignedIn | None:
        return SignedIn(viewer=viewer, secret="of a key") if (user_id, key) == ("rep.user", "mgk_1") else None

    house = House(preset=Preset.SMT, seal=Seal(), clock=site.clock, dice=SeededDice(1))
    vault = Vault(bytes(32), SeededDice(1))
    door = Door(site.portal.database, site.work, Throttle(site.clock), house, vault, by_key)
    assert isinstance(await door.sign_in_program("rep.user", "mgk_1", origin), SignedIn)
    refused = await door.sign_in_program("rep.user", PASSWORD, origin)
    assert isinstance(refused, SignInRefused)
    assert refused.reason is SignInRefusal.SECOND_FACTOR


async def test_the_secret_is_sealed_to_its_row_and_codes_are_hashes(site: Site) -> None:
    _, app, codes = await with_app(site)
    account = await site.account("rep.user")
    async with site.portal.database.reading() as connection:
        row = (await connection.execute(select(authenticators))).one()
        kept = list(await connection.scalars(select(recovery_codes.c.key)))
    assert app.secret.encode() not in row.sealed
    assert not any(code.replace("-", "") in kept for code in codes)
    vault = Vault(b"x" * 32, SeededDice(1))
    sealed = vault.seal(b"secret", f"authenticators/{account.id}")
    assert vault.open(sealed, f"authenticators/{account.id}") == b"secret"
    for other in (vault, Vault(b"y" * 32, SeededDice(1))):
        with pytest.raises(BadConfig, match="secrets_key"):
            other.open(sealed, f"authenticators/{account.id + 1}")


async def test_adding_and_removing_asks_for_the_password(site: Site) -> None:
    person = site.person()
    await person.sign_in("rep.user")
    await person.open(APP)
    await person.send(APP, {"current_password": "wrong"})
    assert "current_password" in person.faults
    assert "id secret" not in person.page.text
    person, _, _ = await with_app(site)
    await person.open("/account/security/remove")
    await person.send("/account/security/remove", {"current_password": "wrong"})
    assert "current_password" in person.faults
    await person.send("/account/security/remove", {"current_password": PASSWORD})
    assert person.path == "/account/security"
    assert (await site.person().sign_in("rep.user")).url.path == "/usage/meters"
    letters = [letter.subject for letter in await site.letters()]
    assert letters == ["Changed: second factor"] * 2


async def test_a_wrong_confirmation_does_not_show_the_secret_again(site: Site) -> None:
    person = site.person()
    await person.sign_in("rep.user")
    await person.open(APP)
    await person.send(APP, {"current_password": PASSWORD})
    await person.send(f"{APP}/code", {"code": "000000"})
    assert "code" in person.faults
    assert "id secret" not in person.page.text


@pytest.mark.parametrize("site", [Preset.MODERN], indirect=True)
async def test_an_administrator_keeps_the_last_factor_in_todays_preset(site: Site) -> None:
    person = site.person()
    await person.sign_in("rep.admin")
    await person.set_up_app("/first-sign-in/authenticator")
    await person.open("/account/security/remove")
    await person.send("/account/security/remove", {"current_password": PASSWORD})
    assert "set up another one" in person.faults["current_password"]


def test_codes_of_the_step_before_and_after_are_taken_and_no_others(site: Site) -> None:
    secret, now = pyotp.random_base32(), site.clock.now()
    step = int(now.timestamp()) // 30
    codes = pyotp.TOTP(secret)
    taken = [step_of(secret, codes.generate_otp(step + drift), now, None) for drift in (-2, -1, 0, 1, 2)]
    assert taken == [None, step - 1, step, step + 1, None]
    assert step_of(secret, codes.generate_otp(step), now, used=step) is None
    assert step_of(secret, "", now, None) is None
    assert step_of(secret, "١٢٣٤٥٦", now, None) is None


def test_passkeys_belong_to_a_name_and_never_to_a_number() -> None:
    assert site_of("http://127.0.0.1:8080", "http://127.0.0.1:8080") is None
    assert site_of("http://portal.example", "http://portal.example") is None
    at = site_of("https://portal.example:8443", "https://evil.example")
    assert at is not None
    assert (at.name, at.origin) == ("portal.example", "https://portal.example:8443")
    here = site_of("https://portal.example", "http://localhost:8080")
    assert here is not None
    assert (here.name, here.origin) == ("localhost", "http://localhost:8080")
