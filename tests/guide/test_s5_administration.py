"""Guide 5, managing accounts for a company: requests, the account list, statuses, and the company's profile."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.database import Database
from gateway.identifiers import Duns
from portal.accounts.expiry import expire_due
from portal.accounts.machine import AccountAction
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts, duns_grants
from portal.administration.account_list import (
    AccountList,
    AccountSearch,
    AccountSeen,
    Screen,
    list_accounts,
    see_account,
)
from portal.administration.changes import AccountEdit, edit_account
from portal.administration.profile import CompanyProfile, ProfileForm, save_profile, see_profile
from portal.approvals.account_queue import Answer, Approval, Decline, Permissions, decide_accounts, waiting_accounts
from portal.companies.tables import companies, duns_numbers
from portal.faults import PeopleRefused
from portal.permissions import Action
from tests.clock import HandClock
from tests.portal.people.images import image
from tests.portal.people.stand import TEAM_WORLD, Office, company_form, person_form
from tests.portal.world import LONE_STAR, LONE_STAR_SECOND, person, settle, viewer

ONE = Permissions(duns=frozenset({LONE_STAR}))


async def waiting(office: Office, user_id: str = "rep.admin") -> list[int]:
    """The requests in somebody's queue."""
    async with office.database.reading() as connection:
        found = await waiting_accounts(connection, await viewer(office.database, user_id), office.clock.now())
    assert isinstance(found, list)
    return [each.id for each in found]


async def held(office: Office, account_id: int) -> set[str]:
    """The numbers that are granted to an account one by one."""
    async with office.database.reading() as connection:
        chosen = duns_numbers.select().join(duns_grants, duns_grants.c.duns_id == duns_numbers.c.id)
        rows = await connection.execute(chosen.where(duns_grants.c.account_id == account_id))
        return {row.duns for row in rows}


async def seen(office: Office, user_id: str, by: str = "rep.admin") -> AccountSeen:
    """An account as somebody sees it."""
    row = await office.row(accounts, user_key=user_id)
    async with office.database.reading() as connection:
        found = await see_account(connection, await viewer(office.database, by), row.id)
    assert isinstance(found, AccountSeen), found
    return found


async def edit(office: Office, user_id: str, by: str = "rep.admin", **fields: Any) -> Any:
    """Somebody saves Edit User."""
    who, row = await viewer(office.database, by), await office.row(accounts, user_key=user_id)
    wanted = AccountEdit(**{"revision": row.revision, "permissions": ONE, **fields})
    return await office.run(lambda act: edit_account(act, who, row.id, wanted), by)


async def profile(office: Office, by: str = "rep.admin") -> CompanyProfile:
    """A company's profile as its people see it."""
    async with office.database.reading() as connection:
        found = await see_profile(connection, await viewer(office.database, by))
    assert isinstance(found, CompanyProfile), found
    return found


async def save(office: Office, by: str = "rep.admin", logo: bytes | None = None, **fields: Any) -> Any:
    """Somebody saves a profile; its faults by field if there are any."""
    shown = await profile(office, by)
    form = company_form(name=shown.name, email=shown.email, email_again="").model_dump(exclude={"duns"})
    wanted = ProfileForm(**{**form, "revision": shown.revision, **fields})
    who = await viewer(office.database, by)
    return await office.run(lambda act: save_profile(act, who, wanted, logo), by)


async def listed(office: Office, by: str = "rep.admin", show_all: bool = False, **search: Any) -> Any:
    """What the account list shows."""
    async with office.database.reading() as connection:
        who = await viewer(office.database, by)
        return await list_accounts(connection, who, AccountSearch(**search), show_all=show_all)


@pytest.fixture
async def crowd(tmp_path: Path, clock: HandClock) -> AsyncIterator[Any]:
    """Opens an office where Lone Star has so many accounts."""
    opened: list[Database] = []

    async def with_accounts(count: int) -> Office:
        more = tuple(person(f"staff.{number:03d}", "Lone Star Power") for number in range(count - 2))
        database = Database.open(f"sqlite:///{tmp_path}/{count}.db")
        opened.append(database)
        await settle(database, clock.now(), replace(TEAM_WORLD, accounts=(*TEAM_WORLD.accounts, *more)))
        return Office.over(database, clock)

    yield with_accounts
    for database in opened:
        await database.close()


