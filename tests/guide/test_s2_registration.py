"""Guide 2, registering for Smart Meter Texas: a new company, and access to one that is there."""

from datetime import timedelta

import pytest

from portal.accounts.machine import AccountAction
from portal.accounts.presets import Preset
from portal.accounts.tables import accounts
from portal.approvals.account_queue import waiting_accounts
from portal.approvals.company_queue import waiting_companies
from portal.companies.kinds import Kind
from portal.companies.logo import BadLogo, encoded_anew
from portal.companies.tables import companies, duns_numbers
from portal.faults import PeopleRefused
from portal.registration.access_request import AskedRole, RequestedAccess
from portal.registration.company_form import CompanyForm
from portal.registration.new_company import RegisteredCompany
from portal.registration.person_form import PersonForm
from portal.registration.search import CompanyName, find_companies
from tests.clock import HandClock
from tests.portal.people.images import image, noise
from tests.portal.people.stand import Office, company_form, person_form
from tests.portal.world import LONE_STAR, LONE_STAR_SECOND, viewer

ADMINISTRATOR = AskedRole.ADMINISTRATOR


async def faults(
    office: Office, company: CompanyForm | None = None, person: PersonForm | None = None
) -> dict[str, str]:
    """What is wrong with a registration, by field; nothing if it is taken."""
    answer = await office.register(company, person)
    return dict(answer.faults) if isinstance(answer, PeopleRefused) else {}


async def found(office: Office, **wanted: str) -> list[str]:
    """The names that a search shows."""
    async with office.database.reading() as connection:
        answer = await find_companies(connection, **wanted)  # type: ignore[arg-type]  # texts alone
    assert isinstance(answer, list)
    return [each.name for each in answer]


async def more_administrators(office: Office, count: int) -> list[int]:
    """So many who ask to be administrators of Lone Star, which has one."""
    return [await office.asked(role=ADMINISTRATOR, form=person_form(f"new.admin.{number}")) for number in range(count)]


async def test_reg_01_a_company_has_at_most_four_administrators(office: Office) -> None:
    """REG-01: "REP companies must have at least one (1) and no more than four (4) administrators."."""
    *three, fourth = await more_administrators(office, 4)
    for account_id in three:
        assert await office.approve(account_id) == "approved"
    refused = await office.approve(fourth)
    assert isinstance(refused, PeopleRefused)
    assert refused.reason == "five_administrators"
    assert await office.status("new.admin.3") == "pending"


async def test_reg_01_a_suspended_administrator_counts_and_a_revoked_one_does_not(office: Office) -> None:
    """REG-01, AMB-11: "no more than four (4) administrators": Approved, Active, Locked and Suspended ones count."""
    *three, fourth = await more_administrators(office, 4)
    for account_id in three:
        await office.approve(account_id)
    for action, expected in ((AccountAction.SUSPEND, False), (AccountAction.REVOKE, True)):
        await office.change(["new.admin.0"], action, "Left.")
        assert (await office.approve(fourth) == "approved") is expected


async def test_reg_02_the_first_registrant_becomes_the_administrator(office: Office) -> None:
    """REG-02: "If you are the first user registering at SMT for your Company, you will have the Administrator
    access."."""
    new = await office.registered()
    assert (await office.row(accounts, id=new.account_id)).administrator


async def test_reg_03_any_tdsps_administrator_approves_and_the_first_answer_binds(office: Office) -> None:
    """REG-03: "All new REP Company accounts require approved by an Administrator from one of the existing TDSPs. SMT
    handles the request for approval automatically."."""
    new = await office.registered()
    for who in ("wires.admin", "gulf.admin"):
        async with office.database.reading() as connection:
            queue = await waiting_companies(connection, await viewer(office.database, who), office.clock.now())
        assert isinstance(queue, list)
        (waiting,) = queue
        assert (waiting.id, waiting.name) == (new.company_id, "Pecan Power")
    for who in ("wires.user", "rep.admin", "team.admin", "ercot.admin"):
        assert isinstance(await office.decide(new.company_id, approve=True, user_id=who), PeopleRefused), who
    assert await office.decide(new.company_id, approve=True, user_id="gulf.admin") == "approved"
    late = await office.decide(new.company_id, approve=False, comment="No.", user_id="wires.admin")
    assert isinstance(late, PeopleRefused)
    assert await office.company_status("Pecan Power") == "approved"


