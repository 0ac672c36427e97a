"""Guide 4, the statuses of accounts, companies and DUNS numbers, and what each of them lets in."""

from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.entry import entry_refusal
from portal.accounts.expiry import expire_due
from portal.accounts.machine import AccountAction
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts, sessions
from portal.administration.account_list import held_numbers, see_account
from portal.administration.companies import change_company_status, change_duns_status
from portal.administration.profile import CompanyProfile, ProfileForm, save_profile, see_profile
from portal.approvals.duns_queue import decide_number, waiting_numbers
from portal.companies.kinds import Kind
from portal.companies.machines import CompanyAction, DunsAction
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.faults import PeopleRefused
from portal.viewer import Viewer, load_viewer
from portal.visibility import find_meter
from tests.clock import HandClock
from tests.portal.people.stand import Office, company_form, person_form
from tests.portal.world import BLUEBONNET, LONE_STAR, LONE_STAR_SECOND, esi, viewer

FORTNIGHT = timedelta(days=14)
SECOND = timedelta(seconds=1)


async def change(office: Office, user_id: str, action: AccountAction, by: str = "rep.admin") -> Any:
    """Somebody changes an account's status."""
    (result,) = await office.change([user_id], action, "Why.", by)
    return result


async def change_company(office: Office, name: str, action: CompanyAction, by: str = "team.admin") -> Any:
    """The operating team changes where a company stands."""
    who, row = await viewer(office.database, by), await office.row(companies, name=name)
    return await office.run(lambda act: change_company_status(act, who, row.id, action, "Because."), by)


async def change_number(office: Office, duns: str, action: DunsAction, by: str = "team.admin") -> Any:
    """The operating team changes where a DUNS number stands."""
    who, row = await viewer(office.database, by), await office.row(duns_numbers, duns=duns)
    return await office.run(
        lambda act: change_duns_status(act, who, row.company_id, row.id, action, "The TDSP asks."), by
    )


async def expired(office: Office, clock: HandClock, waited: timedelta) -> int:
    """How many things end a time after they began to wait."""
    clock.set(clock.now() + waited)
    return await office.run(expire_due)


async def sees(office: Office, user_id: str, number: int) -> bool | None:
    """Whether somebody sees a meter; None if he may not enter at all."""
    row = await office.row(accounts, user_key=user_id)
    async with office.database.reading() as connection:
        who = await load_viewer(connection, row.id)
        if not isinstance(who, Viewer):
            return None
        return await find_meter(connection, who, esi(number), office.clock.now()) is not None


async def added_number(office: Office, duns: str = "888888888") -> int:
    """Lone Star's administrator adds a number."""
    who = await viewer(office.database, "rep.admin")
    async with office.database.reading() as connection:
        profile = await see_profile(connection, who)
    assert isinstance(profile, CompanyProfile)
    form = ProfileForm(
        **company_form(name=profile.name, email=profile.email, email_again="").model_dump(exclude={"duns"}),
        revision=profile.revision,
        duns_added=[duns],
    )
    saved = await office.run(lambda act: save_profile(act, who, form), "rep.admin")
    assert isinstance(saved, int), saved
    found: int = (await office.rows(duns_numbers, duns=duns))[-1].id
    return found


def test_acc_01_com_01_and_dun_01_the_statuses_are_the_guides() -> None:
    """ACC-01, COM-01, DUN-01: figures 12, 13 and 14."""
    assert list(AccountStatus) == ["pending", "approved", "active", "locked", "suspended", "revoked"]
    assert list(CompanyStatus) == ["pending", "approved", "active", "suspended", "revoked"]
    assert list(DunsStatus) == ["pending", "active", "suspended", "revoked"]


async def test_acc_02_and_com_02_who_registered_is_pending(office: Office) -> None:
    """ACC-02: "You have successfully completed registration and your Account is pending approval"; COM-02: "The REP
    Company is currently pending approval by a TDSP Administrator."."""
    new = await office.registered()
    await office.asked(form=person_form("second.person"))
    assert (await office.status("pat.pecan"), await office.status("second.person")) == ("pending", "pending")
    assert (await office.row(companies, id=new.company_id)).status == "pending"


async def test_acc_03_and_mail_04_a_request_that_nobody_approves_in_14_days_is_deleted(
    office: Office, clock: HandClock
) -> None:
    """ACC-03, MAIL-04: "does not approve your request within 14 days, you will be notified by email and your
    registration request will be deleted."."""
    account_id = await office.asked()
    assert await expired(office, clock, FORTNIGHT - SECOND) == 0
    assert await office.status("pat.pecan") == "pending"
    clock.set(clock.now() + SECOND)
    late = await office.approve(account_id)
    assert isinstance(late, PeopleRefused)
    assert await office.run(expire_due) == 1
    assert await office.status("pat.pecan") is None
    (letter,) = await office.mail("pat.pecan@pecan.example")
    assert "within 14 days" in letter.text
    assert "register again" in letter.text
    assert await office.run(expire_due) == 0
    assert len(await office.mail("pat.pecan@pecan.example")) == 1


