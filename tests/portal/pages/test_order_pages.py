"""Report Request Status: the list of one's orders, one of them, and what is done with it."""

from typing import Any

from sqlalchemy import insert, select, update

from portal.accounts.tables import accounts
from portal.market.tables import rep_spans
from portal.orders.states import OrderState
from portal.orders.tables import report_orders
from tests.clock import HandClock
from tests.portal.pages.desk import DAY, GREEN_BUTTON, READS, USAGE, placed, signed_in, worker_of
from tests.portal.pages.house import House
from tests.portal.usage.files import meter_day
from tests.portal.world import BLUEBONNET, esi

LIST = "/usage/orders"


async def switch(house: House, number: int) -> None:
    """Another REP of record from now on."""
    now, esi_id = house.clock.now(), esi(number)

    async def job(connection: Any) -> None:
        ends = update(rep_spans).where(rep_spans.c.esi_id == esi_id, rep_spans.c.to_at.is_(None))
        await connection.execute(ends.values(to_at=now))
        await connection.execute(insert(rep_spans).values(esi_id=esi_id, duns=BLUEBONNET, from_at=now))

    await house.database.write(job)


async def test_an_empty_list_says_what_to_do(house: House) -> None:
    page = await (await signed_in(house)).get(LIST)
    assert "You have ordered no reports yet." in page.text
    assert '<a href="/usage/meters">Choose meters</a>' in page.text
    assert "data-follow" not in page.text


async def test_the_list_has_ones_own_orders_the_newest_first(house: House, clock: HandClock) -> None:
    numbers = []
    for seed in range(3):
        numbers.append((await placed(house, seed=seed)).number)
        await clock.advance(1)
    await placed(house, "rep.user", [esi(1)], seed=9)
    page = (await (await signed_in(house)).get(LIST)).text
    assert [page.index(f'href="{LIST}/{number}"') for number in numbers[::-1]] == sorted(
        page.index(f'href="{LIST}/{number}"') for number in numbers
    )
    assert "<caption>3 orders</caption>" in page
    assert "Daily Meter Reads, 05/06/2026 to 05/08/2026, CSV" in page


async def test_a_long_list_has_25_orders_a_page(house: House) -> None:
    async def many(connection: Any) -> None:
        account = await connection.scalar(select(accounts.c.id).where(accounts.c.user_key == "rep.admin"))
        now = house.clock.now()
        rows = [
            {
                "id": f"00000000-0000-7000-8000-{number:012}",
                "number": 7000 + number,
                "account_id": account,
                "state": OrderState.UNSUCCESSFUL,
                "details": "x",
                "asked": {"reports": [{"report": "meter", "format": "csv"}], "view": "current", "utc": False},
                "small": True,
                "placed_at": now,
                "ended_at": now,
                "attempts": 3,
                "due_at": now,
                "meters": 1,
                "not_found": 0,
                "done": 0,
                "to_place": False,
            }
            for number in range(27)
        ]
        await connection.execute(insert(report_orders), rows)

    await house.database.write(many)
    browser = await signed_in(house)
    first = await browser.get(LIST)
    assert (first.text.count("Unsuccessful</span>"), f'href="{LIST}?after=7002"' in first.text) == (25, True)
    second = await browser.get(f"{LIST}?after=7002")
    assert (second.text.count("Unsuccessful</span>"), "The newest orders" in second.text) == (2, True)
    assert (await browser.get(f"{LIST}?after=1")).status_code == 404


async def test_an_order_is_followed_until_its_files_are_there(house: House) -> None:
    await house.report(meter_day([250] * 96, DAY, esi(1)))
    number = (await placed(house, reports=[READS, USAGE])).number
    browser = await signed_in(house)
    page = (await browser.get(f"{LIST}/{number}")).text
    assert 'data-follow="yes"' in page
    assert 'max="4" value="0"' in page
    assert f'<a href="{LIST}/{number}">Refresh</a>' in page
    assert await worker_of(house).work()
    page = (await browser.get(f"{LIST}/{number}")).text
    assert "data-follow" not in page
    assert f'data-words="Report order {number} is Complete."' in page
    assert "removed on 07/11/2026" in page
    assert 'in the folder <span class="id">adhocusage/DailyMeterUsage' in page
    for name in ("daily-reads", "daily-usage"):
        start = page.index(f"/orders/{number}/files/{name}")
        file = await browser.get(page[start : page.index('"', start)])
        assert file.status_code == 200
        assert esi(1) in file.text


async def test_a_green_button_file_is_not_said_to_lie_in_the_folder(house: House) -> None:
    await house.report(meter_day([250] * 96, DAY, esi(1)))
    number = (await placed(house, esi_ids=[esi(1)], reports=[GREEN_BUTTON])).number
    assert await worker_of(house).work()
    page = (await (await signed_in(house)).get(f"{LIST}/{number}")).text
    assert "sent by mail, not into the folder" in page
    assert "adhocusage/" not in page


async def test_an_order_is_cancelled_and_made_again_by_its_buttons(house: House) -> None:
    number = (await placed(house)).number
    browser, home = await signed_in(house), f"{LIST}/{number}"
    cancelled = await browser.press(home, f"{home}/cancel")
    assert ("The order is cancelled." in cancelled.text, "Cancelled</span>" in cancelled.text) == (True, True)
    again = await browser.press(home, f"{home}/cancel")
    assert (again.status_code, "Only an order in process can be cancelled" in again.text) == (409, True)
    taken_up = await browser.press(home, f"{home}/retry")
    assert ("taken up again" in taken_up.text, "Processing</span>" in taken_up.text) == (True, True)
    assert await worker_of(house).work()
    assert "Complete</span>" in (await browser.get(home)).text


async def test_the_mail_is_sent_again_and_not_twice_in_a_row(house: House) -> None:
    number = (await placed(house)).number
    assert await worker_of(house).work()
    browser, home = await signed_in(house), f"{LIST}/{number}"
    assert "The mail is on its way to you once more." in (await browser.press(home, f"{home}/resend")).text
    refused = await browser.press(home, f"{home}/resend")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "600")
    assert "it can be in 10 min once more" in refused.text
    assert (await browser.get(f"{home}/resend")).url.path == home


async def test_files_that_hold_a_lost_meter_are_closed_and_nothing_of_it_is_named(house: House) -> None:
    number = (await placed(house)).number
    assert await worker_of(house).work()
    await switch(house, 2)
    page = (await (await signed_in(house)).get(f"{LIST}/{number}")).text
    assert "Its files are closed, for they hold 1 meter no longer among yours" in page
    assert ("/files/" in page, esi(2) in page, "Send the mail again" in page) == (False, False, False)


async def test_somebody_elses_order_is_as_if_it_did_not_exist(house: House) -> None:
    number = (await placed(house)).number
    stranger = await signed_in(house, "rep.user")
    theirs, nobodys = [await stranger.get(f"{LIST}/{each}") for each in (number, 12345)]
    assert (theirs.status_code, theirs.text.replace(f"{number}", "")) == (404, nobodys.text.replace("12345", ""))


async def test_the_operating_team_has_no_orders(town: House) -> None:
    team = await signed_in(town, "team.admin")
    assert (await team.get(LIST)).status_code == 404
    assert LIST not in (await team.get("/account/profile")).text
