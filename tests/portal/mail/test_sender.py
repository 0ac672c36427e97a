"""What waits in the outbox is sent over real SMTP, tried again while that may help, and given up in words."""

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Row, select

from gateway.config import Secret
from gateway.database import Database
from gateway.errors import BadConfig
from portal.files.folders import Folder, placing
from portal.mail.commands import lines_of
from portal.mail.letters import Attachment, Letter
from portal.mail.outbox import give_up, note_sent, outstanding, post, put_back, take, try_again
from portal.mail.sender import MailSender, pause_s
from portal.mail.settings import MailSettings, Protection
from portal.mail.tables import letters
from portal.mail.transport import SmtpTransport
from portal.orders.files import may_go
from portal.smt.certificates import ensure_certificates
from tests.clock import HandClock
from tests.portal.mail.post_office import PASSWORD, USER, PostOffice, post_office, silent_server
from tests.servers import free_port

REPORT = Attachment(name="Zählerstände.csv", media_type="text/csv", path="1/adhocusage/usage.csv")
LETTER = Letter(
    to="desk@lonestar.example",
    subject="Order 17 – ready",
    text="Your report is attached.\nÉnergie: 1,234 kWh\n.\n",
    html="<p>Your report is attached.</p>",
    attachments=(REPORT,),
)


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    async with post_office() as office:
        yield office


def settings_for(port: int, **more: Any) -> MailSettings:
    plain = MailSettings(host="127.0.0.1", port=port, protection=Protection.NONE, timeout_s=5)
    return replace(plain, **more)


def sender_over(database: Database, clock: HandClock, folder: Path, settings: MailSettings) -> MailSender:
    transport = SmtpTransport(settings) if settings.host else None
    return MailSender(database, transport, clock, settings, folder, may_go)


async def posted(database: Database, clock: HandClock, letter: Letter = LETTER, folder: Path | None = None) -> None:
    if folder is not None:
        with placing(folder, 1, Folder.ADHOC, "usage.csv") as file:
            file.write(b"ESIID,USAGE_KWH\n")
    await database.write(lambda connection: post(connection, letter, clock.now()))


async def only(database: Database) -> Row[Any]:
    async with database.reading() as connection:
        return (await connection.execute(select(letters))).one()


def parsed(mail: bytes) -> EmailMessage:
    message = message_from_bytes(mail, policy=default)
    assert isinstance(message, EmailMessage)
    return message


async def test_a_letter_arrives_as_text_as_html_and_with_its_file(
    database: Database, clock: HandClock, tmp_path: Path, office: PostOffice
) -> None:
    await posted(database, clock, folder=tmp_path)
    assert await sender_over(database, clock, tmp_path, settings_for(office.port)).turn() == 1
    (mail,) = map(parsed, office.mails)
    assert (mail["To"], mail["Subject"]) == ("desk@lonestar.example", "Order 17 – ready")
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == LETTER.text.splitlines()
    assert html.get_content().strip() == LETTER.html
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("Zählerstände.csv", "text/csv")
    assert file.get_payload(decode=True) == b"ESIID,USAGE_KWH\n"
    row = await only(database)
    assert (row.sent_at, row.attempts, row.leased_until, row.error) == (clock.now(), 1, None, None)


async def test_a_letter_that_was_sent_is_not_sent_again(
    database: Database, clock: HandClock, tmp_path: Path, office: PostOffice
) -> None:
    await posted(database, clock, folder=tmp_path)
    sender = sender_over(database, clock, tmp_path, settings_for(office.port))
    assert [await sender.turn() for _ in range(3)] == [1, 0, 0]
    clock.set(clock.now().replace(year=2027))
    assert await sender.turn() == 0
    assert len(office.mails) == 1


