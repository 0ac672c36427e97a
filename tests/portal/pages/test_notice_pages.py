"""A TDSP's administrator tells notices on pages: what they do, what is refused where, and who may."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from gateway.market_notices import MeterExchanged
from portal.audit.tables import audit
from portal.market.tables import NoticeSource, NoticeState, market_notices
from portal.pages.forms import Form
from portal.pages.notice_fields import EXCHANGE, KINDS, NO_SUCH_TIME, REP_CHANGE, notice_of
from tests.portal.pages.house import Browser, House, faults_of
from tests.portal.pages.test_approval_pages import signed_in
from tests.portal.world import BLUEBONNET, esi

HERE = "/fleet/notices"
EXCHANGED = {"esi_id": esi(1), "meter": "M00001", "new_meter": "M90001", "date": "2026-06-30", "time": "09:30"}
TO_BLUE = {"esi_id": esi(1), "change": "switch", "rep_duns": BLUEBONNET, "date": "2026-07-01", "time": "09:00"}


async def tell(browser: Browser, what: str, **fields: str) -> httpx.Response:
    """Fill in a form and send it."""
    page = await browser.get(f"{HERE}/{what}")
    return await browser.send(page, f"{HERE}/{what}", fields)


async def load(browser: Browser, text: str | bytes) -> httpx.Response:
    """Load a file."""
    page = await browser.get(f"{HERE}/file")
    content = text if isinstance(text, bytes) else text.encode()
    return await browser.send(page, f"{HERE}/file", {}, {"file": ("feed.csv", content, "text/csv")})


async def notices(house: House) -> list[Any]:
    """All that was told."""
    async with house.database.reading() as connection:
        return list((await connection.execute(select(market_notices).order_by(market_notices.c.id))).all())


async def test_an_exchange_is_told_once_and_everybody_sees_the_new_meter(house: House) -> None:
    browser = await signed_in(house, "wires.admin")
    page = await browser.get(f"{HERE}/exchange?esi_id={esi(1)}&meter=M00001")
    assert 'value="M00001"' in page.text
    for _ in range(2):
        told = await browser.send(page, f"{HERE}/exchange", EXCHANGED)
        assert told.status_code == 200
        assert "Told and applied" in told.text
    (row,) = await notices(house)
    assert (row.state, row.source) == (NoticeState.APPLIED, NoticeSource.PAGE)
    assert row.effective_at == datetime(2026, 6, 30, 14, 30, tzinfo=UTC)
    assert "M00001 to M90001" in told.text
    rep = await signed_in(house, "rep.admin")
    assert "M90001" in (await rep.get(f"/usage/meters/{esi(1)}")).text
    async with house.database.reading() as connection:
        noted = select(func.count()).select_from(audit).where(audit.c.action == "market.tell")
        assert await connection.scalar(noted) == 2


async def test_a_change_of_rep_moves_the_meter_at_its_instant(house: House) -> None:
    browser = await signed_in(house, "wires.admin")
    rep, blue = await signed_in(house, "rep.admin"), await signed_in(house, "blue.admin")
    assert (await rep.get(f"/usage/meters/{esi(1)}")).status_code == 200
    waits = await tell(browser, "rep-of-record", **{**TO_BLUE, "date": "2026-07-02"})
    assert "It waits for its instant" in waits.text
    assert (await rep.get(f"/usage/meters/{esi(1)}")).status_code == 200
    assert "Told and applied" in (await tell(browser, "rep-of-record", **TO_BLUE)).text
    assert (await rep.get(f"/usage/meters/{esi(1)}")).status_code == 404
    assert (await blue.get(f"/usage/meters/{esi(1)}")).status_code == 200
    assert "Nothing was told" not in (await browser.get(HERE)).text
    assert "No notice is in this state" in (await browser.get(f"{HERE}?state=refused")).text


async def test_what_the_market_refuses_is_said_at_its_field_and_nothing_is_lost(house: House) -> None:
    browser = await signed_in(house, "wires.admin")
    answer = await tell(browser, "exchange", **{**EXCHANGED, "meter": "M77777"})
    assert answer.status_code == 409
    assert faults_of(answer) == {"meter": "This meter does not hang there at that instant."}
    assert all(f'value="{value}"' in answer.text for value in (esi(1), "M77777", "M90001", "2026-06-30", "09:30"))
    mended = await browser.send(answer, f"{HERE}/exchange", EXCHANGED)
    assert "Told and applied" in mended.text
    assert [row.state for row in await notices(house)] == [NoticeState.REFUSED, NoticeState.APPLIED]


async def test_faults_of_a_form_store_nothing(house: House) -> None:
    browser = await signed_in(house, "wires.admin")
    answer = await tell(browser, "exchange", esi_id="12", meter="", new_meter="a b", date="11.5.2026", time="noon")
    assert answer.status_code == 422
    assert list(faults_of(answer)) == ["esi_id", "meter", "new_meter", "date"]
    answer = await tell(browser, "exchange", esi_id="12", meter="!", new_meter="a b", date="2026-05-11", time="")
    assert list(faults_of(answer)) == ["esi_id", "meter", "new_meter"]
    assert await notices(house) == []


HEADER = "kind,id,esi_id,effective_at,meter,new_meter,change,rep_duns\n"
RIGHT = f"rep_of_record_changed,f-1,{esi(1)},2026-07-01T00:00:00-05:00,,,switch,{BLUEBONNET}\n"


async def test_a_file_names_what_it_refuses_by_its_lines_and_the_rest_stands(house: House) -> None:
    browser = await signed_in(house, "wires.admin")
    wrong = f"meter_exchanged,f-2,{esi(2)},yesterday,M00002,,,\n"
    strange = f"meter_exchanged,f-3,{esi(2)},2026-06-30T00:00:00-05:00,M77777,,,\n"
    answer = await load(browser, HEADER + RIGHT + wrong + strange)
    assert answer.status_code == 422
    assert faults_of(answer) == {"file": "2 of 3 rows refused, each named below; 1 stand"}
    assert "line 3, effective_at" in answer.text
    assert "line 4, id f-3: This meter does not hang there at that instant." in answer.text
    again = await load(browser, HEADER + RIGHT)
    assert "The file is loaded" in again.text
    assert [row.notice_id for row in await notices(house)] == ["f-1", "f-3"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "1 of 1 rows refused, each named below; 0 stand"),
        (b"\xff\xfe\0", "The file holds bytes that are not UTF-8: save it as CSV in UTF-8"),
        (b"a,b\n1,2\n", "1 of 1 rows refused, each named below; 0 stand"),
    ],
)
async def test_a_file_that_is_none_is_refused(house: House, content: bytes, words: str) -> None:
    browser = await signed_in(house, "wires.admin")
    answer = await load(browser, content)
    assert (answer.status_code, faults_of(answer)) == (422, {"file": words})


async def test_who_does_not_tell_notices_finds_no_such_page(house: House) -> None:
    for user_id in ("rep.admin", "coach.user", "maria.customer"):
        browser = await signed_in(house, user_id)
        for path in ("", "/exchange", "/rep-of-record", "/file"):
            assert (await browser.get(HERE + path)).status_code == 404, (user_id, path)
    gulf = await signed_in(house, "gulf.admin")
    answer = await tell(gulf, "exchange", **EXCHANGED)
    assert faults_of(answer) == {"esi_id": "You have no premise with this ESI ID at that instant."}
    wires = await signed_in(house, "wires.admin")
    assert esi(1) not in (await wires.get(HERE)).text, "another's notices are not listed"


def filled(form: Form, **values: str) -> Form:
    """A form as it comes back."""
    return Form(action="", button="", fields=form.fields, values=values, hidden={"id": "page-1"})


@pytest.mark.parametrize(
    ("day", "clock", "utc"),
    [
        ("2026-03-08", "01:59", datetime(2026, 3, 8, 7, 59, tzinfo=UTC)),
        ("2026-03-08", "03:00", datetime(2026, 3, 8, 8, 0, tzinfo=UTC)),
        ("2026-11-01", "01:30", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
        ("2026-11-01", "", datetime(2026, 11, 1, 5, 0, tzinfo=UTC)),
    ],
)
def test_central_time_is_meant(day: str, clock: str, utc: datetime) -> None:
    told = notice_of(filled(EXCHANGE, esi_id=esi(1), meter="M1", date=day, time=clock), KINDS["exchange"])
    assert isinstance(told, MeterExchanged)
    assert (told.effective_at, told.new_meter) == (utc, None)


def test_a_time_that_no_clock_shows_is_refused() -> None:
    told = notice_of(filled(EXCHANGE, esi_id=esi(1), meter="M1", date="2026-03-08", time="02:30"), KINDS["exchange"])
    assert isinstance(told, Form)
    assert told.faults == {"time": NO_SUCH_TIME}


@pytest.mark.parametrize(("change", "rep"), [("move_out", BLUEBONNET), ("switch", ""), ("move_in", "12")])
def test_a_change_names_its_rep_unless_it_is_a_move_out(change: str, rep: str) -> None:
    form = filled(REP_CHANGE, esi_id=esi(1), change=change, rep_duns=rep, date="2026-05-11", time="")
    told = notice_of(form, KINDS["rep-of-record"])
    assert isinstance(told, Form)
    assert list(told.faults) == ["rep_duns"]
