"""Guide 6, managing your personal account: the owner's profile, password and question, and the ways back in."""

import pytest
from sqlalchemy import update

from portal.accounts.status import AccountStatus
from portal.companies.status import DunsStatus
from portal.companies.tables import duns_numbers
from tests.portal.signing_in.conftest import site
from tests.portal.signing_in.site import SHORT, Person, Site
from tests.portal.world import LONE_STAR, LONE_STAR_SECOND, PASSWORD

__all__ = ["site"]

PROFILE = "/account/profile"
NAMED = {"first_name": "Rep", "last_name": "Doe", "language": "en"}


async def signed_in(site: Site, user_id: str = "rep.user") -> Person:
    person = site.person()
    await person.sign_in(user_id)
    return person


async def asked(site: Site, user_id: str = "rep.user") -> Person:
    """Somebody who has chosen a security question, and is signed out again."""
    person = await signed_in(site, user_id)
    await person.open(f"{PROFILE}/question")
    await person.send(f"{PROFILE}/question", {"security_question": "first_pet", "security_answer": "Old Rex"})
    assert person.path == PROFILE
    return site.person()


async def forgot(person: Person, user_id: str, answer: str) -> None:
    await person.open("/")
    await person.open("/forgot-password")
    await person.send("/forgot-password", {"user_id": user_id})
    await person.send("/forgot-password/answer", {"answer": answer})


async def temporary(site: Site) -> str:
    text: str = (await site.letters())[-1].text
    return next(line.strip() for line in text.splitlines() if line.startswith("    "))


async def test_per_01_only_the_owner_edits_the_own_profile(site: Site) -> None:
    """PER-01: "only you can alter your personal profile information." """
    person = await signed_in(site, "rep.admin")
    await person.open(f"{PROFILE}/edit")
    account = await site.account("rep.user")
    fields = NAMED | {"first_name": "Taken", "email": "rep.admin@example.com"}
    await person.send(f"{PROFILE}/edit", fields | {"account_id": str(account.id), "user_id": "rep.user"})
    assert (await site.account("rep.admin")).first_name == "Taken"
    assert (await site.account("rep.user")).first_name == "Rep"


async def test_per_02_the_user_id_cannot_be_changed(site: Site) -> None:
    """PER-02: "You cannot change your User ID." """
    person = await signed_in(site)
    page = await person.open(f"{PROFILE}/edit")
    assert 'name="user_id"' not in page.text
    assert "the User ID cannot be changed" in page.text
    await person.send(f"{PROFILE}/edit", NAMED | {"email": "rep.user@example.com", "user_id": "another.name"})
    assert (await site.account("rep.user")).user_id == "rep.user"


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ("x" * 5, "between 6 and 24 characters"),
        ("x" * 25, "between 6 and 24 characters"),
        ("rep.user", "cannot be the same as your User ID"),
        (PASSWORD, "cannot be the same as your previous password"),
    ],
)
async def test_per_03_a_password_that_the_rules_refuse(site: Site, new: str, words: str) -> None:
    """PER-03: "Your password must be between 6 and 24 characters. The field is case sensitive and cannot be the same
    as your User ID. Your new password cannot be the same as your previous password."
    """
    person = await signed_in(site)
    await person.open(f"{PROFILE}/password")
    fields = {"current_password": PASSWORD, "new_password": new, "password_again": new}
    await person.send(f"{PROFILE}/password", fields)
    assert words in person.faults["new_password"]
    assert (await site.person().sign_in("rep.user")).url.path == "/usage/meters"


@pytest.mark.parametrize("new", ["q7Zb-x", "q7Zb-x" * 4])
async def test_per_03_a_password_at_both_ends_of_the_rules_is_taken_in_its_case(site: Site, new: str) -> None:
    """PER-03: "between 6 and 24 characters. The field is case sensitive" """
    person = await signed_in(site)
    await person.open(f"{PROFILE}/password")
    fields = {"current_password": PASSWORD, "new_password": new, "password_again": new}
    await person.send(f"{PROFILE}/password", fields)
    assert person.path == PROFILE
    assert (await site.person().sign_in("rep.user", new.lower())).url.path == "/login"
    assert (await site.person().sign_in("rep.user", new)).url.path == "/usage/meters"


async def test_per_03_the_current_password_and_an_equal_re_entry_are_asked_for(site: Site) -> None:
    """PER-03: "Enter your current password." "This entry must exactly match the previous entry for New Password." """
    person = await signed_in(site)
    await person.open(f"{PROFILE}/password")
    right = {"current_password": PASSWORD, "new_password": SHORT, "password_again": SHORT}
    for wrong, field in (
        ({"current_password": ""}, "current_password"),
        ({"current_password": "not it"}, "current_password"),
        ({"password_again": SHORT.lower()}, "password_again"),
    ):
        await person.send(f"{PROFILE}/password", right | wrong)
        assert set(person.faults) == {field}, wrong
    assert (await site.person().sign_in("rep.user")).url.path == "/usage/meters"