@pytest.mark.parametrize("approve", [True, False])
async def test_reg_04_and_mail_01_the_registrant_is_told_of_the_answer(office: Office, approve: bool) -> None:
    """REG-04, MAIL-01: "You will be notified via email when your Company is approved or declined."."""
    new = await office.registered()
    await office.decide(new.company_id, approve=approve, comment="We met at the fair.")
    (letter,) = await office.mail("pat.pecan@pecan.example")
    assert ("was approved" in letter.subject) is approve
    assert ("was declined" in letter.subject) is not approve
    assert "We met at the fair." in letter.text
    assert "We met at the fair." in letter.html


async def test_reg_05_others_are_approved_by_an_administrator_of_the_company(office: Office) -> None:
    """REG-05: "other Administrators and Users may register for access to your existing REP Company and must be approved
    by an existing Administrator of your REP Company."."""
    account_id = await office.asked()
    for who in ("rep.user", "blue.admin", "wires.admin", "ercot.admin"):
        assert isinstance(await office.approve(account_id, who), PeopleRefused), who
    assert await office.status("pat.pecan") == "pending"
    assert await office.approve(account_id, "rep.admin") == "approved"


async def test_reg_06_a_company_is_found_under_both_of_its_names(office: Office) -> None:
    """REG-06: "If you registered your DUNS number in ERCOT with a different company name, both company names will be
    displayed"."""
    async with office.database.reading() as connection:
        for name in ("Lone Star Power", "Lone Star Bus*"):
            names = await find_companies(connection, name=name)
            assert names == [CompanyName(id=1, name="Lone Star Power", ercot_names=("Lone Star Business",))]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ("REG-08: Company Name (required)", "name"),
        ("REG-09: Address 1 (required)", "address_1"),
        ("REG-09: City (required)", "city"),
        ("REG-10: State (required)", "state"),
        ("REG-11: Zip Code (required)", "zip"),
        ("REG-11: Country (required)", "country"),
        ("REG-12: Phone (required)", "phone"),
        ("REG-13: Account Email Address (required)", "email"),
    ],
)
async def test_reg_08_reg_09_reg_10_reg_11_reg_12_reg_13_required(office: Office, rule: str, field: str) -> None:
    """REG-08, REG-09, REG-10, REG-11, REG-12, REG-13: each of these fields is marked "(required)"."""
    assert set(await faults(office, company_form(**{field: ""}))) == {f"company.{field}"}, rule


async def test_reg_09_the_second_line_of_an_address_is_optional(office: Office) -> None:
    """REG-09: "Address 2. Enter a second line of address for your Company."."""
    new = await office.registered(company=company_form(address_2="Suite 7"))
    assert (await office.row(companies, id=new.company_id)).address_2 == "Suite 7"


async def test_reg_10_and_reg_11_state_and_country_have_the_guides_defaults(office: Office) -> None:
    """REG-10: "The default state is TX (Texas)." REG-11: "The default country is United States."."""
    new = await office.registered()
    row = await office.row(companies, id=new.company_id)
    assert (row.state, row.country) == ("TX", "United States")
    unknown = company_form(state="ZZ", country="Atlantis")
    assert set(await faults(office, unknown)) == {"company.state", "company.country"}


async def test_reg_13_the_email_is_entered_twice_exactly(office: Office) -> None:
    """REG-13: "This entry must exactly match the previous entry for Email Address."."""
    assert set(await faults(office, company_form(email_again="Desk@pecan.example"))) == {"company.email_again"}


@pytest.mark.parametrize("numbers", [[], ["12345678"], ["1234567890"], ["12345678x"], ["777777777", "77"]])
async def test_reg_14_a_duns_number_has_9_or_13_digits_and_one_is_required(office: Office, numbers: list[str]) -> None:
    """REG-14: "You must enter at least one valid DUNS Number ... The DUNS Number is the 9- or 13-digit number"."""
    assert set(await faults(office, company_form(duns=numbers))) == {"company.duns"}


