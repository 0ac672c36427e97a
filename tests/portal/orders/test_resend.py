"""The mail of an order once more: to whoever ordered, now and then, and never with what he may not see."""

import asyncio

from sqlalchemy import update

from portal.accounts.tables import accounts
from tests.portal.conftest import SignIn
from tests.portal.orders.stand import Stand, usage_of
from tests.portal.world import esi


async def test_the_mail_of_a_complete_order_is_sent_again_with_its_files(signed_in: SignIn, stand: Stand) -> None:
    client = await signed_in("rep.admin")
    number = (await stand.place(reports=[usage_of()])).number
    assert await stand.worker().work()
    await stand.database.write(
        lambda each: each.execute(
            update(accounts).where(accounts.c.user_key == "rep.admin").values(email="new.place@example.com")
        )
    )
    answer = await client.post(f"/orders/{number}/resend")
    assert (answer.status_code, answer.json()["state"]) == (202, "complete")
    first, second = await stand.letters()
    assert second.subject == first.subject == f"Report order {number}: Complete"
    assert second.attachments == first.attachments != []
    assert (first.recipient, second.recipient) == ("rep.admin@example.com", "new.place@example.com")


async def test_it_is_sent_again_once_in_ten_minutes_however_many_ask_at_once(signed_in: SignIn, stand: Stand) -> None:
    client = await signed_in("rep.admin")
    number = (await stand.place()).number
    assert await stand.worker().work()
    answers = await asyncio.gather(*(client.post(f"/orders/{number}/resend") for _ in range(5)))
    assert sorted(each.status_code for each in answers) == [202, 429, 429, 429, 429]
    await stand.clock.advance(400)
    refused = await client.post(f"/orders/{number}/resend")
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:metergate:problem:sent-lately")
    assert refused.headers["retry-after"] == "200"
    assert refused.json()["detail"].endswith("it can be in 4 min once more.")
    await stand.clock.advance(200)
    assert (await client.post(f"/orders/{number}/resend")).status_code == 202
    assert len(await stand.letters()) == 3


async def test_nothing_is_sent_of_an_order_that_is_not_complete_or_whose_files_are_closed(
    signed_in: SignIn, stand: Stand
) -> None:
    client = await signed_in("rep.admin")
    number = (await stand.place()).number
    waits = await client.post(f"/orders/{number}/resend")
    assert (waits.status_code, waits.json()["type"]) == (409, "urn:metergate:problem:not-now")
    assert await stand.worker().work()
    await stand.switch(1)
    closed = await client.post(f"/orders/{number}/resend")
    assert (closed.status_code, "1 meter no longer among yours" in closed.json()["detail"]) == (409, True)
    assert esi(1) not in closed.text
    assert len(await stand.letters()) == 1


async def test_the_order_of_somebody_else_has_no_mail(signed_in: SignIn, stand: Stand) -> None:
    number = (await stand.place()).number
    assert await stand.worker().work()
    stranger = await signed_in("rep.user")
    theirs, nobodys = [await stranger.post(f"/orders/{each}/resend") for each in (number, 12345)]
    assert (theirs.status_code, theirs.content) == (404, nobodys.content)
    assert len(await stand.letters()) == 1