async def test_acc_04_an_approved_account_has_a_way_in_and_waits(office: Office) -> None:
    """ACC-04: "all necessary approval granted. A temporary password for your new Account has been sent ... but you have
    not yet logged in for the first time."."""
    account_id = await office.asked()
    await office.approve(account_id)
    row = await office.row(accounts, id=account_id)
    assert row.status == "approved"
    assert row.link_until == office.clock.now() + FORTNIGHT
    assert await sees(office, "pat.pecan", 1) is None


async def test_acc_05_an_approved_account_that_nobody_signs_in_to_is_deleted(office: Office, clock: HandClock) -> None:
    """ACC-05: "If you do not login within 14 days after receiving approval ... your Account will be deleted."."""
    account_id = await office.asked()
    clock.set(clock.now() + FORTNIGHT - SECOND)
    await office.approve(account_id)
    assert await expired(office, clock, FORTNIGHT - SECOND) == 0
    assert await expired(office, clock, SECOND) == 1
    assert await office.status("pat.pecan") is None
    letters = await office.mail("pat.pecan@pecan.example")
    assert letters[-1].subject == "Your account has expired"


async def test_acc_08_a_suspended_account_keeps_its_meters_and_comes_back_active(office: Office) -> None:
    """ACC-08: "Your Smart Meters will remain associated with your Account. Your Account can only be re-instated by the
    SMT Team or by your Company Administrators. Once re-instated, your Account Status will return to Active."."""
    await change(office, "rep.user", AccountAction.SUSPEND)
    assert await sees(office, "rep.user", 1) is None
    for stranger in ("blue.admin", "wires.admin", "team.user"):
        refused = await change(office, "rep.user", AccountAction.REINSTATE, stranger)
        assert isinstance(refused, PeopleRefused), stranger
    assert await change(office, "rep.user", AccountAction.REINSTATE) == "active"
    assert await sees(office, "rep.user", 1) is True


async def test_acc_09_a_revoked_account_stays_so(office: Office) -> None:
    """ACC-09: "This action cannot be undone. To gain access to SMT, you must register for a new Account."."""
    await change(office, "rep.user", AccountAction.REVOKE)
    for action in AccountAction:
        assert isinstance(await change(office, "rep.user", action), PeopleRefused), action
    row = await office.row(accounts, user_key="rep.user")
    assert (row.status, row.password_hash) == ("revoked", None)
    assert set((await office.register(None, person_form("rep.user"))).faults) == {"person.user_id"}  # type: ignore[union-attr]  # it is refused


@pytest.mark.parametrize("approved", [False, True])
async def test_com_02_and_com_03_a_company_that_stays_pending_or_approved_is_deleted(
    office: Office, clock: HandClock, approved: bool
) -> None:
    """COM-02: "does not approve the request within 14 days, the first Administrator will be notified by email and the
    registration request will be deleted." COM-03: "does not login within 14 days after receiving approval, email
    notification will be sent and the REP Company and associated first Administrator Account will be deleted."."""
    new = await office.registered()
    if approved:
        clock.set(clock.now() + FORTNIGHT - SECOND)
        await office.decide(new.company_id, approve=True)
    assert await expired(office, clock, FORTNIGHT - SECOND) == 0
    assert await expired(office, clock, SECOND) == 1
    assert await office.company_status("Pecan Power") is None
    assert await office.status("pat.pecan") is None
    assert await office.duns_status("777777777") is None
    letter = (await office.mail("pat.pecan@pecan.example"))[-1]
    assert letter.subject == "The registration of your company has expired"
    assert ("you did not sign in" in letter.text) is approved


async def test_com_04_a_company_is_not_active_before_its_first_administrator_signed_in(office: Office) -> None:
    """COM-04: "The REP Company's first Administrator has successfully logged in for the first time."."""
    new = await office.registered()
    await office.decide(new.company_id, approve=True)
    assert await office.company_status("Pecan Power") == "approved"
    assert isinstance(await office.ask("Pecan Power", form=person_form("second.person")), PeopleRefused)