async def test_reg_14_several_numbers_of_both_lengths_are_taken(office: Office) -> None:
    """REG-14: "DUNS Number (at least one required)"; AMB-15: one that stands elsewhere is refused."""
    new = await office.registered(company=company_form(duns=["777777777", " 7777777771234 ", "777777777"]))
    rows = await office.rows(duns_numbers, company_id=new.company_id)
    assert [row.duns for row in rows] == ["777777777", "7777777771234"]
    again = company_form(name="Other", duns=["777777777", str(LONE_STAR)])
    assert await faults(office, again, person_form("other.person")) == {
        "company.duns": "111111111, 777777777: registered already. A DUNS number belongs to one company at a time."
    }


@pytest.mark.parametrize("field", ["url", "privacy_policy_url"])
async def test_reg_16_and_reg_17_urls_are_optional_and_of_the_web(office: Office, field: str) -> None:
    """REG-16, REG-17: "You may provide the URL of your company's website" and of its "Privacy and Security Policy
    webpage"."""
    for bad in ("javascript:alert(1)", "ftp://pecan.example", "www.pecan.example", "https://", "http://a b", "x" * 301):
        assert set(await faults(office, company_form(**{field: bad}))) == {f"company.{field}"}, bad
    new = await office.registered(company=company_form(**{field: "https://www.pecan.example/privacy?x=1"}))
    assert getattr(await office.row(companies, id=new.company_id), field) == "https://www.pecan.example/privacy?x=1"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF"])
def test_reg_18_a_logo_is_an_image_and_what_is_kept_are_its_pixels(kind: str) -> None:
    """REG-18: "You may provide an image of your company's logo."."""
    kept = encoded_anew(image(kind) + b"<script>alert(1)</script>")
    assert isinstance(kept, bytes)
    assert kept.startswith(b"\x89PNG")
    assert b"script" not in kept


def test_reg_18_a_logo_is_smaller_than_20_kb() -> None:
    """REG-18: "The image file you want to upload must be less than 20KB."."""
    base = image()
    assert isinstance(encoded_anew(base + bytes(20 * 1024 - 1 - len(base))), bytes)
    assert isinstance(encoded_anew(base + bytes(20 * 1024 - len(base))), BadLogo)
    assert isinstance(encoded_anew(noise(40_000)), BadLogo)


async def test_reg_19_the_privacy_seal_is_a_checkbox(office: Office) -> None:
    """REG-19: "Check this box if your company has met the requirements of the Trusted Smart Grid Privacy Program"."""
    without = await office.registered()
    assert not (await office.row(companies, id=without.company_id)).privacy_seal
    seal = company_form(name="Sealed", privacy_seal=True, duns=["888888888"])
    holder = await office.registered(company=seal, first=person_form("sealed.admin"))
    assert (await office.row(companies, id=holder.company_id)).privacy_seal


async def test_reg_20_names_are_required_and_the_rest_of_a_person_is_not(office: Office) -> None:
    """REG-20: "First Name (required)", "Last Name (required)"; "Middle Initial", "Suffix" and "Phone" are not."""
    assert set(await faults(office, person=person_form(first_name="", last_name=""))) == {
        "person.first_name",
        "person.last_name",
    }
    more = person_form(middle_initial="Q", suffix="III", phone="512-555-0199")
    new = await office.registered(first=more)
    row = await office.row(accounts, id=new.account_id)
    assert (row.middle_initial, row.suffix, row.phone) == ("Q", "III", "512-555-0199")


async def test_reg_21_the_way_in_goes_to_the_persons_email(office: Office, clock: HandClock) -> None:
    """REG-21: "When registration is complete, your temporary password will be sent to this email address"; "This entry
    must exactly match the previous entry for Email Address."."""
    assert set(await faults(office, person=person_form(email_again="x@pecan.example"))) == {"person.email_again"}
    smt = Office.over(office.database, clock, Preset.SMT)
    new = await smt.registered()
    await smt.decide(new.company_id, approve=True)
    row = await smt.row(accounts, id=new.account_id)
    (letter,) = await smt.mail("pat.pecan@pecan.example")
    secret = letter.text.split("temporary password is:")[1].split()[0]
    assert row.must_change_password
    assert row.password_until == clock.now() + timedelta(days=14)
    assert secret not in row.password_hash
    assert secret not in str(await smt.actions())


