"""Who sees a meter is asked when an order is placed, when it runs, when it ends and when a file of it is fetched."""

from dataclasses import replace
from datetime import date, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts
from portal.app import full_app
from portal.companies.tables import companies
from portal.context import Portal
from portal.mail.sender import MailSender
from portal.mail.settings import MailSettings, Protection
from portal.mail.transport import SmtpTransport
from portal.orders.files import may_go
from portal.orders.placement import place_order
from portal.orders.states import OrderState
from portal.orders.tables import report_order_meters, report_orders
from portal.reports.forms import Format
from tests.portal.conftest import SignIn
from tests.portal.mail.post_office import post_office
from tests.portal.orders.stand import POST, BrokenRegisters, Stand, reads_of, usage_of
from tests.portal.world import LONE_STAR, PASSWORD, esi


async def company_id(stand: Stand, name: str) -> int:
    async with stand.database.reading() as connection:
        found: int | None = await connection.scalar(select(companies.c.id).where(companies.c.name == name))
    assert found is not None
    return found


async def text_of(stand: Stand, number: int) -> str:
    (file,) = await stand.files(number)
    text: str = (stand.root / file.path).read_text(encoding="utf-8")
    return text


class Switching(BrokenRegisters):
    """A store in whose midst a meter gets another REP of record, as often as it is told."""

    def __init__(self, stand: Stand, numbers: tuple[int, ...]) -> None:
        super().__init__(stand.database)
        self.failures, self._stand, self._numbers = 0, stand, list(numbers)

    async def current(self, kind: Any, esi_id: Any, first: date, last: date) -> Any:
        """The real reads; then one meter goes."""
        found = await super().current(kind, esi_id, first, last)
        if self._numbers:
            await self._stand.switch(self._numbers.pop(0))
        return found


async def test_a_meter_lost_before_the_order_runs_is_left_out_and_counted(stand: Stand) -> None:
    placed = await stand.place("rep.admin", (1, 2, 5))
    await stand.switch(2)
    await stand.worker().work()
    row = await stand.order(placed.number)
    assert row.state is OrderState.COMPLETE
    assert row.details.endswith("Left out: 1 meter of the order no longer among yours.")
    text = await text_of(stand, placed.number)
    assert (esi(1) in text, esi(2) in text, esi(5) in text) == (True, False, True)


async def test_a_meter_lost_while_the_order_runs_is_not_delivered(stand: Stand) -> None:
    placed = await stand.place("rep.admin", (1, 2, 5))
    await stand.worker(registers=Switching(stand, (1,))).work()
    row = await stand.order(placed.number)
    assert (row.state, row.attempts) == (OrderState.COMPLETE, 1)
    assert esi(1) not in await text_of(stand, placed.number)
    (letter,) = await stand.letters()
    assert "Left out: 1 meter" in letter.text
    assert [path for path in stand.on_disk() if path != letter.attachments[0]["path"]] == []


async def test_an_order_whose_meters_keep_changing_hands_ends_unsuccessful(stand: Stand) -> None:
    placed = await stand.place("rep.admin", (1, 2, 5))
    await stand.worker(registers=Switching(stand, (1, 2, 5))).work()
    row = await stand.order(placed.number)
    assert row.state is OrderState.UNSUCCESSFUL
    assert stand.on_disk() == []


async def test_an_order_of_which_no_meter_is_left_is_unsuccessful(stand: Stand) -> None:
    placed = await stand.place("rep.admin", (1,))
    await stand.switch(1)
    await stand.worker().work()
    row = await stand.order(placed.number)
    assert row.state is OrderState.UNSUCCESSFUL
    assert row.details.startswith("None of its meters is among yours any more.")
    assert stand.on_disk() == []


async def test_an_account_that_may_not_enter_any_more_gets_nothing(stand: Stand) -> None:
    placed = await stand.place("rep.user", (1,))

    async def suspend(connection: AsyncConnection) -> None:
        mine = update(accounts).where(accounts.c.user_key == "rep.user")
        await connection.execute(mine.values(status=AccountStatus.SUSPENDED))

    await stand.database.write(suspend)
    await stand.worker().work()
    assert (await stand.order(placed.number)).state is OrderState.UNSUCCESSFUL
    assert await stand.files(placed.number) == []


async def test_a_file_is_refused_once_one_of_its_meters_is_lost_and_opened_when_it_comes_back(
    signed_in: SignIn, stand: Stand
) -> None:
    client = await signed_in("rep.admin")
    placed = await stand.place("rep.admin", (1, 2))
    await stand.worker().work()
    path = f"/orders/{placed.number}/files/{(await stand.files(placed.number))[0].name}"
    assert (await client.get(path)).status_code == 200
    await stand.clock.advance(1)
    await stand.switch(2)
    refused, none = await client.get(path), await client.get(f"/orders/{placed.number}/files/nothing.csv")
    assert (refused.status_code, refused.content) == (404, none.content)
    order = (await client.get(f"/orders/{placed.number}")).json()
    assert order["files"] == []
    assert order["details"].endswith(
        "Its files are closed, for they hold 1 meter no longer among yours; Retry makes it without."
    )
    await stand.clock.advance(1)
    await stand.switch(2, LONE_STAR)
    assert (await client.get(path)).status_code == 200