async def test_com_05_and_mail_06_the_operating_team_suspends_and_reinstates_a_company(office: Office) -> None:
    """COM-05, MAIL-06: "Your Company has been suspended by the SMT Team. When this occurred, an email notification was
    sent to the email address listed in your Company Profile. Your Company can only be re-instated by the SMT Team."."""
    for stranger in ("rep.admin", "wires.admin", "ercot.admin", "team.user"):
        refused = await change_company(office, "Lone Star Power", CompanyAction.SUSPEND, stranger)
        assert isinstance(refused, PeopleRefused), stranger
        assert refused.reason == "not_for_you"
    assert await change_company(office, "Lone Star Power", CompanyAction.SUSPEND) == "suspended"
    assert {row.recipient for row in await office.mail()} == {"desk@lonestar.example", "rep.admin@example.com"}
    assert await sees(office, "rep.admin", 1) is None
    assert await change_company(office, "Lone Star Power", CompanyAction.REINSTATE) == "active"
    assert await sees(office, "rep.admin", 1) is True


async def test_com_06_with_a_company_all_of_its_accounts_are_revoked(office: Office) -> None:
    """COM-06: "Any REP Accounts for Users or Administrators for your Company have also been revoked. This action cannot
    be undone."."""
    await office.asked()
    assert await change_company(office, "Lone Star Power", CompanyAction.REVOKE) == "revoked"
    assert [await office.status(who) for who in ("rep.admin", "rep.user", "pat.pecan")] == ["revoked", "revoked", None]
    assert await office.status("blue.admin") == "active"
    assert [await office.duns_status(str(one)) for one in (LONE_STAR, LONE_STAR_SECOND)] == ["revoked", "revoked"]
    for action in (CompanyAction.REINSTATE, CompanyAction.SUSPEND, CompanyAction.REVOKE):
        assert isinstance(await change_company(office, "Lone Star Power", action), PeopleRefused)
    told = {row.recipient for row in await office.mail()}
    assert told >= {"desk@lonestar.example", "rep.admin@example.com", "rep.user@example.com", "pat.pecan@pecan.example"}
    again = company_form(name="Lone Star Power", duns=[str(LONE_STAR)])
    assert (await office.registered(company=again, first=person_form("new.start"))).status == "pending"


async def test_com_07_a_company_does_not_show_its_status_to_its_people(office: Office) -> None:
    """COM-07: "You can not view your Company status. If you can login, then your Company status is Active."."""
    async with office.database.reading() as connection:
        for who in ("rep.admin", "rep.user"):
            profile = await see_profile(connection, await viewer(office.database, who))
            assert isinstance(profile, CompanyProfile)
            assert "status" not in CompanyProfile.__dataclass_fields__


async def test_dun_02_a_number_that_nobody_approves_is_deleted_and_nothing_else(
    office: Office, clock: HandClock
) -> None:
    """DUN-02, AMB-04: "does not approve the request within 14 days, ... notified by email and the registration request
    will be deleted."."""
    await added_number(office)
    assert await office.duns_status("888888888") == "pending"
    assert await expired(office, clock, FORTNIGHT - SECOND) == 0
    assert await expired(office, clock, SECOND) == 1
    assert await office.duns_status("888888888") is None
    assert await office.company_status("Lone Star Power") == "active"
    letter = (await office.mail("rep.admin@example.com"))[-1]
    assert letter.subject == "DUNS number 888888888 has expired"


async def test_dun_02_a_tdsp_declines_a_number_and_says_why(office: Office) -> None:
    """DUN-02: "If the TDSP Administrator declines the request ... notified by email and the registration request will
    be deleted."."""
    number_id = await added_number(office)
    who = await viewer(office.database, "gulf.admin")
    without = await office.run(
        lambda act: decide_number(act, who, number_id, approve=False, comment=None), "gulf.admin"
    )
    assert isinstance(without, PeopleRefused)
    await office.run(lambda act: decide_number(act, who, number_id, approve=False, comment="Not yours."), "gulf.admin")
    assert await office.duns_status("888888888") is None
    assert "Not yours." in (await office.mail("desk@lonestar.example"))[-1].text


async def test_dun_03_and_cpr_04_an_approved_number_is_every_administrators_and_no_users(office: Office) -> None:
    """DUN-03: "A TDSP Administrator has approved the DUNS number." CPR-04: "Once approved, all Administrators for the
    REP Company will automatically have access to the new DUNS. The REP Company Administrators must individually grant
    access to the new DUNS to each of the REP User Accounts."."""
    number_id = await added_number(office)
    who = await viewer(office.database, "wires.admin")
    async with office.database.reading() as connection:
        (waiting,) = await waiting_numbers(connection, who, office.clock.now())  # type: ignore[misc]  # a list
    assert (waiting.id, waiting.company) == (number_id, "Lone Star Power")
    approved = await office.run(
        lambda act: decide_number(act, who, number_id, approve=True, comment=None), "wires.admin"
    )
    assert approved == "active"
    assert "888888888" in (await viewer(office.database, "rep.admin")).duns
    assert "888888888" not in (await viewer(office.database, "rep.user")).duns