async def test_a_server_that_is_away_is_tried_again_after_growing_pauses_and_then_given_up(
    database: Database, clock: HandClock, tmp_path: Path
) -> None:
    settings = settings_for(free_port(), most_attempts=4, retry_first_s=30, retry_last_s=100)
    sender = sender_over(database, clock, tmp_path, settings)
    await posted(database, clock, replace(LETTER, attachments=()))
    waits = []
    for _ in range(3):
        assert await sender.turn() == 1
        row = await only(database)
        assert row.failed_at is None
        assert row.error.startswith("the mail server cannot be reached")
        waits.append((row.next_at - clock.now()).total_seconds())
        assert await sender.turn() == 0, "not before its time"
        clock.set(row.next_at)
    assert waits == [30, 60, 100]
    await sender.turn()
    assert (await only(database)).failed_at == clock.now()
    clock.set(clock.now().replace(year=2027))
    assert await sender.turn() == 0


async def test_a_letter_that_failed_goes_out_when_somebody_says_so(
    database: Database, clock: HandClock, tmp_path: Path
) -> None:
    await posted(database, clock, replace(LETTER, attachments=()))
    port = free_port()
    sender = sender_over(database, clock, tmp_path, settings_for(port, most_attempts=1))
    await sender.turn()
    letter_id = (await only(database)).id
    assert not await database.write(lambda connection: try_again(connection, letter_id + 1, clock.now()))
    assert await database.write(lambda connection: try_again(connection, letter_id, clock.now()))
    async with post_office(port=port) as office:
        await sender.turn()
        assert len(office.mails) == 1
    row = await only(database)
    assert (row.sent_at, row.failed_at, row.error) == (clock.now(), None, None)
    assert not await database.write(lambda connection: try_again(connection, letter_id, clock.now()))


@pytest.mark.parametrize(("answer", "final"), [("550 no such mailbox", True), ("451 try later", False)])
@pytest.mark.parametrize("stage", ["to_recipient", "to_data"])
async def test_a_servers_no_is_final_if_it_says_so(
    database: Database, clock: HandClock, tmp_path: Path, office: PostOffice, answer: str, final: bool, stage: str
) -> None:
    setattr(office, stage, answer)
    await posted(database, clock, replace(LETTER, attachments=()))
    await sender_over(database, clock, tmp_path, settings_for(office.port)).turn()
    row = await only(database)
    assert (row.sent_at, row.failed_at is not None) == (None, final)
    assert row.error == f"the mail server said {answer}"


async def test_a_server_that_says_nothing_is_left_in_time(database: Database, clock: HandClock, tmp_path: Path) -> None:
    await posted(database, clock, replace(LETTER, attachments=()))
    async with silent_server() as port:
        await sender_over(database, clock, tmp_path, settings_for(port, timeout_s=0.1)).turn()
    row = await only(database)
    assert (row.failed_at, row.error) == (None, "the mail server did not answer in time")


async def test_a_server_that_talks_on_and_on_is_left_before_the_lease_ends(
    database: Database, clock: HandClock, tmp_path: Path, office: PostOffice
) -> None:
    office.gate.clear()
    await posted(database, clock, replace(LETTER, attachments=()))
    await sender_over(database, clock, tmp_path, settings_for(office.port, lease_s=0.25)).turn()
    assert (await only(database)).error == "the mail server took longer than a letter may take"


async def test_one_letter_that_cannot_be_made_keeps_no_other_back(
    database: Database, clock: HandClock, tmp_path: Path, office: PostOffice
) -> None:
    await posted(database, clock)  # without its file
    await posted(database, clock, replace(LETTER, attachments=(), subject="the other"))
    await sender_over(database, clock, tmp_path, settings_for(office.port)).turn()
    assert [parsed(mail)["Subject"] for mail in office.mails] == ["the other"]
    async with database.reading() as connection:
        (left,) = await outstanding(connection, 10, every=False)
    assert left.failed_at == clock.now()
    assert left.error == "the attachment Zählerstände.csv is not there any more, or is too large for mail"


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "large", "link above"])
async def test_what_is_no_file_of_its_folder_is_not_attached(
    database: Database, clock: HandClock, tmp_path: Path, office: PostOffice, kind: str
) -> None:
    secret, folder = tmp_path / "secret", tmp_path / "files"
    secret.mkdir()
    (secret / "usage.csv").write_bytes(b"somebody else's")
    await posted(database, clock, folder=folder)
    place = folder / "1" / "adhocusage" / "usage.csv"
    place.unlink()
    if kind == "link":
        place.symlink_to(secret / "usage.csv")
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "large":
        place.write_bytes(bytes(101))
    else:
        place.parent.rmdir()
        place.parent.symlink_to(secret)
    await sender_over(database, clock, folder, settings_for(office.port, most_attachment_bytes=100)).turn()
    assert office.mails == []
    assert "is not there any more" in (await only(database)).error


