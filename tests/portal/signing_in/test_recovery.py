"""The ways back in tell nobody anything: the same bytes after the same work, and a letter only where one belongs."""

from datetime import timedelta

import httpx
import pytest

from portal.accounts.presets import Preset
from portal.accounts.security_questions import QUESTIONS
from portal.accounts.status import AccountStatus
from tests.portal.signing_in.site import OWN, Person, Site

MODERN = pytest.mark.parametrize("site", [Preset.MODERN], indirect=True)


async def with_question(site: Site, user_id: str = "rep.user", answer: str = "Rex the  Dog") -> None:
    """Let somebody have chosen a security question."""
    account = await site.account(user_id)
    assert await site.portal.owner.change_question(account.id, "first_pet", answer) is None


async def forgot(person: Person, user_id: str, answer: str) -> httpx.Response:
    await person.open("/forgot-password")
    await person.send("/forgot-password", {"user_id": user_id})
    return await person.send("/forgot-password/answer", {"answer": answer})


def temporary_in(letter: str) -> str:
    return next(line.strip() for line in letter.splitlines() if line.startswith("    "))


async def test_the_right_answer_mails_a_temporary_password_that_must_be_changed(site: Site) -> None:
    await with_question(site)
    old = site.person()
    await old.sign_in("rep.user")
    person = site.person()
    await forgot(person, "REP.USER", "rex THE dog")
    letter = (await site.letters())[-1]
    assert letter.recipient == "rep.user@example.com"
    temporary = temporary_in(letter.text)
    assert temporary not in person.page.text
    assert (await old.open("/usage/meters")).url.path == "/"
    assert (await site.person().sign_in("rep.user")).url.path == "/login"
    assert (await person.sign_in("rep.user", temporary)).url.path == "/first-sign-in"
    fields = {"new_password": "Otter-42-Mauve", "password_again": "Otter-42-Mauve"}
    assert "security_question" not in person.page.text
    assert (await person.send("/first-sign-in", fields)).url.path == "/usage/meters"


@pytest.mark.parametrize("user_id", ["rep.user", "nobody.here", "coach.user"])
async def test_every_step_is_the_same_and_costs_the_same_known_or_not(site: Site, user_id: str) -> None:
    await with_question(site)
    person = site.person()
    await person.open("/forgot-password")
    before = site.work.work
    asked = await person.send("/forgot-password", {"user_id": user_id})
    assert site.work.work == before
    assert any(words in asked.text for words in QUESTIONS.values())
    blank = await person.send("/forgot-password/answer", {"answer": ""})
    assert blank.status_code == 400
    sent = await person.send("/forgot-password/answer", {"answer": "wrong"})
    assert site.work.work == before + 2
    same = site.person()
    assert sent.content == (await same.open("/forgot-password/sent")).content
    assert len(await site.letters()) == 1, "of the change of the question"


async def test_right_and_wrong_answers_look_alike(site: Site) -> None:
    await with_question(site)
    before = site.work.work
    right = await forgot(site.person(), "rep.user", "Rex the Dog")
    assert (site.work.work, len(await site.letters())) == (before + 2, 2)
    wrong = await forgot(site.person(), "rep.user", "Fido")
    assert (site.work.work, len(await site.letters())) == (before + 4, 2)
    assert right.content == wrong.content
    assert right.headers.keys() == wrong.headers.keys()


async def test_an_unknown_user_id_always_gets_the_same_question_and_ids_differ(site: Site) -> None:
    questions = {await site.portal.recovery.question_of(f"guess.{number}") for number in range(60)}
    assert len(questions) == len(QUESTIONS)
    assert await site.portal.recovery.question_of("nobody") == await site.portal.recovery.question_of("NOBODY")


async def test_after_five_wrong_answers_an_hour_the_right_one_is_not_taken_and_costs_the_same(site: Site) -> None:
    await with_question(site)
    for _ in range(5):
        await site.portal.recovery.send_password("rep.user", "wrong")
    before = site.work.work
    await site.portal.recovery.send_password("rep.user", "Rex the Dog")
    assert (site.work.work, len(await site.letters())) == (before + 2, 1)
    site.clock.set(site.clock.now() + timedelta(hours=1))
    await site.portal.recovery.send_password("rep.user", "Rex the Dog")
    assert len(await site.letters()) == 2


