"""In-home devices on the meter's page, as a browser without JavaScript sees them; the test is the gateway."""

from dataclasses import replace

import httpx
import pytest
from sqlalchemy import func, select, update

from gateway.han.messages import DeviceChanged
from gateway.han.words import Stage
from gateway.identifiers import RequestId
from gateway.keys import InstallCode
from gateway.messages import OutcomeStatus
from portal.accounts.tables import accounts
from portal.han.label import NO_CODE, NO_DEVICE
from portal.han.tables import han_commands
from portal.pages.device_routes import HERE_ALREADY, JOINING_ALREADY
from tests.clock import HandClock
from tests.portal.agreements.asking import agreed, answer, ask
from tests.portal.pages.house import Browser, House, faults_of
from tests.portal.people.stand import Office
from tests.portal.test_device_api import LABEL, MAC
from tests.portal.test_device_listener import Voice, born
from tests.portal.world import esi

METER = f"/usage/meters/{esi(1)}"
HERE = f"{METER}/devices"
NEW_AGREEMENT = f'href="/account/agreements/new?esi_id={esi(1)}"'
GOOD = {"device": MAC, "install_code": LABEL, "window": "180"}
WRONG = LABEL[:-1] + "6"


@pytest.fixture
async def desk(house: House, clock: HandClock) -> Browser:
    """A REP's administrator under an active agreement; the meter's gateway has told its key."""
    await born(house)
    await agreed(Office.over(house.database, clock))
    browser = house.client()
    await browser.sign_in("rep.admin")
    return browser


@pytest.fixture
def voice(clock: HandClock) -> Voice:
    return Voice(clock)


async def signed_in(house: House, user_id: str) -> Browser:
    browser = house.client()
    await browser.sign_in(user_id)
    return browser


async def add(browser: Browser, **fields: str) -> httpx.Response:
    """What follows when the form is sent with these fields."""
    return await browser.send(await browser.get(HERE), HERE, {**GOOD, **fields})


async def newest(house: House) -> RequestId:
    """The id of the command that was given last."""
    async with house.database.reading() as connection:
        found = select(han_commands.c.id).order_by(han_commands.c.asked_at.desc(), han_commands.c.id.desc()).limit(1)
        return RequestId(await connection.scalar(found) or "")


async def given(house: House) -> int:
    async with house.database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(han_commands)) or 0


async def joined(house: House, voice: Voice) -> None:
    """The device has come to the meter by itself, as far as the portal knows."""
    await house.desk.handle([voice.changed(Stage.REQUESTED), voice.changed(Stage.ACTIVE)])


async def test_the_meters_page_leads_managers_to_its_devices(house: House, desk: Browser) -> None:
    for user_id in ("rep.admin", "rep.user", "wires.admin"):
        assert f'href="{HERE}"' in (await (await signed_in(house, user_id)).get(METER)).text, user_id
    for user_id in ("maria.customer", "ercot.user"):
        browser = await signed_in(house, user_id)
        assert "In-Home Devices" not in (await browser.get(METER)).text, user_id
        assert (await browser.get(HERE)).status_code == 403, user_id


async def test_without_an_agreement_the_page_says_so_and_leads_to_asking_for_one(
    house: House, clock: HandClock
) -> None:
    await born(house)
    browser = await signed_in(house, "rep.admin")
    await ask(Office.over(house.database, clock), "rep.admin", secret="not answered")
    page = await browser.get(HERE)
    assert page.status_code == 200
    assert "no active In-Home Device agreement" in page.text
    assert NEW_AGREEMENT in page.text
    assert 'name="install_code"' not in page.text
    answered = await browser.http.post(HERE, data=GOOD | {"csrf": await token(browser)})
    assert (answered.status_code, await given(house)) == (403, 0)
    await answer(Office.over(house.database, clock), "not answered")
    assert 'name="install_code"' in (await browser.get(HERE)).text


async def token(browser: Browser) -> str:
    """The session's token, from the page of the meter."""
    page = (await browser.get(METER)).text
    start = page.index('name="csrf" value="') + len('name="csrf" value="')
    return page[start : page.index('"', start)]