async def test_reg_22_and_mail_02_administrators_get_copies_of_the_companys_mail(office: Office) -> None:
    """REG-22, MAIL-02: "As an Administrator, you will also receive copies of the email notifications that are sent to
    the Company Email Address"."""
    await office.asked()
    letters = await office.mail()
    assert {row.recipient for row in letters} == {"desk@lonestar.example", "rep.admin@example.com"}
    assert len({row.text for row in letters}) == 1


@pytest.mark.parametrize("user_id", ["four", "a/bcde", "a'bcde", 'a"bcde', "x" * 101])
async def test_reg_23_user_ids_have_a_form(office: Office, user_id: str) -> None:
    """REG-23: "User ID must be at least 5 and no more than 100 characters in length and cannot contain slashes (/),
    single quote marks (') or double quote marks (\")."."""
    form = person_form(email="p@pecan.example", email_again="p@pecan.example", user_id=user_id)
    assert set(await faults(office, person=form)) == {"person.user_id"}


async def test_reg_23_user_ids_are_not_case_sensitive(office: Office) -> None:
    """REG-23: "User IDs are not case sensitive."."""
    assert set(await faults(office, person=person_form("REP.USER"))) == {"person.user_id"}


async def test_reg_24_the_terms_must_be_accepted(office: Office) -> None:
    """REG-24: "You must agree to the stated Terms and Conditions in order to access SMT."."""
    assert set(await faults(office, person=person_form(terms=False))) == {"person.terms"}
    new = await office.registered()
    assert (await office.row(accounts, id=new.account_id)).terms_accepted_at == office.clock.now()


async def test_reg_25_finish_confirms_and_nothing_opens_before_the_approval(office: Office) -> None:
    """REG-25: "a confirmation will be displayed. You will receive an email notice that will contain the temporary
    password"."""
    new = await office.register()
    assert isinstance(new, RegisteredCompany)
    assert new.status == "pending"
    assert await office.mail("pat.pecan@pecan.example") == []
    row = await office.row(accounts, id=new.account_id)
    assert (row.password_hash, row.link_key) == (None, None)


async def test_reg_26_a_wildcard_takes_two_characters_and_one_asterisk(office: Office) -> None:
    """REG-26: "entering at least two (2) characters and an asterisk (*) ... You can only use one wildcard/asterisk in a
    given search."."""
    async with office.database.reading() as connection:
        for bad in ("a*", "*a", "*", "", "a*b*c", "**ab"):
            refused = await find_companies(connection, name=bad)
            assert isinstance(refused, PeopleRefused), bad
            assert set(refused.faults) == {"name"}
    assert await found(office, name="lo*") == ["Lone Star Power"]
    assert await found(office, name="lone star power") == ["Lone Star Power"]
    assert await found(office, name="lone star") == []


async def test_reg_27_the_asterisk_may_begin_divide_or_end(office: Office) -> None:
    """REG-27: "abc* shows all REP Company Names that begin with 'abc'; a*bc ... begin with 'a' and end with 'bc'; *abc
    ... end with 'abc'"."""
    await office.registered(company=company_form(name="100%_Power"))
    assert await found(office, name="blue*") == ["Bluebonnet Energy"]
    assert await found(office, name="l*er") == ["Lone Star Power"]
    assert await found(office, name="*ENERGY") == ["Bluebonnet Energy"]
    assert await found(office, name="%_*") == []


async def test_reg_28_a_letter_lists_the_names_that_begin_with_it(office: Office) -> None:
    """REG-28: "Select a letter to display all REP Company names that begin with that letter."."""
    assert await found(office, letter="L") == ["Lone Star Power"]
    assert await found(office, letter="b") == ["Bluebonnet Energy"]
    assert await found(office, letter="H") == []