async def test_adm_01_a_user_sees_the_profile_and_may_change_nothing(office: Office) -> None:
    """ADM-01: Company Users can "View the Company profile"."""
    assert (await profile(office, "rep.user")).name == "Lone Star Power"
    who = await viewer(office.database, "rep.user")
    for action in (Action.EDIT_PROFILE, Action.SEE_ACCOUNTS, Action.CHANGE_ACCOUNTS, Action.SEE_AUDIT):
        assert not who.may(action), action
    assert (await save(office, "rep.user", city="Waco")).reason == "not_for_you"
    refused = await listed(office, "rep.user")
    assert refused.reason == "not_for_you"


async def test_adm_02_an_administrator_edits_the_profile_and_looks_after_accounts(office: Office) -> None:
    """ADM-02: Company Administrators can "Update and view the Company profile", "Approve/decline new registrations",
    "Suspend/re-instate/revoke Accounts"."""
    assert isinstance(await save(office, city="Waco"), int)
    assert (await profile(office)).city == "Waco"
    assert await office.change(["rep.user"], AccountAction.SUSPEND, "Away.") == ["suspended"]


async def test_adm_03_every_request_is_mailed_to_the_company(office: Office) -> None:
    """ADM-03: "Email notification is sent to the email address in the Company Profile whenever a registration request
    occurs."."""
    for number in range(3):
        await office.asked(form=person_form(f"asker.{number}"))
    assert len(await office.mail("desk@lonestar.example")) == 3


async def test_adm_04_one_administrators_answer_takes_a_request_from_all_queues(office: Office) -> None:
    """ADM-04: "If any one (1) Administrator approves or declines a registration request, the request is removed from
    the Administrator's pending work queue for all Company Administrators."."""
    kept, answered = await office.asked(form=person_form("kept.one")), await office.asked()
    assert await waiting(office) == [kept, answered]
    await office.approve(answered)
    assert await waiting(office) == [kept]
    assert (await office.approve(answered)).reason == "not_there"


async def test_adm_05_approve_and_decline_work_on_many_at_once(office: Office) -> None:
    """ADM-05: "Edit Permissions is only available for one Account at a time. Approve and Decline will function for
    multiple Accounts at the same time."."""
    first, second, third = [await office.asked(form=person_form(f"asker.{n}")) for n in range(3)]
    who = await viewer(office.database, "rep.admin")
    answers: dict[int, Answer] = {
        first: Approval(credential=await office.credential()),
        second: Decline(comment="Unknown."),
        99_999: Decline(comment="Unknown."),
    }
    results = await office.run(lambda act: decide_accounts(act, who, answers), "rep.admin")
    assert (results[first], results[second]) == ("approved", None)
    assert isinstance(results[99_999], PeopleRefused)
    assert await waiting(office) == [third]


async def test_adm_06_quick_approve_gives_all_numbers_and_no_permission(office: Office) -> None:
    """ADM-06: "The selected Accounts will have access to all of the Company's DUNS numbers and will not have Energy
    Data or In-Home Device Services permission."."""
    account_id = await office.asked()
    assert await office.approve(account_id) == "approved"
    assert await held(office, account_id) == {LONE_STAR, LONE_STAR_SECOND}
    row = await office.row(accounts, id=account_id)
    assert (row.energy_data, row.home_devices) == (False, False)


async def test_adm_07_to_decline_takes_comments_which_are_mailed(office: Office) -> None:
    """ADM-07: "Comments entered here are included in that email and are meant to give the Account owner a reason why
    the request was declined." "All Accounts selected on the pending work queue will be deleted."."""
    account_id = await office.asked()
    refused = await office.decline(account_id, None)
    assert set(refused.faults) == {"comment"}
    assert await office.status("pat.pecan") == "pending"
    assert await office.decline(account_id, "Not one\nof us.") is None
    (letter,) = await office.mail("pat.pecan@pecan.example")
    assert "    Not one\n    of us." in letter.text
    assert "Not one<br>of us." in letter.html
    assert await office.status("pat.pecan") is None


