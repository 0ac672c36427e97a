"""The customer's page of an agreement: opened by the mailed link alone, in the company's name, in his language."""

import re
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import update

from gateway.dice import SeededDice
from gateway.market_notices import RepChange
from portal.agreements.letters import KIND_MEANS, KIND_NAMES
from portal.agreements.tables import agreements
from portal.companies.tables import companies
from portal.locales.catalogues import AGREEMENT_TEXTS
from portal.locales.extract import texts
from portal.market.desk import MarketDesk
from tests.clock import HandClock
from tests.portal.agreements.asking import SERVICES, asked, end, resend
from tests.portal.market.words import rep, tell
from tests.portal.pages.house import HOST, HTML, House
from tests.portal.people.stand import Office
from tests.portal.world import BLUEBONNET, esi

LINK = "/agreements/the-secret"


def guest(town: House, **headers: str) -> httpx.AsyncClient:
    """Somebody's browser, which carries nothing."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=town.app), base_url=HOST, headers=HTML | headers)


async def status(office: Office) -> list[str]:
    return [str(row.status) for row in await office.rows(agreements)]


async def told(browser: httpx.AsyncClient, answer: str) -> httpx.Response:
    return await browser.post(LINK, data={"answer": answer}, follow_redirects=True)


async def test_whoever_has_the_link_reads_and_agrees_and_ends_without_an_account(town: House, office: Office) -> None:
    await asked(office, secret="the-secret")
    async with guest(town) as browser:
        page = await browser.get(LINK)
        assert page.status_code == 200
        for said in ("Lone Star Power asks for your consent", "1 Elm St, Austin", "M00001", esi(1), "12 months"):
            assert said in page.text, said
        assert await status(office) == ["pending"], "opening it changes nothing"
        page = await told(browser, "accept")
        assert (page.status_code, "You agreed on July 1, 2026. It holds until July 1, 2027" in page.text) == (200, True)
        assert await status(office) == ["active"]
        page = await told(browser, "terminate")
        assert "You ended this agreement on July 1, 2026." in page.text
        assert (await status(office), "<form" in page.text) == (["terminated"], False)
        late = await browser.post(LINK, data={"answer": "accept"})
        assert (late.status_code, "Your answer changed nothing" in late.text) == (409, True)
    assert await status(office) == ["terminated"]


async def test_pressed_twice_the_first_answer_is_the_answer(town: House, office: Office) -> None:
    await asked(office, secret="the-secret")
    async with guest(town) as browser:
        assert [(await told(browser, "decline")).status_code for _ in range(2)] == [200, 200]
        assert (await told(browser, "accept")).status_code == 409
        assert "you answered that you do not agree" in (await browser.get(LINK)).text
    assert await status(office) == ["not_accepted"]


@pytest.mark.parametrize("answer", ["", "expire", "complete", "nonsense"])
async def test_only_what_the_page_offers_is_an_answer(town: House, office: Office, answer: str) -> None:
    await asked(office, secret="the-secret")
    async with guest(town) as browser:
        assert (await browser.post(LINK, data={"answer": answer})).status_code == 422
    assert await status(office) == ["pending"]


async def test_what_ended_it_stands_on_the_page(town: House, office: Office, clock: HandClock) -> None:
    first = await asked(office, secret="the-secret")
    await end(office, first.id)
    await asked(office, secret="until-the-switch")
    await asked(office, secret="open", number=2)
    feed = MarketDesk(town.database, clock, SeededDice(3))
    await tell(feed, rep(clock.now(), RepChange.SWITCH, BLUEBONNET, esi(1)))
    clock.set(clock.now() + timedelta(days=30))
    async with guest(town) as browser:
        assert "The company ended this on July 1, 2026." in (await browser.get(LINK)).text
        switched = await browser.get("/agreements/until-the-switch")
        assert "another electricity company has served this address since then" in switched.text
        assert "nobody answered it" in (await browser.get("/agreements/open")).text, "before anybody wrote it down"


async def test_a_link_that_opens_nothing_is_answered_as_any_unknown_page(town: House, office: Office) -> None:
    made = await asked(office, secret="the-secret")
    (row,) = await office.rows(agreements)
    assert not isinstance(await resend(office, made.id, "its-successor"), str)
    async with guest(town) as browser:
        known = await browser.get("/nowhere/at-all")
        for path in (LINK, f"/agreements/{row.link_key}", "/agreements/x", "/agreements/x/logo"):
            answer = await browser.get(path)
            place = re.escape(path)
            assert answer.status_code == 404
            assert re.sub(place, "/nowhere/at-all", answer.text) == known.text, path
            assert answer.headers.keys() == known.headers.keys()
        assert (await browser.post("/agreements/x", data={"answer": "accept"})).status_code == 404
        assert (await browser.get("/agreements/its-successor")).status_code == 200


async def test_links_are_not_tried_without_end_and_opening_good_ones_costs_nothing(
    town: House, office: Office, clock: HandClock
) -> None:
    await asked(office, secret="the-secret")
    async with guest(town) as browser:
        assert {(await browser.get(LINK)).status_code for _ in range(100)} == {200}
        assert [(await browser.get(f"/agreements/{number}")).status_code for number in range(61)] == [404] * 60 + [429]
        for path in (LINK, f"{LINK}/logo"):
            slow = await browser.get(path)
            assert (slow.status_code, int(slow.headers["retry-after"]) > 0) == (429, True)
        assert (await told(browser, "accept")).status_code == 429
        clock.set(clock.now() + timedelta(seconds=61))
        assert (await told(browser, "accept")).status_code == 200


async def test_the_address_goes_nowhere_else(town: House, office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await asked(office, secret="the-secret")
    async with guest(town) as browser:
        answers = [await browser.get(LINK), await browser.post(LINK, data={"answer": "accept"})]
    for answer in answers:
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
    assert "<script" not in answers[0].text
    assert not [record for record in caplog.records if "the-secret" in record.getMessage() and record.name != "httpx"]


@pytest.mark.parametrize(
    ("headers", "status_code"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null", "sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "null", "sec-fetch-site": "same-origin"}, 303),
        ({"origin": "null"}, 303),
    ],
)
async def test_another_sites_form_is_refused_though_the_page_sends_no_referrer(
    town: House, office: Office, headers: dict[str, str], status_code: int
) -> None:
    await asked(office, secret="the-secret")
    async with guest(town, **headers) as browser:
        assert (await browser.post(LINK, data={"answer": "accept"})).status_code == status_code


async def test_the_page_is_in_the_letters_language(town: House, office: Office) -> None:
    await asked(office, secret="the-secret", kind=SERVICES, language="es", months=1)
    async with guest(town, **{"accept-language": "en"}) as browser:
        page = await browser.get(LINK)
    assert '<html lang="es"' in page.text
    for said in (
        "Lone Star Power solicita su consentimiento",
        "Acuerdo de servicios para dispositivos en el hogar",
        "1 mes a partir de su consentimiento",
        "31 de julio de 2026",
        "No acepto",
    ):
        assert said in page.text, said
    (letter,) = await office.mail("home@example.com")
    assert letter.subject == "Lone Star Power solicita su consentimiento"
    assert "responda antes del 31 de julio de 2026" in letter.text


def test_every_text_of_letter_and_page_is_there_in_spanish() -> None:
    spanish = AGREEMENT_TEXTS.of("es")
    ours = [message for name, message in texts() if "/agreements/" in name or name.endswith("/consent.html")]
    single = {each for each in ours if isinstance(each, str)}
    assert len(single) > 30
    assert [each for each in single if spanish.gettext(each) == each] == []
    for one, many in (each for each in ours if not isinstance(each, str)):
        assert spanish.ngettext(one, many, 1) != one
        assert spanish.ngettext(one, many, 2) not in (many, spanish.ngettext(one, many, 1))
    holes = re.compile(r"%\(\w+\)s|\{\w+\}")
    assert [
        each
        for each in single
        if holes.findall(each) and set(holes.findall(each)) != set(holes.findall(spanish.gettext(each)))
    ] == []
    assert {*KIND_NAMES.values(), *KIND_MEANS.values()} <= single


async def test_the_logo_is_the_companys_and_may_be_shown_by_a_mail_site(town: House, office: Office) -> None:
    await asked(office, secret="the-secret")
    async with guest(town) as browser:
        assert (await browser.get(f"{LINK}/logo")).status_code == 404
        assert "/logo" not in (await browser.get(LINK)).text
        png = b"\x89PNG\r\n\x1a\n"
        mine = update(companies).where(companies.c.name == "Lone Star Power").values(logo=png)
        await town.database.write(lambda connection: connection.execute(mine))
        assert f'src="{LINK}/logo"' in (await browser.get(LINK)).text
        answer = await browser.get(f"{LINK}/logo")
    assert (answer.content, answer.headers["content-type"]) == (png, "image/png")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
