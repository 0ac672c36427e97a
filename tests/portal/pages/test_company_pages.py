"""Company Profile and the audit log: who sees what, who changes it, what is kept when something is wrong."""

import re

import httpx
import pytest

from portal.companies.tables import companies
from tests.portal.pages.house import Browser, House, faults_of
from tests.portal.pages.test_approval_pages import signed_in
from tests.portal.people.images import image, noise
from tests.portal.people.stand import Office, company_form, person_form
from tests.portal.world import LONE_STAR, LONE_STAR_SECOND

PROFILE, EDIT, AUDIT = "/account/company", "/account/company/edit", "/account/company/audit"
FIELDS = {
    name: value
    for name, value in company_form(name="Lone Star Power", email="desk@lonestar.example", email_again="")
    .model_dump(exclude={"duns"})
    .items()
    if isinstance(value, str)
}


async def save(
    browser: Browser, logo: bytes | None = None, page: httpx.Response | None = None, **fields: str | list[str]
) -> httpx.Response:
    """Save the profile without faults, but for the fields given."""
    files = None if logo is None else {"logo": ("mark.png", logo, "image/png")}
    return await browser.send(page or await browser.get(EDIT), EDIT, {**FIELDS, **fields}, files)


async def test_an_administrator_saves_the_profile_and_everybody_sees_it(town: House, office: Office) -> None:
    browser = await signed_in(town)
    done = await save(browser, phone="512-555-0199", url="https://lonestar.example", privacy_seal="yes")
    assert (done.url.path, done.url.params["done"]) == (PROFILE, "profile-saved")
    user = await signed_in(town, "rep.user")
    page = (await user.get(PROFILE)).text
    for words in ("512-555-0199", 'href="https://lonestar.example"', "shown on agreements", "1 Pecan St", LONE_STAR):
        assert words in page
    assert "Edit Profile" not in page
    assert "Audit Log" not in page
    for path in (EDIT, AUDIT):
        assert (await user.get(path)).status_code == 403
    assert (await user.http.post(EDIT, data=FIELDS)).status_code == 403


async def test_the_form_begins_with_what_is_there_and_asks_for_the_email_again_only_if_it_changes(town: House) -> None:
    browser = await signed_in(town)
    await save(browser)
    page = await browser.get(EDIT)
    assert 'value="1 Pecan St"' in page.text
    assert '<option value="TX" selected>' in page.text
    assert page.text.count('<span class="must" aria-hidden="true">*</span>') == 8 + 1
    changed = await save(browser, email="new@lonestar.example")
    assert list(faults_of(changed)) == ["email_again"]
    same = await save(browser, email="new@lonestar.example", email_again="new@lonestar.example")
    assert same.url.params["done"] == "profile-saved"


async def test_all_faults_come_at_once_and_nothing_is_saved(town: House, office: Office) -> None:
    browser = await signed_in(town)
    page = await save(browser, noise(30_000), name="", zip="7", url="javascript:alert(1)", duns_added="12", city="Waco")
    assert page.status_code == 422
    assert list(faults_of(page)) == ["name", "zip", "duns_added", "url", "logo"]
    assert 'value="Waco"' in page.text
    assert (await office.row(companies, name="Lone Star Power")).city is None


async def test_what_the_rules_refuse_leads_back_to_the_field(town: House, office: Office) -> None:
    browser = await signed_in(town)
    page = await save(
        browser, name="bluebonnet energy", duns_added="333333333", duns_removed=[LONE_STAR, LONE_STAR_SECOND]
    )
    assert page.status_code == 422
    found = faults_of(page)
    assert list(found) == ["name", "duns_added", "duns_removed"]
    assert found["name"] == "Another company has this name."
    assert re.search(rf'value="{LONE_STAR}" type="checkbox" checked', page.text)
    assert await office.duns_status(LONE_STAR) == "active"


async def test_a_removed_number_is_gone_and_an_added_one_waits(town: House, office: Office) -> None:
    browser = await signed_in(town)
    done = await save(browser, duns_removed=[str(LONE_STAR_SECOND)], duns_added="888888888")
    assert done.url.params["done"] == "profile-saved-waits"
    table = done.text[done.text.index("DUNS numbers") :]
    assert LONE_STAR_SECOND not in table
    assert re.search(r"888888888</span></td><td><span class=\"tag warn\">Pending", table)


async def test_what_was_saved_meanwhile_is_shown_and_what_was_typed_is_kept(town: House, office: Office) -> None:
    browser = await signed_in(town)
    first, second = await browser.get(EDIT), await browser.get(EDIT)
    await save(browser, page=first, city="Waco")
    clash = await save(browser, page=second, city="Dallas")
    assert clash.status_code == 409
    now = clash.text[clash.text.index("What is there now") : clash.text.index('<form class="fields"')]
    assert "Waco" in now
    assert 'value="Dallas"' in clash.text
    assert (await office.row(companies, name="Lone Star Power")).city == "Waco"
    assert (await save(browser, page=clash, city="Dallas")).url.params["done"] == "profile-saved"


async def test_the_logo_is_served_from_our_own_address_as_it_was_encoded_anew(town: House) -> None:
    browser = await signed_in(town)
    assert (await browser.get(f"{PROFILE}/logo")).status_code == 404
    upload = image("GIF")
    await save(browser, upload)
    logo = await browser.get(f"{PROFILE}/logo")
    assert (logo.status_code, logo.headers["content-type"]) == (200, "image/png")
    assert logo.headers["x-content-type-options"] == "nosniff"
    assert logo.content.startswith(b"\x89PNG")
    assert (
        f'<img class="logo" src="{PROFILE}/logo" alt="The logo of Lone Star Power">'
        in (await browser.get(PROFILE)).text
    )
    other = await signed_in(town, "blue.admin")
    assert (await other.get(f"{PROFILE}/logo")).status_code == 404
    await save(browser, logo_removed="yes")
    assert (await browser.get(f"{PROFILE}/logo")).status_code == 404


async def test_the_audit_log_tells_the_own_company_and_no_other(town: House, office: Office) -> None:
    await office.asked()
    await office.asked(company="Bluebonnet Energy", form=person_form("other.person"))
    browser = await signed_in(town)
    page = await browser.get(AUDIT)
    assert "pat.pecan, registering" in page.text
    assert "other.person" not in page.text
    crumbs = page.text[page.text.index('aria-label="Breadcrumbs"') :]
    assert f'<a href="{PROFILE}">Company Profile</a>' in crumbs[: crumbs.index("</nav>")]


async def test_the_audit_log_goes_on_behind_a_hundred_lines(town: House) -> None:
    browser = await signed_in(town)
    for number in range(102):
        await save(browser, phone=f"512-555-{number:04}")
    page = await browser.get(AUDIT)
    older = re.search(rf'href="({AUDIT}\?before=\d+)">Older', page.text)
    assert older is not None
    last = await browser.get(older[1])
    assert last.text.count("<time ") == 2
    assert "Older" not in last.text
    assert 'href="/account/company/audit">The newest' in last.text
    for odd in ("0", "-1", "x", "9" * 30):
        assert (await browser.get(f"{AUDIT}?before={odd}")).status_code == 200


@pytest.mark.parametrize("user_id", ["wires.admin", "ercot.admin", "coach.user"])
async def test_every_kind_of_company_has_a_profile(town: House, user_id: str) -> None:
    browser = await signed_in(town, user_id)
    page = await browser.get(PROFILE)
    assert page.status_code == 200
    assert ("DUNS numbers" in page.text) is (user_id == "wires.admin")