async def test_adm_08_at_least_one_number_must_be_chosen(office: Office) -> None:
    """ADM-08: "You must select at least one DUNS Number if you intend to Approve this request."."""
    account_id = await office.asked()
    for numbers in ((), ("333333333",)):
        chosen = Permissions(duns=frozenset(map(Duns, numbers)))
        refused = await office.approve(account_id, permissions=chosen)
        assert set(refused.faults) == {"duns"}, numbers
    assert await office.approve(account_id, permissions=ONE) == "approved"
    assert await held(office, account_id) == {LONE_STAR}


@pytest.mark.parametrize("flag", ["energy_data", "home_devices"])
async def test_adm_09_and_adm_10_the_two_permissions_are_granted_to_users(office: Office, flag: str) -> None:
    """ADM-09, ADM-10: "All administrators have access to all functions ... automatically. You can only use this
    checkbox to grant access to users."."""
    account_id = await office.asked()
    await office.approve(account_id, permissions=Permissions(duns=ONE.duns, **{flag: True}))
    row = await office.row(accounts, id=account_id)
    assert {name for name in ("energy_data", "home_devices") if getattr(row, name)} == {flag}
    shown = await seen(office, "rep.admin")
    assert (shown.energy_data, shown.home_devices) == (True, True)
    assert all(number.granted for number in shown.duns)


async def test_adm_11_comments_are_optional_when_approving_and_mailed(office: Office) -> None:
    """ADM-11: "Any comments entered here are included in that email. If the Account is being approved, the comments are
    optional."."""
    first, second = await office.asked(), await office.asked(form=person_form("quiet.one"))
    await office.approve(first, comment="See you on Monday.")
    await office.approve(second)
    assert "See you on Monday." in (await office.mail("pat.pecan@pecan.example"))[0].text
    assert "Comments:" not in (await office.mail("quiet.one@pecan.example"))[0].text


async def test_adm_12_an_approved_account_is_approved_and_its_owner_gets_a_way_in(office: Office) -> None:
    """ADM-12: "the Account Status will change to 'Approved' and an email notification will be sent to the Account owner
    along with a temporary password."."""
    account_id = await office.asked()
    await office.approve(account_id)
    assert await office.status("pat.pecan") == "approved"
    (letter,) = await office.mail("pat.pecan@pecan.example")
    assert "/set-password?key=" in letter.text
    assert "account.approve pat.pecan pending>approved" in await office.actions()


async def test_adm_13_a_request_that_nobody_answers_in_14_days_is_deleted(office: Office, clock: HandClock) -> None:
    """ADM-13: "If a Company Administrator does not take action on a pending registration request within 14 days, the
    requestor will be notified by email and the registration request will be deleted."."""
    await office.asked()
    clock.set(clock.now() + timedelta(days=14))
    assert await waiting(office) == []
    await office.run(expire_due)
    assert await office.status("pat.pecan") is None
    (letter,) = await office.mail("pat.pecan@pecan.example")
    assert letter.subject == "Your request for an account has expired"


async def test_adm_14_25_accounts_are_listed_and_26_are_searched(crowd: Any) -> None:
    """ADM-14, AMB-01: "If you have 25 or fewer Accounts associated with your Company, your Account List will
    automatically display. If you have more than 25 Accounts, you will need to search"."""
    few = await listed(await crowd(25))
    assert (few.screen, len(few.accounts)) == (Screen.LIST, 25)
    office = await crowd(26)
    many = await listed(office)
    assert (many.screen, many.accounts, many.count) == (Screen.SEARCH, None, 26)
    assert len((await listed(office, show_all=True)).accounts) == 26


