"""Guide 1.1, navigation, on every page that there is."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clock import HandClock
from tests.portal.pages.house import House, open_house
from tests.portal.world import esi

METER = f"/usage/meters/{esi(1)}"
PAGES = (
    "/account/meters",
    "/account/agreements",
    "/account/users",
    "/account/company/edit",
    "/account/profile",
    "/usage/meters",
    METER,
    "/help",
)
CRUMB = re.compile(r"<li>(?:<a href=\"([^\"]+)\">|<span[^>]*>)([^<]+)<")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """The small world behind the real application."""
    async with open_house(tmp_path, HandClock()) as house:
        yield house


def crumbs(page: str) -> list[tuple[str, str]]:
    trail = page[page.index('aria-label="Breadcrumbs"') :]
    return CRUMB.findall(trail[: trail.index("</nav>")])


@pytest.mark.parametrize("path", PAGES)
async def test_nav_01_tabs_on_top_and_a_left_menu_on_every_page(house: House, path: str) -> None:
    """NAV-01: "navigation tabs across the top and a left navigation menu"."""
    browser = house.client()
    await browser.sign_in("rep.admin")
    page = (await browser.get(path)).text
    top = page[page.index('<nav class="tabs"') :]
    assert re.findall(r">([A-Z][^<]+)</a>", top[: top.index("</nav>")]) == ["My Account", "Usage", "Help"]
    assert '<nav class="side"' in page
    assert page.count("aria-current=") >= 3


async def test_nav_02_and_nav_03_the_left_menus_have_the_guides_words(house: House) -> None:
    """NAV-02, NAV-03: "Select 'Customer Meters (ROR)' from the left menu" under My Account and under Usage, and under
    My Account 'Pending Approval', 'Manage Users', 'Company Profile' and 'My Profile'."""
    browser = house.client()
    await browser.sign_in("rep.admin")
    menus = {}
    for path in ("/account/meters", "/usage/meters"):
        page = (await browser.get(path)).text
        side = page[page.index('<nav class="side"') :]
        menus[path] = re.findall(r">([A-Z][^<]+)</a>", side[: side.index("</nav>")])
    assert menus["/account/meters"] == [
        "Customer Meters (ROR)",
        "Agreements",
        "Pending Approval",
        "Manage Users",
        "Company Profile",
        "My Profile",
        "API Keys",
        "Webhooks",
    ]
    assert menus["/usage/meters"] == ["Customer Meters (ROR)", "Report Request Status"]


@pytest.mark.parametrize("path", PAGES)
async def test_nav_04_every_crumb_but_the_last_leads_back_to_a_page(house: House, path: str) -> None:
    """NAV-04: "horizontally arranged text links separated by the "slash" symbol (/)"."""
    browser = house.client()
    await browser.sign_in("rep.admin")
    trail = crumbs((await browser.get(path)).text)
    assert [bool(href) for href, _ in trail] == [True] * (len(trail) - 1) + [False]
    for href, _ in trail[:-1]:
        assert (await browser.get(href)).status_code == 200
    css = (await browser.get(re.findall(r'href="(/static/[^"]+css)"', (await browser.get(path)).text)[0])).text
    assert '.trail li + li::before { content: " / ";' in css


@pytest.mark.parametrize("path", PAGES)
async def test_nav_06_and_nav_11_every_page_leads_to_its_help_and_to_the_help_desk(house: House, path: str) -> None:
    """NAV-06: "Clicking this icon will display page help for the current page." NAV-11: the help desk is shown."""
    browser = house.client()
    await browser.sign_in("rep.admin")
    page = (await browser.get(path)).text
    anchor = re.findall(
        r'<a href="/help#([a-z-]+)"><svg class="icon help".*?</svg> Help with this page</a>', page, re.DOTALL
    )[0]
    assert f'id="{anchor}"' in (await browser.get("/help")).text
    assert 'href="mailto:help@example.com"' in page


async def test_nav_05_nine_icons_are_explained_and_stand_beside_words(house: House) -> None:
    """NAV-05: "SMT screens use icons to denote specific kinds of information"."""
    browser = house.client()
    await browser.sign_in("rep.admin")
    help_page = (await browser.get("/help")).text
    section = help_page[help_page.index('id="icons"') :]
    explained = re.findall(r'<dt><svg class="icon (\w+)".*?</svg></dt><dd>([^<]+)</dd>', section, re.DOTALL)
    assert [kind for kind, _ in explained] == [
        "success", "error", "warning", "information", "help", "calendar", "ascending", "descending", "special"
    ]  # fmt: skip
    faulty = (await browser.get("/usage/meters?by=esi_id&value=1")).text
    assert re.search(r'<svg class="icon error".*?</svg> There is a problem', faulty, re.DOTALL)
    listed = (await browser.get("/account/meters?sort=city&order=desc")).text
    assert re.search(r'aria-sort="descending"><a [^>]+>City <svg class="icon descending"', listed)


async def test_nav_09_every_column_that_is_shown_sorts_both_ways(house: House) -> None:
    """NAV-09: "Data is shown sorted in ascending order by this column", and in descending order."""
    browser = house.client()
    await browser.sign_in("rep.admin")
    for path in ("/account/meters", "/usage/meters"):
        page = (await browser.get(path)).text
        head = page[page.index("<thead>") : page.index("</thead>")]
        columns = re.findall(r'<a href="(\?[^"]+)">', head)
        assert len(columns) == head.count("<th ") - head.count('class="pick"')
        for query in columns:
            up, down = query.replace("=desc", "=asc"), query.replace("=asc", "=desc")
            orders = [re.findall(r'/usage/meters/(\d+)"', (await browser.get(path + each)).text) for each in (up, down)]
            assert sorted(orders[0]) == sorted(orders[1])


async def test_nav_08_the_help_tab_has_an_faq(house: House) -> None:
    """NAV-08: the Help tab has Frequently Asked Questions."""
    browser = house.client()
    await browser.sign_in("rep.admin")
    page = (await browser.get("/help")).text
    assert "Frequently Asked Questions" in page
    assert "A meter may be read once every hour and 24 times a day." in page


async def test_imp_10_the_help_explains_lists_made_in_notepad_and_excel(house: House) -> None:
    """IMP-10: "Excel will use exponential notation for numbers greater than 12-digits"; ESI IDs survive as text."""
    browser = house.client()
    await browser.sign_in("rep.user")
    page = (await browser.get("/help")).text
    for words in ("Test.txt becomes Test.csv", "1.04437E+16", "Text Import Wizard", "data format to Text"):
        assert words in page


async def test_nav_12_a_change_ends_in_a_get_so_that_back_and_reload_work(house: House) -> None:
    """NAV-12, better than "you must use the "breadcrumbs" instead of the browser's "back" button"."""
    browser = house.client()
    await browser.sign_in("rep.admin")
    asked = await browser.press(METER, f"{METER}/reads")
    assert [step.status_code for step in asked.history] == [303]
    assert asked.request.method == "GET"
    assert (await browser.get(f"{METER}/reads")).url.path == METER


async def test_ent_01_a_page_without_a_session_leads_to_the_sign_in_and_back(house: House) -> None:
    """ENT-01: who is not let in sees nothing."""
    for path in PAGES:
        browser = house.client()
        page = await browser.get(path)
        assert page.url.path == "/"
        assert "Elm St" not in page.text
        fields = {"user_id": "rep.admin", "password": "correct horse battery", "next": page.url.params["next"]}
        assert (await browser.http.post("/login", data=fields)).headers["location"] == path