async def test_retry_makes_an_order_without_what_was_lost(signed_in: SignIn, stand: Stand) -> None:
    client = await signed_in("rep.admin")
    placed = await stand.place("rep.admin", (1, 2))
    await stand.worker().work()
    old = (await stand.files(placed.number))[0].path
    await stand.clock.advance(1)
    await stand.switch(2)
    assert (await client.post(f"/orders/{placed.number}/retry")).status_code == 202
    await stand.worker("two").work()
    (file,) = (await client.get(f"/orders/{placed.number}")).json()["files"]
    answer = await client.get(f"/orders/{placed.number}/files/{file['name']}")
    assert answer.status_code == 200
    assert esi(2) not in answer.text
    assert not (stand.root / old).exists()


async def test_a_lost_meter_keeps_an_order_s_files_out_of_the_folder(stand: Stand) -> None:
    lone_star = await company_id(stand, "Lone Star Power")
    placed = await stand.place("rep.admin", (1, 2))
    worker = stand.worker()
    await worker.work()
    assert len(stand.in_folder(lone_star)) == 1
    for name in stand.in_folder(lone_star):
        (stand.root / f"{lone_star}" / "adhocusage" / name).unlink()
    await due_again(stand, placed.number)
    await stand.clock.advance(1)
    await stand.switch(1)
    await worker.tidy()
    assert stand.in_folder(lone_star) == []
    assert not (await stand.order(placed.number)).to_place


async def due_again(stand: Stand, number: int) -> None:
    """As if the worker had died between the end of an order and the placing of its files."""

    async def job(connection: AsyncConnection) -> None:
        await connection.execute(update(report_orders).where(report_orders.c.number == number).values(to_place=True))

    await stand.database.write(job)


async def test_files_go_into_the_company_s_folder_under_the_market_s_names_and_twice_is_once(stand: Stand) -> None:
    """RPT-11, RPT-18: "the two daily reports also on FTP"; AMB-08: Green Button goes by mail."""
    lone_star = await company_id(stand, "Lone Star Power")
    wanted = [reads_of(), usage_of(written_as=Format.GREEN_BUTTON)]
    placed = await stand.place("rep.admin", (1, 2), reports=wanted)
    worker = stand.worker()
    await worker.work()
    (name,) = stand.in_folder(lone_star)
    ended: datetime = (await stand.order(placed.number)).ended_at
    assert name.startswith("DailyMeterUsage20260701100000000")
    assert name.endswith(f"FTP.{LONE_STAR}.CSV")
    assert ended == stand.clock.now()
    (reads, _) = await stand.files(placed.number)
    there = (stand.root / f"{lone_star}" / "adhocusage" / name).read_bytes()
    assert there == (stand.root / reads.path).read_bytes()
    await due_again(stand, placed.number)
    await worker.tidy()
    assert stand.in_folder(lone_star) == [name]