async def test_adm_14_above_500_there_is_no_show_all(crowd: Any) -> None:
    """ADM-14: "If you have more than 500 Accounts associated with your Company, the 'Show All' link will not
    appear."."""
    office = await crowd(500)
    assert len((await listed(office, show_all=True)).accounts) == 500
    office = await crowd(501)
    refused = await listed(office, show_all=True)
    assert (refused.screen, refused.accounts) == (Screen.SEARCH_ONLY, None)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({"first_name": "re*"}, ["rep.admin", "rep.user"]),
        ({"last_name": "doe", "user_id": "*user"}, ["rep.user"]),
        ({"email": "rep.a*example.com"}, ["rep.admin"]),
        ({"user_id": "REP.USER"}, ["rep.user"]),
        ({"user_id": "blue*"}, []),
        ({"duns": ["111111111"]}, ["rep.admin", "rep.user"]),
        ({"duns": ["1111111112222"]}, ["rep.admin"]),
        ({"duns": ["333333333"]}, []),
        ({"status": "active"}, ["rep.admin", "rep.user"]),
        ({"status": "pending"}, ["pat.pecan"]),
        ({"letter": "p"}, ["pat.pecan"]),
        ({"letter": "P", "status": "active"}, []),
    ],
)
async def test_adm_15_accounts_are_searched_by_any_criteria(
    office: Office, search: dict[str, Any], expected: list[str]
) -> None:
    """ADM-15: "Enter search criteria in one (1) or more of the following fields. In each search field, you may enter a
    wildcard search ... OR Select a Letter to find the user's last name in the list"."""
    await office.asked()
    found = await listed(office, **search)
    assert isinstance(found, AccountList)
    assert sorted(each.user_id for each in found.accounts or ()) == expected


async def test_adm_15_every_field_keeps_the_wildcards_rule(office: Office) -> None:
    """ADM-15: "You can only use one wildcard/asterisk in a given search field."."""
    refused = await listed(office, first_name="a*", last_name="*a*b", email="**", user_id="ab*c", duns=["12"])
    assert set(refused.faults) == {"first_name", "last_name", "email", "duns"}


async def test_adm_16_suspend_takes_several_and_comments_and_not_those_suspended_already(office: Office) -> None:
    """ADM-16: "You cannot suspend an Account that is already Suspended or Revoked."."""
    assert set((await office.change(["rep.user"], AccountAction.SUSPEND, None)).faults) == {"comment"}
    await office.approve(await office.asked())
    both = await office.change(["rep.user", "pat.pecan"], AccountAction.SUSPEND, "Audit.")
    assert both == ["suspended", "suspended"]
    (again,) = await office.change(["rep.user"], AccountAction.SUSPEND, "Audit.")
    assert again.words == "An account that is Suspended cannot be suspended."
    await office.change(["rep.user"], AccountAction.REVOKE, "Audit.")
    (revoked,) = await office.change(["rep.user"], AccountAction.SUSPEND, "Audit.")
    assert revoked.reason == "not_now"


async def test_adm_17_only_a_suspended_account_is_reinstated_and_becomes_active(office: Office) -> None:
    """ADM-17: "Account Status must be Suspended in order to be reinstated." "If you wish to include comments ... you
    must alter the Account Status through the Edit User screen."."""
    (refused,) = await office.change(["rep.user"], AccountAction.REINSTATE, None)
    assert refused.reason == "not_now"
    await office.change(["rep.user"], AccountAction.SUSPEND, "Away.")
    assert await office.change(["rep.user"], AccountAction.REINSTATE, "Back.") == ["active"]
    assert "Back." not in (await office.mail("rep.user@example.com"))[-1].text
    await office.change(["rep.user"], AccountAction.SUSPEND, "Away.")
    assert await edit(office, "rep.user", action=AccountAction.REINSTATE, comment="Back.") == "active"
    assert "Back." in (await office.mail("rep.user@example.com"))[-1].text


async def test_adm_18_revoke_takes_comments_and_is_permanent(office: Office) -> None:
    """ADM-18: "Revoking an Account is permanent and cannot be undone."."""
    assert set((await office.change(["rep.user"], AccountAction.REVOKE, "")).faults) == {"comment"}
    assert await office.change(["rep.user"], AccountAction.REVOKE, "Left.") == ["revoked"]
    (refused,) = await office.change(["rep.user"], AccountAction.REINSTATE, None)
    assert refused.reason == "not_now"


