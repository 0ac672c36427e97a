"""A wires company's fleet page."""

from dataclasses import replace
from datetime import timedelta

from gateway.identifiers import GatewayId
from gateway.messages import GatewayState, LinkState
from gateway.ports import Delivery
from tests.clock import HandClock
from tests.portal.pages.house import House
from tests.portal.world import esi


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


async def test_the_fleet_is_for_wires_companies(house: House) -> None:
    for user in ("rep.admin", "maria.customer", "ercot.user"):
        browser = house.client()
        await browser.sign_in(user)
        assert (await browser.get("/fleet")).status_code == 404, user