async def test_without_a_mail_server_letters_wait_and_the_log_says_so_once(
    database: Database, clock: HandClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sender = sender_over(database, clock, tmp_path, MailSettings())
    with caplog.at_level(logging.WARNING):
        assert await sender.turn() == 0
        assert caplog.messages == [], "there is nothing to say while no letter waits"
        await posted(database, clock)
        assert [await sender.turn() for _ in range(3)] == [0, 0, 0]
    assert len([line for line in caplog.messages if "letters wait" in line]) == 1
    async with database.reading() as connection:
        (line,) = lines_of(await outstanding(connection, 10, every=False))
    assert line.split() == [
        "1", "2026-07-01", "10:00:00", "waits", "desk@lonestar.example", "Order", "17", "–", "ready"
    ]  # fmt: skip


async def test_of_two_senders_one_has_a_letter_until_its_lease_ends(
    database: Database, clock: HandClock, tmp_path: Path, office: PostOffice
) -> None:
    await posted(database, clock, replace(LETTER, attachments=()))
    settings = settings_for(office.port, lease_s=60)
    one, other = (sender_over(database, clock, tmp_path, settings) for _ in range(2))
    office.gate.clear()
    first = asyncio.create_task(one.turn())
    await asyncio.wait_for(office.arrived.get(), 10)
    assert await other.turn() == 0
    clock.set(clock.now().replace(minute=5))
    second = asyncio.create_task(other.turn())
    await asyncio.wait_for(office.arrived.get(), 10)
    office.gate.set()
    assert [await first, await second] == [1, 1]
    assert len(set(office.identities)) == 1, "whoever gets it twice can tell by its Message-ID"
    row = await only(database)
    assert (row.attempts, row.sent_at is not None) == (2, True)


async def test_a_sender_whose_lease_ran_out_says_only_that_a_letter_was_sent(
    database: Database, clock: HandClock
) -> None:
    await posted(database, clock)
    taking = partial(take, lease_s=60, most=8)
    (early,) = await database.write(partial(taking, now=clock.now()))
    clock.set(clock.now().replace(minute=5))
    (late,) = await database.write(partial(taking, now=clock.now()))
    held = await only(database)
    assert (early.attempt, late.attempt, held.attempts) == (1, 2, 2)
    await database.write(partial(put_back, taken=early, next_at=clock.now(), error="too late"))
    await database.write(partial(give_up, taken=early, now=clock.now(), error="too late"))
    assert await only(database) == held, "it is the later one's"
    await database.write(partial(note_sent, taken=early, now=clock.now()))
    await database.write(partial(give_up, taken=late, now=clock.now(), error="the server is gone"))
    row = await only(database)
    assert (row.sent_at, row.failed_at, row.error) == (clock.now(), None, None), "a mail server has it, whoever says so"


async def test_old_letters_are_removed_and_waiting_ones_are_not(
    database: Database, clock: HandClock, tmp_path: Path, office: PostOffice
) -> None:
    await posted(database, clock, replace(LETTER, attachments=()))
    settings = settings_for(office.port, kept_days=30)
    await sender_over(database, clock, tmp_path, settings).turn()
    clock.set(clock.now().replace(month=9))
    await posted(database, clock, replace(LETTER, attachments=(), subject="waits"))
    tidying = asyncio.create_task(sender_over(database, clock, tmp_path, MailSettings(kept_days=30)).run())
    async with asyncio.timeout(10):
        while True:
            async with database.reading() as connection:
                if [row.subject for row in await outstanding(connection, 10, every=True)] == ["waits"]:
                    break
            await asyncio.sleep(0)
    tidying.cancel()
    await asyncio.gather(tidying, return_exceptions=True)


@given(attempt=st.integers(1, 10_000))
def test_pauses_grow_and_have_a_bound(attempt: int) -> None:
    settings = MailSettings()
    assert settings.retry_first_s <= pause_s(attempt, settings) <= pause_s(attempt + 1, settings)
    assert pause_s(attempt, settings) <= settings.retry_last_s


class TestProtection:
    """STARTTLS, TLS from the start, and signing in; on SQLite only, for the database plays no part."""

    @pytest.fixture
    def database_url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/mail.db"

    @pytest.fixture
    def trust(self, tmp_path: Path, clock: HandClock) -> ssl.SSLContext:
        ensure_certificates(tmp_path / "tls", clock.now())
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trust.load_cert_chain(tmp_path / "tls" / "server.pem", tmp_path / "tls" / "server.key")
        return trust

    def options(self, tmp_path: Path, password: str = PASSWORD) -> dict[str, Any]:
        (tmp_path / "password").write_text(password, encoding="utf-8")
        secret = Secret(file=tmp_path / "password")
        return {"username": USER, "password": secret, "ca_file": tmp_path / "tls" / "ca.pem"}

    @pytest.mark.parametrize("protection", [Protection.STARTTLS, Protection.TLS])
    async def test_a_password_goes_under_tls(
        self, database: Database, clock: HandClock, tmp_path: Path, trust: ssl.SSLContext, protection: Protection
    ) -> None:
        await posted(database, clock, replace(LETTER, attachments=()))
        from_start = protection is Protection.TLS
        async with post_office(trust, from_start=from_start, signed_in=True) as office:
            settings = settings_for(office.port, protection=protection, **self.options(tmp_path))
            await sender_over(database, clock, tmp_path, settings).turn()
        row = await only(database)
        assert (row.error, row.sent_at) == (None, clock.now())
        assert len(office.mails) == 1

    async def test_a_wrong_password_is_told_without_it(
        self, database: Database, clock: HandClock, tmp_path: Path, trust: ssl.SSLContext
    ) -> None:
        await posted(database, clock, replace(LETTER, attachments=()))
        async with post_office(trust, signed_in=True) as office:
            options = self.options(tmp_path, "not-the-password")
            await sender_over(
                database, clock, tmp_path, settings_for(office.port, protection=Protection.STARTTLS, **options)
            ).turn()
        row = await only(database)
        assert (row.sent_at, row.failed_at) == (None, None)
        assert row.error == "the mail server refused the user name or the password (535)"

    async def test_a_server_that_nobody_vouches_for_gets_neither_mail_nor_password(
        self, database: Database, clock: HandClock, tmp_path: Path, trust: ssl.SSLContext
    ) -> None:
        await posted(database, clock, replace(LETTER, attachments=()))
        async with post_office(trust, signed_in=True) as office:
            options = self.options(tmp_path) | {"ca_file": None}
            await sender_over(
                database, clock, tmp_path, settings_for(office.port, protection=Protection.STARTTLS, **options)
            ).turn()
        assert office.mails == []
        assert "certificate" in (await only(database)).error.lower()

    async def test_a_server_without_starttls_gets_no_mail(
        self, database: Database, clock: HandClock, tmp_path: Path
    ) -> None:
        await posted(database, clock, replace(LETTER, attachments=()))
        async with post_office() as office:
            settings = settings_for(office.port, protection=Protection.STARTTLS)
            await sender_over(database, clock, tmp_path, settings).turn()
        assert office.mails == []
        assert (await only(database)).sent_at is None

    def test_a_password_without_protection_is_refused_at_start(self, tmp_path: Path) -> None:
        options = self.options(tmp_path) | {"ca_file": None}
        with pytest.raises(BadConfig, match="not sent without protection"):
            SmtpTransport(settings_for(25, host="smtp.example.com", **options))