async def test_adm_19_edit_user_changes_numbers_and_permissions_of_one_account(office: Office) -> None:
    """ADM-19: "You must select at least one DUNS Number for the Account."."""
    account = await seen(office, "rep.user")
    assert set((await edit(office, "rep.user", permissions=Permissions(duns=frozenset()))).faults) == {"duns"}
    both = Permissions(duns=frozenset({LONE_STAR, LONE_STAR_SECOND}), energy_data=True)
    assert await edit(office, "rep.user", permissions=both) == "active"
    assert await held(office, account.id) == {LONE_STAR, LONE_STAR_SECOND}
    shown = await seen(office, "rep.user")
    assert (shown.energy_data, shown.home_devices, shown.revision) == (True, False, account.revision + 1)
    assert await edit(office, "rep.user") == "active"
    assert await held(office, account.id) == {LONE_STAR}


async def test_adm_19_the_choices_depend_on_the_status(office: Office) -> None:
    """ADM-19: "Reinstate will not be shown as an option unless the current Account Status is Suspended."; comments are
    "required if the Account is being suspended or revoked"."""
    assert (await seen(office, "rep.user")).actions == (AccountAction.SUSPEND, AccountAction.REVOKE)
    assert set((await edit(office, "rep.user", action=AccountAction.SUSPEND)).faults) == {"comment"}
    await edit(office, "rep.user", action=AccountAction.SUSPEND, comment="Away.")
    assert (await seen(office, "rep.user")).actions == (AccountAction.REINSTATE, AccountAction.REVOKE)
    await edit(office, "rep.user", action=AccountAction.REVOKE, comment="Left.")
    assert (await seen(office, "rep.user")).actions == ()


async def test_adm_19_who_edits_what_somebody_else_saved_meanwhile_is_told(office: Office) -> None:
    """ADM-19: "Click 'Save Account' button"; of two who opened the same account the second is told."""
    revision = (await seen(office, "rep.user")).revision
    assert await edit(office, "rep.user", revision=revision) == "active"
    late = await edit(office, "rep.user", revision=revision)
    assert late.reason == "changed_meanwhile"


@pytest.mark.parametrize(
    ("action", "words"),
    [(AccountAction.SUSPEND, "was suspended"), (AccountAction.REVOKE, "was revoked")],
)
async def test_adm_20_and_mail_07_the_owner_is_mailed_with_the_comments(
    office: Office, action: AccountAction, words: str
) -> None:
    """ADM-20, MAIL-07: "The Account owner will be notified via email when the Account Status is changed. Comments
    entered here are included in that email"."""
    await office.change(["rep.user"], action, "The <audit> says so.")
    (letter,) = await office.mail("rep.user@example.com")
    assert words in letter.subject
    assert "The <audit> says so." in letter.text
    assert "The &lt;audit&gt; says so." in letter.html


async def test_the_only_active_administrator_is_barred_by_the_operating_team_alone(office: Office) -> None:
    for action in (AccountAction.SUSPEND, AccountAction.REVOKE):
        (refused,) = await office.change(["rep.admin"], action, "Bye.")
        assert refused.reason == "last_administrator"
        (own,) = await office.change(["team.admin"], action, "Bye.", by="team.admin")
        assert own.reason == "last_administrator"
    assert await office.change(["rep.admin"], AccountAction.SUSPEND, "Bye.", by="team.admin") == ["suspended"]
    assert AccountStatus(await office.status("rep.admin") or "") is AccountStatus.SUSPENDED


async def test_accounts_of_others_are_not_there(office: Office) -> None:
    (theirs,) = await office.change(["blue.admin"], AccountAction.SUSPEND, "Bye.")
    assert theirs.reason == "not_there"
    row = await office.row(accounts, user_key="blue.admin")
    async with office.database.reading() as connection:
        who = await viewer(office.database, "rep.admin")
        assert await see_account(connection, who, row.id) == await see_account(connection, who, 99_999)


async def test_cpr_01_administrators_edit_the_profile_and_users_view_it(office: Office) -> None:
    """CPR-01: "Administrators may change the Company Profile information. Users may view but not change the Company
    Profile."."""
    assert ((await profile(office)).may_edit, (await profile(office, "rep.user")).may_edit) == (True, False)
    assert isinstance(await save(office, phone="512-555-0123"), int)
    assert (await profile(office, "rep.user")).phone == "512-555-0123"
    assert (await save(office, "rep.user", phone="512-555-0999")).reason == "not_for_you"