async def test_one_letter_in_five_minutes_however_often_it_is_asked_for(site: Site) -> None:
    await with_question(site)
    for _ in range(3):
        await site.portal.recovery.send_password("rep.user", "Rex the Dog")
        await site.portal.recovery.send_user_ids("rep.admin@example.com")
    assert len(await site.letters()) == 3
    site.clock.set(site.clock.now() + timedelta(minutes=5))
    await site.portal.recovery.send_password("rep.user", "Rex the Dog")
    await site.portal.recovery.send_user_ids("rep.admin@example.com")
    assert len(await site.letters()) == 5


@pytest.mark.parametrize("status", [AccountStatus.PENDING, AccountStatus.SUSPENDED, AccountStatus.REVOKED])
async def test_only_locked_becomes_active_and_whoever_is_barred_gets_nothing(site: Site, status: AccountStatus) -> None:
    await with_question(site)
    await site.change("rep.user", status=status)
    await site.portal.recovery.send_password("rep.user", "Rex the Dog")
    assert (await site.account("rep.user")).status is status
    assert len(await site.letters()) == 1


async def test_an_address_that_asks_on_and_on_is_told_to_wait(site: Site) -> None:
    person = site.person()
    for number in range(20):
        await person.open("/forgot-user-id")
        await person.send("/forgot-user-id", {"email": f"guess.{number}@example.com"})
    await person.open("/forgot-user-id")
    slowed = await person.send("/forgot-user-id", {"email": "rep.user@example.com"})
    assert slowed.status_code == 429
    assert await site.letters() == []


async def test_forgotten_user_ids_are_mailed_to_their_address_and_nowhere_else(site: Site) -> None:
    await site.change("coach.user", email="Rep.User@Example.com")
    known, unknown = site.person(), site.person()
    for person, email in ((known, "REP.USER@example.com"), (unknown, "nobody@example.com")):
        await person.open("/forgot-user-id")
        await person.send("/forgot-user-id", {"email": email})
    assert known.page.content == unknown.page.content
    [letter] = await site.letters()
    assert letter.recipient.lower() == "rep.user@example.com"
    assert ("rep.user" in letter.text, "coach.user" in letter.text) == (True, True)


@pytest.mark.parametrize("attack", ["a@b.example\r\nBcc: x@evil.example", "rep.user@example.com\nX: y", "a\x00@b"])
async def test_no_header_is_written_by_what_was_typed(site: Site, attack: str) -> None:
    person = site.person()
    await person.open("/forgot-user-id")
    await person.send("/forgot-user-id", {"email": attack})
    await person.open("/forgot-password")
    await person.send("/forgot-password", {"user_id": attack})
    signed_in = await site.person().sign_in(attack, "x")
    assert signed_in.status_code in (400, 401)
    assert not any("evil" in name.lower() or "bcc" in name.lower() for name in signed_in.headers)
    assert await site.letters() == []


@MODERN
@pytest.mark.parametrize("user_id", ["rep.user", "nobody.here"])
async def test_todays_way_is_a_link_and_the_same_for_everybody(site: Site, user_id: str) -> None:
    person = site.person()
    await person.open("/forgot-password")
    before = site.work.work
    sent = await person.send("/forgot-password", {"user_id": user_id})
    assert site.work.work == before
    assert sent.content == (await site.person().open("/forgot-password/sent")).content
    assert len(await site.letters()) == (1 if user_id == "rep.user" else 0)


@MODERN
async def test_asking_for_links_neither_unlocks_nor_forgets_misses(site: Site) -> None:
    for _ in range(4):
        await site.person().sign_in("rep.user", "wrong")
    await site.portal.recovery.send_password("rep.user")
    assert (await site.account("rep.user")).misses == 4
    await site.person().sign_in("rep.user", "wrong")
    assert (await site.account("rep.user")).status is AccountStatus.LOCKED
    site.clock.set(site.clock.now() + timedelta(minutes=5))
    await site.portal.recovery.send_password("rep.user")
    assert (await site.account("rep.user")).status is AccountStatus.LOCKED
    link = (await site.letters())[-1].text.split("key=")[1].split()[0]
    person = site.person()
    await person.open(f"/set-password?key={link}")
    await person.send("/set-password", {"new_password": OWN, "password_again": OWN})
    assert person.path == "/usage/meters"
    assert (await site.account("rep.user")).status is AccountStatus.ACTIVE
