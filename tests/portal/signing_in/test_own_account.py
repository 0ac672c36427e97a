"""The own account: sessions are seen and ended, a new password ends all others, and nobody else's is touched."""

from datetime import timedelta

import pytest

from portal.accounts.sessions import key_of, public_id
from portal.accounts.status import AccountStatus
from portal.accounts.user_agents import device_words
from tests.portal.signing_in.site import SHORT, Site
from tests.portal.world import PASSWORD

PROFILE = "/account/profile"
SECURITY = "/account/security"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"


def ids(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('name="session" value="')[1:]]


async def test_sessions_are_listed_with_their_devices_and_ended_one_by_one_or_all(site: Site) -> None:
    here, phone, other = site.person(), site.person(), site.person()
    here.http.headers["user-agent"], phone.http.headers["user-agent"] = FIREFOX, PHONE
    for person in (here, phone, other):
        await person.sign_in("rep.user")
    page = (await here.open(SECURITY)).text
    assert ("Firefox on Windows" in page, "Safari on iPhone" in page, "a Python program" in page) == (True,) * 3
    assert page.count("this one") == 1
    listed = ids(page)
    assert len(listed) == 2
    phones = next(name for name in listed if name == public_id_of(phone.secret))
    await here.send(f"{SECURITY}/sessions/end", {"session": phones})
    assert (await phone.open("/usage/meters")).url.path == "/"
    assert (await other.open("/usage/meters")).url.path == "/usage/meters"
    await here.open(SECURITY)
    await here.send(f"{SECURITY}/sessions/end-others")
    assert (await other.open("/usage/meters")).url.path == "/"
    assert (await here.open("/usage/meters")).url.path == "/usage/meters"


def public_id_of(secret: str) -> str:
    return public_id(key_of(secret))


async def test_nobody_ends_anothers_session_or_all_by_a_wildcard(site: Site) -> None:
    mine, theirs = site.person(), site.person()
    await mine.sign_in("rep.user")
    await theirs.sign_in("rep.admin")
    for wanted in (public_id_of(theirs.secret), "%", "_" * 16, "", public_id_of(mine.secret)[:8]):
        await mine.open(SECURITY)
        token = mine.page.text.split('name="csrf" value="')[1].split('"')[0]
        await mine.http.post(f"{SECURITY}/sessions/end", data={"csrf": token, "session": wanted})
        assert (await theirs.open("/usage/meters")).url.path == "/usage/meters", wanted
        assert (await mine.open("/usage/meters")).url.path == "/usage/meters", wanted


async def test_a_new_password_ends_every_other_session_and_renews_this_one(site: Site) -> None:
    here, other = site.person(), site.person()
    for person in (here, other):
        await person.sign_in("rep.user")
    before = here.secret
    await here.open(f"{PROFILE}/password")
    fields = {"current_password": PASSWORD, "new_password": SHORT, "password_again": SHORT}
    await here.send(f"{PROFILE}/password", fields)
    assert (here.path, "Your password is changed" in here.page.text) == (PROFILE, True)
    assert here.secret != before
    assert (await other.open("/usage/meters")).url.path == "/"
    thief = site.person()
    thief.http.cookies.set("__Host-metergate", before, domain="portal.test")
    assert (await thief.open("/usage/meters")).url.path == "/"
    assert (await site.person().sign_in("rep.user", SHORT)).url.path == "/usage/meters"


async def test_signing_in_again_ends_the_session_that_the_browser_had(site: Site) -> None:
    person = site.person()
    await person.sign_in("rep.user")
    planted = person.secret
    await person.http.post("/login", data={"user_id": "coach.user", "password": PASSWORD})
    await person.http.post("/login", data={"user_id": "rep.admin", "password": PASSWORD})
    assert person.secret != planted
    thief = site.person()
    thief.http.cookies.set("__Host-metergate", planted, domain="portal.test")
    assert (await thief.open("/usage/meters")).url.path == "/"