async def test_cpr_02_the_profile_has_the_registrations_limits_and_asks_for_a_changed_email_twice(
    office: Office,
) -> None:
    """CPR-02: "Re-enter Email Address (required if Account Email Address is changed)"."""
    assert set((await save(office, name="", zip="1", url="ftp://x")).faults) == {"name", "zip", "url"}
    assert set((await save(office, email="new@lonestar.example")).faults) == {"email_again"}
    new = "new@lonestar.example"
    assert isinstance(await save(office, email=new, email_again=new), int)
    assert set((await save(office, name="Bluebonnet Energy")).faults) == {"name"}


async def test_cpr_03_and_mail_05_an_added_number_is_pending_and_the_tdsps_are_told(office: Office) -> None:
    """CPR-03, MAIL-05: "The new DUNS will be added with DUNS Status = Pending. When the Company Profile is saved, the
    TDSP Administrators will be notified that your Company is awaiting approval of the new DUNS."."""
    assert isinstance(await save(office, duns_added=["888888888"]), int)
    assert await office.duns_status("888888888") == "pending"
    told = {row.recipient for row in await office.mail() if "888888888" in row.text}
    assert told == {"desk@wires.example", "desk@gulf.example", "wires.admin@example.com", "gulf.admin@example.com"}
    standing = await save(office, duns_added=["333333333"])
    assert set(standing.faults) == {"duns_added"}


async def test_cpr_05_a_removed_number_is_gone_at_once_and_from_every_account(office: Office) -> None:
    """CPR-05: "Removing the DUNS from the Company Profile will automatically remove the DUNS access from all of the REP
    Administrator and User Accounts."."""
    assert isinstance(await save(office, duns_removed=[str(LONE_STAR)]), int)
    assert await office.duns_status(str(LONE_STAR)) is None
    row = await office.row(accounts, user_key="rep.user")
    assert await held(office, row.id) == set()
    assert row.status == "active"
    assert (await viewer(office.database, "rep.admin")).duns == {LONE_STAR_SECOND}


async def test_cpr_05_the_last_active_number_stays(office: Office) -> None:
    """CPR-05, AMB-18: "DUNS (at least one required)"."""
    both = [str(LONE_STAR), str(LONE_STAR_SECOND)]
    for added in ([], ["888888888"]):
        assert set((await save(office, duns_removed=both, duns_added=added)).faults) == {"duns_removed"}
    assert set((await save(office, duns_removed=["333333333"])).faults) == {"duns_removed"}
    assert await office.duns_status("888888888") is None
    await save(office, duns_added=["888888888"])
    assert set((await save(office, duns_removed=both)).faults) == {"duns_removed"}
    assert isinstance(await save(office, duns_removed=[both[0], "888888888"]), int)


async def test_reg_15_administrators_add_numbers_with_approval_and_remove_them_without(office: Office) -> None:
    """REG-15: "Each added DUNS Number will automatically be sent to the TDSPs for approval. Removing a DUNS does not
    require approval."."""
    await save(office, duns_added=["888888888"], duns_removed=[str(LONE_STAR_SECOND)])
    assert await office.duns_status("888888888") == "pending"
    assert await office.duns_status(str(LONE_STAR_SECOND)) is None


async def test_cpr_06_the_logo_is_kept_and_taken_away(office: Office) -> None:
    """CPR-06: "The image file you want to upload must be less than 20KB."; the upload is judged as in REG-18."""
    await save(office, logo=image())
    assert (await profile(office)).has_logo
    await save(office, city="Waco")
    assert (await office.row(companies, name="Lone Star Power")).logo == image()
    await save(office, logo_removed=True)
    assert not (await profile(office)).has_logo


async def test_a_profile_that_was_saved_meanwhile_is_not_overwritten(office: Office) -> None:
    revision = (await profile(office)).revision
    await save(office, city="Waco")
    assert (await save(office, city="Dallas", revision=revision)).reason == "changed_meanwhile"
    assert (await profile(office)).city == "Waco"