@pytest.mark.parametrize("role", list(AskedRole))
async def test_reg_29_one_asks_as_an_administrator_or_as_a_user(office: Office, role: AskedRole) -> None:
    """REG-29: "Click 'Register as an Admin' button or 'Register as a User' button"."""
    account_id = await office.asked(role=role)
    assert (await office.row(accounts, id=account_id)).administrator is (role is ADMINISTRATOR)


async def test_reg_30_the_administrators_are_told_of_a_request(office: Office) -> None:
    """REG-30: "An email will be sent to the Administrators of the existing Company notifying them of your request. Your
    Account must be approved by one of the Administrators for your REP Company before you can access SMT."."""
    account_id = await office.asked()
    assert "rep.admin@example.com" in {row.recipient for row in await office.mail()}
    assert (await office.row(accounts, id=account_id)).status == "pending"


@pytest.mark.parametrize("approve", [True, False])
async def test_reg_31_and_mail_03_the_requester_is_told_with_a_way_in_if_approved(
    office: Office, approve: bool
) -> None:
    """REG-31, MAIL-03: "you will receive notification via email. If approved, that email notice will contain the
    temporary password for your Account."."""
    account_id = await office.asked()
    if approve:
        await office.approve(account_id, comment="Welcome.")
    else:
        await office.decline(account_id, "Welcome elsewhere.")
    (letter,) = await office.mail("pat.pecan@pecan.example")
    assert ("/set-password?key=" in letter.text) is approve
    assert "Welcome" in letter.text
    assert "Lone Star Power, through metergate" in letter.text


async def test_reg_32_a_company_must_be_active_before_others_register(office: Office) -> None:
    """REG-32: "The Company Status must be Active in order for others to register for user access to your Company's
    Account."."""
    new = await office.registered()
    for _ in range(2):
        refused = await office.ask("Pecan Power", form=person_form("second.person"))
        assert isinstance(refused, PeopleRefused)
        assert await found(office, name="Pecan Power") == []
        await office.decide(new.company_id, approve=True)
    assert isinstance(await office.ask("Lone Star Power", form=person_form("second.person")), RequestedAccess)


async def test_reg_15_numbers_of_a_new_company_are_active_with_its_approval(office: Office) -> None:
    """REG-15, AMB-15: "Each added DUNS Number will automatically be sent to the TDSPs for approval."."""
    new = await office.registered(company=company_form(duns=["777777777", "888888888"]))
    await office.decide(new.company_id, approve=True)
    assert [row.status for row in await office.rows(duns_numbers, company_id=new.company_id)] == ["active", "active"]
    assert await office.duns_status(str(LONE_STAR_SECOND)) == "active"


async def test_other_kinds_register_with_the_operating_team(office: Office) -> None:
    new = await office.registered(company=company_form(name="Coach Two", duns=[]), kind=Kind.THIRD_PARTY)
    assert {row.recipient for row in await office.mail()} == {
        "desk@operator.example",
        "team.admin@example.com",
        "desk@pecan.example",
    }
    assert isinstance(await office.decide(new.company_id, approve=True, user_id="wires.admin"), PeopleRefused)
    assert isinstance(await office.decide(new.company_id, approve=True, user_id="team.user"), PeopleRefused)
    assert await office.decide(new.company_id, approve=True, user_id="team.admin") == "approved"


async def test_every_fault_of_both_pages_is_told_at_once(office: Office) -> None:
    told = await faults(office, CompanyForm(), PersonForm())
    assert set(told) == {
        *(f"company.{name}" for name in ("name", "address_1", "city", "zip", "phone", "email", "duns")),
        *(f"person.{name}" for name in ("first_name", "last_name", "email", "user_id", "terms")),
    }


async def test_requests_wait_in_the_queue_of_their_company_alone(office: Office) -> None:
    account_id = await office.asked()
    for who, expected in (("rep.admin", [account_id]), ("blue.admin", [])):
        async with office.database.reading() as connection:
            waiting = await waiting_accounts(connection, await viewer(office.database, who), office.clock.now())
        assert isinstance(waiting, list)
        assert [each.id for each in waiting] == expected