async def test_a_user_without_the_permission_is_told_whom_to_ask(house: House, desk: Browser) -> None:
    browser = await signed_in(house, "rep.user")
    page = await browser.get(HERE)
    assert "In-Home Device Services permission" in page.text
    assert NEW_AGREEMENT not in page.text
    granted = update(accounts).where(accounts.c.user_key == "rep.user").values(home_devices=True)
    await house.database.write(lambda connection: connection.execute(granted))
    assert (await add(browser)).url.path.startswith(f"{METER}/commands/")


async def test_an_empty_list_says_what_to_do(desk: Browser) -> None:
    page = await desk.get(HERE)
    assert "This meter has no in-home devices yet." in page.text
    for kind in ("in-home display", "programmable control thermostat", "smart appliance"):
        assert kind in page.text


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"device": "", "install_code": ""}, {"device": NO_DEVICE, "install_code": NO_CODE}),
        (
            {"device": "12", "install_code": WRONG},
            {"device": "16 digits, not 2", "install_code": "checksum does not match"},
        ),
        ({"install_code": LABEL[:-5]}, {"install_code": "16, 20, 28 or 36 digits, not 32"}),
        ({"device": f"Z:{MAC}$I:{WRONG}", "install_code": ""}, {"install_code": "checksum does not match"}),
        ({"device": LABEL}, {"device": "16 digits, not 36"}),
        ({"window": "9999"}, {"window": "Choose"}),
    ],
)
async def test_every_fault_stands_at_its_field_and_no_code_comes_back(
    house: House, desk: Browser, fields: dict[str, str], faults: dict[str, str]
) -> None:
    page = await add(desk, **fields)
    assert page.status_code == 422
    found = faults_of(page)
    assert list(found) == list(faults)
    for name, words in faults.items():
        assert words in found[name], name
    bare = page.text.replace(" ", "").upper()
    assert LABEL.replace(" ", "")[:12] not in bare
    assert await given(house) == 0


@pytest.mark.parametrize("fields", [{"device": "12"}, {"install_code": WRONG}, {"device": f"Z:{MAC}$I:{LABEL}"}, {}])
async def test_what_is_said_while_typing_is_what_is_said_when_it_is_sent(
    house: House, desk: Browser, fields: dict[str, str]
) -> None:
    asked = {**GOOD, "csrf": await token(desk), **fields}
    checked = await desk.http.post(f"{HERE}/check", data=asked)
    assert checked.headers["cache-control"] == "no-store"
    assert LABEL[:9] not in checked.text
    sent = await add(desk, **fields)
    assert checked.json()["faults"] == faults_of(sent)
    assert checked.json()["faults"] == {} or await given(house) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"device": MAC.lower()},
        {"device": ":".join(MAC[place : place + 2] for place in range(0, 16, 2))},
        {"device": f"Z:{MAC}$I:{LABEL.replace(' ', '')}", "install_code": ""},
        {"device": "", "install_code": f"Z:{MAC}$I:{LABEL.replace(' ', '')}"},
        {"install_code": InstallCode.checked(bytes(range(1, 7))).reveal().hex()},
    ],
)
async def test_a_join_is_asked_for_and_its_page_follows(house: House, desk: Browser, fields: dict[str, str]) -> None:
    page = await add(desk, **fields)
    assert page.url.path == f"{METER}/commands/{await newest(house)}"
    assert f"<h1>Join of {MAC}</h1>" in page.text
    for words in ("Waiting", "Network open for it", "Cancel the join", "The gateway was asked"):
        assert words in page.text, words
    assert LABEL[:4] not in page.text


async def test_a_device_that_is_here_or_joins_is_not_added_again(house: House, desk: Browser, voice: Voice) -> None:
    await add(desk)
    assert faults_of(await add(desk)) == {"device": JOINING_ALREADY}
    await joined(house, voice)
    assert faults_of(await add(desk)) == {"device": HERE_ALREADY}
    assert await given(house) == 1