async def test_a_folder_that_cannot_be_written_keeps_no_order_from_its_end(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    lone_star = await company_id(stand, "Lone Star Power")
    stand.root.mkdir()
    (stand.root / f"{lone_star}").write_text("in the way", encoding="utf-8")
    placed = await stand.place()
    worker = stand.worker()
    await worker.work()
    row = await stand.order(placed.number)
    assert (row.state, row.to_place) == (OrderState.COMPLETE, True)
    assert "cannot be placed now" in caplog.text
    (stand.root / f"{lone_star}").unlink()
    await worker.tidy()
    assert len(stand.in_folder(lone_star)) == 1
    assert not (await stand.order(placed.number)).to_place


async def test_an_order_that_was_made_again_while_its_files_were_placed_has_its_new_files_placed_too(
    stand: Stand,
) -> None:
    placed = await stand.place()
    await stand.worker().work()
    seen_by_a_slow_worker = await stand.order(placed.number)
    await stand.clock.advance(1)
    again = update(report_orders).where(report_orders.c.number == placed.number)
    changed = again.values(to_place=True, ended_at=stand.clock.now())
    await stand.database.write(lambda connection: connection.execute(changed))
    await place_order(stand.database, stand.root, seen_by_a_slow_worker, stand.clock)
    assert (await stand.order(placed.number)).to_place
    await place_order(stand.database, stand.root, await stand.order(placed.number), stand.clock)
    assert not (await stand.order(placed.number)).to_place


async def test_a_customer_orders_the_current_version_of_his_meter(stand: Stand) -> None:
    placed = await stand.place("maria.customer", (1, 2))
    assert (placed.meters, placed.not_found) == (1, 1)
    await stand.worker().work()
    row = await stand.order(placed.number)
    assert (row.state, row.company_id, row.to_place) == (OrderState.COMPLETE, None, False)


async def test_files_expire_and_a_retry_makes_them_again(signed_in: SignIn, stand: Stand) -> None:
    client = await signed_in("rep.admin")
    placed = await stand.place("rep.admin", (1,))
    worker = stand.worker()
    await worker.work()
    await stand.clock.advance(10 * 86_400)
    await worker.tidy()
    assert (await stand.order(placed.number)).state is OrderState.COMPLETE
    await stand.clock.advance(1)
    await worker.tidy()
    row = await stand.order(placed.number)
    assert row.state is OrderState.EXPIRED
    assert row.details == "Its files were kept for 10 days and are no longer there; Retry makes them again."
    assert (stand.on_disk(), await stand.files(placed.number)) == ([], [])
    client = await signed_in("rep.admin")
    assert (await client.post(f"/orders/{placed.number}/retry")).status_code == 202
    assert await worker.work()
    assert (await stand.order(placed.number)).state is OrderState.COMPLETE


async def test_orders_long_over_are_forgotten_and_orphans_swept(stand: Stand) -> None:
    await stand.place("rep.admin", (1,))
    worker = stand.worker()
    await worker.work()
    orphan = stand.root / "orders" / "nobody" / "attempt"
    orphan.mkdir(parents=True)
    (orphan / "file.csv.part").write_text("half", encoding="utf-8")
    await worker.tidy()
    assert not orphan.exists()
    assert len(stand.on_disk()) == 1
    await stand.clock.advance(401 * 86_400)
    await worker.tidy()
    async with stand.database.reading() as connection:
        assert (await connection.execute(select(report_orders))).all() == []
        assert (await connection.execute(select(report_order_meters))).all() == []
    assert stand.on_disk() == []


async def test_large_files_are_linked_and_small_ones_attached(stand: Stand) -> None:
    placed = await stand.place("rep.admin", (1, 2))
    await stand.worker(by=replace(POST, most_attached_bytes=100)).work()
    (letter,) = await stand.letters()
    (file,) = await stand.files(placed.number)
    assert letter.attachments == []
    assert f"https://meters.example.com/orders/{placed.number}/files/{file.name}" in letter.text
    await stand.place("rep.admin", (1,))
    await stand.worker("two").work()
    attached = (await stand.letters())[1].attachments
    assert [each["media_type"] for each in attached] == ["text/csv"]
    assert (stand.root / attached[0]["path"]).is_file()


async def test_a_letter_that_waited_goes_only_while_every_meter_in_its_file_is_still_its_reader_s(stand: Stand) -> None:
    for numbers in ((1, 2), (5,)):
        await stand.place("rep.admin", numbers)
    worker = stand.worker()
    while await worker.work():
        pass
    await stand.switch(2)
    async with post_office() as office:
        settings = MailSettings(host="127.0.0.1", port=office.port, protection=Protection.NONE, timeout_s=5)
        transport = SmtpTransport(settings)
        sender = MailSender(stand.database, transport, stand.clock, settings, stand.root, may_go)
        assert await sender.turn() == 2
        (mail,) = [message_from_bytes(each, policy=default) for each in office.mails]
        (attached,) = mail.iter_attachments()
        assert esi(5) in attached.get_content()
    sent = [letter for letter in await stand.letters() if letter.sent_at is not None]
    (kept_back,) = [letter for letter in await stand.letters() if letter.failed_at is not None]
    assert len(sent) == 1
    assert "may not go out any more" in kept_back.error


async def test_a_link_of_a_letter_leads_its_reader_to_the_file_and_another_to_nothing(
    stand: Stand, portal: Portal
) -> None:
    placed = await stand.place("rep.admin", (1, 2))
    await stand.worker(by=replace(POST, most_attached_bytes=0)).work()
    (letter,) = await stand.letters()
    (file,) = await stand.files(placed.number)
    link = f"/orders/{placed.number}/files/{file.name}"
    assert f"https://meters.example.com{link}" in letter.text
    transport = httpx.ASGITransport(app=full_app(portal, stand.intervals, stand.registers))
    async with httpx.AsyncClient(transport=transport, base_url="https://meters.example.com") as client:
        assert (await client.get(link, headers={"Accept": "text/html"})).status_code in (303, 401)
        answers: dict[tuple[str, bool], httpx.Response] = {}
        for user_id in ("rep.admin", "blue.admin"):
            session = await client.post("/api/v1/sessions", json={"user_id": user_id, "password": PASSWORD})
            proof = {"Authorization": f"Bearer {session.json()['token']}"}
            answers[user_id, True] = await client.get(link, headers=proof)
            answers[user_id, False] = await client.get(link.replace(f"{placed.number}", "1000000001"), headers=proof)
    assert answers["rep.admin", True].text == await text_of(stand, placed.number)
    assert answers["blue.admin", True].status_code == answers["blue.admin", False].status_code == 404
    assert answers["blue.admin", True].text == answers["blue.admin", False].text