async def test_a_new_address_is_told_to_the_old_one(site: Site) -> None:
    person = site.person()
    await person.sign_in("rep.user")
    await person.open(f"{PROFILE}/edit")
    named = {"first_name": "Ann", "last_name": "Roe", "language": "es", "phone": "", "middle_initial": "", "suffix": ""}
    await person.send(f"{PROFILE}/edit", named | {"email": "new@example.com", "email_again": "new@example.com"})
    assert person.path == PROFILE
    row = await site.account("rep.user")
    assert (row.first_name, row.email, row.language, row.phone, row.revision) == (
        "Ann",
        "new@example.com",
        "es",
        None,
        1,
    )
    [letter] = await site.letters()
    assert letter.recipient == "rep.user@example.com"


@pytest.mark.parametrize("field", ["status", "administrator", "energy_data", "user_id", "company_id", "revision"])
async def test_a_form_changes_nothing_that_it_does_not_show(site: Site, field: str) -> None:
    person = site.person()
    await person.sign_in("rep.user")
    await person.open(f"{PROFILE}/edit")
    before = getattr(await site.account("rep.user"), field)
    named = {"first_name": "Rep", "last_name": "Doe", "language": "en", "email": "rep.user@example.com"}
    await person.send(f"{PROFILE}/edit", named | {field: "1"})
    assert person.path == PROFILE
    assert getattr(await site.account("rep.user"), field) == before


async def test_an_address_that_no_letter_can_have_is_refused_in_words(site: Site) -> None:
    person = site.person()
    await person.sign_in("rep.user")
    named = {"first_name": "Rep", "last_name": "Doe", "language": "en"}
    for email in ("a@b.example\r\nBcc: evil@x.example", "not an address", "x@-"):
        await person.open(f"{PROFILE}/edit")
        await person.send(f"{PROFILE}/edit", named | {"email": email, "email_again": email})
        assert "email" in person.faults, email
    assert (await site.account("rep.user")).email == "rep.user@example.com"


async def test_changes_of_the_account_come_only_from_its_own_pages(site: Site) -> None:
    person = site.person()
    await person.sign_in("rep.user")
    paths = [f"{PROFILE}/edit", f"{PROFILE}/password", f"{PROFILE}/question"]
    paths += [f"{SECURITY}/{end}" for end in ("sessions/end", "sessions/end-others", "authenticator", "remove")]
    for path in paths:
        for data, headers in (({}, {}), ({"csrf": "guess"}, {}), ({}, {"Origin": "https://evil.example"})):
            assert (await person.http.post(path, data=data, headers=headers)).status_code == 403, path
    foreign = {"Origin": "https://evil.example"}
    for path in ("/forgot-password", "/forgot-password/answer", "/forgot-user-id", "/set-password", "/login"):
        assert (await site.person().http.post(path, data={}, headers=foreign)).status_code == 403, path


@pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example", "/\\evil.example", "/\r\nx: y"])
async def test_no_step_of_a_sign_in_leads_to_another_site(site: Site, onward: str) -> None:
    for path in ("/", "/private"):
        person = site.person()
        await person.open(path)
        fields = {"user_id": "rep.user", "password": PASSWORD, "next": onward, "entry": onward}
        answer = await person.http.post("/login", data=fields)
        assert answer.headers["location"] == "/usage/meters"
        wrong = await person.http.post("/login", data=fields | {"password": "x"})
        assert "evil" not in wrong.text


async def test_locking_ends_what_is_open(site: Site) -> None:
    person, guesser = site.person(), site.person()
    await person.sign_in("rep.user")
    for _ in range(5):
        await guesser.sign_in("rep.user", "wrong")
    assert (await site.account("rep.user")).status is AccountStatus.LOCKED
    assert (await person.open("/usage/meters")).url.path == "/"
    site.clock.set(site.clock.now() + timedelta(days=1))
    assert (await guesser.sign_in("rep.user")).url.path == "/login"


def test_devices_are_named_as_well_as_they_say() -> None:
    chrome = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
    assert device_words(chrome) == "Chrome on Mac"
    assert device_words(chrome.replace("Safari/537.36", "Safari/537.36 Edg/140.0")) == "Edge on Mac"
    assert device_words("curl/8.5") == "curl"
    assert device_words(None) == device_words("<script>") == "an unknown program"