async def test_the_window_is_counted_down_until_the_device_has_joined(
    house: House, desk: Browser, voice: Voice, clock: HandClock
) -> None:
    page = await add(desk)
    request = await newest(house)
    await house.desk.handle([voice.changed(stage, request) for stage in (Stage.REQUESTED, Stage.WINDOW_OPEN)])
    await clock.advance(60)
    assert 'data-left-s="120"' in (await desk.get(page.url.path)).text
    await house.desk.handle([voice.changed(Stage.JOINED, request)])
    page = await desk.get(page.url.path)
    assert "data-left-s" not in page.text
    assert "+60.00 s" in page.text


async def test_a_failed_join_names_its_cause_and_the_next_step_and_asks_for_the_code_again(
    house: House, desk: Browser, voice: Voice
) -> None:
    path = (await add(desk)).url.path
    request = await newest(house)
    ended = voice.ended(request, OutcomeStatus.FAILED)
    await house.desk.handle([voice.changed(Stage.REQUESTED, request), ended])
    page = await desk.get(path)
    assert "<strong>Unreachable.</strong>" in page.text
    assert "Cancel the join" not in page.text
    retry = f"{HERE}?device={MAC}"
    assert f'href="{retry}#add"' in page.text
    again = await desk.get(retry)
    assert f'value="{MAC}"' in again.text
    assert '<textarea rows="2" maxlength="200" id="install_code"' in again.text
    assert LABEL[:4] not in again.text


async def test_a_join_is_cancelled_by_removing_its_device(house: House, desk: Browser) -> None:
    path = (await add(desk)).url.path
    page = await desk.press(path, f"{path}/cancel")
    assert page.url.path == path
    assert "The join is being cancelled" in page.text
    async with house.database.reading() as connection:
        kinds = list(await connection.scalars(select(han_commands.c.kind).order_by(han_commands.c.id)))
    assert kinds == ["join", "remove"]


@pytest.mark.parametrize(("action", "title"), [("ping", "Ping"), ("describe", "Description"), ("remove", "Removal")])
async def test_a_device_is_asked_something_and_its_answer_shown(
    house: House, desk: Browser, voice: Voice, action: str, title: str
) -> None:
    await joined(house, voice)
    page = await desk.press(f"{HERE}/{MAC}", f"{HERE}/{MAC}/{action}")
    assert f"<h1>{title} of {MAC}</h1>" in page.text
    await house.desk.handle([voice.ended(await newest(house))])
    assert '<span class="tag good">Done</span>' in (await desk.get(page.url.path)).text
    assert (await desk.press(f"{HERE}/{MAC}", f"{HERE}/{MAC}/explode")).status_code == 404


async def test_the_list_names_kind_state_and_last_contact(
    house: House, desk: Browser, voice: Voice, clock: HandClock
) -> None:
    await joined(house, voice)
    await clock.advance(600)
    await house.desk.handle([voice.reported()])
    page = (await desk.get(HERE)).text
    row = page[page.index(f'href="{HERE}/{MAC}"') :]
    row = row[: row.index("</tr>")]
    assert "In-home display" in row
    assert '<span class="tag good">Active</span>' in row
    assert "07/01/2026 10:10:00" in row
    assert "Customer opted out" in page


@pytest.mark.parametrize(
    ("kind", "fields", "facts"),
    [
        (
            "text",
            {"text": "Storm tonight", "importance": "high", "confirm": "yes"},
            ("Storm tonight", "High", "asked for"),
        ),
        ("price", {"price": "0.1275", "label": "PEAK", "minutes": "60"}, ("$0.1275 per kWh", "PEAK", "60 min")),
        (
            "load-control",
            {"classes": "hvac", "minutes": "30", "criticality": "level_1", "cooling": "1.5"},
            ("Heating and cooling", "Level 1", "1.5 °C higher", "30 min"),
        ),
    ],
)
async def test_devices_are_told_something_and_what_they_answer_stands_beneath(
    house: House, desk: Browser, voice: Voice, kind: str, fields: dict[str, str], facts: tuple[str, ...]
) -> None:
    await joined(house, voice)
    place = f"{METER}/notices/{kind}"
    page = await desk.send(await desk.get(f"{place}?device={MAC}"), place, {"to": MAC, **fields})
    assert page.url.path == f"{METER}/commands/{await newest(house)}", faults_of(page)
    for words in (*facts, MAC):
        assert words in page.text, words


