"""Letters are checked when they are made, and posted in the transaction of what they tell."""

from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.errors import BadInput
from portal.mail.letters import Attachment, Letter
from portal.mail.outbox import post
from portal.mail.tables import letters
from tests.clock import HandClock

REPORT = Attachment(name="usage.csv", media_type="text/csv", path="1/adhocusage/usage.csv")


def letter(**more: object) -> Letter:
    values: dict[str, object] = {"to": "desk@lonestar.example", "subject": "Your report", "text": "Here it is."}
    return Letter(**values | more)  # type: ignore[arg-type]  # tests name the fields they set


async def test_a_letter_is_there_once_its_transaction_is_committed(database: Database, clock: HandClock) -> None:
    await database.write(lambda connection: post(connection, letter(attachments=(REPORT,)), clock.now()))
    async with database.reading() as connection:
        row = (await connection.execute(select(letters))).one()
    assert (row.recipient, row.subject, row.text, row.html) == (
        "desk@lonestar.example", "Your report", "Here it is.", None
    )  # fmt: skip
    assert row.attachments == [{"name": "usage.csv", "media_type": "text/csv", "path": "1/adhocusage/usage.csv"}]
    assert (row.attempts, row.next_at, row.sent_at, row.failed_at) == (0, clock.now(), None, None)


async def test_a_letter_whose_transaction_fails_was_never_posted(database: Database, clock: HandClock) -> None:
    async def fails(connection: AsyncConnection, now: datetime) -> None:
        await post(connection, letter(), now)
        raise BadInput("the order was refused")

    with pytest.raises(BadInput, match="the order was refused"):
        await database.write(lambda connection: fails(connection, clock.now()))
    async with database.reading() as connection:
        assert (await connection.execute(select(letters))).all() == []


@given(text=st.text(), end=st.sampled_from(["\r\n", "\n", "\r", "\0", "\x0b", "\x85", "\u2028"]))
@example(text="Report\r\nBcc: everyone@example.com", end="\n")
def test_nothing_with_a_line_break_becomes_a_subject_an_address_or_a_name(text: str, end: str) -> None:
    for broken in (text + end, end + text, text + end + text):
        with pytest.raises(BadInput):
            letter(subject=broken)
        with pytest.raises(BadInput):
            letter(to=f"desk@lonestar.example{broken}")
        with pytest.raises(BadInput):
            Attachment(name=broken, media_type="text/csv", path="1/x.csv")


@pytest.mark.parametrize(
    "address", ["", "desk", "desk@", "@a.example", "a@b@c.example", "a b@c.example", "<a@b.example>", "a@b.example,c@d",
                "Desk <a@b.example>", "a@b..", "a" * 250 + "@b.example", "ä@b.example"],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match="is not a mail address"):
        letter(to=address)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../other", "1/../../x", "1/x\n"])
def test_an_attachment_stays_inside_the_folder_of_files(path: str) -> None:
    with pytest.raises(BadInput, match="stays inside"):
        Attachment(name="x.csv", media_type="text/csv", path=path)
