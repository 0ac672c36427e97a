"""A wires company's fleet page."""

from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import Eui64, GatewayId, RequestId
from gateway.messages import GatewayState, LinkState
from gateway.ports import Delivery
from portal.han.status import CommandKind, CommandStatus
from portal.han.tables import han_commands
from portal.meters.tables import meters
from portal.usage.intervals import Channel
from portal.vee.ledger import State
from portal.vee.tables import gaps, ledger_days
from tests.clock import HandClock
from tests.portal.pages.house import House
from tests.portal.pages.test_approval_pages import signed_in
from tests.portal.people.stand import Office, company_form
from tests.portal.world import GATEWAY, esi


async def test_gateways_links_reads_and_refused_messages_are_shown(house: House) -> None:
    clock = house.clock
    assert isinstance(clock, HandClock)
    browser = house.client()
    await browser.sign_in("wires.admin")
    assert "never heard" in (await browser.get("/fleet")).text
    now = clock.now()
    state = GatewayState(
        gateway=GatewayId("gw-1"),
        online=True,
        boot_id="b-1",
        at=now,
        version="0.1.0",
        meters=64,
        links=(LinkState(driver="zigbee", up=False, since=now - timedelta(minutes=3), detail="serial line closed"),),
    )
    await house.desk.handle([Delivery(gateway=GatewayId("gw-1"), message=state)])
    await browser.press(f"/usage/meters/{esi(1)}", f"/usage/meters/{esi(1)}/reads")
    request = await house.bus.request()
    await house.desk.handle([house.answers("gw-2").done(request)])
    page = (await browser.get("/fleet")).text
    for words in (
        '<span class="tag good">online</span>',
        '<span class="tag bad">down</span>',
        "since 07/01/2026 09:57:00, serial line closed",
        '<td class="n">64</td>',
        "0.1.0",
        '<span class="tag info">in progress</span>',
    ):
        assert words in page, words
    await house.desk.handle([house.answers().failed(request)])
    page = (await browser.get("/fleet")).text
    assert "The meter did not answer in time." in page
    stranger = replace(state, gateway=GatewayId("gw-9"))
    await house.desk.handle([Delivery(gateway=GatewayId("gw-9"), message=stranger)])
    assert "gw-9" in (await browser.get("/fleet")).text
    other = house.client()
    await other.sign_in("gulf.admin")
    theirs = (await other.get("/fleet")).text
    assert "foreign read" in theirs
    assert "gw-1" not in theirs
    assert "No on-demand read has failed since midnight Central." in theirs


DAY = date(2026, 6, 30)


async def test_the_days_of_the_ledger_lead_to_the_meters_that_were_missed(house: House) -> None:
    now = house.clock.now()
    common = {"day": DAY, "gateway": GATEWAY}
    counts = {"present": 480, "awaited": 0, "late": 90, "being_back_filled": 0, "estimated": 6, "impossible": 0}
    rows = [
        {**common, "tdsp": "Hill Country Wires", "expected": 576, **counts, "ran_at": now, "seen": 0},
        {**common, "tdsp": "Gulf Wires", "expected": 7, **dict.fromkeys(counts, 0), "ran_at": now, "seen": 0},
    ]
    lack = {"day": DAY, "channel": Channel.CONSUMPTION, "state": State.LATE, "places": [[0, 89]], "since": now}
    missed = [
        {**lack, "esi_id": esi(2), "tdsp": "Hill Country Wires", "gateway": GATEWAY, "deadline": now},
        {**lack, "esi_id": esi(9), "tdsp": "Gulf Wires", "gateway": None, "deadline": None},
    ]

    async def job(connection: AsyncConnection) -> None:
        await connection.execute(insert(ledger_days), rows)
        await connection.execute(insert(gaps), missed)

    await house.ledger.write(job)
    browser = await signed_in(house, "wires.admin")
    page = (await browser.get("/fleet")).text
    assert '<a href="/fleet/days/2026-06-30">06/30/2026</a>' in page
    assert "84.3 %" in page, "486 of 576, rounded down"
    day = (await browser.get("/fleet/days/2026-06-30")).text
    assert esi(2) in day
    assert "00:00-22:30" in day
    assert esi(9) not in day
    assert "Nothing is lacking." in (await browser.get("/fleet/days/2026-06-29")).text
    rep = await signed_in(house, "rep.admin")
    assert (await rep.get("/fleet/days/2026-06-30")).status_code == 404


async def test_what_waits_and_what_is_under_way_are_shown_with_the_rate_of_reads(house: House) -> None:
    browser = await signed_in(house, "wires.admin")
    office = Office.over(house.database, house.clock)
    await office.registered(company=company_form())
    for number, answer in ((1, house.answers().done), (2, house.answers().failed)):
        await browser.press(f"/usage/meters/{esi(number)}", f"/usage/meters/{esi(number)}/reads")
        await house.desk.handle([answer(await house.bus.request())])
    async with house.database.reading() as connection:
        (wall,) = await connection.execute(select(meters).where(meters.c.esi_id == esi(2)))
    command = {
        "id": RequestId("00000000-0000-7000-8000-0000000000cc"),
        "kind": CommandKind.JOIN,
        "meter_id": wall.id,
        "meter": wall.number,
        "esi_id": wall.esi_id,
        "gateway": GATEWAY,
        "device": Eui64("000D6F0007A0B1D1"),
        "status": CommandStatus.SENT,
        "asked_at": house.clock.now(),
    }
    await house.database.write(lambda connection: connection.execute(insert(han_commands), command))
    page = (await browser.get("/fleet")).text
    assert "1 <small>done, 1 failed, 50 %</small>" in page
    assert '<a href="/market/requests">Company Requests</a> <span class="tag warn">1</span>' in page
    assert '<td class="id">000D6F0007A0B1D1</td>' in page
    assert "Join" in page
    user = await signed_in(house, "gulf.admin")
    assert "000D6F0007A0B1D1" not in (await user.get("/fleet")).text


async def test_the_fleet_is_for_wires_companies(house: House) -> None:
    for user in ("rep.admin", "maria.customer", "ercot.user"):
        browser = house.client()
        await browser.sign_in(user)
        assert (await browser.get("/fleet")).status_code == 404, user
