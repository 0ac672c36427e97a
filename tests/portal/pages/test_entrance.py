"""The way in and out of the pages."""

from tests.portal.pages.house import House


async def test_start_page_is_a_200_for_whoever_is_not_signed_in(house: House) -> None:
    answer = await house.client().http.get("/", headers={"Accept": "*/*"})
    assert answer.status_code == 200
    assert 'autocomplete="current-password"' in answer.text
    assert "help@example.com" in answer.text


async def test_sign_in_leads_home_and_sign_out_ends_the_session(house: House) -> None:
    browser = house.client()
    page = await browser.sign_in("rep.admin")
    assert page.url.path == "/usage/meters"
    assert "Rep Doe" in page.text
    cookie = next(iter(browser.http.cookies.jar))
    assert cookie.name == "metergate"
    assert cookie.has_nonstandard_attr("HttpOnly")
    thief = house.client()
    thief.http.cookies.update(browser.http.cookies)
    assert (await browser.press("/usage/meters", "/logout")).url.path == "/"
    again = await thief.http.get("/usage/meters")
    assert again.headers["location"] == "/?next=%2Fusage%2Fmeters"


async def test_blank_fields_are_named_in_the_summary_and_beside_the_field(house: House) -> None:
    answer = await house.client().http.post("/login", data={"user_id": "rep.admin", "password": ""})
    assert answer.status_code == 400
    assert "<title>Error: Sign in" in answer.text
    assert '<a href="#password">Enter your password</a>' in answer.text
    assert 'id="password-wrong">Enter your password<' in answer.text
    assert 'value="rep.admin"' in answer.text


async def test_wrong_password_and_unknown_user_are_told_the_same(house: House) -> None:
    wrong = await house.client().http.post("/login", data={"user_id": "rep.admin", "password": "no"})
    unknown = await house.client().http.post("/login", data={"user_id": "nobody.here", "password": "no"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace("rep.admin", "x") == unknown.text.replace("nobody.here", "x")


async def test_sign_in_goes_on_to_the_page_that_was_wanted_but_never_to_another_site(house: House) -> None:
    fields = {"user_id": "rep.admin", "password": "correct horse battery"}
    onward = await house.client().http.post("/login", data=fields | {"next": "/help"})
    assert onward.headers["location"] == "/help"
    for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\r\nx: y"):
        answer = await house.client().http.post("/login", data=fields | {"next": elsewhere})
        assert answer.headers["location"] == "/usage/meters", elsewhere


async def test_changes_from_another_site_or_without_the_token_are_refused(house: House) -> None:
    browser = house.client()
    await browser.sign_in("rep.admin")
    place = "/usage/meters/10443720000000001/reads"
    for data, headers in (({}, {}), ({"csrf": "guessed"}, {}), ({"csrf": "x"}, {"Origin": "https://evil.example"})):
        answer = await browser.http.post(place, data=data, headers=headers)
        assert answer.status_code == 403, (data, headers)
        assert "This change did not come from the portal" in answer.text
    foreign = {"Origin": "https://evil.example"}
    for path in ("/login", "/theme"):
        assert (await house.client().http.post(path, data={}, headers=foreign)).status_code == 403
    assert house.requests() == []


async def test_colours_are_remembered_and_lead_back(house: House) -> None:
    browser = house.client()
    assert "data-theme" not in (await browser.get("/")).text
    page = await browser.http.post("/theme", data={"theme": "dark", "back": "/?next=/help"}, follow_redirects=True)
    assert page.url.path == "/"
    assert '<html lang="en" data-theme="dark">' in page.text
    await browser.http.post("/theme", data={"theme": '"><script>', "back": "//evil.example"})
    assert 'data-theme="dark"' in (await browser.get("/")).text