async def test_dun_04_and_mail_06_a_number_is_suspended_at_its_tdsps_request(office: Office) -> None:
    """DUN-04, MAIL-06: "The DUNS has been suspended at the request of the TDSP. An email notification has been sent to
    the email address listed in your Company Profile. The DUNS can only be re-instated by the SMT Team with TDSP's
    approval."."""
    assert isinstance(
        await change_number(office, str(LONE_STAR_SECOND), DunsAction.SUSPEND, "wires.admin"), PeopleRefused
    )
    assert await change_number(office, str(LONE_STAR_SECOND), DunsAction.SUSPEND) == "suspended"
    (letter,) = await office.mail("desk@lonestar.example")
    assert "at the TDSP's request" in letter.text
    assert "The TDSP asks." in letter.text
    assert await sees(office, "rep.admin", 2) is False
    assert await change_number(office, str(LONE_STAR_SECOND), DunsAction.REINSTATE) == "active"
    assert await sees(office, "rep.admin", 2) is True


async def test_dun_05_with_a_number_the_accounts_that_have_no_other_are_revoked(office: Office) -> None:
    """DUN-05: "The DUNS has been revoked at the request of the TDSP. REP Accounts that have access to this one DUNS
    only have also been revoked. This action cannot be undone."."""
    assert await change_number(office, str(LONE_STAR), DunsAction.REVOKE) == "revoked"
    assert await office.status("rep.user") == "revoked"
    assert await office.status("rep.admin") == "active"
    assert "the DUNS number 111111111, the only one of this account, was revoked" in await office.causes()
    assert isinstance(await change_number(office, str(LONE_STAR), DunsAction.REINSTATE), PeopleRefused)
    await change_number(office, str(LONE_STAR_SECOND), DunsAction.REVOKE)
    assert await office.status("rep.admin") == "revoked"
    assert "rep.user@example.com" in {row.recipient for row in await office.mail()}


async def test_dun_06_an_account_shows_its_numbers_with_their_statuses(office: Office) -> None:
    """DUN-06: "You can view the status of each DUNS number for which you have access by viewing your Profile."."""
    await change_number(office, str(LONE_STAR), DunsAction.SUSPEND)
    row = await office.row(accounts, user_key="rep.user")
    async with office.database.reading() as connection:
        held = await held_numbers(connection, row)
        seen = await see_account(connection, await viewer(office.database, "rep.admin"), row.id)
    assert [(one.duns, one.status.value) for one in held if one.granted] == [(LONE_STAR, "suspended")]
    assert seen.duns == held  # type: ignore[union-attr]  # it is seen


def test_gate_01_entry_needs_account_company_and_a_number_all_active() -> None:
    """GATE-01: "Your Account Status, your Company Status, and the status for at least one of your DUNS numbers must all
    be Active for you to gain access to SMT."."""
    for account, company, has in product(AccountStatus, CompanyStatus, (True, False)):
        allowed = entry_refusal(account, Kind.REP, company, has_active_duns=has) is None
        assert allowed == (account == "active" and company == "active" and has)


async def test_gate_01_whoever_is_barred_is_out_at_once(office: Office) -> None:
    """GATE-01: "must all be Active for you to gain access to SMT."."""
    row = await office.row(accounts, user_key="rep.user")
    now = office.clock.now()
    values = {
        "key": "k", "account_id": row.id, "kind": "page", "csrf": "c", "created_at": now, "last_used_at": now,
    }  # fmt: skip
    opened = sessions.insert().values(values)
    await office.database.write(partial(AsyncConnection.execute, statement=opened))
    await change(office, "rep.user", AccountAction.SUSPEND)
    async with office.database.reading() as connection:
        assert (await connection.execute(sessions.select())).all() == []


async def test_gate_02_a_meters_data_needs_its_own_number_active(office: Office) -> None:
    """GATE-02: "The status for the DUNS number associated with a Smart Meter as ROR must be Active in order for you to
    view and access data for that Smart Meter."."""
    number = update(duns_numbers).where(duns_numbers.c.duns == BLUEBONNET)
    assert await sees(office, "blue.admin", 3) is True
    for status in (DunsStatus.PENDING, DunsStatus.SUSPENDED, DunsStatus.REVOKED):
        changed = number.values(status=status)
        await office.database.write(partial(AsyncConnection.execute, statement=changed))
        assert await sees(office, "blue.admin", 3) is None