async def test_per_04_duns_and_permissions_are_shown_and_not_changed(site: Site) -> None:
    """PER-04: "This list shows the DUNS Numbers to which you have access." "This field shows whether you have access
    to Energy Data functions." DUN-06: each status is shown.
    """
    suspend = update(duns_numbers).where(duns_numbers.c.duns == LONE_STAR_SECOND).values(status=DunsStatus.SUSPENDED)
    await site.portal.database.write(lambda connection: connection.execute(suspend))
    page = (await (await signed_in(site)).open(PROFILE)).text
    assert (LONE_STAR in page, LONE_STAR_SECOND in page) == (True, False)
    assert page.count("No: read only") == 2
    admin = (await (await signed_in(site, "rep.admin")).open(PROFILE)).text
    assert 'id">1111111112222</td><td><span class="tag warn">Suspended</span>' in admin
    assert 'id">111111111</td><td><span class="tag good">Active</span>' in admin
    assert ("Yes: create and manage" in admin, "Yes: add and remove" in admin) == (True, True)
    edit = (await (await signed_in(site)).open(f"{PROFILE}/edit")).text
    assert ('name="energy_data"' in edit, 'name="home_devices"' in edit, 'name="duns"' in edit) == (False,) * 3


async def test_per_05_the_address_is_entered_again_only_when_it_is_changed(site: Site) -> None:
    """PER-05: "Re-enter Email Address (required if Email Address is changed)" """
    person = await signed_in(site)
    await person.open(f"{PROFILE}/edit")
    await person.send(f"{PROFILE}/edit", NAMED | {"email": "rep.user@example.com", "phone": "512 555 0100"})
    assert (await site.account("rep.user")).phone == "512 555 0100"
    for again in ("", "New@example.com", "new@example.co"):
        await person.open(f"{PROFILE}/edit")
        await person.send(f"{PROFILE}/edit", NAMED | {"email": "new@example.com", "email_again": again})
        assert set(person.faults) == {"email_again"}
    await person.send(f"{PROFILE}/edit", NAMED | {"email": "new@example.com", "email_again": "new@example.com"})
    assert (await site.account("rep.user")).email == "new@example.com"


async def test_per_06_a_question_is_chosen_and_its_answer_is_not_case_sensitive(site: Site) -> None:
    """PER-06: "Select a Security Question from the dropdown box." "The Answer is not case sensitive." """
    person = await asked(site)
    await forgot(person, "rep.user", "oLD rEX")
    assert (await site.letters())[-1].subject == "Your temporary password"
    changed = site.person()
    assert (await changed.sign_in("rep.user", await temporary(site))).url.path == "/first-sign-in"


async def test_per_07_the_fifth_wrong_password_locks(site: Site) -> None:
    """PER-07: "If you attempt to login with an incorrect password more than 4 times, your Account Status will be set
    to 'Locked'."
    """
    person = site.person()
    for _ in range(4):
        await person.sign_in("rep.user", "wrong")
    assert (await site.account("rep.user")).status is AccountStatus.ACTIVE
    await person.sign_in("rep.user", "wrong")
    assert (await site.account("rep.user")).status is AccountStatus.LOCKED
    assert (await person.sign_in("rep.user")).url.path == "/login"


async def test_per_08_and_mail_08_the_right_answer_unlocks_and_mails_a_temporary_password(site: Site) -> None:
    """PER-08, MAIL-08, ACC-07, AMB-12: "If your account was locked, then your Account Status will be set to
    'Active'."."""
    person = await asked(site)
    for _ in range(5):
        await person.sign_in("rep.user", "wrong")
    await forgot(person, "rep.user", "Fido")
    assert (await site.account("rep.user")).status is AccountStatus.LOCKED
    await forgot(person, "rep.user", "old rex")
    row = await site.account("rep.user")
    assert (row.status, row.must_change_password) == (AccountStatus.ACTIVE, True)
    assert (await site.letters())[-1].recipient == "rep.user@example.com"
    assert (await person.sign_in("rep.user")).url.path == "/login"
    await person.sign_in("rep.user", await temporary(site))
    await person.send("/first-sign-in", {"new_password": SHORT, "password_again": SHORT})
    assert person.path == "/usage/meters"


@pytest.mark.parametrize("status", [AccountStatus.SUSPENDED, AccountStatus.REVOKED])
async def test_per_08_only_a_locked_account_becomes_active(site: Site, status: AccountStatus) -> None:
    """PER-08, ACC-08, ACC-09: "Your Account can only be re-instated by the SMT Team or by your Company
    Administrators." "This action cannot be undone."
    """
    person = await asked(site)
    await site.change("rep.user", status=status)
    await forgot(person, "rep.user", "old rex")
    assert (await site.account("rep.user")).status is status


async def test_per_09_and_mail_09_all_user_ids_of_an_address_are_mailed_to_it(site: Site) -> None:
    """PER-09, MAIL-09: "If multiple Accounts are found, then the email notification will list all User IDs associated
    with that email address."
    """
    await site.change("blue.admin", email="rep.user@example.com")
    person = site.person()
    await person.open("/forgot-user-id")
    await person.send("/forgot-user-id", {"email": "rep.user@example.com"})
    [letter] = await site.letters()
    assert [line.strip() for line in letter.text.splitlines() if line.startswith("    ")] == ["blue.admin", "rep.user"]
    assert "rep.admin" not in letter.text


async def test_per_10_without_the_mailbox_there_is_no_way_back(site: Site) -> None:
    """PER-10: "If you no longer have access to the Email Address that is listed in your Account Profile and you cannot
    retrieve your new temporary password, then you must register for a new Account."
    """
    person = await asked(site)
    await forgot(person, "rep.user", "old rex")
    assert await temporary(site) not in person.page.text
    assert "has to register a new account" in person.page.text