@pytest.mark.parametrize(
    ("kind", "fields", "faults"),
    [
        ("text", {"text": "", "minutes": "0"}, {"text", "minutes"}),
        ("text", {"text": "ä" * 128}, {"text"}),
        ("price", {"price": "a lot", "label": "thirteen char", "minutes": "-1"}, {"price", "label", "minutes"}),
        ("price", {"price": "0.12345"}, {"price"}),
        ("price", {"price": "NaN"}, {"price"}),
        (
            "load-control",
            {"minutes": "1441", "cooling": "30", "heating": "x"},
            {"classes", "minutes", "cooling", "heating"},
        ),
        ("load-control", {"classes": "hvac", "minutes": "30", "criticality": "level_9"}, {"criticality"}),
        ("text", {"text": "Hi", "to": "000D6F0007A0B1C9"}, {"to"}),
    ],
)
async def test_a_notice_with_faults_is_shown_with_each_at_its_field_and_nothing_lost(
    house: House, desk: Browser, kind: str, fields: dict[str, str], faults: set[str]
) -> None:
    place = f"{METER}/notices/{kind}"
    start = {"to": "all", "importance": "low", "criticality": "green"}
    page = await desk.send(await desk.get(place), place, {**start, **fields})
    assert (page.status_code, set(faults_of(page)), await given(house)) == (422, faults, 0)
    for name, value in fields.items():
        if name not in ("classes", "criticality", "to") and value:
            assert value in page.text, name


async def test_a_text_is_taken_back_from_those_whom_it_was_sent_to(house: House, desk: Browser, voice: Voice) -> None:
    await joined(house, voice)
    place = f"{METER}/notices/text"
    page = await desk.send(await desk.get(place), place, {"to": "all", "text": "Hi", "importance": "low"})
    assert "Take it back" not in page.text
    await house.desk.handle([voice.ended(await newest(house), device=None)])
    back = await desk.press(page.url.path, f"{page.url.path}/take-back")
    assert "<h1>Text taken back</h1>" in back.text


async def test_what_a_device_says_of_itself_stays_text(house: House, desk: Browser, voice: Voice) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    active = voice.changed(Stage.ACTIVE)
    assert isinstance(active.message, DeviceChanged)
    assert active.message.info is not None
    named = replace(active.message.info, manufacturer=nasty, model=nasty, firmware=nasty)
    await house.desk.handle([replace(active, message=replace(active.message, info=named, detail=nasty))])
    for path in (HERE, f"{HERE}/{MAC}"):
        page = (await desk.get(path)).text
        assert nasty not in page, path
        assert "&lt;img src=x" in page, path


async def test_what_is_another_meters_stands_under_no_other(house: House, desk: Browser) -> None:
    command = (await add(desk)).url.path.rpartition("/")[2]
    await agreed_for_second(house)
    for path in (f"devices/{MAC}", f"commands/{command}", "devices/none", "commands/none", "notices/none"):
        assert (await desk.get(f"/usage/meters/{esi(2)}/{path}")).status_code == 404, path


async def agreed_for_second(house: House) -> None:
    office = Office.over(house.database, house.clock)
    await ask(office, "rep.admin", secret="second", number=2)
    await answer(office, "second")


async def test_the_tdsp_needs_no_agreement_at_meters_of_its_own(house: House, voice: Voice) -> None:
    await born(house)
    wires = await signed_in(house, "wires.admin")
    path = (await add(wires)).url.path
    assert path == f"{METER}/commands/{await newest(house)}"
    await joined(house, voice)
    page = await wires.press(f"{HERE}/{MAC}", f"{HERE}/{MAC}/remove")
    assert f"Removal of {MAC}" in page.text
    assert (await wires.get(f"/usage/meters/{esi(6)}/devices")).status_code == 404
